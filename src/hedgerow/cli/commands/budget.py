"""``budget``: what may be spent and what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated, purpose_option, yes_option
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
    if any("unknown_since" in b for b in found):
        since = next(b["unknown_since"] for b in found if "unknown_since" in b)
        screen.say(
            f"Restored {since} without a head kept outside: every budget counts as spent until officers "
            "state what was (`hedgerow budget restate`)."
        )
    headings = ["data set", "purpose", "limit", "spent", "left", "apart from releases"]
    screen.result(found, table(headings, rows))


@budget.command()
@click.option(
    "--spent",
    "texts",
    multiple=True,
    metavar="DATASET:PURPOSE=E",
    help="What an account has spent in all, or population=E; unnamed ones count as all spent.",
)
@yes_option
@gated("budget.restate")
@example("hedgerow budget restate --spent visits:research=1.5 --spent population=1.5 --yes --as priya")
def restate(session: Session, screen: Screen, texts: tuple[str, ...], *, yes: bool) -> None:
    """State what was spent, after a restore that could not know.

    A second privacy officer must approve; then repeat the command. Whatever is stated above what the ledger
    has is charged, and the budgets open again. An account that is not named is charged to its limit. What an
    account is charged counts for the population too, which may come to more than is stated for it. Without
    --yes the figures are shown, as the second officer will see them.
    """
    from hedgerow.app.service.backing import read_spent
    from hedgerow.model.errors import CallerError

    spent = read_spent(texts)
    if not yes:
        plan: dict[str, Any] = session.service.plan_restate(spent)
        screen.say(restated_table(plan["accounts"]) + f"\n{plan['meaning']}")
        raise CallerError("confirm.needed", plan=plan)
    done: dict[str, Any] = session.service.restate(spent)
    told = restated_table(done["accounts"])
    screen.result(done, f"{told}\nStated and charged; the budgets are open again.")


def restated_table(accounts: Sequence[Mapping[str, Any]]) -> str:
    """Lay out what each account comes to by a statement of what was spent."""
    rows = [
        [a["account"], a["in_ledger"], "(not named)" if a["stated"] is None else a["stated"], a["resulting"]]
        for a in accounts
    ]
    return table(["account", "in the ledger", "stated", "resulting"], rows)


def apart(account: Mapping[str, Any]) -> list[str]:
    """Name the releases an account stands apart from; what opened data and never left says so."""
    return [
        *account["apart_from"],
        *(f"{name} (failed, nothing left the house)" for name in account["opened_only"]),
    ]
