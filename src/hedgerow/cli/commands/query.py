"""``query``: a differentially private answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.chart import bars
from hedgerow.cli.commands.budget import apart
from hedgerow.cli.common import example, explain_option, in_space, purpose_option, request_id_option
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session

_DRAWN = 4
_AGAIN = {
    "new": "",
    "request": " (a stored answer; nothing was spent)",
    "stored": " (the stored answer to the same question; nothing was spent, --fresh pays for a new one)",
}


def _needed(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Ask for an epsilon, but where the curve shall help to choose one or a rho is given."""
    if value is None and not ctx.params.get("curve") and ctx.params.get("rho") is None:
        raise click.MissingParameter(ctx=ctx, param=param)
    return value


@click.command()
@click.argument("dataset")
@click.argument("sql")
@purpose_option
@click.option(
    "--epsilon",
    callback=_needed,
    metavar="E",
    help="What to spend of the privacy budget, for example 0.5; less is more private and less exact."
    "  [required without --rho or --curve]",
)
@click.option(
    "--rho",
    is_eager=True,
    metavar="R",
    help="What to spend instead of an epsilon, for example 0.01: Gaussian noise, which is less where an "
    "answer has many numbers; the budgets need a delta.",
)
@click.option(
    "--discover-keys",
    metavar="DELTA",
    help="Find the keys of columns without declared ones in the data; for example 1e-8, the chance that a "
    "key is shown which hangs on one person. The budgets need a delta.",
)
@click.option(
    "--unit",
    type=click.Choice(["person", "household", "person-day"]),
    help="What is protected, and what --epsilon or --rho is of, as `hedgerow dataset declare` names it; the "
    "budgets are charged what that comes to for a person.  [default: person]",
)
@click.option(
    "--curve",
    is_flag=True,
    is_eager=True,
    help="Only draw how wrong the answer may be against epsilon, to choose one; nothing is spent.",
)
@click.option(
    "--show-sql",
    metavar="ENGINE",
    help="Only show the exact part as SQL of another engine: duckdb, spark, bigquery, snowflake or postgres.",
)
@click.option(
    "--engine",
    metavar="NAME",
    help="What bounds and adds up the rows: spark, in a process of its own, or duckdb as when not given. The "
    "gate, the noise and the ledger stay here.",
)
@click.option(
    "--latency",
    metavar="T",
    help="Give back the answer, or why there is none, only after T (2s, 500ms) or 2, 4, 8 ... times T: how"
    " long it took then tells next to nothing.",
)
@click.option(
    "--fresh",
    is_flag=True,
    help="Pay for a new answer with new noise also where the same question was answered before.",
)
@request_id_option
@explain_option
@in_space
@example(
    'hedgerow query visits "SELECT ward, COUNT(*), AVG(age) FROM visits GROUP BY ward" \\',
    "    --purpose research --epsilon 0.5 --as analyst1",
)
def query(  # noqa: PLR0913 - the options of the command
    session: Session,
    screen: Screen,
    dataset: str,
    sql: str,
    *,
    purpose: str | None,
    epsilon: str | None,
    rho: str | None,
    discover_keys: str | None,
    unit: str | None,
    request_id: str | None,
    explain: bool,
    curve: bool,
    show_sql: str | None,
    engine: str | None,
    latency: str | None,
    fresh: bool,
) -> None:
    """Ask DATASET a differentially private question.

    Noise is added so that the answer would look much the same without any one person. SQL is SELECT with
    COUNT, COUNT(DISTINCT person), SUM, AVG, VARIANCE, STDDEV, MEDIAN, QUANTILE(column, 0.9), MIN and MAX,
    WHERE, JOIN with public tables (`hedgerow dataset public add`) and with a second data set on the person
    (ON v.person = l.person), which is charged as well, and GROUP BY over columns with declared keys
    (`hedgerow dataset declare`) or, with --discover-keys, over keys that enough people share; with
    expressions of columns, groups by WIDTH_BUCKET(column, low, high, n) and CASE, HAVING on noisy values and
    sub-queries in FROM, also with one row for each person: FROM (SELECT person, COUNT(*) AS n FROM DATASET
    GROUP BY person). MIN and MAX are the 0.05 and 0.95 quantiles: no extreme value is anybody's.

    The answer says how wrong it may be and what is left of the budget; --curve says before how wrong it would
    be at several epsilons, and with --rho at several rhos. The same question asked again, by whomever, is
    answered from what is stored, at no cost, until rows, choices, declarations or a public table change.
    """
    asked = {"purpose": purpose, "epsilon": epsilon, "rho": rho, "discover_keys": discover_keys}
    asked["unit"] = unit
    if curve:
        told = session.service.curve_query(dataset, sql, **asked)
        screen.result(told, _drawn(told))
        return
    if show_sql is not None:
        told = session.service.engine_query(dataset, sql, **asked, dialect=show_sql)
        screen.result(told, _written(told))
        return
    if explain:
        decision = session.service.explain_query(dataset, sql, **asked, fresh=fresh, engine=engine)
        screen.decision(decision, forecast=_forecast(decision))
        return
    answer = session.service.query(
        dataset, sql, **asked, request_id=request_id, fresh=fresh, latency=latency, engine=engine
    )
    screen.result(answer, _shown(answer))


