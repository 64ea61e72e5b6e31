"""``principal``: who may act."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hedgerow.cli.common import example, gated
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def principal() -> None:
    """Principals: the people and programs who may act, and in which roles."""


@principal.command()
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, required=True, metavar="ROLE",
    help="What it may do: administrator, analyst, privacy-officer, auditor or service (repeatable).",
)  # fmt: skip
@gated("principal.add")
@example("hedgerow principal add ana --role analyst")
def add(session: Session, screen: Screen, name: str, *, roles: tuple[str, ...]) -> None:
    """Add the principal NAME; commands then act as it with --as NAME.

    An administrator sets up principals and collects, an analyst asks private queries, a privacy officer
    declares purposes, sets budgets, releases tables and answers people, an auditor sees the evidence and
    no data, a service is an application that collects, records consent and reads single people.
    """
    made = session.service.add_principal(name, roles)
    screen.result(made, f"Principal {name} may act as {', '.join(roles)}; use it with --as {name}.")


@principal.command("list")
@gated("principal.list")
@example("hedgerow principal list")
def list_(session: Session, screen: Screen) -> None:
    """List the principals with their roles."""
    found = session.service.principals()
    rows = [[p["name"], p["roles"]] for p in found]
    screen.result(found, table(["principal", "roles"], rows))
