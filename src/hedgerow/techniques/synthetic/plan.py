"""What a synthesis will measure and cost: decided from declarations alone, before any data is opened."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from hedgerow.model.budget import (
    PrivacyEvent,
    checked_epsilon,
    parse_decimal,
    parse_delta,
    show_chance,
    show_exact,
)
from hedgerow.model.contribution import Contribution
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.uses import Grant, Json
from hedgerow.model.words import ColumnType, many
from hedgerow.techniques.synthetic.columns import (
    BINS,
    BINS_MOST,
    TIME_TYPES,
    SyntheticColumn,
    column_of,
    missing_of,
    shown,
)
from hedgerow.techniques.synthetic.spending import WIDEST, Spending

DELTA = "1e-9"
COLUMNS_MOST = 24
ROWS_MOST = 1_000_000
MAX_ROWS_MOST = 1_000_000
# Shares of the whole loss: every column alone, choosing what to measure together, measuring that.
_ALONE, _CHOOSING = Fraction(2, 10), Fraction(1, 10)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for.

    Args:
        columns: Columns of the synthetic table.
        rows: How many rows it shall have; the caller's number, never the true count.
        epsilon: Privacy loss allowed, exact.
        delta: Chance of a larger loss, exact; 0 asks for a pure epsilon.
        check: A further epsilon for comparing with the real rows, or none.
        bins: Bins of each numeric column at most.
    """

    columns: tuple[str, ...]
    rows: int
    epsilon: Fraction
    delta: Fraction
    check: Fraction | None = None
    bins: int = BINS


