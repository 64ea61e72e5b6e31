"""The ports the spine stands on: store, clock and table files; adapters implement them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from hedgerow.model.engine import IntArray
from hedgerow.model.records import Record

R = TypeVar("R", bound=Record)


class Clock(Protocol):
    """The time, injectable so that tests and the simulator own it."""

    def now(self) -> datetime:
        """Tell the current time in UTC, aware."""
        ...


class Timer(Protocol):
    """How much time passes, and waiting for it, injectable so that no test waits."""

    def now_ns(self) -> int:
        """Tell nanoseconds since some moment; it never goes back."""
        ...

    def wait_ns(self, length: int) -> None:
        """Wait so many nanoseconds, or somewhat less."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Join:
    """Which fields of records to read together with fields of other records of the same thing.

    Args:
        kind: The records that are asked for.
        by: Their field that is asked by.
        names: Their fields that are read.
        other: The kind of the other records.
        on: The field that a record and its others have in common.
        equals: Fields of the others that must have a given value.
        more: Their fields that are read.
    """

    kind: type[Record]
    by: str
    names: tuple[str, ...]
    other: type[Record]
    on: str
    equals: tuple[str, ...]
    more: tuple[str, ...]


class Reader(Protocol):
    """A consistent view of the records; every answer is ordered by the record's key."""

    def get(self, kind: type[R], *key: object) -> R | None:
        """Read the record with this key, or none."""
        ...

    def find(self, kind: type[R], **equals: object) -> list[R]:
        """Read the records whose fields equal the given values."""
        ...

    def find_any(self, kind: type[R], field: str, values: Sequence[object]) -> list[R]:
        """Read the records whose field is one of many values."""
        ...

    def rows_any(
        self, kind: type[Record], names: tuple[str, ...], field: str, values: Sequence[object]
    ) -> list[tuple[object, ...]]:
        """Read two or more fields of the records that ``find_any`` finds, as tuples, in any order."""
        ...

    def joined(
        self, join: Join, values: Sequence[object], equals: tuple[object, ...]
    ) -> list[tuple[object, ...]]:
        """Read the records whose field is one of many values, a row for each other record, in any order.

        A record without any other is one row, in which the other's fields are none.
        """
        ...

    def rows_page(
        self, kind: type[Record], names: tuple[str, ...], after: tuple[object, ...] | None, limit: int
    ) -> list[tuple[object, ...]]:
        """Read two or more fields of the records that ``page`` reads, as tuples in key order."""
        ...

    def page(self, kind: type[R], after: tuple[object, ...] | None, limit: int) -> list[R]:
        """Read up to ``limit`` records whose key comes after ``after``; from the first when none."""
        ...

    def newest(self, kind: type[R], **equals: object) -> R | None:
        """Read the matching record with the highest key, or none."""
        ...

    def values(self, kind: type[Record], field: str, **equals: object) -> list[object]:
        """Read one field of the matching records."""
        ...

    def numbers(self, kind: type[Record], field: str, **equals: object) -> IntArray:
        """Read one integer field of the matching records as a sorted ``int64`` array, for millions."""
        ...

    def count(self, kind: type[Record], **equals: object) -> int:
        """Count the matching records."""
        ...

    def count_starting(self, kind: type[Record], field: str, start: bytes) -> int:
        """Count the records whose field of bytes begins with these bytes, without reading them in."""
        ...


class Transaction(Reader, Protocol):
    """A serialised, atomic change; it is durable once the context ends without an error."""

    def add(self, records: Iterable[Record]) -> None:
        """Add records that must not exist yet.

        Raises:
            Fault: ``store.conflict`` when a key exists.
        """
        ...

    def add_rows(self, kind: type[Record], rows: Iterable[tuple[object, ...]]) -> None:
        """Add records of one kind that must not exist yet, each as its fields in order; as ``add``."""
        ...

    def put(self, record: Record) -> None:
        """Add or replace one record."""
        ...

    def set_field(self, kind: type[Record], field: str, values: Mapping[tuple[object, ...], object]) -> int:
        """Change one field of many records, named by their keys, and tell how many were there."""
        ...

    def set_rows(self, kind: type[Record], field: str, rows: Sequence[tuple[object, ...]]) -> int:
        """Change one field of many records as ``set_field``, each given as the value and then the key."""
        ...

    def remove(self, kind: type[Record], **equals: object) -> int:
        """Remove the matching records and tell how many."""
        ...

    def remove_all(self, kinds: Sequence[type[Record]], **equals: object) -> list[int]:
        """Remove the matching records of several kinds, each named once, and tell how many of each."""
        ...


class Store(Protocol):
    """The only truth: records in transactions.

    Guarantee: a write whose context ended is durable; one that raised left nothing; writes of
    all processes are serialised.
    """

    @property
    def remnants(self) -> str:
        """Say where copies of removed records may stay, in words for a certificate."""
        ...

    def read(self) -> AbstractContextManager[Reader]:
        """Open a consistent view."""
        ...

    def write(self) -> AbstractContextManager[Transaction]:
        """Open a serialised transaction; it commits when the context ends without an error."""
        ...

    def stamp(self) -> object:
        """Tell a value that differs after any commit by anyone."""
        ...

    def scrub(self) -> None:
        """Push removed bytes out of the store's current files as far as it can."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


class HeadSink(Protocol):
    """A place outside the workspace that holds the newest head of the journal.

    Guarantee: what ``write`` put there is durable, whole and alone once it returns.
    """

    def alone(self) -> AbstractContextManager[None]:
        """Keep other writers of the same place waiting meanwhile.

        Raises:
            Fault: ``sink.unreachable``.
        """
        ...

    def read(self) -> bytes | None:
        """Read what is held; none when nothing is.

        Raises:
            Fault: ``sink.unreachable``.
        """
        ...

    def write(self, content: bytes) -> None:
        """Put new content in place of the old.

        Raises:
            Fault: ``sink.unreachable``.
        """
        ...
