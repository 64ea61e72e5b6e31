"""Intake: a source table enters in one transaction, split between vault and encrypted table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hedgerow.model.canonical import timestamp
from hedgerow.model.engine import BucketFile, PeopleFilter
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.ports import Clock, Reader, Store, Transaction
from hedgerow.model.records import (
    Collected,
    ConsentEvent,
    Dataset,
    DatasetColumn,
    Member,
    QuarantineBatch,
    Subject,
    Tombstone,
)
from hedgerow.model.uses import Actor, ColumnView, Json
from hedgerow.model.words import Basis
from hedgerow.spine.attest import Attestor
from hedgerow.spine.audit_holdings import choice_sum, columns_told, membership_sum
from hedgerow.spine.catalog import Catalog, declaration_facts, differences
from hedgerow.spine.consent import Choice, Consents
from hedgerow.spine.derived import check_derivation, derive, derived_facts
from hedgerow.spine.foresee import Choices, Foreseen, Known, People, coverage, distinct_values, held
from hedgerow.spine.hearing import Hearing
from hedgerow.spine.indexes import Indexes, Learned
from hedgerow.spine.journal import Journal
from hedgerow.spine.quarantine import Broken, Quarantine, rows_of, waits_as
from hedgerow.spine.steady import require_steady
from hedgerow.spine.tables import Tables, manifest_of
from hedgerow.spine.vault import FieldRow, Newcomers, Person, Vault

Numbers = NDArray[np.int64]
Progress = Callable[[str], None]
_QUESTION_COSTS = 20


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """One choice as a consents file states it, by source id."""

    ref: str
    purpose: str
    granted: bool
    time: str
    notice: str
    channel: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A table that wants in, every question of policy already answered.

    Args:
        dataset: Name of the data set, new or existing.
        subject_column: The column that holds the source id of the person.
        columns: The kept columns in order, subject column included; vault columns marked.
        table: Arrow table holding at least those columns.
        lines: Source line of each row.
        broken: Rows that could not be read, to be set aside.
        header: What a later retry needs to read the broken rows, as text.
        content_hash: SHA-256 of the source.
        bases: Purposes the data set may serve, each with its lawful basis.
        consents: Choices that came with the source.
        again: Take a source that was taken before once more.
        replaces: The quarantine batch whose rows these are, as it was read; it goes in the same transaction.
        declares: Bounds and keys that came with the source, declared in the same transaction.
        derived_from: Data sets that the source was made from; uses are charged to them as well, for good.
    """

    dataset: str
    subject_column: str
    columns: tuple[ColumnView, ...]
    table: pa.Table = field(repr=False)
    lines: Numbers = field(repr=False)
    broken: tuple[Broken, ...] = field(repr=False)
    header: str
    content_hash: str
    bases: Mapping[str, Basis]
    consents: tuple[ConsentLine, ...] = field(repr=False, default=())
    again: bool = False
    replaces: QuarantineBatch | None = field(repr=False, default=None)
    declares: DatasetDeclaration | None = None
    derived_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What an intake did.

    Args:
        dataset: Where to.
        version: The data set's version now.
        rows: Rows taken.
        people: People they are about.
        new_people: Of these, people not known before.
        source_rows: Rows of this source, those of erased people too.
        source_people: People they are about.
        set_aside: Broken rows in quarantine.
        left_out: Lines of people who had themselves erased.
        consents: Choices recorded.
        unknown_consents: Choices of people who are in no data set.
        entry: Journal entry.
    """

    dataset: str
    version: int
    rows: int
    people: int
    new_people: int
    source_rows: int
    source_people: int
    set_aside: int
    left_out: tuple[int, ...]
    consents: int
    unknown_consents: int
    entry: int


@dataclass(slots=True)
class _Roll:
    """The people of one source: who is known, new or erased, and who each row is about."""

    known: list[Subject]
    fresh: Newcomers
    people: dict[bytes, Person]
    revived: list[bytes]
    rows: NDArray[np.bool_]
    numbers: Numbers
    left_out: tuple[int, ...]
    source_people: int
    learned: Learned = field(default_factory=Learned)


class Intake:
    """Takes tables in.

    Guarantee: an interrupted run leaves nothing a reader could see; a finished one everything;
    direct identifiers are sealed under each person's own key and stand in no table file.
    """

    def __init__(  # noqa: PLR0913 - a source meets most rooms; wiring names each once
        self,
        *,
        store: Store,
        catalog: Catalog,
        vault: Vault,
        consents: Consents,
        tables: Tables,
        quarantine: Quarantine,
        journal: Journal,
        attestor: Attestor,
        clock: Clock,
        indexes: Indexes,
        hearing: Hearing,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._vault = vault
        self._consents = consents
        self._tables = tables
        self._quarantine = quarantine
        self._journal = journal
        self._clock = clock
        self._indexes = indexes
        self._hearing = hearing
        self._attestor = attestor

    def take(self, arrival: Arrival, actor: Actor, progress: Progress = lambda _: None) -> Taken:
        """Take a table in, entirely or not at all.

        Args:
            arrival: The table and what is known of it.
            actor: Who collects.
            progress: Told each step in words.

        Returns:
            What was done.

        Raises:
            CallerError: When it does not fit what is there; nothing is written.
            Fault: When the store or disk fails; nothing of it is visible. ``table.not-as-told`` or
                ``quarantine.altered`` where the data set or the batch is not as the journal told it last.
        """
        require_steady(self._clock)
        with self._store.read() as reader:
            self._hearing.told(reader)  # so that the transaction reads little more of the journal
            old = self._before(reader, arrival)
            progress("finding the people")
            roll = self._roll(reader, arrival)
        table = arrival.table.filter(pa.array(roll.rows))
        progress("sealing direct identifiers")
        sealed = self._sealed(arrival, table, roll)
        progress("writing encrypted buckets")
        version = (old.version if old else 0) + 1
        # Files of a failed run are swept at the next start: deleting them here could hit a commit
        # that did succeed.
        with self._tables.writing():
            files = self._write(arrival, table, roll, version, grown=_is_there(old))
            progress("committing")
            with self._store.write() as tx:
                return self._commit(tx, arrival, actor, old, roll, sealed, files, version)

    def foresee(self, arrival: Arrival, *, counts: bool) -> Foreseen:
        """Count what ``take`` would do, and meet the refusals it would meet; nothing is written.

        Args:
            arrival: The table and what is known of it.
            counts: Whether to count also what is held already.

        Raises:
            Refused: When the data set may not serve a purpose named.
            CallerError: When it does not fit what is there, or a source id is malformed.
        """
        with self._store.read() as reader:
            record = self._fitting(reader, arrival)
            old = record if _is_there(record) else None
            taken_before = old is not None and self._was_taken(reader, arrival)
            if arrival.again or not taken_before:
                self._catalog.newly_served(reader, arrival.dataset, arrival.bases)
            source = People.of(arrival.table.column(arrival.subject_column))
            choices = Choices.of(arrival.consents, source)
            known = self._known(reader, arrival, source) if counts else None
            there = ~known.erased if known is not None else slice(None)
            return Foreseen(
                int(source.rows[there].sum()),
                len(source.rows[there]),
                old is not None,
                taken_before,
                coverage(reader, arrival.bases, source, choices, known),
                choices.lines,
                choices.of_others,
                held(reader, old, source, known) if known is not None else None,
            )

    def _known(self, reader: Reader, arrival: Arrival, source: People) -> Known:
        """Find which people of a source are known, and who of them stays erased."""
        many, subjects, stones = len(source.rows), reader.count(Subject), reader.count(Tombstone)
        numbers, gone = np.full(many, -1, dtype=np.int64), np.zeros(many, dtype=np.bool_)
        if not (subjects or stones):
            return Known(numbers, gone)
        place_of = {self._vault.lookup(ref): place for ref, place in source.places.items()}
        for lookup, number in self._numbers_of(reader, list(place_of), subjects):
            if (place := place_of.get(lookup)) is not None:
                numbers[place] = number
        erased = self._erased(reader, list(place_of) if stones else [])
        for lookup in set(erased) - set(self._revived(arrival, erased)):
            gone[place_of[lookup]] = True
        return Known(numbers, gone)

    def _numbers_of(
        self, reader: Reader, lookups: Sequence[bytes], subjects: int
    ) -> Iterable[tuple[bytes, int]]:
        """Read the numbers of at least these people; for many of them one pass over all is cheaper."""
        if len(lookups) * _QUESTION_COSTS < subjects:
            return ((s.lookup, s.number) for s in reader.find_any(Subject, "lookup", lookups))
        all_lookups = cast("list[bytes]", reader.values(Subject, "lookup"))
        return zip(all_lookups, cast("list[int]", reader.values(Subject, "number")), strict=True)

    def _before(self, reader: Reader, arrival: Arrival) -> Dataset | None:
        old = self._fitting(reader, arrival)
        if old is not None and not arrival.again and self._was_taken(reader, arrival):
            raise CallerError("collect.taken-before", dataset=arrival.dataset)
        return old

    def _fitting(self, reader: Reader, arrival: Arrival) -> Dataset | None:
        """Read the data set, which must have the very columns that arrive."""
        check_derivation(reader, arrival.dataset, arrival.derived_from)
        old = reader.get(Dataset, arrival.dataset)
        if not _is_there(old):
            return old
        held_columns = reader.find(DatasetColumn, dataset=arrival.dataset)
        known = {c.name: (c.type, c.in_vault) for c in held_columns}
        if differ := differences(known, {c.name: (c.type, c.in_vault) for c in arrival.columns}):
            raise CallerError("dataset.columns-differ", dataset=arrival.dataset, differ=differ)
        return old

    def _was_taken(self, reader: Reader, arrival: Arrival) -> bool:
        return reader.get(Collected, arrival.dataset, self._vault.mark(arrival.content_hash)) is not None

    def _erased(self, reader: Reader, lookups: Sequence[bytes]) -> dict[bytes, Tombstone]:
        """Find the people among some who were erased, and whose tombstone has not run out."""
        today = self._clock.now().date().isoformat()
        stones = reader.find_any(Tombstone, "lookup", lookups)
        return {stone.lookup: stone for stone in stones if stone.until >= today}

    def _roll(self, reader: Reader, arrival: Arrival) -> _Roll:
        refs = arrival.table.column(arrival.subject_column).cast(pa.string()).combine_chunks()
        coded = refs.dictionary_encode()
        lookups = list(map(self._vault.lookup, coded.dictionary.to_pylist()))
        distinct = list(dict.fromkeys(lookups))
        known = list(self._vault.known(reader, distinct).values())
        erased = self._erased(reader, distinct)
        revived = self._revived(arrival, erased)
        gone = set(erased) - set(revived)
        have = {subject.lookup for subject in known}
        fresh = self._vault.newcomers([lk for lk in distinct if lk not in have and lk not in gone])
        people = {p.lookup: p for p in [*self._vault.open_many(known), *fresh.people()]}
        number_of = np.array(
            [people[lk].number if lk in people else -1 for lk in lookups], dtype=np.int64
        ).reshape(-1)
        by_row = number_of[coded.indices.to_numpy(zero_copy_only=False)] if len(refs) else number_of
        rows = by_row >= 0
        left_out = tuple(int(line) for line in arrival.lines[~rows])
        return _Roll(known, fresh, people, revived, rows, by_row[rows], left_out, len(distinct))

    def _revived(self, arrival: Arrival, erased: Mapping[bytes, Tombstone]) -> list[bytes]:
        """Find erased people who came back: their latest choice for a purpose served here is a later yes."""
        serves = {purpose for purpose, basis in arrival.bases.items() if basis is Basis.CONSENT}
        latest: dict[tuple[bytes, str], tuple[str, bool]] = {}
        for line in arrival.consents if erased else ():
            if line.purpose in serves:
                key = (self._vault.lookup(line.ref), line.purpose)
                # Of two choices of one moment the refusal counts.
                made = (line.time, not line.granted)
                latest[key] = max(made, latest.get(key, made))
        yes = {lookup: time for (lookup, _), (time, refused) in latest.items() if not refused}
        return [lookup for lookup, stone in erased.items() if yes.get(lookup, "") > stone.erased]

    def _sealed(self, arrival: Arrival, table: pa.Table, roll: _Roll) -> list[FieldRow]:
        key_of = {person.number: person.key for person in roll.people.values()}
        sealed: list[FieldRow] = []
        told: dict[str, dict[int, list[str]]] = {}
        for column in arrival.columns:
            if not column.in_vault:
                continue
            values = told[column.name] = distinct_values(roll.numbers, table.column(column.name))
            keys = [key_of[number] for number in values]
            sealed += self._vault.seal_rows(
                arrival.dataset, column.name, list(values), keys, list(values.values())
            )
        roll.learned = self._indexes.learn(arrival.dataset, told)
        return sealed

    def _write(
        self, arrival: Arrival, table: pa.Table, roll: _Roll, version: int, *, grown: bool
    ) -> tuple[BucketFile, ...]:
        stored = table.select([column.name for column in arrival.columns if not column.in_vault])
        counts: Mapping[int, int] = {}
        bucket_count = self._tables.engine.bucket_count_for(len(roll.numbers))
        if grown:
            with self._store.read() as reader:
                files = self._tables.files(reader, arrival.dataset)
            counts = self._tables.engine.row_counts(files, PeopleFilter.of(np.unique(roll.numbers).tolist()))
        ranks = self._tables.engine.ranks_for(roll.numbers, counts)
        return self._tables.write(arrival.dataset, version, stored, roll.numbers, ranks, bucket_count)

    def _commit(
        self,
        tx: Transaction,
        arrival: Arrival,
        actor: Actor,
        old: Dataset | None,
        roll: _Roll,
        sealed: Sequence[FieldRow],
        files: Sequence[BucketFile],
        version: int,
    ) -> Taken:
        before = self._unchanged(tx, arrival, old, roll)
        now = timestamp(self._clock.now())
        self._catalog_entries(tx, arrival, old, now)
        revived = sorted(stone.certificate for stone in tx.find_any(Tombstone, "lookup", roll.revived))
        for lookup in roll.revived:
            self._vault.revive(tx, lookup)
        self._vault.admit(tx, roll.fresh)
        self._put_fields(tx, roll, sealed)
        self._indexes.keep(tx, arrival.dataset, roll.learned, roll.fresh.numbers)
        joined = self._join(tx, arrival.dataset, roll, version)
        chosen, unknown = self._record_consents(tx, arrival, roll, actor)
        if arrival.replaces is not None:
            self._quarantine.discard(tx, arrival.replaces.id)
        batch = self._quarantine.put(
            tx, arrival.dataset, arrival.header, arrival.subject_column, arrival.broken
        )
        self._tables.swap(tx, arrival.dataset, version, (), files)
        self._tables.bump(tx, arrival.dataset, version, rows=len(roll.numbers), people=len(joined))
        source = self._vault.mark(arrival.content_hash)
        facts: dict[str, Json] = {
            "dataset": arrival.dataset,
            **derived_facts(arrival.derived_from),
            "version": version,
            "source": source,
            "columns": [c.name for c in arrival.columns],
            "vault": [c.name for c in arrival.columns if c.in_vault],
            "bases": {purpose: basis.value for purpose, basis in arrival.bases.items()},
            "quarantine": batch.id if batch is not None else None,
            "consent_version": self._consents.version(tx),
            "files": manifest_of(tx, arrival.dataset),
            "files_from": before,
            "joined": membership_sum(self._attestor, zip(repeat(arrival.dataset), joined, repeat(version))),
            "chosen": choice_sum(self._attestor, chosen),
            "shape": None if _is_there(old) else columns_told(arrival.subject_column, now, arrival.columns),
            "revived": cast("Json", revived),
            "retried": arrival.replaces.id if arrival.replaces is not None else None,
            "set_aside": rows_of(tx, batch.id) if batch is not None else None,
            "waits_as": waits_as(batch) if batch is not None else None,
        }
        entry = self._journal.append(tx, "collect", actor, facts)
        self._hearing.keep(tx)
        tx.put(Collected(arrival.dataset, source, entry, now))
        derive(tx, arrival.dataset, arrival.derived_from, entry)
        self._declare(tx, arrival, actor)
        return Taken(
            arrival.dataset, version, len(roll.numbers), len(roll.people), len(roll.fresh.numbers),
            arrival.table.num_rows, roll.source_people, len(arrival.broken), roll.left_out,
            len(chosen), unknown, entry,
        )  # fmt: skip

    def _declare(self, tx: Transaction, arrival: Arrival, actor: Actor) -> None:
        if arrival.declares is None:
            return
        declared = self._catalog.declare(tx, arrival.dataset, arrival.declares, actor.acting_as)
        self._journal.append(tx, "dataset.declare", actor, declaration_facts(arrival.dataset, declared))

    def _unchanged(self, tx: Transaction, arrival: Arrival, old: Dataset | None, roll: _Roll) -> str:
        """Stop when another process changed what this intake was made from; give its manifest's hash."""
        now = tx.get(Dataset, arrival.dataset)
        same = (now.version if now else 0) == (old.version if old else 0)
        here = tx.rows_any(Subject, ("number", "lookup"), "lookup", list(roll.people))
        stones = tx.find_any(Tombstone, "lookup", [lk for lk in roll.people if lk not in roll.revived])
        erased = any(stone.until >= self._clock.now().date().isoformat() for stone in stones)
        # A batch goes under a fresh key whenever a row of it goes.
        batch = arrival.replaces
        waits = batch is None or tx.get(QuarantineBatch, batch.id) == batch
        if (
            not same
            or not waits
            or erased
            or {number for number, _ in here} != {s.number for s in roll.known}
        ):
            raise Fault("table.changed")
        standing = self._hearing.told(tx).standing
        standing.require_files(tx, [arrival.dataset])
        if batch is not None:
            standing.require_waiting(tx, [batch.id])
        return manifest_of(tx, arrival.dataset)

    def _catalog_entries(self, tx: Transaction, arrival: Arrival, old: Dataset | None, now: str) -> None:
        self._catalog.allow(tx, arrival.dataset, arrival.bases)
        if _is_there(old):
            return
        # A name that was dropped goes on from its last version.
        tx.put(Dataset(arrival.dataset, old.version if old else 0, arrival.subject_column, now))
        tx.add(
            DatasetColumn(arrival.dataset, i, c.name, c.type, c.role, c.category, c.in_vault)
            for i, c in enumerate(arrival.columns)
        )

    def _put_fields(self, tx: Transaction, roll: _Roll, sealed: Sequence[FieldRow]) -> None:
        new = set(roll.fresh.numbers)
        self._vault.add_fields(tx, (row for row in sealed if row[0] in new))
        known = {p.number: p.key for p in roll.people.values() if p.number not in new}
        self._vault.extend_fields(tx, known, [row for row in sealed if row[0] in known])

    def _join(self, tx: Transaction, dataset: str, roll: _Roll, version: int) -> list[int]:
        present = set(tx.values(Member, "number", dataset=dataset))
        joining = sorted(p.number for p in roll.people.values() if p.number not in present)
        tx.add_rows(Member, zip(repeat(dataset), joining, repeat(version)))
        return joining

    def _record_consents(
        self, tx: Transaction, arrival: Arrival, roll: _Roll, actor: Actor
    ) -> tuple[list[ConsentEvent], int]:
        if not arrival.consents:
            return [], 0
        lookups = [self._vault.lookup(line.ref) for line in arrival.consents]
        numbers = {lk: person.number for lk, person in roll.people.items()}
        missing = list({lk for lk in lookups if lk not in numbers})
        numbers |= {s.lookup: s.number for s in tx.find_any(Subject, "lookup", missing)}
        choices = [
            Choice(numbers[lk], line.purpose, line.granted, line.time, line.notice, line.channel)
            for lk, line in zip(lookups, arrival.consents, strict=True)
            if lk in numbers
        ]
        return self._consents.record(tx, choices, actor.acting_as), sum(lk not in numbers for lk in lookups)


def _is_there(record: Dataset | None) -> bool:
    return record is not None and not record.dropped
