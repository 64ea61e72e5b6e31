"""A private recommender: what is bought together is measured once, with noise, and factored into items.

Only items have factors that are kept. Those of a person are made of what the person bought, where and when
something is recommended; they are no part of the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_train import arrays, declared
from hedgerow.techniques.dp_train.estimators import PrivateEstimator
from hedgerow.techniques.dp_train.moments import (
    TRIANGLE_BOUND,
    UNIT,
    checked_width,
    statistics,
    triangle,
    unfolded,
)
from hedgerow.techniques.dp_train.paying import Noise, spending, step_noise
from hedgerow.techniques.dp_train.sums import PEOPLE_MOST, Rows

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_TOO_FEW = 2
# How many times the mean eigenvalue a factor must reach to count by half.
_COMMON = 5
# So many numbers stand in memory at once.
_BLOCK = 1 << 22


@dataclass(kw_only=True, eq=False, repr=False)
class DPRecommender(PrivateEstimator):
    """Factors of items that are differentially private for each person who bought.

    It takes ``epsilon``, ``delta`` and ``budget``.

    Args:
        items: Every item there is, from the catalogue and not from what was bought. Others are not read.
        factors: How many factors an item has at most; those that noise drowns are 0.

    Guarantee: after ``fit``, all attributes that end in ``_`` are (epsilon, delta)-differentially private for
        adding or removing all that one person bought, however much that is. Refusals of ``fit`` speak of the
        data and are not.
    Source: Cremonesi, Koren, Turrin 2010, "Performance of recommender algorithms on top-n recommendation
        tasks" (PureSVD), from a matrix measured as in Dwork, Talwar, Thakurta, Zhang 2014, "Analyze Gauss";
        factors of people that stay with them after McSherry and Mironov 2009, "Differentially private
        recommender systems".
    """

    KIND: ClassVar[str] = "recommender"
    items: Any = None
    factors: int = 16

    def fit(self, X: Any, y: Any = None, person: Any = None) -> DPRecommender:  # noqa: ANN401, ARG002, N803 - theirs
        """Learn from purchases, and take the cost off the budget before one is counted.

        Args:
            X: The item of each purchase, shape ``(rows,)``.
            y: Not used.
            person: Who bought, shape ``(rows,)``. Buying an item again counts once.

        Returns:
            The same estimator, with ``item_factors_``, ``popularity_``, ``items_`` and ``budget_``.

        Raises:
            Refused: ``learn.undeclared``, ``learn.seeded``, ``learn.budget-exhausted``,
                ``learn.budget-mixed``, ``learn.delta-too-small`` or ``learn.too-large``; nothing was spent.
            CallerError: When a parameter or the data is malformed; nothing was spent.
        """
        wish, budget = self._checked_terms()
        items, kept = self._catalogue(), declared.whole(self.factors, "factors", declared.FEATURES_MOST)
        if person is None:
            raise Refused("learn.undeclared", missing="person")
        bought = np.asarray(X, dtype=object).reshape(-1)
        if len(bought) > PEOPLE_MOST:
            raise Refused("learn.too-large", what="rows", number=f"{len(bought):,}", most=f"{PEOPLE_MOST:,}")
        owners = arrays.people(person, len(bought))
        noise = self.planned(len(items))
        places = self._places(bought, items)
        with spending(self, budget, wish, noise):
            noisy = noise.add(together(places, owners, len(items)))
            products = unfolded(noisy, len(items)) / UNIT**2
            self.items_, self.popularity_ = items, np.diagonal(products).copy()
            self.item_factors_ = item_factors(products, kept, noise.deviation / UNIT**2)
            self.n_features_in_ = 1
        return self

    def planned(self, width: int) -> Noise:
        """Plan the noise of the measurement, which tells what it costs; no data is needed.

        Args:
            width: How many items there are.

        Returns:
            The noise.

        Raises:
            Refused: As :meth:`fit`.
            CallerError: As :meth:`fit`.
        """
        return step_noise(self._wish(), TRIANGLE_BOUND, 1, triangle(checked_width(width, "items")))

    def recommend(self, bought: Iterable[object], count: int = 10) -> list[object]:
        """Recommend to a person by what that person bought; nothing of it is kept.

        Args:
            bought: Items, also of somebody who was not in the data; those that are not known are passed over.
            count: How many are wanted.

        Returns:
            Items that were not bought, best first; the most popular ones where nothing known was bought.

        Raises:
            CallerError: ``learn.bad-parameter`` for one text instead of several, or a count that is none.
        """
        self._checked_fitted()
        places = self._known(bought)
        count = declared.whole(count, "count", declared.FEATURES_MOST)
        scores = self.scores(places)
        scores[places] = -np.inf
        best = np.argsort(-scores, kind="stable")[: min(count, len(scores) - len(places))]
        return [self.items_[place] for place in best]

    def _known(self, bought: Iterable[object]) -> list[int]:
        """Find the places of those items that are in the catalogue."""
        advice = "Give a list of items, such as ['tea']; an empty one for somebody who bought nothing."
        wrong = CallerError("learn.bad-parameter", parameter="bought", advice=advice)
        if isinstance(bought, str | bytes):
            raise wrong
        try:
            return sorted(set(self._places(list(bought), self.items_).tolist()) - {-1})
        except TypeError:
            raise wrong from None

    def scores(self, places: Sequence[int]) -> Floats:
        """Tell how well each item goes with some.

        Args:
            places: Places of items in ``items_``.

        Returns:
            A score for each item.
        """
        self._checked_fitted()
        if not len(places):
            return self.popularity_.copy()
        return self.item_factors_ @ self.item_factors_[list(places)].sum(axis=0)  # type: ignore[no-any-return]

    def _catalogue(self) -> tuple[object, ...]:
        if self.items is None:
            raise Refused("learn.undeclared", missing="items")
        advice = "Give every item once, at least two: numbers or texts."
        known: tuple[object, ...] = ()
        try:
            known = tuple(self.items)
            is_sound = len(set(known)) == len(known) >= _TOO_FEW
        except TypeError:
            is_sound = False
        if not is_sound:
            raise CallerError("learn.bad-parameter", parameter="items", advice=advice)
        return known

    def _places(self, bought: Iterable[object], items: Sequence[object]) -> Integers:
        """Find each item's place; -1 for what is not in the catalogue."""
        place = {item: at for at, item in enumerate(items)}
        return np.array([place.get(each, -1) for each in bought], dtype=np.int64)


