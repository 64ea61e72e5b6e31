"""Leases: an expiring, single-use opening of granted columns of covered people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hedgerow.model.engine import ArrowTable, IntArray, PeopleFilter, Relation
from hedgerow.model.errors import Fault, Refused
from hedgerow.model.plans import Combination, ExactAggregation, KeySearch
from hedgerow.model.ports import Clock, Reader, Store, Transaction
from hedgerow.model.records import Dataset, DatasetPurpose, Released, Subject
from hedgerow.model.remembered import Earlier
from hedgerow.model.uses import (
    DatasetView,
    Grant,
    Json,
    Lease,
    LeaseVersions,
    Plan,
    Release,
    RunState,
    TokenSecrets,
)
from hedgerow.model.words import Basis
from hedgerow.spine.catalog import RIGHTS_PURPOSE, PurposeFacts
from hedgerow.spine.consent import Consents
from hedgerow.spine.drawn import DrawnTokens
from hedgerow.spine.facts import Facts, Source
from hedgerow.spine.journal import About
from hedgerow.spine.remembering import Memory
from hedgerow.spine.runs import Runs, returned
from hedgerow.spine.tables import Tables
from hedgerow.spine.tokens import TokenRoom, scopes_of
from hedgerow.spine.vault import Vault

LIFETIME = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a lease hands out beside rows and fields.

    Args:
        carried: What the run of the use carries on.
        secrets: What tokens are made of.
        earlier: Reads who was in which class of the tables that left before.
    """

    carried: RunState | None = field(repr=False, default=None)
    secrets: TokenSecrets | None = field(repr=False, default=None)
    earlier: Callable[[], Earlier] = Earlier


class OpenLease:
    """What a technique is handed; it opens once and only for what was granted."""

    def __init__(
        self,
        grant: Grant,
        relation: Relation | None,
        fields: Mapping[str, Sequence[str]],
        versions: LeaseVersions,
        clock: Clock,
        others: Mapping[str, Relation] | None = None,
        beside: Beside | None = None,
    ) -> None:
        self.versions = versions
        self._beside = beside or Beside()
        self._others = others or {}
        self._grant = grant
        self._relation = relation
        self._fields = fields
        self._clock = clock
        self._until: datetime = clock.now() + LIFETIME
        self._used: set[str] = set()

    def __repr__(self) -> str:
        """Name the kind only."""
        return f"OpenLease({self._grant.kind})"

    def _take(self, what: str, *kinds: str) -> None:
        if self._grant.kind not in kinds or what in self._used:
            raise Fault("lease.misused")
        if self._clock.now() > self._until:
            raise Fault("lease.expired")
        self._used.add(what)

    def aggregate(self, spec: ExactAggregation) -> Sequence[Sequence[int]]:
        """Compute exact bounded aggregates of granted columns, once."""
        self._take("aggregate", "aggregate")
        if not spec.columns <= self._grant.columns or self._relation is None:
            raise Fault("lease.misused")
        if not all(one.read <= self._grant.of(one.name) for one in spec.source.beside):
            raise Fault("lease.misused")
        return self._relation.aggregate(
            spec, {one.name: self._others[one.name] for one in spec.source.beside}
        )

    def keys(self, search: KeySearch) -> Sequence[tuple[Combination, int]]:
        """Count the people of combinations of granted columns, once."""
        self._take("keys", "aggregate")
        if not search.read <= self._grant.columns or self._relation is None:
            raise Fault("lease.misused")
        return self._relation.keys(search)

    def rows(self, dataset: str = "") -> ArrowTable:
        """Read the granted columns, once; with whose row it is only where several people are in it.

        Args:
            dataset: A further data set of the grant, which is read once as well; the first where none is
                named.
        """
        self._take(f"rows of {dataset}" if dataset else "rows", "rows", "person")
        if dataset and dataset not in self._others:
            raise Fault("lease.misused")
        relation = self._others[dataset] if dataset else self._relation
        if relation is None:
            return None
        return relation.table(with_person=self._grant.kind == "rows")

    def fields(self) -> Mapping[str, Sequence[str]]:
        """Read the granted vault fields of the one person, once."""
        self._take("fields", "person")
        return self._fields

    def tokens(self) -> TokenSecrets:
        """Give the secrets of the granted scopes, once."""
        self._take("tokens", "rows")
        if self._beside.secrets is None:
            raise Fault("lease.misused")
        return self._beside.secrets

    def carried(self) -> RunState:
        """Read what the run of this use carries on, once."""
        self._take("carried", "aggregate")
        if self._beside.carried is None:
            raise Fault("lease.misused")
        return self._beside.carried

    def earlier(self) -> Earlier:
        """Read who was in which class of the tables that left before, once."""
        self._take("earlier", "rows")
        return self._beside.earlier()


