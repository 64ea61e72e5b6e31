"""Private linear regression from one noisy measurement of sufficient statistics."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from hedgerow.techniques.dp_train import arrays
from hedgerow.techniques.dp_train.estimators import Regressor, ScaledEstimator
from hedgerow.techniques.dp_train.moments import (
    STATISTICS_BOUND,
    UNIT,
    checked_width,
    statistics,
    triangle,
    unfolded,
)
from hedgerow.techniques.dp_train.paying import Noise, spending, step_noise
from hedgerow.techniques.dp_train.sums import whole_rows

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(kw_only=True, eq=False, repr=False)
class DPLinearRegression(ScaledEstimator, Regressor):
    """Linear regression whose coefficients are differentially private for each person in the data.

    It takes ``epsilon``, ``delta``, ``bounds``, ``row_norm``, ``y_bounds`` and ``budget``.

    Guarantee: after ``fit``, all attributes that end in ``_`` are (epsilon, delta)-differentially private for
        adding or removing all rows of one person. Refusals of ``fit`` speak of the data and are not.
    Source: Wang 2018, "Revisiting differentially private linear regression" (AdaSSP). Here one measurement
        gives all statistics, and the ridge is chosen from the noisy matrix, which costs nothing.
    """

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
        wish, budget = self._checked_terms()
        middle, half = self._target()
        features, names, scale = self._read(X)
        noise = self.planned(features.shape[1])
        aims = np.clip((arrays.targets(y, len(features)) - middle) / half, -1, 1)
        owners = arrays.people(person, len(features))
        width = features.shape[1] + 1
        rows, order = whole_rows(scale.scaled(features), owners, UNIT)
        with spending(self, budget, wish, noise):
            weights = half * _solved(noise.add(statistics(rows, aims[order])), width, noise.deviation)
            coefficients, constants = scale.unscaled(weights[None, :])
            self.coef_, self.intercept_ = coefficients[0], float(constants[0] + middle)
            self._note_columns(features, names)
        return self

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
        numbers = triangle(checked_width(width, "features") + 1) + width + 1
        return step_noise(self._wish(), STATISTICS_BOUND, 1, numbers)

    def _predicted(self, features: Floats) -> Floats:
        return features @ self.coef_ + self.intercept_  # type: ignore[no-any-return]


def _solved(noisy: Integers, width: int, deviation: float) -> Floats:
    """Solve the noisy normal equations with a ridge that lifts the least eigenvalue above the noise.

    A symmetric matrix of such noise has a norm of about twice its deviation times the root of its width.
    """
    products = unfolded(noisy[:-width], width)
    floor = deviation * sqrt(width)
    ridge = max(0.0, floor - float(np.linalg.eigvalsh(products)[0]))
    lifted = products + ridge * np.eye(width)
    return np.linalg.solve(lifted, noisy[-width:].astype(np.float64)).astype(np.float64)
