"""One number of a data set, with how far one person moves it: what runs are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import cast

from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.plans import DatasetDeclaration, ExactAggregation
from hedgerow.model.uses import DatasetView, Grant, Json, RunView
from hedgerow.techniques.dp_query.plan import plan_query
from hedgerow.techniques.dp_query.planned import CountCell, QueryPlan, SumCell
from hedgerow.techniques.dp_query.price import Price
from hedgerow.techniques.dp_query.sources import columns_of
from hedgerow.techniques.dp_query.units import PERSON

_ANY = Price(epsilon=Fraction(1))
_MOST_STEPS = 2**62


@dataclass(frozen=True, slots=True)
class Number:
    """One number, planned without data.

    Args:
        plan: How it would be measured; its cost is nobody's.
    """

    plan: QueryPlan

    @property
    def title(self) -> str:
        """What it is, in words."""
        return self.plan.measurements[0].title

    @property
    def digits(self) -> int:
        """It is counted in steps of ``10**-digits``."""
        return self.plan.measurements[0].digits

    @property
    def sensitivity(self) -> int:
        """The most one person moves it, in steps."""
        return self.plan.measurements[0].sensitivity

    @property
    def aggregation(self) -> ExactAggregation:
        """What the engine computes."""
        return self.plan.aggregation

    @property
    def grant(self) -> Grant:
        """What a lease must open for it."""
        return self.plan.grant

    def of(self, exact: Sequence[Sequence[int]]) -> int:
        """Read it from what the engine computed.

        Raises:
            Fault: ``dp.bad-aggregate``.
        """
        if len(exact) != 1 or len(exact[0]) != self.aggregation.width:
            raise Fault("dp.bad-aggregate")
        if any(type(value) is not int for value in exact[0]):
            raise Fault("dp.bad-aggregate")
        return sum(exact[0][index] * factor for index, factor in self.plan.measurements[0].terms)

    def describe(self) -> dict[str, Json]:
        """Tell it as plain values."""
        return {
            "unit": self.plan.unit,
            "max_rows": self.plan.max_rows,
            "statistic": self.title,
            "columns": sorted(self.plan.columns),
            "sensitivity": shown_steps(self.sensitivity, self.digits),
            "obligations": list(self.plan.obligations),
        }


def single_number(sql: str, dataset: DatasetView, declaration: DatasetDeclaration | None = None) -> Number:
    """Plan one number.

    Args:
        sql: ``SELECT`` of one COUNT or SUM, with any conditions and public tables.
        dataset: Columns and declarations.
        declaration: Other bounds than those declared; none for these.

    Returns:
        The number.

    Raises:
        Refused: ``run.not-single``, and what a query is refused for.
        CallerError: Where the query is malformed.

    Guarantee: whatever rows a data set holds, all rows of one person move the number by at most its
        ``sensitivity``; see ``plan_query``.
    """
    bounds = declaration or dataset.declaration
    if bounds.unit != PERSON:
        raise Refused("dp.unit-in-workspace", dataset=dataset.name, unit=bounds.unit)
    columns, hidden = columns_of(dataset)
    plan = plan_query(
        sql, bounds, columns, _ANY, dataset.name, hidden, dataset.subject_column, dataset.public
    )
    is_shaped = plan.having is None and not plan.order_by and plan.limit is None and not plan.tested
    is_one = len(plan.measurements) == len(plan.outputs) == 1 and not plan.choices
    if not (is_shaped and is_one and not plan.aggregation.keys and plan.selection is None):
        raise Refused("run.not-single", dataset=dataset.name)
    cell = plan.outputs[0].cell
    if not isinstance(cell, CountCell | SumCell) or (isinstance(cell, SumCell) and cell.count is not None):
        raise Refused("run.not-single", dataset=dataset.name)
    return Number(plan)


def opened_run(dataset: DatasetView) -> RunView:
    """Give the run that a step is asked of.

    Raises:
        CallerError: ``run.unknown``.
    """
    run = dataset.run
    if run is None or run.step < 0:
        raise CallerError("run.unknown")
    return run


def check_paid(number: Number, run: RunView) -> None:
    """Refuse a number that one person moves by more than a run was opened for.

    Raises:
        Refused: ``run.other-steps``, ``run.too-sensitive``.
    """
    digits, stated = cast("int", run.body["digits"]), cast("int", run.body["sensitivity"])
    if number.digits != digits:
        raise Refused("run.other-steps", run=run.name)
    if number.sensitivity > stated:
        found, most = (shown_steps(each, digits) for each in (number.sensitivity, stated))
        raise Refused("run.too-sensitive", run=run.name, found=found, stated=most)


def bounded_by_rows(declaration: DatasetDeclaration) -> DatasetDeclaration:
    """Bound a person by rows alone: bounds on groups hold in one answer, and not over many together."""
    bounds = declaration.contribution
    rows = None if bounds is None else bounds.max_rows
    return replace(declaration, max_rows=rows, max_groups=None, max_rows_per_group=None)


def in_steps(value: Fraction, digits: int, option: str) -> int:
    """Count a value in whole steps, the next above where it lies between two.

    Raises:
        CallerError: ``run.bad-number`` beyond 62 bits.
    """
    scaled: Fraction = value * 10**digits
    steps = ceil(scaled)
    if not -_MOST_STEPS < steps < _MOST_STEPS:
        raise CallerError("run.bad-number", option=option, what="a number that fits 62 bits in its steps")
    return steps


def shown_steps(steps: int, digits: int) -> str:
    """Write a number of steps as what it is worth."""
    return format(Decimal(steps).scaleb(-digits), "f")


def text_in(held: Mapping[str, Json], name: str) -> str:
    """Read a text of what a run was opened with, or of what a request asks."""
    found = held.get(name)
    if not isinstance(found, str):
        raise CallerError("run.bad-number", option=name, what="text")
    return found


def whole_in(held: Mapping[str, Json], name: str, most: int) -> int:
    """Read a whole number of 1 or more.

    Raises:
        CallerError: ``run.bad-number``.
    """
    found = held.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= most:
        raise CallerError("run.bad-number", option=f"--{name}", what=f"a whole number from 1 to {most:,}")
    return found
