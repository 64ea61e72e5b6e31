"""Records as a stream of bytes, store by store the same: the parts of a backup (``specs/backup.md``)."""

from __future__ import annotations

import base64
import io
import json
import struct
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from operator import attrgetter

from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.ports import Reader
from hedgerow.model.records import SCHEMA_VERSION, Record
from hedgerow.model.uses import Json

FORMAT = "hedgerow/records/v1"
FRAME_LIMIT_BYTES, LONG_FRAME_LIMIT_BYTES = 1 << 22, 1 << 28
_LENGTH = struct.Struct(">I")
_PAGE_ROWS = 500
_FRAME_BYTES = 1 << 20
# More than a frame with one record has: its fields, and what names them.
_MOST_VALUES = 256
_INT_LEAST, _INT_MOST = -(1 << 63), (1 << 63) - 1
_NAMES = {int: "int", bool: "bool", str: "text", bytes: "bytes"}

Take = Callable[[list[Record]], None]


def frames(
    reader: Reader,
    kinds: Sequence[type[Record]],
    about: Mapping[str, Json],
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[bytes]:
    """Write every record of some kinds, a page at a time.

    Args:
        reader: One consistent view.
        kinds: Which records.
        about: What the stream belongs to; the reader of the stream demands the same.
        progress: Told how many records were written.

    Returns:
        Frames: a length of 4 bytes and a JSON object; the first names format and fields, the last the counts.
    """
    columns = {kind.TABLE: _columns(kind) for kind in kinds}
    head = {"format": FORMAT, "schema": SCHEMA_VERSION, "about": dict(about), "kinds": columns}
    yield _frame(head)
    counts: dict[str, int] = {}
    for kind in kinds:
        counts[kind.TABLE] = 0
        for rows in _pages(reader, kind):
            counts[kind.TABLE] += len(rows)
            yield _frame({"kind": kind.TABLE, "rows": rows})
            progress(sum(counts.values()))
    yield _frame({"end": counts})


def _pages(reader: Reader, kind: type[Record]) -> Iterator[list[list[object]]]:
    names, key = [name for name, _ in _columns(kind)], attrgetter(*kind.KEY)
    after: tuple[object, ...] | None = None
    rows: list[list[object]] = []
    size = 0
    while page := reader.page(kind, after, _PAGE_ROWS):
        last = key(page[-1])
        after = last if isinstance(last, tuple) and len(kind.KEY) > 1 else (last,)
        for record in page:
            row = [_plain(getattr(record, name)) for name in names]
            more = sum(len(value) if isinstance(value, str) else 8 for value in row)
            if rows and more >= _FRAME_BYTES:
                # Alone in its frame: only such a frame may be long.
                yield rows
                rows, size = [], 0
            rows.append(row)
            size += more
            if size >= _FRAME_BYTES:
                yield rows
                rows, size = [], 0
    if rows:
        yield rows


def _plain(value: object) -> object:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value


def _frame(content: object) -> bytes:
    raw = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return _LENGTH.pack(len(raw)) + raw


def _columns(kind: type[Record]) -> tuple[tuple[str, str], ...]:
    """Name each field with its type; a question mark after it where there may be none."""
    hints = typing.get_type_hints(kind)
    return tuple((f.name, _type_name(hints[f.name])) for f in fields(kind))


def _type_name(hint: object) -> str:
    if isinstance(hint, types.UnionType):
        (base,) = (part for part in typing.get_args(hint) if part is not type(None))
        return _NAMES[base] + "?"
    return _NAMES[typing.cast("type", hint)]


class RecordStream(io.RawIOBase):
    """Takes the bytes of a stream, in pieces of any length, and hands its records on as they come.

    Args:
        about: What the stream must belong to.
        kinds: Which records it must hold.
        take: Told the records of each frame.
    """

    def __init__(self, about: Mapping[str, Json], kinds: Sequence[type[Record]], take: Take) -> None:
        super().__init__()
        self._about = dict(about)
        self._wanted = {kind.TABLE: kind for kind in kinds}
        self._take = take
        self._held = bytearray()
        self._names: dict[str, list[tuple[str, str]]] | None = None
        self._ended = False
        self.counts: dict[str, int] = {}

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def write(self, piece: object) -> int:
        """Take a piece.

        Raises:
            CallerError: ``backup.newer``.
            Fault: ``backup.damaged``.
        """
        raw = typing.cast("bytes", piece)
        self._held += raw
        start = 0
        while len(self._held) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._held, start)
            if length > LONG_FRAME_LIMIT_BYTES:
                raise Fault("backup.damaged", part=self._part)
            end = start + _LENGTH.size + length
            if len(self._held) < end:
                break
            self._frame(bytes(self._held[start + _LENGTH.size : end]))
            start = end
        del self._held[:start]
        return len(raw)

    def finish(self) -> dict[str, int]:
        """Tell how many records of each kind came, once the stream has ended.

        Raises:
            Fault: ``backup.damaged`` when it has not.
        """
        if not self._ended or self._held:
            raise Fault("backup.damaged", part=self._part)
        return self.counts

    @property
    def _part(self) -> str:
        return str(self._about.get("part", "records"))

    def _frame(self, raw: bytes) -> None:
        records: list[Record] = []
        # Many small values take many times their bytes; nothing is proven yet.
        if len(raw) > FRAME_LIMIT_BYTES and sum(map(raw.count, (b",", b"[", b"{"))) > _MOST_VALUES:
            raise Fault("backup.damaged", part=self._part)
        try:
            content = json.loads(raw)
            if self._names is None:
                self._begin(content)
            elif "end" in content:
                self._end(content)
            else:
                records = self._records(content["kind"], content["rows"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise Fault("backup.damaged", part=self._part) from None
        if records:
            self._take(records)

    def _end(self, content: dict[str, typing.Any]) -> None:
        if self._ended or content["end"] != self.counts:
            raise ValueError
        self._ended = True

    def _begin(self, content: dict[str, typing.Any]) -> None:
        if content["format"] != FORMAT or content["about"] != self._about:
            raise ValueError
        if content["schema"] > SCHEMA_VERSION:
            raise CallerError("backup.newer", found=content["schema"], known=SCHEMA_VERSION)
        if not set(content["kinds"]) <= set(self._wanted):
            raise ValueError
        self._names = {
            table: [_fitting(self._wanted[table], name, told) for name, told in columns]
            for table, columns in content["kinds"].items()
        }
        for table, columns in self._names.items():
            given = {name for name, _ in columns}
            needed = {f.name for f in fields(self._wanted[table]) if f.default is MISSING}
            if not needed <= given or len(given) != len(columns):
                raise ValueError
        self.counts = dict.fromkeys(content["kinds"], 0)

    def _records(self, table: str, rows: Sequence[Sequence[object]]) -> list[Record]:
        kind, columns = (
            self._wanted[table],
            typing.cast("dict[str, list[tuple[str, str]]]", self._names)[table],
        )
        if self._ended:
            raise ValueError
        made = [
            kind(**{name: _value(told, cell) for (name, told), cell in zip(columns, row, strict=True)})
            for row in rows
        ]
        self.counts[table] += len(made)
        return made


def _fitting(kind: type[Record], name: str, told: str) -> tuple[str, str]:
    """Refuse a field that the record of today has not, or has with another type."""
    if (name, told) not in _columns(kind):
        raise ValueError
    return name, told


_TYPES: Mapping[str, type] = {"int": int, "bool": bool, "text": str, "bytes": str}


def _value(told: str, cell: object) -> object:
    if cell is None and told.endswith("?"):
        return None
    kind = told.removesuffix("?")
    if type(cell) is not _TYPES[kind]:
        raise ValueError
    if isinstance(cell, int) and not _INT_LEAST <= cell <= _INT_MOST:
        raise ValueError
    if isinstance(cell, str):
        cell.encode()  # half a pair is no text
    return base64.b64decode(typing.cast("str", cell), validate=True) if kind == "bytes" else cell
