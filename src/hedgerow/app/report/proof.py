"""The journal and how to check it, what to do next, and what the report does not show."""

from __future__ import annotations

from shlex import quote

from hedgerow.app.report.markup import Markup, clip, code, join, tag
from hedgerow.app.report.reading import HIDDEN, Entry, counted, entries, part, text, texts, whole
from hedgerow.app.report.section import Section, badge, lead, quiet, shell
from hedgerow.app.report.tables import facts

_LIMITS = (
    (
        "No value of any person: only names of data sets and columns, counts and decisions. What is held of"
        " one person is shown to that person, by hedgerow subject show."
    ),
    (
        "Nothing that happened outside the gate: data copied before it was collected here, and what people"
        " did with answers and releases once they had them."
    ),
    "Nothing after the time at the top: it is a picture of one moment.",
    (
        "No proof in itself: this file is not signed and could be edited. Each line names its journal entry,"
        " and the journal is what can be checked."
    ),
    (
        "Not that everything was written down: a journal proves that nothing in it was changed or removed"
        " unseen, not that its keeper recorded every act."
    ),
)


def journal(report: Entry) -> Section:
    """Say whether the journal holds, and how anybody checks it."""
    log = part(report, "journal")
    known = facts(
        ("Entries", counted(whole(log, "size"))),
        ("Root", code(text(log, "root"))),
        ("Key fingerprint", code(text(log, "fingerprint"))),
    )
    body = join(_finding(log), _other_key(report), known, _check(text(log, "fingerprint")))
    return Section("journal", "The journal, and how to check it", "Journal", "", body)


def is_sound(report: Entry) -> bool:
    """Tell whether the journal was verified when the report was made, without a problem."""
    log = part(report, "journal")
    return log.get("verified") is True and not text(log, "problem")


def commands(report: Entry) -> Section | None:
    """Suggest what to do next; none where nothing is suggested."""
    listed = texts(report.get("commands"))
    if not listed:
        return None
    body = join(lead("From a terminal, as they stand:"), shell(*listed))
    return Section("next", "What to do next", "Next", "", body)


def limits(report: Entry) -> Section:
    """Say what the report leaves out."""
    said = list(_LIMITS)
    if _hides(report):
        said.insert(1, f"Exact counts that the role it was made for may not see; they read “{HIDDEN}”.")
    return Section(
        "limits",
        "What this report does not show",
        "Not shown",
        "",
        tag("ul", *(tag("li", one) for one in said)),
    )


def _finding(log: Entry) -> Markup:
    if log.get("verified") is True and not text(log, "problem"):
        return lead(
            badge("verified", "good"),
            " When this report was made, every entry was recomputed and fits the signed head.",
        )
    problem = text(log, "problem") or "it was not checked when this report was made"
    return tag("p", tag("b", "The journal is not verified: "), clip(problem, 600), class_="alarm")


def _other_key(report: Entry) -> Markup | None:
    home, log = text(part(report, "workspace"), "fingerprint"), text(part(report, "journal"), "fingerprint")
    if home == log:
        return None
    return tag(
        "p",
        tag("b", "Two keys: "),
        "the workspace names ",
        code(home),
        ", the journal ",
        code(log),
        ". Trust neither before you know why.",
        class_="alarm",
    )


def _check(fingerprint: str) -> Markup:
    trust = quote(fingerprint)
    return join(
        tag("h3", "Check it yourself"),
        tag("p", "In the workspace: that no entry was altered, dropped, moved or added."),
        shell("hedgerow journal verify"),
        tag(
            "p",
            "Keep today's head somewhere else: later it shows a log that was cut, forked or signed anew.",
        ),
        shell("hedgerow journal head --json > head.json", "hedgerow journal verify --against head.json"),
        tag(
            "p",
            "Without the workspace or a network: export the evidence, check it on another machine.",
        ),
        shell(
            "hedgerow evidence export --out evidence",
            f"python -m hedgerow.kernel.merkle.offline_verifier evidence --trust {trust}",
        ),
        tag("p", "Where Hedgerow is not installed, the verifier that travels in the bundle does the same:"),
        shell(f"python evidence/verify.py evidence --trust {trust}"),
        quiet(
            "Compare the fingerprint with the one you were given when the workspace was made. One only"
            " read off this page proves that the journal is consistent, not where it comes from."
        ),
    )


def _hides(report: Entry) -> bool:
    held = (item.get(key) for item in entries(report.get("held")) for key in ("rows", "people"))
    answers = ("granted", "withdrawn", "never_asked")
    given = (item.get(key) for item in entries(report.get("consents")) for key in answers)
    return any(value is None for value in (*held, *given))
