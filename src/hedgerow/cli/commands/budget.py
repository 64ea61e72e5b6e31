"""``budget``: what may be spent and what is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated, purpose_option
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def budget() -> None:
    """Privacy budgets: how much may be learned about people, and how much is left."""


def _act(options: Mapping[str, Any]) -> str:
    return "budget.cap" if options["population"] else "budget.allocate"


@budget.command()
@click.argument("dataset", required=False)
@click.option(
    "--epsilon",
    required=True,
    metavar="E",
    help="The new limit, for example 4; what was spent stays debited.",
)
@purpose_option
@click.option("--population", is_flag=True, help="Set the cap of all people of the workspace instead.")
@gated(_act, "dataset")
@example("hedgerow budget allocate visits --epsilon 4 --purpose research")
def allocate(
    session: Session,
    screen: Screen,
    dataset: str | None,
    *,
    epsilon: str,
    purpose: str | None,
    population: bool,
) -> None:
    """Set the privacy budget of DATASET for a purpose.

    With --population, set the cap of all people of the workspace.
    """
    from hedgerow.model.budget import parse_exact
    from hedgerow.model.errors import CallerError

    if population == (dataset is not None or purpose is not None):
        raise CallerError("budget.which-account")
    made = session.service.allocate(dataset, purpose, parse_exact(epsilon, "--epsilon"))
    where = "the population" if population else f"{made['dataset']} for {made['purpose']}"
    screen.result(made, f"The budget of {where} is epsilon {made['limit']}; {made['left']} is left.")


@budget.command()
@click.argument("dataset", required=False)
@gated("budget.show", "dataset")
@example("hedgerow budget show visits")
def show(session: Session, screen: Screen, dataset: str | None) -> None:
    """Show the budgets of DATASET or of all. The population's cap is shown as well."""
    found = session.service.budgets(dataset)
    rows = [
        ["(population)" if b["dataset"] == "*" else b["dataset"], "" if b["purpose"] == "*" else b["purpose"],
         b["limit"], b["spent"], b["left"], apart(b)]
        for b in found
    ]  # fmt: skip
    headings = ["data set", "purpose", "limit", "spent", "left", "apart from releases"]
    screen.result(found, table(headings, rows))


def apart(account: Mapping[str, Any]) -> list[str]:
    """Name the releases an account stands apart from; what opened data and never left says so."""
    return [
        *account["apart_from"],
        *(f"{name} (failed, nothing left the house)" for name in account["opened_only"]),
    ]
