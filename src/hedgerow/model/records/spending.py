"""What uses cost and gave: limits, charges, requests, releases, failures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from hedgerow.model.records.base import Record


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
    delta: str = "0/1"


@dataclass(frozen=True, slots=True)
class PeriodLimit(Record):
    """A limit of an account for some days, within its limit of all time; values are exact fractions.

    ``period`` is its name, ``starts`` and ``ends`` its first and last day; both are empty where ``period`` is
    ``"every year"``, ``"every quarter"`` or ``"every month"``.
    """

    TABLE: ClassVar[str] = "period_limits"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "purpose", "period")
    dataset: str
    purpose: str
    period: str
    starts: str
    ends: str
    epsilon: str
    delta: str
    allocated_by: str
    time: str


@dataclass(frozen=True, slots=True)
class Charge(Record):
    """A privacy-loss event of a person, debited to a data set, a purpose and the population.

    A use of several data sets has one for each. The first debits the population; the others are ``shared``
    and do not: it is one release about the same people. ``unit`` names the privacy unit and what one of it
    loses, where that is no person; it is empty else.
    """

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
    shared: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Account(Record):
    """The running total of an account: the fold of its charges, kept beside them.

    ``delta`` is what the charges have as chances of their own. ``pure_rho`` is what the pure charges cost as
    zCDP. Accounts of before it was kept have none: all of them count as one charge then, which is never less.
    """

    TABLE: ClassVar[str] = "accounts"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "purpose")
    dataset: str
    purpose: str
    epsilon: str
    rho: str
    apart: str
    pure_rho: str = ""
    delta: str = "0"


@dataclass(frozen=True, slots=True)
class LocalSurvey(Record):
    """A survey with local privacy, charged to the population; ``epsilon`` is of one person, exact."""

    TABLE: ClassVar[str] = "local_surveys"
    KEY: ClassVar[tuple[str, ...]] = ("entry",)
    entry: int
    survey: str
    name: str
    purpose: str
    epsilon: str
    registered_by: str
    time: str


@dataclass(frozen=True, slots=True)
class Request(Record):
    """A use by its request id: what it is bound to and, once closed, its sealed result.

    ``question`` is the hash of all that its answer depends on beside the data, where others who ask the same
    may be given it. ``others`` tells the further data sets that were used, with their versions, as canonical
    JSON; it is empty where there is none.
    """

    TABLE: ClassVar[str] = "requests"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("dataset",), ("question",), ("others",))
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
    question: str = ""
    others: str = ""


@dataclass(frozen=True, slots=True)
class Run(Record):
    """A run that goes on over time and was paid for when it was opened.

    ``body`` is what it was opened with (canonical JSON, public), ``opened`` the entry of that use,
    ``declaration`` the version it rests on, ``until`` its last day, ``through`` the version of the data set
    whose rows were counted last, ``entry`` the newest entry that tells of it, ``closed`` why it is over.
    """

    TABLE: ClassVar[str] = "runs"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("dataset",),)
    name: str
    kind: str
    dataset: str
    purpose: str
    body: str
    opened_by: str
    opened: int
    declaration: int
    until: str
    step: int
    through: int
    entry: int
    closed: str = ""
    sealed: bytes = field(repr=False, default=b"")
    wrapped: bytes = field(repr=False, default=b"")


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
