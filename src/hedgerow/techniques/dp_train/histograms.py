"""One private tree: split, level by level, by noisy histograms of public cells; these tell its leaves too."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from hedgerow.techniques.dp_train import arrays, declared
from hedgerow.techniques.dp_train.cells import Cells, declared_groups
from hedgerow.techniques.dp_train.estimators import BoundedEstimator, Classifier, Regressor
from hedgerow.techniques.dp_train.paying import Noise, spending, step_noise
from hedgerow.techniques.dp_train.sums import RESIDUAL_UNIT, Layout, cut, layout

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_BINS_MOST, _DEPTH_MOST = 1_000, 10
# A leaf is drawn to what stands above it as if so many deviations of noise stood for that.
_DRAWN = 2.0
_LEAST = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Where the rows of a node go.

    Args:
        group: The group of features that is looked at.
        sides: For each of its cells 0 or 1.
    """

    group: int
    sides: Integers


@dataclass(frozen=True, slots=True)
class Reading:
    """How noisy sums of a cell are read: counts of each class, or a count and a sum of targets.

    Args:
        is_number: Whether they are of a target that is a number.
    """

    is_number: bool

    def start(self, parts: int) -> Floats:
        """Tell what is said where nothing is known."""
        return np.array([1.0, 0.0]) if self.is_number else np.full(parts, 1 / parts)

    def sizes(self, sums: Floats) -> Floats:
        """Tell of how many rows sums are, shape ``(cells,)``."""
        counts = sums[:, 0] if self.is_number else sums.sum(axis=1)
        return np.maximum(counts, 0)

    def worth(self, sides: Floats, drawn: float) -> float:
        """Tell how well sides are told apart: the purer they are, the more; small ones count for little."""
        squares = sides[:, 1] ** 2 if self.is_number else (np.maximum(sides, 0) ** 2).sum(axis=1)
        return float((squares / (self.sizes(sides) + drawn + _LEAST)).sum())

    def leaning(self, part: Floats, drawn: float) -> Floats:
        """Tell what rows of cells lean to, by which cells without an order get one."""
        found: Floats = part[:, -1] / (self.sizes(part) + drawn + _LEAST)
        return found

    def leaf(self, sums: Floats, above: Floats, drawn: float) -> Floats:
        """Tell what a side says, drawn to what the node above it says."""
        if self.is_number:
            told = (sums[1] + drawn * above[1]) / (max(float(sums[0]), 0.0) + drawn + _LEAST)
            return np.array([1.0, min(max(float(told), -1.0), 1.0)])
        kept: Floats = np.maximum(sums, 0) + drawn * above + _LEAST
        return kept / kept.sum()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, eq=False)
class HistogramTree:
    """A tree in which every leaf is as deep as every other, so that its shape tells nothing.

    Args:
        splits: Of the nodes, level by level; node ``n`` is followed by ``2n + 1`` and ``2n + 2``.
        leaves: What the leaves tell, shape ``(2**depth, outputs)``.
    """

    splits: tuple[Split, ...]
    leaves: Floats

    def places(self, codes: Integers) -> Integers:
        """Find the leaf of each row.

        Args:
            codes: The cells of the rows, shape ``(rows, groups)``.

        Returns:
            Leaves from 0, shape ``(rows,)``.
        """
        at = np.zeros(len(codes), dtype=np.int64)
        for _ in range((len(self.splits) + 1).bit_length() - 1):
            at = followed(at, self.splits, codes)
        return at - len(self.splits)


def followed(at: Integers, splits: tuple[Split, ...], codes: Integers) -> Integers:
    """Take rows one level down.

    Args:
        at: The node of each row.
        splits: Of all nodes down to that level.
        codes: The cells of the rows.

    Returns:
        The next node of each row, from its own cells alone.
    """
    found = np.empty_like(at)
    for node in np.unique(at):
        rows = at == node
        split = splits[node]
        found[rows] = 2 * node + 1 + split.sides[codes[rows, split.group]]
    return found


