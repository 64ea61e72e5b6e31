"""The records a workspace keeps, as frozen types; each names its table, key and indexes.

Fields are ``int``, ``str``, ``bytes``, ``bool`` or one of these or none, so that every store
can hold them. Times are RFC 3339 text in UTC. What is personal is sealed (a ``sealed`` or
``wrapped`` field) or a random number that leads nowhere once the person's key is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Record:
    """The base of all records.

    Attributes:
        TABLE: Name of the table.
        KEY: Fields that identify a record, in sort order.
        INDEXES: Further field tuples that are looked up.
    """

    TABLE: ClassVar[str] = ""
    KEY: ClassVar[tuple[str, ...]] = ()
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = ()


@dataclass(frozen=True, slots=True)
class Setting(Record):
    """A named value of the workspace: its id, schema version, caps."""

    TABLE: ClassVar[str] = "settings"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class WrappedSecret(Record):
    """A secret of the workspace wrapped by the key backend."""

    TABLE: ClassVar[str] = "secrets"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Principal(Record):
    """A user or service and the roles it holds (comma separated, sorted)."""

    TABLE: ClassVar[str] = "principals"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    roles: str
    created: str
    disabled: bool = False

    @property
    def role_set(self) -> frozenset[str]:
        """The roles as a set."""
        return frozenset(filter(None, self.roles.split(",")))


@dataclass(frozen=True, slots=True)
class Purpose(Record):
    """Why data is used, who answers for it, and until when (ISO date, inclusive)."""

    TABLE: ClassVar[str] = "purposes"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    why: str
    owner: str
    until: str
    created: str


@dataclass(frozen=True, slots=True)
class PolicyText(Record):
    """One version of the workspace's Cedar policies; the highest version is in force."""

    TABLE: ClassVar[str] = "policies"
    KEY: ClassVar[tuple[str, ...]] = ("version",)
    version: int
    text: str
    applied_by: str
    time: str


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
    """A current bucket file of a data set and its wrapped key: the manifest."""

    TABLE: ClassVar[str] = "buckets"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "file")
    dataset: str
    file: str
    bucket: int
    bucket_count: int
    written_version: int
    row_count: int = field(repr=False)
    wrapped: bytes = field(repr=False)


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
class Allocation(Record):
    """A limit of an account (``dataset`` ``*`` is the population); values are exact fractions."""

    TABLE: ClassVar[str] = "allocations"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "purpose")
    dataset: str
    purpose: str
    epsilon: str
    allocated_by: str
    time: str


@dataclass(frozen=True, slots=True)
class Charge(Record):
    """A privacy-loss event debited to a data set, a purpose and the population."""

    TABLE: ClassVar[str] = "charges"
    KEY: ClassVar[tuple[str, ...]] = ("number",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("dataset", "purpose"), ("request",))
    number: int
    request: str
    dataset: str
    purpose: str
    event: str
    committed: bool
    entry: int
    time: str


@dataclass(frozen=True, slots=True)
class Account(Record):
    """The running total of an account: the fold of its charges, kept beside them."""

    TABLE: ClassVar[str] = "accounts"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "purpose")
    dataset: str
    purpose: str
    epsilon: str
    rho: str
    apart: str


@dataclass(frozen=True, slots=True)
class Request(Record):
    """A use by its request id: what it is bound to and, once closed, its sealed result."""

    TABLE: ClassVar[str] = "requests"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("dataset",),)
    id: str
    binding: str
    state: str
    dataset: str
    dataset_version: int
    consent_version: int
    purpose: str
    person_level: bool
    entry: int
    sealed: bytes | None = field(repr=False, default=None)
    wrapped: bytes | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Released(Record):
    """A person-level release that left the house."""

    TABLE: ClassVar[str] = "released"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("dataset",),)
    id: str
    dataset: str
    dataset_version: int
    consent_version: int
    purpose: str
    technique: str
    released_by: str
    time: str
    summary: str
    entry: int


@dataclass(frozen=True, slots=True)
class Failure(Record):
    """A use that failed after data was opened; too many in a day stop the principal."""

    TABLE: ClassVar[str] = "failures"
    KEY: ClassVar[tuple[str, ...]] = ("principal", "entry")
    principal: str
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
class Certificate(Record):
    """A signed statement, for example of an erasure (canonical JSON and its note)."""

    TABLE: ClassVar[str] = "certificates"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    kind: str
    body: str
    time: str


ALL_RECORDS: tuple[type[Record], ...] = (
    Setting, WrappedSecret, Principal, Purpose, PolicyText, Dataset, DatasetColumn, DatasetPurpose,
    Declaration, Bucket, Collected, Subject, Member, FormerMember, SealedField, ConsentEvent,
    ConsentState, Tombstone, JournalEntry, JournalHead, Commitment, Allocation, Charge, Account,
    Request, Released, Failure, QuarantineBatch, QuarantinedRow, Certificate,
)  # fmt: skip

SCHEMA_VERSION = 1
