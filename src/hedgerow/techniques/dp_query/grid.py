"""The fixed-point grid of a column: chosen from its declared bounds and type, never from values."""

from __future__ import annotations

from fractions import Fraction

from hedgerow.kernel.conditions.catalog import shown
from hedgerow.model.errors import Refused
from hedgerow.model.plans import Clamp, SumValues
from hedgerow.model.words import ColumnType

# No data set of more rows is planned for; with it, exact sums stay below 2**62 and so within 64
# bits. The engine checks the real sum and fails rather than wrap around.
ROWS_BOUND = 2**32
SUM_MOST = 2**62 // ROWS_BOUND
# What is not added up need only be told apart exactly, also by an engine that clamps in doubles.
GRID_MOST = 2**53
_STEPS_WANTED = 10_000
_DIGITS_MOST = 9


def digits_of(
    column: str, clamp: Clamp, kind: ColumnType, wanted: int = _STEPS_WANTED, most: int = SUM_MOST
) -> int:
    """Choose the fixed-point grid of a column from its bounds and type alone.

    Args:
        column: Its name, for the refusal.
        clamp: Its declared bounds.
        kind: Whole numbers stay whole; decimals get at least the wanted steps between the bounds
            and the digits the bounds are written with, as far as ``most`` allows.
        wanted: Steps between the bounds.
        most: Steps from zero that a bound may be away.

    Returns:
        Decimal digits, 0 or more.

    Raises:
        Refused: ``dp.too-wide`` when a bound is farther away even in whole steps.
    """
    finest = 0
    while kind is ColumnType.DECIMAL and finest < _DIGITS_MOST and not _is_fine(clamp, finest, wanted):
        finest += 1
    for digits in range(finest, -1, -1):
        if max(map(abs, SumValues(column, clamp, digits).step_bounds)) <= most:
            return digits
    raise Refused("dp.too-wide", column=shown(column), most=f"{most:,}")


def _is_fine(clamp: Clamp, digits: int, wanted: int) -> bool:
    step = Fraction(1, 10**digits)
    is_exact = (clamp.lower / step).denominator == 1 and (clamp.upper / step).denominator == 1
    return is_exact and clamp.upper - clamp.lower >= wanted * step