def together(places: Integers, owners: Integers | None, items: int) -> Integers:
    """Count what is bought together, each person's share cut to a bound; no noise is in it.

    Args:
        places: The item of each purchase, -1 for none.
        owners: Who bought it; none when each row is a person.
        items: How many items there are.

    Returns:
        The upper triangle of the matrix of products, row by row, in units of 2**-24.

    Guarantee: adding or removing a person changes the result by at most ``TRIANGLE_BOUND`` in L2. A person
        who bought k items adds 1/k for each pair of them: the products of a row of length 1.
    """
    whose = np.arange(len(places)) if owners is None else owners
    pairs = np.unique(np.column_stack([whose, places])[places >= 0], axis=0)
    starts = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
    counts = np.diff(starts, append=len(pairs))
    total = np.zeros(triangle(items), dtype=np.int64)
    step = max(1, _BLOCK // items)
    for first in range(0, len(starts), step):
        some = counts[first : first + step]
        rows = np.zeros((len(some), items))
        part = pairs[starts[first] : starts[first] + some.sum()]
        shares = np.floor(UNIT / np.sqrt(some))
        rows[np.repeat(np.arange(len(some)), some), part[:, 1]] = np.repeat(shares, some)
        total += statistics(Rows(rows, shares**2 * some, np.empty(0, dtype=np.int64)))
    return total


def item_factors(products: Floats, kept: int, deviation: float) -> Floats:
    """Factor a noisy matrix into items.

    Args:
        products: Symmetric, shape ``(items, items)``.
        kept: How many factors are kept at most.
        deviation: Standard deviation of the noise of a product.

    Returns:
        Orthogonal factors, each weighed by how much of it is not noise, shape ``(items, factors)``.

    Source: the eigenvalues of a symmetric matrix of noise reach twice its deviation times the root of its
        width (Wigner 1958); what one beyond that says of the matrix below the noise is after Benaych-Georges
        and Nadakuditi 2011, "The eigenvalues and eigenvectors of finite, low rank perturbations of large
        random matrices".
    """
    lengths, directions = np.linalg.eigh(products)
    lengths, directions = lengths[::-1][:kept], directions[:, ::-1][:, :kept]
    edge = 2 * deviation * sqrt(len(products))
    # An eigenvector is right by this share, squared, when its length beyond noise is so many edges.
    truth = (lengths + np.sqrt(np.maximum(lengths**2 - edge**2, 0))) / 2
    share = np.where(lengths > edge, 1 - (edge / 2) ** 2 / np.maximum(truth, edge / 2) ** 2, 0.0)
    # Weak factors hold little but chance: they count by how far they stand out of the mean of all.
    common = _COMMON * max(float(np.trace(products)), 0.0) / len(products)
    share *= lengths.clip(0) / np.maximum(lengths.clip(0) + common, np.finfo(np.float64).tiny)
    # Where noise drowns all of them, the first still tells what is popular.
    share[0] = max(share[0], np.finfo(np.float64).tiny)
    return directions * np.sqrt(share)
