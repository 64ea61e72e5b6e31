"""Joins with public tables, which stand in the statement as constants: everybody knows what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Final

from sqlglot import exp

from hedgerow.kernel.transpile.conditions import Scope, held_by
from hedgerow.kernel.transpile.known import Known
from hedgerow.kernel.transpile.points import Point, constant, type_of
from hedgerow.kernel.transpile.source import Kind, SourceColumn
from hedgerow.kernel.transpile.writing import Words
from hedgerow.model.errors import CallerError
from hedgerow.model.joins import Lookup, PublicColumn, PublicTable
from hedgerow.model.plans import ExactAggregation
from hedgerow.model.words import ColumnType

MOST_VALUES = 16_000  # of all tables; Snowflake takes no more than 16,384 rows of VALUES
KNOWN = Known()
KNOWN.part(Lookup, "table", "on", "adds", "keeps_unmatched")
KNOWN.part(PublicTable, "name", "columns", "digest")
KNOWN.part(PublicColumn, "name", "kind", "values")
_KINDS: Final = {
    ColumnType.TEXT: Kind.TEXT,
    ColumnType.INTEGER: Kind.WHOLE,
    ColumnType.DECIMAL: Kind.REAL,
    ColumnType.BOOLEAN: Kind.TRUTH,
    ColumnType.DATE: Kind.DATE,
    ColumnType.TIMESTAMP: Kind.MOMENT,
}
_EQUAL = frozenset({ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BOOLEAN, ColumnType.DATE})


def check_lookups(plan: ExactAggregation) -> None:
    """Refuse joins that other engines would not do in the very same way.

    Args:
        plan: What is computed.

    Raises:
        CallerError: ``engine.element``: for tables too long to stand in a statement; and for bounds over
            groups where a row is joined with several, for then ranks no longer tell which rows count.
    """
    if sum(one.table.rows * (len(one.on) + len(one.adds)) for one in plan.lookups) > MOST_VALUES:
        raise CallerError("engine.element", element=f"more than {MOST_VALUES} values of public tables")
    if plan.bounds_groups and prod(one.multiplicity for one in plan.lookups) > 1:
        raise CallerError("engine.element", element="a join that repeats rows beside bounds over groups")


def gained(plan: ExactAggregation) -> list[tuple[str, SourceColumn]]:
    """List the columns that rows gain, in the order of the joins.

    Args:
        plan: What is computed.
    """
    return [
        (name, SourceColumn(_KINDS[_public(lookup, theirs).kind]))
        for lookup in plan.lookups
        for name, theirs in lookup.adds
    ]


def joined(scope: Scope, lookups: tuple[Lookup, ...], first: str) -> Iterator[tuple[str, str]]:
    """Write the joins.

    Args:
        scope: What the statement reads; it knows the columns that rows gain.
        lookups: The joins, in order.
        first: The step whose rows are joined.

    Yields:
        Name and words of each step; each join keeps all columns it found.
    """
    # Nothing but our own words is in this text.
    for at, lookup in enumerate(lookups):
        public = f"public{at}"
        yield public, _rows(scope, lookup, public)
        ours = (f"{first}.{scope.column(name)[0]} = {public}.u{on}" for on, (name, _) in enumerate(lookup.on))
        adds = "".join(
            f", {_added(scope, name, public, f'v{add}')} AS {scope.column(name)[0]}"
            for add, (name, _) in enumerate(lookup.adds)
        )
        kind = "LEFT JOIN" if lookup.keeps_unmatched else "JOIN"
        yield (
            f"joined{at}",
            f"SELECT {first}.*{adds} FROM {first} {kind} {public} ON {' AND '.join(ours)}",  # noqa: S608
        )
        first = f"joined{at}"


def binary(words: Words, column: exp.Expression) -> str:
    """Let text be compared sign by sign, where an engine's own order is another."""
    return words.put(exp.Collate(this=column, expression=exp.to_identifier("C", quoted=True)))


def _added(scope: Scope, name: str, public: str, word: str) -> str:
    if scope.words.dialect == "postgres" and scope.column(name)[1].kind is Kind.TEXT:
        return binary(scope.words, exp.column(word, table=public))
    return f"{public}.{word}"


def _public(lookup: Lookup, name: str) -> PublicColumn:
    found = lookup.table.column(name)
    if found is None:
        raise CallerError("engine.column-unknown", column=name)
    return found


def _rows(scope: Scope, lookup: Lookup, public: str) -> str:
    """Write the rows of a public table; those that equal nothing are left out."""
    keys = [(_met(scope, ours, _public(lookup, theirs)), ours, theirs) for ours, theirs in lookup.on]
    if not keys:
        raise CallerError("engine.element", element="a join on columns of two kinds")
    columns = [(column, held_by(column, lookup.values(theirs), ours), True) for column, ours, theirs in keys]
    columns += [
        (scope.column(name)[1], _values(scope, lookup, name, theirs), False) for name, theirs in lookup.adds
    ]
    names = [f"u{at}" for at in range(len(keys))] + [f"v{at}" for at in range(len(lookup.adds))]
    rows = [
        [_cell(scope, column, points[at]) for column, points, _ in columns]
        for at in range(lookup.table.rows)
        if not any(is_key and points[at] is None for _, points, is_key in columns)
    ]
    # Nothing but our own words is in this text.
    if not rows:
        empty = ", ".join(
            f"CAST(NULL AS {type_of(column)}) AS {name}"
            for name, (column, *_) in zip(names, columns, strict=True)
        )
        return f"SELECT {empty} WHERE FALSE"
    shown = ", ".join(f"({', '.join(row)})" for row in rows)
    return f"SELECT {', '.join(names)} FROM (VALUES {shown}) AS {public}({', '.join(names)})"  # noqa: S608


def _met(scope: Scope, name: str, theirs: PublicColumn) -> SourceColumn:
    """Tell what a column holds that must be equal to a public one, exactly or not at all."""
    column = scope.column(name)[1]
    is_whole = theirs.kind is ColumnType.INTEGER and column == SourceColumn(Kind.EXACT, column.precision, 0)
    if theirs.kind not in _EQUAL or not (is_whole or column.kind is _KINDS[theirs.kind]):
        raise CallerError("engine.element", element="a join on columns of two kinds")
    return column


def _values(scope: Scope, lookup: Lookup, name: str, theirs: str) -> list[Point]:
    """Read the values that rows gain; one that the column could not hold is refused, not lost."""
    values = lookup.values(theirs)
    points = held_by(scope.column(name)[1], values, name)
    if any(point is None and value is not None for point, value in zip(points, values, strict=True)):
        raise CallerError("engine.literal-type", column=name)
    return points


def _cell(scope: Scope, column: SourceColumn, point: Point) -> str:
    return f"CAST(NULL AS {type_of(column)})" if point is None else constant(scope.words, column, point)
