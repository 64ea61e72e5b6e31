"""Read Parquet into the column types of a data set."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hedgerow.adapters.readers.assemble import check_names
from hedgerow.adapters.readers.cells import EXPECTED, Cells, Mask, parse_cells
from hedgerow.adapters.readers.opening import OpenFile
from hedgerow.adapters.readers.source import BrokenRow, SourceColumn, SourceTable
from hedgerow.kernel.aggregation.sayable import cells_of, plain_days, plain_text, plain_times
from hedgerow.model.errors import CallerError
from hedgerow.model.words import ColumnType

_DECIMAL_DIGITS = 38


def read_parquet(file: OpenFile, types: Mapping[str, ColumnType] | None) -> SourceTable:
    """Read a Parquet file.

    Args:
        file: An open file.
        types: Types the caller gave, by column name; such a column is read as text and parsed.

    Returns:
        The table. Float columns stay ``float64``; lists and structures become JSON text.

    Raises:
        CallerError: When it is no Parquet file, is empty, or holds a type with no counterpart.
    """
    file.hash_all()
    file.handle.seek(0)
    try:
        table = pq.ParquetFile(file.handle).read(use_threads=True)
    except (pa.ArrowException, OSError):
        why = "it begins like Parquet but cannot be read as such, or it is encrypted"
        raise CallerError("files.not-a-table", path=file.path, why=why) from None
    names = table.column_names
    check_names(file.path, names, types)
    if not table.num_rows:
        raise CallerError("files.no-rows", path=file.path)
    columns, arrays, masks = [], [], []
    for name in names:
        kind, cells = _readable(file, name, table.column(name), (types or {}).get(name))
        columns.append(SourceColumn(name, kind))
        arrays.append(cells.values)
        if cells.broken.any():
            masks.append((name, kind, cells.broken))
    typed = pa.Table.from_arrays(arrays, names=names)
    line = np.arange(1, table.num_rows + 1, dtype=np.int64)
    bad = np.logical_or.reduce([mask for _, _, mask in masks]) if masks else np.zeros(len(line), dtype=bool)
    broken = tuple(_broken(table, masks, int(row)) for row in np.flatnonzero(bad))
    good = typed.filter(pa.array(~bad)) if broken else typed
    digest = file.finished()
    return SourceTable(file.path.stem, tuple(columns), good, line[~bad], broken, digest, "parquet", "")


def _broken(table: pa.Table, masks: list[tuple[str, ColumnType, Mask]], row: int) -> BrokenRow:
    reason = "; ".join(f"column {name}: expected {EXPECTED[kind]}" for name, kind, mask in masks if mask[row])
    cells = {name: cells_of(table.column(name).slice(row, 1))[0] for name in table.column_names}
    raw = json.dumps(cells, default=str).encode()
    return BrokenRow(row + 1, reason, raw)


def _readable(
    file: OpenFile, name: str, chunked: pa.ChunkedArray, given: ColumnType | None
) -> tuple[ColumnType, Cells]:
    """Read a column; an error of Arrow or Python would quote the value it met."""
    try:
        return _column(file, name, chunked, given)
    except (pa.ArrowException, OverflowError, ValueError):
        why = f"column {name} holds a value that cannot be read"
        raise CallerError("files.not-a-table", path=file.path, why=why) from None


def _column(
    file: OpenFile, name: str, chunked: pa.ChunkedArray, given: ColumnType | None
) -> tuple[ColumnType, Cells]:
    values = chunked.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind, typed, broken = _native(file, name, values)
    if given is None or given is kind:
        return kind, Cells(typed, broken)
    cells = parse_cells(_empty_as_null(typed.cast(pa.string())), given)
    return given, Cells(cells.values, cells.broken | broken)


def _native(file: OpenFile, name: str, values: pa.Array) -> tuple[ColumnType, pa.Array, Mask]:
    kind = values.type
    whole = np.zeros(len(values), dtype=bool)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        texts, broken = _sayable(values, plain_text)
        return ColumnType.TEXT, _empty_as_null(texts.cast(pa.string())), broken
    if pa.types.is_null(kind) or pa.types.is_time(kind):
        return ColumnType.TEXT, values.cast(pa.string()), whole
    if pa.types.is_boolean(kind):
        return ColumnType.BOOLEAN, values, whole
    if pa.types.is_integer(kind):
        return (ColumnType.INTEGER, *_integers(values))
    if pa.types.is_floating(kind):
        return (ColumnType.DECIMAL, *_floats(values.cast(pa.float64())))
    if pa.types.is_decimal(kind) and kind.precision <= _DECIMAL_DIGITS and kind.scale >= 0:
        return ColumnType.DECIMAL, values.cast(pa.decimal128(kind.precision, kind.scale)), whole
    if pa.types.is_date(kind):
        return (ColumnType.DATE, *_sayable(values, plain_days))
    if pa.types.is_timestamp(kind):
        times, broken = _sayable(values, plain_times)
        return ColumnType.TIMESTAMP, _timestamps(times), broken
    if pa.types.is_nested(kind):
        return ColumnType.TEXT, _as_json(values), whole
    raise CallerError("files.column-unsupported", path=file.path, column=name, kind=str(kind))


def _sayable(values: pa.Array, plain: Callable[[pa.Array], pa.Array]) -> tuple[pa.Array, Mask]:
    """Bring values to one type of their kind; those that have no words are broken."""
    told = plain(values)
    told = told.combine_chunks() if isinstance(told, pa.ChunkedArray) else told
    return told, _mask(pc.and_not(values.is_valid(), told.is_valid()))


def _timestamps(values: pa.Array) -> pa.Array:
    """Bring times to microseconds; a finer part is cut off, a zone becomes UTC."""
    target = pa.timestamp("us", "UTC") if values.type.tz else pa.timestamp("us")
    return values.cast(target, safe=False)


def _integers(values: pa.Array) -> tuple[pa.Array, Mask]:
    if not pa.types.is_uint64(values.type):
        return values.cast(pa.int64()), np.zeros(len(values), dtype=bool)
    broken = _mask(pc.greater(values, pa.scalar(2**63 - 1, pa.uint64())))
    return pc.if_else(pa.array(broken), None, values).cast(pa.int64()), broken


def _floats(values: pa.Array) -> tuple[pa.Array, Mask]:
    broken = _mask(pc.invert(pc.is_finite(values)))
    return pc.if_else(pa.array(broken), None, values), broken


def _mask(values: pa.Array) -> Mask:
    return np.asarray(pc.fill_null(values, fill_value=False), dtype=bool)


def _empty_as_null(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def _as_json(values: pa.Array) -> pa.Array:
    rows = values.to_pylist()
    texts = [None if row is None else json.dumps(row, default=str, separators=(",", ":")) for row in rows]
    return pa.array(texts, pa.string())
