"""The people's own say: consent, erasure, and rows set aside."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hedgerow.app.report.charts import Part, Row, bars, legend, shown_of
from hedgerow.app.report.markup import Child, Markup, clip, code, join, tag
from hedgerow.app.report.reading import HIDDEN, Entry, counted, entries, text, when, whole
from hedgerow.app.report.section import Section, badge, lead, nothing
from hedgerow.app.report.tables import Column, table
from hedgerow.model.words import many

_CONSENTS = (
    Column("Purpose", is_heading=True),
    Column("Granted", is_number=True),
    Column("Withdrawn", is_number=True),
    Column("Never asked", is_number=True),
)
_ERASURES = (
    Column("Certificate", is_heading=True),
    Column("State"),
    Column("Time, UTC"),
    Column("Entry", is_number=True),
)
_BATCHES = (
    Column("Batch", is_heading=True),
    Column("Data set"),
    Column("Rows", is_number=True),
    Column("Key expires"),
)
_DRAWN = 12
_ANSWERS = ("granted", "withdrawn", "never_asked")


def consents(report: Entry) -> Section:
    """Show how many people agreed to each purpose."""
    listed = entries(report.get("consents"))
    if not listed:
        body = nothing("No purpose rests on consent.")
    else:
        opening = lead(
            "Whoever has not agreed to a purpose is absent from every result for it."
            " A withdrawal takes effect at the next use."
        )
        body = join(opening, _coverage(listed), _answers(listed))
    return Section("consent", "Consent", "Consent", "", body)


def erasures(report: Entry) -> Section:
    """Show who left, as certificates, and what their state means."""
    listed = entries(report.get("erasures"))
    if not listed:
        body = nothing("Nobody has been erased.")
    else:
        rows: list[list[Child]] = [
            [
                code(text(item, "certificate")),
                _state(text(item, "state")),
                when(text(item, "time"), ""),
                counted(whole(item, "entry")),
            ]
            for item in listed
        ]
        opening = lead(
            f"{many(len(listed), 'person was', 'people were')} erased; no more is known of them here."
        )
        body = join(
            opening, table("erasures-table", "Signed certificates of erasure", _ERASURES, rows), _meaning()
        )
    return Section("left", "People who left", "Left", f"{len(listed):,}", body)


def quarantine(report: Entry) -> Section:
    """Show the broken rows that wait for somebody to decide."""
    listed = entries(report.get("quarantine"))
    if not listed:
        body = nothing("No row is set aside.")
    else:
        rows: list[list[Child]] = [
            [
                code(text(item, "batch")),
                code(text(item, "dataset")),
                counted(whole(item, "rows")),
                when(text(item, "until")),
            ]
            for item in listed
        ]
        opening = lead(
            "Rows that could not be read are sealed and used by nothing. When the key expires they are gone."
        )
        body = join(opening, table("quarantine-table", "Batches, and when their keys expire", _BATCHES, rows))
    return Section("aside", "Rows set aside", "Set aside", f"{len(listed):,}", body)


def _coverage(listed: Sequence[Entry]) -> Markup | None:
    every = [row for item in listed if (row := _stack(item)) is not None]
    if not every:
        return None
    rows = every[:_DRAWN]
    title = shown_of("Consent of the people held, by purpose", len(rows), len(every))
    described = "; ".join(f"{clip(row.label, 60)}: {row.value}" for row in rows) + "."
    keys = legend(("main", "granted"), ("bad", "withdrawn"), ("rest", "never asked"))
    return tag("figure", tag("figcaption", title), keys, bars("consent-chart", title, described, rows))


def _stack(item: Entry) -> Row | None:
    known = [whole(item, key) for key in _ANSWERS]
    granted, withdrawn, unasked = known
    if granted is None or withdrawn is None or unasked is None:
        return None
    total = granted + withdrawn + unasked
    if not total:
        return Row(text(item, "purpose"), "nobody yet", ())
    parts = (
        Part("main", Fraction(granted, total)),
        Part("bad", Fraction(withdrawn, total)),
        Part("rest", Fraction(unasked, total)),
    )
    # Rounded down: agreement never looks wider than it is.
    return Row(text(item, "purpose"), f"{100 * granted // total}% granted", parts)


def _answers(listed: Sequence[Entry]) -> Markup:
    rows: list[list[Child]] = [
        [code(text(item, "purpose")), *(_count(item, key) for key in _ANSWERS)] for item in listed
    ]
    return table("consent-table", "People by their answer to each purpose", _CONSENTS, rows)


def _count(item: Entry, key: str) -> Child:
    said = counted(whole(item, key))
    return tag("i", said, class_="muted") if said == HIDDEN else said


def _state(state: str) -> Markup:
    return badge(clip(state, 60), {"logical": "warn", "final": "good"}.get(state, "plain"))


def _meaning() -> Markup:
    logical = tag(
        "p",
        tag("b", "Logical"),
        " means: at once, the person's key was destroyed, the rows left the current"
        " files, pseudonyms can no longer be linked, and no use can reach the person. Not yet final: old"
        " pages of the database and its log, and copies and backups made before.",
    )
    final = tag(
        "p",
        tag("b", "Final"),
        " means: the key above it was destroyed too, so that no copy of the person's"
        " key, wherever it was written, opens with any key still held.",
    )
    out = tag(
        "p", "Neither calls back what had already left: earlier answers and releases keep what they hold."
    )
    return tag("div", logical, final, out, class_="note")
