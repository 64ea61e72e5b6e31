"""Collecting: discover what a file holds, decide what is kept, take it in; rows set aside."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hedgerow.app.declaring import Schema
from hedgerow.app.service.base import Part, Progress, quiet
from hedgerow.app.service.collect_plan import CollectPlan, column_plans
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.findings import ColumnFinding, as_dict
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.records import JournalEntry, Purpose
from hedgerow.model.uses import ColumnView, Json
from hedgerow.model.words import Basis, ColumnRole, ColumnType
from hedgerow.spine.catalog import check_name
from hedgerow.spine.consent import chosen_at
from hedgerow.spine.entries import entry_of
from hedgerow.spine.quarantine import Broken

if TYPE_CHECKING:
    from hedgerow.adapters.readers import SourceTable
    from hedgerow.spine.intake import Arrival, ConsentLine, Taken

_COUNTED = ("version", "new_people", "consents", "consents_of_unknown_people", "left_out_as_erased")
_CONSENT_COLUMNS = ("subject", "purpose", "time")
_MORE_CONSENT_COLUMNS = ("granted", "notice_version", "channel")
# A name alone may say "token" of something else; values that hold a password are surer than that.
_PROVEN = 0.9
_TABLE_SUFFIXES = {".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet"}


@dataclass(frozen=True, slots=True)
class CollectRequest:
    """A wish to collect a file.

    Args:
        path: The file.
        dataset: The data set, new or existing.
        subject_key: The column with the source id of the person.
        bases: Each purpose with its lawful basis.
        keep: Columns a purpose needs; none when ``drop`` or the schema says it.
        drop: Columns no purpose needs; all others are kept.
        schema: What a schema file states.
        consents: A consents file, or its rows.
        again: Take a file that was taken before once more.
        derived_from: Data sets that the file was made from.
    """

    path: Path
    dataset: str
    subject_key: str
    bases: Mapping[str, Basis]
    keep: tuple[str, ...] | None = None
    drop: tuple[str, ...] | None = None
    schema: Schema = field(default_factory=Schema)
    consents: Path | Sequence[Mapping[str, str]] | None = None
    again: bool = False
    derived_from: tuple[str, ...] = ()


class Collecting(Part):
    """Data comes in."""

    def plan_collect(self, request: CollectRequest, progress: Progress = quiet) -> CollectPlan:
        """Read and classify a file and work out what a collection would do; nothing is written.

        Raises:
            Refused: ``collect.not-minimal``, ``collect.secret-found``, ``basis.none-given``,
                ``purpose.*`` or by policy.
            CallerError: When the file or the call is malformed.
        """
        from hedgerow.adapters.readers import open_table

        self._admit_collect(request)
        progress("reading the file")
        source = open_table(request.path, types=request.schema.types)
        return self.plan_source(request, source, progress)

    def _admit_collect(self, request: CollectRequest) -> None:
        self._require("collect", check_name(request.dataset, "data set"))
        for name in request.derived_from:
            # Who ties a data set to another makes uses of the one spend of the other.
            self._require("collect", check_name(name, "data set"))
        self._check_purposes(request)

    def _admit_choices(self, consents: Sequence[ConsentLine]) -> None:
        """Who may not record a choice by itself may not slip it in with a table."""
        if any(line.granted for line in consents):
            self._require("consent.grant")
        if any(not line.granted for line in consents):
            self._require("consent.withdraw")

    def plan_source(
        self, request: CollectRequest, source: SourceTable, progress: Progress = quiet
    ) -> CollectPlan:
        """Work out a collection of a table that was read already, such as rows from an application."""
        from hedgerow.techniques.discover import classify

        self._admit_collect(request)
        names = [column.name for column in source.columns]
        if request.subject_key not in names:
            _have_headings(request, source)
            raise CallerError("collect.no-subject-key", column=request.subject_key, columns=", ".join(names))
        if not source.row_count:
            # Nothing to classify means nothing would be recognised as naming a person.
            first = (
                f"; the first, line {source.broken[0].line}: {source.broken[0].reason}"
                if source.broken
                else ""
            )
            raise CallerError("collect.no-rows", path=request.path, broken=len(source.broken), first=first)
        for name in request.schema.roles:
            if name not in names:
                raise CallerError("collect.unknown-column", column=name, path=request.path)
        progress("classifying the columns")
        findings = classify(source.table, name=source.name, subject_key=request.subject_key)
        kept = _kept(request, source, findings)
        _have_no_secrets(request, findings, kept)
        columns = tuple(_views(request, source, findings, kept))
        if all(column.in_vault for column in columns):
            raise CallerError("collect.nothing-kept")
        consents = self._consents(request.consents) if request.consents is not None else ()
        declares = self._declares(request, source, columns)
        arrival = replace(_arrival(request, source, columns, consents), declares=declares)
        # Who may not see exact counts must not learn this way who is held already, here or elsewhere.
        counts = self._permits_everywhere("release.risk", request.dataset)
        foreseen = self.spine.intake.foresee(arrival, counts=counts)
        plans = tuple(column_plans(request, source, findings, columns, self._held_roles(request.dataset)))
        return CollectPlan(request, source, columns, plans, arrival, foreseen)

    def _held_roles(self, dataset: str) -> dict[str, str]:
        """Read the roles of a data set's columns, which a further collection does not change."""
        with self.spine.store.read() as reader:
            view = self.spine.catalog.dataset(reader, dataset)
        return {column.name: column.role for column in view.columns} if view is not None else {}

    def _consents(self, stated: Path | Sequence[Mapping[str, str]]) -> tuple[ConsentLine, ...]:
        """Read the choices that come with a source; a purpose that is not declared is no choice."""
        rows = _consent_file(stated) if isinstance(stated, Path) else enumerate(stated, start=1)
        with self.spine.store.read() as reader:
            declared = {purpose.name for purpose in reader.find(Purpose)}
        now = self.spine.clock.now()
        choices = tuple(_consent_line(row, line, now, declared) for line, row in rows)
        self._admit_choices(choices)
        return choices

    def _check_purposes(self, request: CollectRequest) -> None:
        if not request.bases:
            raise CallerError("purpose.missing")
        with self.spine.store.read() as reader:
            for purpose in request.bases:
                self.spine.catalog.require_purpose(reader, purpose)

    def collect(self, plan: CollectPlan, progress: Progress = quiet) -> dict[str, Json]:
        """Take a planned file in with what its schema declares, entirely or not at all."""
        return self._take(plan, progress)[1]

    def _take(self, plan: CollectPlan, progress: Progress) -> tuple[Taken, dict[str, Json]]:
        """Take a planned file in; give what came of it, and what of that the actor may know."""
        # Once more: a plan may have been made by somebody else, or long ago.
        self._admit_collect(plan.request)
        taken = self.spine.intake.take(plan.arrival, self.actor, progress)
        told = _taken_json(taken, plan) | {"batch": self._set_aside_by(taken.entry)}
        if not self._permits_everywhere("release.risk", taken.dataset):
            told |= without_counts(taken)
        return taken, told

    def _set_aside_by(self, entry: int) -> Json:
        """Name the batch that an intake set aside, as its journal entry does."""
        with self.spine.store.read() as reader:
            record = reader.get(JournalEntry, entry)
        facts = entry_of(record)["facts"] if record is not None else {}
        return cast("Mapping[str, Json]", facts).get("quarantine")

    def _declares(
        self, request: CollectRequest, source: SourceTable, columns: Sequence[ColumnView]
    ) -> DatasetDeclaration | None:
        asked = request.schema.asked
        if asked.is_empty:
            return None
        self._require("dataset.declare", request.dataset)
        _have_declared(request, source, columns)
        declared = asked.typed({c.name: ColumnType(c.type) for c in columns}, request.dataset)
        in_vault = {column.name for column in columns if column.in_vault}
        for column in declared.columns:
            if column.column in in_vault:
                raise CallerError("column.in-vault", column=column.column, dataset=request.dataset)
        return declared

    def expire(self) -> int:
        """End the quarantine and the approvals whose date has passed; at each opening of a workspace.

        Not by a clock that cannot be right: what is destroyed does not come back when it is mended.
        """
        if self.spine.clock.trouble() is not None:
            return 0
        with self.spine.store.write() as tx:
            self.spine.backups.expire(tx, self.actor)
            gone = self.spine.quarantine.expire(tx)
            if gone:
                self._note(tx, "quarantine.expire", {"batches": cast("Json", gone)})
        self.spine.approvals.expire(self.actor)
        return len(gone)