def _written(told: dict[str, Any]) -> str:
    """Show statements as a script, with what they must not be mistaken for as its first lines."""
    names = [f"-- {name}" for name in ["One row for each declared key: " + ", ".join(told["columns"])]]
    names += [f"-- Then rows of group, bin and count: {name}" for name in told["histograms"]]
    warned = [f"-- {line}" for line in told["warning"].split(": ")]
    return "\n".join([*warned, *names, "", ";\n\n".join(told["statements"]) + ";"])


def _drawn(told: dict[str, Any]) -> str:
    """Draw the curves of the first outputs, and lay all of them out in a table."""
    name = "rho" if "rhos" in told else "epsilon"
    labels = [f"{each} *" if each == told["chosen"] else each for each in told[f"{name}s"]]
    shown: list[str] = []
    for output in told["outputs"][:_DRAWN]:
        shown += [f"± of {_named(output)} in 95 of 100 answers, by {name}:"]
        shown += [bars(list(zip(labels, output["half_widths_95"], strict=True))), ""]
    columns = [output["half_widths_95"] for output in told["outputs"]]
    headings = [name, "queries left", *(f"± {_named(output)}" for output in told["outputs"])]
    shown += [table(headings, list(zip(labels, told["queries_left"], *columns, strict=True)))]
    shown += [f"{name}: how wrong it may be is not known before the answer." for name in told["unknown"]]
    shown += [f"* is the {name} that was given."] if told["chosen"] else []
    return "\n".join([*shown, "Nothing was spent, and no data was opened."])


def _named(output: dict[str, Any]) -> str:
    name, given = str(output["name"]), str(output["given"])
    if given.startswith("group"):
        return f"{name} (in a {given})"
    return f"{name} ({given})" if given else name


def _forecast(decision: dict[str, Any]) -> str:
    from hedgerow.app.service.reckoning import forecast_text

    return forecast_text(decision["forecast"]) if "forecast" in decision else ""


def _shown(answer: dict[str, Any]) -> str:
    headings: list[str] = []
    for column in answer["columns"]:
        headings += [column["name"]] if column["kind"] == "key" else [column["name"], "±95%"]
    rows = [
        _row(answer["columns"], *pair) for pair in zip(answer["rows"], answer["half_widths_95"], strict=True)
    ]
    receipt = answer["receipt"]
    notes = "\n".join(f"  {note}" for note in answer["notes"])
    again = _AGAIN[receipt["from"]]
    named = apart(receipt["budget"]["population"])
    beside = f"\nThis reads apart from releases {', '.join(named)}." if named else ""
    return (
        f"{table(headings, rows)}\n\n{answer['sentence']}{again}{beside}\n{notes}\n"
        f"Receipt: request {receipt['request_id']}, journal entry {receipt['entry']}, "
        f"{receipt['fingerprint']}"
    )


def _row(columns: list[dict[str, Any]], cells: list[Any], widths: list[Any]) -> list[Any]:
    shown: list[Any] = []
    for column, cell, width in zip(columns, cells, widths, strict=True):
        rank = column.get("rank_error_95")
        off = width if rank is None else f"{rank:,} in rank"
        shown += [cell] if column["kind"] == "key" else [cell, off]
    return shown
