"""``collect``: take a table in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from hedgerow.cli.common import example, explain_option, in_space, names, yes_option
from hedgerow.cli.screen import Screen, table
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.words import Basis

if TYPE_CHECKING:
    from hedgerow.app.service.collecting import CollectPlan, CollectRequest
    from hedgerow.app.space import Session

_SHOWN_BROKEN = 10


class Options(TypedDict):
    """The options of the command."""

    file: Path | None
    dataset: str | None
    subject_key: str | None
    purposes: tuple[str, ...]
    bases: tuple[str, ...]
    keep: str | None
    drop: str | None
    schema: Path | None
    consents: Path | None
    again: bool
    dry_run: bool
    explain: bool
    quarantine: str | None
    batch: str | None
    empty_broken: bool
    yes: bool


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--dataset", metavar="NAME", help="The data set, new or existing.")
@click.option("--subject-key", metavar="COL", help="The column that holds the source id of the person.")
@click.option(
    "--purpose",
    "purposes",
    multiple=True,
    metavar="NAME",
    help="A declared purpose it may serve (repeatable).",
)
@click.option(
    "--basis", "bases", multiple=True, metavar="BASIS",
    help="The lawful basis: consent, contract, legal-obligation, vital-interest, public-task or "
    "legitimate-interest; PURPOSE=BASIS where several purposes differ.",
)  # fmt: skip
@click.option("--keep", metavar="A,B,C", help="Columns a purpose needs; all others are not collected.")
@click.option("--drop", metavar="A,B,C", help="Columns no purpose needs; all others are kept.")
@click.option(
    "--schema", type=click.Path(path_type=Path), metavar="FILE",
    help="TOML file with keep, drop, types, roles, unit, max_rows, bounds, keys.",
)  # fmt: skip
@click.option(
    "--consents", type=click.Path(path_type=Path), metavar="FILE",
    help="CSV of choices: subject, purpose, time and optionally granted, notice_version, channel.",
)  # fmt: skip
@click.option("--again", is_flag=True, help="Take a file that was taken before once more.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; write nothing.")
@explain_option
@click.option(
    "--quarantine", type=click.Choice(["list", "retry", "discard"]),
    help="Work on broken rows set aside earlier, instead of collecting.",
)  # fmt: skip
@click.option("--batch", metavar="ID", help="The quarantine batch to retry or discard.")
@click.option("--empty-broken", is_flag=True, help="On retry, take cells that do not fit as empty.")
@yes_option
@in_space
@example(
    "hedgerow collect visits.csv --dataset visits --subject-key patient_ref \\",
    "    --purpose research --basis consent --consents choices.csv --drop visit_id",
)
def collect(session: Session, screen: Screen, **options: Unpack[Options]) -> None:
    """Take FILE (CSV, JSONL or Parquet) in.

    Direct identifiers go to the vault, each person's sealed under that person's own key; the rest
    becomes an encrypted table. Every kept column must be named by --keep, --drop or --schema. Broken
    rows are set aside sealed, for 30 days. An interrupted run leaves nothing and can be repeated.
    """
    if options["quarantine"]:
        _quarantine(session, screen, options)
        return
    if options["explain"]:
        _explain(session, screen, options)
        return
    plan = session.service.plan_collect(_request(options), screen.progress)
    if options["dry_run"]:
        screen.result(plan.as_json(), _planned(plan))
        return
    if not screen.as_json:
        screen.say(_planned(plan))
    taken = session.service.collect(plan, screen.progress)
    screen.result(taken, _taken(taken))


def _explain(session: Session, screen: Screen, options: Options) -> None:
    """Print the gate's decision, and when it allows also what would be done."""
    decision = session.service.explain_act("collect", options["dataset"])
    if not decision["allowed"]:
        screen.decision(decision)
        return
    try:
        plan = session.service.plan_collect(_request(options), screen.progress)
    except Refused as error:
        screen.decision(session.service.explained("collect", error))
        return
    screen.decision({**decision, "plan": plan.as_json()}, _planned(plan))


