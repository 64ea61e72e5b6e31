"""Private logistic regression: noisy gradient descent on exact, bounded sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hedgerow.techniques.dp_train import arrays, declared
from hedgerow.techniques.dp_train.chances import chance_steps, wanted_steps
from hedgerow.techniques.dp_train.descent import Descent, SteppedEstimator, go_down, noisy_mean, planned
from hedgerow.techniques.dp_train.estimators import Classifier
from hedgerow.techniques.dp_train.paying import Noise, spending
from hedgerow.techniques.dp_train.sums import Rows, bounded_sum, scores, whole_rows

Floats = npt.NDArray[np.float64]


@dataclass(kw_only=True, eq=False, repr=False)
class DPLogisticRegression(SteppedEstimator, Classifier):
    """Logistic regression whose coefficients are differentially private for each person in the data.

    It takes ``epsilon``, ``delta``, ``bounds``, ``row_norm``, ``classes`` and ``budget``, and what
    :class:`~hedgerow.techniques.dp_train.descent.SteppedEstimator` names: ``n_public``, ``clip``, ``steps``,
    ``step_size`` (none for 50 where all are seen, 8 with batches), ``momentum``, ``batch_size``, ``epochs``.

    Guarantee: after ``fit``, all attributes that end in ``_`` are (epsilon, delta)-differentially private for
        adding or removing all rows of one person. Refusals of ``fit`` speak of the data and are not.
    Source: Bassily, Smith, Thakurta 2014 and Abadi et al. 2016 for noisy gradient descent; Canonne, Kamath,
        Steinke 2020 for the noise.
    """

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
        wish, budget = self._checked_terms()
        classes, descent = declared.declared_classes(self.classes), self._descent()
        features, names, scale = self._read(X)
        places = arrays.labels(y, len(features), classes)
        owners = arrays.people(person, len(features))
        noise = self.planned(features.shape[1])
        rows, order = whole_rows(scale.scaled(features), owners)
        with spending(self, budget, wish, noise):
            wanted = wanted_steps(places[order], len(classes))
            self.coef_, self.intercept_ = scale.unscaled(descend(rows, wanted, descent, noise))
            self.classes_ = classes
            self._note_columns(features, names)
            self.n_iter_ = descent.steps
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
        classes = declared.declared_classes(self.classes)
        return planned(self._wish(), self._descent(), declared.outputs_of(classes) * (width + 1))

    def _scored(self, features: Floats) -> Floats:
        return features @ self.coef_.T + self.intercept_


def descend(rows: Rows, wanted: Floats, descent: Descent, noise: Noise) -> Floats:
    """Go down by steps, privately.

    Args:
        rows: Everybody's rows.
        wanted: The chance of each output that each row asks for: 0 or 1, in units of 2**-12.
        descent: How the run goes.
        noise: The noise of a step.

    Returns:
        Weights of scaled rows, shape ``(outputs, features)``: the mean of the last half of the steps.
    """
    start = np.zeros((wanted.shape[1], rows.features.shape[1]))
    return go_down(start, lambda weights: noisy_gradient(rows, wanted, weights, descent, noise), descent)


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
    return noisy_mean(
        rows,
        wanted,
        lambda some, theirs: exact_gradient(some, theirs, weights, descent.bound),
        descent,
        noise,
    )


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
