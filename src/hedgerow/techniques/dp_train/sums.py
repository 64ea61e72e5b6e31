"""Exact sums of bounded contributions: what one person can change is known before anything is added up.

All numbers that are summed are whole: features in units of 2**-16, weights of 2**-20, residuals of 2**-12.
Floats hold them: whole numbers below 2**53 add up exactly in any order, and bounds keep every partial sum
below that. So what one person adds depends on that person's rows and the weights alone, to the last bit, and
not on who else stands in the same block of a fast product. A contribution is cut to its bound after it was
made whole, so rounding adds nothing to the sensitivity.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
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


class Ordered(ABC):
    """Rows in the order of their people: first all who have one row, then those who have several.

    The two kinds are bounded in two ways, so which way a person's rows go must rest on these rows alone.
    """

    __slots__ = ()
    starts: Integers

    @property
    @abstractmethod
    def count(self) -> int:
        """How many rows there are."""

    @property
    def alone(self) -> int:
        """How many people have one row; these come first."""
        return int(self.starts[0]) if len(self.starts) else self.count

    @property
    def people(self) -> int:
        """How many people there are."""
        return self.alone + len(self.starts)

    def blocks(self, width: int) -> Iterator[tuple[slice, Integers]]:
        """Go through people who have several rows, so that what is made of a block's rows stays small.

        Args:
            width: How many numbers are made of a row.

        Yields:
            Where a block's rows stand, and where each of its people begins among them.
        """
        if not len(self.starts):
            return
        ends = np.append(self.starts[1:], self.count)
        first = 0
        while first < len(self.starts):
            row = int(self.starts[first])
            last = max(first + 1, int(np.searchsorted(ends, row + _BLOCK // width, side="right")))
            yield slice(row, int(ends[last - 1])), self.starts[first:last] - row
            first = last


@dataclass(frozen=True, slots=True, eq=False)
class Layout(Ordered):
    """How rows belong to people.

    Args:
        order: Where each row stood before the rows of a person were put together.
        starts: The first row of each person who has several.
    """

    order: Integers
    starts: Integers

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.order)


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Ordered):
    """Whole features, in the order of their people.

    Args:
        features: Shape ``(rows, features)``, whole numbers in units of ``2**-16``; a row's norm is at most 1.
        squares: The square of each row's norm, in units.
        starts: The first row of each person who has several.
    """

    features: Floats
    squares: Floats
    starts: Integers

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.features)

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


def layout(people: Integers | None, count: int) -> Layout:
    """Put rows of a person together.

    Args:
        people: The number of each row's person; none when each row is a person.
        count: How many rows there are.

    Returns:
        The order of the rows.

    Raises:
        Refused: ``learn.too-large`` beyond 2**25 rows.
    """
    if count > PEOPLE_MOST:
        raise Refused("learn.too-large", what="rows", number=f"{count:,}", most=f"{PEOPLE_MOST:,}")
    order, starts = np.arange(count), np.empty(0, dtype=np.int64)
    if people is not None:
        has_several = np.bincount(people)[people] > 1
        order = np.lexsort((people, has_several))
        several = people[order][count - np.count_nonzero(has_several) :]
        starts = count - len(several) + np.flatnonzero(np.diff(several, prepend=-1))
    return Layout(order if len(starts) else np.arange(count), starts)


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
    found = layout(people, len(features))
    whole = cut(np.rint(features * unit), unit, _exact_squares)
    if len(found.starts):
        whole = whole[found.order]
    return Rows(whole, _exact_squares(whole), found.starts), found.order


def scores(rows: Rows, weights: Floats) -> Floats:
    """Multiply rows with weights, exactly.

    Args:
        rows: The features.
        weights: Shape ``(outputs, features)``.

    Returns:
        Whole numbers in units of ``2**-36``, shape ``(rows, outputs)``.
    """
    return rows.features @ whole_weights(weights, _WEIGHTS_MOST).T


def whole_weights(weights: Floats, most: float) -> Floats:
    """Make weights whole, and short enough that products with them add up exactly.

    Args:
        weights: Shape ``(outputs, features)``.
        most: The longest that one output's weights may be, in L2, in units of ``2**-20``.

    Returns:
        Whole numbers in those units, same shape.
    """
    whole = np.rint(weights * WEIGHT_UNIT)
    norms = np.sqrt(np.einsum("ij,ij->i", whole, whole))
    made: Floats = np.trunc(whole * np.minimum(1, most / np.maximum(norms, 1))[:, None])
    return made


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


def scattered_sum(people: Ordered, cells: Integers, values: Floats, bound: int, count: int) -> Integers:
    """Add up what each row puts into one cell, each person's share cut to a bound in L2 over all cells.

    Args:
        people: Who the rows are about.
        cells: The cell of each row, from 0, in the order of the people.
        values: What each row adds there, shape ``(rows, parts)``: whole numbers.
        bound: The most a person adds, in L2 over all cells and parts.
        count: How many cells there are.

    Returns:
        Exact sums, shape ``(count, parts)``.

    Guarantee: adding or removing a person changes the result by at most ``bound`` in L2, whatever the values
        are: a contribution that is not within it, or is no number, adds nothing.
    """
    parts = values.shape[1]
    kept, places = cut(values[: people.alone], bound), cells[: people.alone]
    total = _by_cell(places, kept, count)
    for part, starts in people.blocks(count * parts):
        owners = np.repeat(np.arange(len(starts)), np.diff(starts, append=part.stop - part.start))
        shares = _by_cell(owners * count + cells[part], values[part], len(starts) * count)
        total += cut(shares.reshape(len(starts), -1), bound).sum(axis=0).reshape(total.shape)
    return total.astype(np.int64)


def _by_cell(cells: Integers, values: Floats, count: int) -> Floats:
    # Where there is nothing to count, the counts come as whole numbers.
    return np.stack([np.bincount(cells, column, count).astype(np.float64) for column in values.T], axis=1)


def _sum_of_rows(features: Floats, squares: Floats, residuals: Floats, bound: int) -> Floats:
    """Sum where each row is a person: its norm is a product of two, so no row of a gradient is ever made."""
    (steps,) = cut_products([(residuals[: len(features)], squares)], bound)
    return steps.T @ features


def cut_products(parts: Sequence[tuple[Floats, Floats]], bound: int) -> list[Floats]:
    """Cut contributions that are products of two vectors each, by their factors alone.

    Args:
        parts: For each product, whole factors that are to be cut, a row for each person, and the squares of
            the norms of the others.
        bound: The most that all products of a person reach together, in L2.

    Returns:
        The factors, whole; those of a person whose products are not within the bound even so are all zero.
    """
    factors = [factor for factor, _ in parts]
    ratios = _shrinking(np.sqrt(_of_products(factors, parts)), bound)[:, None]
    kept = [np.trunc(factor * ratios) for factor in factors]
    is_within = _of_products(kept, parts) <= float(bound) ** 2 * _SLACK
    for factor in kept:
        factor[~is_within] = 0
    return kept


def _of_products(factors: Sequence[Floats], parts: Sequence[tuple[Floats, Floats]]) -> Floats:
    """Square the norms: sums of squares of whole numbers are exact, and what follows looks at one row."""
    total = np.zeros(len(factors[0]))
    for factor, (_, squares) in zip(factors, parts, strict=True):
        total += _exact_squares(factor) * squares
    return total


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
