"""``budget``: what may be spent and what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated, purpose_option, yes_option
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from datetime import datetime

    from hedgerow.app.space import Session
    from hedgerow.model.periods import Period

_OF_ONE = (
    "Left is the largest epsilon of one more query. Where Gaussian noise was drawn, or keys were found, that "
    "is less than\nthe limit without what was spent, while many small uses still fit: `hedgerow budget "
    "forecast` counts them."
)
_DELTA = "chance of a larger loss, far below 1 over the number of people, for example 1e-6"


@click.group()
def budget() -> None:
    """Privacy budgets: how much may be learned about people, and how much is left."""


def _act(options: Mapping[str, Any]) -> str:
    return "budget.cap" if options["population"] else "budget.allocate"


_DAY = click.DateTime(["%Y-%m-%d"])


def _needed(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Ask for an epsilon, but where a limit is ended."""
    if value is None and not ctx.params.get("end"):
        raise click.MissingParameter(ctx=ctx, param=param)
    return value


@budget.command()
@click.argument("dataset", required=False)
@click.option(
    "--epsilon",
    callback=_needed,
    metavar="E",
    help="The new limit, for example 4; what was spent stays debited.  [required without --end]",
)
@click.option(
    "--delta",
    metavar="D",
    help=f"Let many small uses fit, for a {_DELTA}.  [default: none; only the sum of epsilons counts]",
)
@purpose_option
@click.option(
    "--period", "named", metavar="P", help="Of this year, quarter or month alone: 2026, 2026-Q4, 2026-10."
)
@click.option("--from", "first", type=_DAY, metavar="DATE", help="Of the days from this one, with --until.")
@click.option("--until", "last", type=_DAY, metavar="DATE", help="The last of these days.")
@click.option("--every", type=click.Choice(["year", "quarter", "month"]), help="Of each of them anew.")
@click.option(
    "--end", is_flag=True, is_eager=True, help="End the limit of these days: that of all time decides again."
)
@click.option("--population", is_flag=True, help="Set the cap of all people of the workspace instead.")
@gated(_act, "dataset")
@example("hedgerow budget allocate visits --epsilon 4 --purpose research")
def allocate(  # noqa: PLR0913 - the options of the command
    session: Session,
    screen: Screen,
    dataset: str | None,
    *,
    epsilon: str | None,
    delta: str | None,
    purpose: str | None,
    population: bool,
    end: bool,
    named: str | None,
    first: datetime | None,
    last: datetime | None,
    every: str | None,
) -> None:
    """Set the privacy budget of DATASET for a purpose.

    With --population, set the cap of all people of the workspace. With --delta many small uses add up to less
    than the sum of their epsilons (zCDP); a use must fit both its data set's budget and the population's.

    With --period, --from and --until, or --every, set a further limit of these days (UTC): a use must fit it
    and the budget of all time. No period gives anything back: what was learned about people is not forgotten.
    With the same period and --end that limit ends.
    """
    from hedgerow.model.budget import parse_delta, parse_exact
    from hedgerow.model.errors import CallerError

    if population == (dataset is not None or purpose is not None):
        raise CallerError("budget.which-account")
    chance = {} if delta is None else {"delta": parse_delta(delta)}
    period = _period(named, first, last, every)
    if end or epsilon is None:
        _end(session, screen, dataset, purpose, period)
        return
    made = session.service.allocate(
        dataset, purpose, parse_exact(epsilon, "--epsilon"), **chance, period=period
    )
    where = _whose(made)
    if period is not None:
        kind = f"of each {every}, now {made['period']}," if every else f"of {made['period']}"
        where = f"{where} {kind} within that of all time"
    screen.result(made, f"The budget of {where} is epsilon {_limit(made)}; {made['left']} is left.")


def _end(
    session: Session, screen: Screen, dataset: str | None, purpose: str | None, period: Period | str | None
) -> None:
    """End a limit of some days."""
    from hedgerow.model.errors import CallerError

    if period is None:
        raise CallerError("budget.no-period")
    left = session.service.end_period(dataset, purpose, period)
    told = (
        f"The limit of these days is ended; the budget of {_whose(left)} is epsilon {_limit(left)}, of which "
    )
    screen.result(left, f"{told}{left['left']} is left.")


