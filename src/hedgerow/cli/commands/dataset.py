"""``dataset``: what there is, what was declared of it, and dropping it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.commands.dataset_index import index
from hedgerow.cli.commands.dataset_public import public
from hedgerow.cli.common import (
    example,
    explain_option,
    gated,
    in_space,
    purpose_option,
    request_id_option,
    warn_unreached,
    yes_option,
)
from hedgerow.cli.screen import Screen, table
from hedgerow.model.errors import CallerError
from hedgerow.model.words import many

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def dataset() -> None:
    """Data sets: what there is, and what their owner declared of them."""


@dataset.command("list")
@gated("dataset.list")
@example("hedgerow dataset list")
def list_(session: Session, screen: Screen) -> None:
    """List the data sets and their purposes."""
    found = session.service.datasets()
    rows = [[d["name"], "" if d["version"] is None else d["version"], d["purposes"]] for d in found]
    screen.result(found, table(["data set", "version", "purposes"], rows))


@dataset.command()
@click.argument("name")
@gated("dataset.list")
@example("hedgerow dataset show visits")
def show(session: Session, screen: Screen, name: str) -> None:
    """Show the columns, bases, indexes and declaration of NAME. Never a value or a count."""
    found: dict[str, Any] = session.service.dataset(name)
    declared = found["declaration"]["columns"]
    rows = [
        [c["name"], "vault" if c["in_vault"] else "table", c["type"], c["role"], c["category"],
         *_declared(declared.get(c["name"]))]
        for c in found["columns"]
    ]  # fmt: skip
    bases = ", ".join(f"{purpose} ({basis})" for purpose, basis in found["bases"].items())
    version = "" if found["version"] is None else f", version {found['version']}"
    told = f"{name}{version}; subject key {found['subject_key']}; purposes: {bases}"
    told_of = [found["contribution"] or "nothing declared yet", *_of_units(found["declaration"])]
    if found["derived_from"]:
        above = ", ".join(found["derived_from"])
        told_of.append(f"derived from {above}: each use is charged to the budgets of that as well")
    bound = "\n".join(told_of)
    headings = ["column", "in", "type", "role", "category", "bounds", "keys"]
    screen.result(found, f"{told}\n{bound}{_indexed(found)}\n{table(headings, rows)}")


def _indexed(found: dict[str, Any]) -> str:
    each = [
        f"{index['column']} ({index['kind']}{', still building' if index['state'] == 'building' else ''})"
        for index in found["indexes"]
    ]
    return f"\npeople are found by: {', '.join(each)}" if each else ""


def _of_units(declared: dict[str, Any]) -> list[str]:
    """Say what names households and days, and how much of each counts."""
    told = []
    if "household" in declared:
        rows = declared.get("household_rows")
        told.append(f"households are named by {declared['household']}; rows of one that count: {rows or '?'}")
    if "day" in declared:
        rows, days = (declared.get(name) or "?" for name in ("rows_per_day", "max_days"))
        told.append(f"days are of {declared['day']}; rows of a day that count: {rows}, on days: {days}")
    return told


def _declared(entry: dict[str, Any] | None) -> list[str]:
    bounds, keys = (entry or {}).get("bounds") or (entry or {}).get("span"), (entry or {}).get("keys")
    return [":".join(bounds) if bounds else "", ",".join(str(key) for key in keys) if keys else ""]


@dataset.command()
@click.argument("name")
@click.option("--unit", default="person", show_default=True, help="The privacy unit.")
@click.option("--max-rows", type=int, metavar="N", help="Rows of one person that count at most.")
@click.option("--max-groups", type=int, metavar="N", help="Groups that rows of one person count in at most.")
@click.option(
    "--max-rows-per-group", type=int, metavar="N", help="Rows of one person that count in any one group."
)
@click.option("--household", metavar="COL", help="The column that names each person's household.")
@click.option("--household-rows", type=int, metavar="N", help="Rows of one household that count at most.")
@click.option("--day", metavar="COL", help="The column with the date or time of each row.")
@click.option("--rows-per-day", type=int, metavar="N", help="Rows of one person on one day that count.")
@click.option("--max-days", type=int, metavar="N", help="Days of one person that count at most.")
@click.option(
    "--bounds",
    multiple=True,
    metavar="COL=LOWER:UPPER",
    help="Values are clamped to these; of dates FIRST:LAST (repeatable).",
)
@click.option(
    "--keys", multiple=True, metavar="COL=A,B,C",
    help="The groups there are; COL=@FILE reads one key a line (repeatable).",
)  # fmt: skip
@gated("dataset.declare", "name")
@example("hedgerow dataset declare visits --max-rows 5 --bounds age=0:120 --keys ward=A,B,C")
def declare(  # noqa: PLR0913 - the options of the command
    session: Session, screen: Screen, name: str, *, unit: str, max_rows: int | None,
    max_groups: int | None, max_rows_per_group: int | None, bounds: tuple[str, ...], keys: tuple[str, ...],
    **of_units: Any,  # noqa: ANN401 - the options of other units
) -> None:  # fmt: skip
    """Declare bounds and keys of NAME. Only the owner may, and never from its values.

    A private query needs --max-rows (or --max-groups and --max-rows-per-group), the bounds of each column it
    sums, and the keys of each column it groups by. `hedgerow query --unit household` needs --household and
    --household-rows too, and `--unit person-day` needs --day, --rows-per-day and --max-days. What was
    declared before and is not named stays.
    """
    from hedgerow.app.declaring import Asked, parse_keys, parse_pair

    asked = Asked(
        unit,
        max_rows,
        dict(parse_pair(text, "--bounds") for text in bounds),
        {column: parse_keys(rest) for column, rest in (parse_pair(text, "--keys") for text in keys)},
        max_groups,
        max_rows_per_group,
        **of_units,
    )
    if asked.is_empty:
        raise CallerError("declare.nothing")
    made = session.service.declare(name, asked)
    screen.result(made, f"Declared; version {made['version']} of the declaration of {name} is in force.")


dataset.add_command(index)
dataset.add_command(public)


@dataset.command()
@click.argument("name")
@click.argument("column")
@purpose_option
@click.option("--epsilon", required=True, metavar="E", help="What to spend of the privacy budget.")
@request_id_option
@explain_option
@in_space
@example("hedgerow dataset bounds visits systolic --purpose research --epsilon 0.2 --as ana")
def bounds(
    session: Session, screen: Screen, name: str, column: str, *, purpose: str | None, epsilon: str,
    request_id: str | None, explain: bool,
) -> None:  # fmt: skip
    """Find bounds of the numbers in COLUMN of NAME, in private.

    A noisy count of rows between any two powers of two says where enough values lie. It is charged like a
    query. The bounds are told with the line that would declare them; nothing is declared. Bounds known from
    outside the data are tighter and cost nothing.
    """
    if explain:
        screen.decision(session.service.explain_bounds(name, column, purpose=purpose, epsilon=epsilon))
        return
    found: dict[str, Any] = session.service.bounds(
        name, column, purpose=purpose, epsilon=epsilon, request_id=request_id
    )
    screen.result(found, _found(found))


def _found(found: dict[str, Any]) -> str:
    receipt = found["receipt"]
    again = " (a stored answer; nothing was spent)" if receipt["replayed"] else ""
    told = [f"{found['sentence']}{again}"]
    told += [f"To declare them: {found['line']}"] if found["line"] else ["Try again with a larger epsilon."]
    own = receipt["budget"]["own"]
    told.append(f"{own['left']} of {own['limit']} epsilon left.")
    named = f"journal entry {receipt['entry']}, {receipt['fingerprint']}"
    told.append(f"Receipt: request {receipt['request_id']}, {named}")
    return "\n".join(told)


@dataset.command()
@click.argument("name")
@yes_option
@gated("dataset.drop", "name")
@example("hedgerow dataset drop visits --yes")
def drop(session: Session, screen: Screen, name: str, *, yes: bool) -> None:
    """Drop NAME for good; it can be collected again.

    Its rows, sealed fields, columns, purposes and declarations go. What was spent on it stays spent, and
    its people stay known. Collecting a file again under the same name makes the data set anew: that is
    how a corrected source is taken in.
    """
    if not yes:
        plan: dict[str, Any] = session.service.plan_drop(name)
        screen.say(_doomed(plan))
        raise CallerError("confirm.needed", plan=plan)
    gone = session.service.drop(name)
    warn_unreached(session, screen)
    screen.result(gone, f"Dropped {name}; journal entry {gone['entry']}. It can be collected again.")


def _doomed(plan: dict[str, Any]) -> str:
    """Word a plan; what the principal may not see is left out."""
    lines = [
        f"This drops {plan['dataset']} for good: its columns, purposes, declarations and marks of sources.",
        *(f"  {text}" for text in _counted(plan)),
    ]
    if plan["releases"] is not None:
        named = ", ".join(plan["releases"]) or "none"
        lines.append(f"Releases of it that left, and are not called back: {named}.")
    return "\n".join([*lines, "What stays:", *(f"  {text}" for text in plan["stays"])])


def _counted(plan: dict[str, Any]) -> Iterator[str]:
    if plan["rows"] is not None:
        only_here = ""
        if plan["people_only_here"] is not None:
            only_here = (
                f"; {many(plan['people_only_here'], 'person', 'people')} of these in no other data set"
            )
        yield f"{many(plan['rows'], 'row')} of {many(plan['people'], 'person', 'people')}{only_here}"
    if plan["quarantined_rows"] is not None:
        yield f"{many(plan['quarantined_rows'], 'broken row')} set aside"
    if plan["results_withdrawn"] is not None:
        kept = many(plan["answers_kept"], "private answer")
        yield f"{many(plan['results_withdrawn'], 'stored result')} with rows of single people ({kept} kept)"
