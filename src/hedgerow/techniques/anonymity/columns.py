"""Arrow columns as codes and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.anonymity import hierarchies as build
from hedgerow.kernel.anonymity.coding import Ints
from hedgerow.model.anonymity import ANY_VALUE, Hierarchy
from hedgerow.model.errors import CallerError

_SHORTEST_CODE = 3


@dataclass(frozen=True, slots=True)
class Coded:
    """One column with its distinct values.

    Args:
        name: The column.
        array: Its values, plain: no dictionary that could carry values of dropped rows.
        codes: Place of each row's value in ``distinct``; -1 is missing.
        distinct: Distinct values as Python objects, none missing.
    """

    name: str
    array: pa.Array = field(repr=False)
    codes: Ints = field(repr=False)
    distinct: tuple[Any, ...] = field(repr=False)

    @property
    def has_missing(self) -> bool:
        """Whether a row has no value."""
        return bool((self.codes < 0).any())


def plain(table: pa.Table, name: str) -> pa.Array:
    """Take a column out of a table as one plain array.

    Args:
        table: The table.
        name: The column.

    Returns:
        Its values; dictionaries decoded, NaN made missing, -0 made 0, timestamps in microseconds.

    Raises:
        CallerError: ``anonymity.column-type``.
    """
    array = pa.concat_arrays(table[name].chunks) if table[name].num_chunks else pa.array([], table[name].type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if pa.types.is_floating(kind):
        # Both zeros are one value: as two they would pass for two values of a class.
        return pc.if_else(pc.is_nan(array), pa.scalar(None, kind), pc.add(array, pa.scalar(0, kind)))
    if pa.types.is_timestamp(kind):
        return array.cast(pa.timestamp("us", kind.tz), safe=False)
    if pa.types.is_null(kind) or pa.types.is_string_view(kind):
        return array.cast(pa.large_string())
    if not _is_releasable(kind):
        raise CallerError("anonymity.column-type", column=name, type=str(kind))
    return array


def _is_releasable(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_integer,
        pa.types.is_decimal,
        pa.types.is_boolean,
        pa.types.is_date,
    )
    return any(test(kind) for test in tests)


def coded(table: pa.Table, name: str) -> Coded:
    """Number the distinct values of a column.

    Args:
        table: The table.
        name: The column.

    Returns:
        The numbered column.

    Raises:
        CallerError: ``anonymity.column-type``.
    """
    array = plain(table, name)
    encoded = array.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Coded(name, array, codes, tuple(encoded.dictionary.to_pylist()))


def built_hierarchy(column: Coded) -> Hierarchy:
    """Build the hierarchy that fits a column's type and values.

    Args:
        column: The column.

    Returns:
        Intervals for numbers; calendar steps for dates, timestamps and text that is all ISO dates;
        redaction from the right for text that is all digits of one length of at least three;
        else value and ``*``.
    """
    # In the order of the values, so that the order of rows decides nothing.
    kind, values = column.array.type, tuple(sorted(column.distinct))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return build.dates(values)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return build.categories(values) if _has_infinite(values) else build.numbers(values)
    if pa.types.is_boolean(kind):
        return build.categories(values)
    if values and all(build.is_date_text(text) for text in values):
        return build.dates(values)
    return build.codes(values) if _are_codes(values) else build.categories(values)


def _has_infinite(values: Iterable[Any]) -> bool:
    return any(isinstance(value, float) and abs(value) == float("inf") for value in values)


def _are_codes(values: tuple[str, ...]) -> bool:
    lengths = {len(text) for text in values}
    return len(lengths) == 1 and min(lengths) >= _SHORTEST_CODE and all(text.isdigit() for text in values)


def hierarchy_codes(column: Coded, hierarchy: Hierarchy) -> Ints:
    """Place a column's values in a hierarchy.

    Args:
        column: The column.
        hierarchy: Its hierarchy.

    Returns:
        Code of each row; a missing value is the code after the last.

    Raises:
        CallerError: ``anonymity.value-not-in-hierarchy``.
    """
    places = {text: place for place, text in enumerate(hierarchy.values)}
    try:
        known = [places[build.canonical(value)] for value in column.distinct]
    except KeyError:
        raise CallerError(
            "anonymity.value-not-in-hierarchy", column=column.name, hierarchy="its hierarchy"
        ) from None
    return np.asarray([*known, len(places)], dtype=np.int64)[column.codes]  # -1 is the last


def generalised(column: Coded, hierarchy: Hierarchy, codes: Ints, level: int, rows: Ints) -> pa.Array:
    """Release a column at a level.

    Args:
        column: The column.
        hierarchy: Its hierarchy.
        codes: Hierarchy code of each row.
        level: Level released.
        rows: Rows that stay.

    Returns:
        The values themselves at level 0, else the text of their groups; a missing value stays
        missing below the top and is ``*`` there.
    """
    if level == 0:
        return column.array.take(pa.array(rows))
    missing = 0 if level == hierarchy.top else len(hierarchy.labels[level - 1])
    groups = np.asarray([*hierarchy.maps[level - 1], missing], dtype=np.int64)[codes[rows]]
    labels = [*hierarchy.labels[level - 1], None] if hierarchy.values else [ANY_VALUE]
    return pa.array(labels, pa.string()).take(pa.array(groups))


def texts(table: pa.Table, name: str) -> list[str | None]:
    """Read a column as canonical text.

    Args:
        table: The table.
        name: The column.

    Returns:
        One text per row, none where missing.
    """
    column = coded(table, name)
    known = [*(build.canonical(value) for value in column.distinct), None]
    return [known[code] for code in column.codes.tolist()]
