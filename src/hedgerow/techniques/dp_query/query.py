"""What a query asks, as frozen values: the parser's result, with names as the caller wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal as OneOf
from typing import TypeAlias

from hedgerow.model.answers import Function

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


@dataclass(frozen=True, slots=True)
class KeyOutput:
    """A grouping column, or an expression with public values, in the result."""

    column: Term
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
    column: Term | None
    alias: str | None
    quantile: Fraction | None = None


Output: TypeAlias = "KeyOutput | StatisticOutput"


@dataclass(frozen=True, slots=True)
class Gather:
    """A column of gathered rows: ``count``, ``sum``, ``min``, ``max`` or ``mean`` of a person's rows.

    Args:
        function: Which one; the extremes are those themselves, of one person's rows.
        column: Of which column or expression; none counts rows.
    """

    function: Function
    column: Term | None


@dataclass(frozen=True, slots=True)
class PerPerson:
    """A sub-query with one row for each person, or for each person and combination of keys.

    Args:
        columns: Each name with what it means: a grouping column or expression, or what is gathered.
        group_by: Grouping columns or expressions; one of them must be the person.
        where: Which rows of the data set count; none means all.
        having: Which gathered rows there are, by their columns; none means all.
    """

    columns: tuple[tuple[Name, Term | Gather], ...]
    group_by: tuple[Term, ...]
    where: Condition | None
    having: Condition | None = None


@dataclass(frozen=True, slots=True)
class Ordering:
    """An output to sort by, after noise: by its name, its place from 0, or its statistic."""

    output: Name | int | StatisticOutput
    is_descending: bool


@dataclass(frozen=True, slots=True)
class NoisyTest:
    """A statistic of the answer, or an output by its name, against a number."""

    op: Operator
    output: Name | StatisticOutput
    constant: int | Fraction


@dataclass(frozen=True, slots=True)
class Every:
    """Every condition on the answer holds."""

    parts: tuple[Having, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one condition on the answer holds."""

    parts: tuple[Having, ...]


Having: TypeAlias = "NoisyTest | Every | Some"


@dataclass(frozen=True, slots=True)
class Join:
    """A table that the data set is joined with, where that was not read from SQL.

    Args:
        table: Its name.
        on: Pairs of a column of the rows so far and one of the table that are equal; two equal names stand
            for one column. None joins on the person.
        keeps_unmatched: Whether rows without an equal one stay.
        alias: What the query calls it; its name where none.
    """

    table: str
    on: tuple[tuple[Name, Name], ...]
    keeps_unmatched: bool = False
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query.

    Args:
        outputs: What the result shows, in order.
        group_by: Grouping columns or expressions, in order.
        where: Which rows count; none means all.
        order_by: How the noisy rows are sorted.
        limit: How many noisy rows are shown; none means all.
        having: Which noisy rows are shown, by their noisy values; none means all.
        of: The sub-query that is asked; none asks the data set itself.
        joins: What the data set is joined with first, of a query that was built without SQL.
    """

    outputs: tuple[Output, ...]
    group_by: tuple[Term, ...]
    where: Condition | None
    order_by: tuple[Ordering, ...]
    limit: int | None
    having: Having | None = None
    of: PerPerson | None = None
    joins: tuple[Join, ...] = ()
