"""The page as a whole: head, contents, sections, foot."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from importlib import resources

from hedgerow.app.report.approvals import approvals
from hedgerow.app.report.attention import attention
from hedgerow.app.report.holdings import holdings, uses
from hedgerow.app.report.markup import Markup, clip, code, join, tag
from hedgerow.app.report.people import consents, erasures, quarantine
from hedgerow.app.report.proof import commands, is_sound, journal, limits
from hedgerow.app.report.reading import Entry, counted, entries, part, text, when, whole
from hedgerow.app.report.refusals import is_late, refusals, walkthrough
from hedgerow.app.report.releases import releases
from hedgerow.app.report.section import Section
from hedgerow.app.report.spending import budget
from hedgerow.app.report.tables import facts
from hedgerow.model.uses import Json

_GLANCE = (
    ("Refused", "Refused", "refusals"),
    ("Use", "Uses", "uses"),
    ("Data set", "Data sets", "held"),
    ("Release", "Releases", "releases"),
    ("Person erased", "People erased", "erasures"),
)
_HEDGE = ((1, 9, 8, 13), (10, 5, 8, 17), (30, 5, 8, 17), (39, 9, 8, 13))


def render(report: Mapping[str, Json]) -> str:
    """Write the report of a workspace as one HTML file, refusals first.

    Items come oldest first; refusals and uses are shown newest first, all else as it comes.
    A count of none reads "not shown to this role".

    Args:
        report: The report's values under ``title``, ``workspace``, ``refusals``, ``held``,
            ``uses``, ``budget``, ``releases``, ``consents``, ``erasures``, ``quarantine``,
            ``approvals``, ``journal``, ``acts`` and ``commands``.

    Returns:
        HTML that loads nothing, runs nothing and encodes as UTF-8. The same values give the
        same text.

    Guarantee: whatever text the values hold stays text; the policy in the page allows one
        style element by its hash and nothing else.
    """
    sections = [
        refusals(report),
        approvals(report),
        walkthrough(report),
        holdings(report),
        uses(report),
        budget(report),
        releases(report),
        consents(report),
        erasures(report),
        quarantine(report),
        journal(report),
        commands(report),
        limits(report),
    ]
    shown = [section for section in sections if section is not None]
    body = tag(
        "body",
        tag("a", "Skip to the report", href="#main", class_="skip"),
        _header(report),
        tag("div", _contents(shown), _main(shown), class_="columns"),
        _footer(report),
    )
    return page_of(_title(report), body)


def page_of(title: str, body: Markup) -> str:
    """Write a page that loads nothing and runs nothing.

    Args:
        title: Its title.
        body: Its ``body`` element.

    Returns:
        HTML; the policy in it allows one style element by its hash and nothing else.
    """
    page = tag("html", _head(title), body, lang="en")
    return f"<!DOCTYPE html>\n{page.source}\n"


def stylesheet() -> str:
    """Read the one style sheet of the page."""
    return resources.files("hedgerow.app.report").joinpath("report.css").read_text("utf-8")


def _title(report: Entry) -> str:
    return clip(text(report, "title")) or "Hedgerow report"


def _head(title: str) -> Markup:
    css = stylesheet()
    allowed = b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{allowed}'; img-src 'none'; script-src 'none';"
        " base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("title", title),
        tag("style", Markup(css)),
    )


def _header(report: Entry) -> Markup:
    space = part(report, "workspace")
    made = tag(
        "p",
        "Made ",
        when(text(space, "time")),
        " for ",
        tag("b", clip(text(space, "viewer"))),
        " by Hedgerow ",
        clip(text(space, "version"), 40),
        class_="muted",
    )
    known = facts(
        ("Workspace", code(text(space, "id"))), ("Key fingerprint", code(text(space, "fingerprint")))
    )
    return tag(
        "header",
        brand_line(),
        tag("h1", _title(report)),
        made,
        _alarm(report),
        _glance(report),
        known,
        attention(report),
        class_="top",
    )


def brand_line() -> Markup:
    """Open a page: the mark and the name."""
    return tag("p", _mark(), tag("span", "Hedgerow"), class_="brand")


def _mark() -> Markup:
    """Draw a hedge with a gate in it."""
    hedge = (
        tag("rect", x=str(x), y=str(y), width=str(w), height=str(h), rx="3", class_="part-main")
        for x, y, w, h in _HEDGE
    )
    gate = tag("path", d="M20 22V13M24 22V13M28 22V13M19 16H29", class_="gate")
    return tag("svg", *hedge, gate, width="48", height="24", viewBox="0 0 48 24", aria_hidden="true")


def _alarm(report: Entry) -> Markup | None:
    if is_sound(report):
        return None
    return tag(
        "p",
        tag("b", "The journal of this workspace is not verified. "),
        "Read ",
        tag("a", "what was found", href="#journal"),
        " before you rely on anything below.",
        class_="alarm",
    )


def _glance(report: Entry) -> Markup:
    size = counted(whole(part(report, "journal"), "size"))
    figures = [
        (one if len(listed) == 1 else more, f"{len(listed):,}")
        for one, more, listed in ((one, more, entries(report.get(key))) for one, more, key in _GLANCE)
    ]
    if any(is_late(item) for item in entries(report.get("refusals"))):
        figures[0] = ("Refused or failed", figures[0][1])
    term = "Journal entry" if size == "1" else "Journal entries"
    figures.append((term, f"{size}, {'verified' if is_sound(report) else 'not verified'}"))
    return tag(
        "dl", *(tag("div", tag("dt", term), tag("dd", said)) for term, said in figures), class_="glance"
    )


def _contents(sections: Sequence[Section]) -> Markup:
    return tag("nav", tag("ul", *(section.link() for section in sections)), aria_label="Contents")


def _main(sections: Sequence[Section]) -> Markup:
    return tag("main", join(*(section.drawn() for section in sections)), id="main")


def _footer(report: Entry) -> Markup:
    return tag(
        "footer",
        tag(
            "p",
            "One file, no script, nothing loaded from anywhere. Hedgerow ",
            clip(text(part(report, "workspace"), "version"), 40),
            ".",
        ),
    )
