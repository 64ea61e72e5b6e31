"""``query``: a differentially private answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.commands.budget import apart
from hedgerow.cli.common import example, explain_option, in_space, purpose_option, request_id_option
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.command()
@click.argument("dataset")
@click.argument("sql")
@purpose_option
@click.option(
    "--epsilon",
    required=True,
    metavar="E",
    help="What to spend of the privacy budget, for example 0.5; less is more private and less exact.",
)
@request_id_option
@explain_option
@in_space
@example(
    'hedgerow query visits "SELECT ward, COUNT(*), AVG(age) FROM visits GROUP BY ward" \\',
    "    --purpose research --epsilon 0.5 --as analyst1",
)
def query(
    session: Session,
    screen: Screen,
    dataset: str,
    sql: str,
    *,
    purpose: str | None,
    epsilon: str,
    request_id: str | None,
    explain: bool,
) -> None:
    """Ask DATASET a differentially private question.

    Noise is added so that the answer would look much the same without any one person. SQL is SELECT with
    COUNT, SUM and AVG, WHERE and GROUP BY over columns with declared keys (`hedgerow dataset declare`).
    The answer says how wrong it may be and what is left of the budget.
    """
    if explain:
        screen.decision(session.service.explain_query(dataset, sql, purpose=purpose, epsilon=epsilon))
        return
    answer = session.service.query(dataset, sql, purpose=purpose, epsilon=epsilon, request_id=request_id)
    screen.result(answer, _shown(answer))


def _shown(answer: dict[str, Any]) -> str:
    headings: list[str] = []
    for column in answer["columns"]:
        headings += [column["name"]] if column["kind"] == "key" else [column["name"], "±95%"]
    rows = [
        _row(answer["columns"], *pair) for pair in zip(answer["rows"], answer["half_widths_95"], strict=True)
    ]
    receipt = answer["receipt"]
    notes = "\n".join(f"  {note}" for note in answer["notes"])
    again = " (a stored answer; nothing was spent)" if receipt["replayed"] else ""
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
        shown += [cell] if column["kind"] == "key" else [cell, width]
    return shown