def _request(options: Options) -> CollectRequest:
    from hedgerow.app.declaring import Schema, read_schema
    from hedgerow.app.service.collecting import CollectRequest

    path, dataset, subject_key = options["file"], options["dataset"], options["subject_key"]
    for given, name in ((path, "FILE"), (dataset, "--dataset"), (subject_key, "--subject-key")):
        if given is None:
            raise click.UsageError(f"{name} is missing.")
    schema = read_schema(options["schema"]) if options["schema"] else Schema()
    return CollectRequest(
        Path(str(path)),
        str(dataset),
        str(subject_key),
        _bases(options["purposes"], options["bases"]),
        names(options["keep"]) if options["keep"] is not None else None,
        names(options["drop"]) if options["drop"] is not None else None,
        schema,
        options["consents"],
        options["again"],
    )


def _bases(purposes: tuple[str, ...], stated: tuple[str, ...]) -> dict[str, Basis]:
    """Give each purpose its lawful basis."""
    if not purposes:
        raise Refused("purpose.missing")
    by_purpose = dict(text.split("=", 1) for text in stated if "=" in text)
    if unknown := set(by_purpose) - set(purposes):
        raise CallerError("collect.basis-of-no-purpose", purpose=min(unknown))
    common = [text for text in stated if "=" not in text]
    bases = {}
    for purpose in purposes:
        named = by_purpose.get(purpose) or (common[0] if len(common) == 1 else None)
        if named not in set(Basis):
            raise Refused("basis.none-given", purpose=purpose)
        bases[purpose] = Basis(named)
    return bases


def _planned(plan: CollectPlan) -> str:
    shown = plan.as_json()
    where = {c.name: "vault" if c.in_vault else "table" for c in plan.columns}
    rows = [
        [f.column, where.get(f.column, "not collected"), f.role.value, f.category, f"{f.confidence:.2f}",
         " ".join(f.evidence[:1])]
        for f in plan.findings
    ]  # fmt: skip
    told = table(["column", "goes to", "role", "category", "confidence", "masked"], rows)
    broken = plan.arrival.broken
    lines = [f"  line {row.line}: {row.reason}" for row in broken[:_SHOWN_BROKEN]]
    if len(broken) > _SHOWN_BROKEN:
        lines.append(f"  and {len(broken) - _SHOWN_BROKEN} more; --json lists all")
    aside = f"\nset aside ({len(broken)} broken rows):\n" + "\n".join(lines) if broken else ""
    bases = ", ".join(f"{purpose} ({basis})" for purpose, basis in plan.request.bases.items())
    return f"{shown['rows']} rows for {plan.request.dataset}; purposes: {bases}\n{told}{aside}"


def _taken(taken: dict[str, Any]) -> str:
    new = f" ({taken['new_people']} new)" if taken["new_people"] is not None else ""
    people = f"{taken['people']} people{new}"
    where = f"{taken['dataset']}, version {taken['version']}; journal entry {taken['entry']}"
    lines = [f"Took {taken['rows']} rows of {people} into {where}."]
    if taken["set_aside"]:
        lines.append(f"{taken['set_aside']} broken rows are set aside: `hedgerow collect --quarantine list`.")
    if taken["left_out_as_erased"]:
        lines.append(f"{taken['left_out_as_erased']} rows of erased people were not taken.")
    if taken["consents"] or taken["consents_of_unknown_people"]:
        unknown = taken["consents_of_unknown_people"]
        lines.append(f"{taken['consents']} choices recorded; {unknown} were of people not held here.")
    return "\n".join(lines)


def _quarantine(session: Session, screen: Screen, options: Options) -> None:
    service, batch = session.service, options["batch"]
    if options["explain"]:
        act = "quarantine.list" if options["quarantine"] == "list" else "quarantine.manage"
        screen.decision(service.explain_act(act))
        return
    if options["quarantine"] == "list":
        found: list[dict[str, Any]] = service.quarantine_list()
        rows = [
            [b["batch"], b["dataset"], b["until"], r["line"], r["reason"]] for b in found for r in b["rows"]
        ]
        screen.result(found, table(["batch", "data set", "until", "line", "reason"], rows))
        return
    if batch is None:
        raise click.UsageError("--batch is missing.")
    if options["quarantine"] == "discard":
        _discard(session, screen, batch, yes=options["yes"])
        return
    taken = service.quarantine_retry(batch, empty_broken=options["empty_broken"])
    screen.result(taken, _taken(taken))


def _discard(session: Session, screen: Screen, batch: str, *, yes: bool) -> None:
    if not yes:
        screen.say(f"This destroys the broken rows of batch {batch} for good.")
        raise CallerError("confirm.needed")
    screen.result(session.service.quarantine_discard(batch), f"Batch {batch} was destroyed.")
