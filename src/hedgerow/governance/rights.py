"""The rights of the data subject: to see what is held and who used it, to have it, to be erased."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import cast

from hedgerow.model.errors import CallerError, HedgerowError, Refused
from hedgerow.model.ports import Reader, Store, Transaction
from hedgerow.model.records import ConsentEvent, DatasetPurpose, JournalEntry, Purpose, Released
from hedgerow.model.uses import Actor, Json, Receipt, Technique, UseRequest
from hedgerow.model.words import Basis
from hedgerow.spine.catalog import RIGHTS_PURPOSE, Catalog
from hedgerow.spine.consent import by_time, last_choice
from hedgerow.spine.entries import entry_of
from hedgerow.spine.erasure import Erasure, Holdings, Membership, memberships
from hedgerow.spine.gate import Gate, new_request_id
from hedgerow.spine.journal import Journal
from hedgerow.spine.permission import Context
from hedgerow.spine.several import others_told
from hedgerow.spine.stored import GIVEN
from hedgerow.spine.vault import Person


class Rights:
    """Answers people's requests through the gate.

    Args:
        store: The records.
        gate: Admits every act and every reading.
        catalog: Knows the data sets.
        erasure: Erases.
        journal: Knows the acts.
        export: The technique that reads one person's data for that person.
        read: The technique that reads named fields for a purpose.
    """

    def __init__(
        self,
        *,
        store: Store,
        gate: Gate,
        catalog: Catalog,
        erasure: Erasure,
        journal: Journal,
        export: Technique,
        read: Technique,
    ) -> None:
        self._store = store
        self._gate = gate
        self._catalog = catalog
        self._erasure = erasure
        self._journal = journal
        self._export = export
        self._read = read

    def show(self, ref: str, actor: Actor) -> dict[str, Json]:
        """Show what is held of a person, why, and every use of it; no value is opened.

        Args:
            ref: The source id.
            actor: Who asks.

        Returns:
            ``held``, ``choices``, ``uses``, ``acts`` and ``releases``.

        Raises:
            Refused: ``subject.erased`` or when no policy permits it.
            CallerError: ``subject.unknown``.
        """
        self._gate.require(actor, "subject.show")
        with self._store.write() as tx:
            person = self.person(tx, ref, actor, "subject.show")
            shown = self._shown(tx, person, actor, "subject.show")
            self._journal.append(tx, "subject.show", actor, {}, [person.about])
        return shown

    def person(
        self, reader: Reader, ref: str, actor: Actor, action: str, context: Context | None = None
    ) -> Person:
        """Open a person by source id, for whoever may look into a data set the person is or was in.

        Raises:
            Refused: ``subject.erased``.
            CallerError: ``subject.unknown``, also where policies close every data set of the person.
        """
        person = self._erasure.person(reader, ref)
        is_member = bool(memberships(reader, person.number))
        if is_member and not self._open_to(reader, person, actor, action, context):
            raise CallerError("subject.unknown")
        return person

    def _open_to(
        self, reader: Reader, person: Person, actor: Actor, action: str, context: Context | None = None
    ) -> list[Membership]:
        """List the person's data sets, dropped ones too, without those a policy keeps from the actor."""
        members = memberships(reader, person.number)
        return [member for member in members if self._gate.permits(actor, action, member.dataset, context)]

    def _shown(self, reader: Reader, person: Person, actor: Actor, action: str) -> dict[str, Json]:
        members = self._open_to(reader, person, actor, action)
        choices = reader.find(ConsentEvent, number=person.number)
        return {
            "held": [self._held(reader, dataset) for dataset in _current(members)],
            "choices": [_choice(event, counts=counts) for event, counts in by_time(choices)],
            "uses": self._uses(reader, members, choices),
            "acts": [
                {
                    "time": entry["time"],
                    "action": entry["action"],
                    "by": cast("Mapping[str, Json]", entry["actor"])["as"],
                }
                for entry in self._journal.entries_about(reader, person.about)
            ],
            "releases": [
                name
                for name in self._erasure.holdings(reader, person).releases
                if _dataset_of(reader, name) in {member.dataset for member in members}
            ],
        }

    def _held(self, reader: Reader, dataset: str) -> dict[str, Json]:
        view = self._catalog.require_dataset(reader, dataset)
        return {
            "dataset": dataset,
            "sealed": [c.name for c in view.columns if c.in_vault],
            "columns": [c.name for c in view.columns if not c.in_vault],
            "purposes": [purpose_json(reader, p) for p in reader.find(DatasetPurpose, dataset=dataset)],
        }

    def _uses(self, reader: Reader, members: list[Membership], choices: list[ConsentEvent]) -> list[Json]:
        """Join the person's memberships and choices with the uses of whole data sets."""
        outcomes, intents = _uses_of(reader)
        found: list[Json] = []
        for entry in intents:
            facts = cast("Mapping[str, Json]", entry["facts"])
            outcome, opened = outcomes.get(cast("int", entry["index"]), ("spent, no result", None))
            # What the lease was opened on counts; without an outcome, what was decided on.
            versions = cast("Mapping[str, Json]", opened or facts["versions"])
            bases = _bases_of(facts, versions, members)
            # Of several data sets only the rows of people of the first are used.
            if facts["lease"] == "person" or str(facts["dataset"]) not in bases:
                continue
            if Basis.CONSENT in bases.values() and not _granted(
                choices, str(facts["purpose"]), cast("int", versions["consent"])
            ):
                continue
            found.append(_use(entry, facts, outcome))
        return found

    def export(self, ref: str, actor: Actor) -> dict[str, Json]:
        """Give a person everything that is held, as plain values, through the gate.

        Returns:
            What ``show`` gives, and ``values``: for each data set its fields and rows.
        """
        # First: who may not export must not learn whether the person is held.
        self._gate.require(actor, "subject.export")
        with self._store.read() as reader:
            person = self.person(reader, ref, actor, "subject.export")
            shown = self._shown(reader, person, actor, "subject.export")
            members = self._open_to(reader, person, actor, "subject.export")
            datasets = _current(members)
        values: dict[str, Json] = {}
        for dataset in datasets:
            values[dataset] = dict(self._exported(person, dataset, actor).release.payload)
        return {**shown, "values": values}

    def _exported(self, person: Person, dataset: str, actor: Actor) -> Receipt:
        with self._store.read() as reader:
            view = self._catalog.require_dataset(reader, dataset)
        names = [column.name for column in view.columns]
        parameters = _about_one(person, names)
        request = UseRequest(actor, RIGHTS_PURPOSE, dataset, parameters, new_request_id())
        return self._gate.use(request, self._export)

    def read(
        self, ref: str, fields: list[str], purpose: str, actor: Actor, dataset: str | None = None
    ) -> Receipt:
        """Read named fields of one person for a purpose, through the gate.

        Args:
            ref: The source id.
            fields: Names of columns or vault fields.
            purpose: Why.
            actor: Who reads.
            dataset: Where from; may be left out when only one data set of the person has them all.

        Raises:
            CallerError: ``subject.which-dataset`` when that is not one.
        """
        context: Context = {"purpose": purpose, "columns": frozenset(fields), "technique": self._read.name}
        self._gate.require(actor, "subject.read", dataset, context)
        self._require_purpose(actor, purpose, dataset)
        with self._store.read() as reader:
            person = self.person(reader, ref, actor, "subject.read", context)
            open_to = _current(self._open_to(reader, person, actor, "subject.read", context))
            name = dataset or self._dataset_with(reader, open_to, fields)
        parameters = _about_one(person, sorted(fields))
        return self._gate.use(UseRequest(actor, purpose, name, parameters, new_request_id()), self._read)

    def _require_purpose(self, actor: Actor, purpose: str, dataset: str | None) -> None:
        """Refuse a purpose before anybody is looked up, or the refusal would tell who is held."""
        try:
            with self._store.read() as reader:
                self._catalog.require_purpose(reader, purpose)
        except Refused as error:
            self._gate.refuse(actor, "subject.read", error, dataset, purpose)

    def _dataset_with(self, reader: Reader, datasets: list[str], fields: list[str]) -> str:
        fitting = []
        for dataset in datasets:
            view = self._catalog.require_dataset(reader, dataset)
            if all(view.column(name) is not None for name in fields):
                fitting.append(dataset)
        if len(fitting) != 1:
            held = ", ".join(datasets) or "none you may read"
            raise CallerError("subject.which-dataset", count=len(fitting), datasets=held)
        return fitting[0]

    def plan_erasure(self, ref: str, actor: Actor) -> dict[str, Json]:
        """Show what an erasure would remove, without doing it; journaled as about the person."""
        holdings = self._holdings_to_erase(ref, actor)
        with self._store.write() as tx:
            person = self._erasure.person(tx, ref)
            self._journal.append(tx, "subject.erase.plan", actor, {}, [person.about])
        return holdings.as_json()

    def _holdings_to_erase(self, ref: str, actor: Actor) -> Holdings:
        self._gate.require(actor, "subject.erase")
        with self._store.read() as reader:
            person = self._erasure.person(reader, ref)
            holdings = self._erasure.holdings(reader, person)
            # Of a data set that was dropped the holdings name releases.
            datasets = {member.dataset for member in memberships(reader, person.number)}
        for dataset in sorted(datasets):
            self._gate.require(actor, "subject.erase", dataset)
        return holdings

    def erase(self, ref: str, actor: Actor) -> Mapping[str, Json]:
        """Erase a person.

        Returns:
            The signed certificate.
        """
        holdings = self._holdings_to_erase(ref, actor)
        summary: dict[str, Json] = {
            "people": 1,
            "datasets": list(holdings.datasets),
            "releases": list(holdings.releases),
        }

        def held_up(tx: Transaction, person: Person) -> HedgerowError | None:
            datasets = {member.dataset for member in memberships(tx, person.number)}
            return self._gate.held_up(tx, actor, "subject.erase", sorted(datasets), person.about, summary)

        return self._erasure.erase(ref, actor, held_up)


