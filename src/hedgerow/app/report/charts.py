"""Charts as inline SVG that keeps its text size at every width, each with its figures as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from hedgerow.app.report.markup import Markup, clip, join, tag

_ROW_HEIGHT, _BAR_TOP, _BAR_HEIGHT = 46, 21, 13
_LABEL_MAX, _VALUE_MAX = 28, 24
_LEAST = Fraction(6, 1000)
_PLOT_TOP, _PLOT_HEIGHT = 20, 100


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a bar.

    Args:
        kind: ``"main"``, ``"bad"``, ``"rest"``: how it is drawn.
        share: Its share of the full width, 0 to 1.
    """

    kind: str
    share: Fraction


@dataclass(frozen=True, slots=True)
class Row:
    """One bar with its label on the left above it and its value on the right.

    Args:
        label: What it is; clipped where it is long, the table twin has it whole.
        value: Its value in words.
        parts: From the left; what is missing to 1 stays empty.
    """

    label: str
    value: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Upright:
    """One column of a histogram: its label, its value in words and its height, 0 to 1."""

    label: str
    value: str
    share: Fraction


def bars(name: str, title: str, description: str, rows: Sequence[Row]) -> Markup:
    """Draw horizontal bars, each of one part or stacked.

    Args:
        name: Unique name inside the page.
        title: What the chart shows.
        description: The same in a sentence, for who cannot see it.
        rows: The bars, from the top.

    Returns:
        The SVG.
    """
    drawn = [_bar(position, row) for position, row in enumerate(rows)]
    return _svg(name, title, description, len(rows) * _ROW_HEIGHT, join(*drawn))


def counts(
    name: str, title: str, description: str, figures: Sequence[tuple[str, int]], kind: str = "main"
) -> Markup:
    """Draw counts as horizontal bars of one kind, the largest over the full width."""
    most = max((count for _, count in figures), default=0) or 1
    rows = [Row(label, f"{count:,}", (Part(kind, Fraction(count, most)),)) for label, count in figures]
    return bars(name, title, description, rows)


def histogram(name: str, title: str, description: str, columns: Sequence[Upright], axis: str) -> Markup:
    """Draw upright columns over an axis.

    Args:
        name: Unique name inside the page.
        title: What the chart shows.
        description: The same in a sentence.
        columns: From the left, at most about eight.
        axis: What the axis counts.

    Returns:
        The SVG.
    """
    width = Fraction(1, max(1, len(columns)))
    floor = _PLOT_TOP + _PLOT_HEIGHT
    drawn = [_column(position * width, width, column) for position, column in enumerate(columns)]
    line = tag("line", x1="0", x2="100%", y1=str(floor), y2=str(floor), class_="axis")
    under = tag("text", axis, x="50%", y=str(floor + 38), text_anchor="middle", class_="quiet")
    return _svg(name, title, description, floor + 46, join(*drawn, line, under))


def shown_of(title: str, drawn: int, total: int) -> str:
    """Say in a chart's title that it draws only some of what its table holds."""
    return title if drawn >= total else f"{title}: {drawn} of {total:,}"


def figure(title: str, chart: Markup, twin: Markup, legend: Markup | None = None) -> Markup:
    """Set a chart with its caption, its legend and the same figures as a table."""
    folded = tag("details", tag("summary", "The same figures as a table"), twin)
    return tag("figure", tag("figcaption", title), legend, chart, folded)


def legend(*kinds: tuple[str, str]) -> Markup:
    """Explain the kinds of parts: pairs of kind and words."""
    items = (tag("li", _swatch(kind), " ", words) for kind, words in kinds)
    return tag("ul", *items, class_="legend")


def percent(share: Fraction) -> str:
    """Write a share as a length, rounded up to a hundredth of a percent and at most all."""
    hundredths = min(10_000, -((-share.numerator * 10_000) // share.denominator))
    return f"{hundredths // 100}.{hundredths % 100:02d}%"


def _svg(name: str, title: str, description: str, height: int, drawn: Markup) -> Markup:
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", description, id=f"{name}-desc"),
        drawn,
        class_="chart",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        width="100%",
        height=str(max(1, height)),
    )


def _bar(position: int, row: Row) -> Markup:
    top = position * _ROW_HEIGHT
    label = tag("text", _short(row.label, _LABEL_MAX), x="0", y=str(top + 14))
    value = tag("text", _short(row.value, _VALUE_MAX), x="100%", y=str(top + 14), text_anchor="end")
    start, stretches = Fraction(0), []
    for part in row.parts:
        # What is there is seen: nothing above zero is thinner than a hair.
        end = min(Fraction(1), start + max(part.share, _LEAST if part.share else Fraction(0)))
        stretches.append(_rect(f"part-{part.kind}", top + _BAR_TOP, start, end))
        start = end
    outline = _rect("outline", top + _BAR_TOP, Fraction(0), Fraction(1))
    return join(label, value, *stretches, outline)


def _rect(kind: str, top: int, start: Fraction, end: Fraction) -> Markup:
    return tag(
        "rect", class_=kind, x=percent(start), y=str(top), width=percent(end - start), height=str(_BAR_HEIGHT)
    )


def _column(left: Fraction, width: Fraction, column: Upright) -> Markup:
    height = max(1, -((-column.share.numerator * _PLOT_HEIGHT) // column.share.denominator))
    top = _PLOT_TOP + _PLOT_HEIGHT - (height if column.share else 0)
    middle = percent(left + width / 2)
    bar = tag(
        "rect",
        class_="part-main",
        x=percent(left + width / 10),
        y=str(top),
        width=percent(width * 4 / 5),
        height=str(height if column.share else 0),
    )
    value = tag("text", column.value, x=middle, y=str(top - 5), text_anchor="middle")
    label = tag("text", column.label, x=middle, y=str(_PLOT_TOP + _PLOT_HEIGHT + 17), text_anchor="middle")
    return join(bar, value, label)


def _swatch(kind: str) -> Markup:
    square = {"x": "1", "y": "1", "width": "10", "height": "10"}
    return tag(
        "svg",
        tag("rect", class_=f"part-{kind}", **square),
        tag("rect", class_="outline", **square),
        class_="swatch",
        width="12",
        height="12",
        aria_hidden="true",
    )


def _short(label: str, most: int) -> str:
    return label if len(label) <= most else f"{clip(label, most - 1)[: most - 1]}…"