def discover(path: Path) -> dict[str, Json]:
    """Classify the columns of a file or of every table file of a directory; no workspace needed.

    Args:
        path: A file, or a directory whose table files are taken in name order.

    Returns:
        ``files``: for each its name, rows, delimiter and columns, or the error that kept it
        from being read.
    """
    if not path.is_dir():
        return {"files": [_discovered(path)]}
    names = sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in _TABLE_SUFFIXES)
    if not names:
        raise CallerError("discover.no-tables", path=path)
    return {"files": [_discovered_or_error(name) for name in names]}


def _discovered(path: Path) -> dict[str, Json]:
    from hedgerow.adapters.readers import open_table
    from hedgerow.techniques.discover import classify

    source = open_table(path)
    findings = classify(source.table, name=source.name)
    return {
        "file": path.name,
        "rows": source.row_count,
        "format": source.format,
        "delimiter": source.delimiter,
        "broken": [{"line": row.line, "reason": row.reason} for row in source.broken],
        "columns": [as_dict(finding) for finding in findings],  # type: ignore[misc]
    }


def _discovered_or_error(path: Path) -> dict[str, Json]:
    try:
        return _discovered(path)
    except CallerError as error:
        return {"file": path.name, "error": error.message, "next_step": error.next_step}


def _kept(request: CollectRequest, source: SourceTable, findings: Sequence[ColumnFinding]) -> set[str]:
    """Settle which columns are needed; silence is refused with the line that would settle it."""
    names = [column.name for column in source.columns]
    keep = request.keep if request.keep is not None else request.schema.keep
    drop = request.drop if request.drop is not None else request.schema.drop
    for name in (*(keep or ()), *(drop or ())):
        if name not in names:
            raise CallerError("collect.unknown-column", column=name, path=request.path)
    if keep is None and drop is None:
        _have_headings(request, source)
        needed = [f.column for f in findings if f.column != request.subject_key]
        raise Refused("collect.not-minimal", columns=",".join(needed))
    kept = set(names if keep is None else keep) - set(drop or ())
    return kept | {request.subject_key}


