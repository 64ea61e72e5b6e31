"""What was refused and why, and the walk-through of the demo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hedgerow.app.report.charts import counts, figure
from hedgerow.app.report.markup import Child, Markup, clip, code, join, tag
from hedgerow.app.report.reading import Entry, actor, counted, entries, many, text, when, whole
from hedgerow.app.report.section import Section, lead, nothing
from hedgerow.app.report.tables import Column, table

_IN_FULL = 12
_REASONS_DRAWN = 8


def refusals(report: Entry) -> Section:
    """List what was refused, each with its reasons."""
    listed = entries(report.get("refusals"))
    if not listed:
        body = nothing("Nothing has been refused in this workspace so far.")
    else:
        body = join(
            _opening(listed), _by_reason(listed), _cards(listed[:_IN_FULL]), _folded(listed[_IN_FULL:])
        )
    return Section("refused", "What was refused, and why", "Refused", str(len(listed)), body)


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
    return Section("walk", "The walk-through", "Walk-through", str(len(acts)), body)


def _paragraphs(act: Entry) -> Markup:
    lines = [line for line in text(act, "said").splitlines() if line.strip()]
    return join(*(tag("p", line) for line in lines))


def _opening(listed: Sequence[Entry]) -> Markup:
    is_one = len(listed) == 1
    return lead(
        tag("b", f"The gate said no {'once' if is_one else many(len(listed), 'time')}."),
        " A refusal is the boundary at work: whoever asked got no answer, only the reason, and ",
        "it stands in the journal." if is_one else "each stands in the journal.",
    )


def _by_reason(listed: Sequence[Entry]) -> Markup | None:
    codes = [text(reason, "code") for item in listed for reason in entries(item.get("reasons"))]
    common = Counter(codes).most_common()
    if len(common) < 2:  # noqa: PLR2004 - one bar compares nothing
        return None
    rows: list[list[Child]] = [[code(name), f"{count:,}"] for name, count in common]
    twin = table(
        "reasons-table",
        "Reasons given",
        [Column("Reason", is_heading=True), Column("Times", is_number=True)],
        rows,
    )
    title = "The reasons given, most frequent first"
    drawn = common[:_REASONS_DRAWN]
    described = f"{many(len(common), 'reason')}; the most frequent was given {many(drawn[0][1], 'time')}."
    return figure(title, counts("reasons", title, described, drawn, kind="bad"), twin)


def _cards(listed: Sequence[Entry]) -> Markup:
    return tag("ol", *(_card(item) for item in listed), class_="cards")


def _card(item: Entry) -> Markup:
    return tag(
        "li",
        tag("p", *_asked(item), class_="asked"),
        tag("ul", *_reasons(item), class_="reasons"),
        tag("p", when(text(item, "time")), " · ", _entry(item), class_="muted"),
    )


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
        Column("Time"),
        Column("Who"),
        Column("Asked for"),
        Column("Data set"),
        Column("Purpose"),
        Column("Reason", is_prose=True),
    ]
    rows: list[list[Child]] = [
        [
            counted(whole(item, "entry")),
            when(text(item, "time")),
            actor(item),
            code(text(item, "action")),
            code(text(item, "dataset") or "none"),
            code(text(item, "purpose") or "none"),
            tag("ul", *_reasons(item), class_="plain"),
        ]
        for item in listed
    ]
    more = table("refused-table", "Further refusals", columns, rows)
    return tag("details", tag("summary", many(len(listed), "further refusal")), more)