def _current(members: list[Membership]) -> list[str]:
    return [member.dataset for member in members if member.until_version is None]


def _dataset_of(reader: Reader, release: str) -> str | None:
    found = reader.get(Released, release)
    return found.dataset if found else None


def _uses_of(reader: Reader) -> tuple[dict[int, tuple[str, Json]], list[Mapping[str, Json]]]:
    outcomes: dict[int, tuple[str, Json]] = {}
    intents: list[Mapping[str, Json]] = []
    for record in reader.find(JournalEntry):
        entry = entry_of(record)
        action, facts = entry["action"], cast("Mapping[str, Json]", entry["facts"])
        if action in ("use.intend", GIVEN):
            intents.append(entry)
        if action == GIVEN:
            outcomes[cast("int", entry["index"])] = ("stored answer", facts["versions"])
        elif action in ("use.done", "use.fail"):
            told = "done" if action == "use.done" else "failed"
            outcomes[cast("int", facts["intent"])] = (told, facts.get("versions"))
    return outcomes, intents


def _bases_of(
    facts: Mapping[str, Json], versions: Mapping[str, Json], members: list[Membership]
) -> dict[str, Json]:
    """Tell on which basis each data set of a use served that a person was in."""
    beside = cast("Mapping[str, Mapping[str, Json]]", facts.get("others") or {})
    read = cast("Mapping[str, int]", versions.get("others") or {})
    decided = {name: cast("Mapping[str, int]", each["versions"])["dataset"] for name, each in beside.items()}
    opened = {**decided, **read, str(facts["dataset"]): cast("int", versions["dataset"])}
    bases = {str(facts["dataset"]): facts.get("basis")} | {n: e["basis"] for n, e in beside.items()}
    return {
        name: basis
        for name, basis in bases.items()
        if any(m.dataset == name and m.includes(opened[name]) for m in members)
    }


