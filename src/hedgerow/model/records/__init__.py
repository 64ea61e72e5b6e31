"""The records a workspace keeps, as frozen types; each names its table, key and indexes.

Fields are ``int``, ``str``, ``bytes``, ``bool`` or one of these or none, so that every store
can hold them. Times are RFC 3339 text in UTC. What is personal is sealed (a ``sealed`` or
``wrapped`` field) or a random number that leads nowhere once the person's key is gone.
"""

from __future__ import annotations

from hedgerow.model.records.approval import Approval
from hedgerow.model.records.backing import Backup, Forgotten
from hedgerow.model.records.base import Record
from hedgerow.model.records.cosigned import Cosigned, SeenLog
from hedgerow.model.records.datasets import (
    Bucket,
    Collected,
    Dataset,
    DatasetColumn,
    DatasetPurpose,
    Declaration,
    Derivation,
    PublicContent,
    QuarantineBatch,
    QuarantinedRow,
)
from hedgerow.model.records.evidence import Certificate, Commitment, JournalEntry, JournalHead
from hedgerow.model.records.house import PolicyText, Principal, Purpose, Setting, WrappedSecret
from hedgerow.model.records.index import BlindIndex, BlindTerm, Search
from hedgerow.model.records.people import (
    ConsentEvent,
    ConsentState,
    FormerMember,
    Member,
    SealedField,
    Subject,
    Tombstone,
    VaultToken,
)
from hedgerow.model.records.releases import (
    ReleaseCertificate,
    ReleasedPerson,
    ReleaseShape,
    RetiredRelease,
)
from hedgerow.model.records.spending import (
    Account,
    Allocation,
    Charge,
    Failure,
    LocalSurvey,
    PeriodLimit,
    Released,
    Request,
    Run,
)
from hedgerow.model.records.witness import Witness

__all__ = [
    "ALL_RECORDS",
    "SCHEMA_VERSION",
    "Account",
    "Allocation",
    "Approval",
    "Backup",
    "BlindIndex",
    "BlindTerm",
    "Bucket",
    "Certificate",
    "Charge",
    "Collected",
    "Commitment",
    "ConsentEvent",
    "ConsentState",
    "Cosigned",
    "Dataset",
    "DatasetColumn",
    "DatasetPurpose",
    "Declaration",
    "Derivation",
    "Failure",
    "Forgotten",
    "FormerMember",
    "JournalEntry",
    "JournalHead",
    "LocalSurvey",
    "Member",
    "PeriodLimit",
    "PolicyText",
    "Principal",
    "PublicContent",
    "Purpose",
    "QuarantineBatch",
    "QuarantinedRow",
    "Record",
    "ReleaseCertificate",
    "ReleaseShape",
    "Released",
    "ReleasedPerson",
    "Request",
    "RetiredRelease",
    "Run",
    "SealedField",
    "Search",
    "SeenLog",
    "Setting",
    "Subject",
    "Tombstone",
    "VaultToken",
    "Witness",
    "WrappedSecret",
]

ALL_RECORDS: tuple[type[Record], ...] = (
    Setting, WrappedSecret, Principal, Purpose, PolicyText, Dataset, DatasetColumn, DatasetPurpose,
    Declaration, Bucket, Collected, Subject, Member, FormerMember, SealedField, ConsentEvent,
    ConsentState, Tombstone, JournalEntry, JournalHead, Commitment, Allocation, Charge, Account,
    Request, Released, Failure, QuarantineBatch, QuarantinedRow, Certificate,
    Approval,
    Backup, Forgotten,
    Witness, SeenLog, Cosigned,
    BlindIndex, BlindTerm, Search,
    PeriodLimit, LocalSurvey,
    PublicContent, Derivation,
    Run,
    VaultToken,
    ReleaseCertificate, RetiredRelease, ReleaseShape, ReleasedPerson,
)  # fmt: skip

SCHEMA_VERSION = 4
