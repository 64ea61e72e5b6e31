"""``budget``: what may be spent and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hedgerow.cli.common import Screen, in_space, purpose_option, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def budget() -> None:
    """Privacy budgets."""


@budget.command()
@click.argument("dataset", required=False)
@click.option("--epsilon", required=True, help="The limit, for example 4; what was spent stays debited.")
@purpose_option
@click.option("--population", is_flag=True, help="Set the cap of all people of the workspace instead.")
@in_space
def allocate(
    session: Session,
    screen: Screen,
    dataset: str | None,
    *,
    epsilon: str,
    purpose: str | None,
    population: bool,
) -> None:
    """Allocate a privacy budget to DATASET for a purpose."""
    from hedgerow.model.budget import parse_exact
    from hedgerow.model.errors import CallerError

    if population == (dataset is not None or purpose is not None):
        raise CallerError("budget.which-account")
    made = session.service.allocate(dataset, purpose, parse_exact(epsilon, "--epsilon"))
    where = "the population" if population else f"{made['dataset']} for {made['purpose']}"
    screen.result(made, f"The budget of {where} is epsilon {made['limit']}; {made['left']} is left.")


@budget.command()
@click.argument("dataset", required=False)
@in_space
def show(session: Session, screen: Screen, dataset: str | None) -> None:
    """Show the budgets of DATASET, or all, and the population's."""
    found = session.service.budgets(dataset)
    rows = [
        ["(population)" if b["dataset"] == "*" else b["dataset"], "" if b["purpose"] == "*" else b["purpose"],
         b["limit"], b["spent"], b["left"], b["apart_from"]]
        for b in found
    ]  # fmt: skip
    headings = ["data set", "purpose", "limit", "spent", "left", "apart from releases"]
    screen.result(found, table(headings, rows))
