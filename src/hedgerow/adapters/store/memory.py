"""A store in memory with the production interface, for simulation and tests."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from operator import attrgetter
from typing import TypeVar, cast

from hedgerow.model.engine import IntArray
from hedgerow.model.errors import Fault
from hedgerow.model.ports import Join
from hedgerow.model.records import Record

R = TypeVar("R", bound=Record)
Table = dict[tuple[object, ...], Record]


def key_of(record: Record) -> tuple[object, ...]:
    """Read a record's key in key order."""
    return tuple(getattr(record, name) for name in record.KEY)


class MemoryView:
    """A view over tables that nobody changes while it is open."""

    def __init__(self, tables: dict[str, Table]) -> None:
        self._tables = tables

    def _rows(self, kind: type[Record]) -> Table:
        return self._tables.get(kind.TABLE, {})

    @staticmethod
    def _check(kind: type[Record], names: Iterable[str]) -> None:
        unknown = set(names) - {f.name for f in fields(kind)}
        if unknown:
            raise KeyError(f"{kind.TABLE} has no field {min(unknown)}")

    def get(self, kind: type[R], *key: object) -> R | None:
        """Read the record with this key, or none."""
        if len(key) != len(kind.KEY):
            raise ValueError("a key has as many arguments as key fields")
        return cast("R | None", self._rows(kind).get(key))

    def find(self, kind: type[R], **equals: object) -> list[R]:
        """Read the matching records in key order."""
        self._check(kind, equals)
        rows = sorted(self._rows(kind).items())
        return [
            cast("R", row) for _, row in rows if all(getattr(row, name) == v for name, v in equals.items())
        ]

    def find_any(self, kind: type[R], field: str, values: Sequence[object]) -> list[R]:
        """Read the records whose field is one of many values, in key order."""
        self._check(kind, [field])
        wanted = set(values)
        return [row for row in self.find(kind) if getattr(row, field) in wanted]

    def rows_any(
        self, kind: type[Record], names: tuple[str, ...], field: str, values: Sequence[object]
    ) -> list[tuple[object, ...]]:
        """Read two or more fields of the records that ``find_any`` finds, as tuples, in any order."""
        return list(map(attrgetter(*names), self.find_any(kind, field, values)))

    def joined(
        self, join: Join, values: Sequence[object], equals: tuple[object, ...]
    ) -> list[tuple[object, ...]]:
        """Read the records whose field is one of many values, a row for each other record, in any order."""
        self._check(join.kind, (*join.names, join.on))
        self._check(join.other, join.more)
        found: list[tuple[object, ...]] = []
        for record in self.find_any(join.kind, join.by, values):
            met = {join.on: getattr(record, join.on), **dict(zip(join.equals, equals, strict=True))}
            mine = tuple(getattr(record, name) for name in join.names)
            others = [tuple(getattr(o, name) for name in join.more) for o in self.find(join.other, **met)]
            found += [mine + other for other in others or [(None,) * len(join.more)]]
        return found

    def rows_page(
        self, kind: type[Record], names: tuple[str, ...], after: tuple[object, ...] | None, limit: int
    ) -> list[tuple[object, ...]]:
        """Read two or more fields of the records that ``page`` reads, as tuples in key order."""
        self._check(kind, names)
        return list(map(attrgetter(*names), self.page(kind, after, limit)))

    def page(self, kind: type[R], after: tuple[object, ...] | None, limit: int) -> list[R]:
        """Read up to ``limit`` records whose key comes after ``after``, in key order."""
        rows = self._rows(kind)
        keys = sorted(key for key in rows if after is None or key > after)
        return [cast("R", rows[key]) for key in keys[:limit]]

    def newest(self, kind: type[R], **equals: object) -> R | None:
        """Read the matching record with the highest key, or none."""
        rows = self.find(kind, **equals)
        return rows[-1] if rows else None

    def values(self, kind: type[Record], field: str, **equals: object) -> list[object]:
        """Read one field of the matching records."""
        self._check(kind, [field])
        return [getattr(row, field) for row in self.find(kind, **equals)]

    def numbers(self, kind: type[Record], field: str, **equals: object) -> IntArray:
        """Read one integer field of the matching records as a sorted ``int64`` array."""
        import numpy as np

        return np.sort(np.array(self.values(kind, field, **equals), dtype=np.int64))

    def count(self, kind: type[Record], **equals: object) -> int:
        """Count the matching records."""
        return len(self.find(kind, **equals))

    def count_starting(self, kind: type[Record], field: str, start: bytes) -> int:
        """Count the records whose field of bytes begins with these bytes."""
        held = cast("list[bytes | None]", self.values(kind, field))
        return sum(value is not None and value.startswith(start) for value in held)


