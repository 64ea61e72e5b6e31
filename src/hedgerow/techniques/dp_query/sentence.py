"""The words of an answer: how wrong it may be, and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from statistics import median_high

from hedgerow.kernel.accounting.conversion import zcdp_epsilon
from hedgerow.model.answers import Cell
from hedgerow.model.budget import show_chance, show_exact
from hedgerow.techniques.dp_query import quantiles
from hedgerow.techniques.dp_query.planned import (
    CountCell,
    KeyCell,
    MeanCell,
    PlannedOutput,
    QueryPlan,
    SumCell,
)
from hedgerow.techniques.dp_query.quantiles import QuantileCell
from hedgerow.techniques.dp_query.spread import SpreadCell
from hedgerow.techniques.dp_query.units import charged_note, unit_note

Shown = tuple[Cell, Decimal | None]
# The delta at which the cost of Gaussian noise is also told in epsilon.
TOLD_AT = Fraction(1, 10**6)
_UNTOLD = " can be told"
_NONE_FOUND = (
    "No combination reached it, so there is no row. A larger epsilon, fewer rows or groups of one person in "
    "the declaration, or groups of more people bring it within reach; declared keys need no threshold."
)


def sentence(plan: QueryPlan, shown: Sequence[Sequence[Shown]]) -> str:
    """Say in one sentence how far the noise may carry the answer.

    Args:
        plan: What was planned.
        shown: The cells with their half-widths.

    Returns:
        For example ``"Counts are within ±7 in 95 of 100 answers."``.
    """
    told: dict[str, None] = {}
    for place, output in enumerate(plan.outputs):
        if not isinstance(output.cell, KeyCell):
            told[_told(output, plan, [row[place][1] for row in shown])] = None
    # What cannot be told has no error that would hold in so many answers.
    untold = [each for each in told if each.endswith(_UNTOLD)]
    first, *others = [each for each in told if each not in untold] or [""]
    text = "; ".join([*([f"{first} in 95 of 100 answers"] if first else []), *others, *untold])
    return text[0].upper() + text[1:] + "."


def _told(output: PlannedOutput, plan: QueryPlan, widths: Sequence[Decimal | None]) -> str:
    cell, source = output.cell, output.column.source
    if isinstance(cell, MeanCell | SpreadCell):
        known = [width for width in widths if width is not None]
        one, many = _called(cell)
        if not known:
            return f"no {one} of {source}{_UNTOLD}"
        if len(widths) == 1:
            return f"the {one} of {source} is within ±{format(known[0], 'f')}"
        return f"{many} of {source} are within ±{format(median_high(known), 'f')} in the typical group"
    if isinstance(cell, KeyCell):
        return ""
    if isinstance(cell, QuantileCell):
        choice = plan.choices[cell.choice]
        what = quantiles.title(output.column.kind, choice.quantile, choice.bins.column)
        return f"{what} is at most {choice.rank_error:,} rows off in rank"
    if output.column.kind == "people":
        return f"counts of people are within ±{format(plan.half_width(cell), 'f')}"
    what = f"sums of {source}" if isinstance(cell, SumCell) else "counts"
    what = f"counts of {source}" if source is not None and not isinstance(cell, SumCell) else what
    return f"{what} are within ±{format(plan.half_width(cell), 'f')}"


def _called(cell: MeanCell | SpreadCell) -> tuple[str, str]:
    if isinstance(cell, MeanCell):
        return "mean", "means"
    return ("standard deviation", "standard deviations") if cell.is_root else ("variance", "variances")


def notes(plan: QueryPlan, shown: Sequence[Sequence[Shown]]) -> tuple[str, ...]:
    """Say what the half-widths do not cover.

    Args:
        plan: What was planned.
        shown: The cells with their half-widths; only noisy values decide what is said.

    Returns:
        One sentence each.
    """
    how_many, *others = plan.said_of_rows
    bounds = f"{how_many}, and values are clamped to the declared bounds."
    bounds = "; ".join([*others, bounds])
    told = [f"What is said of the error is of the noise alone: {bounds}"]
    if plan.measurements:
        told = [f"The ± is of the noise alone: {bounds}"]
    if any(isinstance(output.cell, CountCell | SumCell) for output in plan.outputs):
        told.append(
            "Counts and sums may fall below zero; they are not cut, so that adding them up stays fair."
        )
    if (unprotected := _protected(plan)) is not None:
        told.insert(0, unprotected)
    if plan.price.rho is not None:
        told.append(cost_note(plan.price.rho))
    told += dict.fromkeys(
        quantiles.note(output.column.kind, plan.choices[output.cell.choice])
        for output in plan.outputs
        if isinstance(output.cell, QuantileCell)
    )
    if plan.aggregation.counts_people:
        told.append("Who has more rows than count may be missed where only other rows would have counted.")
    if plan.selection is not None:
        told.append(plan.selection.note)
        if plan.aggregation.selected == ():
            told.append(_NONE_FOUND)
    if plan.having is not None:
        left_out = plan.groups - len(shown)
        told.append(
            f"HAVING left {left_out} of {plan.groups} noisy rows out: it looks at noisy values, so a row "
            "near its limit may be shown or left out by noise alone."
        )
    elif plan.aggregation.keys and plan.selection is None:
        told.append("Every declared key is shown, also where nobody is; rows with other keys do not count.")
    return (*told, *_left_out(plan, shown))


def _protected(plan: QueryPlan) -> str | None:
    """Say what is protected, and what is not, where that is no person."""
    bound, charged, price = plan.aggregation.of_unit, plan.charged, plan.price
    if bound is None or charged is None:
        return unit_note(plan.unit)
    return charged_note(bound, f"{price.name} {price.text}", f"{charged.name} {charged.text}")


def cost_note(rho: Fraction) -> str:
    """Say what a zero-concentrated cost means, also in the epsilon that it is at a delta."""
    epsilon = show_exact(zcdp_epsilon(rho, TOLD_AT), 3)
    return (
        f"It costs rho {show_exact(rho, 12)} (zero-concentrated), which is an epsilon "
        f"of {epsilon} but for a chance of {show_chance(TOLD_AT)}, and of none without such a chance."
    )


def _left_out(plan: QueryPlan, shown: Sequence[Sequence[Shown]]) -> Iterator[str]:
    """Say what is left out and which count decided: one of its own, that may not be shown."""
    counts = {o.cell.measurement: o.column.name for o in plan.outputs if isinstance(o.cell, CountCell)}
    for place, output in enumerate(plan.outputs):
        empty = sum(row[place][0] is None for row in shown)
        if not isinstance(output.cell, MeanCell | SpreadCell) or not empty:
            continue
        source, named = output.column.source, counts.get(output.cell.count)
        _, what = _called(output.cell)
        which = f"shown as {named}" if named else f"not shown here, as COUNT({source}) would be"
        yield (
            f"{empty} of {len(shown)} {what} of {source} are left out: the noisy count of the rows with a "
            f"value of {source}, {which}, is too small."
        )
