"""Lower Arrow columns to few kinds, so that every computation over them is total and exact.

Whole numbers of every sort (integers, truth values, decimals, dates, timestamps) become plain
integers counted in the column's own steps; decimals keep their unscaled integer. Text stays text.
Floating columns stay double. Lowering views the same buffers where it can and copies elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum, auto
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from hedgerow.model.plans import Scalar

Point: TypeAlias = "str | Fraction | float | None"
"""A constant in the terms of a lowered column; none compares with nothing."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_NARROW_DIGITS = 18
_WIDE_LIMIT = 10**38 - 1


class Kind(Enum):
    """What a lowered column can take part in."""

    TEXT = auto()
    WHOLE = auto()
    REAL = auto()
    EMPTY = auto()
    OPAQUE = auto()


class Reading(Enum):
    """How a constant beside a whole column is read."""

    NUMBER = auto()
    TRUTH = auto()
    DATE = auto()
    TIME = auto()


@dataclass(frozen=True, slots=True)
class Lowered:
    """What a column became.

    Args:
        kind: Its kind.
        reading: How constants beside it are read; for whole columns.
        steps: Steps in one unit: 10**scale of a decimal, ticks in a second or a day.
        low: Least value the lowered column can hold; for whole columns.
        high: Greatest value it can hold.
        has_zone: Whether a timestamp counts from an instant in UTC.
    """

    kind: Kind
    reading: Reading = Reading.NUMBER
    steps: int = 1
    low: int = -(2**63)
    high: int = 2**63 - 1
    has_zone: bool = False

    @property
    def is_wide(self) -> bool:
        """Whether its values may need more than 64 bits signed."""
        return self.low < -(2**63) or self.high >= 2**63

    @property
    def is_number(self) -> bool:
        """Whether its values can be summed; truth values count as 0 and 1."""
        return self.kind is Kind.REAL or (
            self.kind is Kind.WHOLE and self.reading in {Reading.NUMBER, Reading.TRUTH}
        )


def lowering_of(kind: pa.DataType) -> Lowered:
    """Decide what a column of an Arrow type becomes.

    Args:
        kind: The Arrow type; of a dictionary, the type of its values.

    Returns:
        The lowering.
    """
    types = pa.types
    if types.is_dictionary(kind):
        return lowering_of(kind.value_type)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return Lowered(Kind.TEXT)
    if types.is_floating(kind):
        return Lowered(Kind.REAL)
    if types.is_null(kind):
        return Lowered(Kind.EMPTY)
    return _whole(kind) or Lowered(Kind.OPAQUE)


def _whole(kind: pa.DataType) -> Lowered | None:
    types = pa.types
    if types.is_boolean(kind):
        return Lowered(Kind.WHOLE, Reading.TRUTH, low=0, high=1)
    if types.is_integer(kind):
        bits = kind.bit_width
        signed = types.is_signed_integer(kind)
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        return Lowered(Kind.WHOLE, low=low, high=high)
    if types.is_decimal128(kind) and kind.scale >= 0:
        most = 2**63 - 1 if kind.precision <= _NARROW_DIGITS else _WIDE_LIMIT
        return Lowered(Kind.WHOLE, steps=10**kind.scale, low=-most, high=most)
    if types.is_date32(kind):
        return Lowered(Kind.WHOLE, Reading.DATE, low=-(2**31), high=2**31 - 1)
    if types.is_date64(kind):
        return Lowered(Kind.WHOLE, Reading.DATE, steps=86_400_000)
    if types.is_timestamp(kind):
        return Lowered(Kind.WHOLE, Reading.TIME, steps=_TICKS[kind.unit], has_zone=kind.tz is not None)
    return None


