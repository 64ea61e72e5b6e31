"""What proves a use: the journal, its openings, and signed statements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from hedgerow.model.records.base import Record


@dataclass(frozen=True, slots=True)
class JournalEntry(Record):
    """A leaf of the journal: its index, its exact bytes and the head that was signed with it."""

    TABLE: ClassVar[str] = "journal"
    KEY: ClassVar[tuple[str, ...]] = ("index",)
    index: int
    body: bytes
    checkpoint: str


@dataclass(frozen=True, slots=True)
class JournalHead(Record):
    """The state of the Merkle log after the last entry (one row)."""

    TABLE: ClassVar[str] = "journal_head"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    id: int
    frontier: bytes
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Commitment(Record):
    """The opening of a leaf's commitment to a person, sealed under the person's key."""

    TABLE: ClassVar[str] = "commitments"
    KEY: ClassVar[tuple[str, ...]] = ("number", "entry")
    number: int
    entry: int
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Certificate(Record):
    """A signed statement, for example of an erasure (canonical JSON and its note)."""

    TABLE: ClassVar[str] = "certificates"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    kind: str
    body: str
    time: str
