"""Read one JSON object per line; nested values are kept as compact JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from hedgerow.adapters.readers.assemble import MAX_COLUMNS, check_names, type_columns
from hedgerow.adapters.readers.cells import MAJORITY
from hedgerow.adapters.readers.opening import OpenFile, refuse_other_encoding
from hedgerow.adapters.readers.source import NOT_UTF8, BrokenRow, SourceTable
from hedgerow.model.errors import CallerError
from hedgerow.model.words import ColumnType

BATCH_ROWS = 50_000
FIT = 0.5
MAX_LINE_BYTES = 16 * 1024 * 1024
_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.TEXT})
_STRINGS = frozenset({ColumnType.DATE, ColumnType.TIMESTAMP, ColumnType.TEXT})
_TRUTHS = frozenset({ColumnType.BOOLEAN, ColumnType.TEXT})


class _NumberText(str):
    """A JSON number as it was written, so that no digit is lost."""

    __slots__ = ()


class _Malformed(ValueError):
    """A line that is no JSON object; carries the reason."""


@dataclass(slots=True)
class _Column:
    chunks: list[pa.Array] = field(default_factory=list)
    cells: list[str | None] = field(default_factory=list)
    numbers: int = 0
    strings: int = 0
    truths: int = 0

    def allowed(self) -> frozenset[ColumnType]:
        filled = self.numbers + self.strings + self.truths
        for count, kinds in ((self.numbers, _NUMBERS), (self.truths, _TRUTHS)):
            if filled and count >= MAJORITY * filled:
                return kinds
        return _STRINGS


@dataclass(slots=True)
class _Reading:
    columns: dict[str, _Column] = field(default_factory=dict)
    broken: list[BrokenRow] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)

    def flush(self) -> None:
        for column in self.columns.values():
            column.chunks.append(pa.array(column.cells, pa.string()))
            column.cells = []


def read_json_lines(file: OpenFile, types: Mapping[str, ColumnType] | None) -> SourceTable:
    """Read a JSONL file.

    Args:
        file: An open file.
        types: Types the caller gave, by column name.

    Returns:
        The table; its columns are the names met, in order of first appearance.

    Raises:
        CallerError: When most lines are no JSON objects, or there are no rows.
    """
    reading = _Reading()
    waiting = 0
    for line, start, raw in _lines(file):
        waiting += _take(file.path, reading, line, start, raw)
        if waiting == BATCH_ROWS:
            reading.flush()
            waiting = 0
    reading.flush()
    _refuse_no_table(file.path, reading)
    names = list(reading.columns)
    check_names(file.path, names, types)
    allowed = {name: column.allowed() for name, column in reading.columns.items()}
    texts = [pa.chunked_array(column.chunks, pa.string()) for column in reading.columns.values()]

    def raw_row(row: int) -> bytes:
        return file.slice_at(*reading.spans[row])

    typed = type_columns(names, texts, np.array(reading.lines, np.int64), raw_row, types, allowed)
    broken = tuple(sorted((*reading.broken, *typed.broken), key=lambda row: row.line))
    digest = file.finished()
    return SourceTable(file.path.stem, typed.columns, typed.table, typed.line, broken, digest, "jsonl", "")


def _refuse_no_table(path: Path, reading: _Reading) -> None:
    good = len(reading.lines)
    if not good and not reading.broken:
        raise CallerError("files.no-rows", path=path)
    if good < FIT * (good + len(reading.broken)):
        refuse_other_encoding(path, good, reading.broken, FIT)
        raise CallerError("files.not-a-table", path=path, why="most of its lines are no JSON objects")
    if not reading.columns:
        raise CallerError("files.not-a-table", path=path, why="its objects have no names")


def _lines(file: OpenFile) -> Iterator[tuple[int, int, bytes]]:
    """Yield line number, byte offset and bytes of each line that is not blank."""
    rest, offset, number = b"", 0, 0
    for block in file.blocks():
        parts = (rest + block).split(b"\n")
        rest = parts.pop()
        for part in parts:
            number += 1
            if part.strip():
                yield number, offset, part
            offset += len(part) + 1
        if len(rest) > MAX_LINE_BYTES:
            raise CallerError("files.not-a-table", path=file.path, why="a line is longer than 16 MiB")
    if rest.strip():
        yield number + 1, offset, rest


def _take(path: Path, reading: _Reading, line: int, start: int, raw: bytes) -> int:
    """Add one line to the columns; return how many rows that made."""
    try:
        row = _parse(raw.removeprefix(b"\xef\xbb\xbf") if start == 0 else raw)
    except _Malformed as error:
        reading.broken.append(BrokenRow(line, str(error), raw))
        return 0
    for name in row:
        if name not in reading.columns:
            if len(reading.columns) == MAX_COLUMNS:
                raise CallerError("files.too-many-columns", path=path, limit=MAX_COLUMNS)
            reading.columns[name] = _late_column(reading)
    for name, column in reading.columns.items():
        column.cells.append(_cell(column, row.get(name)))
    reading.lines.append(line)
    reading.spans.append((start, start + len(raw)))
    return 1


def _late_column(reading: _Reading) -> _Column:
    """Begin a column that the rows so far did not have."""
    if not reading.columns:
        rows = len(reading.lines)
        return _Column(cells=[None] * rows)
    other = next(iter(reading.columns.values()))
    chunks = [pa.nulls(len(chunk), pa.string()) for chunk in other.chunks]
    return _Column(chunks=chunks, cells=[None] * len(other.cells))


def _parse(raw: bytes) -> dict[str, object]:
    try:
        row = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise _Malformed(NOT_UTF8) from None
    except RecursionError:
        raise _Malformed("nested too deeply") from None
    except _Malformed:
        raise
    except ValueError:
        raise _Malformed("not a JSON object") from None
    if not isinstance(row, dict):
        raise _Malformed("not a JSON object")
    return row


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise _Malformed("a name stands twice in one object")
    return row


def _constant(_: str) -> object:
    raise _Malformed("NaN and infinity are no JSON numbers")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_NumberText, parse_float=_NumberText, parse_constant=_constant
)


def _cell(column: _Column, value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, _NumberText):
        column.numbers += 1
        return value
    if isinstance(value, str):
        column.strings += 1
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, bool):
        column.truths += 1
        return "true" if value else "false"
    column.strings += 1
    return _nested(value)


def _nested(value: object) -> str:
    """Write a nested value as JSON text, numbers as they stood."""
    if isinstance(value, _NumberText):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(_nested(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_nested(item)}" for name, item in value.items()) + "}"
    return json.dumps(value)