class Leases:
    """Opens leases; the people are chosen at this moment, from the consents now in force."""

    def __init__(
        self,
        store: Store,
        tables: Tables,
        consents: Consents,
        vault: Vault,
        runs: Runs,
        memory: Memory,
        clock: Clock,
        drawn: DrawnTokens,
    ) -> None:
        self._drawn = drawn
        self._runs = runs
        self._memory = memory
        self._store = store
        self._tables = tables
        self._consents = consents
        self._vault = vault
        self._clock = clock

    def open(self, facts: Facts, plan: Plan) -> Lease:
        """Open a lease for an admitted plan.

        Raises:
            Refused: ``basis.withdrawn`` when the one person of a person lease has no basis.
            Fault: ``table.changed`` when the data set or its basis is another than was decided on;
                or when a file or key cannot be read.
        """
        dataset = facts.dataset
        if dataset is None:
            raise Fault("lease.misused")
        grant = plan.grant
        with self._store.read() as reader:
            versions = self._versions(reader, facts)
            people = self._people(reader, versions, facts, grant)
            needs_table = grant.kind != "person" or bool(grant.columns)
            files = self._tables.files(reader, dataset.name) if needs_table else []
            if grant.since is not None:
                files = [file for file in files if file.arrived > grant.since]
            beside = {name: self._tables.files(reader, name) for name, _ in grant.others}
            run = dataset.run
            carried = self._runs.carried(reader, run) if run is not None and run.step >= 0 else None
            fields = self._person_fields(reader, dataset, grant)
        scan = self._tables.engine_of(grant.engine).scan
        relation = scan(files, sorted(grant.columns), people[dataset.name]) if needs_table else None
        others = {name: scan(beside[name], sorted(grant.of(name)), people[name]) for name in beside}
        secrets = self._secrets(facts, grant, people[dataset.name])
        beside_rows = Beside(carried, secrets, lambda: self._earlier(dataset.name))
        return OpenLease(grant, relation, fields, versions, self._clock, others, beside_rows)

    def _earlier(self, dataset: str) -> Earlier:
        with self._store.read() as reader:
            return self._memory.earlier(reader, dataset)

    def _secrets(self, facts: Facts, grant: Grant, people: PeopleFilter) -> TokenSecrets | None:
        """Open what tokens are made of, where the grant names scopes for them."""
        if not grant.tokens or grant.kind != "rows" or facts.dataset is None or facts.purpose is None:
            return None
        scopes = scopes_of(self._vault.tenant, facts.purpose.name, facts.dataset.name, grant.tokens)
        return TokenRoom(self._store, self._vault, scopes, people)

    def _versions(self, reader: Reader, facts: Facts) -> LeaseVersions:
        """Read the versions that a lease is opened on, once each data set is as it was decided on."""
        found = {}
        for source in facts.sources:
            self._require_same_basis(reader, source, facts.purpose)
            # Read again: an erasure may have committed since the decision.
            record = reader.get(Dataset, source.name)
            found[source.name] = record.version if record else 0
        first, *others = facts.sources
        named = sorted((source.name, found[source.name]) for source in others)
        return LeaseVersions(found[first.name], self._consents.version(reader), tuple(named))

    def reading(self) -> AbstractContextManager[None]:
        """Keep the files of the version a lease opens in place while it is used."""
        return self._tables.reading()

    def about(self, reader: Reader, plan: Plan) -> Sequence[About]:
        """Name the one person a plan is about, for the journal."""
        subject = reader.get(Subject, plan.grant.subject) if plan.grant.subject is not None else None
        return [self._vault.open(subject).about] if subject is not None else []

    def keep(self, tx: Transaction, left: Released, release: Release) -> Mapping[str, Json]:
        """Keep which value each drawn token of a release stands for; tell the journal of it."""
        return self._drawn.keep(tx, left.dataset, left.id, release.drawn) if release.drawn else {}

    def _people(
        self, reader: Reader, versions: LeaseVersions, facts: Facts, grant: Grant
    ) -> dict[str, PeopleFilter]:
        """Choose the people of each data set, by its name."""
        dataset, purpose = facts.dataset, facts.purpose
        if dataset is None or purpose is None:
            raise Fault("lease.misused")
        if purpose.name == RIGHTS_PURPOSE and grant.kind != "person":
            raise Fault("lease.misused")
        basis = Basis(facts.basis or "")
        if grant.kind != "person":
            held = {dataset.name: versions.dataset, **dict(versions.others)}
            asked = [(each.name, held[each.name], Basis(each.basis or "")) for each in facts.sources]
            covered = self._consents.covered_in_all(reader, asked, purpose.name)
            if grant.since is not None and dataset.run is not None:
                gone = returned(reader, dataset.run.opened)
                covered = {name: _without(people, gone) for name, people in covered.items()}
            return {name: PeopleFilter.of_sorted(people) for name, people in covered.items()}
        if grant.subject is None or facts.others:
            raise Fault("lease.misused")
        if not self._consents.covers(reader, dataset.name, grant.subject, purpose.name, basis):
            raise Refused("basis.withdrawn")
        return {dataset.name: PeopleFilter.of([grant.subject])}

    def _require_same_basis(self, reader: Reader, source: Source, purpose: PurposeFacts | None) -> None:
        """Refuse where a data set was dropped since the decision, or made again on another basis."""
        record = reader.get(Dataset, source.name)
        is_here = record is not None and not record.dropped
        if purpose is not None and purpose.name != RIGHTS_PURPOSE:
            held = reader.get(DatasetPurpose, source.name, purpose.name)
            is_here = is_here and held is not None and held.basis == source.basis
        if not is_here:
            raise Fault("table.changed")

    def _person_fields(
        self, reader: Reader, dataset: DatasetView, grant: Grant
    ) -> Mapping[str, Sequence[str]]:
        if grant.kind != "person" or grant.subject is None or not grant.fields:
            return {}
        return self._vault.fields(reader, grant.subject, dataset.name, grant.fields)


def _without(people: IntArray, left_out: IntArray) -> IntArray:
    """Leave people out of a sorted array of their numbers."""
    import numpy as np

    return np.ascontiguousarray(people[~np.isin(people, left_out)]) if len(left_out) else people
