"""Tables of an audit as columns of codes and texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.anonymity.coding import Ints
from hedgerow.kernel.anonymity.hierarchies import canonical, from_rows
from hedgerow.kernel.attacks.sides import Side
from hedgerow.model.anonymity import Hierarchy
from hedgerow.model.errors import CallerError


def arrow_of(frame: Any, table: str) -> pa.Table:  # noqa: ANN401 - any table that narwhals knows
    """Take any table as Arrow.

    Args:
        frame: A pyarrow, pandas or Polars table, or a mapping of columns.
        table: What it is in the audit, for errors.

    Returns:
        The same rows.

    Raises:
        CallerError: ``audit.no-table``, ``audit.ambiguous-column`` or ``audit.empty``.
    """
    if isinstance(frame, Mapping):
        try:
            frame = pa.table(dict(frame))
        except (pa.ArrowException, ValueError, TypeError):
            raise CallerError("audit.no-table", table=table) from None
    if isinstance(frame, pa.Table):
        for name, times in Counter(frame.column_names).items():
            if times > 1:
                raise CallerError("audit.ambiguous-column", column=name, table=table)
    try:
        made = nw.from_native(frame, eager_only=True).to_arrow()
    except TypeError:
        raise CallerError("audit.no-table", table=table) from None
    if not made.num_rows:
        raise CallerError("audit.empty", table=table)
    return made


def first_rows(table: pa.Table, whose: str | None) -> pa.Table:
    """Keep the first row of each person.

    Args:
        table: The table.
        whose: The column that tells people apart; none keeps every row. Rows of nobody are all kept.

    Returns:
        The rows, in order.
    """
    if whose is None:
        return table
    people = side(whose, table)
    _, first = np.unique(people.codes, return_index=True)
    nobody = np.flatnonzero([people.texts[code] is None for code in people.codes.tolist()])
    return table.take(pa.array(np.union1d(first, nobody)))


def check_columns(frame: pa.Table, names: Sequence[str], table: str) -> None:
    """Refuse columns that a table does not have.

    Raises:
        CallerError: ``audit.unknown-column``.
    """
    for name in names:
        if name not in frame.column_names:
            raise CallerError("audit.unknown-column", column=name, table=table)


def side(name: str, *tables: pa.Table) -> Side:
    """Read a column of several tables, one after the other.

    Args:
        name: The column.
        tables: Tables that have it.

    Returns:
        The column over all their rows.

    Raises:
        CallerError: ``audit.column-type``.
    """
    texts: list[str | None] = []
    places: dict[str | None, int] = {}
    codes: list[Ints] = []
    for table in tables:
        encoded = _plain(table, name).dictionary_encode()
        known = [_text(value) for value in encoded.dictionary.to_pylist()]
        for text in (*known, None):
            if text not in places:
                places[text] = len(texts)
                texts.append(text)
        new = np.asarray([*(places[text] for text in known), places[None]], dtype=np.int64)
        codes.append(new[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)])
    return Side(tuple(texts), np.concatenate(codes))


def hierarchies_of(given: Mapping[str, Any], quasi: Sequence[str]) -> dict[str, Hierarchy]:
    """Take hierarchies as they are, or as rows of value, level 1, up to the coarsest.

    Raises:
        CallerError: ``audit.hierarchy-for-no-quasi`` or a ``hierarchy.`` code.
    """
    for name in given:
        if name not in quasi:
            raise CallerError("audit.hierarchy-for-no-quasi", column=name)
    return {name: each if isinstance(each, Hierarchy) else from_rows(each) for name, each in given.items()}


def _text(value: object) -> str | None:
    if value is None or value == "" or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return canonical(value)


def _plain(table: pa.Table, name: str) -> pa.Array:
    chunked = table[name]
    array = pa.concat_arrays(chunked.chunks) if chunked.num_chunks else pa.array([], chunked.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_nan(array), pa.scalar(None, kind), array)
    if pa.types.is_null(kind) or pa.types.is_string_view(kind):
        return array.cast(pa.large_string())
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise CallerError("audit.column-type", column=name, type=str(kind))
    return array
