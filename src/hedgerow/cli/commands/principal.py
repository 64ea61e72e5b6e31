"""``principal``: who may act."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hedgerow.cli.common import gated
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def principal() -> None:
    """Principals: who may act, and in which roles."""


@principal.command()
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, required=True, metavar="ROLE",
    help="administrator, analyst, privacy-officer, auditor or service (repeatable).",
)  # fmt: skip
@gated("principal.add")
def add(session: Session, screen: Screen, name: str, *, roles: tuple[str, ...]) -> None:
    """Add the principal NAME; commands then act as it with --as NAME."""
    made = session.service.add_principal(name, roles)
    screen.result(made, f"Principal {name} may act as {', '.join(roles)}; use it with --as {name}.")


@principal.command("list")
@gated("principal.list")
def list_(session: Session, screen: Screen) -> None:
    """List the principals."""
    found = session.service.principals()
    rows = [[p["name"], p["roles"], p["disabled"]] for p in found]
    screen.result(found, table(["principal", "roles", "disabled"], rows))
