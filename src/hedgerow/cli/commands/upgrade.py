"""``upgrade``: a workspace brought forward, or a database set up for workspaces."""

from __future__ import annotations

from typing import Any

import click

from hedgerow.cli.common import example, json_option, named_space, space_option, yes_option
from hedgerow.cli.screen import Screen
from hedgerow.model.errors import CallerError
from hedgerow.model.words import many


@click.command()
@space_option
@click.option(
    "--application",
    metavar="ROLE",
    help="Role of the database that the program shall use; made when it is not there. It must not own the "
    "tables nor be a superuser.  [default: the roles that are let in already]",
)
@yes_option
@json_option
@example(
    "hedgerow upgrade --space mine --yes",
    "hedgerow upgrade --space postgresql://owner@db.example/hedgerow --application app --yes",
)
def upgrade(*, space: str | None, application: str | None, yes: bool, as_json: bool) -> None:
    """Bring a workspace of an earlier Hedgerow forward, or set up a PostgreSQL database.

    Stop every process that uses the workspace first. A workspace in a directory is changed beside a copy
    of its database, which goes once every record was found again. For a database give the address of its
    owner; the program itself then uses the role that --application names, which row-level security binds.
    If it is cut off, the same command goes on.
    """
    from hedgerow.app import upgrading

    with Screen(as_json=as_json) as screen:
        where = named_space(space)
        plan: dict[str, Any] = upgrading.plan_upgrade(where, application)
        if plan["nothing_to_do"]:
            screen.result(plan, f"Nothing to do: schema {plan['found']} is the newest.")
            return
        if not yes:
            screen.say(_planned(plan))
            raise CallerError("confirm.needed", effect="the records stay as they are")
        screen.progress("upgrading")
        done: dict[str, Any] = upgrading.upgrade(where, application, screen.progress)
        screen.result(done, _done(done))


def _planned(plan: dict[str, Any]) -> str:
    lines = []
    if plan["found"] == 0:
        lines.append(
            f"This makes the schema hedgerow with {many(len(plan['adds']), 'table')} in the database."
        )
    elif plan["found"] < plan["needed"]:
        adds = f" New tables: {', '.join(plan['adds'])}." if plan["adds"] else ""
        lines.append(f"This brings the records from schema {plan['found']} to {plan['needed']}.{adds}")
        lines.append("An earlier Hedgerow cannot open them afterwards.")
    else:
        lines.append("This goes on with an upgrade that was cut off: it checks the result.")
    if plan["copy"]:
        lines.append(f"A copy is kept at {plan['copy']} until every record was found again; then it goes.")
    lets_in = "This lets the role {} use the tables, bound by row-level security."
    lines += map(lets_in.format, plan["lets_in"])
    return "\n".join(lines)


def _done(done: dict[str, Any]) -> str:
    lines = [f"The records have schema {done['needed']}."]
    if done["lets_in"]:
        lines.append(f"Let in: {', '.join(done['lets_in'])}.")
    if done["found"]:
        lines.append("Its policies stay as they are; `hedgerow doctor` names new acts they do not know.")
    if done["store"] == "postgresql" and done["found"] == 0:
        lines.append("Next: hedgerow init postgresql://ROLE@HOST/DATABASE --files DIR")
    return "\n".join(lines)