@dataclass(frozen=True)
class SyntheticPlan:
    """A synthesis, planned.

    Args:
        wish: What was asked.
        columns: What each column may hold.
        max_rows: Rows of one person that count at most.
        loss: What making the table costs, exact: a rho, or without a delta an epsilon.
        check_loss: What comparing it costs, exact; 0 for none.
    """

    wish: Wish
    columns: tuple[SyntheticColumn, ...]
    max_rows: int
    loss: Fraction
    check_loss: Fraction

    @property
    def spending(self) -> Spending:
        """What the loss is counted in, and the noise that goes with it."""
        return Spending(self.wish.delta)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Cells of each column."""
        return tuple(column.cells for column in self.columns)

    @property
    def rounds(self) -> int:
        """How many pairs or triples are chosen and measured."""
        width = len(self.columns)
        return width if width > 2 else width - 1  # noqa: PLR2004 - two columns have one pair

    @property
    def loss_alone(self) -> Fraction:
        """What measuring one column alone costs."""
        whole = self.loss * _ALONE if self.rounds else self.loss
        return whole / len(self.columns)

    @property
    def loss_choice(self) -> Fraction:
        """What one choice costs."""
        return self.loss * _CHOOSING / max(self.rounds, 1)

    @property
    def loss_together(self) -> Fraction:
        """What one measurement of several columns costs."""
        return self.loss * (1 - _ALONE - _CHOOSING) / max(self.rounds, 1)

    @property
    def scale_alone(self) -> float:
        """Deviation of the noise on each count of one column."""
        return self.spending.deviation(self.max_rows, self.loss_alone)

    @property
    def scale_together(self) -> float:
        """Deviation of the noise on each count of several columns."""
        return self.spending.deviation(self.max_rows, self.loss_together)

    @property
    def pairs(self) -> int:
        """How many pairs of columns there are."""
        return len(self.columns) * (len(self.columns) - 1) // 2

    @property
    def check_reach(self) -> int:
        """The most one person moves the errors of all pairs; each moves by at most ``max_rows``."""
        return self.spending.reach(self.max_rows, max(self.pairs, 1))

    @property
    def cost(self) -> PrivacyEvent:
        """All of it, exact, fixed before any data is opened."""
        return self.spending.event(self.loss + self.check_loss)

    @property
    def grant(self) -> Grant:
        """The columns, as rows; nothing leaves but what was made of noisy counts."""
        return Grant(frozenset(self.wish.columns), "rows")

    @property
    def label(self) -> str:
        """What stands on the table."""
        return f"synthetic, {self.private}; unit person"

    @property
    def private(self) -> str:
        """How private it is, in words."""
        epsilon = show_exact(self.wish.epsilon)
        if self.spending.is_pure:
            return f"differentially private at epsilon {epsilon} with no delta"
        return f"differentially private at epsilon {epsilon}, delta {show_chance(self.wish.delta)}"

    def describe(self) -> Mapping[str, Json]:
        """Explain the plan before anything is spent."""
        told: dict[str, Json] = {
            "technique": "synthetic table",
            "unit": "person",
            "contribution": Contribution(self.max_rows).said("person"),
            "rows": self.wish.rows,
            "columns": [column.told() for column in self.columns],
            "measurements": self._measurements(),
            "noise": self.spending.said,
            "cost": self._costs(),
            "label": self.label,
        }
        return told

    def _measurements(self) -> list[Json]:
        alone, together = (self._half(each) for each in (self.loss_alone, self.loss_together))
        told = [f"{many(len(self.columns), 'column')} alone, each count ± {alone} at 95%"]
        if self.rounds:
            sets = many(self.rounds, "pair or triple", "pairs and triples")
            told.append(f"{sets}, chosen in private, each count ± {together} at 95%")
        if self.check_loss:
            told.append(f"how far {many(self.pairs, 'pair')} are off, compared with the real rows")
        return list(told)

    def _half(self, loss: Fraction) -> str:
        return show_exact(self.spending.half_width(self.max_rows, loss), 1)

    def _costs(self) -> list[Json]:
        paid = self.spending
        of_epsilon = "" if paid.is_pure else f" (epsilon {show_exact(self.wish.epsilon)})"
        told = [f"{paid.show(self.loss)} for the table{of_epsilon}"]
        if self.check_loss:
            told.append(f"{paid.show(self.check_loss)} for the comparison")
        whole = show_exact(paid.epsilon_of(self.loss + self.check_loss))
        at = "with no delta" if paid.is_pure else f"at delta {show_chance(self.wish.delta)}"
        return [*told, f"together epsilon {whole} {at}"]


def wish_of(
    columns: Sequence[str],
    rows: object,
    epsilon: object,
    delta: object = DELTA,
    *,
    check_epsilon: object = None,
    bins: object = BINS,
) -> Wish:
    """Read what somebody asks for.

    Args:
        columns: Names, each once.
        rows: A whole number, 1 to 1,000,000.
        epsilon: Text or a number, from 1e-12 to one million.
        delta: Text or a number, at least 1e-12 and below 1; or 0 for a pure epsilon.
        check_epsilon: As epsilon, or none.
        bins: A whole number, 2 to 256.

    Raises:
        CallerError: ``synth.*``, ``budget.not-a-number`` or ``budget.bad-delta``.
    """
    if isinstance(columns, str) or not all(isinstance(name, str) for name in columns):
        raise CallerError("synth.no-columns")
    named = tuple(columns)
    if not named:
        raise CallerError("synth.no-columns")
    if len(named) > COLUMNS_MOST:
        raise CallerError("synth.too-many-columns", most=COLUMNS_MOST)
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise CallerError("synth.bad-column", column=shown(twice), problem="it is named twice")
    return Wish(
        named,
        _whole(rows, "rows", 1, ROWS_MOST),
        checked_epsilon(epsilon),
        Fraction(0) if parse_decimal(str(delta)) == 0 else parse_delta(str(delta)),
        None if check_epsilon is None else checked_epsilon(check_epsilon, "check-epsilon"),
        _whole(bins, "bins", 2, BINS_MOST),
    )


def _whole(value: object, option: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise CallerError("synth.bad-number", option=option, least=f"{least:,}", most=f"{most:,}")
    return value


def plan_synthesis(
    wish: Wish,
    declaration: DatasetDeclaration,
    kinds: Mapping[str, ColumnType],
    dataset: str,
) -> SyntheticPlan:
    """Plan a synthesis from declarations.

    Args:
        wish: What is asked.
        declaration: What the owner declared.
        kinds: The type of each column that may be read.
        dataset: Name of the data set, for the next step.

    Returns:
        The plan with its exact cost.

    Raises:
        Refused: ``dp.undeclared`` with the command that declares what is missing; ``synth.too-little``
            when the epsilon is too small for the delta.
        CallerError: ``dp.unknown-column``, ``dp.bad-declaration`` or ``synth.bad-column``.
    """
    for name in wish.columns:
        if name not in kinds:
            raise CallerError("dp.unknown-column", column=shown(name), dataset=dataset)
    max_rows = require_declared(declaration, {name: kinds[name] for name in wish.columns}, dataset)
    columns = tuple(column_of(declaration.column(name), kinds[name], wish.bins) for name in wish.columns)
    paid = Spending(wish.delta)
    check = Fraction(0) if wish.check is None or len(columns) == 1 else paid.loss_of(wish.check)
    plan = SyntheticPlan(wish, columns, max_rows, paid.loss_of(wish.epsilon), check)
    if max(plan.scale_alone, plan.scale_together) > WIDEST:
        raise paid.too_little(wish.epsilon)
    return plan


def require_declared(declaration: DatasetDeclaration, kinds: Mapping[str, ColumnType], dataset: str) -> int:
    """Refuse where a bound is missing; give the row bound.

    Raises:
        Refused: ``dp.undeclared``.
        CallerError: ``dp.bad-declaration``.
    """
    missing: list[str] = []
    options: list[str] = []
    bounds = declaration.contribution
    if bounds is None:
        missing.append("the rows of one person that count")
        options.append("--max-rows N")
    for name, kind in kinds.items():
        lacks = missing_of(declaration.column(name), kind)
        if lacks:
            missing.append(f"{lacks} of {shown(name)}")
            ends = "FIRST-DAY:LAST-DAY" if kind in TIME_TYPES else "LOWER:UPPER"
            value = ends if lacks == "bounds" else "VALUE,..."
            options.append(f"--{lacks} {shlex.quote(f'{name}={value}')}")
    command = f"hedgerow dataset declare {shlex.quote(dataset)} --unit person"
    if missing:
        told = " ".join([command, *options])
        raise Refused("dp.undeclared", missing=", ".join(missing), dataset=dataset, command=told)
    most = None if bounds is None else bounds.max_rows
    is_whole = isinstance(most, int) and not isinstance(most, bool)
    if declaration.unit != "person" or most is None or not is_whole or not 1 <= most <= MAX_ROWS_MOST:
        problem = f"the unit must be person, and max-rows between 1 and {MAX_ROWS_MOST}"
        raise CallerError("dp.bad-declaration", dataset=dataset, problem=problem, command=command)
    return most
