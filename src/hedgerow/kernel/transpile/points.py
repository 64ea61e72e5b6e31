"""Constants in the terms of a column on another engine."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import TypeAlias

from sqlglot import exp

from hedgerow.kernel.transpile.source import Kind, SourceColumn
from hedgerow.kernel.transpile.writing import Words, is_unicode
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import Scalar

Point: TypeAlias = "str | Fraction | float | date | None"
"""Text, an exact number of the column's steps, a double, a day or a moment; none compares with nothing."""

_TYPES = {
    Kind.TEXT: "TEXT",
    Kind.WHOLE: "BIGINT",
    Kind.TRUTH: "BIGINT",
    Kind.REAL: "DOUBLE",
    Kind.DATE: "DATE",
    Kind.MOMENT: "TIMESTAMPNTZ",
    Kind.INSTANT: "TIMESTAMPTZ",
    Kind.STEPS: "BIGINT",
}
_LEAST = -(2**63)


def type_of(column: SourceColumn) -> str:
    """Name the type of a column."""
    return _TYPES.get(column.kind) or f"DECIMAL(38, {column.scale})"


def point_of(column: SourceColumn, value: Scalar, name: str) -> Point:
    """Read a constant in the terms of a column.

    Args:
        column: What the column holds.
        value: The constant of the plan.
        name: The column's name, for the error.

    Returns:
        The constant; none where it compares with no value.

    Raises:
        CallerError: ``engine.literal-type``.
    """
    if value is None:
        return None
    point = _read(column, value)
    if point is None:
        raise CallerError("engine.literal-type", column=name)
    # A lone surrogate is no text that a column could hold.
    return None if isinstance(point, str) and not is_unicode(point) else point


def _read(column: SourceColumn, value: str | int | Fraction) -> Point:
    if isinstance(value, str):
        return value if column.kind is Kind.TEXT else _moment(column, value)
    if not column.is_number or (isinstance(value, bool) and column.kind is not Kind.TRUTH):
        return None
    return Fraction(value) * 10**column.scale if column.is_whole else double_of(Fraction(value))


def double_of(value: Fraction) -> float:
    """Find the nearest double, infinite past the last."""
    try:
        return value.numerator / value.denominator
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _moment(column: SourceColumn, text: str) -> date | None:
    try:
        if column.kind is Kind.DATE:
            return date.fromisoformat(text)
        if column.kind not in {Kind.MOMENT, Kind.INSTANT}:
            return None
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC) if column.kind is Kind.INSTANT else None


def constant(words: Words, column: SourceColumn, point: str | Fraction | float | date) -> str:
    """Write a constant that a column can hold, in the column's type.

    Args:
        words: The statement.
        column: What the column holds.
        point: A constant; whole steps within the column's range where it is whole, and finite.

    Returns:
        The words.
    """
    if isinstance(point, str):
        return f"CAST({words.text(point)} AS TEXT)"
    if isinstance(point, Fraction):
        return _steps(column, point.numerator)
    if isinstance(point, float):
        return double(point)
    shown = point.isoformat() if not isinstance(point, datetime) else _shown(column, point)
    cast = exp.cast(exp.Literal.string(shown), exp.DataType.build(type_of(column)))
    return words.put(cast)


def _steps(column: SourceColumn, steps: int) -> str:
    return decimal(steps, column.scale) if column.kind is Kind.EXACT else integer(steps)


def decimal(steps: int, scale: int) -> str:
    """Write a decimal of so many steps of ``10**-scale``."""
    sign, digits = "-" if steps < 0 else "", str(abs(steps)).rjust(scale + 1, "0")
    cut = len(digits) - scale
    shown = f"{digits[:cut]}.{digits[cut:]}" if scale else digits
    return f"CAST('{sign}{shown}' AS DECIMAL(38, {scale}))"


def integer(value: int) -> str:
    """Write an integer of 64 bits; the least has no literal of its own."""
    return f"({_LEAST + 1} - 1)" if value == _LEAST else f"({value})" if value < 0 else str(value)


def double(value: float) -> str:
    """Write a finite double, exactly."""
    return f"CAST('{value!r}' AS DOUBLE)"


def _shown(column: SourceColumn, moment: datetime) -> str:
    plain = moment.replace(tzinfo=None).isoformat(sep=" ")
    return plain if column.kind is Kind.MOMENT else f"{plain}+00:00"
