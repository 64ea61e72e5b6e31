"""The facts of one column that the rules decide on: type, cardinality, order and distinct values."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MAX_ROWS = 200_000
SAMPLE_VALUES = 1_000
TEMPLATE_SIZES = range(64, 1025)
_EXACT_FLOAT = 2.0**53

TEXT, WHOLE, NUMBER, TRUTH, DATE, TIME, VECTOR, BINARY, NESTED, EMPTY = (
    "text",
    "whole",
    "number",
    "truth",
    "date",
    "time",
    "vector",
    "binary",
    "nested",
    "empty",
)


@dataclass(frozen=True)
class Profile:
    """What is known of a column before any rule looks at it.

    Args:
        kind: One of the kinds above.
        rows: Rows looked at: all up to 200,000, evenly spread ones beyond.
        filled: Rows that hold a value.
        values: The values without nulls; text is trimmed and NFKC-normalised, blanks dropped.
        distinct: The distinct values.
        rising: Whether every value is larger than the one before it.
        vector_size: Length of every vector, 0 for other kinds.
    """

    kind: str
    rows: int
    filled: int
    values: pa.Array = field(repr=False)
    distinct: pa.Array = field(repr=False)
    rising: bool
    vector_size: int = 0

    @property
    def cardinality(self) -> int:
        """How many distinct values there are."""
        return len(self.distinct)

    @property
    def spread(self) -> float:
        """Distinct values as a share of the filled rows."""
        return self.cardinality / self.filled if self.filled else 0.0

    @property
    def is_unique(self) -> bool:
        """Whether no value stands twice."""
        return self.filled > 1 and self.cardinality == self.filled

    @cached_property
    def texts(self) -> pa.Array:
        """The distinct values as text, whole numbers included."""
        return self.distinct if self.kind == TEXT else self.distinct.cast(pa.string())

    @cached_property
    def sample(self) -> pa.Array:
        """At most 1,000 distinct values as text, evenly spread in order of appearance."""
        return self.texts.take(spread_over(len(self.texts), SAMPLE_VALUES))


def spread_over(size: int, most: int) -> pa.Array:
    """List at most so many places, evenly spread over a size."""
    return pa.array(np.linspace(0, max(size - 1, 0), min(size, most)).astype(np.int64))


def profile_column(column: pa.ChunkedArray) -> Profile:
    """Gather the facts of a column.

    Args:
        column: Any Arrow column.

    Returns:
        The profile, over all rows up to 200,000 and over as many evenly spread rows beyond.
    """
    rising = False
    if len(column) > MAX_ROWS:
        rising = _is_rising(column) if pa.types.is_integer(column.type) else False
        column = column.take(spread_over(len(column), MAX_ROWS))
    values = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    rows = len(values)
    values = _as_whole(values.drop_null())
    kind = _kind(values.type)
    if kind == TEXT:
        values = _clean(values)
    if not len(values):
        return Profile(EMPTY, rows, 0, values, values, rising=False)
    if kind in {VECTOR, BINARY, NESTED}:
        return Profile(
            kind, rows, len(values), values, values[:1], rising=False, vector_size=_vector_size(values)
        )
    rising = rising or (kind in {WHOLE, TEXT} and _is_rising(pa.chunked_array([values])))
    distinct = values if rising else values.unique()
    return Profile(kind, rows, len(values), values, distinct, rising=rising)


def _kind(kind: pa.DataType) -> str:
    types = pa.types
    tests = (
        (TEXT, types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)),
        (TRUTH, types.is_boolean(kind)),
        (WHOLE, types.is_integer(kind) or (types.is_decimal(kind) and kind.scale == 0)),
        (NUMBER, types.is_floating(kind) or types.is_decimal(kind)),
        (DATE, types.is_date(kind)),
        (TIME, types.is_timestamp(kind)),
        (VECTOR, _is_vector(kind)),
        (BINARY, types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)),
    )
    return next((name for name, holds in tests if holds), NESTED)


def _as_whole(values: pa.Array) -> pa.Array:
    """Turn floats that are all whole numbers into integers, as a column with gaps becomes floats."""
    kind = values.type
    if pa.types.is_decimal(kind):
        return values.cast(pa.float64()) if kind.scale else values
    if not pa.types.is_floating(kind):
        return values
    numbers = np.asarray(values.cast(pa.float64()))
    numbers = numbers[np.isfinite(numbers)]
    whole = bool((np.abs(numbers) < _EXACT_FLOAT).all()) and bool((numbers == np.floor(numbers)).all())
    return pa.array(numbers.astype(np.int64)) if whole else pa.array(numbers)


def _is_vector(kind: pa.DataType) -> bool:
    types = pa.types
    listed = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(listed and (types.is_floating(kind.value_type) or types.is_integer(kind.value_type)))


def _vector_size(values: pa.Array) -> int:
    """Give the length that all vectors share, 0 when they differ."""
    if not _is_vector(values.type):
        return 0
    lengths = pc.min_max(pc.list_value_length(values)).as_py()
    return int(lengths["min"]) if lengths["min"] == lengths["max"] else 0


def _clean(values: pa.Array) -> pa.Array:
    text = values.cast(pa.string())
    if not pc.all(pc.string_is_ascii(text)).as_py():
        text = pc.utf8_normalize(text, "NFKC")
    text = pc.utf8_trim_whitespace(text)
    return text.filter(pc.not_equal(text, ""))


def _is_rising(values: pa.ChunkedArray) -> bool:
    if len(values) < 2 or values.null_count:  # noqa: PLR2004 - a sequence has two members
        return False
    head = values.slice(0, 1_000)
    if not pc.all(pc.less(head[:-1], head[1:])).as_py():
        return False
    return bool(pc.all(pc.less(values[:-1], values[1:])).as_py())