def lower_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lower one column to the form that ``lowering_of`` promises.

    Args:
        column: Any Arrow column.

    Returns:
        Text or dictionaries of text, integers, truth values, ``decimal128(38, 0)`` for wide
        decimals, or doubles; for opaque columns a truth value where a value stands.
    """
    lowered = lowering_of(column.type)
    if pa.types.is_dictionary(column.type) and lowered.kind is not Kind.TEXT:
        column = column.cast(column.type.value_type)
    if lowered.kind is Kind.TEXT:
        return _lower_text(column)
    if lowered.kind is Kind.REAL:
        return column if pa.types.is_float64(column.type) else column.cast(pa.float64())
    if lowered.kind is Kind.OPAQUE:
        return _validity(column)
    if lowered.kind is Kind.EMPTY:
        return column.cast(pa.int8())
    return pa.chunked_array(
        [_lower_whole(chunk, lowered) for chunk in column.chunks], type=_whole_type(column.type)
    )


def _lower_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    return column


def _validity(column: pa.ChunkedArray) -> pa.ChunkedArray:
    valid = [chunk.is_valid() for chunk in column.chunks]
    return pa.chunked_array([pc.if_else(here, here, None) for here in valid], type=pa.bool_())


def _whole_type(kind: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_decimal(kind):
        return pa.int64() if kind.precision <= _NARROW_DIGITS else pa.decimal128(38, 0)
    if types.is_date32(kind):
        return pa.int32()
    if types.is_date64(kind) or types.is_timestamp(kind):
        return pa.int64()
    return kind


def _lower_whole(chunk: pa.Array, lowered: Lowered) -> pa.Array:
    if lowered.reading in {Reading.DATE, Reading.TIME}:
        return chunk.view(_whole_type(chunk.type))
    if not pa.types.is_decimal(chunk.type):
        return chunk
    if chunk.type.precision > _NARROW_DIGITS:
        # The same 16 bytes read with scale 0 are the unscaled integer.
        return pa.Array.from_buffers(
            pa.decimal128(38, 0), len(chunk), chunk.buffers(), chunk.null_count, chunk.offset
        )
    # Up to 18 digits the low half of the 128 bits holds the whole value.
    halves = np.frombuffer(chunk.buffers()[1], dtype="<i8") if len(chunk) else np.empty(0, "<i8")
    values = np.ascontiguousarray(halves[0::2][chunk.offset : chunk.offset + len(chunk)], dtype=np.int64)
    missing = chunk.is_null().to_numpy(zero_copy_only=False) if chunk.null_count else None
    return pa.array(values, mask=missing)


def point_of(lowered: Lowered, value: Scalar, column: str) -> Point:
    """Read a constant in the terms of a lowered column.

    Args:
        lowered: What the column became.
        value: The constant of the plan.
        column: Name of the column, for the error.

    Returns:
        Text, an exact number of steps, the nearest double, or none for null.

    Raises:
        CallerError: ``engine.literal-type`` or ``engine.column-type``.
    """
    if lowered.kind is Kind.OPAQUE:
        raise CallerError("engine.column-type", column=column)
    if value is None or lowered.kind is Kind.EMPTY:
        return None
    point = _read(lowered, value)
    if point is None:
        raise CallerError("engine.literal-type", column=column)
    return point


def _read(lowered: Lowered, value: str | int | Fraction) -> Point:
    if lowered.kind is Kind.TEXT:
        return value if isinstance(value, str) and _is_unicode(value) else None
    if isinstance(value, str):
        return _moment(lowered, value) if lowered.kind is Kind.WHOLE else None
    if isinstance(value, bool) and lowered.reading is not Reading.TRUTH:
        return None
    if lowered.kind is Kind.REAL:
        return _double(Fraction(value))
    if lowered.reading in {Reading.DATE, Reading.TIME}:
        return None
    return Fraction(value) * lowered.steps


def _is_unicode(text: str) -> bool:
    """Lone surrogates are no text that a column could hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _double(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _moment(lowered: Lowered, text: str) -> Fraction | None:
    try:
        if lowered.reading is Reading.DATE:
            return Fraction((date.fromisoformat(text) - _EPOCH.date()).days * lowered.steps)
        if lowered.reading is Reading.TIME:
            return _instant(lowered, datetime.fromisoformat(text))
    except ValueError:
        return None
    return None


def _instant(lowered: Lowered, moment: datetime) -> Fraction | None:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    elif not lowered.has_zone:
        return None
    return Fraction((moment - _EPOCH) // timedelta(microseconds=1), 10**6) * lowered.steps