def _have_no_secrets(request: CollectRequest, findings: Sequence[ColumnFinding], kept: set[str]) -> None:
    """Refuse passwords and keys that values prove; a schema that states a column's role has looked."""
    for finding in findings:
        is_proven = finding.category == "secret" and finding.confidence >= _PROVEN
        if is_proven and finding.column in kept - set(request.schema.roles):
            raise Refused("collect.secret-found", column=finding.column)


def _have_headings(request: CollectRequest, source: SourceTable) -> None:
    """Stop before a refusal repeats the first line of a file whose headings may be values."""
    from hedgerow.techniques.discover.headings import look_like_names

    if source.format == "csv" and not look_like_names(source.table):
        raise CallerError("collect.no-headings", path=request.path, count=len(source.columns))


def _have_declared(request: CollectRequest, source: SourceTable, columns: Sequence[ColumnView]) -> None:
    """Look for declared columns in the file, as the data set may not be there yet."""
    asked, names = request.schema.asked, {column.name for column in source.columns}
    for name in sorted({*asked.bounds, *asked.keys} - {column.name for column in columns}):
        if name not in names:
            raise CallerError("collect.unknown-column", column=name, path=request.path)
        raise CallerError("collect.declared-dropped", column=name)


def _views(
    request: CollectRequest, source: SourceTable, findings: Sequence[ColumnFinding], kept: set[str]
) -> Iterator[ColumnView]:
    found = {finding.column: finding for finding in findings}
    for column in source.columns:
        if column.name not in kept:
            continue
        finding = found[column.name]
        role = request.schema.roles.get(column.name, finding.role)
        in_vault = role is ColumnRole.DIRECT_IDENTIFIER or column.name == request.subject_key
        shown = ColumnRole.DIRECT_IDENTIFIER if in_vault else role
        yield ColumnView(column.name, column.type.value, shown.value, finding.category, in_vault)


def _arrival(
    request: CollectRequest,
    source: SourceTable,
    columns: tuple[ColumnView, ...],
    consents: tuple[ConsentLine, ...],
) -> Arrival:
    from hedgerow.spine.intake import Arrival

    table, lines = source.table, source.line
    aside = [Broken(row.line, row.reason, row.raw) for row in source.broken]
    key = table.column(request.subject_key)
    if key.null_count:
        missing = key.is_null()
        reason = missing_person(request.subject_key)
        rows, at = table.filter(missing).to_pylist(), lines[missing.to_numpy()]
        aside += [Broken(int(line), reason, _raw(row, source)) for line, row in zip(at, rows, strict=True)]
        table, lines = table.filter(key.is_valid()), lines[~missing.to_numpy()]
    aside.sort(key=lambda row: row.line)
    header = json.dumps({"format": source.format, "delimiter": source.delimiter,
                         "columns": [[c.name, c.type.value] for c in source.columns],
                         "bases": {name: basis.value for name, basis in request.bases.items()}})  # fmt: skip
    return Arrival(
        request.dataset, request.subject_key, columns, table, lines, tuple(aside), header,
        source.content_hash, request.bases, consents, request.again,
        derived_from=tuple(dict.fromkeys(request.derived_from)),
    )  # fmt: skip


