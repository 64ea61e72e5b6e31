"""What private estimators share: the parameters of all, and what classifiers and regressors tell."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.accounting import Budget
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_train import arrays, declared
from hedgerow.techniques.dp_train.chances import chances_of
from hedgerow.techniques.dp_train.declared import Exact, Scaling
from hedgerow.techniques.dp_train.paying import Wish
from hedgerow.techniques.dp_train.protocol import Estimator

Floats = npt.NDArray[np.float64]


@dataclass(kw_only=True, eq=False, repr=False)
class PrivateEstimator(Estimator):
    """An estimator of which all that is learnt is differentially private for each person in the data.

    Args:
        epsilon: Privacy loss of a training run; text, a number or a Fraction; no default.
        delta: Chance of a larger loss, far below 1 over the number of people; no default.
        budget: A :class:`hedgerow.dp.Budget` to take the cost from; what is left is in ``budget_``.
        random_state: Refused when given: noise is never seeded.
    """

    epsilon: Exact | None = None
    delta: Exact | None = None
    budget: Budget | None = None
    random_state: None = None

    def _checked_terms(self) -> tuple[Wish, Budget]:
        declared.unseeded(self.random_state)
        return self._wish(), declared.checked_budget(self.budget)

    def _wish(self) -> Wish:
        return declared.wish_of(self.epsilon, self.delta)


@dataclass(kw_only=True, eq=False, repr=False)
class BoundedEstimator(PrivateEstimator):
    """A private estimator that learns from features within declared bounds.

    Args:
        bounds: ``(lower, upper)`` of all features, a pair for each, or pairs by column name: knowledge from
            outside the data. Values beyond are clamped. Bounds that hold 0 leave 0 where it is.
    """

    bounds: Any = None


@dataclass(kw_only=True, eq=False, repr=False)
class ScaledEstimator(BoundedEstimator):
    """A private estimator whose rows are scaled to a norm of about 1.

    Args:
        row_norm: The L2 norm of a row that was scaled by its bounds, with its constant, for example the root
            of 1 + the number of one-hot columns; none for the most that the bounds allow.
    """

    row_norm: float | None = None

    def _read(self, values: Any) -> tuple[Floats, list[str] | None, Scaling]:  # noqa: ANN401 - arrays and frames
        features, names = arrays.matrix(values)
        scale = declared.scaling(self.bounds, names, features.shape[1], self.row_norm)
        return features, names, scale


@dataclass(kw_only=True, eq=False, repr=False)
class Classifier(PrivateEstimator, ABC):
    """A private estimator that predicts a class.

    Args:
        classes: Every value that y may take, at least two.
    """

    KIND: ClassVar[str] = "classifier"
    classes: Any = None

    def decision_function(self, X: Any) -> Floats:  # noqa: ANN401, N803 - scikit-learn's own
        """Tell how far each row is on the side of each class.

        Args:
            X: Features, as for :meth:`fit`.

        Returns:
            Shape ``(rows,)`` for two classes, above 0 for the second; else ``(rows, classes)``.
        """
        found = self._scored(self._taken(X))
        return found[:, 0] if found.shape[1] == 1 else found

    def predict_proba(self, X: Any) -> Floats:  # noqa: ANN401, N803 - scikit-learn's own
        """Estimate the chance of each class.

        Args:
            X: Features, as for :meth:`fit`.

        Returns:
            Shape ``(rows, classes)``; each row adds up to 1.
        """
        chances = chances_of(self._scored(self._taken(X)))
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

    @abstractmethod
    def _scored(self, features: Floats) -> Floats:
        """Tell the scores of rows, shape ``(rows, outputs)``; one output for two classes."""


@dataclass(kw_only=True, eq=False, repr=False)
class Regressor(PrivateEstimator, ABC):
    """A private estimator that predicts a number.

    Args:
        y_bounds: ``(lower, upper)`` of y: knowledge from outside the data. Values beyond are clamped.
    """

    KIND: ClassVar[str] = "regressor"
    y_bounds: tuple[float, float] | None = None

    def predict(self, X: Any) -> Floats:  # noqa: ANN401, N803 - scikit-learn's own
        """Predict a number for each row.

        Args:
            X: Features, as for :meth:`fit`.

        Returns:
            Shape ``(rows,)``.
        """
        return self._predicted(self._taken(X))

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

    @abstractmethod
    def _predicted(self, features: Floats) -> Floats:
        """Predict from features that were checked."""

    def _target(self) -> tuple[float, float]:
        """Tell the middle of the declared bounds of y and how far they reach from it."""
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
