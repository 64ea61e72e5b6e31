"""The ports the spine stands on: store, clock and table files; adapters implement them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
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


class Transaction(Reader, Protocol):
    """A serialised, atomic change; it is durable once the context ends without an error."""

    def add(self, records: Iterable[Record]) -> None:
        """Add records that must not exist yet.

        Raises:
            Fault: ``store.conflict`` when a key exists.
        """
        ...

    def put(self, record: Record) -> None:
        """Add or replace one record."""
        ...

    def set_field(self, kind: type[Record], field: str, values: Mapping[tuple[object, ...], object]) -> int:
        """Change one field of many records, named by their keys, and tell how many were there."""
        ...

    def remove(self, kind: type[Record], **equals: object) -> int:
        """Remove the matching records and tell how many."""
        ...


class Store(Protocol):
    """The only truth: records in transactions.

    Guarantee: a write whose context ended is durable; one that raised left nothing; writes of
    all processes are serialised.
    """

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
