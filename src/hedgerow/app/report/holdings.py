"""What is held and why, and who used it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hedgerow.app.report.charts import counts, figure
from hedgerow.app.report.markup import Child, Markup, clip, code, join, tag
from hedgerow.app.report.reading import Entry, actor, counted, entries, many, text, when, whole
from hedgerow.app.report.section import Section, badge, lead, nothing, quiet
from hedgerow.app.report.tables import Column, facts, table

_PEOPLE_DRAWN = 8
_ROLES = {
    "direct-identifier": "direct identifier",
    "sensitive-attribute": "sensitive attribute",
    "row-id": "row number",
}
_OUTCOMES = {"done": "good", "replayed": "plain", "failed": "bad", "spent, no result": "warn"}
_COLUMNS = (
    Column("Column", is_heading=True),
    Column("Type"),
    Column("What it does to the person"),
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
    Column("Time"),
    Column("Who"),
    Column("Technique"),
    Column("Data set"),
    Column("Purpose"),
    Column("Outcome"),
    Column("Privacy cost"),
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
        body = join(opening, vault, *(_dataset(f"held-{at}", item) for at, item in enumerate(held)))
    return Section("held", "What is held, and why", "Held", str(len(held)), body)


def uses(report: Entry) -> Section:
    """List every use with its outcome and its cost."""
    listed = entries(report.get("uses"))
    if not listed:
        body = nothing("Nobody has used the data yet.")
    else:
        opening = lead(f"{many(len(listed), 'use')} passed the gate.")
        words = quiet(
            "“Replayed” gave the same answer again at no cost. “Spent, no result” means that the run was"
            " interrupted after its cost was debited; the cost is never given back."
        )
        body = join(opening, _by_person(listed), _used(listed), words)
    return Section("used", "Who used it", "Used", str(len(listed)), body)


def _dataset(name: str, item: Entry) -> Markup:
    columns = entries(item.get("columns"))
    sealed = sum(column.get("in_vault") is True for column in columns)
    heading = tag("h3", code(text(item, "dataset")), " ", badge(f"version {counted(whole(item, 'version'))}"))
    known = facts(
        ("Rows", counted(whole(item, "rows"))),
        ("People", counted(whole(item, "people"))),
        ("Columns", f"{len(columns):,}, {sealed:,} of them in the vault"),
    )
    return tag("article", heading, known, _purposes(name, item), _columns(name, columns))


def _purposes(name: str, item: Entry) -> Markup:
    listed = entries(item.get("purposes"))
    if not listed:
        return nothing("No purpose may use this data set, so every use of it is refused.")
    rows: list[list[Child]] = [
        [
            code(text(one, "purpose")),
            clip(text(one, "basis")).replace("-", " "),
            when(text(one, "until")),
            clip(text(one, "why"), 600),
        ]
        for one in listed
    ]
    return table(f"{name}-purposes", "Why it is held: purposes and lawful bases", _PURPOSES, rows)


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
    title = "Uses by who acted"
    described = f"{many(len(common), 'principal')}; the most active made {many(common[0][1], 'use')}."
    return figure(title, counts("users", title, described, common[:_PEOPLE_DRAWN]), twin)


def _used(listed: Sequence[Entry]) -> Markup:
    rows: list[list[Child]] = [
        [
            counted(whole(item, "entry")),
            when(text(item, "time")),
            actor(item),
            code(text(item, "technique")),
            code(text(item, "dataset")),
            code(text(item, "purpose")),
            _outcome(text(item, "outcome")),
            clip(text(item, "cost")),
        ]
        for item in listed
    ]
    return table("uses-table", "Every use, with its journal entry", _USES, rows)


def _outcome(outcome: str) -> Markup:
    return badge(clip(outcome), _OUTCOMES.get(outcome, "plain"))
