"""Private main components: one noisy matrix of products, and its eigenvectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hedgerow.model.errors import CallerError
from hedgerow.techniques.dp_train import arrays, declared
from hedgerow.techniques.dp_train.declared import Scaling
from hedgerow.techniques.dp_train.estimators import ScaledEstimator
from hedgerow.techniques.dp_train.moments import (
    TRIANGLE_BOUND,
    UNIT,
    checked_width,
    statistics,
    triangle,
    unfolded,
)
from hedgerow.techniques.dp_train.paying import Noise, spending, step_noise
from hedgerow.techniques.dp_train.sums import whole_rows

Floats = npt.NDArray[np.float64]


@dataclass(kw_only=True, eq=False, repr=False)
class DPPCA(ScaledEstimator):
    """Main components that are differentially private for each person in the data.

    It takes ``epsilon``, ``delta``, ``bounds``, ``row_norm`` and ``budget``.

    Args:
        n_components: How many components are kept; none for as many as there are features.

    Guarantee: after ``fit``, all attributes that end in ``_`` are (epsilon, delta)-differentially private for
        adding or removing all rows of one person. Refusals of ``fit`` speak of the data and are not.
    Source: Dwork, Talwar, Thakurta, Zhang 2014, "Analyze Gauss", with whole numbers and discrete noise; the
        noise of each product above the diagonal stands for both of its places.
    """

    KIND: ClassVar[str] = "transformer"
    n_components: int | None = None

    def fit(self, X: Any, y: Any = None, person: Any = None) -> DPPCA:  # noqa: ANN401, ARG002, N803 - theirs
        """Find components, and take the cost off the budget before a value is summed.

        Args:
            X: Features, shape ``(rows, features)``: an array or a data frame of numbers.
            y: Not used.
            person: Who each row is about; none when each row is a person of its own.

        Returns:
            The same estimator, with ``components_``, ``explained_variance_``, ``explained_variance_ratio_``,
            ``mean_``, ``n_components_`` and ``budget_``.

        Raises:
            Refused: ``learn.undeclared``, ``learn.seeded``, ``learn.budget-exhausted``,
                ``learn.budget-mixed``, ``learn.delta-too-small`` or ``learn.too-large``; nothing was spent.
            CallerError: When a parameter or the data is malformed; nothing was spent.
        """
        wish, budget = self._checked_terms()
        features, names, scale = self._read(X)
        width = features.shape[1]
        kept, noise = self._kept(width), self.planned(width)
        owners = arrays.people(person, len(features))
        rows, _ = whole_rows(scale.scaled(features), owners, UNIT)
        with spending(self, budget, wish, noise):
            products = unfolded(noise.add(statistics(rows)), width + 1) / UNIT**2
            self._keep(*mean_and_spread(products, scale, noise.deviation / UNIT**2), kept)
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
        numbers = triangle(checked_width(width, "features") + 1)
        return step_noise(self._wish(), TRIANGLE_BOUND, 1, numbers)

    def transform(self, X: Any) -> Floats:  # noqa: ANN401, N803 - scikit-learn's own
        """Tell how far each row lies along each component.

        Args:
            X: Features, as for :meth:`fit`.

        Returns:
            Shape ``(rows, components)``.
        """
        return (self._taken(X) - self.mean_) @ self.components_.T  # type: ignore[no-any-return]

    def fit_transform(self, X: Any, y: Any = None, person: Any = None) -> Floats:  # noqa: ANN401, N803 - theirs
        """Find components and place the same rows along them; the places are exact and not private.

        Args:
            X: Features, as for :meth:`fit`.
            y: Not used.
            person: Who each row is about.

        Returns:
            Shape ``(rows, components)``.
        """
        return self.fit(X, y, person).transform(X)

    def inverse_transform(self, X: Any) -> Floats:  # noqa: ANN401, N803 - scikit-learn's own
        """Turn places along components back into features.

        Args:
            X: Shape ``(rows, components)``.

        Returns:
            Shape ``(rows, features)``.
        """
        self._checked_fitted()
        return arrays.matrix(X)[0] @ self.components_ + self.mean_  # type: ignore[no-any-return]

    def _kept(self, width: int) -> int:
        if self.n_components is None:
            return width
        if width < declared.whole(self.n_components, "n_components", declared.FEATURES_MOST):
            advice = "Give no more than there are features."
            raise CallerError("learn.bad-parameter", parameter="n_components", advice=advice)
        return int(self.n_components)

    def _keep(self, mean: Floats, spread: Floats, kept: int) -> None:
        lengths, directions = np.linalg.eigh(spread)
        lengths, directions = np.maximum(lengths[::-1], 0.0), directions.T[::-1]
        signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
        self.mean_, self.n_components_ = mean, kept
        self.components_ = directions[:kept] * signs[:kept, None]
        self.explained_variance_ = lengths[:kept]
        self.explained_variance_ratio_ = lengths[:kept] / (lengths.sum() or 1.0)


def mean_and_spread(products: Floats, scale: Scaling, deviation: float) -> tuple[Floats, Floats]:
    """Turn noisy products of scaled rows into means and covariances of the features as they came.

    Args:
        products: Shape ``(features + 1, features + 1)``, the constant last.
        scale: How rows were scaled.
        deviation: Standard deviation of the noise of a product.

    Returns:
        Means ``(features,)`` and covariances ``(features, features)``.
    """
    stretch = scale.reach * scale.row_norm
    # What is left of the constant's square is how many rows there are, over the square of the row norm.
    size = max(float(products[-1, -1]), deviation, 1 / scale.row_norm**2)
    mean = np.clip(products[:-1, -1] / size / scale.row_norm * stretch, *_reach(scale))
    second = products[:-1, :-1] / size / scale.row_norm**2 * np.outer(stretch, stretch)
    return mean + scale.offset, second - np.outer(mean, mean)


def _reach(scale: Scaling) -> tuple[Floats, Floats]:
    return scale.lower - scale.offset, scale.upper - scale.offset
