"""One use, start to end: the request, the facts, the decision, the release and the receipt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol, TypeAlias, runtime_checkable

from hedgerow.model.budget import PrivacyEvent
from hedgerow.model.joins import PublicTable
from hedgerow.model.plans import Combination, DatasetDeclaration, ExactAggregation, KeySearch
from hedgerow.model.policy import ApprovalNeed
from hedgerow.model.remembered import Earlier, ToRemember
from hedgerow.model.words import name_or_nothing

ArrowTable: TypeAlias = Any
NEW, SAME_ID, STORED = "new", "request", "stored"
"""Where an answer is from; see ``Receipt``."""
Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the authenticated principal and the one it acts as (often the same)."""

    principal: str
    acting_as: str

    def as_json(self) -> dict[str, str]:
        """Name both for the journal; what cannot be a name is not repeated there."""
        return {name: name_or_nothing(text) or "(no name)" for name, text in
                (("as", self.acting_as), ("by", self.principal))}  # fmt: skip


@dataclass(frozen=True, slots=True)
class UseRequest:
    """A wish to use a data set, or several at once.

    Args:
        actor: Who acts.
        purpose: Why; a declared purpose.
        dataset: Which data set; the first where there are several.
        parameters: What the technique needs, as canonical JSON values.
        request_id: The caller's id; repeating it returns the same release.
        fresh: Whether it is paid for and run even where the same question was answered before.
        run: The run it is a step of, or opens; empty for none.
        others: Further data sets that are used with it, each once; every step of the gate holds for each.
        engine: What computes the exact part; the workspace's own where empty. Answers and what they cost do
            not depend on it, so neither does what a request id or a stored answer is bound to.
    """

    actor: Actor
    purpose: str
    dataset: str
    parameters: Mapping[str, Json]
    request_id: str
    fresh: bool = False
    others: tuple[str, ...] = ()
    run: str = ""
    engine: str = ""

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every data set it uses, the first one first."""
        return (self.dataset, *self.others)


@dataclass(frozen=True, slots=True)
class ColumnView:
    """What a technique may know of a column before data is opened."""

    name: str
    type: str
    role: str
    category: str
    in_vault: bool


@dataclass(frozen=True, slots=True)
class RunView:
    """What a technique may know of a run before data is opened: all of it is public.

    Args:
        name: Its name.
        body: What it was opened with; empty where it is being opened.
        step: How many steps there were; -1 where it is being opened.
        through: The version of the data set whose rows were counted last.
        opened: The entry of the use that opened it.
        state: Hash of its sealed state; empty where it is being opened.
    """

    name: str
    body: Mapping[str, Json] = field(default_factory=dict)
    step: int = -1
    through: int = 0
    opened: int = -1
    state: str = ""


@dataclass(frozen=True, slots=True)
class RunState:
    """What a run carries on from one step to the next; the spine seals it.

    Args:
        secret: The state of its mechanism, as text; a secret.
        shown: What was told so far, as canonical JSON values.
        body: What it is opened with, at its opening: public; ``kind`` and ``since`` (a version) among it.
        is_over: Whether nothing is left to ask.
    """

    secret: str = field(repr=False)
    shown: tuple[Json, ...] = field(repr=False, default=())
    body: Mapping[str, Json] = field(default_factory=dict)
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class DatasetView:
    """What a technique may know of a data set before data is opened: no count, no value.

    Tables declared public, which any data set may be joined with, are known whole; so is what the run was
    opened with that a use is a step of. ``others`` are the further data sets of the same use, by name.
    """

    name: str
    version: int
    subject_column: str
    columns: tuple[ColumnView, ...]
    declaration: DatasetDeclaration
    bases: Mapping[str, str]
    public: Mapping[str, PublicTable] = field(default_factory=dict, repr=False, compare=False)
    run: RunView | None = field(default=None, compare=False)
    others: Mapping[str, DatasetView] = field(default_factory=dict, repr=False, compare=False)

    def column(self, name: str) -> ColumnView | None:
        """Look a column up by its exact name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a plan asks a lease to open.

    Args:
        columns: Columns of the table.
        kind: ``"aggregate"`` (exact bounded aggregates only), ``"rows"`` (a table of all
            people with a basis) or ``"person"`` (one person's rows and vault fields).
        fields: Vault fields; only with ``"person"``.
        subject: The internal number, only with ``"person"``.
        public: Public tables that the rows are joined with, and the digest of what each holds.
        since: Only rows that arrived after this version of the data set, and none of anybody who was erased
            and came back while the run of this use was open; none for all rows.
        others: Further data sets, by name, and the columns of each; not with ``"person"``.
        engine: What computes aggregates; the workspace's own where empty.
        tokens: Where tokens that the use makes are valid: pairs of a name of the scope and what it is for,
            as ``("release", "R-1")``; only with ``"rows"``.
    """

    columns: frozenset[str]
    kind: str
    fields: frozenset[str] = frozenset()
    subject: int | None = None
    public: tuple[tuple[str, str], ...] = ()
    since: int | None = None
    others: tuple[tuple[str, frozenset[str]], ...] = ()
    engine: str = ""
    tokens: tuple[tuple[str, str], ...] = ()

    def of(self, dataset: str) -> frozenset[str]:
        """List the columns of a further data set that are opened; none of one that is not asked for."""
        return dict(self.others).get(dataset, frozenset())


class Plan(Protocol):
    """What a technique decided to do, as a frozen value."""

    @property
    def grant(self) -> Grant:
        """What the lease must open."""
        ...

    @property
    def cost(self) -> PrivacyEvent | None:
        """The worst-case privacy loss, or none when nothing is released."""
        ...

    def describe(self) -> Mapping[str, Json]:
        """Explain the plan before anything is spent."""
        ...


@runtime_checkable
class ForUnit(Protocol):
    """A plan whose privacy unit may be another than the person; its cost is then what a person loses."""

    @property
    def per_unit(self) -> tuple[str, PrivacyEvent] | None:
        """The unit and what one of it loses; none for the person."""
        ...


@dataclass(frozen=True, slots=True)
class DrawnToken:
    """Which value a drawn token stands for, in the row of one person; the spine seals it.

    Args:
        column: The column of the output.
        number: The person.
        token: The token.
        value: The value; empty where the token stands for the person alone.
    """

    column: str
    number: int = field(repr=False)
    token: str = field(repr=False)
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Release:
    """What leaves.

    Args:
        payload: The result as canonical JSON; kept so that a replay returns it.
        mechanism: How it was protected, in a few words.
        person_level: Whether rows of single people are in it; such outputs are withdrawn
            when one of the people is erased.
        summary: Facts of the release for the officer and the register.
        kept: Whether the result is kept for the same request id; one person's own data is not.
        run: What the run carries on, where it was opened or went a step.
        remembered: Who is in which class of a table that leaves, for the releases after it.
        drawn: Which value each drawn token in it stands for.
    """

    payload: Mapping[str, Json]
    mechanism: str
    person_level: bool = False
    summary: Mapping[str, Json] = field(default_factory=dict)
    kept: bool = True
    run: RunState | None = field(repr=False, default=None)
    remembered: ToRemember | None = field(repr=False, default=None)
    drawn: Sequence[DrawnToken] = field(repr=False, default=())


@dataclass(frozen=True, slots=True)
class LeaseVersions:
    """The versions a lease was opened on; an act may have come between decision and lease.

    Args:
        dataset: Version of the data set.
        consent: Consent version.
        others: Version of each further data set, by name.
    """

    dataset: int
    consent: int
    others: tuple[tuple[str, int], ...] = ()

    def as_json(self) -> dict[str, Json]:
        """Write them for the journal."""
        others: dict[str, Json] = {"others": dict(self.others)} if self.others else {}
        return {"dataset": self.dataset, "consent": self.consent, **others}


class TokenSecrets(Protocol):
    """What tokens are made of, in the scopes that a lease was granted; nothing outside them."""

    def people(self, refs: Sequence[str]) -> Sequence[int]:
        """Find people by source id: the number of each who is covered, -1 of everybody else."""
        ...

    def of_people(self, numbers: Sequence[int], scope: str) -> Sequence[bytes]:
        """Give each covered person's own secret in a scope (32 bytes); it dies with the person's key."""
        ...

    def of_values(self, scope: str) -> bytes:
        """Give the workspace's secret in a scope (32 bytes); no erasure reaches it."""
        ...


class Lease(Protocol):
    """An expiring, single-use opening of only the granted columns of only the covered people."""

    @property
    def versions(self) -> LeaseVersions:
        """What it was opened on."""
        ...

    def aggregate(self, spec: ExactAggregation) -> Sequence[Sequence[int]]:
        """Compute exact bounded aggregates inside the lease."""
        ...

    def keys(self, search: KeySearch) -> Sequence[tuple[Combination, int]]:
        """Count the people of each combination of keys inside the lease."""
        ...

    def rows(self, dataset: str = "") -> ArrowTable:
        """Read the granted columns, or those of a further data set; the same person has the same number."""
        ...

    def fields(self) -> Mapping[str, Sequence[str]]:
        """Read the granted vault fields of the one person."""
        ...

    def carried(self) -> RunState:
        """Read what the run of this use carries on, once."""
        ...

    def earlier(self) -> Earlier:
        """Read who was in which class of the tables that left before, once."""
        ...


@runtime_checkable
class TokenLease(Lease, Protocol):
    """A lease that makes tokens as well."""

    def tokens(self) -> TokenSecrets:
        """Give the secrets of the granted scopes, of covered people alone, once."""
        ...


class Technique(Protocol):
    """A way to use data: plan without data, run on a lease; it holds no state."""

    @property
    def name(self) -> str:
        """The technique's name, as the journal writes it."""
        ...

    @property
    def action(self) -> str:
        """The action policies speak of."""
        ...

    def plan(self, request: UseRequest, dataset: DatasetView) -> Plan:
        """Decide what would be done, from declarations only.

        Raises:
            Refused: When it cannot be bounded.
            CallerError: When the request is malformed.
        """
        ...

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Do it on the leased data."""
        ...


OPENS, STEPS, SHOWS = "open", "step", "show"
"""What a use does to a run."""


@runtime_checkable
class Running(Protocol):
    """A technique whose uses open a run, go a step of it or show it."""

    @property
    def kind(self) -> str:
        """The kind of run; empty where any will do."""
        ...

    @property
    def does(self) -> str:
        """What a use does: ``OPENS``, ``STEPS`` or ``SHOWS``."""
        ...


@runtime_checkable
class Repeatable(Protocol):
    """A technique whose answers may be given again to whoever asks the same and may ask it."""

    def question(self, plan: Plan) -> object:
        """Tell all that an answer depends on beside the data, as a frozen value.

        Args:
            plan: A plan this technique made.

        Returns:
            What ``plain_form`` takes; two plans with the same have the same answers, also in their form.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a decision fell: an error code of the table, or a policy that permits."""

    code: str
    text: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The reasoned verdict on a use.

    Args:
        allowed: Whether it may run.
        reasons: Every reason, refusals first.
        obligations: Conditions attached, for example ``"only people with consent"``.
        policies: Ids of the policies that spoke.
        versions: The versions of policy, consent, data set and declaration it rests on.
        valid_until: The last day it holds (the purpose's end).
        plan: The plan's description.
        error: The error row and details that a refusal raises.
        needs: The approvals by others that it needs besides.
        approval: In an explanation, how such an approval stands.
        cost: What the plan would be debited with.
        stored: Whether the same question was answered before and that answer would be given, at no cost.
        others: The versions of each further data set and of its declaration, by name.
    """

    allowed: bool
    reasons: tuple[Reason, ...]
    obligations: tuple[str, ...]
    policies: tuple[str, ...]
    versions: Mapping[str, int]
    valid_until: date
    plan: Mapping[str, Json]
    error: tuple[str, Mapping[str, object]] | None = None
    needs: tuple[ApprovalNeed, ...] = ()
    approval: Mapping[str, Json] | None = None
    cost: PrivacyEvent | None = None
    stored: bool = False
    others: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        """Render for ``--explain`` and the journal."""
        return {
            "allowed": self.allowed,
            "reasons": [{"code": r.code, "text": r.text, "next_step": r.next_step} for r in self.reasons],
            "obligations": list(self.obligations),
            "policies": list(self.policies),
            "versions": dict(self.versions),
            **({"others": {name: dict(each) for name, each in self.others.items()}} if self.others else {}),
            "plan": dict(self.plan),
            **({} if self.approval is None else {"approval": dict(self.approval)}),
            **({"from": STORED} if self.stored else {}),
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the caller keeps: the release, the evidence of it and what is left.

    Args:
        release: What left.
        request_id: The id under which it can be fetched again.
        entry: Index of the journal entry that closed the use.
        checkpoint: The signed head of the journal that covers the entry.
        fingerprint: Fingerprint of the journal's key.
        left: What is left of the budget, in words and exact text; empty when nothing was charged.
        origin: Where the answer is from: ``"new"``, ``"request"`` (the same id again) or ``"stored"`` (the
            same question, asked before under another id).
    """

    release: Release
    request_id: str
    entry: int
    checkpoint: str
    fingerprint: str
    left: Mapping[str, Json]
    origin: str = NEW

    @property
    def replayed(self) -> bool:
        """Whether this is a stored answer, which cost nothing."""
        return self.origin != NEW


Execute: TypeAlias = Callable[[ExactAggregation], Sequence[Sequence[int]]]
