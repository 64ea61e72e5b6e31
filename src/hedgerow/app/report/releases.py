"""What left the house as tables of rows, and how risky each release is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hedgerow.app.report.charts import Upright, figure, histogram
from hedgerow.app.report.markup import Child, Markup, clip, code, join, tag
from hedgerow.app.report.reading import (
    Entry,
    chance,
    counted,
    entries,
    exact,
    part,
    text,
    texts,
    when,
    whole,
)
from hedgerow.app.report.section import Section, badge, lead, nothing, quiet
from hedgerow.app.report.tables import Column, facts, table
from hedgerow.model.words import many, percent

_BINS = 7
_ROUNDING = Fraction(1, 10_000)
_SIZES = (Column("Rows in the class", is_heading=True), Column("Classes", is_number=True))
_LEVELS = (Column("Column", is_heading=True), Column("Generalised to level"))


def releases(report: Entry) -> Section:
    """Show each release with its risk."""
    listed = entries(report.get("releases"))
    if not listed:
        body = nothing("No table of rows has left this workspace.")
    else:
        opening = lead(
            f"{many(len(listed), 'table')} of rows left this workspace. ",
            "De-identified is not anonymous: the risk that remains stands with each.",
        )
        body = join(opening, *(_release(f"release-{at}", item) for at, item in enumerate(listed)))
    return Section("releases", "Releases, and the risk that remains", "Released", f"{len(listed):,}", body)


def is_short_of_k(summary: Entry) -> bool:
    """Tell whether the smallest class of a release has fewer rows than were promised."""
    k, smallest = whole(summary, "k"), whole(summary, "smallest_class")
    return k is not None and smallest is not None and smallest < k


def bins(sizes: Sequence[tuple[int, int]], most: int = _BINS) -> list[tuple[str, int]]:
    """Sort class sizes into bins that widen by 1, 2, 5, 10, ...

    Args:
        sizes: Pairs of class size (at least 1) and number of such classes.
        most: Bins at most, at least 2; the last is open where there would be more.

    Returns:
        Pairs of label and number of classes, from the smallest size; every class is counted.
    """
    if not sizes:
        return []
    low, high = min(size for size, _ in sizes), max(size for size, _ in sizes)
    edges = [low]
    while edges[-1] <= high and len(edges) < most:
        edges.append(_next_edge(edges[-1]))
    if edges[-1] > high:
        edges.pop()
        ends: list[int | None] = [*(edge - 1 for edge in edges[1:]), high]
    else:
        ends = [*(edge - 1 for edge in edges[1:]), None]
    return [
        (
            _span(start, end),
            sum(count for size, count in sizes if size >= start and (end is None or size <= end)),
        )
        for start, end in zip(edges, ends, strict=True)
    ]


def _next_edge(edge: int) -> int:
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step > edge:
                return factor * step
        step *= 10


def _span(start: int, end: int | None) -> str:
    if end is None:
        return f"{start}+"
    return str(start) if start == end else f"{start}-{end}"


def _release(name: str, item: Entry) -> Markup:
    summary = part(item, "summary")
    label = text(summary, "label")
    heading = tag("h3", code(text(item, "id")), " ", badge(clip(label, 60), "warn") if label else None)
    said = quiet(
        "From ",
        code(text(item, "dataset")),
        " for ",
        code(text(item, "purpose")),
        ", made by ",
        tag("b", clip(text(item, "by"))),
        " with ",
        code(text(item, "technique")),
        ", ",
        when(text(item, "time")),
        ".",
    )
    if not summary:
        return tag("article", heading, said, nothing("No risk summary is shown for this release."))
    return tag(
        "article",
        heading,
        said,
        _short_of_k(summary),
        _risk(summary),
        _counts_people(summary),
        levels_table(name, summary),
        class_sizes(name, summary),
        _statements(summary),
    )


def _counts_people(summary: Entry) -> Markup | None:
    """Explain a risk above that of the smallest class: classes hold rows, risk is about people."""
    written, smallest = exact(summary.get("max_risk")), whole(summary, "smallest_class")
    if not smallest or written is None or written <= Fraction(1, smallest) + _ROUNDING:
        return None
    return quiet(
        "Classes count rows. Risk counts people: one person may have several rows in a class, so the risk"
        " can be higher than the number of rows suggests."
    )


def _short_of_k(summary: Entry) -> Markup | None:
    k, smallest = whole(summary, "k"), whole(summary, "smallest_class")
    if k is None or smallest is None or not is_short_of_k(summary):
        return None
    return tag(
        "p",
        tag("b", "This release does not keep its promise: "),
        f"its smallest class has {many(smallest, 'row')}, fewer than k = {k:,}.",
        class_="alarm",
    )


def _risk(summary: Entry) -> Markup:
    pairs: list[tuple[str, Child]] = [
        ("Rows released", _count(summary, "rows")),
        ("k promised", _count(summary, "k")),
        ("Smallest class", _rows(summary)),
        ("Classes", _count(summary, "classes")),
        ("Rows suppressed", _dropped(summary)),
        ("Highest risk", _highest(summary)),
        ("Average risk", chance(summary.get("average_risk"))),
    ]
    return facts(*pairs)


def _dropped(summary: Entry) -> str:
    share = exact(summary.get("suppressed_share"))
    return "not recorded" if share is None else percent(share)


def _count(summary: Entry, key: str) -> str:
    return counted(whole(summary, key)) if key in summary else "not recorded"


def _rows(summary: Entry) -> str:
    smallest = whole(summary, "smallest_class")
    return _count(summary, "smallest_class") if smallest is None else many(smallest, "row")


def _highest(summary: Entry) -> str:
    """Show the larger of the risk written, with four places, and that of the smallest class."""
    written, smallest = exact(summary.get("max_risk")), whole(summary, "smallest_class")
    if not smallest:
        return chance(summary.get("max_risk"))
    if written is None or written <= Fraction(1, smallest) + _ROUNDING:
        return chance(f"1/{smallest}") if smallest > 1 else "certain (100%)"
    return chance(summary.get("max_risk"))


def levels_table(name: str, summary: Entry) -> Markup | None:
    """Show how far each quasi-identifier was made coarser; none where it is not told."""
    levels = part(summary, "levels")
    if not levels:
        return None
    rows: list[list[Child]] = [[code(column), clip(_level(level))] for column, level in levels.items()]
    most = ", at most; each class has levels of its own" if text(summary, "method") == "local" else ""
    title = f"How far each quasi-identifier was generalised{most}; 0 is as collected"
    return table(f"{name}-levels", title, _LEVELS, rows)


def _level(level: object) -> str:
    return " of ".join(texts(level)) if isinstance(level, list | tuple) else str(level)


def _sizes(summary: Entry) -> list[tuple[int, int]]:
    listed = summary.get("class_sizes")
    if not isinstance(listed, list | tuple):
        return []
    pairs = [tuple(pair) for pair in listed if isinstance(pair, list | tuple)]
    return sorted(
        (pair[0], pair[1])
        for pair in pairs
        if len(pair) == 2 and all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in pair)  # noqa: PLR2004 - a pair
    )


def class_sizes(name: str, summary: Entry) -> Markup | None:
    """Draw how many classes there are of each size; none where it is not told."""
    sizes = _sizes(summary)
    if not sizes:
        return None
    binned = bins(sizes)
    most = max(count for _, count in binned)
    total = sum(count for _, count in sizes)
    title = "How many rows look alike: classes by their size"
    described = (
        f"{many(total, 'class', 'classes')}, from {many(sizes[0][0], 'row')} to {many(sizes[-1][0], 'row')};"
        " the larger a class, the better it hides a person."
    )
    # Only the lower end stands under a column, so that it fits on a phone; the table has both.
    columns = [Upright(label.split("-")[0], f"{count:,}", Fraction(count, most)) for label, count in binned]
    chart = histogram(f"{name}-chart", title, described, columns, "rows in the class, from")
    rows: list[list[Child]] = [[label, f"{count:,}"] for label, count in binned]
    return figure(title, chart, table(f"{name}-sizes", "Classes by their number of rows", _SIZES, rows))


def _statements(summary: Entry) -> Markup | None:
    said = list(dict.fromkeys([*texts(summary.get("limits")), *texts(summary.get("statements"))]))
    if not said:
        return None
    return join(
        tag("h4", "What to know before using it"),
        tag("ul", *(tag("li", clip(one, 600)) for one in said)),
    )
