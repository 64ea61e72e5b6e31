"""People: their number and key, where they are held, what they chose, and what remains of the erased."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from hedgerow.model.records.base import Record


@dataclass(frozen=True, slots=True)
class Subject(Record):
    """A data subject: random number, keyed index of the source id, wrapped data key."""

    TABLE: ClassVar[str] = "subjects"
    KEY: ClassVar[tuple[str, ...]] = ("number",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("lookup",),)
    number: int
    lookup: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)
    created: str


@dataclass(frozen=True, slots=True)
class Member(Record):
    """A data subject's presence in a data set since a version of it."""

    TABLE: ClassVar[str] = "members"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "number")
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("number",),)
    dataset: str
    number: int
    since_version: int


@dataclass(frozen=True, slots=True)
class FormerMember(Record):
    """A data subject's presence in a data set that was dropped: the versions it lasted for.

    By it the person still learns of the uses; no lease reads it, and it goes when the person is erased.
    """

    TABLE: ClassVar[str] = "former_members"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "number", "since_version")
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("number",),)
    dataset: str
    number: int
    since_version: int
    until_version: int


@dataclass(frozen=True, slots=True)
class SealedField(Record):
    """A direct identifier of one person in one data set, sealed under the person's key."""

    TABLE: ClassVar[str] = "sealed_fields"
    KEY: ClassVar[tuple[str, ...]] = ("number", "dataset", "name")
    number: int
    dataset: str
    name: str
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class VaultToken(Record):
    """Which value a drawn token of a release stands for, sealed under the key of the person of its row.

    ``mark`` is a keyed hash of the release, the column and the token. Where the rows of several people hold
    one value, each has a record of it.
    """

    TABLE: ClassVar[str] = "vault_tokens"
    KEY: ClassVar[tuple[str, ...]] = ("release", "mark", "number")
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("number",), ("dataset",), ("mark",))
    release: str
    mark: str
    number: int
    dataset: str
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConsentEvent(Record):
    """One grant or withdrawal, append-only; ``version`` counts them from 1."""

    TABLE: ClassVar[str] = "consent_events"
    KEY: ClassVar[tuple[str, ...]] = ("version",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("number",),)
    version: int
    number: int
    purpose: str
    granted: bool
    time: str
    notice: str
    channel: str
    recorded_by: str


@dataclass(frozen=True, slots=True)
class ConsentState(Record):
    """The latest consent of a person for a purpose, derived from the events."""

    TABLE: ClassVar[str] = "consent_states"
    KEY: ClassVar[tuple[str, ...]] = ("purpose", "number")
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("number",),)
    purpose: str
    number: int
    granted: bool
    version: int


@dataclass(frozen=True, slots=True)
class Tombstone(Record):
    """What remains of an erased person: a keyed hash of the source id, with an end date."""

    TABLE: ClassVar[str] = "tombstones"
    KEY: ClassVar[tuple[str, ...]] = ("lookup",)
    lookup: bytes = field(repr=False)
    erased: str
    until: str
    certificate: str
