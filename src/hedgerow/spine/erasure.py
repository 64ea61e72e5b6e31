"""Erasure: the key destroyed, the rows gone, a tombstone and a signed certificate."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from hedgerow.model.canonical import canonical, timestamp
from hedgerow.model.engine import BucketFile
from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.ports import Clock, Reader, Store, Transaction
from hedgerow.model.records import (
    BlindTerm,
    Certificate,
    Commitment,
    ConsentEvent,
    ConsentState,
    Dataset,
    DatasetPurpose,
    FormerMember,
    JournalEntry,
    Member,
    QuarantineBatch,
    Released,
    ReleasedPerson,
    SealedField,
    Subject,
    Tombstone,
    VaultToken,
)
from hedgerow.model.uses import Actor, Json
from hedgerow.model.words import Basis
from hedgerow.spine.attest import Attestor
from hedgerow.spine.audit_holdings import choice_sum, membership_sum
from hedgerow.spine.audit_results import register_read
from hedgerow.spine.certified import erased
from hedgerow.spine.consent import last_choice
from hedgerow.spine.drawn import undrawn
from hedgerow.spine.entries import entry_of
from hedgerow.spine.forgotten import bound, number_of
from hedgerow.spine.hearing import Hearing
from hedgerow.spine.journal import Journal
from hedgerow.spine.quarantine import Quarantine, last_day
from hedgerow.spine.remembering import people_sum
from hedgerow.spine.requests import Requests
from hedgerow.spine.tables import Tables, manifest_of
from hedgerow.spine.vault import Person, Vault

HeldUp = Callable[[Transaction, Person], HedgerowError | None]
TOMBSTONE_LIFETIME = timedelta(days=3 * 365)
_PERSONAL = (
    BlindTerm, SealedField, VaultToken, Member, FormerMember, ConsentEvent, ConsentState, Commitment,
    ReleasedPerson,
)  # fmt: skip
LEFT_BEFORE = "what left the house before: the releases named here and answers already given"
NOT_FINAL = (
    "table files that a use under way still reads, without a key in any current record, until swept",
    "{remnants}, until `hedgerow keys epoch` ends the key epoch",
    "copies of the database, the key file or the data files made before this moment, backups included",
    LEFT_BEFORE,
)


@dataclass(frozen=True, slots=True)
class Membership:
    """From which to which version of a data set a person was in it; no end while the person is."""

    dataset: str
    since_version: int
    until_version: int | None = None

    def includes(self, version: int) -> bool:
        """Tell whether the person was in a version."""
        return self.since_version <= version and (self.until_version is None or version <= self.until_version)


def memberships(reader: Reader, number: int) -> list[Membership]:
    """List the data sets a person is in, and those dropped since that the person was in."""
    now = [Membership(m.dataset, m.since_version) for m in reader.find(Member, number=number)]
    former = [
        Membership(m.dataset, m.since_version, m.until_version)
        for m in reader.find(FormerMember, number=number)
    ]
    return now + former


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an erasure would remove, shown before it happens.

    Args:
        datasets: Data sets that hold rows of the person.
        releases: Person-level releases whose lease covered the person.
        fields: How many sealed fields.
        choices: How many consent events.
    """

    datasets: tuple[str, ...]
    releases: tuple[str, ...]
    fields: int
    choices: int

    def as_json(self) -> dict[str, Json]:
        """Render the plan."""
        return {
            "datasets": list(self.datasets),
            "releases": list(self.releases),
            "sealed_fields": self.fields,
            "consent_events": self.choices,
        }


@dataclass(frozen=True, slots=True)
class _Removed:
    """What an erasure took away, and what stays in quarantine.

    Args:
        choices: How many consent events went.
        waiting: For each batch that lost rows, the hash of those it had and of those it still has.
        batches: The batches that still wait.
        files: For each data set, the hash of the manifest that the erasure went on from.
    """

    choices: int
    waiting: Mapping[str, tuple[str, str]]
    batches: Sequence[QuarantineBatch]
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Again:
    """An erasure that a restore repeats.

    Args:
        person: Whom it is of.
        certificate: Its certificate.
    """

    person: Person
    certificate: str


