"""Exact aggregates in, a private answer out: noise once, everything after it post-processing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from hedgerow.kernel.noise import add_gaussian, add_laplace, l2_bound
from hedgerow.model.answers import Answer, Cell
from hedgerow.model.errors import Fault
from hedgerow.techniques.dp_query.having import holds
from hedgerow.techniques.dp_query.planned import (
    CountCell,
    KeyCell,
    MeanCell,
    Measurement,
    QueryPlan,
    SumCell,
    rounded_up,
)
from hedgerow.techniques.dp_query.quantiles import Choice, QuantileCell
from hedgerow.techniques.dp_query.sentence import notes, sentence
from hedgerow.techniques.dp_query.spread import Seen, SpreadCell, quotient, spread

_Shown = tuple[Cell, Decimal | None]


def run(exact: Sequence[Sequence[int]], plan: QueryPlan) -> Answer:
    """Add the planned noise to exact aggregates and shape the answer.

    Args:
        exact: One row for each combination of declared keys, in the order of their product
            (the first grouping column slowest), with the plan's aggregates in order and then its
            histograms.
        plan: What was planned.

    Returns:
        The answer.

    Raises:
        Fault: ``dp.bad-aggregate`` when the shape does not fit; ``noise.too-weak`` or
            ``noise.overflow`` from the noise. Nothing is released then.

    Guarantee: differential privacy of the plan's cost for its unit, when ``exact`` is what the
        plan's aggregation defines.
    """
    _check_shape(exact, plan)
    noisy = [_measure(exact, measurement) for measurement in plan.measurements]
    chosen = [_choose(exact, choice, plan) for choice in plan.choices]
    shown = [
        tuple(
            _chosen(output.cell, chosen[output.cell.choice][group], plan)
            if isinstance(output.cell, QuantileCell)
            else _cell(output.cell, group, key, noisy, plan)
            for output in (*plan.outputs, *plan.tested)
        )
        for group, key in enumerate(plan.aggregation.combinations)
    ]
    if plan.having is not None:
        kept = plan.having
        shown = [row[: len(plan.outputs)] for row in shown if holds(kept, [cell for cell, _ in row])]
    for place, is_descending in reversed(plan.order_by):
        shown = _sorted(shown, place, is_descending=is_descending)
    shown = shown[: plan.limit]
    return Answer(
        columns=tuple(output.column for output in plan.outputs),
        rows=tuple(tuple(cell for cell, _ in row) for row in shown),
        half_widths=tuple(tuple(width for _, width in row) for row in shown),
        mechanism=plan.mechanism,
        epsilon=plan.price.epsilon,
        rho=plan.price.rho,
        delta=plan.price.delta,
        unit=plan.unit,
        charged="" if plan.charged is None else f"{plan.charged.name} {plan.charged.text}",
        sentence=sentence(plan, shown),
        notes=notes(plan, shown),
    )


def _check_shape(exact: Sequence[Sequence[int]], plan: QueryPlan) -> None:
    width = plan.aggregation.width
    if len(exact) != plan.groups or any(len(row) != width for row in exact):
        raise Fault("dp.bad-aggregate")
    if any(type(value) is not int for row in exact for value in row):
        raise Fault("dp.bad-aggregate")


def _measure(exact: Sequence[Sequence[int]], measurement: Measurement) -> list[int]:
    totals = [sum(row[index] * factor for index, factor in measurement.terms) for row in exact]
    if measurement.epsilon is not None:
        return add_laplace(totals, measurement.sensitivity, measurement.epsilon, measurement.scale)
    rho = measurement.rho or Fraction(0)
    return add_gaussian(totals, l2_bound(measurement.square), rho, measurement.scale)


def _choose(exact: Sequence[Sequence[int]], choice: Choice, plan: QueryPlan) -> list[int]:
    before = plan.aggregation.histograms[: choice.histogram]
    start = len(plan.aggregation.aggregates) + sum(one.bins for one in before)
    return [choice.made(row[start : start + choice.bins.bins]) for row in exact]


def _chosen(cell: QuantileCell, steps: int, plan: QueryPlan) -> _Shown:
    return _scaled(steps, plan.choices[cell.choice].bins.values.digits), None


def _cell(
    cell: KeyCell | CountCell | SumCell | MeanCell | SpreadCell,
    group: int,
    key: Sequence[str | int | bool],
    noisy: Sequence[Sequence[int]],
    plan: QueryPlan,
) -> _Shown:
    match cell:
        case KeyCell(place=place):
            return key[place], None
        case CountCell(measurement=measurement):
            return noisy[measurement][group], plan.half_width(cell)
        case SumCell(measurement=measurement, count=count, midpoint=midpoint):
            steps = noisy[measurement][group]
            if count is not None:
                steps += midpoint * noisy[count][group]
            return _scaled(steps, plan.measurements[measurement].digits), plan.half_width(cell)
        case MeanCell():
            return _mean(cell, noisy[cell.measurement][group], noisy[cell.count][group], plan)
        case SpreadCell():
            places, widths = (cell.count, cell.total, cell.squares), plan.spread_widths(cell)
            seen = (Seen(noisy[p][group], width) for p, width in zip(places, widths, strict=True))
            return spread(cell, *seen)


def _scaled(steps: int, digits: int) -> int | Decimal:
    return Decimal(steps).scaleb(-digits) if digits else steps


def _mean(cell: MeanCell, total: int, count: int, plan: QueryPlan) -> _Shown:
    """Divide noisy by noisy; both half-widths hold at once in 95 of 100 answers."""
    summed, counted = plan.measurements[cell.measurement], plan.measurements[cell.count]
    if count - counted.half_width_joint < 1:
        return None, None
    low, high = Fraction(cell.lower - cell.midpoint), Fraction(cell.upper - cell.midpoint)
    allowed = quotient(Seen(total, summed.half_width_joint), Seen(count, counted.half_width_joint))
    offset, least, most = (min(max(value, low), high) for value in (Fraction(total, count), *allowed))
    width = max(most - offset, offset - least, Fraction(0))
    unit, places = Fraction(1, 10**summed.digits), summed.digits + 3
    value = (cell.midpoint + offset) * unit
    nearest = Decimal(round(value * 10**places)).scaleb(-places)
    rounding = Fraction(1, 2 * 10**places)
    return nearest, rounded_up(width * unit + rounding, places)


def _sorted(shown: list[tuple[_Shown, ...]], place: int, *, is_descending: bool) -> list[tuple[_Shown, ...]]:
    """Sort by one output, stable, cells without a value last."""
    known = [row for row in shown if row[place][0] is not None]
    unknown = [row for row in shown if row[place][0] is None]
    return sorted(known, key=lambda row: row[place][0], reverse=is_descending) + unknown  # type: ignore[arg-type, return-value]
