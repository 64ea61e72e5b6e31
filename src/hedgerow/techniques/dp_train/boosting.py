"""Private gradient boosting: shallow trees with public splits, and leaves from exact, bounded, noisy sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_train import arrays, declared
from hedgerow.techniques.dp_train.cells import Cells, Group, declared_groups
from hedgerow.techniques.dp_train.chances import chance_steps, wanted_steps
from hedgerow.techniques.dp_train.estimators import BoundedEstimator, Classifier, Regressor
from hedgerow.techniques.dp_train.paying import Noise, spending, step_noise
from hedgerow.techniques.dp_train.sums import RESIDUAL_UNIT, Layout, layout, scattered_sum
from hedgerow.techniques.dp_train.trees import (
    PAIR_LEAVES,
    SCORE_UNIT,
    Tree,
    groups_in_turn,
    leaf_scores,
    random_parts,
    summed_scores,
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_TREES_MOST = 10_000
_BINS_MOST = 1_000
_CLIP_MOST = 4.0
# The second derivative of a squared error, beside gradients within -2 and 2: a quarter of them a person.
_WEIGHT = RESIDUAL_UNIT // 4


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees grow, all of it fixed beforehand.

    Args:
        turns: The groups that each tree looks at.
        leaves: Into how many sides an ordered group is cut.
        bound: What one person adds to the sums of a tree, in L2, in units of 2**-12.
        learning_rate: The share of a step that a tree takes.
    """

    turns: tuple[tuple[int, ...], ...]
    leaves: int
    bound: int
    learning_rate: float


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """What trees are to predict.

    Args:
        outputs: How many scores a row has.
        unit: How many units make a second derivative of 1.
        gradients: From exact scores to gradients and then second derivatives, whole numbers in units of
            2**-12, shape ``(rows, 2 * outputs)``; each row from its own score and target alone.
    """

    outputs: int
    unit: int
    gradients: Callable[[Floats], Floats]


@dataclass(kw_only=True, eq=False, repr=False)
class Boosting(BoundedEstimator):
    """What boosting of classes and of numbers shares.

    Args:
        groups: Which adjacent features are marks of one column, as ``PublicEncoder.groups`` tells; none where
            each feature is a number.
        bins: Into how many public bins of equal width a number falls.
        cycles: How often each group has a tree of its own.
        interactions: How many more trees look at two groups together.
        leaves: Into how many leaves such a tree cuts bins, at random.
        learning_rate: The share of a step that a tree takes, above 0 to 1.
        clip: What one person may add to the sums of a tree, in L2.
    """

    groups: Any = None
    bins: int = 32
    cycles: int = 6
    interactions: int = 0
    leaves: int = 8
    learning_rate: float = 0.7
    clip: float = 0.5

    def planned(self, width: int) -> Noise:
        """Plan the noise of a run, which tells what it costs; no data is needed.

        Args:
            width: How many features there are.

        Returns:
            The noise of each step.

        Raises:
            Refused: As :meth:`fit`.
            CallerError: As :meth:`fit`.
        """
        groups, cycles, pairs = self._shape(width)
        leaves = self._leaves()
        widest = max(_side(group, self.bins, leaves) for group in groups)
        if pairs and len(groups) > 1:
            widest = max(widest, PAIR_LEAVES)
        trees = cycles * len(groups) + pairs * (len(groups) > 1)
        return step_noise(self._wish(), self._bound(), trees, widest * 2 * self._outputs())

    def _outputs(self) -> int:
        """Tell how many scores a row has."""
        return 1

    def _shape(self, width: int) -> tuple[tuple[Group, ...], int, int]:
        """Read the groups and how often each is looked at, and refuse what no tree can be made of."""
        groups = declared_groups(self.groups, width)
        declared.whole(self.bins, "bins", _BINS_MOST)
        is_none = not isinstance(self.interactions, bool) and self.interactions == 0
        pairs = 0 if is_none else declared.whole(self.interactions, "interactions", _TREES_MOST)
        cycles = declared.whole(self.cycles, "cycles", _TREES_MOST)
        trees = cycles * len(groups) + pairs
        if trees > _TREES_MOST:
            raise Refused("learn.too-large", what="trees", number=f"{trees:,}", most=f"{_TREES_MOST:,}")
        return groups, cycles, pairs

    def _leaves(self) -> int:
        return declared.whole(self.leaves, "leaves", _BINS_MOST)

    def _bound(self) -> int:
        bound = int(declared.positive(self.clip, "clip", _CLIP_MOST) * RESIDUAL_UNIT)
        if bound < 1:
            raise CallerError("learn.bad-parameter", parameter="clip", advice="Give a larger one.")
        return bound

    def _train(
        self,
        features: Floats,
        names: list[str] | None,
        person: Any,  # noqa: ANN401 - anything that names people
        aim_of: Callable[[Integers], Aim],
    ) -> None:
        """Pay, grow, and keep what was learnt; ``aim_of`` takes the order of the rows."""
        _, budget = self._checked_terms()
        width = features.shape[1]
        lower, upper = declared.bound_pairs(self.bounds, names, width).T
        groups, cycles, pairs = self._shape(width)
        cells = Cells(groups, lower, upper, int(self.bins))
        rate = declared.positive(self.learning_rate, "learning_rate", 1.0)
        turns = tuple(groups_in_turn(len(groups), cycles, pairs))
        growth = Growth(turns, self._leaves(), self._bound(), rate)
        noise = self.planned(width)
        people = layout(arrays.people(person, len(features)), len(features))
        aim, codes = aim_of(people.order), cells.codes(features)[people.order]
        with spending(self, budget, self._wish(), noise):
            self.cells_, self.trees_ = cells, grown(codes, people, aim, cells, growth, noise)
            self._note_columns(features, names)
            self.n_iter_ = len(turns)

    def _summed(self, features: Floats) -> Floats:
        return summed_scores(self.trees_, self.cells_.codes(features), self._outputs())


