"""``synthesise``: a differentially private synthetic table."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from hedgerow.cli.common import (
    example,
    explain_option,
    in_space,
    names,
    out_options,
    purpose_option,
    request_id_option,
)
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.service.synthesising import SynthesisRequest
    from hedgerow.app.space import Session

_SHOWN = 12
_OFF = (
    "Rows off: the share of rows that would have to move for the table to show what was measured, with its "
    "noise."
)
# Of a measurement, the share of its rows that noise alone puts off, from which on it tells next to nothing.
_MUCH = 1.0
_NOISY = (
    "\nNoise alone puts a measurement off by more than all rows: it shows hardly anything of people. Take "
    "fewer\ncolumns, fewer --bins or a larger --epsilon."
)


class Options(TypedDict):
    """The options of ``synthesise``."""

    purpose: str | None
    columns: str
    children: str | None
    child_columns: str
    children_out: Path | None
    epsilon: str
    delta: str | None
    rows: int
    bins: int
    check_epsilon: str | None
    report: Path | None
    request_id: str | None
    explain: bool
    out: Path
    force: bool


@click.command()
@click.argument("dataset")
@purpose_option
@click.option(
    "--columns", required=True, metavar="A,B,C",
    help="Columns of the table, each with declared keys or bounds (`hedgerow dataset declare`).",
)  # fmt: skip
@click.option(
    "--children", metavar="DATASET",
    help="The data set that holds the rows of --child-columns, where it is another one.",
)  # fmt: skip
@click.option(
    "--child-columns", default="", metavar="A,B",
    help="Make a pair of tables: persons with --columns, and their rows with these columns.",
)  # fmt: skip
@click.option(
    "--children-out", type=click.Path(path_type=Path), metavar="PATH",
    help="The file for the rows of the persons, ending with .csv or .parquet.",
)  # fmt: skip
@click.option(
    "--epsilon", required=True, metavar="E",
    help="What the table may cost of the privacy budget, for example 1; less is more private and less true.",
)  # fmt: skip
@click.option(
    "--delta", metavar="D",
    help="The chance that epsilon goes with, far below 1 over the number of people: 1e-9 when not given; "
    "0, a pure epsilon, where a budget has no delta.",
)  # fmt: skip
@click.option(
    "--rows",
    required=True,
    type=int,
    metavar="N",
    help="How many rows to make; your number, not the true count.",
)
@click.option(
    "--bins", default=16, show_default=True, type=int, metavar="N",
    help="Bins of each numeric column at most, 2 to 256.",
)  # fmt: skip
@click.option(
    "--check-epsilon", metavar="E",
    help="Spend so much more on comparing every pair of columns with the real rows.",
)  # fmt: skip
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="PATH",
    help="Write how close the table is to what was measured, as .html or .json; this costs nothing.",
)  # fmt: skip
@request_id_option
@explain_option
@out_options("The file to write, ending with .csv or .parquet.")
@in_space
@example(
    "hedgerow synthesise visits --columns ward,age,diagnosis --epsilon 1 --rows 5000 \\",
    "    --purpose research --out visits-synthetic.csv --report visits-synthetic.html",
)
def synthesise(session: Session, screen: Screen, dataset: str, **options: Unpack[Options]) -> None:
    """Make a synthetic table of DATASET: rows of people who do not exist.

    Each column and some pairs and triples of columns, chosen in private, are counted with noise, and the rows
    are drawn from what those counts say. The table would look much the same without any one person; it is
    differentially private, which does not make it anonymous in the words of a law. Values that nobody
    declared never appear.
    """
    asked = _asked(dataset, options)
    if options["explain"]:
        decision = session.service.explain_synthesis(asked, purpose=options["purpose"])
        screen.decision(decision, forecast=_forecast(decision))
        return
    from hedgerow.app.service.synthesising import Outputs

    made = session.service.synthesise(
        asked,
        purpose=options["purpose"],
        out=Outputs(options["out"], options["report"], options["force"], options["children_out"]),
        request_id=options["request_id"],
        progress=screen.progress,
    )
    screen.result(made, _shown(made))


def _asked(dataset: str, options: Options) -> SynthesisRequest:
    from hedgerow.app.service.synthesising import SynthesisRequest

    return SynthesisRequest(
        dataset, names(options["columns"]), options["rows"], options["epsilon"], options["delta"],
        options["check_epsilon"], options["bins"], names(options["child_columns"]), options["children"],
    )  # fmt: skip


def _forecast(decision: dict[str, Any]) -> str:
    from hedgerow.app.service.reckoning import forecast_text

    return forecast_text(decision["forecast"], "table") if "forecast" in decision else ""


def _shown(made: dict[str, Any]) -> str:
    from hedgerow.model.words import percent

    measured = made["measured"]
    rows = [
        [", ".join(each["columns"]), each["cells"], percent(each["distance"]), percent(each["noise"])]
        for each in measured[-_SHOWN:]
    ]
    widest = max((float(each["noise"]) for each in measured), default=0)
    beside_noise = _NOISY if widest > _MUCH else ""
    receipt, budget = made["receipt"], made["receipt"]["budget"]
    own = min([budget["own"], *budget.get("others", [])], key=lambda each: Decimal(each["left"]))
    again = " (the stored table; nothing was spent)" if receipt["replayed"] else ""
    more = f"\n(the last {_SHOWN} of {len(measured)} measurements)" if len(measured) > _SHOWN else ""
    beside = f"Report written to {made['report']}.\n" if made["report"] else ""
    return (
        f"{made['rows']:,} rows written to {made['out']}{_below(made)}{again}.\n"
        f"{made['label']}\n\n"
        f"{table(['measured', 'cells', 'rows off', 'by noise alone'], rows)}{more}\n\n"
        f"{_OFF}{beside_noise}\n\n"
        f"{_compared(made)}{beside}"
        f"The budget of epsilon {own['limit']} still holds a query of epsilon {own['left']}.\n"
        f"Receipt: request {receipt['request_id']}, journal entry {receipt['entry']}, "
        f"{receipt['fingerprint']}"
    )


def _below(made: dict[str, Any]) -> str:
    if made["children_out"] is None:
        return ""
    return f", {made['child_rows']:,} rows of these persons to {made['children_out']}"


def _compared(made: dict[str, Any]) -> str:
    from hedgerow.model.words import percent

    if "compared" not in made:
        return ""
    told = made["compared"]
    return (
        f"Against the real rows {percent(told['mean'])} of the rows are off in a pair of columns on average, "
        f"each ± {percent(told['plus_minus'])}.\n"
    )
