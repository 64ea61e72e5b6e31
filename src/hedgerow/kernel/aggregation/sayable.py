"""Columns with null where a value has no words: days beyond the calendar, and text that is none.

Turning such a value into words fails, and a failure before noise would tell that somebody has it.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # of the years 1 and 9999
_DAY = 86_400
_DAY_BITS = 32
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def plain_days(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Bring dates to days; null outside the years 1 to 9999.

    Args:
        column: Dates in days or milliseconds.
    """
    ones = _DAY * 1000 if pa.types.is_date64(column.type) else 1
    return _within(column, _FIRST_DAY * ones, (_LAST_DAY + 1) * ones - 1).cast(pa.date32(), safe=False)


def plain_times(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Bring times to microseconds, with their zone; null outside the years 1 to 9999.

    Args:
        column: Times in any unit.
    """
    ones = _DAY * _UNITS[column.type.unit]
    inside = _within(column, _FIRST_DAY * ones, (_LAST_DAY + 1) * ones - 1)
    return inside.cast(pa.timestamp("us", column.type.tz), safe=False)


def plain_text(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Bring text to one type; null where the bytes are no UTF-8.

    Args:
        column: Text.
    """
    text = column.cast(pa.large_string())
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        chunks = text.chunks if isinstance(text, pa.ChunkedArray) else [text]
        text = pa.chunked_array([_decodable(chunk) for chunk in chunks], pa.large_string())
    return text


def cells_of(column: pa.ChunkedArray | pa.Array) -> list[object]:
    """Turn a column into Python values; where one has no words, all into their numbers or bytes.

    Args:
        column: Any column.
    """
    kind = column.type
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        if pa.types.is_temporal(kind):
            return list(column.cast(pa.int32() if kind.bit_width == _DAY_BITS else pa.int64()).to_pylist())
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            return list(column.cast(pa.large_string()).cast(pa.large_binary()).to_pylist())
        raise


def _decodable(text: pa.Array) -> pa.Array:
    words = text.dictionary_encode()
    known = pa.array([_is_text(word) for word in words.dictionary.view(pa.large_binary()).to_pylist()])
    return pc.if_else(known.take(words.indices), text, pa.scalar(None, text.type))


def _is_text(word: bytes) -> bool:
    try:
        word.decode()
    except UnicodeDecodeError:
        return False
    return True


def _within(column: pa.ChunkedArray | pa.Array, low: int, high: int) -> pa.ChunkedArray | pa.Array:
    kind = pa.int32() if pa.types.is_date32(column.type) else pa.int64()
    most = 2 ** (kind.bit_width - 1) - 1
    numbers = column.cast(kind)
    inside = pc.and_(
        pc.greater_equal(numbers, pa.scalar(max(low, -most - 1), kind)),
        pc.less_equal(numbers, pa.scalar(min(high, most), kind)),
    )
    return pc.if_else(inside, column, pa.scalar(None, column.type))
