"""Retrying: rows set aside are read again and taken in, or wait on."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hedgerow.app.service.base import Part
from hedgerow.app.service.collecting import csv_line, missing_person, without_counts
from hedgerow.model.canonical import digest
from hedgerow.model.errors import CallerError
from hedgerow.model.records import JournalEntry, QuarantineBatch
from hedgerow.model.uses import DatasetView, Json
from hedgerow.model.words import Basis, ColumnType
from hedgerow.spine.journal import parse_entry
from hedgerow.spine.quarantine import Broken

if TYPE_CHECKING:
    from hedgerow.adapters.readers import SourceTable
    from hedgerow.spine.intake import Arrival, Taken

_READS: Mapping[ColumnType, Callable[[str], object]] = {
    ColumnType.TEXT: str,
    ColumnType.INTEGER: int,
    ColumnType.DECIMAL: Decimal,
    ColumnType.DATE: date.fromisoformat,
    ColumnType.TIMESTAMP: datetime.fromisoformat,
    ColumnType.BOOLEAN: lambda text: {"true": True, "false": False}[text.lower()],
}


class Retrying(Part):
    """Second chances for broken rows."""

    def quarantine_retry(self, batch: str, *, empty_broken: bool = False) -> dict[str, Json]:
        """Read the rows of a batch again and take in those that fit now.

        Args:
            batch: Id of the batch.
            empty_broken: Take cells that do not fit their column as empty.

        Returns:
            What a collection returns, and ``retried`` and ``batch``: rows still broken wait in a new
            batch, or in none.

        Raises:
            CallerError: ``quarantine.unknown`` or ``quarantine.still-broken``.
            Fault: ``table.changed`` when the batch was taken in, destroyed or thinned out meanwhile.
        """
        self._require("quarantine.manage")
        with self.spine.store.read() as reader:
            known = reader.get(QuarantineBatch, batch)
            if known is None:
                raise CallerError("quarantine.unknown", batch=batch)
            self._require("quarantine.manage", known.dataset)
            view = self.spine.catalog.require_dataset(reader, known.dataset)
            self.spine.catalog.require_live_purpose(reader, view)
            rows = self.spine.quarantine.rows(reader, known)
        again = _read_again(json.loads(known.header), rows, empty_broken=empty_broken)
        if again is None:
            raise CallerError("quarantine.still-broken", batch=batch)
        arrival = _arrival(known, view, again, rows)
        if not arrival.table.num_rows:
            raise CallerError("quarantine.still-broken", batch=batch)
        taken = self.spine.intake.take(arrival, self.actor)
        told = _told(taken) | {"retried": batch, "batch": self._set_aside_by(taken.entry)}
        if not self._permits_everywhere("release.risk", known.dataset):
            told |= without_counts(taken)
        return told

    def _set_aside_by(self, entry: int) -> Json:
        """Name the batch that an intake set aside, as its journal entry does."""
        with self.spine.store.read() as reader:
            record = reader.get(JournalEntry, entry)
        facts = parse_entry(record.body)["facts"] if record is not None else {}
        return cast("Mapping[str, Json]", facts).get("quarantine")


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

    source = again.source
    reasons = {again.place[row.line]: row.reason for row in source.broken}
    reasons |= {place: rows[place].reason for place in again.unfit}
    has_person = source.table.column(view.subject_column).is_valid()
    places = [again.place[int(line)] for line in source.line]
    taken = [place for place, known in zip(places, has_person.to_pylist(), strict=True) if known]
    reasons |= {place: missing_person(view.subject_column) for place in set(places) - set(taken)}
    still = tuple(
        Broken(rows[place].line, reason, rows[place].raw) for place, reason in sorted(reasons.items())
    )
    lines = source.line[: len(taken)].copy()
    lines[:] = [rows[place].line for place in taken]
    content = digest([row.raw.hex() for row in rows])
    stated = cast("Mapping[str, str]", json.loads(batch.header).get("bases") or {})
    bases = {purpose: Basis(basis) for purpose, basis in stated.items()}
    return Arrival(
        view.name, view.subject_column, view.columns, source.table.filter(has_person), lines, still,
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
    with tempfile.NamedTemporaryFile(suffix=suffix) as stream:
        stream.write(content)
        stream.flush()
        yield Path(stream.name)
