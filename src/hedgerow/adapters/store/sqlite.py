"""The embedded store: SQLite in WAL mode, durable per transaction, overwriting what it deletes."""

from __future__ import annotations

import sqlite3
import threading
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import lru_cache
from itertools import starmap
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar, cast

from hedgerow.adapters.store import sqlite_log
from hedgerow.adapters.store.sqlite_opened import check_opened
from hedgerow.model.engine import IntArray
from hedgerow.model.errors import Fault
from hedgerow.model.ports import Join
from hedgerow.model.records import ALL_RECORDS, SCHEMA_VERSION, Record

R = TypeVar("R", bound=Record)
_AFFINITY = {int: "INTEGER", bool: "INTEGER", str: "TEXT", bytes: "BLOB"}
_IN_CHUNK = 1000
# From here on a change of neighbours is one pass over them instead of a search for each.
_SWEPT_ROWS = 100
_WAIT_S = 30.0
# A text of SQLite ends at a thousand million bytes; a number takes twenty.
_TEXT_NUMBERS = 16_000_000
# A large collection touches pages in random order; SQLite's own 2 MiB would write each of them many times.
_CACHE_KIB = 64 * 1024
# The index of people is touched in random order: folded in seldom, a page changed by many commits goes once.
_FOLD_PAGES = 16_000