@dataclass(kw_only=True, eq=False, repr=False)
class DPGradientBoostingClassifier(Boosting, Classifier):
    """Boosted shallow trees that predict a class, differentially private for each person in the data.

    It takes ``epsilon``, ``delta``, ``bounds``, ``classes`` and ``budget``, and what :class:`Boosting` names.
    Trees look at one column in turn and are cut at random between public bins, which costs nothing. Their
    leaves are Newton steps from noisy sums of gradients and second derivatives.

    Guarantee: after ``fit``, all attributes that end in ``_`` are (epsilon, delta)-differentially private for
        adding or removing all rows of one person. Refusals of ``fit`` speak of the data and are not.
    Source: Nori, Caruana, Bu, Shen, Kulkarni 2021, "Accuracy, interpretability, and differential privacy via
        explainable boosting", for splits that cost nothing; Canonne, Kamath, Steinke 2020 for the noise.
    """

    def fit(self, X: Any, y: Any, person: Any = None) -> DPGradientBoostingClassifier:  # noqa: ANN401, N803 - theirs
        """Train on a table, and take the cost off the budget before a value is summed.

        Args:
            X: Features, shape ``(rows, features)``: an array or a data frame of numbers.
            y: The class of each row, one of the declared.
            person: Who each row is about; none when each row is a person of its own.

        Returns:
            The same estimator, with ``trees_``, ``classes_``, ``budget_`` and ``n_iter_``.

        Raises:
            Refused: ``learn.undeclared``, ``learn.seeded``, ``learn.budget-exhausted``,
                ``learn.budget-mixed``, ``learn.delta-too-small`` or ``learn.too-large``; nothing was spent.
            CallerError: When a parameter or the data is malformed; nothing was spent.
        """
        classes = declared.declared_classes(self.classes)
        features, names = arrays.matrix(X)
        places = arrays.labels(y, len(features), classes)
        self._train(features, names, person, lambda order: class_aim(places[order], len(classes)))
        self.classes_ = classes
        return self

    def _outputs(self) -> int:
        return declared.outputs_of(declared.declared_classes(self.classes))

    def _scored(self, features: Floats) -> Floats:
        return self._summed(features)


@dataclass(kw_only=True, eq=False, repr=False)
class DPGradientBoostingRegressor(Boosting, Regressor):
    """Boosted shallow trees that predict a number, differentially private for each person in the data.

    It takes ``epsilon``, ``delta``, ``bounds``, ``y_bounds`` and ``budget``, and what :class:`Boosting`
    names.

    Guarantee: after ``fit``, all attributes that end in ``_`` are (epsilon, delta)-differentially private for
        adding or removing all rows of one person. Refusals of ``fit`` speak of the data and are not.
    Source: as for :class:`DPGradientBoostingClassifier`, with squared errors.
    """

    def fit(self, X: Any, y: Any, person: Any = None) -> DPGradientBoostingRegressor:  # noqa: ANN401, N803 - theirs
        """Train on a table, and take the cost off the budget before a value is summed.

        Args:
            X: Features, shape ``(rows, features)``: an array or a data frame of numbers.
            y: The number to be predicted for each row.
            person: Who each row is about; none when each row is a person of its own.

        Returns:
            The same estimator, with ``trees_``, ``budget_`` and ``n_iter_``.

        Raises:
            Refused: ``learn.undeclared``, ``learn.seeded``, ``learn.budget-exhausted``,
                ``learn.budget-mixed``, ``learn.delta-too-small`` or ``learn.too-large``; nothing was spent.
            CallerError: When a parameter or the data is malformed; nothing was spent.
        """
        middle, half = self._target()
        features, names = arrays.matrix(X)
        aims = np.clip((arrays.targets(y, len(features)) - middle) / half, -1, 1)
        self._train(features, names, person, lambda order: number_aim(aims[order]))
        self._middle, self._half = middle, half
        return self

    def _predicted(self, features: Floats) -> Floats:
        return self._middle + self._half * self._summed(features)[:, 0]