class Erasure:
    """Erases a person.

    Guarantee: once ``erase`` returns, no lease holds the person, the person's key exists in no
    current record, and no bucket file named by a manifest has the person's rows. The
    certificate says "logical" and names what is not final yet.
    """

    def __init__(  # noqa: PLR0913 - an erasure reaches most rooms; wiring names each once
        self,
        *,
        store: Store,
        vault: Vault,
        tables: Tables,
        requests: Requests,
        quarantine: Quarantine,
        journal: Journal,
        attestor: Attestor,
        clock: Clock,
        hearing: Hearing,
    ) -> None:
        self._store = store
        self._vault = vault
        self._tables = tables
        self._requests = requests
        self._quarantine = quarantine
        self._journal = journal
        self._attestor = attestor
        self._clock = clock
        self._hearing = hearing

    def person(self, reader: Reader, ref: str) -> Person:
        """Open a person by source id.

        Raises:
            Refused: ``subject.erased``.
            CallerError: ``subject.unknown``.
        """
        person = self._vault.find(reader, ref)
        if person is not None:
            return person
        tombstone = reader.get(Tombstone, self._vault.lookup(ref))
        if tombstone is not None:
            raise erased(reader, tombstone)
        raise CallerError("subject.unknown")

    def holdings(self, reader: Reader, person: Person) -> Holdings:
        """Show what is held of a person."""
        members = memberships(reader, person.number)
        return Holdings(
            _held(members),
            _releases(reader, person.number, members, reader.find(Released)),
            reader.count(SealedField, number=person.number),
            reader.count(ConsentEvent, number=person.number),
        )

    def erase(
        self, ref: str, actor: Actor, held_up: HeldUp | None = None, again: Again | None = None
    ) -> Mapping[str, Json]:
        """Erase a person.

        Args:
            ref: The source id given at collection.
            actor: Who carries it out.
            held_up: Told the transaction and the person, says what holds the erasure up.
            again: The person, where a restore repeats an erasure and no source id is known; nothing waits
                in quarantine then.

        Returns:
            The signed certificate.

        Raises:
            Refused: What ``held_up`` says.
            Fault: ``table.not-as-told`` or ``quarantine.altered`` where it would go on from table files or
                waiting rows that are not those the journal told last; nothing is changed.
        """
        with self._tables.writing():
            with self._store.read() as reader:
                # Heard here, so that the transaction reads little more of the journal.
                self._hearing.told(reader)
                person = again.person if again is not None else self.person(reader, ref)
                members = memberships(reader, person.number)
                versions = {name: self._version(reader, name) for name in _held(members)}
                files = {name: self._tables.files(reader, name) for name in versions}
            swaps = {
                name: self._tables.without(files[name], name, versions[name] + 1, person.number)
                for name in files
            }
            certificate = self._commit(ref, person, members, versions, swaps, actor, held_up, again)
        self._store.scrub()
        # What a running use still reads goes at the next opening; its key is in no record already.
        self._tables.sweep(self._store)
        return certificate

    def _version(self, reader: Reader, dataset: str) -> int:
        record = reader.get(Dataset, dataset)
        if record is None:
            raise Fault("table.changed")
        return record.version

    def _commit(
        self,
        ref: str,
        person: Person,
        members: Sequence[Membership],
        versions: Mapping[str, int],
        swaps: Mapping[str, tuple[list[BucketFile], list[BucketFile]]],
        actor: Actor,
        held_up: HeldUp | None,
        again: Again | None,
    ) -> Mapping[str, Json]:
        with self._store.write() as tx:
            standing = self._hearing.told(tx).standing
            standing.require_files(tx, versions)
            batches = self._quarantine.batches(tx)
            standing.require_waiting(tx, held=batches)
            if memberships(tx, person.number) != members or tx.get(Subject, person.number) is None:
                raise Fault("table.changed")
            refusal = held_up(tx, person) if held_up is not None else None
            if refusal is None:
                register = tx.find(Released)
                releases = _releases(tx, person.number, members, register)
                rests_on = self._rests_on(tx, person.number, members, register)
                removed = self._remove(tx, ref, person, versions, swaps, batches)
                return self._certify(tx, person, members, releases, rests_on, actor, removed, again)
        # Raised only now, so that the request for approval stays.
        raise refusal

    def _remove(
        self,
        tx: Transaction,
        ref: str,
        person: Person,
        versions: Mapping[str, int],
        swaps: Mapping[str, tuple[list[BucketFile], list[BucketFile]]],
        batches: Sequence[QuarantineBatch],
    ) -> _Removed:
        files = {name: manifest_of(tx, name) for name in swaps}
        for name, (old, new) in swaps.items():
            self._tables.swap(tx, name, versions[name] + 1, old, new)
            gone = sum(f.rows for f in old) - sum(f.rows for f in new)
            self._tables.bump(tx, name, versions[name] + 1, rows=-gone, people=-1)
            self._requests.withdraw(tx, name)
        kinds = (*_PERSONAL, Subject)
        counts = dict(zip(kinds, tx.remove_all(kinds, number=person.number), strict=True))
        if counts[Subject] != 1:
            raise Fault("table.changed")
        waiting = self._quarantine.forget(tx, ref, batches) if ref else {}
        still = [batch for batch in batches if batch.id not in waiting or waiting[batch.id][1]]
        return _Removed(counts[ConsentEvent], waiting, still, files)

    def _certify(
        self,
        tx: Transaction,
        person: Person,
        members: Sequence[Membership],
        releases: Sequence[str],
        rests_on: Mapping[str, Json],
        actor: Actor,
        removed: _Removed,
        again: Again | None,
    ) -> Mapping[str, Json]:
        moment, datasets = self._clock.now(), _held(members)
        certificate_id = "c-" + secrets.token_hex(8)
        now, until = timestamp(moment), (moment + TOMBSTONE_LIFETIME).date().isoformat()
        facts: dict[str, Json] = {
            "certificate": certificate_id,
            "datasets": list(datasets),
            "releases": list(releases),
            "state": "logical",
            "until": until,
            "line": bound(self._attestor, person.lookup, now, until, certificate_id),
            "number": number_of(self._attestor, person.number),
            **rests_on,
            **self._left(tx, person, datasets, removed),
        }
        if again is not None:
            facts["repeats"] = again.certificate
        entry = self._journal.append(tx, "subject.erase", actor, facts)
        body: dict[str, Json] = {
            "certificate": certificate_id,
            "state": "logical",
            "erased": now,
            "tombstone_until": until,
            "datasets": list(datasets),
            "releases_that_may_hold_the_person": list(releases),
            "done": [
                "the person's key was destroyed in the current records",
                "the person's rows were rewritten out of every current data file",
                "sealed fields, memberships and choices were deleted",
                "in which classes of releases the person was is forgotten",
                "rows in quarantine that name the person were destroyed",
                "pseudonyms derived from the person's key can no longer be computed",
            ],
            "not_final_yet": [
                *(each.format(remnants=self._store.remnants) for each in NOT_FINAL),
                *quarantine_caveat(removed.batches),
            ],
            "epochs": cast("Json", self._vault.held_epochs(tx)),
            "journal_entry": entry,
        }
        leaf = self._journal.leaf(tx, entry)
        certificate = self._attestor.certificate("erasure-certificate", body, entry, leaf)
        tx.put(Tombstone(person.lookup, now, until, certificate_id))
        tx.add(
            [
                Certificate(certificate_id, "erasure-certificate", canonical(certificate).decode(), now),
            ]
        )
        return certificate

    def _rests_on(
        self, tx: Transaction, number: int, members: Sequence[Membership], register: Sequence[Released]
    ) -> dict[str, Json]:
        """Tell what is taken away and certified by, for the audit to hold it against what was told before."""
        rows = ((member.dataset, number, member.since_version) for member in members)
        held = [(each.release, number) for each in tx.find(ReleasedPerson, number=number)]
        forgot: dict[str, Json] = {"forgot": people_sum(self._attestor, held)} if held else {}
        return {
            **forgot,
            "register": register_read(register),
            "left": membership_sum(self._attestor, rows),
            **undrawn(tx, self._attestor, number=number),
            "unchosen": choice_sum(self._attestor, tx.find(ConsentEvent, number=number)),
        }

    def _left(
        self, tx: Transaction, person: Person, datasets: Sequence[str], removed: _Removed
    ) -> dict[str, Json]:
        """Tell what stands after an erasure, so that an older image of a record is found by the audit."""
        older = tx.get(Tombstone, person.lookup)
        return {
            "choices": removed.choices,
            "files": {name: manifest_of(tx, name) for name in datasets},
            "files_from": dict(removed.files),
            "replaces": older.certificate if older is not None else None,
            "set_aside": {batch: left for batch, (_, left) in removed.waiting.items()},
            "set_aside_from": {batch: had for batch, (had, _) in removed.waiting.items()},
        }


