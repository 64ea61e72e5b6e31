"""Private linear regression from one noisy measurement of sufficient statistics."""

from __future__ import annotations

from math import isqrt, sqrt
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.accounting import Budget
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_train import arrays, declared
from hedgerow.techniques.dp_train.declared import Exact
from hedgerow.techniques.dp_train.paying import paid, step_noise
from hedgerow.techniques.dp_train.protocol import Estimator
from hedgerow.techniques.dp_train.sums import Rows, cut, whole_rows

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Rows and targets in units of 2**-12: a product is at most 2**24, and 2**25 rows sum below 2**53.
UNIT = 2**12
# Products of features move by (|x|**4 + sum of x**4) / 2 in square, those with the target by |x|**2.
STATISTICS_BOUND = isqrt(2 * UNIT**4) + 1
_FEATURES_MOST = 2_000


class DPLinearRegression(Estimator):
    """Linear regression whose coefficients are differentially private for each person in the data.

    Args:
        epsilon: Privacy loss of a training run; text, a number or a Fraction; no default.
        delta: Chance of a larger loss, far below 1 over the number of people; no default.
        bounds: ``(lower, upper)`` of all features, a pair for each, or pairs by column name: knowledge from
            outside the data. Values beyond are clamped. Bounds that hold 0 leave 0 where it is.
        y_bounds: ``(lower, upper)`` of y, likewise.
        budget: A :class:`hedgerow.dp.Budget` to take the cost from; what is left is in ``budget_``.
        row_norm: The L2 norm of a row that was scaled by its bounds, with its constant; none for the most
            that the bounds allow.
        random_state: Refused when given: noise is never seeded.

    Guarantee: after ``fit``, all attributes that end in ``_`` are (epsilon, delta)-differentially private for
        adding or removing all rows of one person. Refusals of ``fit`` speak of the data and are not.
    Source: Wang 2018, "Revisiting differentially private linear regression" (AdaSSP). Here one measurement
        gives all statistics, and the ridge is chosen from the noisy matrix, which costs nothing.
    """

    KIND: ClassVar[str] = "regressor"

    def __init__(
        self,
        *,
        epsilon: Exact | None = None,
        delta: Exact | None = None,
        bounds: Any = None,  # noqa: ANN401 - a pair, pairs, or pairs by name
        y_bounds: tuple[float, float] | None = None,
        budget: Budget | None = None,
        row_norm: float | None = None,
        random_state: None = None,
    ) -> None:
        self.epsilon = epsilon
        self.delta = delta
        self.bounds = bounds
        self.y_bounds = y_bounds
        self.budget = budget
        self.row_norm = row_norm
        self.random_state = random_state

    def fit(self, X: Any, y: Any, person: Any = None) -> DPLinearRegression:  # noqa: ANN401, N803 - sklearn's
        """Train on a table, and take the cost off the budget before a value is summed.

        Args:
            X: Features, shape ``(rows, features)``: an array or a data frame of numbers.
            y: The number to be predicted for each row.
            person: Who each row is about; none when each row is a person of its own.

        Returns:
            The same estimator, with ``coef_``, ``intercept_`` and ``budget_``.

        Raises:
            Refused: ``learn.undeclared``, ``learn.seeded``, ``learn.budget-exhausted``,
                ``learn.budget-mixed``, ``learn.delta-too-small`` or ``learn.too-large``; nothing was spent.
            CallerError: When a parameter or the data is malformed; nothing was spent.
        """
        declared.unseeded(self.random_state)
        wish, budget = declared.wish_of(self.epsilon, self.delta), declared.checked_budget(self.budget)
        middle, half = self._target()
        features, names = arrays.matrix(X)
        if features.shape[1] > _FEATURES_MOST:
            raise Refused(
                "learn.too-large",
                what="features",
                number=f"{features.shape[1]:,}",
                most=f"{_FEATURES_MOST:,}",
            )
        scale = declared.scaling(self.bounds, names, features.shape[1], self.row_norm)
        aims = np.clip((arrays.targets(y, len(features)) - middle) / half, -1, 1)
        owners = arrays.people(person, len(features))
        width = features.shape[1] + 1
        noise = step_noise(wish, STATISTICS_BOUND, 1, width * (width + 1) // 2 + width)
        rows, order = whole_rows(scale.scaled(features), owners, UNIT)
        left = paid(budget, wish, noise)
        weights = half * _solved(noise.add(statistics(rows, aims[order])), width, noise.deviation)
        coefficients, constants = scale.unscaled(weights[None, :])
        self.coef_, self.intercept_ = coefficients[0], float(constants[0] + middle)
        self._note_columns(features, names)
        self.budget_ = left
        return self

    def predict(self, X: Any) -> Floats:  # noqa: ANN401, N803 - scikit-learn's own
        """Predict a number for each row.

        Args:
            X: Features, as for :meth:`fit`.

        Returns:
            Shape ``(rows,)``.
        """
        return self._taken(X) @ self.coef_ + self.intercept_  # type: ignore[no-any-return]

    def score(self, X: Any, y: Any) -> float:  # noqa: ANN401, N803 - scikit-learn's own
        """Tell the share of the variance that is explained; exact, so private only for rows that are public.

        Args:
            X: Features, as for :meth:`fit`.
            y: The number of each row.

        Returns:
            At most 1; 0 for a model that always tells the mean.
        """
        predicted = self.predict(X)
        wanted = arrays.targets(y, len(predicted))
        spread = float(((wanted - wanted.mean()) ** 2).sum())
        missed = float(((wanted - predicted) ** 2).sum())
        return 1 - missed / spread if spread > 0 else float(missed == 0)

    def _target(self) -> tuple[float, float]:
        if self.y_bounds is None:
            raise Refused("learn.undeclared", missing="y_bounds")
        advice = "Give (LOWER, UPPER) with LOWER below UPPER."
        try:
            lower, upper = (float(bound) for bound in self.y_bounds)
        except (TypeError, ValueError):
            raise CallerError("learn.bad-parameter", parameter="y_bounds", advice=advice) from None
        if not -declared.WIDEST <= lower < upper <= declared.WIDEST:
            raise CallerError("learn.bad-parameter", parameter="y_bounds", advice=advice)
        return (lower + upper) / 2, (upper - lower) / 2


def statistics(rows: Rows, aims: Floats) -> Integers:
    """Add up each person's products of features, and of features with the target, exactly.

    Args:
        rows: Whole rows in units of 2**-12, of a norm of at most 1.
        aims: Targets within -1 and 1, in the order of the rows.

    Returns:
        The upper triangle of the matrix of products, row by row, and then the products with the target, in
        units of 2**-24.

    Guarantee: adding or removing a person changes the result by at most ``STATISTICS_BOUND`` in L2.
    """
    upper = np.triu_indices(rows.features.shape[1])
    alone, wanted = rows.features[: rows.alone], np.rint(aims * UNIT)
    total = np.append((alone.T @ alone)[upper], alone.T @ wanted[: rows.alone])
    for part, starts in rows.blocks(len(total)):
        features = rows.features[part]
        products = np.hstack([features[:, upper[0]] * features[:, upper[1]], features * wanted[part, None]])
        total += cut(np.add.reduceat(products, starts, axis=0), STATISTICS_BOUND).sum(axis=0)
    return total.astype(np.int64)


def _solved(noisy: Integers, width: int, deviation: float) -> Floats:
    """Solve the noisy normal equations with a ridge that lifts the least eigenvalue above the noise.

    A symmetric matrix of such noise has a norm of about twice its deviation times the root of its width.
    """
    products = np.zeros((width, width))
    products[np.triu_indices(width)] = noisy[:-width]
    products = np.triu(products) + np.triu(products, 1).T
    floor = deviation * sqrt(width)
    ridge = max(0.0, floor - float(np.linalg.eigvalsh(products)[0]))
    lifted = products + ridge * np.eye(width)
    return np.linalg.solve(lifted, noisy[-width:].astype(np.float64)).astype(np.float64)