def _whose(account: Mapping[str, Any]) -> str:
    if account["dataset"] == "*":
        return "the population"
    return f"{account['dataset']} for {account['purpose']}"


def _period(
    named: str | None, first: datetime | None, last: datetime | None, every: str | None
) -> Period | str | None:
    """Read which days a limit is of; none where it is of all time."""
    from hedgerow.model.errors import CallerError
    from hedgerow.model.periods import between, parse_period

    ways = sum(each is not None for each in (named, first or last, every))
    if ways == 0:
        return None
    if ways > 1 or (first is None) is not (last is None):
        raise CallerError("budget.no-period")
    if first is not None and last is not None:
        return between(first.date(), last.date())
    return every if named is None else parse_period(named)


def _limit(account: Mapping[str, Any]) -> str:
    return f"{account['limit']} at delta {account['delta']}" if "delta" in account else str(account["limit"])


@budget.command()
@click.argument("dataset", required=False)
@click.option(
    "--delta", metavar="D", help=f"Also bound what was spent by PLD; D is the {_DELTA}. Needs the extra dp."
)
@gated("budget.show", "dataset")
@example("hedgerow budget show visits")
def show(session: Session, screen: Screen, dataset: str | None, *, delta: str | None) -> None:
    """Show the budgets of DATASET or of all. The population's cap is shown as well.

    What stands under "spent" decides what is still admitted. With --delta a column beside it says what the
    same charges cost at most by a tighter accountant (PLD): a report, which admits nothing.
    """
    from hedgerow.model.budget import parse_delta

    chance = None if delta is None else parse_delta(delta)
    found: list[dict[str, Any]] = session.service.budgets(dataset)
    surveyed = [each for each in found if "survey" in each]
    if chance is not None:
        found = [*session.service.bounded(found, chance), *surveyed]
    dated = any("period" in b for b in found)
    rows = [_row(each, dated=dated, reports=chance is not None) for each in found if "survey" not in each]
    if any("unknown_since" in b for b in found):
        since = next(b["unknown_since"] for b in found if "unknown_since" in b)
        screen.say(
            f"Restored {since} without a head kept outside: every budget counts as spent until officers "
            "state what was (`hedgerow budget restate`)."
        )
    reported = [] if chance is None else [f"by PLD, delta {delta}"]
    headings = [
        "data set",
        "purpose",
        *(["period"] if dated else []),
        "limit",
        "spent",
        *reported,
        "left",
        "apart from releases",
    ]
    shown = table(headings, rows)
    if surveyed:
        local = [[each["survey"], each["purpose"], each["spent"], each["time"]] for each in surveyed]
        shown += "\n\nLocal surveys, each charged to the population:\n"
        shown += table(["survey", "purpose", "epsilon", "since"], local)
    if by_unit := [[_named(each), *one.values()] for each in found for one in each.get("units", ())]:
        shown += "\n\nOf what was spent, by another privacy unit than the person:\n"
        shown += table(["account", "unit", "uses", "loss of one unit", "charged to people"], by_unit)
    if any(_holds_less(each) for each in found):
        shown += "\n\n" + _OF_ONE
    derived = {each["dataset"]: each["derived_from"] for each in found if "derived_from" in each}
    for name, above in derived.items():
        shown += f"\n\n{name} is derived: each use of it is charged to {', '.join(above)} as well."
    screen.result(found, shown)


def _named(account: Mapping[str, Any]) -> str:
    return "(population)" if account["dataset"] == "*" else f"{account['dataset']} for {account['purpose']}"


def _holds_less(account: Mapping[str, Any]) -> bool:
    """Tell whether one more epsilon fits that is less than the limit without what was spent."""
    if "delta" not in account or account.get("limit") is None:
        return False
    rest = Decimal(account["limit"]) - Decimal(account["spent"])
    return Decimal(account["left"]) < rest - Decimal("0.00001")


