"""From columns of text to a typed table, with the rows that do not fit set aside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hedgerow.adapters.readers.cells import ALL_TYPES, EXPECTED, Mask, infer_type, parse_cells
from hedgerow.adapters.readers.source import BrokenRow, SourceColumn
from hedgerow.model.errors import CallerError
from hedgerow.model.words import ColumnType

MAX_COLUMNS = 4096
REASONS_NAMED = 3
NAMES_SHOWN = 12
Lines = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Typed:
    """Good rows, their lines, and the rows set aside for a cell of another type."""

    columns: tuple[SourceColumn, ...]
    table: pa.Table
    line: Lines
    broken: tuple[BrokenRow, ...]


def check_names(path: Path, names: Sequence[str], types: Mapping[str, ColumnType] | None) -> None:
    """Refuse unnamed, repeated or too many columns, and types for columns that are not there.

    Args:
        path: The file, for messages.
        names: Column names in order.
        types: Types the caller gave.

    Raises:
        CallerError: ``files.unnamed-column``, ``files.duplicate-column``,
            ``files.too-many-columns`` or ``files.unknown-column``.
    """
    if len(names) > MAX_COLUMNS:
        raise CallerError("files.too-many-columns", path=path, limit=MAX_COLUMNS)
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if not name:
            raise CallerError("files.unnamed-column", path=path, position=position)
        if name.casefold() in seen:
            first = seen[name.casefold()]
            raise CallerError("files.duplicate-column", path=path, first=first, second=position)
        seen[name.casefold()] = position
    for column in types or {}:
        if column not in names:
            shown = ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")
            raise CallerError("files.unknown-column", path=path, column=column, columns=shown)


def type_columns(
    names: Sequence[str],
    texts: list[pa.ChunkedArray],
    line: Lines,
    raw_row: Callable[[int], bytes],
    types: Mapping[str, ColumnType] | None,
    allowed: Mapping[str, frozenset[ColumnType]] | None = None,
) -> Typed:
    """Type every column over all its values and set aside the rows that do not fit.

    Args:
        names: Column names in order.
        texts: One column of strings each; emptied on the way to keep memory low.
        line: Source line of each row.
        raw_row: Reads a row's bytes again.
        types: Types the caller gave, by column name.
        allowed: Types to consider, by column name; all where absent.

    Returns:
        The typed table without the rows set aside.
    """
    arrays: list[pa.Array] = []
    columns: list[SourceColumn] = []
    masks: list[tuple[str, ColumnType, Mask]] = []
    for name in names:
        text = _one(texts.pop(0))
        kind = (types or {}).get(name) or infer_type(text, (allowed or {}).get(name, ALL_TYPES))
        cells = parse_cells(text, kind)
        arrays.append(cells.values)
        columns.append(SourceColumn(name, kind))
        if cells.broken.any():
            masks.append((name, kind, cells.broken))
    table = pa.Table.from_arrays(arrays, names=list(names))
    if not masks:
        return Typed(tuple(columns), table, line, ())
    bad = np.logical_or.reduce([mask for _, _, mask in masks])
    broken = tuple(
        BrokenRow(int(line[row]), _reason(masks, int(row)), raw_row(int(row))) for row in np.flatnonzero(bad)
    )
    return Typed(tuple(columns), table.filter(pa.array(~bad)), line[~bad], broken)


def _one(text: pa.ChunkedArray) -> pa.Array:
    whole = text.combine_chunks()
    return whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)


def _reason(masks: list[tuple[str, ColumnType, Mask]], row: int) -> str:
    found = [(name, kind) for name, kind, mask in masks if mask[row]]
    said = [f"column {name}: expected {EXPECTED[kind]}" for name, kind in found[:REASONS_NAMED]]
    if len(found) > REASONS_NAMED:
        said.append(f"and {len(found) - REASONS_NAMED} more columns")
    return "; ".join(said)
