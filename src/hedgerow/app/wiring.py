"""The object graph, built once: every room of the spine handed what it needs and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from hedgerow.adapters.policy import load_policies
from hedgerow.adapters.witness import FileSink
from hedgerow.app.clock import SystemTimer
from hedgerow.app.deferred import deferred
from hedgerow.governance.rights import Rights
from hedgerow.kernel.envelope import derive
from hedgerow.model.engine import Engine, Shelf
from hedgerow.model.errors import Fault
from hedgerow.model.keys import KeyBackend
from hedgerow.model.ports import Clock, Reader, Store, Timer
from hedgerow.model.records import Setting, WrappedSecret
from hedgerow.spine.acts import Acts
from hedgerow.spine.approvals import Approvals
from hedgerow.spine.attest import Attestor
from hedgerow.spine.backup import Backups
from hedgerow.spine.catalog import Catalog
from hedgerow.spine.committing import Committing
from hedgerow.spine.consent import Consents
from hedgerow.spine.cosigning import Cosigning
from hedgerow.spine.drawn import DrawnTokens
from hedgerow.spine.dropping import Dropping
from hedgerow.spine.epochs import Epochs
from hedgerow.spine.erasure import Erasure
from hedgerow.spine.facts import FactLoader
from hedgerow.spine.finding import Finding
from hedgerow.spine.gate import Gate
from hedgerow.spine.hearing import Hearing
from hedgerow.spine.indexes import Indexes
from hedgerow.spine.journal import Journal
from hedgerow.spine.keyring import Keyring, secret_key
from hedgerow.spine.lease import Leases
from hedgerow.spine.ledger import Ledger
from hedgerow.spine.policy import Policies
from hedgerow.spine.quarantine import Quarantine
from hedgerow.spine.released import Releases
from hedgerow.spine.remembering import Memory
from hedgerow.spine.requests import Requests
from hedgerow.spine.restoring import Restoring
from hedgerow.spine.revealing import Revealing
from hedgerow.spine.runs import Runs
from hedgerow.spine.second_key import SecondKey
from hedgerow.spine.steady import SteadyClock, steady
from hedgerow.spine.tables import Tables
from hedgerow.spine.vault import Vault
from hedgerow.spine.witnesses import Witnesses
from hedgerow.techniques.disclose import Disclose

if TYPE_CHECKING:
    from hedgerow.spine.intake import Intake
    from hedgerow.techniques.anonymity.governed import GovernedKAnonymity
    from hedgerow.techniques.dp_query.technique import DpQuery
    from hedgerow.techniques.dp_train.governed import DpTrain

ORIGIN_PREFIX = "hedgerow/"


@dataclass(frozen=True, slots=True)
class Spine:
    """The wired rooms."""

    tenant: str
    store: Store
    backend: KeyBackend
    clock: SteadyClock
    attestor: Attestor
    journal: Journal
    catalog: Catalog
    consents: Consents
    vault: Vault
    ledger: Ledger
    policies: Policies
    tables: Tables
    quarantine: Quarantine
    intake: Intake
    approvals: Approvals
    gate: Gate
    erasure: Erasure
    dropping: Dropping
    epochs: Epochs
    rights: Rights
    indexes: Indexes
    finding: Finding
    query: DpQuery
    release: GovernedKAnonymity
    train: DpTrain
    backups: Backups
    restoring: Restoring
    witnesses: Witnesses
    cosigning: Cosigning
    second_key: SecondKey
    hearing: Hearing
    runs: Runs
    revealing: Revealing
    releases: Releases
    memory: Memory
    timer: Timer = field(default_factory=SystemTimer)


def wire(store: Store, backend: KeyBackend, engine: Engine, shelf: Shelf, clock: Clock) -> Spine:
    """Build the rooms over their adapters.

    Args:
        store: The records; already populated.
        backend: Wraps keys.
        engine: Computes on table files.
        shelf: Where those files lie.
        clock: The time.
    """
    with store.read() as reader:
        tenant = _setting(reader, "tenant")
        index_key, clock = _secret(reader, backend, tenant, "index-key"), steady(clock, reader)
        attestor = _attestor(reader, backend, tenant)
    journal, keyring = Journal(attestor, tenant, clock), Keyring(backend, tenant)
    store, witnesses = _followed(store, journal, attestor, clock)
    catalog, consents, ledger = Catalog(clock), Consents(), Ledger(clock)
    vault, policies = Vault(keyring, index_key, clock), Policies(load_policies, clock)
    indexes = Indexes(store, keyring, vault, catalog, journal, clock)
    tables, acts = Tables(engine, shelf, keyring), Acts(store, policies, journal)
    quarantine, requests = Quarantine(keyring, clock), Requests(keyring, attestor, journal)
    approvals, hearing = Approvals(store, acts, journal, clock), Hearing(journal, attestor)
    runs, drawn = Runs(keyring, attestor, journal, hearing), DrawnTokens(vault, attestor)
    memory = Memory(vault, attestor, tenant)
    gate = Gate(
        store=store, facts=FactLoader(catalog, consents, ledger, policies), acts=acts, clock=clock,
        approvals=approvals, ledger=ledger, journal=journal, requests=requests, runs=runs,
        leases=Leases(store, tables, consents, vault, runs, memory, clock, drawn), attestor=attestor,
        witnesses=witnesses, memory=memory,
    )  # fmt: skip
    erasure = Erasure(
        store=store, vault=vault, tables=tables, requests=requests, quarantine=quarantine,
        journal=journal, attestor=attestor, clock=clock, hearing=hearing,
    )  # fmt: skip
    dropping = Dropping(
        store=store, catalog=catalog, tables=tables, requests=requests, quarantine=quarantine,
        journal=journal, attestor=attestor, clock=clock,
    )  # fmt: skip

    def intake() -> Intake:
        from hedgerow.spine.intake import Intake

        return Intake(
            store=store, catalog=catalog, vault=vault, consents=consents, tables=tables, hearing=hearing,
            quarantine=quarantine, journal=journal, attestor=attestor, clock=clock, indexes=indexes,
        )  # fmt: skip

    rights = _rights(store, gate, catalog, erasure, journal)
    return Spine(
        tenant, store, backend, clock, attestor, journal, catalog, consents, vault, ledger, policies,
        tables, quarantine, deferred(intake), approvals, gate, erasure, dropping,
        Epochs(store, keyring, journal, attestor, requests, clock, hearing), rights, indexes,
        Finding(store, gate, catalog, indexes, vault, journal, clock, derive(index_key, "found-handle")),
        deferred(_query), deferred(_release), deferred(_train),
        Backups(store, keyring, journal, attestor, clock, hearing),
        Restoring(store, vault, tables, quarantine, erasure, dropping, journal, ledger, attestor, hearing),
        witnesses, Cosigning(keyring, journal, attestor, clock), SecondKey(keyring, journal, attestor, clock),
        hearing, runs, Revealing(store, gate, catalog, consents, vault, approvals, journal, drawn),
        Releases(store, journal, attestor, clock), memory,
    )  # fmt: skip


def _followed(store: Store, journal: Journal, attestor: Attestor, clock: Clock) -> tuple[Store, Witnesses]:
    """Let each commit of the store close the journal and be followed outside."""
    witnesses = Witnesses(store, journal, attestor, clock, FileSink)
    return Committing(store, journal, witnesses), witnesses


def _rights(store: Store, gate: Gate, catalog: Catalog, erasure: Erasure, journal: Journal) -> Rights:
    return Rights(
        store=store, gate=gate, catalog=catalog, erasure=erasure, journal=journal,
        export=Disclose("subject.export"), read=Disclose("subject.read"),
    )  # fmt: skip


def _query() -> DpQuery:
    from hedgerow.techniques.dp_query.technique import DpQuery

    return DpQuery()


def _release() -> GovernedKAnonymity:
    from hedgerow.techniques.anonymity.governed import GovernedKAnonymity

    return GovernedKAnonymity()


def _train() -> DpTrain:
    from hedgerow.techniques.dp_train.governed import DpTrain

    return DpTrain()


def journal_under(reader: Reader, backend: KeyBackend, clock: Clock) -> Journal:
    """Give the journal alone, to look into a workspace that nobody has opened."""
    tenant = _setting(reader, "tenant")
    return Journal(_attestor(reader, backend, tenant), tenant, clock)


def _attestor(reader: Reader, backend: KeyBackend, tenant: str) -> Attestor:
    return Attestor(_secret(reader, backend, tenant, "journal-key"), ORIGIN_PREFIX + tenant)


def _setting(reader: Reader, name: str) -> str:
    found = reader.get(Setting, name)
    if found is None:
        raise Fault("store.unreadable")
    return found.value


def _secret(reader: Reader, backend: KeyBackend, tenant: str, name: str) -> bytes:
    found = cast("WrappedSecret | None", reader.get(WrappedSecret, name))
    if found is None:
        raise Fault("store.unreadable")
    return backend.unwrap(found.wrapped, secret_key(tenant, name))
