"""The conditions of WHERE: comparisons of a column with constants, joined by AND, OR and NOT.

NOT is pushed down to the comparisons while reading, so that a row whose value is missing is left
out by a comparison and by its negation alike, as SQL has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias, TypeVar

from sqlglot import exp

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.hints import LIST_MAX, Hint
from hedgerow.kernel.conditions.parts import (
    Apply,
    Both,
    Comparison,
    Condition,
    Constant,
    Either,
    Fixed,
    Member,
    Name,
    Null,
    Operator,
    Term,
    Truth,
)

Operand: TypeAlias = "Callable[[exp.Expr], Term]"
"""Reads one side of a comparison."""
E = TypeVar("E", bound=exp.Expr)

DEPTH_MAX = 50
_NUMBER = re.compile(r"[0-9]{0,19}(\.[0-9]{1,18})?", re.ASCII)
_NEGATED: dict[Operator, Operator] = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_FLIPPED: dict[Operator, Operator] = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
# What a row is worked out with; calls of other kinds are refused where they are read.
_WORKED_OUT = (
    *(exp.Binary, exp.Paren, exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.Least, exp.Greatest, exp.Coalesce),
    *(exp.Case, exp.If, exp.WidthBucket, exp.AggFunc, exp.WithinGroup),
)
_OPERATORS: dict[type[exp.Expr], Operator] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}


def only(node: E, hint: Hint, *allowed: str) -> E:
    """Refuse a node that carries anything but the allowed parts."""
    if any(value and key not in allowed for key, value in node.args.items()):
        raise hint.refusal()
    return node


def name_of(node: exp.Expr) -> Name:
    """Read a plain column name."""
    if not isinstance(node, exp.Column):
        raise hints.of_compared(node).refusal()
    if not isinstance(node.this, exp.Identifier):
        raise hints.STAR.refusal()
    only(node, hints.OTHER_TABLE, "this")
    return Name(node.this.name, bool(node.this.args.get("quoted")))


def condition(
    node: exp.Expr, *, is_negated: bool = False, depth: int = 0, operand: Operand = name_of
) -> Condition:
    """Read a condition.

    Args:
        node: A node of the syntax tree.
        is_negated: Whether a NOT stands above it.
        depth: How deep it lies.
        operand: Reads a side of a comparison; without it that is a column.

    Returns:
        The condition, free of NOT.

    Raises:
        Refused: ``dp.sql-unsupported`` for anything else than comparisons with constants.
    """
    if depth > DEPTH_MAX:
        raise hints.DEPTH.refusal()
    if isinstance(node, exp.Paren):
        inner = only(node, hints.OTHER_CONDITION, "this").this
        return condition(inner, is_negated=is_negated, depth=depth + 1, operand=operand)
    if isinstance(node, exp.Not):
        inner = only(node, hints.OTHER_CONDITION, "this").this
        return condition(inner, is_negated=not is_negated, depth=depth + 1, operand=operand)
    if isinstance(node, exp.And | exp.Or):
        parts = tuple(
            condition(part, is_negated=is_negated, depth=depth + 1, operand=operand) for part in flat(node)
        )
        return Both(parts) if isinstance(node, exp.And) != is_negated else Either(parts)
    return _leaf(node, operand, is_negated=is_negated)


def flat(node: exp.And | exp.Or) -> list[exp.Expr]:
    """List the parts of ``a AND b AND c``, which the parser nests to the left."""
    only(node, hints.OTHER_CONDITION, "this", "expression")
    parts: list[exp.Expr] = []
    left: exp.Expr = node
    while isinstance(left, type(node)):
        only(left, hints.OTHER_CONDITION, "this", "expression")
        parts.append(left.expression)
        left = left.this
    if len(parts) > LIST_MAX:
        raise hints.CONDITIONS.refusal()
    return [left, *reversed(parts)]


def _leaf(node: exp.Expr, operand: Operand, *, is_negated: bool) -> Condition:
    match node:
        case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
            return _comparison(node, operand, is_negated=is_negated)
        case exp.Between():
            return _between(node, operand, is_negated=is_negated)
        case exp.In():
            only(node, hints.INNER, "this", "expressions")
            return Member(_shifting(node.this, operand), _constants(node.expressions), is_negated)
        case exp.Is():
            return _is(node, operand, is_negated=is_negated)
        case exp.Column():
            return Truth(name_of(node), is_negated)
    raise hints.of_condition(node).refusal()


def _comparison(node: exp.Expr, operand: Operand, *, is_negated: bool) -> Comparison:
    only(node, hints.OTHER_CONDITION, "this", "expression")
    op = _OPERATORS[type(node)]
    left, right = node.this, node.args["expression"]
    if _is_plain(left) and not _is_plain(right):
        left, right, op = right, left, _FLIPPED[op]
    op = _NEGATED[op] if is_negated else op
    column = _shifting(left, operand)
    if _is_plain(right) or (isinstance(left, exp.Column) and isinstance(right, exp.Column)):
        return Comparison(op, column, constant(right))
    return _against(op, column, right, operand)


def _shifting(node: exp.Expr, operand: Operand) -> Term:
    """Read what differs from row to row."""
    column = operand(node)
    if isinstance(column, Fixed):
        raise hints.NO_COLUMN.refusal()
    return column


def _is_plain(node: exp.Expr) -> bool:
    """Tell what stands for no column: a constant, perhaps one of a kind that is refused."""
    inner = node.this if isinstance(node, exp.Neg) else node
    return not isinstance(inner, exp.Column | exp.Anonymous) and not isinstance(inner, _WORKED_OUT)


def _against(op: Operator, column: Term, right: exp.Expr, operand: Operand) -> Comparison:
    """Compare with what is worked out: a constant, or the difference of two expressions with zero."""
    if right.find(exp.Interval) or (isinstance(right, exp.Anonymous) and str(right.this).upper() != "CLAMP"):
        raise hints.of_value(right).refusal()
    other = operand(right)
    if not isinstance(other, Fixed):
        return Comparison(op, Apply("-", (column, other)), 0)
    if other.value is None:
        raise hints.NULL.refusal()
    return Comparison(op, column, other.value)


def _between(node: exp.Between, operand: Operand, *, is_negated: bool) -> Condition:
    only(node, hints.SYMMETRIC, "this", "low", "high")
    column = _shifting(node.this, operand)
    low, high = constant(node.args["low"]), constant(node.args["high"])
    if is_negated:
        return Either((Comparison("<", column, low), Comparison(">", column, high)))
    return Both((Comparison(">=", column, low), Comparison("<=", column, high)))


def _is(node: exp.Is, operand: Operand, *, is_negated: bool) -> Condition:
    only(node, hints.IS, "this", "expression")
    column = _shifting(node.this, operand)
    if isinstance(node.expression, exp.Null):
        return Null(column, is_negated)
    if not isinstance(node.expression, exp.Boolean) or not isinstance(column, Name):
        raise hints.IS.refusal()
    is_true = bool(node.expression.this)
    if is_negated:  # IS NOT TRUE holds where the value is missing
        return Either((Truth(column, is_true), Null(column)))
    return Truth(column, not is_true)


def _constants(nodes: list[exp.Expr]) -> tuple[Constant, ...]:
    if not 0 < len(nodes) <= LIST_MAX:
        raise hints.IN_LIST.refusal()
    return tuple(constant(node) for node in nodes)


def constant(node: exp.Expr) -> Constant:
    """Read a constant: text, a number, TRUE or FALSE, or ``DATE '...'``."""
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Literal) and node.is_string:
        return str(node.this)
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.this.is_string:
        only(node, hints.CONSTANT, "this", "to")
        if node.to.this in (exp.DType.DATE, exp.DType.TIMESTAMP):
            return str(node.this.this)
    return constant_number(node)


def constant_number(node: exp.Expr) -> int | Fraction:
    """Read a decimal number exactly."""
    if isinstance(node, exp.Neg):
        return -constant_number(only(node, hints.NUMBER, "this").this)
    if not isinstance(node, exp.Literal) or node.is_string:
        raise hints.of_value(node).refusal()
    text = str(node.this)
    if not text or not _NUMBER.fullmatch(text):
        raise hints.NUMBER.refusal()
    value = Fraction("0" + text)
    return value.numerator if value.denominator == 1 else value
