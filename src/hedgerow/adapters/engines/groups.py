"""Number the groups of declared keys: only declared keys exist, and each has a fixed place."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.adapters.engines.lowering import Kind, Lowered, Point, point_of
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hedgerow.model.plans import Combination, KeyDomain

Ints: TypeAlias = "npt.NDArray[np.integer[Any]]"
Mask: TypeAlias = "npt.NDArray[np.bool_]"

MOST_GROUPS = 10_000_000


def group_count(keys: Sequence[KeyDomain], selected: Sequence[Combination] | None = None) -> int:
    """Count the groups.

    Args:
        keys: The grouping columns.
        selected: The combinations there are; none means all.

    Returns:
        How many are selected, or the product of the domain sizes; 1 without keys.

    Raises:
        CallerError: ``engine.groups`` above ten million.
    """
    groups = prod(len(key.values) for key in keys) if selected is None else len(selected)
    if groups > MOST_GROUPS:
        raise CallerError("engine.groups", groups=groups, most=MOST_GROUPS)
    return groups


def number_groups(
    keys: Sequence[KeyDomain],
    columns: Mapping[str, tuple[pa.ChunkedArray, Lowered]],
    counts: Mask,
    selected: Sequence[Combination] | None = None,
) -> pa.Array:
    """Give each row the number of its group in row-major order of the domains, or among the selected.

    Args:
        keys: The grouping columns.
        columns: Their lowered columns and lowerings.
        counts: Which rows may count at all.
        selected: The combinations there are; none means all.

    Returns:
        One integer for each row, -1 for a row that must not count: excluded, or with a key that
        nobody declared or selected. A computed key counts as its first.

    Raises:
        CallerError: ``engine.groups``, ``engine.key-twice``, ``engine.literal-type``, ``engine.column-type``.
    """
    groups = group_count(keys, selected)
    if selected is not None:
        return _number_selected(keys, columns, counts, selected)
    width = np.min_scalar_type(-max(groups, 1))
    numbers: Ints = np.zeros(len(counts), dtype=width)
    for key in keys:
        if key.place is not None:  # worked out and added later; no row has it yet
            numbers = numbers * np.array(len(key.values), dtype=width)
            continue
        column, lowered = columns[key.column]
        places = _places(key, column, lowered).astype(width, copy=False)
        counts = counts & (places >= 0)
        numbers = numbers * np.array(len(key.values), dtype=width) + places
    return pa.array(np.where(counts, numbers, np.array(-1, dtype=width)))


def _number_selected(
    keys: Sequence[KeyDomain],
    columns: Mapping[str, tuple[pa.ChunkedArray, Lowered]],
    counts: Mask,
    selected: Sequence[Combination],
) -> pa.Array:
    """Number rows column by column among the beginnings of combinations: no product of domains is formed."""
    numbers: Ints = np.zeros(len(counts), dtype=np.int64)
    wanted: Ints = np.zeros(len(selected), dtype=np.int64)
    for place, key in enumerate(keys):
        known = {(type(value), value): at for at, value in enumerate(key.values)}
        own = [known[type(one[place]), one[place]] for one in selected]
        wanted = wanted * len(known) + np.array(own, dtype=np.int64)
        found = _places(key, *columns[key.column])
        numbers = np.where((numbers >= 0) & (found >= 0), numbers * len(known) + found, -1)
        beginnings, wanted = np.unique(wanted, return_inverse=True)
        numbers = _placed(beginnings, numbers)
    order = np.full(len(selected) + 1, -1, dtype=np.int64)
    order[wanted] = np.arange(len(selected))
    # The place -1 is the last one, which stays -1.
    return pa.array(np.where(counts, order[numbers], -1))


def _placed(known: Ints, numbers: Ints) -> Ints:
    """Find each number's place among sorted ones, -1 where it has none."""
    if not len(known):
        return np.full(len(numbers), -1)
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.where(known[places] == numbers, places, -1)


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