@dataclass(kw_only=True, eq=False, repr=False)
class SingleTree(BoundedEstimator):
    """What a tree of classes and one of numbers share.

    Args:
        groups: Which adjacent features are marks of one column, as ``PublicEncoder.groups`` tells; none where
            each feature is a number.
        bins: Into how many public bins of equal width a number falls.
        depth: How many splits a row passes; each level is one noisy vector.
    """

    groups: Any = None
    bins: int = 8
    depth: int = 3

    def planned(self, width: int) -> Noise:
        """Plan the noise of a run, which tells what it costs; no data is needed.

        Args:
            width: How many features there are.

        Returns:
            The noise of each level.

        Raises:
            Refused: As :meth:`fit`.
            CallerError: As :meth:`fit`.
        """
        cells = self._cells(np.zeros(width), np.ones(width))
        depth = declared.whole(self.depth, "depth", _DEPTH_MOST)
        _, bound = self._bounds(len(cells.groups))
        numbers = 2 ** (depth - 1) * int(offsets(cells)[-1]) * self._parts()
        return step_noise(self._wish(), bound, depth, numbers)

    def _cells(self, lower: Floats, upper: Floats) -> Cells:
        groups = declared_groups(self.groups, len(lower))
        return Cells(groups, lower, upper, declared.whole(self.bins, "bins", _BINS_MOST))

    def _parts(self) -> int:
        """Tell how many numbers a cell holds."""
        return 2

    def _bounds(self, groups: int) -> tuple[int, int]:
        """Tell what a row adds to a histogram at most, in L2, and what a person adds to all of them."""
        # One more than a row of one person ever adds, so that rounding in the cut takes nothing off it.
        each = isqrt((2 if self.KIND == "regressor" else 1) * RESIDUAL_UNIT**2) + 2
        return each, isqrt(groups * each**2) + 1

    def _train(self, features: Floats, names: list[str] | None, person: Any, values: Floats) -> None:  # noqa: ANN401
        """Pay, grow, and keep what was learnt."""
        wish, budget = self._checked_terms()
        lower, upper = declared.bound_pairs(self.bounds, names, features.shape[1]).T
        cells, noise = self._cells(lower, upper), self.planned(features.shape[1])
        people = layout(arrays.people(person, len(features)), len(features))
        codes, told = cells.codes(features)[people.order], values[people.order]
        with spending(self, budget, wish, noise):
            bounds = self._bounds(len(cells.groups))
            reading = Reading(self.KIND == "regressor")
            self.tree_ = grown_tree(codes, people, told, cells, int(self.depth), bounds, noise, reading)
            self.cells_ = cells
            self._note_columns(features, names)
            self.n_iter_ = int(self.depth)

    def _told(self, features: Floats) -> Floats:
        return self.tree_.leaves[self.tree_.places(self.cells_.codes(features))]


