"""What a condition on rows is made of, as frozen values, with names as the caller wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal as OneOf
from typing import TypeAlias

Operator = OneOf["=", "!=", "<", "<=", ">", ">="]
Constant: TypeAlias = "str | int | bool | Fraction"
Operation = OneOf[
    "+",
    "-",
    "*",
    "/",
    "negate",
    "abs",
    "round",
    "floor",
    "ceil",
    "least",
    "greatest",
    "coalesce",
    "width_bucket",
]


@dataclass(frozen=True, slots=True)
class Name:
    """A name as written; a quoted one is meant to the letter."""

    text: str
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Fixed:
    """A constant inside an expression; none is NULL."""

    value: Constant | None


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of expressions; numbers only."""

    function: Operation
    arguments: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Choose:
    """CASE: the value of the first condition that holds; without an ELSE none is left missing."""

    branches: tuple[tuple[Condition, Term], ...]
    otherwise: Term


Term: TypeAlias = "Name | Fixed | Apply | Choose"
"""What a row holds or what is worked out of it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column or an expression against a constant."""

    op: Operator
    column: Term
    constant: Constant


@dataclass(frozen=True, slots=True)
class Member:
    """A column in, or not in, a list of constants; null is in neither."""

    column: Term
    constants: tuple[Constant, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Null:
    """A column that holds no value, or that holds one."""

    column: Term
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """A true-or-false column standing alone."""

    column: Term
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Both:
    """Every condition holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one condition holds."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = "Comparison | Member | Null | Truth | Both | Either"
