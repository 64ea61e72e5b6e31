"""The plan of a collection as text: what a person reads before the table is taken in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hedgerow.cli.screen import facts, fitted
from hedgerow.model.words import Basis, many

if TYPE_CHECKING:
    from hedgerow.app.service.collect_plan import CollectPlan
    from hedgerow.spine.foresee import Coverage, Foreseen

_SHOWN_REASONS = 10
_SHOWN_LINES = 3
_SPARE = ("masked", "confidence", "category")
Fact = tuple[str, str]


def planned(plan: CollectPlan, width: int | None) -> str:
    """Tell everything a collection would do.

    Args:
        plan: The plan.
        width: Columns of the terminal; none where the text goes elsewhere and is not broken.
    """
    if plan.adds_nothing:
        name = plan.request.dataset
        return f"Nothing to add: {name} holds this very file already. --again takes it once more."
    rows = [
        [c.finding.column, c.goes_to, c.type, c.role.value, c.finding.category,
         f"{c.finding.confidence:.2f}", " ".join(c.finding.evidence[:1])]
        for c in plan.column_plans
    ]  # fmt: skip
    headings = ["column", "goes to", "type", "role", "category", "confidence", "masked"]
    told = [*_purposes(plan), *_people(plan), *_columns(plan), *_set_aside(plan)]
    warned = [("Warning", warning) for warning in plan.warnings()]
    parts = [facts([("Plan", _headline(plan))], width), fitted(headings, rows, width, _SPARE)]
    return "\n\n".join([*parts, facts(told, width), *([facts(warned, width)] if warned else [])])


def _headline(plan: CollectPlan) -> str:
    foreseen, name = plan.foreseen, plan.request.dataset
    what = f"{_rows(foreseen.rows)} of {_persons(foreseen.people)} from {plan.request.path.name} into {name}"
    if not foreseen.exists:
        return f"{what}, a new data set."
    held = foreseen.held
    there = f"its {_rows(held.rows)} of {_persons(held.people)}" if held is not None else "the rows it holds"
    return f"{what}, added to {there}."


def _purposes(plan: CollectPlan) -> Iterator[Fact]:
    for told in plan.foreseen.coverage:
        if told.basis is Basis.CONSENT:
            yield "purpose", f"{told.purpose} (consent): {_consent(told, plan.foreseen)}"
        else:
            yield "purpose", f"{told.purpose} ({told.basis.value}): covered: all {_persons(told.people)}."


def _consent(told: Coverage, foreseen: Foreseen) -> str:
    yes_no = f"the choices that come along: {told.said_yes:,} yes, {told.said_no:,} no"
    brought = yes_no if foreseen.choices else "no choice comes along"
    covered = f"{told.people:,} of {_persons(foreseen.people)}, {told.rows:,} of {_rows(foreseen.rows)}"
    left = foreseen.people - told.people
    out = (
        f" Not covered: {_persons(left)}; taken in, but no use for {told.purpose} sees them without a yes."
        if left
        else ""
    )
    known = "" if foreseen.held is not None else " Choices recorded before count too; you may not see them."
    return f"{brought}. Covered: {covered}.{out}{known}"


def _people(plan: CollectPlan) -> Iterator[Fact]:
    foreseen = plan.foreseen
    if foreseen.choices:
        by_purpose = ", ".join(f"{number:,} for {purpose}" for purpose, number in foreseen.choices.items())
        others = foreseen.choices_of_others
        more = f"; {others:,} of them of people not in this file, who may be held already" if others else ""
        yield "choices", f"{by_purpose}{more}."
    held = foreseen.held
    if held is None:
        return
    if foreseen.exists:
        yield (
            "people",
            f"{held.present:,} have rows in the data set already, {held.new:,} are new to the workspace.",
        )
    if held.erased_rows:
        gone = f"{_rows(held.erased_rows)} of {_persons(held.erased_people)}"
        yield "left out", f"{gone} who had themselves erased."


def _columns(plan: CollectPlan) -> Iterator[Fact]:
    names: dict[str, list[str]] = {"vault": [], "table": [], "dropped": []}
    for column in plan.column_plans:
        names[column.goes_to].append(column.finding.column)
    vault = ", ".join(names["vault"])
    yield "vault", f"{vault}: kept apart as direct identifiers, sealed under each person's own key."
    yield "table", f"{', '.join(names['table'])}: encrypted, under a random number."
    if names["dropped"]:
        yield "dropped", f"{', '.join(names['dropped'])}: not collected."
    if plan.arrival.derived_from:
        named = ", ".join(plan.arrival.derived_from)
        yield "derived", f"from {named}: each use is charged to the budgets of that as well, for good."
    asked, declares = plan.request.schema.asked, plan.arrival.declares
    if declares is not None:
        limit = [asked_rows.said(asked.unit)] if (asked_rows := asked.contribution) else []
        bounds = [f"{name} within {stated}" for name, stated in asked.bounds.items()]
        keys = [f"{name} has {len(stated)} keys" for name, stated in asked.keys.items()]
        yield "declared", f"{'; '.join([*limit, *bounds, *keys])}."
    for column in plan.column_plans:
        for note in column.notes:
            yield "note", f"{column.finding.column} {note}"


def _set_aside(plan: CollectPlan) -> Iterator[Fact]:
    from hedgerow.app.service.collect_plan import by_reason

    if not plan.arrival.broken:
        return
    reasons = by_reason(plan.arrival.broken)
    yield "set aside", f"{_rows(len(plan.arrival.broken))} that cannot be read, sealed for 30 days:"
    for reason, lines in list(reasons.items())[:_SHOWN_REASONS]:
        shown = ", ".join(str(line) for line in lines[:_SHOWN_LINES])
        more = f" and {len(lines) - _SHOWN_LINES:,} more" if len(lines) > _SHOWN_LINES else ""
        yield "", f"{'line' if len(lines) == 1 else 'lines'} {shown}{more}: {reason}"
    if len(reasons) > _SHOWN_REASONS:
        yield "", f"and {len(reasons) - _SHOWN_REASONS} more reasons; --json lists all"


def _rows(number: int) -> str:
    return many(number, "row")


def _persons(number: int) -> str:
    return many(number, "person", "people")