class MemoryTransaction(MemoryView):
    """A change over copies of the tables it touches."""

    def __init__(self, tables: dict[str, Table]) -> None:
        super().__init__(dict(tables))
        self._copied: set[str] = set()

    def _own(self, kind: type[Record]) -> Table:
        if kind.TABLE not in self._copied:
            self._tables[kind.TABLE] = dict(self._rows(kind))
            self._copied.add(kind.TABLE)
        return self._tables[kind.TABLE]

    def add(self, records: Iterable[Record]) -> None:
        """Add records that must not exist yet."""
        for record in records:
            table = self._own(type(record))
            key = key_of(record)
            if key in table:
                raise Fault("store.conflict", table=record.TABLE)
            table[key] = record

    def add_rows(self, kind: type[Record], rows: Iterable[tuple[object, ...]]) -> None:
        """Add records of one kind that must not exist yet, each as its fields in order."""
        self.add(kind(*row) for row in rows)

    def put(self, record: Record) -> None:
        """Add or replace one record."""
        self._own(type(record))[key_of(record)] = record

    def set_field(self, kind: type[Record], field: str, values: Mapping[tuple[object, ...], object]) -> int:
        """Change one field of many records, named by their keys, and tell how many were there."""
        self._check(kind, [field])
        rows = self._rows(kind)
        there = {key: replace(rows[key], **{field: v}) for key, v in values.items() if key in rows}
        for record in there.values():
            self.put(record)
        return len(there)

    def set_rows(self, kind: type[Record], field: str, rows: Sequence[tuple[object, ...]]) -> int:
        """Change one field of many records as ``set_field``, each given as the value and then the key."""
        return self.set_field(kind, field, {key: value for value, *found in rows for key in [tuple(found)]})

    def remove(self, kind: type[Record], **equals: object) -> int:
        """Remove the matching records and tell how many."""
        found = self.find(kind, **equals)
        table = self._own(kind)
        for record in found:
            del table[key_of(record)]
        return len(found)

    def remove_all(self, kinds: Sequence[type[Record]], **equals: object) -> list[int]:
        """Remove the matching records of several kinds and tell how many of each."""
        return [self.remove(kind, **equals) for kind in kinds]

    def tables(self) -> dict[str, Table]:
        """Hand over the tables for the commit."""
        return self._tables


class MemoryStore:
    """Records in dictionaries; transactions swap whole tables, so a failed one leaves nothing."""

    remnants = "memory that was not used again"

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}
        self._commits = 0
        self._writer = threading.RLock()
        self._is_writing = False

    @contextmanager
    def read(self) -> Iterator[MemoryView]:
        """Open a consistent view."""
        yield MemoryView(self._tables)

    @contextmanager
    def write(self) -> Iterator[MemoryTransaction]:
        """Open a serialised transaction."""
        with self._writer:
            if self._is_writing:
                raise Fault("store.unreadable")
            self._is_writing = True
            try:
                transaction = MemoryTransaction(self._tables)
                yield transaction
                self._tables = transaction.tables()
                self._commits += 1
            finally:
                self._is_writing = False

    def stamp(self) -> object:
        """Tell the number of commits."""
        return self._commits

    def scrub(self) -> None:
        """Nothing lingers in memory tables."""

    def close(self) -> None:
        """Nothing to let go of."""
