"""Synthetic tables from a data frame in memory, with an explicit budget and no workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hedgerow.kernel.accounting import Budget
from hedgerow.kernel.aggregation.frames import arrow_of, kinds_of
from hedgerow.model.answers import UNGOVERNED
from hedgerow.model.errors import CallerError, Fault, HedgerowError, Refused
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.uses import Json
from hedgerow.model.words import ColumnType
from hedgerow.techniques.synthetic.columns import BINS, SyntheticColumn, bad_column, shown
from hedgerow.techniques.synthetic.making import make
from hedgerow.techniques.synthetic.plan import DELTA, SyntheticPlan, plan_synthesis, wish_of

if TYPE_CHECKING:
    from hedgerow.techniques.synthetic.relational import PairPlan

FRAME = "frame"


@dataclass(frozen=True, slots=True)
class SyntheticTable:
    """A synthetic table made without a workspace.

    Args:
        table: The rows, as an Arrow table.
        label: What it is and is not.
        fidelity: How close it is to the noisy measurements; see ``fidelity_of``.
    """

    table: Any = field(repr=False)
    label: str
    fidelity: Mapping[str, Json] = field(repr=False)


def synthesise(  # noqa: PLR0913 - each names one bound or limit, by keyword
    frame: Any,  # noqa: ANN401 - any data frame
    *,
    person: str,
    columns: Sequence[str],
    declaration: DatasetDeclaration,
    rows: int,
    epsilon: str | float | Decimal | Fraction,
    budget: Budget,
    delta: str | float | None = None,
    check_epsilon: str | float | Decimal | Fraction | None = None,
    bins: int = BINS,
) -> tuple[SyntheticTable, Budget]:
    """Make a differentially private synthetic table of a data frame.

    Args:
        frame: An Arrow table, or a Polars or pandas data frame (anything narwhals reads).
        person: The column that names the person of each row; rows about nobody do not count.
        columns: Columns of the synthetic table.
        declaration: Rows per person, bounds and keys, from :func:`declare`; knowledge from outside the data.
        rows: How many rows to draw, 1 to 1,000,000; your number, never the true count.
        epsilon: What the table may cost.
        budget: What it is taken from.
        delta: The chance that epsilon goes with; 0 for a pure epsilon. When not given, 1e-9, or 0 where the
            budget has none.
        check_epsilon: A further epsilon for comparing the table with the real rows, or none.
        bins: Bins of each numeric column at most, 2 to 256.

    Returns:
        The table and the budget that is left. The old budget value is the caller's to discard.

    Raises:
        Refused: ``dp.budget-exhausted``, ``dp.undeclared-frame`` or ``synth.too-little``.
        CallerError: When a column, a number or the frame is malformed; nothing was spent.
        Fault: ``engine.failed`` without a word of the data; the price was paid by then.

    Guarantee: epsilon-delta differential privacy for adding or removing all rows of one person, by zCDP; at a
        delta of 0 pure differential privacy.
    Cost: exactly the plan's rho, or at a delta of 0 exactly epsilon; spent before the values are read.
    """
    from hedgerow.techniques.synthetic.coding import bounded_rows, coded, table_of
    from hedgerow.techniques.synthetic.fidelity import fidelity_of

    table = arrow_of(frame)
    chance = _delta(delta, budget)
    wish = wish_of(columns, rows, epsilon, chance, check_epsilon=check_epsilon, bins=bins)
    plan = planned(table, person, lambda kinds: plan_synthesis(wish, declaration, kinds, FRAME))
    _require_readable(table, person, plan.columns)
    left = budget.spend(plan.cost)
    label = f"{plan.label}; {UNGOVERNED}"
    with _untold():
        kept = bounded_rows(table.column(person), plan.max_rows)
        made = make(coded(table, plan.columns)[kept], plan)
        return SyntheticTable(table_of(made.numbers, plan.columns), label, fidelity_of(made, plan)), left


@dataclass(frozen=True, slots=True)
class SyntheticPair:
    """Two synthetic tables made without a workspace.

    Args:
        parents: One row for each synthetic person, numbered from 1 in the column of persons.
        children: The rows that belong to them, by the same numbers.
        label: What they are and are not.
        given: For each child column the columns it was drawn by.
    """

    parents: Any = field(repr=False)
    children: Any = field(repr=False)
    label: str
    given: Mapping[str, tuple[str, ...]]


def synthesise_pair(  # noqa: PLR0913 - each names one bound or limit, by keyword
    parents: Any,  # noqa: ANN401 - any data frame
    children: Any,  # noqa: ANN401 - any data frame
    *,
    person: str,
    parent_columns: Sequence[str],
    child_columns: Sequence[str],
    declaration: DatasetDeclaration,
    child_declaration: DatasetDeclaration,
    persons: int,
    epsilon: str | float | Decimal | Fraction,
    budget: Budget,
    delta: str | float | None = None,
    bins: int = BINS,
) -> tuple[SyntheticPair, Budget]:
    """Make a table of synthetic persons and one of the rows that belong to them.

    Args:
        parents: A data frame with a row for each person; of several, one drawn at random counts.
        children: A data frame with the rows of the same persons; the same frame again to split one. Rows of
            persons that ``parents`` lacks do not count.
        person: The column that names the person, in both.
        parent_columns: Columns of the persons.
        child_columns: Columns of their rows.
        declaration: Bounds and keys of the columns of the persons, from :func:`declare`.
        child_declaration: Bounds and keys of the others; its ``max_rows``, at most 255, is how many rows of
            one person count and the most a synthetic person has.
        persons: How many persons to draw; your number, never the true count.
        epsilon: What both tables may cost together.
        budget: What it is taken from.
        delta: The chance that epsilon goes with, as of :func:`synthesise`.
        bins: Bins of each numeric column at most, 2 to 256.

    Returns:
        The pair and the budget that is left.

    Raises:
        Refused: ``dp.budget-exhausted``, ``dp.undeclared-frame`` or ``synth.too-little``.
        CallerError: When a column, a number or a frame is malformed; nothing was spent.
        Fault: ``engine.failed`` without a word of the data; the price was paid by then.

    Guarantee: epsilon-delta differential privacy for adding or removing a person with all rows in both; at a
        delta of 0 pure differential privacy.
    """
    from hedgerow.techniques.synthetic.relational import plan_pair

    upper, lower = arrow_of(parents), arrow_of(children)
    chance = _delta(delta, budget)
    wishes = [
        wish_of(names, persons, epsilon, chance, bins=bins) for names in (parent_columns, child_columns)
    ]
    kinds = [_kinds(table, person) for table in (upper, lower)]
    with _called_here():
        plan = plan_pair((wishes[0], declaration, kinds[0]), (wishes[1], child_declaration, kinds[1]), FRAME)
    _require_pair(upper, lower, person, plan)
    left = budget.spend(plan.cost)
    with _untold():
        return _paired(upper, lower, person, plan), left


def _require_readable(table: Any, person: str, columns: Sequence[SyntheticColumn]) -> None:  # noqa: ANN401 - an Arrow table
    """Refuse columns that could not be read, by their types alone: no rows go through all that reads them."""
    from hedgerow.kernel.aggregation import number_people
    from hedgerow.techniques.synthetic.coding import coded

    twice = next((each.name for each in columns if table.column_names.count(each.name) > 1), None)
    if twice is not None:
        raise bad_column(twice, "the data frame has it twice")
    none = table.select([person, *(each.name for each in columns)]).schema.empty_table()
    steps: list[tuple[str, Callable[[], object]]] = [(person, lambda: number_people(none.column(person)))]
    steps += [(each.name, lambda each=each: coded(none, (each,))) for each in columns]  # type: ignore[misc]
    for name, read in steps:
        try:
            read()
        except Exception:  # noqa: BLE001 - a type that cannot be read fails in many ways
            raise bad_column(name, "values of its type cannot be read") from None


def _require_pair(upper: Any, lower: Any, person: str, plan: PairPlan) -> None:  # noqa: ANN401 - Arrow tables
    """Refuse a pair of tables that cannot be read, or whose persons cannot be compared, by types alone."""
    from hedgerow.techniques.synthetic.coding import shared_type

    _require_readable(upper, person, plan.shown_parents)
    _require_readable(lower, person, plan.children)
    if shared_type(*(table.schema.field(person).type for table in (upper, lower))) is None:
        raise CallerError("synth.other-people", column=shown(person))


@contextmanager
def _untold() -> Iterator[None]:
    """Let no failure quote the data it failed on."""
    try:
        yield
    except HedgerowError:
        raise
    except Exception as error:  # noqa: BLE001 - it may fail in any way; no way may tell data
        raise Fault("engine.failed", reason=f"{type(error).__name__}; the price stays spent") from None


def _delta(given: str | float | None, budget: Budget) -> str | float:
    """Take the delta that is given; else one where the budget has one."""
    if given is not None:
        return given
    return DELTA if budget.limit.delta else "0"


def _paired(upper: Any, lower: Any, person: str, plan: PairPlan) -> SyntheticPair:  # noqa: ANN401 - Arrow tables
    from hedgerow.techniques.synthetic.coding import numbered, table_of
    from hedgerow.techniques.synthetic.relational import make_pair, pair_codes

    made = make_pair(*pair_codes(upper, lower, person, plan), plan)
    names = [each.name for each in plan.children]
    return SyntheticPair(
        numbered(table_of(made.parents, plan.shown_parents), range(len(made.parents[0])), person),
        numbered(table_of(made.children, plan.children), made.owners, person),
        f"{plan.label}; {UNGOVERNED}",
        dict(zip(names, made.given, strict=True)),
    )


def planned(table: Any, person: str, plan: Callable[[dict[str, ColumnType]], SyntheticPlan]) -> SyntheticPlan:  # noqa: ANN401 - an Arrow table
    """Plan on the columns of a table, saying what to call where something is not declared."""
    kinds = _kinds(table, person)
    with _called_here():
        return plan(kinds)


def _kinds(table: Any, person: str) -> dict[str, ColumnType]:  # noqa: ANN401 - an Arrow table
    if table.column_names.count(person) != 1:
        raise CallerError("dp.unknown-column", column=shown(str(person)), dataset=FRAME)
    return {name: kind for name, kind in kinds_of(table.schema).items() if name != person and kind}


@contextmanager
def _called_here() -> Iterator[None]:
    """Say of what is not declared what to pass, not what to type."""
    try:
        yield
    except Refused as refusal:
        if refusal.code != "dp.undeclared":
            raise
        raise Refused("dp.undeclared-frame", **refusal.details) from None
