"""``collect``: take a table in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from hedgerow.cli.common import example, explain_option, in_space, names, yes_option
from hedgerow.cli.screen import Screen, table
from hedgerow.model.errors import CallerError, Refused

if TYPE_CHECKING:
    from hedgerow.app.service.collect_plan import CollectPlan
    from hedgerow.app.service.collecting import CollectRequest
    from hedgerow.app.space import Session
    from hedgerow.model.words import Basis


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
    derived_from: tuple[str, ...]
    dry_run: bool
    explain: bool
    quarantine: str | None
    batch: str | None
    empty_broken: bool
    yes: bool


def _one_person(_: click.Context, __: click.Parameter, columns: tuple[str, ...]) -> str | None:
    """Refuse a row about two people: only one of them would be asked, bounded and charged."""
    if len(set(columns)) > 1:
        raise Refused("dp.two-people")
    return columns[0] if columns else None


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--dataset",
    metavar="NAME",
    help="The data set, new or existing; with --quarantine list, the one to list.",
)
@click.option(
    "--subject-key",
    multiple=True,
    callback=_one_person,
    metavar="COL",
    help="The column that tells whose row it is: the person's id in the source.",
)
@click.option(
    "--purpose",
    "purposes",
    multiple=True,
    metavar="NAME",
    help="A declared purpose it may be used for (repeatable).",
)
@click.option(
    "--basis", "bases", multiple=True, metavar="BASIS",
    help="The lawful basis, why the law allows it: consent, contract, legal-obligation, vital-interest, "
    "public-task or legitimate-interest; PURPOSE=BASIS where several purposes differ.",
)  # fmt: skip
@click.option("--keep", metavar="A,B,C", help="Columns a purpose needs; all others are not collected.")
@click.option("--drop", metavar="A,B,C", help="Columns no purpose needs; all others are kept.")
@click.option(
    "--schema", type=click.Path(path_type=Path), metavar="FILE",
    help="TOML file with keep, drop, types, roles, unit, max_rows, bounds, keys.",
)  # fmt: skip
@click.option(
    "--consents", type=click.Path(path_type=Path), metavar="FILE",
    help="CSV of choices: subject, purpose, time and optionally granted, notice_version, channel. "
    "Also with --quarantine retry, for the people of its rows.",
)  # fmt: skip
@click.option(
    "--again", is_flag=True, help="Take a file that was taken before once more; its rows then count twice."
)
@click.option(
    "--derived-from", multiple=True, metavar="NAME",
    help="A data set that FILE was made from, as a copy or an extract of it is (repeatable). Each use is "
    "then charged to its budgets as well, for good.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show what would be done; write nothing.")
@explain_option
@click.option(
    "--quarantine", type=click.Choice(["list", "retry", "discard"]),
    help="Instead of collecting, work on broken rows that were set aside: list them, read a batch again, or "
    "destroy it.",
)  # fmt: skip
@click.option(
    "--batch",
    metavar="ID",
    help="The batch of broken rows to retry or discard; --quarantine list names them.",
)
@click.option("--empty-broken", is_flag=True, help="On retry, take cells that do not fit as empty.")
@yes_option
@in_space
@example(
    "hedgerow collect visits.csv --dataset visits --subject-key patient_ref \\",
    "    --purpose research --basis consent --consents choices.csv --drop visit_id",
)
def collect(session: Session, screen: Screen, **options: Unpack[Options]) -> None:
    """Take FILE (CSV, JSONL or Parquet) in.

    Direct identifiers (names, addresses, numbers that point at one person) go to the vault, each
    person's sealed under that person's own key; the rest becomes an encrypted table. Every kept column
    must be named by --keep, --drop or --schema. Rows that cannot be read are set aside, sealed, for 30
    days. An interrupted run leaves nothing and can be repeated. --dry-run shows what would be taken.
    """
    if options["quarantine"]:
        _quarantine(session, screen, options)
        return
    if options["explain"]:
        _explain(session, screen, options)
        return
    plan = session.service.plan_collect(_request(options), screen.progress)
    if options["dry_run"]:
        told = _planned(plan, screen.width())
        screen.result(plan.as_json(), f"{told}\n\nNothing was done.")
        return
    if not screen.as_json and not plan.adds_nothing:
        screen.say(_planned(plan, screen.width(narration=True)))
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
    screen.decision({**decision, "plan": plan.as_json()}, _planned(plan, screen.width()))


def _planned(plan: CollectPlan, width: int | None) -> str:
    from hedgerow.cli.collect_plan import planned

    return planned(plan, width)


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
        options["derived_from"],
    )


def _bases(purposes: tuple[str, ...], stated: tuple[str, ...]) -> dict[str, Basis]:
    """Give each purpose its lawful basis."""
    from hedgerow.app.rows import bases_of

    if not purposes:
        raise CallerError("purpose.missing")
    by_purpose = dict(text.split("=", 1) for text in stated if "=" in text)
    if unknown := set(by_purpose) - set(purposes):
        raise CallerError("collect.basis-of-no-purpose", purpose=min(unknown))
    common = [text for text in stated if "=" not in text]
    named = {}
    for purpose in purposes:
        basis = by_purpose.get(purpose) or (common[0] if len(common) == 1 else None)
        if basis is None:
            raise Refused("basis.none-given", purpose=purpose)
        named[purpose] = basis
    return bases_of(named)


def _taken(taken: dict[str, Any]) -> str:
    from hedgerow.model.words import many

    new = f" ({taken['new_people']:,} new)" if taken["new_people"] is not None else ""
    people = f"{many(taken['people'], 'person', 'people')}{new}"
    version = f", version {taken['version']}" if taken["version"] is not None else ""
    where = f"{taken['dataset']}{version}; journal entry {taken['entry']}"
    lines = [f"Took {many(taken['rows'], 'row')} of {people} into {where}."]
    if taken["set_aside"] and "retried" not in taken:
        aside = many(taken["set_aside"], "broken row is", "broken rows are")
        lines.append(f"{aside} set aside: `hedgerow collect --quarantine list`.")
    if taken["left_out_as_erased"]:
        erased = many(taken["left_out_as_erased"], "row of an erased person", "rows of erased people")
        lines.append(f"Not taken: {erased}.")
    if taken["consents"] or taken["consents_of_unknown_people"]:
        unknown = many(taken["consents_of_unknown_people"], "was of a person", "were of people")
        lines.append(f"{many(taken['consents'], 'choice')} recorded; {unknown} not held here.")
    if taken["batch"] and taken["consents_of_unknown_people"]:
        retry = f"`hedgerow collect --quarantine retry --batch {taken['batch']} --consents FILE`"
        lines.append(f"Choices of people whose rows were set aside were not kept: give them with {retry}.")
    return "\n".join(lines)


def _quarantine(session: Session, screen: Screen, options: Options) -> None:
    service, batch, dataset = session.service, options["batch"], options["dataset"]
    if options["consents"] is not None and options["quarantine"] != "retry":
        raise click.UsageError("--consents goes with --quarantine retry, or with a FILE to collect.")
    if options["explain"]:
        act = "quarantine.list" if options["quarantine"] == "list" else "quarantine.manage"
        screen.decision(service.explain_act(act, dataset))
        return
    if options["quarantine"] == "list":
        _list(screen, service.quarantine_list(dataset))
        return
    if batch is None:
        raise click.UsageError("--batch is missing.")
    if dataset is not None:
        raise click.UsageError("--dataset goes with --quarantine list; a batch belongs to one data set.")
    if options["quarantine"] == "discard":
        _discard(session, screen, batch, options)
        return
    _retry(session, screen, batch, options)


def _retry(session: Session, screen: Screen, batch: str, options: Options) -> None:
    service, empty, consents = session.service, options["empty_broken"], options["consents"]
    if options["dry_run"]:
        plan = service.plan_retry(batch, empty_broken=empty, consents=consents)
        screen.result(plan, f"{_retry_planned(plan)}\n\nNothing was done.")
        return
    taken = service.quarantine_retry(batch, empty_broken=empty, consents=consents)
    screen.result(taken, _taken(taken) + "\n" + _after_retry(taken))


def _retry_planned(plan: dict[str, Any]) -> str:
    from hedgerow.model.words import many

    what = f"{many(plan['rows'], 'row')} of {many(plan['people'], 'person', 'people')}"
    lines = [f"Plan  {what} of batch {plan['batch']} into {plan['dataset']}."]
    if plan["still_broken"]:
        lines.append(f"Still broken: {many(plan['still_broken'], 'row')}.")
    if choices := sum(plan["consents_by_purpose"].values()):
        others = f"{plan['consents_of_others']:,} of them of people not in these rows"
        lines.append(f"{many(choices, 'choice')} along; {others}, who may be held already.")
    return "\n".join(lines)


def _list(screen: Screen, found: list[dict[str, Any]]) -> None:
    rows = [[b["batch"], b["dataset"], b["until"], r["line"], r["reason"]] for b in found for r in b["rows"]]
    screen.result(found, table(["batch", "data set", "until", "line", "reason"], rows))


def _after_retry(taken: dict[str, Any]) -> str:
    from hedgerow.model.words import many

    if taken["batch"] is None:
        return f"Nothing of batch {taken['retried']} is broken any more; the batch is gone."
    still = many(taken["set_aside"], "row")
    return f"Still broken: {still}, now in batch {taken['batch']}; batch {taken['retried']} is gone."


def _discard(session: Session, screen: Screen, batch: str, options: Options) -> None:
    from hedgerow.model.words import many

    if options["dry_run"]:
        plan: dict[str, Any] = session.service.plan_discard(batch)
        rows = many(plan["rows"], "broken row")
        told = f"The {rows} of batch {batch}, of {plan['dataset']}, would be destroyed."
        screen.result(plan, f"{told}\n\nNothing was done.")
        return
    if not options["yes"]:
        screen.say(f"This destroys the broken rows of batch {batch} for good.")
        raise CallerError("confirm.needed")
    screen.result(session.service.quarantine_discard(batch), f"Batch {batch} was destroyed.")