def _held(members: Sequence[Membership]) -> tuple[str, ...]:
    """Name the data sets that hold rows of a person now."""
    return tuple(member.dataset for member in members if member.until_version is None)


def _releases(
    reader: Reader, number: int, members: Sequence[Membership], register: Sequence[Released]
) -> tuple[str, ...]:
    """Name the person-level releases whose lease covered a person."""
    return tuple(
        released.id
        for member in members
        for released in register
        if released.dataset == member.dataset
        and member.includes(released.dataset_version)
        and was_covered(reader, number, released)
    )


def is_left(reader: Reader, people: Sequence[int]) -> bool:
    """Tell whether any record of erased people is left, by their internal numbers."""
    return any(reader.find_any(kind, "number", people) for kind in _PERSONAL)


def quarantine_caveat(batches: Sequence[QuarantineBatch]) -> list[str]:
    """Say what may wait in quarantine of a person whom nothing there names, and until when."""
    if not batches:
        return []
    last = max(map(last_day, batches))
    return [f"rows in quarantine that could not be read as anybody's, until {last} at the latest"]


def was_covered(reader: Reader, number: int, released: Released) -> bool:
    """Tell whether a member of a data set was in a release of it.

    Returns:
        Whether consent was in force at the release, where the purpose rests on consent; true on
        any other basis.
    """
    if _basis(reader, released) not in (None, Basis.CONSENT):
        return True
    events = [
        event
        for event in reader.find(ConsentEvent, number=number)
        if event.purpose == released.purpose and event.version <= released.consent_version
    ]
    return bool(events) and last_choice(events).granted


def _basis(reader: Reader, released: Released) -> str | None:
    """Find the basis a release was made on, also where its data set was dropped since."""
    done = reader.get(JournalEntry, released.entry)
    facts = cast("Mapping[str, Json]", entry_of(done)["facts"]) if done else {}
    intent = reader.get(JournalEntry, facts["intent"]) if "intent" in facts else None
    if intent is not None:
        return cast("str | None", cast("Mapping[str, Json]", entry_of(intent)["facts"])["basis"])
    purpose = reader.get(DatasetPurpose, released.dataset, released.purpose)
    return purpose.basis if purpose is not None else None
