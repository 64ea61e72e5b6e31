"""Plans: what a technique has decided to do, as frozen values, before any data is opened.

A query plan holds our own small expression language. SQL text is parsed into it and every
engine is compiled from it, so that nothing a caller wrote reaches an engine as text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product
from math import prod
from typing import TYPE_CHECKING, TypeAlias
from typing import Literal as OneOf

from hedgerow.model.contribution import Contribution, UnitBound
from hedgerow.model.histograms import BinCounts as BinCounts  # noqa: PLC0414 - plans are made of it
from hedgerow.model.histograms import EdgeCounts as EdgeCounts  # noqa: PLC0414 - plans are made of it
from hedgerow.model.joins import Beside, Lookup, needed
from hedgerow.model.spans import Span

if TYPE_CHECKING:
    from hedgerow.model.expressions import Expression
    from hedgerow.model.gathering import Gathering

Combination: TypeAlias = "tuple[str | int | bool, ...]"
"""A key of each grouping column; dates in ISO 8601."""
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
    """A grouping column and every key it may take, declared and never read from the data.

    Args:
        column: The column; of a computed key, what it is called.
        values: The keys.
        place: Of a computed key, gives the place of a row's key among the values, from 0; a row where it is
            missing is in no group.
    """

    column: str
    values: tuple[str | int | bool, ...]
    place: Expression | None = None


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


@dataclass(frozen=True, slots=True)
class SumSquares:
    """The sum of squared distances of a clamped column from a midpoint, in fixed point.

    Args:
        values: The column, its bounds and its grid; null, NaN and the infinities add nothing.
        midpoint: In steps; no bound may lie more than ``2**31`` steps from it.
        unit: Each row adds its squared distance in steps divided by it, rounded half up, so that sums stay
            within 64 bits; 1 or more.
    """

    values: SumValues
    midpoint: int
    unit: int

    @property
    def column(self) -> str:
        """The column."""
        return self.values.column

    @property
    def distance(self) -> int:
        """The most steps a value may lie from the midpoint."""
        lower, upper = self.values.step_bounds
        return max(abs(upper - self.midpoint), abs(self.midpoint - lower))

    @property
    def most(self) -> int:
        """The most one row may add; the least is 0."""
        return (self.distance**2 + self.unit // 2) // self.unit


@dataclass(frozen=True, slots=True)
class CountPeople:
    """How many people have at least one row that counts: each person once in each group."""

    @property
    def column(self) -> None:
        """None: whom a row is about is no column of the data set."""
        return


ExactAggregate: TypeAlias = "CountRows | SumValues | SumSquares | CountPeople"


@dataclass(frozen=True, slots=True)
class Computed:
    """A column made of others in the same row, which the rest of a plan may read like any other.

    Args:
        name: Its name, which no column of the data set has.
        expression: Gives its value in steps of ``10**-digits``; reads columns of the data set and computed
            columns that stand before it.
        digits: See ``expression``; 0 to 9.
    """

    name: str
    expression: Expression
    digits: int = 0


Histogram: TypeAlias = "BinCounts | EdgeCounts"


@dataclass(frozen=True, slots=True)
class ExactAggregation:
    """What an engine computes exactly, as integers, for each combination of declared keys.

    Args:
        keys: Grouping columns with their domains; empty means one group.
        aggregates: The integers to compute for each group.
        where: Which rows count; none means all.
        max_rows: Contribution bound: only rows whose per-person rank is below it count.
        histograms: Counts of candidates for each group; a group's integers are the aggregates in order
            and then each histogram, bin by bin.
        lookups: Public tables that the rows of rank below ``max_rows`` are joined with, in order, before
            anything else is looked at; the columns they gain may be read as any other.
        beside: Other data sets, joined on the person before that.
        max_groups: Contribution bound: of the groups with a row of a person that would count, so many drawn
            at random count; none bounds nothing.
        max_rows_per_group: Contribution bound: of the rows of a person in one group that would count, those
            of the lowest ranks count.
        selected: The combinations of keys there are, each once, in place of all; none means all.
        computed: Columns made of others, in an order in which each reads only earlier ones.
        gathering: How rows of a person are gathered first; all else is then of the gathered rows, whose
            number ``max_rows`` is. None leaves rows as they are.
        of_unit: Which rows count in place of those of the lowest ranks, where a unit is no person.
    """

    keys: tuple[KeyDomain, ...]
    aggregates: tuple[ExactAggregate, ...]
    where: Predicate | None
    max_rows: int
    histograms: tuple[Histogram, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    beside: tuple[Beside, ...] = ()
    max_groups: int | None = None
    max_rows_per_group: int | None = None
    selected: tuple[Combination, ...] | None = None

    computed: tuple[Computed, ...] = ()
    gathering: Gathering | None = None
    of_unit: UnitBound | None = None

    @property
    def combinations(self) -> Iterable[Combination]:
        """The combinations of keys, in the order of the groups."""
        return product(*(key.values for key in self.keys)) if self.selected is None else self.selected

    @property
    def groups(self) -> int:
        """How many groups there are."""
        if self.selected is not None:
            return len(self.selected)
        return prod(len(key.values) for key in self.keys)

    @property
    def counts_people(self) -> bool:
        """Whether people are counted."""
        return any(isinstance(one, CountPeople) for one in self.aggregates)

    @property
    def bounds_groups(self) -> bool:
        """Whether contributions are bounded over groups, beside the bound on ranks."""
        return self.max_groups is not None or self.max_rows_per_group is not None

    @property
    def width(self) -> int:
        """How many integers each group has."""
        return len(self.aggregates) + sum(one.bins for one in self.histograms)

    @property
    def columns(self) -> frozenset[str]:
        """Every column of the data set itself that the aggregation reads; what joins add is none."""
        if self.gathering is not None:
            return self.gathering.rows.columns
        gained = {name for one in self.beside for name, _ in one.adds}
        own = frozenset() if self.of_unit is None else {self.of_unit.column}
        return (needed(self.lookups, self.named) - gained) | own

    @property
    def source(self) -> ExactAggregation:
        """What is asked of the rows of the data set itself."""
        return self if self.gathering is None else self.gathering.rows

    @property
    def joined_beside(self) -> ExactAggregation:
        """The same of rows that were joined with those of other data sets already."""
        if self.gathering is None:
            return replace(self, beside=())
        return replace(self, gathering=replace(self.gathering, rows=replace(self.source, beside=())))

    @property
    def joins(self) -> tuple[Beside | Lookup, ...]:
        """Every join."""
        return (*self.source.beside, *self.source.lookups)

    @property
    def named(self) -> frozenset[str]:
        """Every column of the joined rows that keys, aggregates and conditions name."""
        from hedgerow.model.expressions import columns_of

        names = {key.column for key in self.keys if key.place is None}
        names |= {a.column for a in self.aggregates if a.column is not None}
        names |= {one.column for one in self.histograms}
        made = [key.place for key in self.keys if key.place is not None]
        made += [one.expression for one in self.computed]
        names |= {name for expression in made for name in columns_of(expression)}
        return frozenset(names | predicate_columns(self.where)) - {one.name for one in self.computed}


@dataclass(frozen=True, slots=True)
class KeySearch:
    """What an engine counts to find keys: the people of each combination of keys that rows hold.

    Args:
        columns: Text, whole numbers, truth values or dates; a row without a value in one holds no
            combination.
        where: Which rows count; none means all.
        max_rows: Contribution bound: only rows whose per-person rank is below it count.
        max_groups: Contribution bound: of a person's combinations so many drawn at random count; none bounds
            nothing.
        least: Combinations of fewer people are not told, 1 or more.
        lookups: Public tables that the rows of rank below ``max_rows`` are joined with before.
    """

    columns: tuple[str, ...]
    where: Predicate | None
    max_rows: int
    max_groups: int | None
    least: int
    lookups: tuple[Lookup, ...] = ()

    @property
    def read(self) -> frozenset[str]:
        """Every column of the data set itself that it reads; what joins add is none."""
        return needed(self.lookups, self.named)

    @property
    def named(self) -> frozenset[str]:
        """Every column of the joined rows that it names."""
        return frozenset(self.columns) | predicate_columns(self.where)


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
    """What the owner declared of one column: bounds, keys or both; a span bounds dates and points in time."""

    column: str
    clamp: Clamp | None = None
    keys: tuple[str | int | bool, ...] | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class DatasetDeclaration:
    """What the owner declared of a data set, never inferred from its values.

    Args:
        unit: The privacy unit: ``"person"``; on data frames also ``"household"`` or ``"person-day"``.
        max_rows: Contribution bound in rows per person, or none when not declared.
        columns: Column declarations by name.
        version: Counts declarations of this data set from 1; 0 means none yet.
        max_groups: Contribution bound in groups per person, or none.
        max_rows_per_group: Contribution bound in rows per person and group, or none.
        unit_column: The column that names the household, or the date of a person-day; none for persons.
        household: In a workspace, the column that names each person's household, or none.
        household_rows: Rows of one household that count at most, or none.
        day: In a workspace, the column that dates each row, or none.
        rows_per_day: Rows of one person on one day that count at most, or none.
        max_days: Days of one person that count at most, or none.
    """

    unit: str = "person"
    max_rows: int | None = None
    columns: tuple[ColumnDeclaration, ...] = field(default=())
    version: int = 0
    max_groups: int | None = None
    max_rows_per_group: int | None = None
    unit_column: str | None = None
    household: str | None = None
    household_rows: int | None = None
    day: str | None = None
    rows_per_day: int | None = None
    max_days: int | None = None

    @property
    def contribution(self) -> Contribution | None:
        """How much of one unit counts; none where that is not declared.

        Bounds on groups and on rows in each of them together bound all rows.
        """
        groups, each = self.max_groups, self.max_rows_per_group
        rows = self.max_rows or (groups * each if groups and each else None)
        return None if rows is None else Contribution(rows, groups, each)

    def column(self, name: str) -> ColumnDeclaration:
        """Look up what was declared of a column; an empty declaration when nothing was."""
        for declared in self.columns:
            if declared.column == name:
                return declared
        return ColumnDeclaration(name)