def _use(entry: Mapping[str, Json], facts: Mapping[str, Json], outcome: str) -> dict[str, Json]:
    return {
        "time": entry["time"],
        "by": cast("Mapping[str, Json]", entry["actor"])["as"],
        "purpose": facts["purpose"],
        "basis": facts["basis"],
        "dataset": facts["dataset"],
        **({"others": list(others_told(facts))} if others_told(facts) else {}),
        "technique": facts["technique"],
        "outcome": outcome,
        "entry": entry["index"],
    }


def _granted(choices: list[ConsentEvent], purpose: str, version: int) -> bool:
    made = [c for c in choices if c.purpose == purpose and c.version <= version]
    return bool(made) and last_choice(made).granted


def _about_one(person: Person, fields: list[str]) -> dict[str, Json]:
    # Salted: the journal keeps a hash of the parameters, by which nobody may tell two acts about one
    # person from acts about two, nor test a guess once the person is erased.
    return {"subject": person.number, "fields": [*fields], "salt": secrets.token_hex(16)}


def _choice(event: ConsentEvent, *, counts: bool) -> dict[str, Json]:
    return {
        "purpose": event.purpose,
        "granted": event.granted,
        "time": event.time,
        "notice": event.notice,
        "channel": event.channel,
        "in_force": counts,
    }


def purpose_json(reader: Reader, record: DatasetPurpose) -> dict[str, Json]:
    """Say what a data set may be used for, on which basis, why, until when, and who answers for it."""
    purpose = reader.get(Purpose, record.purpose)
    return {
        "purpose": record.purpose,
        "basis": record.basis,
        "why": purpose.why if purpose else "",
        "until": purpose.until if purpose else "",
        "owner": purpose.owner if purpose else "",
    }
