"""``subject``: the rights of the person the data is about."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hedgerow.cli.common import example, gated, out_options, warn_unreached, yes_option
from hedgerow.cli.screen import Screen, table
from hedgerow.cli.visible import visible_json
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from hedgerow.app.space import Session

F = TypeVar("F", bound=Callable[..., object])


@click.group()
def subject() -> None:
    """A person's rights: see, take along, be erased.

    The person is named by REF, the id in the source (the value of the subject-key column at collection),
    or by --ref-file FILE (- for standard input), which keeps it out of the shell's history. What
    `hedgerow subject find` names a person by stands in place of REF.
    """


def _person(command: F) -> F:
    told = "File whose first line is REF, the person's id in the source; - for standard input."
    command = click.option("--ref-file", metavar="FILE", help=told)(command)
    return click.argument("ref", required=False)(command)


def _ref(ref: str | None, ref_file: str | None) -> str:
    if (ref is None) == (ref_file is None):
        raise click.UsageError("Give REF or --ref-file FILE, and not both.")
    if ref is not None:
        return ref
    try:
        text = sys.stdin.read() if ref_file == "-" else Path(str(ref_file)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise CallerError("file.missing", path=ref_file) from None
    return text.split("\n", 1)[0].rstrip("\r")


@subject.command()
@_person
@click.option("--plain", is_flag=True, help="A page in plain words, to hand to the person.")
@gated("subject.show")
@example("hedgerow subject show R-001598 --plain", "hedgerow subject show --ref-file ref.txt")
def show(session: Session, screen: Screen, ref: str | None, *, ref_file: str | None, plain: bool) -> None:
    """Show what is held of the person REF, why, and each use. No value is opened."""
    found: dict[str, Any] = session.service.show_subject(_ref(ref, ref_file))
    screen.result(found, _plain(found) if plain else _shown(found))


@subject.command()
@click.argument("dataset")
@click.option("--column", required=True, metavar="COL", help="A column with an index.")
@gated("subject.find", "dataset")
@example("hedgerow subject find visits --column email")
def find(session: Session, screen: Screen, dataset: str, *, column: str) -> None:
    """Find people of DATASET by a value, opening nothing.

    The value is asked for, or is the first line of standard input; it is never on the command line. Each
    person found gets a name that you, and nobody else, may give in place of REF for a day. At most 20
    searches a day may find nobody, and 200 may be made in all; each is in the journal, without the value.
    """
    from hedgerow.model.words import many
    from hedgerow.spine.facts import OWNER

    found: dict[str, Any] = session.service.find_subject(dataset, column, _value())
    people = found["people"]
    said = f"{many(len(people), 'person', 'people')} found."
    if people:
        said += f" Until {found['until']} you may say, for example:"
    actor = session.service.actor.acting_as
    who = "" if actor == OWNER else f" --as {shlex.quote(actor)}"
    lines = [f"  hedgerow subject show {name}{who}" for name in people]
    screen.result(found, "\n".join([said, *lines]))


def _value() -> str:
    """Ask for the value, or read the first line of standard input; what is no text reads as no value."""
    if sys.stdin.isatty():
        return str(click.prompt("Value", err=True))
    try:
        return sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        return ""


def _shown(found: dict[str, Any]) -> str:
    held = [
        [h["dataset"], h["sealed"], h["columns"], [p["purpose"] for p in h["purposes"]]]
        for h in found["held"]
    ]
    choices = [
        [c["time"], c["purpose"], "granted" if c["granted"] else "withdrawn", "yes" if c["in_force"] else ""]
        for c in found["choices"]
    ]
    uses = [
        [
            u["time"],
            u["by"],
            u["purpose"],
            u["basis"],
            ", ".join([u["dataset"], *u.get("others", ())]),
            u["technique"],
            u["outcome"],
        ]
        for u in found["uses"]
    ]
    acts = [[a["time"], a["action"], a["by"]] for a in found["acts"]]
    return "\n\n".join(
        [
            f"Shown as: {found['assumed_name']}",
            "Held\n" + table(["data set", "sealed in the vault", "in the table", "purposes"], held),
            "Choices\n" + table(["time", "purpose", "choice", "holds"], choices),
            "Uses\n" + table(["time", "by", "purpose", "basis", "data set", "how", "outcome"], uses),
            "Acts about this person\n" + table(["time", "what", "by"], acts),
            "Releases that may hold this person: " + (", ".join(found["releases"]) or "none"),
        ]
    )


def _plain(found: dict[str, Any]) -> str:
    lines = ["What is held about you", "======================", ""]
    for held in found["held"]:
        lines.append(f'In the collection "{held["dataset"]}":')
        lines.append(f"  Kept locked away under a key that is yours alone: {', '.join(held['sealed'])}.")
        lines.append(f"  Kept without your name: {', '.join(held['columns'])}.")
        for p in held["purposes"]:
            lines.append(f'  It may be used for "{p["purpose"]}" ({p["why"]}), until {p["until"]}.')
            lines.append(f"    The legal ground is {_GROUNDS[p['basis']]}. {p['owner']} answers for it.")
    lines += ["", "What you chose", "--------------"]
    lines += [
        f'  {c["time"][:10]}: you said {"yes" if c["granted"] else "no"} to "{c["purpose"]}".'
        for c in found["choices"]
    ] or ["  You were not asked for consent."]
    lines += _holding(found["choices"])
    lines += ["", "Who used it, and why", "--------------------"]
    lines += [f'  {u["time"][:10]}: {u["by"]}, for "{u["purpose"]}": {_how(u)}.' for u in found["uses"]] or [
        "  Nobody has used it."
    ]
    lines += ["", "What you can do", "---------------"]
    lines += [
        "  Ask for a copy of everything (subject export).",
        "  Say no from now on (consent withdraw); it holds from the next use.",
        "  Have everything erased, with a signed certificate (subject erase).",
    ]
    return "\n".join(lines)


def _holding(choices: list[dict[str, Any]]) -> list[str]:
    """Say what holds now, where there is a choice at all."""
    now = {c["purpose"]: "yes" if c["granted"] else "no" for c in choices if c["in_force"]}
    told = "; ".join(f'{said} to "{purpose}"' for purpose, said in sorted(now.items()))
    return [f"  What holds now: {told}."] if told else []


_GROUNDS = {
    "consent": "your consent, which you can withdraw at any time",
    "contract": "a contract with you",
    "legal-obligation": "a legal obligation",
    "vital-interest": "the protection of somebody's life",
    "public-task": "a task in the public interest",
    "legitimate-interest": "a legitimate interest, to which you can object",
}


def _how(use: dict[str, Any]) -> str:
    return str(_HOW.get(use["technique"], use["technique"])) + _END.get(use["outcome"], "")


_END = {"failed": " (it failed, and nothing left)", "spent, no result": " (it was cut off, and nothing left)"}
_HOW = {
    "dp_query": "a count or average over many people, blurred so that you cannot be told apart",
    "dp_train": "a model of many people, trained with noise so that you cannot be told apart",
    "k-anonymity": "a table in which your row looks like several others",
}


@subject.command()
@_person
@out_options("The JSON file to write (default: standard output).", required=False)
@gated("subject.export")
@example("hedgerow subject export R-001598 --out export.json")
def export(
    session: Session, screen: Screen, ref: str | None, *, ref_file: str | None, out: Path | None, force: bool
) -> None:
    """Export everything held of the person REF as JSON, values included."""
    from hedgerow.app.outputs import check_out, write_out

    if out is not None:
        check_out(out, force=force)
    found = session.service.export_subject(_ref(ref, ref_file))
    text = visible_json(found)
    if out is None:
        click.echo(text)
        return
    write_out(out, text.encode() + b"\n", force=force)
    screen.result({"out": str(out)}, f"Written to {out}, readable by you only.")


@subject.command()
@_person
@yes_option
@gated("subject.erase")
@example("hedgerow subject erase R-001598", "hedgerow subject erase R-001598 --yes")
def erase(session: Session, screen: Screen, ref: str | None, *, ref_file: str | None, yes: bool) -> None:
    """Erase the person REF and give a signed certificate.

    The person's key is destroyed, the rows and choices are gone. Without --yes it only shows what would
    go. The certificate says what is not final yet.
    """
    person = _ref(ref, ref_file)
    if not yes:
        plan = session.service.plan_erasure(person)
        screen.say(_doomed(plan))
        raise CallerError("confirm.needed", plan=plan)
    certificate: Any = session.service.erase_subject(person)
    warn_unreached(session, screen)
    body = certificate["body"]
    not_final = "\n".join(f"  - {told}" for told in body["not_final_yet"])
    releases = ", ".join(body["releases_that_may_hold_the_person"]) or "none"
    screen.result(
        certificate,
        f"Erased ({body['state']}). Certificate {body['certificate']}, "
        f"journal entry {body['journal_entry']}.\n"
        f"Releases that may hold the person: {releases}\n"
        f"Not final yet:\n{not_final}",
    )


def _doomed(plan: dict[str, Any]) -> str:
    from hedgerow.model.words import many

    sealed, choices = many(plan["sealed_fields"], "sealed field"), many(plan["consent_events"], "choice")
    return (
        f"This erases the person for good: rows in {', '.join(plan['datasets']) or 'no data set'}, "
        f"{sealed}, {choices}.\n"
        f"Releases that already left and may hold the person: {', '.join(plan['releases']) or 'none'}."
    )