class _Shape:
    """How a record kind lies in SQL: column names, types and converters, worked out once."""

    def __init__(self, kind: type[Record]) -> None:
        hints = typing.get_type_hints(kind)
        self.kind = kind
        self.names = tuple(f.name for f in fields(kind))
        # Every record has two fields or more, so that this gives a tuple.
        self.row: Callable[[Record], tuple[object, ...]] = attrgetter(*self.names)
        self.types = tuple(_base_type(hints[name]) for name in self.names)
        self.bools = tuple(i for i, t in enumerate(self.types) if t is bool)
        quoted = ", ".join(f'"{name}"' for name in self.names)
        marks = ", ".join("?" * len(self.names))
        order = ", ".join(f'"{name}"' for name in kind.KEY)
        self.is_numbered = len(kind.KEY) == 1 and self.types[self.names.index(kind.KEY[0])] is int
        self.insert = f'INSERT INTO "{kind.TABLE}" ({quoted}) VALUES ({marks})'
        self.replace = f'INSERT OR REPLACE INTO "{kind.TABLE}" ({quoted}) VALUES ({marks})'
        self.select = f'SELECT {quoted} FROM "{kind.TABLE}"'
        self.order = f" ORDER BY {order}"
        self.after = f" WHERE ({order}) > ({', '.join('?' * len(kind.KEY))})"
        self.at_key = " WHERE " + " AND ".join(f'"{name}" = ?' for name in kind.KEY)
        self._wheres: dict[tuple[str, ...], str] = {}
        self._finds: dict[tuple[str, ...], str] = {}
        self.reverse = " ORDER BY " + ", ".join(f'"{name}" DESC' for name in kind.KEY) + " LIMIT 1"

    def selecting(self, names: tuple[str, ...], field: str) -> str:
        text = self._finds.get((*names, field))
        if text is None:
            self.where(dict.fromkeys((*names, field)))
            quoted = ", ".join(f'"{name}"' for name in names)
            text = self._finds[(*names, field)] = f'SELECT {quoted} FROM "{self.kind.TABLE}"'
        return text

    def create(self) -> Iterator[str]:
        columns = ", ".join(
            f'"{name}" {_AFFINITY[base]}' for name, base in zip(self.names, self.types, strict=True)
        )
        key = ", ".join(f'"{name}"' for name in self.kind.KEY)
        options = "STRICT" if self.is_numbered else "STRICT, WITHOUT ROWID"
        yield f'CREATE TABLE "{self.kind.TABLE}" ({columns}, PRIMARY KEY ({key})) {options}'
        for index in self.kind.INDEXES:
            yield index_of(self.kind, index)

    def records(self, rows: list[tuple[object, ...]]) -> list[Record]:
        return list(starmap(self.kind, map(self._with_bools, rows) if self.bools else rows))

    def _with_bools(self, row: tuple[object, ...]) -> list[object]:
        values = list(row)
        for i in self.bools:
            values[i] = bool(values[i])
        return values

    def told(self, names: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
        places = [at for at, name in enumerate(names) if self.names.index(name) in self.bools]
        if not (places and rows):
            return rows
        columns: list[Iterable[object]] = list(zip(*rows, strict=True))
        for at in places:
            columns[at] = map(bool, columns[at])
        return list(zip(*columns, strict=True))

    def finding(self, equals: Mapping[str, object]) -> str:
        # Asked for every record that is read, always with few sets of names.
        names = tuple(equals)
        text = self._finds.get(("", *names))
        if text is None:
            text = self._finds[("", *names)] = self.select + self.where(equals) + self.order
        return text

    def where(self, equals: Mapping[str, object]) -> str:
        names = tuple(equals)
        if names not in self._wheres:
            unknown = set(names) - set(self.names)
            if unknown:
                raise KeyError(f"{self.kind.TABLE} has no field {min(unknown)}")
            told = " AND ".join(f'"{name}" IS ?' for name in names)
            self._wheres[names] = f" WHERE {told}" if names else ""
        return self._wheres[names]


@lru_cache(maxsize=1024)
def _one_of(field: str, many: int) -> str:
    return f' WHERE "{field}" IN ({", ".join("?" * many)})'


def _base_type(hint: object) -> type:
    if isinstance(hint, types.UnionType):
        hint = next(t for t in typing.get_args(hint) if t is not type(None))
    return cast("type", hint)


_SHAPES: dict[type[Record], _Shape] = {}


def _shape(kind: type[Record]) -> _Shape:
    shape = _SHAPES.get(kind)
    if shape is None:
        shape = _SHAPES[kind] = _Shape(kind)
    return shape


_JOINS: dict[Join, str] = {}


def _joining(join: Join) -> str:
    """Give the question of a join, up to the values of the field asked by."""
    asked, others = _shape(join.kind), _shape(join.other)
    asked.where(dict.fromkeys((*join.names, join.by, join.on)))
    others.where(dict.fromkeys((*join.more, *join.equals, join.on)))
    columns = [*(f'a."{name}"' for name in join.names), *(f'b."{name}"' for name in join.more)]
    met = [f'b."{join.on}" = a."{join.on}"', *(f'b."{name}" = ?' for name in join.equals)]
    return (
        f'SELECT {", ".join(columns)} FROM "{join.kind.TABLE}" AS a'
        f' LEFT JOIN "{join.other.TABLE}" AS b ON {" AND ".join(met)} WHERE a."{join.by}"'
    )


def index_of(kind: type[Record], index: tuple[str, ...]) -> str:
    """Give the statement that makes an index of a table."""
    names = ", ".join(f'"{name}"' for name in index)
    return f'CREATE INDEX "{kind.TABLE}_{"_".join(index)}" ON "{kind.TABLE}" ({names})'


def statements_of(kind: type[Record]) -> list[str]:
    """Give the statements that make the table of a record kind, and its indexes."""
    return list(_shape(kind).create())


class SqliteView:
    """Reads and, inside a write transaction, changes over one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def _select(self, kind: type[R], tail: str, values: Sequence[object]) -> list[R]:
        shape = _shape(kind)
        rows = self._connection.execute(shape.select + tail, tuple(values)).fetchall()
        return cast("list[R]", shape.records(rows))

    def get(self, kind: type[R], *key: object) -> R | None:
        """Read the record with this key, or none."""
        equals = dict(zip(kind.KEY, key, strict=True))
        found = self._select(kind, _shape(kind).where(equals), key)
        return found[0] if found else None

    def find(self, kind: type[R], **equals: object) -> list[R]:
        """Read the matching records in key order."""
        shape = _shape(kind)
        rows = self._connection.execute(shape.finding(equals), tuple(equals.values())).fetchall()
        return cast("list[R]", shape.records(rows))

    def find_any(self, kind: type[R], field: str, values: Sequence[object]) -> list[R]:
        """Read the records whose field is one of many values, each once, in key order."""
        shape = _shape(kind)
        shape.where({field: None})
        found = cast("list[R]", shape.records(self._among(shape.select, field, values)))
        found.sort(key=attrgetter(*kind.KEY))
        return found

    def rows_any(
        self, kind: type[Record], names: tuple[str, ...], field: str, values: Sequence[object]
    ) -> list[tuple[object, ...]]:
        """Read two or more fields of the records that ``find_any`` finds, as tuples, in any order."""
        shape = _shape(kind)
        found = self._among(shape.selecting(names, field), field, values)
        return shape.told(names, found) if shape.bools else found

    def joined(
        self, join: Join, values: Sequence[object], equals: tuple[object, ...]
    ) -> list[tuple[object, ...]]:
        """Read the records whose field is one of many values, a row for each other record, in any order."""
        text = _JOINS.get(join)
        if text is None:
            text = _JOINS[join] = _joining(join)
        if len(values) == 1:
            return self._connection.execute(text + " = ?", (*equals, values[0])).fetchall()
        distinct = list(dict.fromkeys(values))
        found: list[tuple[object, ...]] = []
        for start in range(0, len(distinct), _IN_CHUNK):
            chunk = distinct[start : start + _IN_CHUNK]
            marks = f" IN ({', '.join('?' * len(chunk))})"
            found += self._connection.execute(text + marks, (*equals, *chunk)).fetchall()
        return found

    def rows_page(
        self, kind: type[Record], names: tuple[str, ...], after: tuple[object, ...] | None, limit: int
    ) -> list[tuple[object, ...]]:
        """Read two or more fields of the records that ``page`` reads, as tuples in key order."""
        shape = _shape(kind)
        text = shape.selecting(names, names[0]) + (shape.after if after is not None else "") + shape.order
        found = self._connection.execute(f"{text} LIMIT {int(limit)}", after or ()).fetchall()
        return shape.told(names, found) if shape.bools else found

    def _among(self, text: str, field: str, values: Sequence[object]) -> list[tuple[object, ...]]:
        if len(values) == 1:
            return self._connection.execute(text + _one_of(field, 1), values).fetchall()
        distinct = list(dict.fromkeys(values))
        found: list[tuple[object, ...]] = []
        for start in range(0, len(distinct), _IN_CHUNK):
            chunk = distinct[start : start + _IN_CHUNK]
            found += self._connection.execute(text + _one_of(field, len(chunk)), chunk).fetchall()
        return found

    def page(self, kind: type[R], after: tuple[object, ...] | None, limit: int) -> list[R]:
        """Read up to ``limit`` records whose key comes after ``after``, in key order."""
        shape = _shape(kind)
        start = shape.after if after is not None else ""
        return self._select(kind, f"{start}{shape.order} LIMIT {int(limit)}", after or ())

    def newest(self, kind: type[R], **equals: object) -> R | None:
        """Read the matching record with the highest key, or none."""
        shape = _shape(kind)
        found = self._select(kind, shape.where(equals) + shape.reverse, tuple(equals.values()))
        return found[0] if found else None

    def values(self, kind: type[Record], field: str, **equals: object) -> list[object]:
        """Read one field of the matching records in key order."""
        shape = _shape(kind)
        shape.where({field: None})
        text = f'SELECT "{field}" FROM "{kind.TABLE}"' + shape.where(equals) + shape.order
        # A comprehension is a third faster than a row factory, and a lease may ask for millions.
        return [value for (value,) in self._connection.execute(text, tuple(equals.values()))]

    def numbers(self, kind: type[Record], field: str, **equals: object) -> IntArray:
        """Read one integer field of the matching records as a sorted ``int64`` array."""
        import numpy as np

        shape = _shape(kind)
        shape.where({field: None})
        # One text of many numbers leaves SQLite three times as fast as a row for each.
        text = f'SELECT group_concat("{field}") FROM "{kind.TABLE}"{shape.where(equals)}'
        try:
            part = self._connection.execute(text, tuple(equals.values())).fetchone()[0]
            parts = [part or ""]
        except sqlite3.DataError:  # longer than a text of SQLite may be
            parts = list(self._texts(kind, field, equals))
        found = np.concatenate([np.fromstring(part, dtype=np.int64, sep=",") for part in parts])
        # Where the field ends the key, they came in order.
        return found if bool((found[1:] >= found[:-1]).all()) else np.sort(found)

    def _texts(self, kind: type[Record], field: str, equals: dict[str, object]) -> Iterator[str]:
        """Give the numbers of a field in texts that SQLite can hold."""
        shape, start = _shape(kind), 0
        text = (
            f'SELECT group_concat(part), count(*) FROM (SELECT "{field}" AS part FROM "{kind.TABLE}"'
            f"{shape.where(equals)}{shape.order} LIMIT {_TEXT_NUMBERS} OFFSET ?)"
        )
        while True:
            part, many = self._connection.execute(text, (*equals.values(), start)).fetchone()
            if not many:
                return
            yield part
            start += many

    def count(self, kind: type[Record], **equals: object) -> int:
        """Count the matching records."""
        text = f'SELECT COUNT(*) FROM "{kind.TABLE}"' + _shape(kind).where(equals)
        return int(self._connection.execute(text, tuple(equals.values())).fetchone()[0])

    def count_starting(self, kind: type[Record], field: str, start: bytes) -> int:
        """Count the records whose field of bytes begins with these bytes, without reading them in."""
        _shape(kind).where({field: None})
        text = f'SELECT COUNT(*) FROM "{kind.TABLE}" WHERE substr("{field}", 1, ?) = ?'
        return int(self._connection.execute(text, (len(start), start)).fetchone()[0])

    def add(self, records: Iterable[Record]) -> None:
        """Add records that must not exist yet; records of one kind go in together."""
        batches: dict[type[Record], list[tuple[object, ...]]] = {}
        for record in records:
            batches.setdefault(type(record), []).append(_shape(type(record)).row(record))
        for kind, rows in batches.items():
            self.add_rows(kind, rows)

    def add_rows(self, kind: type[Record], rows: Iterable[tuple[object, ...]]) -> None:
        """Add records of one kind that must not exist yet, each as its fields in order."""
        try:
            self._connection.executemany(_shape(kind).insert, rows)
        except sqlite3.IntegrityError:
            raise Fault("store.conflict", table=kind.TABLE) from None

    def put(self, record: Record) -> None:
        """Add or replace one record."""
        shape = _shape(type(record))
        self._connection.execute(shape.replace, shape.row(record))

    def set_field(self, kind: type[Record], field: str, values: Mapping[tuple[object, ...], object]) -> int:
        """Change one field of many records, named by their keys, and tell how many were there."""
        return self.set_rows(kind, field, [(v, *key) for key, v in values.items()])

    def set_rows(self, kind: type[Record], field: str, rows: Sequence[tuple[object, ...]]) -> int:
        """Change one field of many records as ``set_field``, each given as the value and then the key."""
        shape = _shape(kind)
        shape.where({field: None})
        if shape.is_numbered and len(rows) >= _SWEPT_ROWS:
            told = {cast("int", number): value for value, number in rows}
            if self._lie_together(kind, told):
                return self._sweep(kind, field, told)
        text = f'UPDATE "{kind.TABLE}" SET "{field}" = ?{shape.at_key}'
        return self._connection.executemany(text, rows).rowcount

    def _lie_together(self, kind: type[Record], told: Mapping[int, object]) -> bool:
        """Tell whether few other records lie between these."""
        text = f'SELECT COUNT(*) FROM "{kind.TABLE}" WHERE "{kind.KEY[0]}" BETWEEN ? AND ?'
        return bool(self._connection.execute(text, (min(told), max(told))).fetchone()[0] < 2 * len(told))

    def _sweep(self, kind: type[Record], field: str, told: Mapping[int, Any]) -> int:
        """Change neighbours in one pass over them, half the work of finding each again."""
        self._connection.create_function("told", 1, told.get)
        self._connection.create_function("is_told", 1, told.__contains__)
        key = kind.KEY[0]
        text = f'UPDATE "{kind.TABLE}" SET "{field}" = told("{key}") WHERE "{key}" BETWEEN ? AND ?'
        try:
            return self._connection.execute(f'{text} AND is_told("{key}")', (min(told), max(told))).rowcount
        finally:
            for name in ("told", "is_told"):
                self._connection.create_function(name, 1, None)

    def remove(self, kind: type[Record], **equals: object) -> int:
        """Remove the matching records and tell how many."""
        text = f'DELETE FROM "{kind.TABLE}"' + _shape(kind).where(equals)
        return self._connection.execute(text, tuple(equals.values())).rowcount

    def remove_all(self, kinds: Sequence[type[Record]], **equals: object) -> list[int]:
        """Remove the matching records of several kinds and tell how many of each."""
        return [self.remove(kind, **equals) for kind in kinds]


class SqliteStore:
    """One database file; one writer connection, a reader connection per thread.

    Args:
        path: The database file.
        create: Make a new one; it must not exist.
        durable: Synchronous FULL; a crash test switches it off to prove that it matters.

    Raises:
        CallerError: ``space.newer-version`` or ``space.older-version`` when another Hedgerow wrote it.
        Fault: ``store.unreadable`` when it is no database.
    """

    remnants = "old pages of the database file and its write-ahead log"

    def __init__(self, path: Path, *, create: bool = False, durable: bool = True) -> None:
        self._path = path
        self._durable = durable
        self._local = threading.local()
        self._lock = threading.RLock()
        self._commits = 0
        self._opened: list[sqlite3.Connection] = []
        try:
            with _faults():
                self._writer = self._connect()
                if create:
                    self._create()
                check_opened(self._writer)
        except BaseException:
            self.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        self._opened.append(connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if self._durable else 'OFF'}")
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint={_FOLD_PAGES}")
        self._opened.append(connection)
        return connection

    def _create(self) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        for kind in ALL_RECORDS:
            for statement in _shape(kind).create():
                self._writer.execute(statement)
        self._writer.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        self._writer.execute("COMMIT")
        self._path.chmod(0o600)

    @contextmanager
    def read(self) -> Iterator[SqliteView]:
        """Open a consistent view; one opened inside another of the same thread is the same view."""
        connection = self._reader()
        if connection.in_transaction:
            yield SqliteView(connection)
            return
        with _faults():
            connection.execute("BEGIN")
            try:
                yield SqliteView(connection)
            finally:
                connection.execute("ROLLBACK")

    def _reader(self) -> sqlite3.Connection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        return cast("sqlite3.Connection", connection)

    @contextmanager
    def write(self) -> Iterator[SqliteView]:
        """Open a serialised transaction, durable when the context ends without an error."""
        with self._lock, _faults():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteView(self._writer)
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            self._commits += 1

    def stamp(self) -> object:
        """Tell the own commits and the version SQLite keeps of everybody else's."""
        return self._commits, self._writer.execute("PRAGMA data_version").fetchone()[0]

    def scrub(self) -> None:
        """Fold the write-ahead log into the file and empty it, so that removed pages go."""
        with self._lock, _faults():
            sqlite_log.empty(self._writer, _WAIT_S, durable=self._durable)

    def close(self) -> None:
        """Close every connection."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()


@contextmanager
def _faults() -> Iterator[None]:
    """Turn SQLite's errors into faults that say what to do, without its text."""
    try:
        yield
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            raise Fault("store.busy") from None
        if code == sqlite3.SQLITE_FULL:
            raise Fault("store.full") from None
        if code == sqlite3.SQLITE_READONLY:
            raise Fault("store.read-only") from None
        raise Fault("store.unreadable") from None
    except sqlite3.ProgrammingError:
        raise Fault("store.closed") from None
    except sqlite3.DatabaseError:
        raise Fault("store.unreadable") from None
