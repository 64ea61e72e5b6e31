"""What a query asks, as frozen values: the parser's result, with names as the caller wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from hedgerow.kernel.conditions.parts import Condition, Name, Operator, Term
from hedgerow.model.answers import Function


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
