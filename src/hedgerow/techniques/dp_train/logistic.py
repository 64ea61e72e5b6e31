"""Private logistic regression: noisy gradient descent on exact, bounded sums."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.accounting import Budget
from hedgerow.kernel.noise.sampling import poisson_sample, sampling_chance
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_train import arrays, declared
from hedgerow.techniques.dp_train.batches import batch_rho
from hedgerow.techniques.dp_train.chances import chance_steps, chances_of, wanted_steps
from hedgerow.techniques.dp_train.declared import Exact, Scaling
from hedgerow.techniques.dp_train.paying import Noise, Wish, paid, step_noise, stream_noise
from hedgerow.techniques.dp_train.protocol import Estimator
from hedgerow.techniques.dp_train.sums import (
    GRADIENT_UNIT,
    PEOPLE_MOST,
    Rows,
    bounded_sum,
    scores,
    whole_rows,
)

Floats = npt.NDArray[np.float64]
_STEPS_MOST = 1_000_000
_COEFFICIENTS_MOST = 10_000_000
_MOMENTUM_MOST = 0.999
# Of the steps, the last so many are averaged.
_AVERAGED = 2


@dataclass(frozen=True, slots=True)
class Descent:
    """How a run goes down, all of it fixed beforehand.

    Args:
        steps: How many steps there are.
        bound: What one person adds to a step's sum, in L2, in units of 2**-28.
        divisor: What sums are divided by, public: units times the people that a step expects to see.
        step_size: How far a step goes along the gradient of the mean loss.
        momentum: The share of the last step that the next one keeps.
        chance: The chance with which a person takes part in a step; none when all do.
    """

    steps: int
    bound: int
    divisor: float
    step_size: float
    momentum: float
    chance: Fraction | None = None


class DPLogisticRegression(Estimator):
    """Logistic regression whose coefficients are differentially private for each person in the data.

    Args:
        epsilon: Privacy loss of a training run; text, a number or a Fraction; no default.
        delta: Chance of a larger loss, far below 1 over the number of people; no default.
        bounds: ``(lower, upper)`` of all features, a pair for each, or pairs by column name: knowledge from
            outside the data. Values beyond are clamped. Bounds that hold 0 leave 0 where it is.
        classes: Every value that y may take, at least two.
        n_public: The number of people as it is publicly known; the constant that sums are divided by.
        budget: A :class:`hedgerow.dp.Budget` to take the cost from; what is left is in ``budget_``.
        row_norm: The L2 norm of a row that was scaled by its bounds, with its constant, for example the root
            of 1 + the number of one-hot columns; none for the most that the bounds allow.
        clip: What one person may add to a gradient, as a share of the row norm, above 0 to 1.
        steps: Steps of a run that sees everybody each time.
        step_size: How far a step goes; none for 50 where all are seen, 8 with batches.
        momentum: Share of a step that the next one keeps, above 0, below 1.
        batch_size: How many people a step sees on average; none for everybody. Needs the extra ``dp``.
        epochs: With batches: how often each person is seen on average.
        random_state: Refused when given: noise is never seeded.

    Guarantee: after ``fit``, all attributes that end in ``_`` are (epsilon, delta)-differentially private for
        adding or removing all rows of one person. Refusals of ``fit`` speak of the data and are not.
    Source: Bassily, Smith, Thakurta 2014 and Abadi et al. 2016 for noisy gradient descent; Canonne, Kamath,
        Steinke 2020 for the noise.
    """

    KIND: ClassVar[str] = "classifier"

    def __init__(  # noqa: PLR0913 - scikit-learn finds parameters in the signature
        self,
        *,
        epsilon: Exact | None = None,
        delta: Exact | None = None,
        bounds: Any = None,  # noqa: ANN401 - a pair, pairs, or pairs by name
        classes: Any = None,  # noqa: ANN401 - anything that holds them
        n_public: int | None = None,
        budget: Budget | None = None,
        row_norm: float | None = None,
        clip: float = 1 / 3,
        steps: int = 60,
        step_size: float | None = None,
        momentum: float = 0.9,
        batch_size: int | None = None,
        epochs: int = 3,
        random_state: None = None,
    ) -> None:
        self.epsilon = epsilon
        self.delta = delta
        self.bounds = bounds
        self.classes = classes
        self.n_public = n_public
        self.budget = budget
        self.row_norm = row_norm
        self.clip = clip
        self.steps = steps
        self.step_size = step_size
        self.momentum = momentum
        self.batch_size = batch_size
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, person: Any = None) -> DPLogisticRegression:  # noqa: ANN401, N803 - sklearn's
        """Train on a table, and take the cost off the budget before a value is summed.

        Args:
            X: Features, shape ``(rows, features)``: an array or a data frame of numbers.
            y: The class of each row, one of the declared.
            person: Who each row is about; none when each row is a person of its own.

        Returns:
            The same estimator, with ``coef_``, ``intercept_``, ``classes_``, ``budget_`` and ``n_iter_``.

        Raises:
            Refused: ``learn.undeclared``, ``learn.seeded``, ``learn.budget-exhausted``,
                ``learn.budget-mixed``, ``learn.delta-too-small`` or ``learn.too-large``; nothing was spent.
            CallerError: When a parameter or the data is malformed; nothing was spent.
        """
        declared.unseeded(self.random_state)
        wish, budget = declared.wish_of(self.epsilon, self.delta), declared.checked_budget(self.budget)
        classes, descent = declared.declared_classes(self.classes), self._descent()
        features, names = arrays.matrix(X)
        scale = declared.scaling(self.bounds, names, features.shape[1], self.row_norm)
        places = arrays.labels(y, len(features), classes)
        owners = arrays.people(person, len(features))
        noise = _planned(wish, descent, _outputs(classes) * (features.shape[1] + 1))
        rows, order = whole_rows(scale.scaled(features), owners)
        left = paid(budget, wish, noise)
        wanted = wanted_steps(places[order], len(classes))
        self._keep(descend(rows, wanted, descent, noise), scale, classes)
        self._note_columns(features, names)
        self.n_iter_, self.budget_ = descent.steps, left
        return self

    def decision_function(self, X: Any) -> Floats:  # noqa: ANN401, N803 - scikit-learn's own
        """Tell how far each row is on the side of each class.

        Args:
            X: Features, as for :meth:`fit`.

        Returns:
            Shape ``(rows,)`` for two classes, above 0 for the second; else ``(rows, classes)``.
        """
        found = self._taken(X) @ self.coef_.T + self.intercept_
        return found[:, 0] if found.shape[1] == 1 else found

    def predict_proba(self, X: Any) -> Floats:  # noqa: ANN401, N803 - scikit-learn's own
        """Estimate the chance of each class.

        Args:
            X: Features, as for :meth:`fit`.

        Returns:
            Shape ``(rows, classes)``; each row adds up to 1.
        """
        chances = chances_of(self._taken(X) @ self.coef_.T + self.intercept_)
        return np.hstack([1 - chances, chances]) if chances.shape[1] == 1 else chances

    def predict(self, X: Any) -> npt.NDArray[np.generic]:  # noqa: ANN401, N803 - scikit-learn's own
        """Tell the likeliest class of each row.

        Args:
            X: Features, as for :meth:`fit`.

        Returns:
            Declared classes, shape ``(rows,)``.
        """
        places = self.predict_proba(X).argmax(axis=1)
        predicted: npt.NDArray[np.generic] = self.classes_[places]
        return predicted

    def score(self, X: Any, y: Any) -> float:  # noqa: ANN401, N803 - scikit-learn's own
        """Tell the share of rows whose class is predicted; exact, so private only for rows that are public.

        Args:
            X: Features, as for :meth:`fit`.
            y: The class of each row.

        Returns:
            From 0 to 1.
        """
        predicted = self.predict(X)
        return float(np.mean(predicted == arrays.column(y, len(predicted), "y")))

    def _descent(self) -> Descent:
        """Read what a run is like, and refuse what it cannot be."""
        people = declared.public_people(self.n_public, PEOPLE_MOST)
        bound = int(declared.positive(self.clip, "clip", 1.0) * GRADIENT_UNIT)
        momentum = declared.positive(self.momentum, "momentum", _MOMENTUM_MOST)
        if bound < 1:
            raise CallerError("learn.bad-parameter", parameter="clip", advice="Give a larger share.")
        step_size = self.step_size
        if self.batch_size is None:
            steps, chance = declared.whole(self.steps, "steps", _STEPS_MOST), None
            step_size = 50 if step_size is None else step_size
            seen = float(people)
        else:
            chance = sampling_chance(declared.whole(self.batch_size, "batch_size", people), people)
            steps = -(-declared.whole(self.epochs, "epochs", 10_000) * chance.denominator // chance.numerator)
            step_size = 8 if step_size is None else step_size
            seen = float(chance * people)
        size = declared.positive(step_size, "step_size")
        return Descent(steps, bound, seen * GRADIENT_UNIT, size, momentum, chance)

    def _keep(self, weights: Floats, scale: Scaling, classes: npt.NDArray[np.generic]) -> None:
        self.coef_, self.intercept_ = scale.unscaled(weights)
        self.classes_ = classes


def _planned(wish: Wish, descent: Descent, numbers: int) -> Noise:
    if numbers > _COEFFICIENTS_MOST:
        raise Refused(
            "learn.too-large", what="coefficients", number=f"{numbers:,}", most=f"{_COEFFICIENTS_MOST:,}"
        )
    if descent.chance is None:
        return step_noise(wish, descent.bound, descent.steps, numbers)
    rho = batch_rho(wish, descent.chance, descent.steps)
    return stream_noise(wish, descent.bound, rho, descent.steps * numbers)


def _outputs(classes: npt.NDArray[np.generic]) -> int:
    return 1 if len(classes) == 2 else len(classes)  # noqa: PLR2004 - two classes need one output


def descend(rows: Rows, wanted: Floats, descent: Descent, noise: Noise) -> Floats:
    """Go down by steps, privately.

    Args:
        rows: Everybody's rows.
        wanted: The chance of each output that each row asks for: 0 or 1, in units of 2**-12.
        descent: How the run goes.
        noise: The noise of a step.

    Returns:
        Weights of scaled rows, shape ``(outputs, features)``: the mean of the last half of the steps.

    Source: momentum after Nesterov 1983.
    """
    weights = np.zeros((wanted.shape[1], rows.features.shape[1]))
    speed, summed = np.zeros_like(weights), np.zeros_like(weights)
    last = -(-descent.steps // _AVERAGED)
    for step in range(descent.steps):
        ahead = weights + descent.momentum * speed
        gradient = noisy_gradient(rows, wanted, ahead, descent, noise)
        speed = descent.momentum * speed - descent.step_size * gradient
        weights = weights + speed
        if step >= descent.steps - last:
            summed += weights
    return summed / last


def noisy_gradient(rows: Rows, wanted: Floats, weights: Floats, descent: Descent, noise: Noise) -> Floats:
    """Measure the gradient of the mean loss once, privately.

    Args:
        rows: Everybody's rows.
        wanted: The chance of each output that each row asks for: 0 or 1, in units of 2**-12.
        weights: Where the gradient is taken, shape ``(outputs, features)``.
        descent: How the run goes.
        noise: The noise of a step.

    Returns:
        The gradient, divided by a public constant and never by how many rows there were.
    """
    if descent.chance is not None:
        rows, places = rows.of(poisson_sample(rows.people, descent.chance))
        wanted = wanted[places]
    exact = exact_gradient(rows, wanted, weights, descent.bound)
    return noise.add(exact.ravel()).reshape(exact.shape) / descent.divisor


def exact_gradient(rows: Rows, wanted: Floats, weights: Floats, bound: int) -> npt.NDArray[np.int64]:
    """Add up everybody's bounded share of the gradient; no noise is in it, so it stays inside.

    Args:
        rows: Everybody's rows.
        wanted: The chance of each output that each row asks for: 0 or 1, in units of 2**-12.
        weights: Where the gradient is taken, shape ``(outputs, features)``.
        bound: What one person adds, in L2.

    Returns:
        Whole numbers in units of 2**-28, shape ``(outputs, features)``.
    """
    return bounded_sum(rows, chance_steps(scores(rows, weights)) - wanted, bound)