def class_aim(places: Integers, classes: int) -> Aim:
    """Aim at classes, by log loss.

    Args:
        places: The place of each row's class, in the order of the people.
        classes: How many classes there are.

    Returns:
        The aim.
    """
    wanted = wanted_steps(places, classes)

    def gradients(scores: Floats) -> Floats:
        chances = chance_steps(scores)
        curves = np.floor(chances * (RESIDUAL_UNIT - chances) / RESIDUAL_UNIT)
        return np.hstack([chances - wanted, curves])

    return Aim(wanted.shape[1], RESIDUAL_UNIT, gradients)


def number_aim(aims: Floats) -> Aim:
    """Aim at numbers, by squared error.

    Args:
        aims: Targets within -1 and 1, in the order of the people.

    Returns:
        The aim.
    """
    wanted = np.rint(aims * RESIDUAL_UNIT)[:, None]

    def gradients(scores: Floats) -> Floats:
        behind = np.floor(scores / (SCORE_UNIT // RESIDUAL_UNIT)) - wanted
        curves = np.full_like(behind, _WEIGHT)
        return np.hstack([np.clip(behind, -2 * RESIDUAL_UNIT, 2 * RESIDUAL_UNIT), curves])

    return Aim(1, _WEIGHT, gradients)


def grown(
    codes: Integers, people: Layout, aim: Aim, cells: Cells, growth: Growth, noise: Noise
) -> tuple[Tree, ...]:
    """Grow trees one after the other, each from one noisy vector.

    Args:
        codes: The cells of the rows, in the order of the people.
        people: Who the rows are about.
        aim: What to predict.
        cells: The public cells.
        growth: How trees grow.
        noise: The noise of a tree.

    Returns:
        The trees.
    """
    scores = np.zeros((len(codes), aim.outputs))
    learnt, trees = _nothing(cells), []
    for turn in growth.turns:
        parts = random_parts(cells, turn, growth.leaves, learnt)
        blank = Tree(turn, parts, np.empty(0))
        places = blank.places(codes)
        exact = leaf_sums(people, places, aim.gradients(scores), growth.bound, blank.leaves)
        noisy = noise.add(exact.ravel()).reshape(exact.shape)
        slopes, weights = noisy[:, : aim.outputs] / RESIDUAL_UNIT, noisy[:, aim.outputs :] / aim.unit
        values = leaf_scores(slopes, weights, noise.deviation / RESIDUAL_UNIT, growth.learning_rate)
        trees.append(Tree(turn, parts, values))
        scores += values[places]
        if len(turn) == 1:
            learnt[turn[0]] = learnt[turn[0]] + values[parts[0], 0]
    return tuple(trees)


def leaf_sums(people: Layout, places: Integers, gradients: Floats, bound: int, leaves: int) -> Integers:
    """Add up everybody's bounded gradients by leaf; no noise is in it, so it stays inside.

    Args:
        people: Who the rows are about.
        places: The leaf of each row.
        gradients: Gradients and second derivatives, whole numbers in units of 2**-12.
        bound: What one person adds, in L2.
        leaves: How many leaves there are.

    Returns:
        Exact sums, shape ``(leaves, 2 * outputs)``.
    """
    return scattered_sum(people, places, gradients, bound, leaves)


def _side(group: Group, bins: int, leaves: int) -> int:
    """Count the leaves of a tree of one group."""
    count = bins if group.width == 1 else group.width + 1
    return min(count, leaves) if group.is_ordered or group.width == 1 else count


def _nothing(cells: Cells) -> list[Floats]:
    return [np.zeros(cells.count(group)) for group in range(len(cells.groups))]
