"""Expressions on columns: whole-number arithmetic on one row that cannot fail, with exact bounds.

Every value is a count of public steps. How large it can become follows from the bounds of the columns alone,
before any data, so that no engine can overflow: what could pass :data:`MOST` is refused when it is planned.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from hedgerow.model.plans import Predicate, SumValues, predicate_columns

MOST = 10**18 - 1
"""The farthest from zero that any value of an expression may lie."""

Reach: TypeAlias = "tuple[int, int] | None"


@dataclass(frozen=True, slots=True)
class Steps:
    """A clamped column in fixed point, as :class:`SumValues` has it; null, NaN and infinities are missing."""

    values: SumValues


@dataclass(frozen=True, slots=True)
class Whole:
    """A constant, or no value."""

    value: int | None


@dataclass(frozen=True, slots=True)
class Plus:
    """The sum of two; missing where one is."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Times:
    """The product of two; missing where one is."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Floor:
    """A value divided by a constant of 1 or more and rounded down."""

    inner: Expression
    divisor: int


@dataclass(frozen=True, slots=True)
class Extreme:
    """The least or the greatest of several; missing where one of them is."""

    parts: tuple[Expression, ...]
    is_greatest: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """A value, or a constant where it is missing."""

    inner: Expression
    constant: int


@dataclass(frozen=True, slots=True)
class Cases:
    """The value of the first condition that holds."""

    branches: tuple[tuple[Predicate, Expression], ...]
    otherwise: Expression


Expression: TypeAlias = "Steps | Whole | Plus | Times | Floor | Extreme | Filled | Cases"


def children(expression: Expression) -> tuple[Expression, ...]:
    """List the expressions directly inside one.

    Args:
        expression: Any expression.
    """
    match expression:
        case Plus(left=left, right=right) | Times(left=left, right=right):
            return (left, right)
        case Floor(inner=inner) | Filled(inner=inner):
            return (inner,)
        case Extreme(parts=parts):
            return parts
        case Cases(branches=branches, otherwise=otherwise):
            return (*(value for _, value in branches), otherwise)
    return ()


def columns_of(expression: Expression) -> frozenset[str]:
    """List the columns an expression reads, in its conditions too.

    Args:
        expression: Any expression.
    """
    found: set[str] = set()
    waiting = [expression]
    while waiting:
        one = waiting.pop()
        waiting += children(one)
        if isinstance(one, Steps):
            found.add(one.values.column)
        elif isinstance(one, Cases):
            found |= {name for condition, _ in one.branches for name in predicate_columns(condition)}
    return frozenset(found)


def leaves_of(expression: Expression) -> list[SumValues]:
    """List the clamped columns an expression is made of, in order.

    Args:
        expression: Any expression.
    """
    if isinstance(expression, Steps):
        return [expression.values]
    return [leaf for child in children(expression) for leaf in leaves_of(child)]


def reach(expression: Expression) -> Reach:
    """Tell the least and the greatest value, by exact interval arithmetic; none where it is always missing.

    Args:
        expression: Any expression.

    Returns:
        Two whole numbers that no row passes, whatever it holds.
    """
    match expression:
        case Steps(values=values):
            return values.step_bounds
        case Whole(value=value):
            return None if value is None else (value, value)
        case Filled(inner=inner, constant=constant):
            return _hull([reach(inner), (constant, constant)])
        case Cases():
            return _hull([reach(child) for child in children(expression)])
    known = [reach(child) for child in children(expression)]
    inside = [one for one in known if one is not None]
    return _reach_of(expression, inside) if len(inside) == len(known) else None


def _reach_of(expression: Expression, inside: list[tuple[int, int]]) -> Reach:
    lows, highs = [low for low, _ in inside], [high for _, high in inside]
    match expression:
        case Plus():
            return sum(lows), sum(highs)
        case Times():
            corners = [one * other for one in inside[0] for other in inside[1]]
            return min(corners), max(corners)
        case Floor(divisor=divisor):
            return lows[0] // divisor, highs[0] // divisor
        case Extreme(is_greatest=True):
            return max(lows), max(highs)
    return min(lows), min(highs)


def _hull(parts: Iterable[Reach]) -> Reach:
    known = [part for part in parts if part is not None]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


def is_safe(expression: Expression) -> bool:
    """Tell whether no value inside an expression can pass :data:`MOST` and each divisor is 1 or more.

    Args:
        expression: Any expression.
    """
    if isinstance(expression, Floor) and not 1 <= expression.divisor <= MOST:
        return False
    ends = reach(expression)
    is_held = ends is None or -MOST <= ends[0] <= ends[1] <= MOST
    return is_held and all(is_safe(child) for child in children(expression))