@dataclass(kw_only=True, eq=False, repr=False)
class DPTreeClassifier(SingleTree, Classifier):
    """One tree that predicts a class, differentially private for each person in the data.

    It takes ``epsilon``, ``delta``, ``bounds``, ``classes`` and ``budget``, and what :class:`SingleTree`
    names. At each level every node has a noisy histogram of the classes over the public cells of every
    column; where it splits and what its leaves say are computed of these.

    Guarantee: after ``fit``, all attributes that end in ``_`` are (epsilon, delta)-differentially private for
        adding or removing all rows of one person. Refusals of ``fit`` speak of the data and are not.
    Source: Friedman and Schuster 2010, "Data mining with differential privacy", for trees by noisy counts;
        Canonne, Kamath, Steinke 2020 for the noise.
    """

    def fit(self, X: Any, y: Any, person: Any = None) -> DPTreeClassifier:  # noqa: ANN401, N803 - sklearn's
        """Train on a table, and take the cost off the budget before a row is counted.

        Args:
            X: Features, shape ``(rows, features)``: an array or a data frame of numbers.
            y: The class of each row, one of the declared.
            person: Who each row is about; none when each row is a person of its own.

        Returns:
            The same estimator, with ``tree_``, ``classes_``, ``budget_`` and ``n_iter_``.

        Raises:
            Refused: ``learn.undeclared``, ``learn.seeded``, ``learn.budget-exhausted``,
                ``learn.budget-mixed``, ``learn.delta-too-small`` or ``learn.too-large``; nothing was spent.
            CallerError: When a parameter or the data is malformed; nothing was spent.
            Fault: ``learn.failed``.
        """
        classes = declared.declared_classes(self.classes)
        features, names = arrays.matrix(X)
        places = arrays.labels(y, len(features), classes)
        self._train(features, names, person, np.eye(len(classes))[places] * RESIDUAL_UNIT)
        self.classes_ = classes
        return self

    def predict_proba(self, X: Any) -> Floats:  # noqa: ANN401, N803 - scikit-learn's own
        """Estimate the chance of each class.

        Args:
            X: Features, as for :meth:`fit`.

        Returns:
            Shape ``(rows, classes)``; each row adds up to 1.
        """
        return self._told(self._taken(X))

    def _parts(self) -> int:
        return len(declared.declared_classes(self.classes))

    def _scored(self, features: Floats) -> Floats:
        logs = np.log(np.maximum(self._told(features), np.finfo(np.float64).tiny))
        return logs[:, 1:] - logs[:, :1] if logs.shape[1] == 2 else logs  # noqa: PLR2004 - two classes


@dataclass(kw_only=True, eq=False, repr=False)
class DPTreeRegressor(SingleTree, Regressor):
    """One tree that predicts a number, differentially private for each person in the data.

    It takes ``epsilon``, ``delta``, ``bounds``, ``y_bounds`` and ``budget``, and what :class:`SingleTree`
    names. A cell holds how many rows there are and the sum of their targets, both noisy.

    Guarantee: after ``fit``, all attributes that end in ``_`` are (epsilon, delta)-differentially private for
        adding or removing all rows of one person. Refusals of ``fit`` speak of the data and are not.
    Source: as for :class:`DPTreeClassifier`.
    """

    def fit(self, X: Any, y: Any, person: Any = None) -> DPTreeRegressor:  # noqa: ANN401, N803 - sklearn's
        """Train on a table, and take the cost off the budget before a row is counted.

        Args:
            X: Features, shape ``(rows, features)``: an array or a data frame of numbers.
            y: The number to be predicted for each row.
            person: Who each row is about; none when each row is a person of its own.

        Returns:
            The same estimator, with ``tree_``, ``budget_`` and ``n_iter_``.

        Raises:
            Refused: ``learn.undeclared``, ``learn.seeded``, ``learn.budget-exhausted``,
                ``learn.budget-mixed``, ``learn.delta-too-small`` or ``learn.too-large``; nothing was spent.
            CallerError: When a parameter or the data is malformed; nothing was spent.
            Fault: ``learn.failed``.
        """
        middle, half = self._target()
        features, names = arrays.matrix(X)
        aims = np.clip((arrays.targets(y, len(features)) - middle) / half, -1, 1)
        whole = np.rint(aims * RESIDUAL_UNIT)
        self._train(features, names, person, np.column_stack([np.full_like(whole, RESIDUAL_UNIT), whole]))
        self._middle, self._half = middle, half
        return self

    def _predicted(self, features: Floats) -> Floats:
        return self._middle + self._half * self._told(features)[:, 1]


def offsets(cells: Cells) -> Integers:
    """Lay the cells of all groups side by side.

    Args:
        cells: The public cells.

    Returns:
        Where each group's begin, and how many there are in all.
    """
    return np.cumsum([0, *(cells.count(group) for group in range(len(cells.groups)))])


