"""Private k-means: noisy sums and counts of each cluster, round by round, from public starting points."""

from __future__ import annotations

from dataclasses import dataclass
from random import SystemRandom
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hedgerow.techniques.dp_train import arrays, declared
from hedgerow.techniques.dp_train.declared import Scaling
from hedgerow.techniques.dp_train.estimators import ScaledEstimator
from hedgerow.techniques.dp_train.paying import Noise, spending, step_noise
from hedgerow.techniques.dp_train.sums import FEATURE_UNIT, Rows, scattered_sum, scores, whole_rows

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_CLUSTERS_MOST = 1_000
_ROUNDS_MOST = 1_000
# Public points for each cluster, of which those that lie farthest apart are taken.
_TRIED = 30
# A cluster whose noisy size is below so many deviations is taken for empty, and moved.
_SEEN = 3.0
# How far from the largest cluster it is put, as a share of the bounds.
_APART = 0.1


@dataclass(kw_only=True, eq=False, repr=False)
class DPKMeans(ScaledEstimator):
    """K-means whose centres are differentially private for each person in the data.

    It takes ``epsilon``, ``delta``, ``bounds``, ``row_norm`` and ``budget``. Distances are those of features
    scaled by their bounds. There is no ``labels_``: which cluster a row of the data fell into is not private.

    Args:
        n_clusters: How many clusters there are.
        rounds: How often centres are measured anew.

    Guarantee: after ``fit``, all attributes that end in ``_`` are (epsilon, delta)-differentially private for
        adding or removing all rows of one person. Refusals of ``fit`` speak of the data and are not.
    Source: Blum, Dwork, McSherry, Nissim 2005, "Practical privacy: the SuLQ framework", section 4; starting
        points far apart after Su, Cao, Li, Bertino, Jin 2016, "Differentially private k-means clustering".
    """

    KIND: ClassVar[str] = "clusterer"
    n_clusters: int = 8
    rounds: int = 8

    def fit(self, X: Any, y: Any = None, person: Any = None) -> DPKMeans:  # noqa: ANN401, ARG002, N803 - theirs
        """Find centres, and take the cost off the budget before a value is summed.

        Args:
            X: Features, shape ``(rows, features)``: an array or a data frame of numbers.
            y: Not used.
            person: Who each row is about; none when each row is a person of its own.

        Returns:
            The same estimator, with ``cluster_centers_``, ``budget_`` and ``n_iter_``.

        Raises:
            Refused: ``learn.undeclared``, ``learn.seeded``, ``learn.budget-exhausted``,
                ``learn.budget-mixed``, ``learn.delta-too-small`` or ``learn.too-large``; nothing was spent.
            CallerError: When a parameter or the data is malformed; nothing was spent.
        """
        wish, budget = self._checked_terms()
        clusters, rounds = self._shape()
        features, names, scale = self._read(X)
        owners = arrays.people(person, len(features))
        noise = self.planned(features.shape[1])
        rows, _ = whole_rows(scale.scaled(features), owners)
        with spending(self, budget, wish, noise):
            self._centres, self._scale = found_centres(rows, scale, clusters, rounds, noise), scale
            self.cluster_centers_ = self._centres * (scale.reach * scale.row_norm) + scale.offset
            self._note_columns(features, names)
            self.n_iter_ = rounds
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
        clusters, rounds = self._shape()
        return step_noise(self._wish(), FEATURE_UNIT, rounds, clusters * (width + 1))

    def _shape(self) -> tuple[int, int]:
        clusters = declared.whole(self.n_clusters, "n_clusters", _CLUSTERS_MOST)
        return clusters, declared.whole(self.rounds, "rounds", _ROUNDS_MOST)

    def predict(self, X: Any) -> Integers:  # noqa: ANN401, N803 - scikit-learn's own
        """Tell the nearest centre of each row.

        Args:
            X: Features, as for :meth:`fit`.

        Returns:
            Places of centres, shape ``(rows,)``.
        """
        rows, _ = whole_rows(self._scale_of(X), None)
        return nearest(rows, self._centres, self._scale.row_norm)

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ANN401, ARG002, N803 - scikit-learn's own
        """Add up squared distances to centres; exact, so private only for rows that are public.

        Args:
            X: Features, as for :meth:`fit`.
            y: Not used.

        Returns:
            The sum over all rows, below 0, of features scaled by their bounds.
        """
        scaled = self._scale_of(X)[:, :-1]
        return -float(((scaled - self._centres[self.predict(X)]) ** 2).sum() * self._scale.row_norm**2)

    def _scale_of(self, values: Any) -> Floats:  # noqa: ANN401 - arrays and frames of several libraries
        features = self._taken(values)
        return self._scale.scaled(features)


