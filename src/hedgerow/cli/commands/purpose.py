"""``purpose``: why data is used."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from hedgerow.cli.common import example, gated
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def purpose() -> None:
    """Purposes: why data is used; declared before use, with an owner and an end."""


@purpose.command()
@click.argument("name")
@click.option(
    "--why", required=True, metavar="TEXT", help="The reason, in words the person would understand."
)
@click.option("--owner", required=True, metavar="PRINCIPAL", help="The principal who answers for it.")
@click.option(
    "--until", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="Last day of use."
)
@gated("purpose.add")
@example(
    'hedgerow purpose add research --why "find which treatments help" --owner priya \\',
    "    --until 2030-12-31",
)
def add(session: Session, screen: Screen, name: str, *, why: str, owner: str, until: datetime) -> None:
    """Declare the purpose NAME; after its last day the gate refuses it."""
    made = session.service.add_purpose(name, why, owner, until.date())
    screen.result(made, f"Purpose {name} is declared until {made['until']}, owned by {owner}.")


@purpose.command("list")
@gated("purpose.list")
@example("hedgerow purpose list")
def list_(session: Session, screen: Screen) -> None:
    """List the declared purposes."""
    found = session.service.purposes()
    screen.result(
        found,
        table(
            ["purpose", "until", "owner", "why"],
            [[p["name"], p["until"], p["owner"], p["why"]] for p in found],
        ),
    )
