"""Plans: what a technique has decided to do, as frozen values, before any data is opened.

A query plan holds our own small expression language. SQL text is parsed into it and every
engine is compiled from it, so that nothing a caller wrote reaches an engine as text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal as OneOf
from typing import TypeAlias

Scalar: TypeAlias = "str | int | bool | Fraction | None"
Comparison = OneOf["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the data set, by its catalog name."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; decimals are exact fractions, never floats."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison of a column with a constant; null compares as false."""

    op: Comparison
    column: Column
    literal: Literal


@dataclass(frozen=True, slots=True)
class IsIn:
    """A column equal to one of several constants; null is in no set."""

    column: Column
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    """A column that holds no value."""

    column: Column


@dataclass(frozen=True, slots=True)
class Not:
    """The negation of a predicate.

    Plans negate only :class:`IsNull`, and :class:`IsIn` joined with "holds a value", so that
    engines of two-valued and of three-valued logic agree on every row.
    """

    inner: Predicate


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every predicate holds."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one predicate holds."""

    parts: tuple[Predicate, ...]


Predicate: TypeAlias = "Compare | IsIn | IsNull | Not | AllOf | AnyOf"


@dataclass(frozen=True, slots=True)
class KeyDomain:
    """A grouping column and every key it may take, declared and never read from the data."""

    column: str
    values: tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True)
class Clamp:
    """The value bounds of a column, inclusive, exact."""

    lower: Fraction
    upper: Fraction


@dataclass(frozen=True, slots=True)
class CountRows:
    """How many rows; with a column, how many rows where it holds a value.

    Null holds no value and neither do NaN and the infinities. The guarantee of a mean rests on this: the rows
    counted here must be exactly the rows that :class:`SumValues` of the same column adds up.
    """

    column: str | None = None


@dataclass(frozen=True, slots=True)
class SumValues:
    """The sum of a clamped column in fixed point.

    Args:
        column: The column.
        clamp: Value bounds; values outside are clamped; null, NaN and the infinities
            add nothing.
        digits: Decimal digits kept: each value is rounded to a multiple of ``10**-digits``
            (ties to even) and the sum returned is an integer count of such steps.
    """

    column: str
    clamp: Clamp
    digits: int

    @property
    def step_bounds(self) -> tuple[int, int]:
        """The least and the greatest number of steps one row may add.

        An engine clamps to them in steps, so that float rounding at a bound never passes the
        stated sensitivity.
        """
        return round(self.clamp.lower * 10**self.digits), round(self.clamp.upper * 10**self.digits)


ExactAggregate: TypeAlias = "CountRows | SumValues"


@dataclass(frozen=True, slots=True)
class ExactAggregation:
    """What an engine computes exactly, as integers, for each combination of declared keys.

    Args:
        keys: Grouping columns with their domains; empty means one group.
        aggregates: The integers to compute for each group.
        where: Which rows count; none means all.
        max_rows: Contribution bound: only rows whose per-person rank is below it count.
    """

    keys: tuple[KeyDomain, ...]
    aggregates: tuple[ExactAggregate, ...]
    where: Predicate | None
    max_rows: int

    @property
    def columns(self) -> frozenset[str]:
        """Every data column the aggregation reads."""
        names = {key.column for key in self.keys}
        names |= {a.column for a in self.aggregates if a.column is not None}
        return frozenset(names | predicate_columns(self.where))


def predicate_columns(predicate: Predicate | None) -> frozenset[str]:
    """List the columns a predicate reads.

    Args:
        predicate: A predicate or none.

    Returns:
        The column names, without order.
    """
    match predicate:
        case None:
            return frozenset()
        case Compare(column=column) | IsIn(column=column) | IsNull(column=column):
            return frozenset({column.name})
        case Not(inner=inner):
            return predicate_columns(inner)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return frozenset().union(*(predicate_columns(part) for part in parts))


@dataclass(frozen=True, slots=True)
class ColumnDeclaration:
    """What the owner declared of one column: bounds, keys or both."""

    column: str
    clamp: Clamp | None = None
    keys: tuple[str | int | bool, ...] | None = None


@dataclass(frozen=True, slots=True)
class DatasetDeclaration:
    """What the owner declared of a data set, never inferred from its values.

    Args:
        unit: The privacy unit; ``"person"``.
        max_rows: Contribution bound in rows per person, or none when not declared.
        columns: Column declarations by name.
        version: Counts declarations of this data set from 1; 0 means none yet.
    """

    unit: str = "person"
    max_rows: int | None = None
    columns: tuple[ColumnDeclaration, ...] = field(default=())
    version: int = 0

    def column(self, name: str) -> ColumnDeclaration:
        """Look up what was declared of a column; an empty declaration when nothing was."""
        for declared in self.columns:
            if declared.column == name:
                return declared
        return ColumnDeclaration(name)
