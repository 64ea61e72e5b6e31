"""Number the groups of declared keys: only declared keys exist, and each has a fixed place."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.adapters.engines.lowering import Kind, Lowered, Point, point_of
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hedgerow.model.plans import KeyDomain

Ints: TypeAlias = "npt.NDArray[np.integer[Any]]"
Mask: TypeAlias = "npt.NDArray[np.bool_]"

MOST_GROUPS = 10_000_000


def group_count(keys: Sequence[KeyDomain]) -> int:
    """Count the combinations of declared keys.

    Args:
        keys: The grouping columns.

    Returns:
        The product of the domain sizes; 1 without keys.

    Raises:
        CallerError: ``engine.groups`` above ten million.
    """
    groups = 1
    for key in keys:
        groups *= len(key.values)
    if groups > MOST_GROUPS:
        raise CallerError("engine.groups", groups=groups, most=MOST_GROUPS)
    return groups


def number_groups(
    keys: Sequence[KeyDomain], columns: Mapping[str, tuple[pa.ChunkedArray, Lowered]], counts: Mask
) -> pa.Array:
    """Give each row the number of its group in row-major order of the domains.

    Args:
        keys: The grouping columns.
        columns: Their lowered columns and lowerings.
        counts: Which rows may count at all.

    Returns:
        One integer for each row, -1 for a row that must not count: excluded, or with a key that
        nobody declared.

    Raises:
        CallerError: ``engine.groups``, ``engine.key-twice``, ``engine.literal-type``, ``engine.column-type``.
    """
    groups = group_count(keys)
    width = np.min_scalar_type(-max(groups, 1))
    numbers: Ints = np.zeros(len(counts), dtype=width)
    for key in keys:
        column, lowered = columns[key.column]
        places = _places(key, column, lowered).astype(width, copy=False)
        counts = counts & (places >= 0)
        numbers = numbers * np.array(len(key.values), dtype=width) + places
    return pa.array(np.where(counts, numbers, np.array(-1, dtype=width)))


def _places(key: KeyDomain, column: pa.ChunkedArray, lowered: Lowered) -> Ints:
    """Find each row's place in the domain, -1 where it has none."""
    value_type = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    wanted, places = _wanted(key, tuple(map(type, key.values)), lowered, value_type)
    if lowered.kind is Kind.EMPTY:
        return np.full(len(column), -1)
    found = [_found(chunk, wanted, places, lowered) for chunk in column.chunks]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


@lru_cache(maxsize=64)
def _wanted(
    key: KeyDomain,
    kinds: tuple[type, ...],  # noqa: ARG001 - True and 1 are one key of a cache, and not of a column
    lowered: Lowered,
    value_type: pa.DataType,
) -> tuple[pa.Array, pa.Array]:
    """List the values a column would hold for each key, and the places of those keys; once for many files."""
    points = [point_of(lowered, value, key.column) for value in key.values]
    if lowered.kind is Kind.EMPTY:
        return pa.array([]), pa.array([])
    if len(set(points)) != len(points):
        raise CallerError("engine.key-twice", column=key.column)
    held = [(place, _held(point, lowered)) for place, point in enumerate(points)]
    known = [(place, value) for place, value in held if value is not None]
    wanted = pa.array([_cell(value, value_type) for _, value in known], type=value_type)
    return wanted, pa.array([place for place, _ in known], type=_narrowest(len(points)))


def _narrowest(count: int) -> pa.DataType:
    """Few bytes for a row matter here: this runs over every row."""
    return pa.from_numpy_dtype(np.min_scalar_type(-max(count, 1)))


def _held(point: Point, lowered: Lowered) -> str | int | float | None:
    """The value a column would hold for a key, or none when it can hold no such value."""
    if isinstance(point, Fraction):
        fits = point.denominator == 1 and lowered.low <= point <= lowered.high
        return point.numerator if fits else None
    return point


def _cell(value: str | float, kind: pa.DataType) -> str | float | bool | Decimal:
    if pa.types.is_boolean(kind):
        return bool(value)
    return Decimal(value) if pa.types.is_decimal(kind) else value


def _found(chunk: pa.Array, wanted: pa.Array, places: pa.Array, lowered: Lowered) -> Ints:
    if isinstance(chunk, pa.DictionaryArray):
        # The words are few: look them up once, then every row by its code.
        found = places.take(pc.index_in(chunk.dictionary, value_set=wanted)).take(chunk.indices)
    elif lowered.kind is Kind.REAL:
        # Minus zero and zero are one number with two hashes.
        found = places.take(pc.index_in(pc.add(chunk, 0.0), value_set=wanted))
    else:
        found = places.take(pc.index_in(chunk, value_set=wanted))
    result: Ints = (pc.fill_null(found, -1) if found.null_count else found).to_numpy(zero_copy_only=False)
    return result