def found_centres(rows: Rows, scale: Scaling, clusters: int, rounds: int, noise: Noise) -> Floats:
    """Measure centres round by round.

    Args:
        rows: Everybody's rows, the constant last.
        scale: How features were scaled.
        clusters: How many clusters there are.
        rounds: How often they are measured.
        noise: The noise of a round.

    Returns:
        Centres of scaled features, shape ``(clusters, features)``.
    """
    low, high = (
        (bound - scale.offset) / (scale.reach * scale.row_norm) for bound in (scale.lower, scale.upper)
    )
    centres = spread_points(low, high, clusters)
    for _ in range(rounds):
        exact = cluster_sums(rows, nearest(rows, centres, scale.row_norm), clusters)
        noisy = noise.add(exact.ravel()).reshape(exact.shape).astype(np.float64)
        sizes = np.maximum(noisy[:, -1], _SEEN * noise.deviation)
        # The constant of a row is 1 / row_norm, so sizes are counts divided by it.
        moved = np.clip(noisy[:, :-1] / sizes[:, None] / scale.row_norm, low, high)
        is_empty = noisy[:, -1] < _SEEN * noise.deviation
        if is_empty.any() and not is_empty.all():
            beside = (spread_points(low, high, clusters) - (low + high) / 2) * _APART
            moved[is_empty] = np.clip(moved[noisy[:, -1].argmax()] + beside[is_empty], low, high)
        centres = centres if is_empty.all() else moved
    return centres


def cluster_sums(rows: Rows, places: Integers, clusters: int) -> Integers:
    """Add up everybody's bounded rows by cluster; no noise is in it, so it stays inside.

    Args:
        rows: Everybody's rows, the constant last.
        places: The cluster of each row.
        clusters: How many there are.

    Returns:
        Exact sums in units of 2**-16, shape ``(clusters, features + 1)``.

    Guarantee: adding or removing a person changes the result by at most 1 in L2.
    """
    return scattered_sum(rows, places, rows.features, FEATURE_UNIT, clusters)


def nearest(rows: Rows, centres: Floats, row_norm: float) -> Integers:
    """Find the nearest centre of each row, exactly, so that it depends on that row and the centres alone.

    Args:
        rows: Whole rows, the constant last.
        centres: Of scaled features, shape ``(clusters, features)``.
        row_norm: What rows were divided by.

    Returns:
        Places of centres, shape ``(rows,)``.
    """
    halves = (centres**2).sum(axis=1) / 2 * row_norm
    return scores(rows, np.column_stack([centres, -halves])).argmax(axis=1)  # type: ignore[no-any-return]


def spread_points(low: Floats, high: Floats, count: int) -> Floats:
    """Choose public points that lie far apart, by chance alone.

    Args:
        low: Lower bounds.
        high: Upper bounds.
        count: How many points.

    Returns:
        Points within the bounds, shape ``(count, features)``.
    """
    chance = SystemRandom()
    shares = [chance.random() for _ in range(count * _TRIED * len(low))]
    tried = low + (high - low) * np.reshape(shares, (-1, len(low)))
    taken = [0]
    distances = ((tried - tried[0]) ** 2).sum(axis=1)
    for _ in range(count - 1):
        taken.append(int(distances.argmax()))
        distances = np.minimum(distances, ((tried - tried[taken[-1]]) ** 2).sum(axis=1))
    return tried[taken]  # type: ignore[no-any-return]