def missing_person(column: str) -> str:
    """Word why a row without a source id is set aside."""
    return f"column {column}: expected whose row it is, found nothing"


def _raw(row: Mapping[str, object], source: SourceTable) -> bytes:
    """Write a row as its source would hold it, so that a retry can read it."""
    if source.format != "csv":
        return json.dumps(row, default=str).encode()
    cells = ["" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in row.values()]
    return csv_line(cells, source.delimiter)


def csv_line(cells: Iterable[str], delimiter: str) -> bytes:
    """Write one row of a CSV file, without its line end."""
    text = io.StringIO()
    # With no line end the writer would leave new lines within a cell unquoted.
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()[:-1]


def _consent_file(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Read the rows of a consents file (CSV with a header) with their lines."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            head = stream.readline()
            stream.seek(0)
            delimiter = ";" if ";" in head and "," not in head else ","
            reader = csv.DictReader(stream, strict=True, delimiter=delimiter)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            for column in _CONSENT_COLUMNS:
                if column not in reader.fieldnames:
                    raise CallerError("collect.consents-malformed", column=column)
            for row in reader:
                yield reader.line_num, row
    except OSError:
        raise CallerError("file.missing", path=path) from None
    except (UnicodeDecodeError, csv.Error):
        raise CallerError("collect.consents-unreadable", path=path) from None


def _consent_line(
    row: Mapping[str, str | None], line: int, now: datetime, declared: Container[str]
) -> ConsentLine:
    from hedgerow.spine.intake import ConsentLine

    # A heading that is not known could be a refusal that nobody would see.
    if set(row) - {*_CONSENT_COLUMNS, *_MORE_CONSENT_COLUMNS}:
        raise CallerError("collect.consents-heading")
    for column, cell in row.items():
        if not isinstance(cell, str | None):
            raise CallerError("consent.malformed", field=f"{column} (it is not text)", line=line)
    for column in (*_CONSENT_COLUMNS, *(["granted"] if "granted" in row else [])):
        if not (row.get(column) or "").strip():
            raise CallerError("consent.malformed", field=column, line=line)
    if row["purpose"] not in declared:
        # The word is a cell of the file and is not repeated.
        raise CallerError("consent.purpose-undeclared", line=line)
    granted = _granted(row.get("granted"), line)
    return ConsentLine(
        str(row["subject"]),
        str(row["purpose"]),
        granted,
        _time(str(row["time"]), now, line, granted=granted),
        row.get("notice_version") or "",
        row.get("channel") or "",
    )


def _granted(text: str | None, line: int) -> bool:
    if text is None:
        return True
    if text.strip().lower() not in ("true", "false"):
        raise CallerError("consent.malformed", field="granted", line=line)
    return text.strip().lower() == "true"


def _time(text: str, now: datetime, line: int, *, granted: bool) -> str:
    """Read when a person chose, as one choice alone is read; the future is refused."""
    try:
        moment = chosen_at(text, now, granted=granted).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CallerError("consent.malformed", field="time", line=line) from None
    if moment > now:
        raise CallerError("consent.malformed", field="time (it lies in the future)", line=line)
    return timestamp(moment)


def without_counts(taken: Taken) -> dict[str, Json]:
    """Tell of the source alone: what was held before, and who was erased, is not for everybody.

    Args:
        taken: What an intake did.
    """
    return {**dict.fromkeys(_COUNTED), "rows": taken.source_rows, "people": taken.source_people}


def _taken_json(taken: Taken, plan: CollectPlan) -> dict[str, Json]:
    return {
        "dataset": taken.dataset,
        "version": taken.version,
        "rows": taken.rows,
        "people": taken.people,
        "new_people": taken.new_people,
        "set_aside": taken.set_aside,
        "broken": [{"line": row.line, "reason": row.reason} for row in plan.arrival.broken],
        "left_out_as_erased": len(taken.left_out),
        "consents": taken.consents,
        "consents_of_unknown_people": taken.unknown_consents,
        "entry": taken.entry,
    }
