"""What was refused and why, and the walk-through of the demo."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from hedgerow.app.report.charts import counts, figure, shown_of
from hedgerow.app.report.markup import Child, Markup, clip, code, join, tag
from hedgerow.app.report.reading import Entry, actor, counted, entries, newest, text, when, whole
from hedgerow.app.report.section import Section, account, badge, lead, nothing, quiet
from hedgerow.app.report.tables import Column, left_out, table
from hedgerow.model.words import many

_IN_FULL = 12
_REASONS_DRAWN = 8
_LISTED = 500
_REFUSED = re.compile(r"(?:REFUSED|ERROR) +(.+?)(?: \(([a-z0-9.-]+)\))?")


def refusals(report: Entry) -> Section:
    """List what was refused, the newest first, each with its reasons."""
    listed = newest(entries(report.get("refusals")))
    if not listed:
        body = nothing("Nothing has been refused in this workspace so far.")
    else:
        body = join(
            _opening(listed), _by_reason(listed), _cards(listed[:_IN_FULL]), _folded(listed[_IN_FULL:])
        )
    return Section("refused", "What was refused, and why", "Refused", f"{len(listed):,}", body)


def walkthrough(report: Entry) -> Section | None:
    """Tell the acts of the demo; none where there are none."""
    acts = entries(report.get("acts"))
    if not acts:
        return None
    items = (
        tag("li", tag("h3", f"{counted(whole(act, 'number'))}. ", clip(text(act, "title"))), _paragraphs(act))
        for act in acts
    )
    body = join(lead("What this demonstration did, act by act."), tag("ol", *items, class_="acts"))
    return Section("walk", "The walk-through", "Walk-through", f"{len(acts):,}", body)


def _paragraphs(act: Entry) -> Markup:
    lines = [line for line in text(act, "said").splitlines() if line.strip()]
    return join(*(_line(line) for line in lines))


def _line(line: str) -> Markup:
    refused = _REFUSED.fullmatch(line)
    if refused is None:
        return tag("p", line)
    named = join(" ", tag("code", refused[2], class_="quiet")) if refused[2] else None
    return tag("p", badge("refused", "bad"), " ", refused[1], named, class_="refused")


def _opening(listed: Sequence[Entry]) -> Markup:
    failed = sum(is_late(item) for item in listed)
    return join(_said_no(len(listed) - failed), _failed(failed))


def _said_no(count: int) -> Markup | None:
    if not count:
        return None
    return lead(
        tag("b", f"The gate said no {'once' if count == 1 else many(count, 'time')}."),
        " A refusal is the boundary at work: whoever asked got no answer, only the reason, and ",
        "it stands" if count == 1 else "each stands",
        " in the journal. The newest stands first." if count > 1 else " in the journal.",
    )


def _failed(count: int) -> Markup | None:
    if not count:
        return None
    return quiet(
        tag("b", f"{many(count, 'use')} failed after data was opened."),
        " Nothing was given out; what was debited stays spent.",
    )


def is_late(item: Entry) -> bool:
    """Tell whether it was a use that failed after data was opened, which no refusal is."""
    return item.get("after_opening") is True


def _by_reason(listed: Sequence[Entry]) -> Markup | None:
    codes = [text(reason, "code") for item in listed for reason in entries(item.get("reasons"))]
    common = Counter(codes).most_common()
    if len(common) < 2 or common[0][1] == 1:  # noqa: PLR2004 - one bar, or bars of one, compare nothing
        return None
    rows: list[list[Child]] = [[code(name), f"{count:,}"] for name, count in common]
    twin = table(
        "reasons-table",
        "Reasons given",
        [Column("Reason", is_heading=True), Column("Times", is_number=True)],
        rows,
    )
    drawn = common[:_REASONS_DRAWN]
    title = shown_of("The reasons given, most frequent first", len(drawn), len(common))
    described = f"{many(len(common), 'reason')}; the most frequent was given {many(drawn[0][1], 'time')}."
    return figure(title, counts("reasons", title, described, drawn, kind="bad"), twin)


def _cards(listed: Sequence[Entry]) -> Markup:
    return tag("ol", *(_card(item) for item in listed), class_="cards")


def _card(item: Entry) -> Markup:
    return tag(
        "li",
        tag("p", *_asked(item), class_="asked"),
        tag("ul", *_reasons(item), class_="reasons"),
        _late(item),
        tag("p", when(text(item, "time")), " · ", _entry(item), class_="muted"),
    )


def _late(item: Entry) -> Markup | None:
    return quiet("It failed after data was opened; what was debited stays spent.") if is_late(item) else None


def _asked(item: Entry) -> list[Child]:
    said: list[Child] = [actor(item), " asked for ", code(text(item, "action"))]
    if text(item, "dataset"):
        said += [" on ", code(text(item, "dataset"))]
    if text(item, "purpose"):
        said += [" for the purpose ", code(text(item, "purpose"))]
    return said


def _reasons(item: Entry) -> list[Markup]:
    listed = entries(item.get("reasons"))
    if not listed:
        return [tag("li", "No reason was recorded.")]
    return [
        tag("li", clip(text(one, "text"), 600), " ", tag("code", clip(text(one, "code")), class_="quiet"))
        for one in listed
    ]


def _entry(item: Entry) -> str:
    return f"journal entry {counted(whole(item, 'entry'))}"


def _folded(listed: Sequence[Entry]) -> Markup | None:
    if not listed:
        return None
    columns = [
        Column("Entry", is_number=True),
        Column("Time, UTC"),
        Column("Who"),
        Column("Asked for"),
        Column("Data set, purpose"),
        Column("Reason", is_prose=True),
    ]
    rows: list[list[Child]] = [
        [
            counted(whole(item, "entry")),
            when(text(item, "time"), ""),
            actor(item),
            code(text(item, "action")),
            account(text(item, "dataset"), text(item, "purpose")),
            tag("ul", *_reasons(item), class_="plain"),
        ]
        for item in listed[:_LISTED]
    ]
    more = table("refused-table", "Earlier refusals", columns, rows)
    rest = left_out(len(listed) - len(rows))
    return tag("details", tag("summary", many(len(listed), "earlier refusal")), more, rest)
