"""Read delimited text: sniff the delimiter, split, set broken lines aside, type the columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from hedgerow.adapters.readers.assemble import check_names, type_columns
from hedgerow.adapters.readers.opening import HEAD_BYTES, OpenFile, other_encoding, refuse_other_encoding
from hedgerow.adapters.readers.records import BAD_QUOTES, GOOD, Split, split_block
from hedgerow.adapters.readers.source import NOT_UTF8, BrokenRow, SourceTable
from hedgerow.model.errors import CallerError
from hedgerow.model.words import ColumnType

DELIMITERS = (",", ";", "\t", "|")
BOM = b"\xef\xbb\xbf"
HEADER_WORDS, HEADER_CHARS = 8, 80
FIT = 0.5
_QUOTES = "a quote is not closed, or text follows a closing quote"
_RETURN = "a carriage return without a line feed"
_VALUE = re.compile(
    r"-?[0-9]+([.,][0-9]+)*|[0-9]{2,4}[-/.][0-9]{1,2}[-/.][0-9]{2,4}.*|[^@\s]+@[^@\s]+\.[^@\s]+"
)
_YEAR = re.compile(r"(19|20)[0-9]{2}")

Offsets = npt.NDArray[np.int64]


@dataclass(slots=True)
class _Reading:
    """What has been gathered while streaming the file."""

    path: Path
    delimiter: str
    names: list[str] = field(default_factory=list)
    batches: list[pa.Table] = field(default_factory=list)
    starts: list[Offsets] = field(default_factory=list)
    ends: list[Offsets] = field(default_factory=list)
    lines: list[Offsets] = field(default_factory=list)
    broken: list[BrokenRow] = field(default_factory=list)
    base: int = 0
    line_base: int = 1


def read_csv(file: OpenFile, types: Mapping[str, ColumnType] | None) -> SourceTable:
    """Read a CSV file of any usual delimiter.

    Args:
        file: An open file.
        types: Types the caller gave, by column name.

    Returns:
        The table.

    Raises:
        CallerError: When the file is no table, has no header, or has no rows.
    """
    reading = _Reading(file.path, "")
    for block, final in _aligned(file, reading):
        _take(reading, block, final=final)
    good = sum(len(lines) for lines in reading.lines)
    _refuse_no_table(reading, good)
    starts, ends, lines = (
        np.concatenate(parts) if parts else np.zeros(0, np.int64)
        for parts in (reading.starts, reading.ends, reading.lines)
    )
    check_names(file.path, reading.names, types)
    whole = pa.concat_tables(reading.batches) if reading.batches else _no_rows(reading.names)
    reading.batches.clear()
    texts = list(whole.columns)
    del whole

    def raw_row(row: int) -> bytes:
        return file.slice_at(int(starts[row]), int(ends[row]))

    typed = type_columns(reading.names, texts, lines, raw_row, types)
    broken = tuple(sorted((*reading.broken, *typed.broken), key=lambda row: row.line))
    name, digest = file.path.stem, file.finished()
    return SourceTable(name, typed.columns, typed.table, typed.line, broken, digest, "csv", reading.delimiter)


def _no_rows(names: list[str]) -> pa.Table:
    return pa.table({str(at): pa.array([], pa.string()) for at in range(len(names))})


def _aligned(file: OpenFile, reading: _Reading) -> Iterator[tuple[bytes, bool]]:
    """Yield blocks that start at a record; the reader says by ``reading.base`` how far it came."""
    rest, seen = b"", 0
    for fresh in file.blocks():
        block = rest + fresh
        seen += len(fresh)
        if not reading.delimiter:
            if block.startswith(BOM):
                block, reading.base = block[len(BOM) :], len(BOM)
            reading.delimiter = sniff_delimiter(block[:HEAD_BYTES], complete=seen == file.size)
        began = reading.base
        final = seen >= file.size
        yield block, final
        rest = block[reading.base - began :]


def _take(reading: _Reading, block: bytes, *, final: bool) -> None:
    split = split_block(block, reading.delimiter, final=final)
    records = np.flatnonzero(split.fields > 0)
    if not reading.names and records.size:
        first = int(records[0])
        if split.fault[first] != GOOD:
            raise CallerError("files.not-a-table", path=reading.path, why="its first line is not a header")
        text = block[split.starts[first] : split.ends[first]]
        reading.names = _header(reading.path, text, reading.delimiter)
        records = records[1:]
    if reading.names and records.size:
        _take_records(reading, block, split, records)
    reading.base += split.consumed
    reading.line_base += int(np.searchsorted(split.newlines, split.consumed))


def _take_records(reading: _Reading, block: bytes, split: Split, records: Offsets) -> None:
    lines = reading.line_base + np.searchsorted(split.newlines, split.starts[records])
    unreadable = _unreadable(block, split, records)
    fits = (split.fault[records] == GOOD) & (split.fields[records] == len(reading.names)) & ~unreadable
    for at in np.flatnonzero(~fits):
        record = int(records[at])
        raw = block[split.starts[record] : split.ends[record]]
        reason = _why(split, record, len(reading.names), unreadable=bool(unreadable[at]))
        reading.broken.append(BrokenRow(int(lines[at]), reason, raw))
    good = records[fits]
    if not good.size:
        return
    reading.batches.append(
        _parse(reading, _good_bytes(block, split, good, all_good=bool(fits.all())), len(good))
    )
    reading.starts.append(split.starts[good] + reading.base)
    reading.ends.append(split.ends[good] + reading.base)
    reading.lines.append(lines[fits])


def _unreadable(block: bytes, split: Split, records: Offsets) -> npt.NDArray[np.bool_]:
    """Find the records that are not UTF-8 or hold a NUL byte."""
    bad = np.zeros(len(records), dtype=bool)
    if b"\0" not in block and _is_utf8(block[: split.consumed]):
        return bad
    for at, record in enumerate(records):
        raw = block[split.starts[record] : split.ends[record]]
        bad[at] = b"\0" in raw or not _is_utf8(raw)
    return bad


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _why(split: Split, record: int, columns: int, *, unreadable: bool) -> str:
    if unreadable:
        return NOT_UTF8
    if split.fault[record] != GOOD:
        return _QUOTES if split.fault[record] == BAD_QUOTES else _RETURN
    return f"expected {columns} columns, found {int(split.fields[record])}"


def _good_bytes(block: bytes, split: Split, good: Offsets, *, all_good: bool) -> pa.Buffer:
    starts, ends = split.starts[good], split.ends[good]
    view = memoryview(block)
    if all_good and bool((np.diff(good) == 1).all()):
        return _arrow_buffer(view[int(starts[0]) : int(ends[-1])])
    parts = [view[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    return _arrow_buffer(b"\n".join(parts))


def _arrow_buffer(text: bytes | memoryview) -> pa.Buffer:
    """Copy text into memory of Arrow's own.

    A thread of its reader may let go of the text last, while the interpreter ends: memory of Python could
    not be given back then, and the process would be aborted.
    """
    buffer = pa.allocate_buffer(len(text))
    pa.FixedSizeBufferWriter(buffer).write(text)
    return buffer


def _parse(reading: _Reading, text: pa.Buffer, rows: int) -> pa.Table:
    names = [str(at) for at in range(len(reading.names))]
    table = pa_csv.read_csv(
        pa.BufferReader(text),
        read_options=pa_csv.ReadOptions(column_names=names, block_size=max(len(text), 1) + 1),
        parse_options=pa_csv.ParseOptions(
            delimiter=reading.delimiter, newlines_in_values=True, ignore_empty_lines=True
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            check_utf8=False,
        ),
    )
    if table.num_rows != rows:
        raise CallerError("files.not-a-table", path=reading.path, why="its quoting cannot be followed")
    return table


def sniff_delimiter(head: bytes, *, complete: bool) -> str:
    """Find the delimiter that splits the most lines of a sample as it splits the first.

    Args:
        head: The first bytes of the file.
        complete: Whether they are the whole file.

    Returns:
        One of comma, semicolon, tab and bar; a comma when there is one column.
    """
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        fields = split_block(head, delimiter, final=complete or b"\n" not in head).fields
        fields = fields[fields > 0]
        if fields.size and fields[0] > 1:
            score = (round(float(np.mean(fields == fields[0])), 1), int(fields[0]))
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _header(path: Path, raw: bytes, delimiter: str) -> list[str]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise other_encoding(path) from None
    names = [
        name.strip()
        for name in next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    ]
    for position, name in enumerate(names, start=1):
        if _VALUE.fullmatch(name) and not _YEAR.fullmatch(name):
            raise CallerError("files.no-header", path=path, position=position)
    if len(names) == 1 and (len(names[0]) > HEADER_CHARS or len(names[0].split()) > HEADER_WORDS):
        raise CallerError(
            "files.not-a-table", path=path, why="its first line is a sentence, not column names"
        )
    return names


def _refuse_no_table(reading: _Reading, good: int) -> None:
    if not good and not reading.broken:
        raise CallerError("files.no-rows", path=reading.path)
    if good < FIT * (good + len(reading.broken)):
        refuse_other_encoding(reading.path, good, reading.broken, FIT)
        many = len(reading.names)
        columns = "the one column" if many == 1 else f"the {many} columns"
        why = f"most of its lines do not have {columns} of the first line"
        raise CallerError("files.not-a-table", path=reading.path, why=why)
