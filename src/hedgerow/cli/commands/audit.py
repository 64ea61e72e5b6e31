"""``audit``: what a finished release gives away, tried by attacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from hedgerow.cli.commands.safe_harbor import safe_harbor
from hedgerow.cli.common import example, json_option, names
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.auditing import AuditRequest
    from hedgerow.model.auditing import AttackOutcome, ReleaseAudit

_PATH = click.Path(path_type=Path)
_SIDES = 2
_FINDINGS = 9


class Options(TypedDict):
    """The options of ``audit release``."""

    original: Path
    quasi: str
    sensitive: str
    control: Path | None
    control_share: str | None
    population: Path | None
    population_size: int | None
    hierarchies: Path | None
    person: str | None
    pseudonym: str | None
    link: str | None
    synthetic: bool
    at_risk: str
    seed: int


@click.group()
def audit() -> None:
    """Audits: what a finished table gives away of people, tried by attacks with a control group."""


audit.add_command(safe_harbor)


@audit.command()
@click.argument("file", type=_PATH)
@click.option(
    "--original", required=True, type=_PATH, metavar="FILE",
    help="The rows that the release was made of, as collected; it needs each column named here.",
)  # fmt: skip
@click.option(
    "--quasi", required=True, metavar="A,B,C", help="Quasi-identifiers: columns an attacker knows of people."
)
@click.option(
    "--sensitive", default="", metavar="A,B", help="Sensitive attributes: columns that must stay unknown."
)
@click.option(
    "--control", type=_PATH, metavar="FILE",
    help="Rows of people like those of the original who were not in it: how often a guess is right anyway.",
)  # fmt: skip
@click.option(
    "--control-share", metavar="SHARE",
    help="Instead: the last rows of the original, such as 0.2 of them, were kept out of the release.",
)  # fmt: skip
@click.option(
    "--population", type=_PATH, metavar="FILE",
    help="Everybody the rows were drawn from, with the quasi-identifiers as collected.",
)  # fmt: skip
@click.option(
    "--population-size", type=int, metavar="N",
    help="Instead: how many people that is; the rows are then taken for a simple random sample of them.",
)  # fmt: skip
@click.option(
    "--hierarchies", type=_PATH, metavar="DIR",
    help="Directory of files COLUMN.csv or NAME_COLUMN.csv (value;level1;...;*) by which it was coarsened.",
)  # fmt: skip
@click.option(
    "--person",
    metavar="COLUMN",
    help="Column of the original that tells whose row it is.  [default: each row]",
)
@click.option(
    "--pseudonym", metavar="COLUMN", help="Column of the release that tells which rows belong together."
)
@click.option(
    "--link", metavar="A,B:C,D",
    help="Two sets of columns that an attacker of linkability holds apart.  [default: worked out, and told]",
)  # fmt: skip
@click.option(
    "--synthetic", is_flag=True, help="The rows are nobody's: classes of equal rows say nothing of people."
)
@click.option(
    "--at-risk", default="0.2", show_default=True, metavar="CHANCE",
    help="A row counts as being at risk above this chance to point at it.",
)  # fmt: skip
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="What random choices come from."
)
@click.option(
    "--fail-on", metavar="RISK",
    help="End with exit code 9 when a risk is above this, or an attack could not have seen such a risk.",
)  # fmt: skip
@json_option
@example(
    "hedgerow audit release visits-k5.csv --original visits.csv --quasi age,zip,sex \\",
    "    --sensitive diagnosis --control held-out.csv --fail-on 0.2",
)
def release(file: Path, *, fail_on: str | None, as_json: bool, **options: Unpack[Options]) -> int:
    """Audit FILE, a released table, against its original rows.

    States how likely a row is tied to its person, and attacks the table: singling out, linkability and
    inference, and for tables of single values how near its rows come to people. Each attack is tried on
    people of the original and on a control group; only what goes beyond chance counts as a risk, and what
    is not seen is told with the power there was to see it. Needs no workspace, writes nothing and shows no
    value of a person.
    """
    from hedgerow.app.auditing import audit_files, limit_of

    limit, request = limit_of(fail_on), _asked(file, options)
    with Screen(as_json=as_json) as screen:
        screen.progress("attacking the release")
        found = audit_files(request)
        findings = found.findings(limit) if limit is not None else ()
        value = found.as_json() | {"fail_on": fail_on, "findings": list(findings)}
        screen.result(value, _shown(found, findings, fail_on))
    return _FINDINGS if findings else 0


def _asked(file: Path, options: Options) -> AuditRequest:
    from hedgerow.app.auditing import AuditRequest

    return AuditRequest(
        released=file,
        original=options["original"],
        quasi=names(options["quasi"]),
        sensitive=names(options["sensitive"]),
        control=options["control"],
        control_share=options["control_share"],
        population=options["population"],
        population_size=options["population_size"],
        hierarchies=options["hierarchies"],
        person=options["person"],
        pseudonym=options["pseudonym"],
        link=_parts(options["link"]),
        synthetic=options["synthetic"],
        at_risk=options["at_risk"],
        seed=options["seed"],
    )


def _parts(text: str | None) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    if text is None:
        return None
    sides = [names(side) for side in text.split(":")]
    return (sides[0], sides[1]) if len(sides) == _SIDES else ((), ())


def _shown(audit: ReleaseAudit, findings: tuple[str, ...], fail_on: str | None) -> str:
    from hedgerow.model.words import percent

    heads = ["attack", "on", "right", "others", "shuffled", "risk", "up to", "power"]
    rows = [_row(each) for each in audit.attacks]
    lines = [f"Highest risk: {percent(audit.risk)}", "", table(heads, rows), ""]
    lines += [f"  {said}" for said in audit.statements]
    lines += ["", f"In law: {audit.legal_class}."]
    lines += [f"  For less than that: {need}" for need in audit.needed]
    if findings:
        lines += ["", f"Over {fail_on}:", *(f"  {found}" for found in findings)]
    return "\n".join(lines)


def _row(each: AttackOutcome) -> list[str]:
    from hedgerow.model.words import percent

    def share(right: int, people: int) -> str:
        return percent(f"{right / people:.4f}") if people else "-"

    return [
        " of ".join((each.attack, *each.guesses)) if each.attack == "inference" else each.attack,
        each.people,
        share(each.right, each.members),
        share(each.control_right, each.controls),
        share(each.shuffled_right, each.members),
        percent(each.risk),
        percent(f"{each.high:.4f}"),
        "none" if each.detectable is None else percent(f"{each.detectable:.4f}"),
    ]
