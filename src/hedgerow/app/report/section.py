"""A section of the report: a heading, a place in the contents, and what it says."""

from __future__ import annotations

from dataclasses import dataclass

from hedgerow.app.report.markup import Child, Markup, code, join, tag


@dataclass(frozen=True, slots=True)
class Section:
    """One section.

    Args:
        name: Its anchor, a literal.
        title: Its heading.
        short: What the contents call it.
        mark: What the contents show beside it, usually a count; empty for nothing.
        body: What it holds.
    """

    name: str
    title: str
    short: str
    mark: str
    body: Markup

    def drawn(self) -> Markup:
        """Build the section with its heading."""
        heading = tag("h2", self.title, id=f"{self.name}-heading")
        return tag("section", heading, self.body, id=self.name, aria_labelledby=f"{self.name}-heading")

    def link(self) -> Markup:
        """Build its line in the contents."""
        mark = tag("span", self.mark, class_="mark") if self.mark else None
        return tag("li", tag("a", self.short, " ", mark, href=f"#{self.name}"))


def lead(*children: Child) -> Markup:
    """Open a section in a sentence or two."""
    return tag("p", *children, class_="lead")


def quiet(*children: Child) -> Markup:
    """Add an explanation that most readers may skip."""
    return tag("p", *children, class_="muted")


def nothing(sentence: str) -> Markup:
    """Say in one sentence that a section is empty."""
    return tag("p", sentence, class_="nothing")


def account(dataset: str, purpose: str) -> Child:
    """Name a data set and the purpose it is used for; ``*`` stands for the whole population."""
    if dataset == "*":
        return tag("span", "The whole population")
    if not dataset and not purpose:
        return tag("span", "none", class_="muted")
    return (
        join(code(dataset) if dataset else None, tag("span", " for "), code(purpose))
        if purpose
        else code(dataset)
    )


def folded(count: int, most: int, words: str, inner: Markup) -> Markup:
    """Fold something away where there would be too much of it on the page."""
    return inner if count <= most else tag("details", tag("summary", words), inner)


def badge(words: str, kind: str = "plain") -> Markup:
    """Set a short word apart; the word itself carries the meaning, never the colour alone."""
    return tag("span", words, class_=f"badge {kind}")


def shell(*commands: str) -> Markup:
    """Show commands as they are typed."""
    return join(*(tag("pre", tag("code", command)) for command in commands))
