"""The plan of a collection: everything that will happen, told before it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hedgerow.model.findings import ColumnFinding, as_dict
from hedgerow.model.uses import ColumnView, Json
from hedgerow.model.words import Basis, ColumnRole, ColumnType, many
from hedgerow.spine.catalog import declaration_json

if TYPE_CHECKING:
    from hedgerow.adapters.readers import SourceTable
    from hedgerow.app.service.collecting import CollectRequest
    from hedgerow.spine.foresee import Coverage, Foreseen, Held
    from hedgerow.spine.intake import Arrival
    from hedgerow.spine.quarantine import Broken

_DATE_AS_TEXT = (
    "looks like dates that are not ISO, and is kept as text: it can be grouped by and counted, not read as a "
    "time. To use it as a date write 2026-01-31, not {}."
)
KEPT_AS_TEXT = {
    "number-with-comma": "looks like numbers written with a comma, and is kept as text: it can be grouped by "
    "and counted, neither summed nor bounded. To use it as a number write 7.5, not 7,5 or 1,000.",
    "date-with-points": _DATE_AS_TEXT.format("31.01.2026"),
    "date-with-slashes": _DATE_AS_TEXT.format("31/01/2026 or 01/31/2026"),
    "date-with-dashes": _DATE_AS_TEXT.format("31-01-2026 or 01-31-2026"),
    "date-with-year-first": _DATE_AS_TEXT.format("2026.01.31"),
}
_MOST_SAME = 0.5


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """What happens to one column.

    Args:
        finding: What discovery thinks it is.
        type: What it is read as.
        goes_to: ``"vault"``, ``"table"`` or ``"dropped"``.
        role: The role it will have; that of the finding where it is dropped.
        notes: What to know about it, in sentences without any value.
    """

    finding: ColumnFinding
    type: str
    goes_to: str
    role: ColumnRole
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """Render the column; ``discovered_role`` is what discovery thought."""
        told: dict[str, Json] = as_dict(self.finding)  # type: ignore[assignment]
        return told | {
            "type": self.type,
            "goes_to": self.goes_to,
            "role": self.role.value,
            "discovered_role": self.finding.role.value,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class CollectPlan:
    """What a collection will do, shown before it does it."""

    request: CollectRequest
    source: SourceTable = field(repr=False)
    columns: tuple[ColumnView, ...]
    column_plans: tuple[ColumnPlan, ...]
    arrival: Arrival = field(repr=False)
    foreseen: Foreseen

    @property
    def adds_nothing(self) -> bool:
        """Whether the data set holds this very source already, and nobody asked for it again."""
        return self.foreseen.taken_before and not self.request.again

    def as_json(self) -> dict[str, Json]:
        """Render the plan; no value of the file is in it."""
        foreseen, declares, broken = self.foreseen, self.arrival.declares, self.arrival.broken
        return {
            "file": str(self.request.path),
            "dataset": self.request.dataset,
            "subject_key": self.request.subject_key,
            "rows_in_file": self.source.row_count + len(self.source.broken),
            "rows": 0 if self.adds_nothing else foreseen.rows,
            "people": 0 if self.adds_nothing else foreseen.people,
            "bases": {purpose: basis.value for purpose, basis in self.request.bases.items()},
            "vault": [plan.finding.column for plan in self.column_plans if plan.goes_to == "vault"],
            "table": [plan.finding.column for plan in self.column_plans if plan.goes_to == "table"],
            "not_collected": [plan.finding.column for plan in self.column_plans if plan.goes_to == "dropped"],
            "columns": [plan.as_json() for plan in self.column_plans],
            "broken": [{"line": row.line, "reason": row.reason} for row in broken],
            "broken_by_reason": [
                {"reason": reason, "rows": len(lines), "first_line": lines[0]}
                for reason, lines in by_reason(broken).items()
            ],
            "consents": len(self.arrival.consents),
            "consents_by_purpose": dict(foreseen.choices),
            "consents_of_others": foreseen.choices_of_others,
            "coverage": {told.purpose: _coverage_json(told, foreseen) for told in foreseen.coverage},
            "derived_from": list(self.arrival.derived_from),
            "declares": declaration_json(declares) if declares is not None else None,
            "exists": foreseen.exists,
            "taken_before": foreseen.taken_before,
            "held": _held_json(foreseen.held) if foreseen.held is not None else None,
            "warnings": list(self.warnings()),
        }

    def warnings(self) -> Iterator[str]:
        """Tell what is probably not meant, each with what to do."""
        name, foreseen = self.request.dataset, self.foreseen
        if self.adds_nothing:
            return
        if foreseen.taken_before:
            yield f"{name} holds this very file already; with --again its rows are added once more."
        elif (held := foreseen.held) is not None and held.present > _MOST_SAME * foreseen.people:
            yield (
                f"{held.present:,} of the {foreseen.people:,} people of this file have rows in {name} "
                "already. If this is a corrected version of what is there, its rows would count twice: "
                f"`hedgerow dataset drop {name}`, then collect again."
            )
        for told in foreseen.coverage:
            # Without what is held, nobody can tell that nobody consented before.
            if foreseen.held is not None and told.basis is Basis.CONSENT and not told.people:
                yield (
                    f"Nobody in this file consents to {told.purpose}: no row can be used for it until "
                    "choices are recorded, with --consents or `hedgerow consent grant`."
                )
        yield from self._unread()
        if foreseen.choices and foreseen.choices_of_others == sum(foreseen.choices.values()):
            yield (
                "None of the choices is of a person of this file: the column subject must hold the same "
                f"ids as {self.request.subject_key}."
            )

    def _unread(self) -> Iterator[str]:
        """Tell of rows that wait apart for what the collection itself could mend."""
        from hedgerow.adapters.readers import NOT_UTF8

        if self.foreseen.choices_of_others and self.arrival.broken:
            yield (
                "Choices of people all of whose rows are set aside are not kept now: give the consents again "
                "when these rows are retried, with --consents."
            )
        if lost := sum(row.reason == NOT_UTF8 for row in self.arrival.broken):
            yield (
                f"{many(lost, 'row')} set aside for not being UTF-8: the file may be in another encoding, "
                "and a retry would not read them. Convert it first, for example: iconv -f WINDOWS-1252 -t "
                "UTF-8 FILE > FILE.utf8.csv"
            )


def column_plans(
    request: CollectRequest,
    source: SourceTable,
    findings: Iterable[ColumnFinding],
    columns: Iterable[ColumnView],
    held_roles: Mapping[str, str],
) -> Iterator[ColumnPlan]:
    """Work out what happens to each column.

    Args:
        request: What was asked.
        source: The table as it was read.
        findings: What discovery thinks, one for each column of the source.
        columns: The columns that are kept.
        held_roles: The roles the data set has already, empty for a new one.
    """
    from hedgerow.techniques.discover import unread_form

    kept, types = {column.name: column for column in columns}, {c.name: c.type for c in source.columns}
    for finding in findings:
        name, view = finding.column, kept.get(finding.column)
        if view is None:
            yield ColumnPlan(finding, types[name].value, "dropped", finding.role)
            continue
        role, notes = ColumnRole(held_roles.get(name, view.role)), []
        if name in request.schema.roles or role is not finding.role:
            notes.append(_role_note(request, finding, role, held=name in held_roles))
        if not view.in_vault and types[name] is ColumnType.TEXT and name not in request.schema.types:
            form = unread_form(source.table.column(name))
            notes += [KEPT_AS_TEXT[form]] if form else []
        if not view.in_vault and finding.needs_review and name not in request.schema.roles:
            notes.append(_review_note(finding))
        place = "vault" if view.in_vault else "table"
        yield ColumnPlan(finding, types[name].value, place, role, tuple(notes))


def by_reason(broken: Iterable[Broken]) -> dict[str, list[int]]:
    """Group broken rows by reason, the most frequent first: the lines of each."""
    lines: dict[str, list[int]] = {}
    for row in broken:
        lines.setdefault(row.reason, []).append(row.line)
    return dict(sorted(lines.items(), key=lambda item: -len(item[1])))


def _role_note(request: CollectRequest, finding: ColumnFinding, role: ColumnRole, *, held: bool) -> str:
    stated, thought = request.schema.roles.get(finding.column), f"discovery thinks {finding.role.value}"
    if held and (stated or finding.role) is not role:
        said = f"; the schema says {stated.value}" if stated is not None else ""
        return f"has the role {role.value} in the data set, which stays{said}; {thought}."
    if stated is not None:
        same = "as discovery thinks too" if finding.role is stated else thought
        return f"has the role {role.value} by the schema; {same}."
    return f"has the role {role.value}; {thought}."


def _review_note(finding: ColumnFinding) -> str:
    if finding.category == "free-text":
        return "is free text, in which names may stand; it is not searched and goes to the table as it is."
    sure = f"{finding.confidence:.2f}"
    return f"is a guess ({sure}): look at it, and state its role under [roles] in a --schema file."


def _coverage_json(told: Coverage, foreseen: Foreseen) -> dict[str, Json]:
    return {
        "basis": told.basis.value,
        "people_covered": told.people,
        "people_not_covered": foreseen.people - told.people,
        "rows_covered": told.rows,
        "rows_not_covered": foreseen.rows - told.rows,
        "granted_here": told.said_yes,
        "withdrawn_here": told.said_no,
    }


def _held_json(held: Held) -> dict[str, Json]:
    return {
        "rows": held.rows,
        "people": held.people,
        "people_present": held.present,
        "people_new": held.new,
        "people_left_out_as_erased": held.erased_people,
        "rows_left_out_as_erased": held.erased_rows,
    }
