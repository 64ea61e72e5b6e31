"""``collect``: take a table in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import Screen, in_space, table, yes_option
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.words import Basis

if TYPE_CHECKING:
    from hedgerow.app.service.collecting import CollectPlan
    from hedgerow.app.space import Session


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--dataset", help="Name of the data set, new or existing.")
@click.option("--subject-key", help="The column that holds the source id of the person.")
@click.option("--purpose", "purposes", multiple=True, help="A declared purpose it may serve (repeatable).")
@click.option("--basis", "bases", multiple=True,
              help="The lawful basis: consent, contract, legal-obligation, vital-interest, public-task or "
              "legitimate-interest; PURPOSE=BASIS where several purposes differ.")  # fmt: skip
@click.option("--keep", help="Columns a purpose needs (A,B,C); all others are not collected.")
@click.option("--drop", help="Columns no purpose needs (A,B,C); all others are kept.")
@click.option(
    "--schema", type=click.Path(path_type=Path), help="TOML file with keep, types, roles, bounds, keys."
)
@click.option("--consents", type=click.Path(path_type=Path),
              help="CSV of choices: subject, purpose, time and optionally granted, notice_version, channel.")  # fmt: skip
@click.option("--again", is_flag=True, help="Take a file that was taken before once more.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; write nothing.")
@click.option("--explain", is_flag=True, help="The same as --dry-run.")
@click.option("--quarantine", type=click.Choice(["list", "retry", "discard"]),
              help="Work on broken rows set aside earlier, instead of collecting.")  # fmt: skip
@click.option("--batch", help="The quarantine batch to retry or discard.")
@click.option("--empty-broken", is_flag=True, help="On retry, take cells that do not fit as empty.")
@yes_option
@in_space
def collect(session: Session, screen: Screen, **options: Any) -> None:
    """Take FILE (CSV, JSONL or Parquet) in.

    Direct identifiers go to the vault, each person's sealed under that person's own key; the rest
    becomes an encrypted table. Every kept column must be named by --keep, --drop or --schema. Broken
    rows are set aside sealed, for 30 days. An interrupted run leaves nothing and can be repeated.
    """
    if options["quarantine"]:
        _quarantine(session, screen, options)
        return
    plan = session.service.plan_collect(_request(options), screen.progress)
    if options["dry_run"] or options["explain"]:
        screen.result(plan.as_json(), _planned(plan))
        return
    if not screen.as_json:
        screen.say(_planned(plan))
    taken = session.service.collect(plan, screen.progress)
    screen.result(taken, _taken(taken))


def _request(options: dict[str, Any]) -> Any:
    from hedgerow.app.declaring import Schema, read_schema
    from hedgerow.app.service.collecting import CollectRequest

    for name in ("file", "dataset", "subject_key"):
        if options[name] is None:
            raise click.UsageError(f"Missing {'FILE' if name == 'file' else '--' + name.replace('_', '-')}.")
    schema = read_schema(options["schema"]) if options["schema"] else Schema()
    return CollectRequest(
        options["file"],
        options["dataset"],
        options["subject_key"],
        _bases(options["purposes"], options["bases"]),
        _names(options["keep"]),
        _names(options["drop"]),
        schema,
        options["consents"],
        options["again"],
    )


def _names(text: str | None) -> tuple[str, ...] | None:
    return tuple(name for name in text.split(",") if name) if text is not None else None


def _bases(purposes: tuple[str, ...], stated: tuple[str, ...]) -> dict[str, Basis]:
    """Give each purpose its lawful basis."""
    if not purposes:
        raise Refused("purpose.missing")
    by_purpose = dict(text.split("=", 1) for text in stated if "=" in text)
    common = [text for text in stated if "=" not in text]
    bases = {}
    for purpose in purposes:
        named = by_purpose.get(purpose) or (common[0] if len(common) == 1 else None)
        if named not in set(Basis):
            raise Refused("basis.none-given", purpose=purpose)
        bases[purpose] = Basis(named)
    if unknown := set(by_purpose) - set(purposes):
        raise CallerError("declare.malformed", option=f"--basis {min(unknown)}=...")
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
    broken = [f"  line {row.line}: {row.reason}" for row in plan.arrival.broken[:10]]
    aside = f"\nset aside ({len(plan.arrival.broken)} broken rows):\n" + "\n".join(broken) if broken else ""
    bases = ", ".join(f"{purpose} ({basis})" for purpose, basis in plan.request.bases.items())
    return f"{shown['rows']} rows for {plan.request.dataset}; purposes: {bases}\n{told}{aside}"


def _taken(taken: dict[str, Any]) -> str:
    lines = [
        f"Took {taken['rows']} rows of {taken['people']} people ({taken['new_people']} new) into "
        f"{taken['dataset']}, version {taken['version']}; journal entry {taken['entry']}."
    ]
    if taken["set_aside"]:
        lines.append(f"{taken['set_aside']} broken rows are set aside: `hedgerow collect --quarantine list`.")
    if taken["left_out_as_erased"]:
        lines.append(f"{taken['left_out_as_erased']} rows of erased people were not taken.")
    if taken["consents"] or taken["consents_of_unknown_people"]:
        unknown = taken["consents_of_unknown_people"]
        lines.append(f"{taken['consents']} choices recorded; {unknown} were of people not held here.")
    return "\n".join(lines)


def _quarantine(session: Session, screen: Screen, options: dict[str, Any]) -> None:
    service, batch = session.service, options["batch"]
    batches = service.quarantine_list()
    if options["quarantine"] == "list":
        rows = [
            [b["batch"], b["dataset"], b["until"], r["line"], r["reason"]] for b in batches for r in b["rows"]
        ]  # type: ignore[union-attr,index,call-overload]
        screen.result(batches, table(["batch", "data set", "until", "line", "reason"], rows))
        return
    if batch is None:
        raise click.UsageError("Missing --batch.")
    if options["quarantine"] == "discard":
        if not options["yes"]:
            screen.say(f"This destroys the broken rows of batch {batch} for good.")
            raise CallerError("confirm.needed")
        screen.result(service.quarantine_discard(batch), f"Batch {batch} was destroyed.")
        return
    taken = service.quarantine_retry(batch, empty_broken=options["empty_broken"])
    screen.result(taken, _taken(taken))
