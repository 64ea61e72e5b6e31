"""Dropping: all of a data set goes but its name, its version and what was said and spent on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hedgerow.model.canonical import timestamp
from hedgerow.model.ports import Clock, Reader, Store, Transaction
from hedgerow.model.records import (
    Bucket,
    Collected,
    Dataset,
    DatasetColumn,
    DatasetPurpose,
    Declaration,
    Forgotten,
    FormerMember,
    Member,
    QuarantineBatch,
    QuarantinedRow,
    Record,
    Released,
    Run,
    SealedField,
    VaultToken,
)
from hedgerow.model.uses import Actor, Json
from hedgerow.spine.attest import Attestor
from hedgerow.spine.catalog import Catalog
from hedgerow.spine.drawn import undrawn
from hedgerow.spine.erasure import TOMBSTONE_LIFETIME
from hedgerow.spine.indexes import forget_indexes
from hedgerow.spine.journal import Journal
from hedgerow.spine.quarantine import Quarantine
from hedgerow.spine.requests import Requests
from hedgerow.spine.tables import Tables

_GOES: tuple[type[Record], ...] = (
    Bucket,
    Member,
    SealedField,
    VaultToken,
    Collected,
    DatasetColumn,
    DatasetPurpose,
    Declaration,
    Run,
)
STAYS = (
    "the journal, with every use",
    "what was spent and the limits: no budget is given back, also when the name is collected again",
    "the people, their choices, and since when until when each was in it; erasing a person removes them",
    "the register of what was released, and private answers already given",
)


@dataclass(frozen=True, slots=True)
class Doomed:
    """What dropping a data set would remove, shown before it happens.

    Args:
        dataset: Its name.
        version: Its version.
        rows: Rows in its table.
        people: People in it.
        people_only_here: Of these, people in no other data set.
        quarantined_rows: Broken rows that wait.
        releases: Person-level releases of it that left.
        results_withdrawn: Stored results with rows of single people, which would be destroyed.
        answers_kept: Stored private answers, which would stay.
    """

    dataset: str
    version: int
    rows: int = field(repr=False)
    people: int = field(repr=False)
    people_only_here: int = field(repr=False)
    quarantined_rows: int = field(repr=False)
    releases: tuple[str, ...]
    results_withdrawn: int
    answers_kept: int

    def as_json(self) -> dict[str, Json]:
        """Render the plan."""
        return {
            "dataset": self.dataset,
            "version": self.version,
            "rows": self.rows,
            "people": self.people,
            "people_only_here": self.people_only_here,
            "quarantined_rows": self.quarantined_rows,
            "releases": list(self.releases),
            "results_withdrawn": self.results_withdrawn,
            "answers_kept": self.answers_kept,
            "stays": list(STAYS),
        }


class Dropping:
    """Drops data sets.

    Guarantee: once ``drop`` returns, no lease opens anything of the data set, no current record
    holds a key to its files, and a use that was under way gives nothing. Its charges and limits
    stay, and its version goes on when the name is collected again.
    """

    def __init__(
        self,
        *,
        store: Store,
        catalog: Catalog,
        tables: Tables,
        requests: Requests,
        quarantine: Quarantine,
        journal: Journal,
        attestor: Attestor,
        clock: Clock,
    ) -> None:
        self._attestor = attestor
        self._store = store
        self._catalog = catalog
        self._tables = tables
        self._requests = requests
        self._quarantine = quarantine
        self._journal = journal
        self._clock = clock

    def plan(self, reader: Reader, dataset: str) -> Doomed:
        """Show what a drop would remove.

        Args:
            reader: A view.
            dataset: The data set.

        Raises:
            CallerError: ``dataset.unknown``.
            Refused: ``dataset.dropped``.
        """
        record = self._record(reader, dataset)
        people, only_here = self._people(reader, dataset)
        batches = reader.find(QuarantineBatch, dataset=dataset)
        withdrawn, kept = self._requests.held(reader, dataset)
        return Doomed(
            dataset,
            record.version,
            record.row_count,
            people,
            only_here,
            sum(reader.count(QuarantinedRow, batch=batch.id) for batch in batches),
            tuple(released.id for released in reader.find(Released, dataset=dataset)),
            withdrawn,
            kept,
        )

    def _people(self, reader: Reader, dataset: str) -> tuple[int, int]:
        """Count the people of a data set, and those of them who are in no other."""
        import numpy as np

        members = reader.numbers(Member, "number", dataset=dataset)
        is_here_only = np.ones(len(members), dtype=np.bool_)
        for other in reader.find(Dataset):
            if other.name != dataset:
                is_here_only &= ~np.isin(members, reader.numbers(Member, "number", dataset=other.name))
        return len(members), int(is_here_only.sum())

    def _record(self, reader: Reader, dataset: str) -> Dataset:
        self._catalog.require_dataset(reader, dataset)
        (record,) = reader.find(Dataset, name=dataset)
        return record

    def drop(self, dataset: str, actor: Actor) -> tuple[Doomed, int]:
        """Drop a data set.

        Args:
            dataset: Its name.
            actor: Who does it.

        Returns:
            What was removed, and the journal entry.

        Raises:
            CallerError: ``dataset.unknown``.
            Refused: ``dataset.dropped``.
        """
        with self._store.write() as tx:
            doomed = self.plan(tx, dataset)
            gone = undrawn(tx, self._attestor, dataset=dataset)
            self._remove(tx, dataset)
            moment = self._clock.now()
            when, until = timestamp(moment), (moment + TOMBSTONE_LIFETIME).date().isoformat()
            facts = {**_told(doomed), **gone, "dropped": when, "until": until}
            entry = self._journal.append(tx, "dataset.drop", actor, facts)
            tx.add([Forgotten(entry, b"", dataset, when, until, "")])
        # What a running use still reads goes at the next opening; its key is in no record already.
        self._tables.sweep(self._store)
        self._store.scrub()
        return doomed, entry

    def _remove(self, tx: Transaction, dataset: str) -> None:
        record = self._record(tx, dataset)
        tx.add(
            FormerMember(dataset, member.number, member.since_version, record.version)
            for member in tx.find(Member, dataset=dataset)
        )
        for kind in _GOES:
            tx.remove(kind, dataset=dataset)
        for batch in tx.find(QuarantineBatch, dataset=dataset):
            self._quarantine.discard(tx, batch.id)
        self._requests.withdraw(tx, dataset)
        forget_indexes(tx, dataset)
        tx.put(self._emptied(record))

    def _emptied(self, record: Dataset) -> Dataset:
        return replace(
            record,
            version=record.version + 1,
            subject_column="",
            row_count=0,
            people_count=0,
            dropped=timestamp(self._clock.now()),
        )


def _told(doomed: Doomed) -> Mapping[str, Json]:
    """Write a drop as the journal keeps it: whoever reads the journal may not see exact counts of people."""
    return {
        "dataset": doomed.dataset,
        "version": doomed.version + 1,
        "releases": list(doomed.releases),
        "results_withdrawn": doomed.results_withdrawn,
        "answers_kept": doomed.answers_kept,
    }
