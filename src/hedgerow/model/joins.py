"""Tables declared public, and what a row of a person looks up in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from hedgerow.model.words import ColumnType, many

PublicValue: TypeAlias = "str | int | bool | Fraction | None"

JOINED_TYPES = (ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BOOLEAN, ColumnType.DATE)
"""Types whose values are equal exactly or not at all; decimals and points in time join nothing."""


@dataclass(frozen=True, slots=True)
class PublicColumn:
    """A column of a public table.

    Args:
        name: Its name.
        kind: Its type.
        values: One value for each row: decimals exact, dates and times as ISO text, null as none.
    """

    name: str
    kind: ColumnType
    values: tuple[PublicValue, ...] = field(repr=False)

    @property
    def distinct(self) -> tuple[PublicValue, ...]:
        """Its values without null, each once, as they first appear."""
        return tuple(dict.fromkeys(value for value in self.values if value is not None))


@dataclass(frozen=True, slots=True)
class PublicTable:
    """A table that its owner declared to be about nobody; its content is known to everybody.

    Args:
        name: What a query calls it.
        columns: Its columns, of equal length.
        digest: Tells this content from any other; empty without a workspace.
    """

    name: str
    columns: tuple[PublicColumn, ...]
    digest: str = ""

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.columns[0].values) if self.columns else 0

    def column(self, name: str) -> PublicColumn | None:
        """Look a column up by its exact name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Each row of a person joined with the rows of a public table that hold the same key.

    Args:
        table: The public table.
        on: Pairs that must be equal: a column of the rows so far, and a column of the public table. Null
            equals nothing.
        adds: Pairs of a column that the joined rows gain and the column of the public table it comes from.
        keeps_unmatched: Whether a row without an equal key stays, its new columns null (``LEFT JOIN``).
    """

    table: PublicTable
    on: tuple[tuple[str, str], ...]
    adds: tuple[tuple[str, str], ...]
    keeps_unmatched: bool = False

    def values(self, column: str) -> tuple[PublicValue, ...]:
        """List the values of a column of the public table."""
        found = self.table.column(column)
        return () if found is None else found.values

    @property
    def multiplicity(self) -> int:
        """How many rows of the public table one row may be joined with at most; 1 where keys are unique."""
        keys = zip(*(self.values(theirs) for _, theirs in self.on), strict=True)
        met = Counter(key for key in keys if None not in key)
        return max(met.values(), default=1)

    @property
    def words(self) -> str:
        """What it does, in words."""
        on = " and ".join(f"{ours} = {self.table.name}.{theirs}" for ours, theirs in self.on)
        most = many(self.multiplicity, "row")
        return f"each row is joined with at most {most} of the public table {self.table.name} on {on}"


@dataclass(frozen=True, slots=True)
class Beside:
    """Rows of another data set joined with those of the same person.

    Args:
        name: The data set.
        max_rows: Its own contribution bound: only rows whose per-person rank there is below it count.
        adds: Pairs of a column that the joined rows gain and the column of the data set it comes from.
        keeps_unmatched: Whether rows of somebody who is not in it stay, the new columns null (``LEFT JOIN``).
    """

    name: str
    max_rows: int
    adds: tuple[tuple[str, str], ...]
    keeps_unmatched: bool = False

    @property
    def read(self) -> frozenset[str]:
        """Every column of the data set that it reads, apart from who the person is."""
        return frozenset(column for _, column in self.adds)

    @property
    def words(self) -> str:
        """What it does, in words."""
        most = many(self.max_rows, "row")
        return f"each row is joined with at most {most} of the same person in {self.name}"


def needed(lookups: tuple[Lookup, ...], names: frozenset[str]) -> frozenset[str]:
    """List the columns of the data set itself that joined rows read.

    Args:
        lookups: The joins, in order.
        names: Columns of the joined rows that are read.
    """
    gained = {name for lookup in lookups for name, _ in lookup.adds}
    return frozenset((names | {ours for lookup in lookups for ours, _ in lookup.on}) - gained)
