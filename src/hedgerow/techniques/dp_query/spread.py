"""Variance and standard deviation: rebuilt from noisy numbers, each with what the noise leaves open."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hedgerow.model.answers import Cell

# Three noisy numbers each within their width in 59 of 60 answers are so together in 95 of 100.
EACH_OF_THREE = Fraction(59, 60)


@dataclass(frozen=True, slots=True)
class SpreadCell:
    """An output that shows a variance or its root.

    Args:
        squares: The sum of squared distances from the midpoint, in units.
        total: The centred sum, in steps.
        count: The noisy count of values.
        unit: Squared steps in one unit.
        lower: Least value, in steps.
        upper: Greatest value, in steps.
        digits: A step is ``10**-digits``.
        is_sample: Whether the divisor is one less than the count.
        is_root: Whether the standard deviation is shown.
    """

    squares: int
    total: int
    count: int
    unit: int
    lower: int
    upper: int
    digits: int
    is_sample: bool
    is_root: bool

    @property
    def places(self) -> int:
        """Decimal places shown."""
        return (1 if self.is_root else 2) * self.digits + 3


@dataclass(frozen=True, slots=True)
class Seen:
    """A noisy whole number and how far the noise may have carried it."""

    value: int
    width: int

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the greatest it may be without noise."""
        return self.value - self.width, self.value + self.width


def quotient(total: Seen, count: Seen) -> tuple[Fraction, Fraction]:
    """Tell the least and the greatest quotient that two noisy numbers allow.

    Args:
        total: The dividend.
        count: The divisor; its least must be above 0.
    """
    (bottom, top), (least, most) = total.ends, count.ends
    return Fraction(bottom, least if bottom < 0 else most), Fraction(top, most if top < 0 else least)


def spread(cell: SpreadCell, count: Seen, total: Seen, squares: Seen) -> tuple[Cell, Decimal | None]:
    """Rebuild a variance or standard deviation.

    Args:
        cell: What is shown.
        count: Rows with a value.
        total: Sum of their distances from the midpoint, in steps.
        squares: Sum of their squared distances, in units.

    Returns:
        The value and how far the noise may carry it; none where the count may be below 2.
    """
    least, most = count.ends
    if least < 2:  # noqa: PLR2004 - a spread needs two values
        return None, None
    first, second = Fraction(total.value, count.value), Fraction(squares.value, count.value) * cell.unit
    found = _cut(cell, second - first**2) * _divisor(cell, count.value)
    low, high = _allowed(cell, count, total, squares)
    low, high = low * _divisor(cell, most), high * _divisor(cell, least)
    return _shown(cell, found, min(low, found), max(high, found))


def _allowed(cell: SpreadCell, count: Seen, total: Seen, squares: Seen) -> tuple[Fraction, Fraction]:
    """Tell the least and the greatest variance that three noisy numbers allow, in squared steps."""
    bottom, top = quotient(total, count)
    smallest = Fraction(0) if bottom <= 0 <= top else min(bottom**2, top**2)
    low, high = quotient(squares, count)
    rounding = Fraction(cell.unit, 2) if cell.unit > 1 else Fraction(0)
    return (
        _cut(cell, low * cell.unit - rounding - max(bottom**2, top**2)),
        _cut(cell, high * cell.unit + rounding - smallest),
    )


def _cut(cell: SpreadCell, variance: Fraction) -> Fraction:
    """Keep a variance between 0 and what the bounds allow: the square of half their distance."""
    return min(max(variance, Fraction(0)), Fraction(cell.upper - cell.lower, 2) ** 2)


def _divisor(cell: SpreadCell, count: int) -> Fraction:
    return Fraction(count, count - 1) if cell.is_sample else Fraction(1)


def _shown(cell: SpreadCell, found: Fraction, low: Fraction, high: Fraction) -> tuple[Cell, Decimal]:
    """Round to the places shown; the width grows by what rounding takes."""
    scale = 10**cell.places
    if cell.is_root:
        value, bottom, top = (_root(v, cell) for v in (found, low, high))
        width = max(top + 1 - value, value - bottom)
    else:
        square = Fraction(scale, 10 ** (2 * cell.digits))
        value = round(found * square)
        width = math.ceil(max(high * square - value, value - low * square))
    return _decimal(value, cell), _decimal(width, cell)


def _root(variance: Fraction, cell: SpreadCell) -> int:
    """Take the root of squared steps, in the last place shown, rounded down."""
    squared = variance * 10 ** (2 * (cell.places - cell.digits))
    return math.isqrt(squared.numerator // squared.denominator)


def _decimal(value: int, cell: SpreadCell) -> Decimal:
    return Decimal(value).scaleb(-cell.places)


def expected_width(cell: SpreadCell, values: int, count: int, total: int, squares: int) -> Decimal | None:
    """Estimate how wrong a spread may be in a group of so many values.

    Args:
        cell: What is shown.
        values: How many rows hold a value.
        count: Width of the count.
        total: Width of the centred sum.
        squares: Width of the sum of squares.

    Returns:
        A width that holds whatever the values are, or none for no use.
    """
    certain = values - count
    if certain < 2:  # noqa: PLR2004 - a spread needs two values
        return None
    half = Fraction(cell.upper - cell.lower + 1, 2)
    second = (squares * cell.unit + half**2 * count) / certain + cell.unit
    first = (total + half * count) / certain
    width = second + 2 * half * first + first**2 + half**2 / certain
    most = min(width, half**2 * Fraction(certain, certain - 1))
    if cell.is_root:
        return _decimal(_root(most, cell) + 1, cell)
    return _decimal(math.ceil(most * 10 ** (cell.places - 2 * cell.digits)), cell)
