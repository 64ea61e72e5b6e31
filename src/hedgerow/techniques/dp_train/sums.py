"""Exact sums of bounded contributions: what one person can change is known before anything is added up.

All numbers that are summed are whole: features in units of 2**-16, weights of 2**-20, residuals of 2**-12.
Floats hold them: whole numbers below 2**53 add up exactly in any order, and bounds keep every partial sum
below that. So what one person adds depends on that person's rows and the weights alone, to the last bit, and
not on who else stands in the same block of a fast product. A contribution is cut to its bound after it was
made whole, so rounding adds nothing to the sensitivity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hedgerow.model.errors import Refused

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

FEATURE_UNIT = 2**16
RESIDUAL_UNIT = 2**12
# Every contribution of a gradient is bounded by at most this in L2, so 2**25 people sum below 2**53.
GRADIENT_UNIT = FEATURE_UNIT * RESIDUAL_UNIT
WEIGHT_UNIT = 2**20
# Longer weights are cut: rows have a norm of at most 2**16 units, so scores stay below 2**53.
_WEIGHTS_MOST = 2.0**36
PEOPLE_MOST = 2**25
# A square norm computed in floats is off by a far smaller share than this.
_SLACK = 1 - 2.0**-20
_BLOCK = 1 << 21


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Whole features, in the order of their people: first all who have one row, then those who have several.

    The two kinds are bounded in two ways, so which way a person's rows go must rest on these rows alone.

    Args:
        features: Shape ``(rows, features)``, whole numbers in units of ``2**-16``; a row's norm is at most 1.
        squares: The square of each row's norm, in units.
        starts: The first row of each person who has several.
    """

    features: Floats
    squares: Floats
    starts: Integers

    @property
    def alone(self) -> int:
        """How many people have one row; these come first."""
        return int(self.starts[0]) if len(self.starts) else len(self.features)

    @property
    def people(self) -> int:
        """How many people there are."""
        return self.alone + len(self.starts)

    def of(self, people: Integers) -> tuple[Rows, Integers]:
        """Take the rows of some people.

        Args:
            people: Their places, in order.

        Returns:
            Their rows, and where these stood.
        """
        if not len(self.starts):
            return Rows(self.features[people], self.squares[people], self.starts), people
        alone, several = people[people < self.alone], people[people >= self.alone] - self.alone
        counts = np.diff(self.starts, append=len(self.features))[several]
        starts = len(alone) + np.cumsum(counts) - counts
        inner = np.arange(len(alone), len(alone) + counts.sum()) - np.repeat(starts, counts)
        places = np.append(alone, np.repeat(self.starts[several], counts) + inner)
        return Rows(self.features[places], self.squares[places], starts), places

    def blocks(self, width: int) -> Iterator[tuple[slice, Integers]]:
        """Go through people who have several rows, so that what is made of a block's rows stays small.

        Args:
            width: How many numbers are made of a row.

        Yields:
            Where a block's rows stand, and where each of its people begins among them.
        """
        if not len(self.starts):
            return
        ends = np.append(self.starts[1:], len(self.features))
        first = 0
        while first < len(self.starts):
            row = int(self.starts[first])
            last = max(first + 1, int(np.searchsorted(ends, row + _BLOCK // width, side="right")))
            yield slice(row, int(ends[last - 1])), self.starts[first:last] - row
            first = last


def whole_rows(features: Floats, people: Integers | None, unit: int = FEATURE_UNIT) -> tuple[Rows, Integers]:
    """Make features whole and put rows of a person together.

    Args:
        features: Scaled features, finite, within -1 and 1; rows of a norm above 1 are cut to it.
        people: The number of each row's person; none when each row is a person.
        unit: How many units make 1.

    Returns:
        The rows, and where each of them stood.

    Raises:
        Refused: ``learn.too-large`` beyond 2**25 rows.
    """
    if len(features) > PEOPLE_MOST:
        raise Refused("learn.too-large", what="rows", number=f"{len(features):,}", most=f"{PEOPLE_MOST:,}")
    order = np.arange(len(features))
    starts = np.empty(0, dtype=np.int64)
    if people is not None:
        has_several = np.bincount(people)[people] > 1
        order = np.lexsort((people, has_several))
        several = people[order][len(people) - np.count_nonzero(has_several) :]
        starts = len(people) - len(several) + np.flatnonzero(np.diff(several, prepend=-1))
    whole = cut(np.rint(features * unit), unit, _exact_squares)
    if len(starts):
        whole = whole[order]
    else:
        order = np.arange(len(features))
    return Rows(whole, _exact_squares(whole), starts), order


def scores(rows: Rows, weights: Floats) -> Floats:
    """Multiply rows with weights, exactly.

    Args:
        rows: The features.
        weights: Shape ``(outputs, features)``.

    Returns:
        Whole numbers in units of ``2**-36``, shape ``(rows, outputs)``.
    """
    whole = np.rint(weights * WEIGHT_UNIT)
    norms = np.sqrt(np.einsum("ij,ij->i", whole, whole))
    whole = np.trunc(whole * np.minimum(1, _WEIGHTS_MOST / np.maximum(norms, 1))[:, None])
    return rows.features @ whole.T  # type: ignore[no-any-return]


def bounded_sum(rows: Rows, residuals: Floats, bound: int) -> Integers:
    """Add up each person's share of a gradient, cut to a bound in L2.

    Args:
        rows: The features.
        residuals: What each row's features are multiplied with, one column for each output, shape
            ``(rows, outputs)``: whole numbers in units of ``2**-12``, within -1 and 1.
        bound: The most a person adds, in L2 over all outputs and features, in units of 2**-28.

    Returns:
        Exact sums, shape ``(outputs, features)``.

    Guarantee: adding or removing a person changes the result by at most ``bound`` in L2, whatever the values
        are: a contribution that is not within it, or is no number, adds nothing.
    """
    total = _sum_of_rows(rows.features[: rows.alone], rows.squares[: rows.alone], residuals, bound)
    for part, starts in rows.blocks(total.size):
        products = residuals[part][:, :, None] * rows.features[part][:, None, :]
        shares = np.add.reduceat(products.reshape(len(products), -1), starts, axis=0)
        total += cut(shares, bound).sum(axis=0).reshape(total.shape)
    return total.astype(np.int64)


def _sum_of_rows(features: Floats, squares: Floats, residuals: Floats, bound: int) -> Floats:
    """Sum where each row is a person: its norm is a product of two, so no row of a gradient is ever made."""
    wanted = residuals[: len(features)]
    sizes = np.sqrt(np.einsum("ij,ij->i", wanted, wanted) * squares)
    steps = np.trunc(wanted * _shrinking(sizes, bound)[:, None])
    is_within = np.einsum("ij,ij->i", steps, steps) * squares <= float(bound) ** 2 * _SLACK
    steps[~is_within] = 0
    return steps.T @ features


def _exact_squares(shares: Floats) -> Floats:
    """Add up squares of whole numbers whose sum is below 2**53: exact in any order."""
    return np.einsum("ij,ij->i", shares, shares)  # type: ignore[no-any-return]


def _squares(shares: Floats) -> Floats:
    """Add up squares one after the other, so that rounding in a row does not depend on the other rows."""
    return np.add.accumulate(shares**2, axis=1)[:, -1]


def cut(shares: Floats, bound: int, squares: Callable[[Floats], Floats] = _squares) -> Floats:
    """Cut whole contributions to a bound in L2, towards zero, and leave them whole.

    Args:
        shares: A row for each person.
        bound: The most a person adds, in L2.
        squares: How to add up the squares of a row.

    Returns:
        Whole numbers; a row that is not within the bound even so is all zero.
    """
    kept = np.trunc(shares * _shrinking(np.sqrt(squares(shares)), bound)[:, None])
    kept[~(squares(kept) <= float(bound) ** 2 * _SLACK)] = 0
    return kept


def _shrinking(sizes: Floats, bound: int) -> Floats:
    """Tell by what contributions are multiplied: 1 within the bound, a little less than the ratio beyond."""
    return np.where(sizes <= bound * _SLACK, 1.0, bound * _SLACK / np.maximum(sizes, bound))
