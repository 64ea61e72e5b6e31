"""What is held and why, and who used it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hedgerow.app.report.charts import counts, figure, shown_of
from hedgerow.app.report.markup import Child, Markup, clip, code, join, tag
from hedgerow.app.report.reading import (
    Entry,
    actor,
    counted,
    entries,
    is_over,
    newest,
    part,
    text,
    when,
    whole,
)
from hedgerow.app.report.section import Section, account, badge, folded, lead, nothing, quiet
from hedgerow.app.report.tables import Column, facts, left_out, table
from hedgerow.model.words import many

_PEOPLE_DRAWN = 8
_OPEN = 6
_LISTED = 500
_ROLES = {
    "direct-identifier": "direct identifier",
    "sensitive-attribute": "sensitive attribute",
    "row-id": "row number",
}
_OUTCOMES = {
    "done": "good",
    "replayed": "plain",
    "stored answer": "plain",
    "failed": "bad",
    "spent, no result": "warn",
}
_COLUMNS = (
    Column("Column", is_heading=True),
    Column("Type"),
    Column("Role"),
    Column("Kind"),
    Column("Kept in"),
)
_PURPOSES = (
    Column("Purpose", is_heading=True),
    Column("Lawful basis"),
    Column("Until"),
    Column("Why", is_prose=True),
)
_USES = (
    Column("Entry", is_number=True),
    Column("Time, UTC"),
    Column("Who"),
    Column("Technique"),
    Column("Data set, purpose"),
    Column("Outcome"),
    Column("Privacy cost"),
)
_HELD = (
    Column("Data set", is_heading=True),
    Column("Rows", is_number=True),
    Column("People", is_number=True),
    Column("Columns", is_number=True),
    Column("Purposes"),
)


def holdings(report: Entry) -> Section:
    """Show each data set with its columns, its purposes and their lawful bases."""
    held = entries(report.get("held"))
    if not held:
        body = nothing("No data set is held.")
    else:
        opening = lead(
            f"{many(len(held), 'data set')} with the purposes ",
            "it may serve." if len(held) == 1 else "each may serve.",
            " A use for any other purpose is refused.",
        )
        vault = quiet(
            "Direct identifiers lie in the vault, each person's values sealed under that person's own key;"
            " the other columns are encrypted files that know a person only by an internal number."
        )
        day = text(part(report, "workspace"), "time")[:10]
        each = join(*(_dataset(f"held-{at}", item, len(held), day) for at, item in enumerate(held)))
        words = f"{many(len(held), 'data set')} one by one, with purposes and columns"
        body = join(opening, vault, _overview(held), folded(len(held), _OPEN * 4, words, each))
    return Section("held", "What is held, and why", "Held", f"{len(held):,}", body)


def uses(report: Entry) -> Section:
    """List every use, the newest first, with its outcome and its cost."""
    listed = newest(entries(report.get("uses")))
    if not listed:
        body = nothing("Nobody has used the data yet.")
    else:
        first = " The newest stands first." if len(listed) > 1 else ""
        opening = lead(f"{many(len(listed), 'use')} passed the gate.{first}")
        words = quiet(
            "“Replayed” gave the same answer again at no cost. “Failed” and “spent, no result” gave nothing"
            " out: the run failed or was interrupted after its cost was debited, which is never given back."
        )
        body = join(opening, _by_person(listed), _used(listed), words)
    return Section("used", "Who used it", "Used", f"{len(listed):,}", body)


def _overview(held: Sequence[Entry]) -> Markup | None:
    if len(held) < 2:  # noqa: PLR2004 - one data set needs no list
        return None
    rows: list[list[Child]] = [
        [
            code(text(item, "dataset")),
            counted(whole(item, "rows")),
            counted(whole(item, "people")),
            f"{len(entries(item.get('columns'))):,}",
            _served(item),
        ]
        for item in held
    ]
    return table("held-table", "All data sets", _HELD, rows)


def _served(item: Entry) -> Child:
    listed = [child for one in entries(item.get("purposes")) for child in (" ", code(text(one, "purpose")))]
    return join(*listed[1:]) if listed else "none"


def _dataset(name: str, item: Entry, count: int, day: str) -> Markup:
    columns = entries(item.get("columns"))
    sealed = sum(column.get("in_vault") is True for column in columns)
    heading = tag("h3", code(text(item, "dataset")), " ", badge(f"version {counted(whole(item, 'version'))}"))
    known = facts(
        ("Rows", counted(whole(item, "rows"))),
        ("People", counted(whole(item, "people"))),
        ("Columns", f"{len(columns):,}, {sealed:,} of them in the vault"),
    )
    shown = folded(count, _OPEN, many(len(columns), "column"), _columns(name, columns))
    return tag("article", heading, known, _purposes(name, item, day), shown)


def _purposes(name: str, item: Entry, day: str) -> Markup:
    listed = entries(item.get("purposes"))
    if not listed:
        return nothing("No purpose may use this data set, so every use of it is refused.")
    rows: list[list[Child]] = [
        [
            code(text(one, "purpose")),
            clip(text(one, "basis")).replace("-", " "),
            _until(text(one, "until"), day),
            clip(text(one, "why"), 600),
        ]
        for one in listed
    ]
    return table(f"{name}-purposes", "Why it is held: purposes and lawful bases", _PURPOSES, rows)


def _until(until: str, day: str) -> Markup:
    """Show the last day of a purpose, and that it is over when it is."""
    return join(when(until), " ", badge("ended", "warn")) if is_over(until, day) else when(until)


def _columns(name: str, columns: Sequence[Entry]) -> Markup:
    if not columns:
        return nothing("No column is recorded for this data set.")
    rows: list[list[Child]] = [
        [
            code(text(one, "name")),
            clip(text(one, "type")),
            _ROLES.get(text(one, "role"), clip(text(one, "role"))),
            clip(text(one, "category")).replace("-", " "),
            _place(one),
        ]
        for one in columns
    ]
    return table(f"{name}-columns", "What is held: columns", _COLUMNS, rows)


def _place(column: Entry) -> Markup:
    return badge("vault", "good") if column.get("in_vault") is True else tag("span", "encrypted table")


def _by_person(listed: Sequence[Entry]) -> Markup | None:
    common = Counter(text(item, "as") or text(item, "by") for item in listed).most_common()
    if len(common) < 2:  # noqa: PLR2004 - one bar compares nothing
        return None
    rows: list[list[Child]] = [[clip(who), f"{count:,}"] for who, count in common]
    twin = table(
        "users-table",
        "Uses by who acted",
        [Column("Who", is_heading=True), Column("Uses", is_number=True)],
        rows,
    )
    title = shown_of("Uses by who acted", min(_PEOPLE_DRAWN, len(common)), len(common))
    described = f"{many(len(common), 'principal')}; the most active made {many(common[0][1], 'use')}."
    return figure(title, counts("users", title, described, common[:_PEOPLE_DRAWN]), twin)


def _used(listed: Sequence[Entry]) -> Markup:
    rows: list[list[Child]] = [
        [
            counted(whole(item, "entry")),
            when(text(item, "time"), ""),
            actor(item),
            code(text(item, "technique")),
            account(_names(item), text(item, "purpose")),
            _outcome(text(item, "outcome")),
            clip(text(item, "cost")),
        ]
        for item in listed[:_LISTED]
    ]
    every = table("uses-table", "Every use, with its journal entry", _USES, rows)
    return join(every, left_out(len(listed) - len(rows)))


def _names(item: Entry) -> str:
    """Name every data set of a use."""
    others = item.get("others")
    named = [str(name) for name in others] if isinstance(others, list) else []
    return ", ".join([text(item, "dataset"), *named])


def _outcome(outcome: str) -> Markup:
    return badge(clip(outcome), _OUTCOMES.get(outcome, "plain"))