def _row(account: Mapping[str, Any], *, dated: bool, reports: bool) -> list[Any]:
    dataset, purpose = ("" if account[name] == "*" else account[name] for name in ("dataset", "purpose"))
    again = f" (every {account['every']})" if "every" in account else ""
    period = [account.get("period", "") + again] if dated else []
    told = [account["pld"]] if reports else []
    spent = [_limit(account), account["spent"], *told, account["left"], apart(account)]
    return [dataset or "(population)", purpose, *period, *spent]


@budget.command()
@click.argument("dataset")
@purpose_option
@click.option("--epsilon", required=True, metavar="E", help="What each query would cost, for example 0.1.")
@click.option(
    "--delta", metavar="D", help=f"Also say what PLD would admit; D is the {_DELTA}. Needs the extra dp."
)
@click.option(
    "--unit",
    type=click.Choice(["person", "household", "person-day"]),
    help="What --epsilon is of, as for a query.  [default: person]",
)
@gated("budget.show", "dataset")
@example("hedgerow budget forecast visits --purpose research --epsilon 0.1")
def forecast(
    session: Session, screen: Screen, dataset: str, *, purpose: str | None, epsilon: str, delta: str | None,
    unit: str | None,
) -> None:  # fmt: skip
    """Tell how many such queries the budget of DATASET still holds.

    Such a query is one that costs --epsilon. Nothing is spent. The count is exact while nobody else spends:
    so many are admitted and one more is not.
    """
    from hedgerow.app.service.reckoning import forecast_text
    from hedgerow.model.budget import parse_delta, parse_exact

    chance = None if delta is None else parse_delta(delta)
    told: dict[str, Any] = session.service.forecast(
        dataset, purpose, parse_exact(epsilon, "--epsilon"), chance, unit
    )
    lines = [f"At epsilon {told['epsilon']} each, {forecast_text(told)}."]
    if told["queries_left"] == 0:
        lines.append("Ask for less epsilon each, or ask the privacy officer for budget.")
    if chance is not None:
        lines.append(
            f"By PLD at delta {told['pld']['delta']}, {told['pld']['queries']:,} of them would stay within "
            "the limits, had all uses been fixed beforehand; that is a report and admits nothing."
        )
    screen.result(told, "\n".join(lines))


@budget.command()
@click.argument("dataset", required=False)
@purpose_option
@click.option("--population", is_flag=True, help="All charges to the people of the workspace instead.")
@click.option("--delta", default="1e-6", show_default=True, metavar="D", help=f"The {_DELTA}.")
@gated("budget.show", "dataset")
@example("hedgerow budget reaccount visits --purpose research --delta 1e-6")
def reaccount(
    session: Session,
    screen: Screen,
    dataset: str | None,
    *,
    purpose: str | None,
    population: bool,
    delta: str,
) -> None:
    """Account anew what DATASET was charged, in three ways.

    Every stored charge for the purpose is bounded by the sum of epsilons, which decides what is admitted, and
    beside it by zCDP and by privacy loss distributions (PLD), which only report. Nothing is spent or changed.
    Needs the extra dp.
    """
    from hedgerow.model.budget import parse_delta
    from hedgerow.model.errors import CallerError

    if population == (dataset is not None or purpose is not None):
        raise CallerError("budget.which-account")
    told: dict[str, Any] = session.service.reaccount(dataset, purpose, parse_delta(delta))
    screen.result(told, _reaccounted(told))


def _reaccounted(told: Mapping[str, Any]) -> str:
    rows = [
        [each["name"], each["epsilon"] or "none", each["delta"], "decides" if each["decides"] else "report"]
        for each in told["accountants"]
    ]
    charges = ", ".join(f"{count:,} {kind}" for kind, count in told["charges"].items()) or "none"
    named = apart(told)
    beside = [f"Apart from releases {', '.join(named)}."] if named else []
    body = table(["accountant", "epsilon at most", "delta", "role"], rows)
    limit = f"Limit: epsilon {_limit(told)}, of which {told['left']} is left."
    return "\n".join([f"Charges: {charges}.", *beside, body, limit, *told["meaning"]])


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
