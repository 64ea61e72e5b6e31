"""The fidelity page of a synthetic table: how close it is to its measurements, and what is not shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import cast

from hedgerow.app.report.charts import Part, Row, bars, figure, legend, shown_of
from hedgerow.app.report.markup import Markup, clip, code, join, tag
from hedgerow.app.report.page import brand_line, page_of
from hedgerow.app.report.section import Section, folded, lead, quiet
from hedgerow.app.report.tables import Column, facts, table
from hedgerow.model.uses import Json
from hedgerow.model.words import percent

Told = Mapping[str, Json]
_DRAWN = 12
_OPEN = 4


def render_synthetic(told: Told) -> str:
    """Write the fidelity report of a synthetic table as one HTML file.

    Args:
        told: What ``Service.synthesise`` returns.

    Returns:
        HTML that loads nothing and runs nothing.
    """
    title = f"Synthetic table of {told['dataset']}"
    if "children" in told:
        title = f"Synthetic tables of {told['dataset']} and {told['children']}"
    sections = [_measured(told), _columns(told), *_compared(told), _limits(told)]
    contents = tag("nav", tag("ul", *(section.link() for section in sections)), aria_label="Contents")
    main = tag("main", join(*(section.drawn() for section in sections)), id="main")
    body = tag(
        "body",
        tag("a", "Skip to the report", href="#main", class_="skip"),
        _header(title, told),
        tag("div", contents, main, class_="columns"),
        tag("footer", tag("p", "One file, no script, nothing loaded from anywhere.")),
    )
    return page_of(title, body)


def _each(told: Told, key: str) -> list[Told]:
    return [cast("Told", each) for each in cast("Sequence[Json]", told[key])]


def _names(told: Told) -> str:
    return ", ".join(map(str, cast("Sequence[Json]", told["columns"])))


def _header(title: str, told: Told) -> Markup:
    receipt = cast("Told", told["receipt"])
    known = facts(
        ("Rows asked for", f"{told['rows']:,}"),
        ("Purpose", code(str(told["purpose"]))),
        ("Request", code(str(receipt["request_id"]))),
        ("Journal entry", str(receipt["entry"])),
    )
    said = "Rows of people who do not exist, drawn from noisy counts of the rows of people who do."
    label = tag("p", tag("strong", clip(str(told["label"]))))
    noise = quiet(f"Noise: {told['noise']}.") if "noise" in told else None
    return tag("header", brand_line(), tag("h1", title), tag("p", said), label, noise, known, class_="top")


def _measured(told: Told) -> Section:
    measured = _each(told, "measured")
    together = [each for each in measured if len(cast("Sequence[Json]", each["columns"])) > 1]
    drawn = (together or measured)[:_DRAWN]
    what = "Share of rows off, by the columns measured together" if together else "Share of rows off"
    title = shown_of(what, len(drawn), len(together or measured))
    chart = bars(
        "measured", title, "Each distance beside what noise alone explains.", [_bar(each) for each in drawn]
    )
    columns = [
        Column("Columns", is_heading=True), Column("Cells", is_number=True),
        Column("± of a count", is_number=True), Column("Off", is_number=True),
        Column("By noise alone", is_number=True),
    ]  # fmt: skip
    rows = [
        [_names(each), f"{each['cells']:,}", str(each["half_width_95"]), _percent(each["distance"]),
         _percent(each["noise"])]
        for each in measured
    ]  # fmt: skip
    twin = table("measured-table", "Every measurement", columns, rows)
    kinds = legend(("main", "up to what noise alone explains"), ("bad", "beyond it"))
    body = join(
        lead(
            "How far the synthetic rows are from each noisy measurement: the share of rows that would have "
            "to move to another cell, and how much of that the noise in the measurement explains by itself."
        ),
        figure(title, chart, twin, kinds),
    )  # fmt: skip
    return Section("measured", "What was measured", "What was measured", str(len(measured)), body)


def _bar(told: Told) -> Row:
    off, noise = Fraction(str(told["distance"])), Fraction(str(told["noise"]))
    parts = (
        Part("main", min(off, noise, Fraction(1))),
        Part("bad", min(max(off - noise, Fraction(0)), Fraction(1))),
    )
    return Row(_names(told), f"{_percent(told['distance'])} off, noise {_percent(told['noise'])}", parts)


def _columns(told: Told) -> Section:
    columns = _each(told, "columns")
    drawn = [_column(place, each, is_open=place < _OPEN) for place, each in enumerate(columns)]
    body = join(
        lead(
            "Each column alone: the share of each cell as measured, with noise, and in the synthetic rows. "
            "The caption has the noise; what lies within it says nothing."
        ),
        *drawn,
    )
    return Section("columns", "Each column", "Each column", str(len(columns)), body)


def _column(place: int, told: Told, *, is_open: bool) -> Markup:
    cells = _each(told, "cells")
    columns = [
        Column("Cell", is_heading=True),
        Column("Measured", is_number=True),
        Column("Synthetic", is_number=True),
        Column("Apart", is_number=True),
    ]
    rows = [
        [str(each["cell"]), _percent(each["measured"]), _percent(each["synthetic"]), _apart(each)]
        for each in cells
    ]
    caption = f"Shares of {told['name']}, measured ± {_percent(told['plus_minus'])}"
    inner = table(f"column-{place}", caption, columns, rows)
    most = len(cells) if is_open else 0
    return join(tag("h3", str(told["name"])), folded(len(cells), most, f"{len(cells)} cells", inner))


def _apart(cell: Told) -> str:
    off = Fraction(str(cell["synthetic"])) - Fraction(str(cell["measured"]))
    sign = "+" if off > 0 else "-" if off < 0 else ""
    return f"{sign}{percent(str(abs(off)))}"


def _compared(told: Told) -> list[Section]:
    if "compared" not in told:
        return []
    compared = cast("Told", told["compared"])
    pairs = sorted(_each(compared, "pairs"), key=lambda each: -Fraction(str(each["distance"])))
    columns = [Column("Columns", is_heading=True), Column("Off", is_number=True)]
    rows = [[_names(each), _percent(each["distance"])] for each in pairs]
    body = join(
        lead(f"Every pair of columns against the real rows, each ± {_percent(compared['plus_minus'])}; "
             f"{_percent(compared['mean'])} of the rows are off on average. This was paid for."),
        table("compared-table", "Pairs, the farthest first", columns, rows),
    )  # fmt: skip
    return [Section("compared", "Against the real rows", "Against the real rows", str(len(pairs)), body)]


def _limits(told: Told) -> Section:
    said = tag("ul", *(tag("li", str(each)) for each in cast("Sequence[Json]", told["limits"])))
    body = join(said, quiet("The same figures as plain values: name a report that ends with .json."))
    return Section("limits", "What this does not show", "What this does not show", "", body)


def _percent(share: Json) -> str:
    return percent(str(share))