def histogram_sums(
    people: Layout, cells: Integers, values: Floats, bounds: tuple[int, int], count: int
) -> Integers:
    """Add up what each row puts into a cell of every group, each person's share cut to a bound in L2.

    Args:
        people: Who the rows are about.
        cells: The cells of each row, from 0, all different, shape ``(rows, groups)``.
        values: What each row adds to each of them, shape ``(rows, parts)``: whole numbers.
        bounds: The most a row adds to one cell, and a person to all cells, in L2; the second is at least the
            first times the root of the groups.
        count: How many cells there are.

    Returns:
        Exact sums, shape ``(count, parts)``.

    Guarantee: adding or removing a person changes the result by at most the second bound in L2, whatever the
        values are: a row, or a person's share, that is not within its bound adds nothing.
    """
    each, whole = bounds
    kept, parts = cut(values, each), values.shape[1]
    total = _spread(cells[: people.alone], kept[: people.alone], count)
    for part, starts in people.blocks(count * parts):
        owners = np.repeat(np.arange(len(starts)), np.diff(starts, append=part.stop - part.start))
        shares = _spread(owners[:, None] * count + cells[part], kept[part], len(starts) * count)
        total += cut(shares.reshape(len(starts), -1), whole).sum(axis=0).reshape(total.shape)
    return total.astype(np.int64)


def _spread(cells: Integers, values: Floats, count: int) -> Floats:
    made = np.zeros((count, values.shape[1]))
    for group in range(cells.shape[1]):
        for part, column in enumerate(values.T):
            made[:, part] += np.bincount(cells[:, group], column, count)
    return made


def grown_tree(
    codes: Integers,
    people: Layout,
    values: Floats,
    cells: Cells,
    depth: int,
    bounds: tuple[int, int],
    noise: Noise,
    reading: Reading,
) -> HistogramTree:
    """Grow a tree, one noisy vector for each level.

    Args:
        codes: The cells of the rows, in the order of the people.
        people: Who the rows are about.
        values: What each row adds to its cells.
        cells: The public cells.
        depth: How many levels of splits.
        bounds: As for :func:`histogram_sums`.
        noise: The noise of a level.
        reading: How sums are read.

    Returns:
        The tree.
    """
    first = offsets(cells)
    count, parts, deviation = int(first[-1]), values.shape[1], noise.deviation / RESIDUAL_UNIT
    at, said = np.zeros(len(codes), dtype=np.int64), reading.start(parts)[None, :]
    splits: tuple[Split, ...] = ()
    for level in range(depth):
        nodes = 2**level
        placed = (at - (nodes - 1))[:, None] * count + first[:-1] + codes
        exact = histogram_sums(people, placed, values, bounds, nodes * count)
        noisy = noise.add(exact.ravel()).reshape(nodes, count, parts) / RESIDUAL_UNIT
        found = [_chosen(each, cells, first, deviation, reading) for each in noisy]
        splits = (*splits, *(split for split, _ in found))
        said = np.array(
            [
                reading.leaf(side, above, _DRAWN * deviation * sqrt(cells.count(split.group)))
                for above, (split, sides) in zip(said, found, strict=True)
                for side in sides
            ]
        )
        at = followed(at, splits, codes)
    return HistogramTree(splits, said)


def _chosen(
    noisy: Floats, cells: Cells, first: Integers, deviation: float, reading: Reading
) -> tuple[Split, Floats]:
    """Choose where a node splits, by noisy sums alone: the cut whose sides are the most unlike."""
    # A column of one cell cannot be cut: all rows go one way.
    uncut = np.zeros(cells.count(0), dtype=np.int64)
    whole = noisy[: first[1]].sum(axis=0)
    best, chosen, told = -1.0, Split(0, uncut), np.array([whole, np.zeros_like(whole)])
    for group in range(len(cells.groups)):
        part = noisy[first[group] : first[group + 1]]
        drawn = _DRAWN * deviation * sqrt(len(part))
        order = np.argsort(reading.leaning(part, drawn), kind="stable")
        order = np.arange(len(part)) if cells.is_ordered(group) else order
        below = np.cumsum(part[order], axis=0)
        for place in range(len(part) - 1):
            sides = np.array([below[place], below[-1] - below[place]])
            worth = reading.worth(sides, drawn)
            if worth > best:
                uncut = np.zeros(len(part), dtype=np.int64)
                uncut[order[place + 1 :]] = 1
                best, chosen, told = worth, Split(group, uncut), sides
    return chosen, told
