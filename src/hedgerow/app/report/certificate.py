"""The page of a release's certificate: what it states, drawn, each figure with its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from hedgerow.app.report.charts import Part, Row, bars, figure
from hedgerow.app.report.markup import Child, Markup, clip, code, join, tag
from hedgerow.app.report.page import brand_line, page_of
from hedgerow.app.report.reading import Entry, chance, counted, entries, exact, part, text, texts, when, whole
from hedgerow.app.report.releases import class_sizes, levels_table
from hedgerow.app.report.section import Section, badge, lead, nothing, quiet, shell
from hedgerow.app.report.tables import Column, facts, table
from hedgerow.model.words import many, percent

_RISKS = (
    ("max_risk", "Prosecutor, highest", "somebody who knows that a person is in the table, at worst"),
    ("average_risk", "Prosecutor, average", "the same over all rows"),
    ("journalist_risk", "Journalist", "somebody who does not know who is in the table, at worst"),
    ("marketer_risk", "Marketer", "the share of rows that linking all of them is expected to get right"),
)
_NO_POPULATION = "no population was given: taken to be as high as the prosecutor's"
_TRIED, _KEPT = "Not tried.", "kept"
_NO_EARLIER = "No earlier release held the same people."
_NOT_COMPARED = "It was not compared with other releases of the same people."


def render_certificate(document: Entry, retired: Entry | None = None) -> str:
    """Write a release's certificate as one HTML file.

    Args:
        document: The certificate as its JSON file holds it.
        retired: When and why the release was withdrawn; none where it was not.

    Returns:
        HTML that loads nothing and runs nothing. It proves nothing by itself: the JSON file does.
    """
    signed = part(document, "certificate")
    body = part(signed, "body")
    title = f"Certificate of release {text(body, 'release')}"
    sections = [
        _legal(body), _made(body), _risk(body), _classes(body), _utility(body), _attacks(body),
        _repeated(body), _columns(body), _duties(body), _proof(signed, body),
    ]  # fmt: skip
    contents = tag("nav", tag("ul", *(section.link() for section in sections)), aria_label="Contents")
    main = tag("main", join(*(section.drawn() for section in sections)), id="main")
    whole_page = tag(
        "body",
        tag("a", "Skip to the certificate", href="#main", class_="skip"),
        _header(title, body, retired),
        tag("div", contents, main, class_="columns"),
        tag("footer", tag("p", "One file, no script, nothing loaded from anywhere.")),
    )
    return page_of(title, whole_page)


def _header(title: str, body: Entry, retired: Entry | None) -> Markup:
    known = facts(
        (
            "Data set",
            join(code(text(body, "dataset")), f", version {counted(whole(body, 'dataset_version'))}"),
        ),
        ("Purpose", code(text(body, "purpose"))),
        ("Released", when(text(body, "released"))),
        ("By", tag("b", clip(text(body, "released_by")))),
        ("Approved by", _approved(body)),
    )
    gone = None
    if retired is not None:
        said = tag("b", "This release was withdrawn. ")
        gone = tag(
            "p", said, when(text(retired, "time")), ": ", clip(text(retired, "reason"), 600), class_="alarm"
        )
    label = tag("p", badge(text(body, "legal_class"), "warn"))
    return tag("header", brand_line(), tag("h1", title), label, gone, known, class_="top")


def _approved(body: Entry) -> Child:
    votes = entries(body.get("approved_by"))
    named = ", ".join(f"{text(vote, 'as')} ({text(vote, 'time')[:10]})" for vote in votes)
    return clip(named) if votes else "nobody besides: no policy asked for it"


def _listed(said: Sequence[str]) -> Markup:
    return tag("ul", *(tag("li", clip(each, 600)) for each in said))


def _legal(body: Entry) -> Section:
    said = join(lead(f"In law: {text(body, 'legal_class')}."), _listed(texts(body.get("legal_words"))))
    return Section("legal", "What it is in law", "In law", "", said)


def _made(body: Entry) -> Section:
    asked: list[list[Child]] = [
        [code(name), clip(_plain(value), 400)] for name, value in part(body, "parameters").items()
    ]
    columns = (Column("Asked for", is_heading=True), Column("Value", is_prose=True))
    findings = part(body, "findings")
    shown = join(
        lead(clip(text(body, "mechanism"), 300) + "."),
        table("asked", "What was asked for", columns, asked),
        levels_table("levels", findings),
    )
    return Section("made", "How it was made", "How", text(body, "technique"), shown)


def _risk(body: Entry) -> Section:
    findings = part(body, "findings")
    if not _is_counted(findings):
        shown = join(
            nothing("Not counted, but for what is said here."), _listed([*texts(findings.get("statements"))])
        )
        return Section("risk", "The risk that remains", "Risk", "", shown)
    told = [(name, about, _risk_of(findings, key), _why(findings, key)) for key, name, about in _RISKS]
    drawn = [
        Row(name, chance(value), (Part("bad", min(Fraction(1), exact(value) or Fraction(0))),))
        for name, _, value, _ in told
    ]
    rows: list[list[Child]] = [[name, chance(value), f"{about}{why}"] for name, about, value, why in told]
    columns = (Column("Attacker", is_heading=True), Column("Risk"), Column("Who that is", is_prose=True))
    title = "The risk that remains, for any row"
    chart = bars("risks", title, "How likely a row is tied to the person it is about.", drawn)
    twin = table("risks-table", title, columns, rows)
    said = _listed([*texts(findings.get("statements"))])
    opening = lead("How likely a row is tied to the person it is about. It is never nothing.")
    return Section(
        "risk", "The risk that remains", "Risk", "", join(opening, figure(title, chart, twin), said)
    )


def _is_counted(findings: Entry) -> bool:
    return any(key in findings for key, _, _ in _RISKS)


def _risk_of(findings: Entry, key: str) -> object:
    return findings.get(key, findings.get("max_risk") if key == "journalist_risk" else None)


def _why(findings: Entry, key: str) -> str:
    is_taken = key == "journalist_risk" and key not in findings
    return f"; {_NO_POPULATION}" if is_taken else ""


def _classes(body: Entry) -> Section:
    findings = part(body, "findings")
    smallest = whole(findings, "smallest_class")
    known = facts(
        ("Rows", counted(whole(findings, "rows"))),
        ("Classes", counted(whole(findings, "classes"))),
        ("Smallest class", "not recorded" if smallest is None else many(smallest, "row")),
        ("Rows dropped", _share(findings.get("suppressed_share"))),
    )
    shown = class_sizes("sizes", findings)
    return Section("classes", "How many look alike", "Classes", counted(whole(findings, "classes")),
                   join(known, shown))  # fmt: skip


def _share(value: object) -> str:
    share = exact(value)
    return "not recorded" if share is None else percent(share)


def _utility(body: Entry) -> Section:
    found = part(body, "findings").get("utility")
    if not isinstance(found, Mapping) or not found:
        shown = nothing("Not measured.")
        return Section("utility", "What it is still good for", "Utility", "", shown)
    told = _flat(found)
    shares = [
        (name, share)
        for name, value in told
        if _KEPT in name and (share := exact(value)) is not None and share <= 1
    ]
    rows: list[list[Child]] = [[clip(name), clip(_plain(value))] for name, value in told]
    twin = table(
        "utility-table", "Every measure", (Column("Measure", is_heading=True), Column("Value")), rows
    )
    title = "What is kept: 1 is as collected, 0 is nothing"
    drawn = [Row(name, f"{float(share):.4g}", (Part("main", share),)) for name, share in shares]
    chart = bars(
        "utility-chart",
        title,
        "How much of the detail of the quasi-identifiers the release still has.",
        drawn,
    )
    body_shown = join(_beside_risk(body, found), figure(title, chart, twin) if shares else twin)
    return Section("utility", "What it is still good for", "Utility", str(len(told)), body_shown)


def _beside_risk(body: Entry, found: Entry) -> Markup | None:
    """Set what is kept beside the risk that buys it."""
    kept = exact(found.get("detail_kept"))
    if kept is None or kept > 1:
        return None
    findings = part(body, "findings")
    risks = [(name, findings.get(key)) for key, name, _ in _RISKS[:2]]
    drawn = [
        *(
            Row(name, chance(value), (Part("bad", min(Fraction(1), exact(value) or Fraction(0))),))
            for name, value in risks
        ),
        Row("Detail kept", percent(kept), (Part("main", kept),)),
    ]
    rows: list[list[Child]] = [[row.label, row.value] for row in drawn]
    columns = (Column("Measure", is_heading=True), Column("Value", is_number=True))
    title = "Risk beside what is kept"
    chart = bars("trade", title, "Less risk is bought with less detail.", drawn)
    return figure(title, chart, table("trade-table", title, columns, rows))


def _attacks(body: Entry) -> Section:
    found = part(body, "findings").get("attacks")
    listed = _attack_rows(found)
    if not listed:
        shown = join(
            nothing(_TRIED),
            quiet("The risks above are counted, and no attack was run to test them.")
            if _is_counted(part(body, "findings"))
            else None,
        )
        return Section("attacks", "Attacks that were tried", "Attacks", "", shown)
    names = list(dict.fromkeys(name for each in listed for name, _ in each))
    rows: list[list[Child]] = [
        [clip(_plain(dict(each).get(name, "")), 300) for name in names] for each in listed
    ]
    columns = [Column(name.replace("_", " "), is_heading=place == 0) for place, name in enumerate(names)]
    note = quiet(
        "An attack that found nobody says “not refuted”, with the power it had; it proves no safety."
    )
    shown = join(table("attacks-table", "Attacks, with what they could have found", columns, rows), note)
    return Section("attacks", "Attacks that were tried", "Attacks", str(len(listed)), shown)


def _attack_rows(found: object) -> list[list[tuple[str, object]]]:
    """Read attacks given as a list, or by name."""
    if isinstance(found, Mapping):
        return [
            [("attack", name), *(_flat(value) if isinstance(value, Mapping) else [("result", value)])]
            for name, value in found.items()
        ]
    return [_flat(each) for each in entries(found)]


def _repeated(body: Entry) -> Section:
    found = part(part(body, "findings"), "repeated")
    if not found:
        # Only k-anonymous releases are judged together; of others nothing is known.
        is_judged = text(body, "technique") == "k-anonymity"
        shown = nothing(_NO_EARLIER if is_judged else _NOT_COMPARED)
        return Section("repeated", "Together with earlier releases", "Repeated", "", shown)
    rows: list[list[Child]] = [
        [clip(name.replace("_", " ")), clip(_plain(value), 400)] for name, value in found.items()
    ]
    columns = (Column("Measure", is_heading=True), Column("Value", is_prose=True))
    shown = join(
        lead("Checked against every earlier release of the same people, all taken together."),
        table("repeated-table", "What all releases together leave", columns, rows),
    )
    return Section("repeated", "Together with earlier releases", "Repeated", "", shown)


def _columns(body: Entry) -> Section:
    listed = entries(body.get("columns"))
    rows: list[list[Child]] = [
        [
            code(text(one, "name")),
            clip(text(one, "released_as")),
            clip(text(one, "category")).replace("-", " "),
            clip(text(one, "role")).replace("-", " "),
        ]
        for one in listed
    ]
    columns = (
        Column("Column", is_heading=True),
        Column("Released as"),
        Column("Category"),
        Column("Role where it is kept"),
    )
    shown = table("columns-table", "The columns and the categories of data in them", columns, rows)
    return Section("columns", "What is in it", "Columns", str(len(listed)), shown)


def _duties(body: Entry) -> Section:
    said = texts(body.get("obligations"))
    bound = join(quiet("It was released under these conditions:"), _listed(texts(body.get("conditions"))))
    shown = join(_listed(said), bound)
    return Section("duties", "What whoever holds it must do", "Duties", str(len(said)), shown)


def _proof(signed: Entry, body: Entry) -> Section:
    file = part(body, "file")
    known = facts(
        ("SHA-256 of the file", code(text(file, "sha256"))),
        ("Size", many(whole(file, "bytes") or 0, "byte")),
        ("Certificate", code(text(body, "certificate"))),
        ("Signed by", code(text(signed, "fingerprint"))),
        ("Journal", code(text(signed, "origin"))),
        ("Journal entry", counted(whole(signed, "entry_index"))),
    )
    said = quiet(
        "This page is for reading. The JSON file beside it is signed; check that, and the table, offline and"
        " without a workspace. What happened since, as a withdrawal, is not in it: ask whoever released it."
    )
    shown = join(known, said, shell("hedgerow released verify FILE --key " + text(signed, "fingerprint")))
    return Section("proof", "How to check it", "Proof", "", shown)


def _flat(found: Entry, before: str = "") -> list[tuple[str, object]]:
    """List plain values by the path of their names."""
    told: list[tuple[str, object]] = []
    for name, value in found.items():
        path = f"{before}{name}".replace("_", " ")
        told += _flat(value, f"{path}: ") if isinstance(value, Mapping) else [(path, value)]
    return told


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_plain(each)}" for name, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_plain, value))
    if value is None or isinstance(value, bool):
        return "none" if value is None else ("yes" if value else "no")
    return f"{value:,}" if isinstance(value, int) else str(value)
