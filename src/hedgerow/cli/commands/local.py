"""``local``: surveys whose answers are randomised before they leave a person's device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import (
    example,
    in_space,
    json_option,
    out_options,
    passphrase_option,
    principal_option,
    space_option,
)
from hedgerow.cli.screen import Screen, facts, table
from hedgerow.model.words import many, percent

if TYPE_CHECKING:
    from collections.abc import Callable

    from hedgerow.app.space import Session
    from hedgerow.kernel.local import Survey

MECHANISMS = ("randomised-response", "unary", "optimised-unary", "hadamard", "count-mean-sketch")
_LINES_SHOWN = 10
_PATH = click.Path(path_type=Path)


@click.group()
def local() -> None:
    """Surveys answered in private: each answer is randomised before it leaves a person's device.

    The collector never holds a true answer, and still learns how many people give each one. It needs no
    workspace; `hedgerow local survey --purpose` charges what is collected so to the people of one.
    """


people_option = click.option(
    "--people",
    type=int,
    default=10_000,
    show_default=True,
    metavar="N",
    help="People whose reports the expected error is told for.",
)


@local.command()
@click.option(
    "--name", required=True, metavar="NAME", help="The survey's name: small letters, digits, - and _."
)
@click.option(
    "--epsilon",
    required=True,
    metavar="DECIMAL",
    help="Privacy loss of one report, from 0.01 to 10: it changes odds at most e^epsilon times.",
)
@click.option(
    "--values",
    "values",
    type=_PATH,
    metavar="FILE",
    help="The values there are, one a line; without it any text.",
)
@click.option(
    "--mechanism",
    type=click.Choice(MECHANISMS),
    metavar="NAME",
    help=f"One of {', '.join(MECHANISMS)}.  [default: the least error for the values]",
)
@click.option(
    "--other", metavar="VALUE", help="One of the values, which then stands for every value not named."
)
@click.option(
    "--rows", type=int, default=64, show_default=True, metavar="N", help="Rows of a sketch, 16 to 1024."
)
@click.option(
    "--buckets",
    type=int,
    default=1024,
    show_default=True,
    metavar="N",
    help="Buckets of a row of a sketch: a power of two from 16 to 4096.",
)
@click.option(
    "--reports", type=int, default=1, show_default=True, metavar="N", help="Reports that one person may give."
)
@click.option(
    "--memoise",
    is_flag=True,
    help="A person's answer to the same value is kept and given again, at no new cost.",
)
@people_option
@out_options("The new survey file, public.")
@click.option(
    "--purpose",
    metavar="NAME",
    help="Charge the survey to the people of a workspace, for this purpose.  [default: in no ledger]",
)
@space_option
@principal_option
@passphrase_option
@json_option
@example("hedgerow local survey --name keyboards --epsilon 1 --values keyboards.txt --out keyboards.json")
def survey(  # noqa: PLR0913 - the options of the command
    *,
    values: Path | None,
    out: Path,
    force: bool,
    people: int,
    purpose: str | None,
    space: str | None,
    principal: str,
    passphrase_file: Path | None,
    as_json: bool,
    **wished: Any,  # noqa: ANN401 - the options of a wish, as they are called there
) -> None:
    """Make a survey, and tell what each report gives away.

    It is a public file that clients answer. It shows the expected error before anybody is asked. Change
    nothing in the file afterwards: reports carry its hash.

    With --purpose what all reports of one person may tell is charged to the people of the workspace, as if
    everybody were asked (`hedgerow budget show`). Without it the survey is ungoverned: it is in no ledger.
    """
    from hedgerow.app.local import make_survey, read_values
    from hedgerow.kernel.local.drafting import Wish

    domain = None if values is None else read_values(values)
    wish = Wish(domain=domain, **wished)

    def make(screen: Screen, register: Callable[[Survey], dict[str, Any]] | None = None) -> None:
        made = make_survey(wish, out, force=force, people=people, register=register)
        screen.result(made, f"{made['out']}:\n{_described(made)}{_charged(made['ledger'])}")

    def govern(session: Session, screen: Screen) -> None:
        def register(made: Survey) -> dict[str, Any]:
            every = made.epsilon * made.reports
            return session.service.register_survey(made.id, made.name, every, purpose=purpose)

        make(screen, register)

    if purpose is None:
        make(Screen(as_json=as_json))
        return
    in_space(govern)(space, principal, passphrase_file, as_json=as_json)


def _charged(ledger: dict[str, Any] | None) -> str:
    if ledger is None:
        return "\nledger       none: it is ungoverned, unless --purpose charges it to a workspace"
    spent = f"epsilon {ledger['epsilon']} for {ledger['purpose']}, of each person at most"
    return f"\nledger       {spent}; the population has {ledger['population_left']} left"


@local.command()
@click.argument("path", metavar="SURVEY", type=_PATH)
@people_option
@click.option(
    "--delta",
    metavar="DECIMAL",
    help="Tell the privacy loss once reports were shuffled, but for this chance, such as 1e-6.",
)
@json_option
@example("hedgerow local show keyboards.json --people 50000 --delta 1e-7")
def show(path: Path, *, people: int, delta: str | None, as_json: bool) -> None:
    """Tell what a report gives away and how well counts are known.

    With --delta it tells the privacy loss to whoever sees the reports of all people mixed, one each,
    and cannot tell whose is whose.
    """
    from hedgerow.app.local import describe, open_survey, parse_chance

    chance = None if delta is None else parse_chance(delta, "--delta", "1e-6")
    told = describe(open_survey(path), people=people, delta=chance)
    Screen(as_json=as_json).result(told, _described(told))


def _described(told: dict[str, Any]) -> str:
    values = many(len(told["values"]), "value") if told["values"] else "any text"
    several = many(told["reports"], "different answer" if told["memoise"] else "report")
    more = (
        f"; all together tell up to epsilon {told['epsilon_of_all_reports']}" if told["reports"] > 1 else ""
    )
    kept = "; that to the same value is kept and given again" if told["memoise"] else ""
    within = f"± {told['within_95']:,} at 95%"
    if told["within_95_at_worst"] > told["within_95"]:
        within += f", ± {told['within_95_at_worst']:,} where one other value is everybody's"
    pairs = [
        ("survey", f"{told['name']} ({told['survey']})"),
        ("asked", f"{values}, by {told['mechanism']}; about {many(told['report_bytes'], 'byte')} a report"),
        (
            "one report",
            f"epsilon {told['epsilon']}: odds between two values change at most {told['odds']:g} times",
        ),
        (
            "",
            f"whoever held two values for equally likely is right with {percent(str(told['sure']))} at most",
        ),
        ("each person", f"at most {several}{more}{kept}"),
        (
            "expected",
            f"{many(told['people'], 'person', 'people')}: the count of a rare value within {within}",
        ),
        ("", f"a collector trusted with true answers: ± {told['central_within_95']:,} at the same epsilon"),
        ("one liar", f"moves a count by up to {told['influence']:g} people"),
    ]
    if told["shuffled"]:
        mixed = told["shuffled"]
        seen = "to whoever sees the reports of all only mixed, one of each person"
        text = f"epsilon {mixed['epsilon']}, delta {mixed['delta']}, {seen}"
        pairs.append(("shuffled", text))
    return facts(pairs, None)


@local.command()
@click.argument("path", metavar="SURVEY", type=_PATH)
@click.argument("values", metavar="VALUES", type=_PATH)
@click.option(
    "--state",
    type=_PATH,
    metavar="FILE",
    help="All lines are one person's; the file counts reports, and keeps answers with --memoise.",
)
@json_option
@example("hedgerow local encode keyboards.json answers.txt > reports.jsonl")
def encode(path: Path, values: Path, *, state: Path | None, as_json: bool) -> None:
    """Report values as clients would, for trying.

    VALUES is a file, one a line (- is the input); each line is another person's. In earnest
    `hedgerow local client` writes the client, and true answers stay on people's devices.
    """
    from hedgerow.app.local import encode as encoded
    from hedgerow.app.local import open_survey, value_lines

    reports = encoded(open_survey(path), value_lines(values), state)
    Screen(as_json=as_json).result(reports, "\n".join(json.dumps(each) for each in reports))


@local.command()
@click.argument("path", metavar="SURVEY", type=_PATH)
@click.argument("reports", metavar="REPORTS", type=_PATH)
@click.option(
    "--candidates", type=_PATH, metavar="FILE", help="The values to show, one a line; a sketch needs them."
)
@click.option(
    "--confidence",
    default="0.95",
    show_default=True,
    metavar="DECIMAL",
    help="The chance that the intervals hold.",
)
@click.option(
    "--each",
    is_flag=True,
    help="Let each interval hold with this chance, not all of them together: narrower.",
)
@json_option
@example(
    "hedgerow local decode keyboards.json reports.jsonl",
    "hedgerow local decode words.json reports.jsonl --candidates words.txt",
)
def decode(
    path: Path, reports: Path, *, candidates: Path | None, confidence: str, each: bool, as_json: bool
) -> None:
    """Estimate how many people hold each value, with intervals.

    REPORTS is a file of JSON Lines (- is the input). Reports that are broken or of another survey are not
    counted; their lines are told, never what they hold.
    """
    from hedgerow.app.local import check_candidates, open_survey, parse_chance, read_values
    from hedgerow.app.local import decode as decoded

    chance, asked = parse_chance(confidence, "--confidence", "0.95"), open_survey(path)
    shown = None if candidates is None else read_values(candidates)
    if shown is not None and candidates is not None:
        check_candidates(shown, candidates)
    with Screen(as_json=as_json) as screen:
        found = decoded(asked, reports, shown, confidence=chance, is_joint=not each, progress=screen.progress)
        if found["refused"]["count"]:
            screen.say(_refused(found["refused"]))
        if found["memoise"]:
            screen.say("Decode one report of each person: an answer given again brings the same noise again.")
        elif found["reports_of_one_person"] > 1:
            screen.say(f"A person may have given up to {many(found['reports_of_one_person'], 'report')}: "
                       "what is counted here are reports.")  # fmt: skip
        screen.result(found, _estimated(found))


def _refused(refused: dict[str, Any]) -> str:
    why = "; ".join(f"{count:,} {name}" for name, count in refused["why"].items() if count)
    lines = refused["lines"][:_LINES_SHOWN]
    more = ", ..." if refused["count"] > len(lines) else ""
    named = ", ".join(map(str, lines))
    return f"Warning: {many(refused['count'], 'line')} not counted ({why}): {named}{more}."


def _estimated(found: dict[str, Any]) -> str:
    ordered = sorted(found["estimates"], key=lambda each: -each["people"])
    rows = [[each["value"], round(each["people"]), each["low"], each["high"]] for each in ordered]
    sure = percent(found["confidence"])
    held = f"all {len(rows)} intervals together" if found["together"] else "each interval alone"
    return (
        table(["value", "people", "low", "high"], rows)
        + f"\n\n{many(found['reports'], 'report')}, epsilon {found['epsilon']} each. With {sure} confidence"
        f" {held} {'hold' if found['together'] else 'holds'} the true count of those who reported."
    )


@local.command()
@out_options("The new file: one program, with nothing to install.")
@json_option
@example("hedgerow local client --out local_client.py")
def client(*, out: Path, force: bool, as_json: bool) -> None:
    """Write the client: one file that needs nothing else.

    It runs on Python 3.9 or newer. Copy it into the program that people run. It takes a survey and a
    value, and gives a report.
    """
    from hedgerow.app.local import write_client

    written = write_client(out, force=force)
    Screen(as_json=as_json).result(written, f"{written['out']}: {many(written['bytes'], 'byte')}.")
