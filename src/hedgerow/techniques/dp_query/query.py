"""What a query asks, as frozen values: the parser's result, with names as the caller wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal as OneOf
from typing import TypeAlias

from hedgerow.model.answers import Function

Operator = OneOf["=", "!=", "<", "<=", ">", ">="]
Constant: TypeAlias = "str | int | bool | Fraction"


@dataclass(frozen=True, slots=True)
class Name:
    """A name as written; a quoted one is meant to the letter."""

    text: str
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column against a constant."""

    op: Operator
    column: Name
    constant: Constant


@dataclass(frozen=True, slots=True)
class Member:
    """A column in, or not in, a list of constants; null is in neither."""

    column: Name
    constants: tuple[Constant, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Null:
    """A column that holds no value, or that holds one."""

    column: Name
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """A true-or-false column standing alone."""

    column: Name
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


@dataclass(frozen=True, slots=True)
class KeyOutput:
    """A grouping column in the result."""

    column: Name
    alias: str | None


@dataclass(frozen=True, slots=True)
class StatisticOutput:
    """A statistic in the result; without a column it counts rows; ``people`` counts distinct people.

    Args:
        function: Which one.
        column: Of which column.
        alias: What the caller calls it.
        quantile: Which quantile is chosen, above 0 and below 1; none for other statistics.
    """

    function: Function
    column: Name | None
    alias: str | None
    quantile: Fraction | None = None


Output: TypeAlias = "KeyOutput | StatisticOutput"


@dataclass(frozen=True, slots=True)
class Ordering:
    """An output to sort by, after noise: by its name, its place from 0, or its statistic."""

    output: Name | int | StatisticOutput
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query.

    Args:
        outputs: What the result shows, in order.
        group_by: Grouping columns, in order.
        where: Which rows count; none means all.
        order_by: How the noisy rows are sorted.
        limit: How many noisy rows are shown; none means all.
    """

    outputs: tuple[Output, ...]
    group_by: tuple[Name, ...]
    where: Condition | None
    order_by: tuple[Ordering, ...]
    limit: int | None
