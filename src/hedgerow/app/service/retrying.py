"""Retrying: rows set aside are listed, read again and taken in, wait on, or are destroyed."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hedgerow.app.service.collecting import Collecting, csv_line, missing_person, without_counts
from hedgerow.model.canonical import digest
from hedgerow.model.errors import CallerError
from hedgerow.model.ports import Reader
from hedgerow.model.records import QuarantineBatch
from hedgerow.model.uses import DatasetView, Json
from hedgerow.model.words import Basis, ColumnType
from hedgerow.spine.quarantine import Broken

if TYPE_CHECKING:
    from hedgerow.adapters.readers import SourceTable
    from hedgerow.spine.intake import Arrival, Taken
    from hedgerow.spine.standing import Waiting

Consents = Path | Sequence[Mapping[str, str]]
_READS: Mapping[ColumnType, Callable[[str], object]] = {
    ColumnType.TEXT: str,
    ColumnType.INTEGER: int,
    ColumnType.DECIMAL: Decimal,
    ColumnType.DATE: date.fromisoformat,
    ColumnType.TIMESTAMP: datetime.fromisoformat,
    ColumnType.BOOLEAN: lambda text: {"true": True, "false": False}[text.lower()],
}


class Retrying(Collecting):
    """Broken rows: listed, read again or destroyed."""

    def quarantine_list(self, dataset: str | None = None) -> list[dict[str, Json]]:
        """List the batches of broken rows, of all data sets or of one, with their lines and reasons."""
        self._require("quarantine.list", dataset)
        with self.spine.store.read() as reader:
            if dataset is not None:
                self.spine.catalog.require_dataset(reader, dataset)
            return [
                {
                    "batch": batch.id,
                    "dataset": batch.dataset,
                    "until": batch.until,
                    "rows": [{"line": line, "reason": reason}
                             for line, reason in self.spine.quarantine.reasons(reader, batch.id)],
                }
                for batch in self.spine.quarantine.batches(reader)
                if dataset in (None, batch.dataset) and self._permits("quarantine.list", batch.dataset)
            ]  # fmt: skip

    def plan_discard(self, batch: str) -> dict[str, Json]:
        """Tell what a discard would destroy: ``batch``, ``dataset`` and ``rows``; nothing is written."""
        with self.spine.store.read() as reader:
            dataset = self._to_discard(reader, batch)
            rows = len(self.spine.quarantine.reasons(reader, batch))
        return {"batch": batch, "dataset": dataset, "rows": rows}

    def quarantine_discard(self, batch: str) -> dict[str, Json]:
        """Destroy a batch of broken rows, also one that was changed or taken away beside the program."""
        with self.spine.store.read() as reader:
            self._to_discard(reader, batch)
        with self.spine.store.write() as tx:
            is_told = batch in self.spine.hearing.told(tx).standing.batches
            if not self.spine.quarantine.discard(tx, batch) and not is_told:
                raise CallerError("quarantine.unknown", batch=batch)
            self._note(tx, "quarantine.discard", {"batch": batch})
        return {"discarded": batch}

    def _to_discard(self, reader: Reader, batch: str) -> str:
        """Name the data set of a batch that the actor may destroy: by the journal, where it tells one."""
        self._require("quarantine.manage")
        known: Waiting | QuarantineBatch | None = self.spine.hearing.told(reader).standing.batches.get(batch)
        known = known or reader.get(QuarantineBatch, batch)
        if known is None:
            raise CallerError("quarantine.unknown", batch=batch)
        self._require("quarantine.manage", known.dataset)
        return known.dataset

    def _managed(self, reader: Reader, batch: str) -> QuarantineBatch:
        """Find a batch that the actor may work on."""
        self._require("quarantine.manage")
        known = reader.get(QuarantineBatch, batch)
        if known is None:
            raise CallerError("quarantine.unknown", batch=batch)
        self._require("quarantine.manage", known.dataset)
        return known

    def plan_retry(
        self, batch: str, *, empty_broken: bool = False, consents: Consents | None = None
    ) -> dict[str, Json]:
        """Read the rows of a batch again and tell what a retry would do; nothing is written.

        Args:
            batch: Id of the batch.
            empty_broken: Take cells that do not fit their column as empty.
            consents: A consents file, or its rows.

        Returns:
            ``batch``, ``dataset``, ``rows``, ``people``, ``still_broken`` and, of the choices,
            ``consents_by_purpose`` and ``consents_of_others``.

        Raises:
            CallerError: As ``quarantine_retry``.
        """
        arrival = self._retried(batch, consents, empty_broken=empty_broken)
        counts = self._permits_everywhere("release.risk", arrival.dataset)
        foreseen = self.spine.intake.foresee(arrival, counts=counts)
        return {
            "batch": batch,
            "dataset": arrival.dataset,
            "rows": foreseen.rows,
            "people": foreseen.people,
            "still_broken": len(arrival.broken),
            "consents_by_purpose": dict(foreseen.choices),
            "consents_of_others": foreseen.choices_of_others,
        }

    def quarantine_retry(
        self, batch: str, *, empty_broken: bool = False, consents: Consents | None = None
    ) -> dict[str, Json]:
        """Read the rows of a batch again and take in those that fit now, with choices that come along.

        Args:
            batch: Id of the batch.
            empty_broken: Take cells that do not fit their column as empty.
            consents: A consents file, or its rows, read as a collection reads it.

        Returns:
            What a collection returns, and ``retried``; ``batch`` names the new batch in which rows that
            are still broken wait, or none.

        Raises:
            CallerError: ``quarantine.unknown``, ``quarantine.still-broken`` or one of the consents.
            Fault: ``table.changed`` when the batch was taken in, destroyed or thinned out meanwhile;
                ``quarantine.altered`` when it is not the one that was set aside.
        """
        arrival = self._retried(batch, consents, empty_broken=empty_broken)
        taken = self.spine.intake.take(arrival, self.actor)
        told = _told(taken) | {"retried": batch, "batch": self._set_aside_by(taken.entry)}
        if not self._permits_everywhere("release.risk", arrival.dataset):
            told |= without_counts(taken)
        return told

    def _retried(self, batch: str, consents: Consents | None, *, empty_broken: bool) -> Arrival:
        """Read a batch again as a table that wants in."""
        with self.spine.store.read() as reader:
            known = self._managed(reader, batch)
            self.spine.hearing.told(reader).standing.require_waiting(reader, [batch])
            view = self.spine.catalog.require_dataset(reader, known.dataset)
            self.spine.catalog.require_live_purpose(reader, view)
            rows = self.spine.quarantine.rows(reader, known)
        choices = self._consents(consents) if consents is not None else ()
        again = _read_again(json.loads(known.header), rows, empty_broken=empty_broken)
        arrival = replace(_arrival(known, view, again, rows), consents=choices) if again is not None else None
        if arrival is None or not arrival.table.num_rows:
            raise CallerError("quarantine.still-broken", batch=batch)
        return arrival


@dataclass(frozen=True, slots=True)
class _Again:
    """Rows read once more.

    Args:
        source: What could be read as a table.
        place: For each line of that table, which row of the batch it is.
        unfit: Rows of the batch that are no row of the table at all, by place.
    """

    source: SourceTable
    place: Mapping[int, int]
    unfit: tuple[int, ...]


def _arrival(batch: QuarantineBatch, view: DatasetView, again: _Again, rows: Sequence[Broken]) -> Arrival:
    from hedgerow.spine.intake import Arrival

    source, header = again.source, cast("Mapping[str, Any]", json.loads(batch.header))
    # An older version did not say whose column it was beside the rows.
    subject = str(header.get("subject") or view.subject_column)
    reasons = {again.place[row.line]: row.reason for row in source.broken}
    reasons |= {place: rows[place].reason for place in again.unfit}
    has_person = source.table.column(subject).is_valid()
    places = [again.place[int(line)] for line in source.line]
    taken = [place for place, known in zip(places, has_person.to_pylist(), strict=True) if known]
    reasons |= {place: missing_person(subject) for place in set(places) - set(taken)}
    still = tuple(
        Broken(rows[place].line, reason, rows[place].raw) for place, reason in sorted(reasons.items())
    )
    lines = source.line[: len(taken)].copy()
    lines[:] = [rows[place].line for place in taken]
    content = digest([row.raw.hex() for row in rows])
    stated = cast("Mapping[str, str]", header.get("bases") or {})
    bases = {purpose: Basis(basis) for purpose, basis in stated.items()}
    return Arrival(
        view.name, subject, view.columns, source.table.filter(has_person), lines, still,
        batch.header, content, bases, (), again=True, replaces=batch,
    )  # fmt: skip


def _told(taken: Taken) -> dict[str, Json]:
    return {
        "dataset": taken.dataset, "version": taken.version, "rows": taken.rows, "people": taken.people,
        "new_people": taken.new_people, "set_aside": taken.set_aside,
        "left_out_as_erased": len(taken.left_out), "consents": 0, "consents_of_unknown_people": 0,
        "entry": taken.entry,
    }  # fmt: skip


def _read_again(header: Mapping[str, object], rows: Sequence[Broken], *, empty_broken: bool) -> _Again | None:
    from hedgerow.adapters.readers import open_table

    types = {name: ColumnType(kind) for name, kind in cast("list[list[str]]", header["columns"])}
    is_csv, delimiter = header["format"] == "csv", str(header["delimiter"])
    raws = [row.raw.rstrip(b"\r\n") for row in rows]
    if is_csv and empty_broken:
        raws = [_emptied(raw, delimiter, list(types.values())) for raw in raws]
    # A row of another shape would make the reader doubt the whole table.
    unfit = tuple(i for i, raw in enumerate(raws) if is_csv and len(_cells(raw, delimiter)) != len(types))
    first = [csv_line(types, delimiter)] if is_csv else []
    place, line = {}, 1 + len(first)
    for i in sorted(set(range(len(raws))) - set(unfit)):
        place[line] = i
        line += raws[i].count(b"\n") + 1
    content = b"\n".join([*first, *(raws[i] for i in place.values())]) + b"\n"
    try:
        with in_memory(content, ".csv" if is_csv else ".jsonl") as path:
            return _Again(open_table(path, types=types), place, unfit)
    except CallerError:
        # Not one row makes a table; the reader's own words would name a file nobody knows.
        return None


def _cells(raw: bytes, delimiter: str) -> list[str]:
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8", "replace"), newline=""), delimiter=delimiter))
    return rows[0] if len(rows) == 1 else []


def _emptied(raw: bytes, delimiter: str, kinds: Sequence[ColumnType]) -> bytes:
    """Blank the cells that do not fit; a row with too few or too many cells stays as it is."""
    cells = _cells(raw, delimiter)
    if len(cells) != len(kinds):
        return raw
    return csv_line(
        (cell if _fits(cell, kind) else "" for cell, kind in zip(cells, kinds, strict=True)), delimiter
    )


def _fits(cell: str, kind: ColumnType) -> bool:
    try:
        _READS[kind](cell)
    except (ValueError, KeyError, InvalidOperation):
        return False
    return True


@contextmanager
def in_memory(content: bytes, suffix: str) -> Iterator[Path]:
    """Offer bytes as a file that lies in memory where the system can, else in a private one."""
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("rows" + suffix)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            yield Path(f"/proc/self/fd/{handle}")
        return
    with tempfile.NamedTemporaryFile(prefix="hedgerow-", suffix=suffix) as stream:
        stream.write(content)
        stream.flush()
        yield Path(stream.name)
