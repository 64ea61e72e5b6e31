"""Data sets: what they hold, may serve and were declared to be, their files and sources, broken rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from hedgerow.model.records.base import Record


@dataclass(frozen=True, slots=True)
class Dataset(Record):
    """A data set and its current version.

    One that was dropped stays with the time of it, so that its version goes on when the name is
    collected again: what was kept for an older version never fits a newer one.
    """

    TABLE: ClassVar[str] = "datasets"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    version: int
    subject_column: str
    created: str
    row_count: int = field(repr=False, default=0)
    people_count: int = field(repr=False, default=0)
    dropped: str = ""


@dataclass(frozen=True, slots=True)
class Derivation(Record):
    """That a data set comes from another, as the entry of a collection told it; for good."""

    TABLE: ClassVar[str] = "derivations"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "ancestor")
    dataset: str
    ancestor: str
    entry: int


@dataclass(frozen=True, slots=True)
class DatasetColumn(Record):
    """A column of a data set: its type, role and whether it lies in the vault."""

    TABLE: ClassVar[str] = "columns"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "position")
    dataset: str
    position: int
    name: str
    type: str
    role: str
    category: str
    in_vault: bool


@dataclass(frozen=True, slots=True)
class DatasetPurpose(Record):
    """A purpose a data set may serve and the lawful basis it rests on."""

    TABLE: ClassVar[str] = "dataset_purposes"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "purpose")
    dataset: str
    purpose: str
    basis: str
    since: str


@dataclass(frozen=True, slots=True)
class Declaration(Record):
    """One version of what the owner declared of a data set (canonical JSON)."""

    TABLE: ClassVar[str] = "declarations"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "version")
    dataset: str
    version: int
    body: str
    declared_by: str
    time: str


@dataclass(frozen=True, slots=True)
class Bucket(Record):
    """A current bucket file of a data set and its wrapped key: the manifest.

    ``arrived`` is the version its rows were taken in at, where the file was written again since; else 0.
    """

    TABLE: ClassVar[str] = "buckets"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "file")
    dataset: str
    file: str
    bucket: int
    bucket_count: int
    written_version: int
    row_count: int = field(repr=False)
    wrapped: bytes = field(repr=False)
    arrived: int = 0


@dataclass(frozen=True, slots=True)
class Collected(Record):
    """A source already taken in, so that repeating a collection adds nothing."""

    TABLE: ClassVar[str] = "collected"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "content_hash")
    dataset: str
    content_hash: str
    entry: int
    time: str


@dataclass(frozen=True, slots=True)
class QuarantineBatch(Record):
    """A key under which broken rows wait, until a date (ISO)."""

    TABLE: ClassVar[str] = "quarantine_batches"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    dataset: str
    header: str
    created: str
    until: str
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class QuarantinedRow(Record):
    """A broken row: its place in the batch, line and reason (JSON), its text sealed under the batch key."""

    TABLE: ClassVar[str] = "quarantined_rows"
    KEY: ClassVar[tuple[str, ...]] = ("batch", "place")
    batch: str
    place: int
    reason: str
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PublicContent(Record):
    """A table declared to be about nobody, as canonical JSON (deflated); empty once it was dropped."""

    TABLE: ClassVar[str] = "public_tables"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    version: int
    why: str
    declared_by: str
    time: str
    body: bytes = field(repr=False, default=b"")
