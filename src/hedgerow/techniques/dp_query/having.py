"""HAVING: conditions on the noisy values of an answer, which cost nothing beyond the values themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne
from typing import TypeAlias

from sqlglot import exp

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.parts import Both, Comparison, Condition, Either, Name, Operator, Term
from hedgerow.kernel.conditions.reading import condition, name_of
from hedgerow.model.answers import Cell
from hedgerow.techniques.dp_query.query import Every, Having, NoisyTest, Some, StatisticOutput
from hedgerow.techniques.dp_query.statistics import is_statistic, statistic

_OPERATORS = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def having(node: exp.Expr) -> Having:
    """Read a condition on the answer.

    Args:
        node: A node of the syntax tree.

    Returns:
        The condition, free of NOT.

    Raises:
        Refused: ``dp.sql-unsupported`` for anything but comparisons of statistics, or outputs by their names,
            with numbers.
    """
    asked: dict[Name, StatisticOutput] = {}

    def operand(side: exp.Expr) -> Term:
        """Read one side; a statistic gets a name that stands for it below."""
        if isinstance(side, exp.Paren):
            return operand(side.this)
        if not is_statistic(side):
            return name_of(side)
        name = Name(f"\0{len(asked)}", is_quoted=True)
        asked[name] = statistic(side, None)
        return name

    return _having(condition(node, operand=operand), asked)


def _having(test: Condition, asked: dict[Name, StatisticOutput]) -> Having:
    match test:
        case Both(parts=parts):
            return Every(tuple(_having(one, asked) for one in parts))
        case Either(parts=parts):
            return Some(tuple(_having(one, asked) for one in parts))
        case Comparison(op=op, column=Name() as name, constant=int() | Fraction() as number) if (
            not isinstance(number, bool)
        ):
            return NoisyTest(op, asked.get(name, name), number)
    raise hints.HAVING.refusal()


@dataclass(frozen=True, slots=True)
class Test:
    """A cell of a row against a number; a cell without a value meets no condition."""

    op: Operator
    place: int
    constant: Fraction


@dataclass(frozen=True, slots=True)
class AllHold:
    """Every condition holds."""

    parts: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class AnyHolds:
    """At least one condition holds."""

    parts: tuple[Kept, ...]


Kept: TypeAlias = "Test | AllHold | AnyHolds"
"""Which noisy rows are shown, by the places of their cells."""


def holds(kept: Kept, row: Sequence[Cell]) -> bool:
    """Tell whether a noisy row is shown.

    Args:
        kept: The condition.
        row: Its noisy cells.
    """
    match kept:
        case AllHold(parts=parts):
            return all(holds(part, row) for part in parts)
        case AnyHolds(parts=parts):
            return any(holds(part, row) for part in parts)
        case Test(op=op, place=place, constant=constant):
            cell = row[place]
            return isinstance(cell, int | Decimal) and bool(_OPERATORS[op](Fraction(cell), constant))
