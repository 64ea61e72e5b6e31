"""Values in fixed point: clamped and rounded, ties to even, to the very same integers on every engine.

No function that rounds is asked: engines differ in what they do with a value half-way between two. A
value is clamped so that nothing can overflow, then cut down to a whole number, and what was cut off decides.
Spark's ``RINT`` alone is asked, of doubles: it is Java's ``rint``, whose specification says ties to even
(IEEE 754), and one call in place of six makes a whole query a tenth quicker there.
"""

from __future__ import annotations

import math
from fractions import Fraction

from hedgerow.kernel.transpile.conditions import Scope
from hedgerow.kernel.transpile.points import decimal, double, double_of, integer
from hedgerow.kernel.transpile.source import Kind, SourceColumn
from hedgerow.model.errors import CallerError
from hedgerow.model.expressions import MOST
from hedgerow.model.plans import SumValues

_MOST_DIGITS = 18
_MOST_STEPS = 2**53
_MOST_PRECISION = 38
_BEYOND = 2**62  # farther than any value made of others


def scaled(scope: Scope, part: SumValues, *, is_summed: bool = True) -> str:
    """Write a value in steps, clamped and not yet rounded; null where there is none.

    Args:
        scope: What the statement reads.
        part: The column, its bounds and its grid.
        is_summed: Whether values are added up: then none may lie beyond what a double holds exactly.

    Returns:
        The words: a double, a decimal, or an integer where nothing is left to round.

    Raises:
        CallerError: ``engine.bounds`` or ``engine.not-a-number``.
    """
    word, column = scope.column(part.column)
    is_wide = not is_summed and column.is_whole and column.kind is not Kind.EXACT
    low, high = _bounds(part, MOST if is_wide else _MOST_STEPS)
    if column.kind is Kind.REAL:
        return _real(word, part.digits, low, high, is_rounded=is_rounded(scope, part))
    if column.kind is Kind.EXACT:
        return _exact(word, column, part, low, high)
    if not column.is_whole:
        raise CallerError("engine.not-a-number", column=part.column)
    if part.digits < column.scale:
        return _fewer(word, 10 ** (column.scale - part.digits), low, high)
    ones = 10 ** (part.digits - column.scale)
    value = f"CAST({word} AS BIGINT) * {ones}"
    return _clamped(word, (integer(low // ones), integer(-(-high // ones))), (low, high), value)


def is_rounded(scope: Scope, part: SumValues) -> bool:
    """Tell whether the scaled value is a whole number already."""
    kind = scope.column(part.column)[1].kind
    return kind is not Kind.EXACT and (kind is not Kind.REAL or scope.words.dialect == "spark")


def rounded(scope: Scope, part: SumValues, value: str, floor: str) -> str:
    """Write the whole number nearest to a value, the even one of two.

    Args:
        scope: What the statement reads.
        part: What the value is of.
        value: A scaled value.
        floor: The greatest whole number not above it, computed before.

    Returns:
        The words.
    """
    column = scope.column(part.column)[1]
    rest = f"({value} - {floor})"
    if column.kind is Kind.EXACT:  # few digits before the point, or an engine takes them from those behind it
        rest = f"CAST({rest} AS DECIMAL({column.scale + 2}, {column.scale}))"
    # Twice the rest is exact, in doubles too; one half has no literal of the same type everywhere.
    is_up = f"{rest} + {rest} > 1 OR ({rest} + {rest} = 1 AND CAST({floor} AS BIGINT) % 2 <> 0)"
    return f"CAST({floor} AS BIGINT) + CASE WHEN {is_up} THEN 1 ELSE 0 END"


def _bounds(part: SumValues, most: int) -> tuple[int, int]:
    if 0 <= part.digits <= _MOST_DIGITS and part.clamp.lower <= part.clamp.upper:
        low, high = part.step_bounds
        if -most <= low and high <= most:
            return low, high
    raise CallerError("engine.bounds", column=part.column, digits=part.digits)


def _clamped(word: str, at: tuple[str, str], ends: tuple[object, object], value: str) -> str:
    """Below and above it is a bound; the value itself is computed only between, where nothing overflows."""
    low, high = (f"({end})" for end in ends)
    below, above = f"WHEN {word} <= {at[0]} THEN {low}", f"WHEN {word} >= {at[1]} THEN {high}"
    return f"CASE WHEN {word} IS NULL THEN NULL {below} {above} ELSE {value} END"


def _real(word: str, digits: int, low: int, high: int, *, is_rounded: bool) -> str:
    ones = float(10**digits)
    at = double(_last_at_most(low, ones)), double(-_last_at_most(-high, ones))
    product = f"{word} * {double(ones)}"
    if is_rounded:
        whole = integer(low), integer(high)
        return _clamped(word, at, whole, f"CAST(RINT({product}) AS BIGINT)")
    return _clamped(word, at, (double(float(low)), double(float(high))), product)


def _fewer(word: str, ones: int, low: int, high: int) -> str:
    """Round whole steps to larger ones; what is left over decides, and is taken off before dividing."""
    rest = f"(({word} % {ones} + {ones}) % {ones})"
    floor = f"CAST(({word} - {rest}) // {ones} AS BIGINT)"
    is_up = f"{rest} + {rest} > {ones} OR ({rest} + {rest} = {ones} AND {floor} % 2 <> 0)"
    at = integer(max(low * ones, -_BEYOND)), integer(min(high * ones, _BEYOND))
    return _clamped(word, at, (low, high), f"{floor} + CASE WHEN {is_up} THEN 1 ELSE 0 END")


def _last_at_most(bound: int, ones: float) -> float:
    """Find the greatest double whose product with a power of ten, as doubles multiply, is at most a bound."""
    found = double_of(Fraction(bound) / Fraction(ones))
    while found * ones > bound:
        found = math.nextafter(found, -math.inf)
    while (above := math.nextafter(found, math.inf)) * ones <= bound:
        found = above
    return found


def _exact(word: str, column: SourceColumn, part: SumValues, low: int, high: int) -> str:
    """Scale a decimal within the 38 digits that every engine has."""
    scale, ones = column.scale, 10**part.digits
    least, most = (low * 10**scale) // ones, -((-high * 10**scale) // ones)
    digits = max(len(str(abs(least))), len(str(abs(most))), scale + 1)
    if scale > _MOST_DIGITS or digits + part.digits + 2 > _MOST_PRECISION:
        raise CallerError("engine.bounds", column=part.column, digits=part.digits)
    kind = f"DECIMAL({_MOST_DIGITS + scale}, {scale})"
    near = f"CAST({word} AS DECIMAL({digits}, {scale})) * CAST({ones} AS DECIMAL({part.digits + 1}, 0))"
    at = decimal(least, scale), decimal(most, scale)
    ends = f"CAST({low} AS {kind})", f"CAST({high} AS {kind})"
    return _clamped(word, at, ends, f"CAST({near} AS {kind})")
