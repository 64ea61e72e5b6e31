"""Tables with a caption and scopes that scroll alone when they are wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hedgerow.app.report.markup import Child, Markup, join, tag


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Args:
        title: What its cells say.
        is_number: Whether its cells are numbers, set to the right.
        is_heading: Whether its cells name their rows.
        is_prose: Whether its cells are sentences, which want room.
    """

    title: str
    is_number: bool = False
    is_heading: bool = False
    is_prose: bool = False

    @property
    def look(self) -> str | None:
        """The class of its cells."""
        return "number" if self.is_number else "prose" if self.is_prose else None


def table(name: str, caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Child]]) -> Markup:
    """Build a table in a region that the keyboard can scroll.

    Args:
        name: Unique name inside the page, a literal with at most a position.
        caption: What the table shows.
        columns: Its columns.
        rows: One child for each column.

    Returns:
        The table.
    """
    head = tag("tr", *(tag("th", c.title, scope="col", class_=c.look) for c in columns))
    body = join(*(_row(columns, row) for row in rows))
    inner = tag(
        "table",
        tag("caption", tag("span", caption), id=f"{name}-caption"),
        tag("thead", head),
        tag("tbody", body),
    )
    return tag("div", inner, class_="scroll", role="region", tabindex="0", aria_labelledby=f"{name}-caption")


def left_out(count: int) -> Markup | None:
    """Say how many rows a table leaves out, and where they stand; none when there are none."""
    if count < 1:
        return None
    said = (
        f"{count:,} older {'row is' if count == 1 else 'rows are'} left out here to keep the page readable; "
    )
    return tag("p", said, tag("code", "hedgerow report --json"), " gives all.", class_="muted")


def facts(*pairs: tuple[str, Child]) -> Markup:
    """List facts as terms and what they are."""
    return tag("dl", *(tag("div", tag("dt", term), tag("dd", said)) for term, said in pairs), class_="facts")


def _row(columns: Sequence[Column], row: Sequence[Child]) -> Markup:
    return tag("tr", *(_cell(column, child) for column, child in zip(columns, row, strict=True)))


def _cell(column: Column, child: Child) -> Markup:
    if column.is_heading:
        return tag("th", child, scope="row", class_=column.look)
    return tag("td", child, class_=column.look)
