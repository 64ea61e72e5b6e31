"""Releases chosen by counts alone: which combinations of values there are, and in how many rows each.

The search, its tests and the recount need no more, so that rows may stand anywhere: what reads them hands
over counts, and is handed back a level for each column and the classes that leave.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from hedgerow.kernel.anonymity.coding import Ints
from hedgerow.kernel.anonymity.risk import histogram, summarise
from hedgerow.kernel.anonymity.search import Outcome
from hedgerow.model.anonymity import ReleaseParameters, RiskSummary
from hedgerow.model.errors import CallerError, Fault
from hedgerow.techniques.anonymity.columns import coded, generalised, plain
from hedgerow.techniques.anonymity.parameters import check, check_columns
from hedgerow.techniques.anonymity.recount import Cell, Classes, Finished, recounted
from hedgerow.techniques.anonymity.release import searched
from hedgerow.techniques.anonymity.source import Source, source_of

_ROWS = "rows"
_LEAST_WAITING = 2**16


@dataclass(frozen=True, slots=True)
class Counts:
    """Distinct combinations of values with the rows of each.

    Args:
        table: The combinations.
        rows: Rows of each, at least 1.
    """

    table: pa.Table = field(repr=False)
    rows: Ints = field(repr=False)


class Tally:
    """Adds up counts, part by part, and keeps each combination about twice at most."""

    def __init__(self) -> None:
        self._parts: list[pa.Table] = []
        self._names: list[str] = []
        self._waiting, self._known = 0, 0

    def add(self, table: pa.Table) -> None:
        """Count the rows of one part.

        Args:
            table: The columns to count, of the same types each time.

        Raises:
            CallerError: ``anonymity.rows-changed`` where they are not.
        """
        counted = _grouped(_numbered(table).append_column(_ROWS, pa.array(np.ones(table.num_rows, np.int64))))
        if self._parts and self._parts[0].schema != counted.schema:
            raise CallerError("anonymity.rows-changed")
        self._names = table.column_names
        self._parts.append(counted)
        self._waiting += counted.num_rows
        if self._waiting > max(self._known, _LEAST_WAITING):
            self._merge()

    def counts(self) -> Counts:
        """Tell the sum of all parts, of which there is at least one."""
        self._merge()
        (merged,) = self._parts
        return Counts(
            merged.drop_columns([_ROWS]).rename_columns(self._names),
            merged[_ROWS].to_numpy().astype(np.int64),
        )

    def _merge(self) -> None:
        if len(self._parts) > 1:
            self._parts = [_grouped(pa.concat_tables(self._parts))]
        self._waiting, self._known = 0, self._parts[0].num_rows if self._parts else 0


def _numbered(table: pa.Table) -> pa.Table:
    """Name columns by their place, so that no name is taken twice."""
    return table.rename_columns([str(place) for place in range(table.num_columns)])


def _grouped(table: pa.Table) -> pa.Table:
    keys = [name for name in table.column_names if name != _ROWS]
    return table.group_by(keys).aggregate([(_ROWS, "sum")]).rename_columns([*keys, _ROWS])


def plainly(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """Take columns as a release holds them.

    Args:
        table: A table that has them.
        names: The columns.

    Returns:
        The columns, plain.

    Raises:
        CallerError: ``anonymity.column-type``.
    """
    return pa.table({name: plain(table, name) for name in names})


def listed(asked: ReleaseParameters, schema: pa.Schema) -> list[str]:
    """Tell which columns leave, before a row is read.

    Args:
        asked: Columns, k and models.
        schema: The columns there are.

    Returns:
        Those that were asked for, in the order of the table.

    Raises:
        CallerError: For parameters or columns that do not fit.
    """
    check(asked)
    check_columns(asked, schema.names)
    names = [name for name in schema.names if name in asked.columns]
    plainly(schema.empty_table(), names)
    return names


def counted_columns(asked: ReleaseParameters) -> list[str]:
    """Tell what has to be counted: the quasi-identifiers, and each sensitive column that a test reads.

    Args:
        asked: Columns, k and models.

    Returns:
        The columns.
    """
    read = {getattr(model, "column", None) for model in asked.models}
    return [*asked.quasi, *(name for name in asked.sensitive if name in read or asked.l is not None)]


@dataclass(frozen=True)
class Chosen:
    """The levels that lose least, and the classes that leave.

    Args:
        source: The counts as the search took them.
        rows: Rows of each combination counted.
        best: The node.
        risk: What the release risks, by the counts.
    """

    source: Source = field(repr=False)
    rows: Ints = field(repr=False)
    best: Outcome = field(repr=False)
    risk: RiskSummary

    @property
    def levels(self) -> dict[str, int]:
        """The level of each quasi-identifier."""
        return dict(zip(self.source.asked.quasi, self.best.node, strict=True))

    @cached_property
    def _places(self) -> Ints:
        """A combination of each class that leaves."""
        of_row = self.source.problem.tuples.of_row
        _, first = np.unique(self.best.class_of_tuple[of_row], return_index=True)
        return np.asarray(first[self.best.kept[of_row[first]]], dtype=np.int64)

    @cached_property
    def classes(self) -> pa.Table:
        """The released quasi-identifiers of each class that leaves."""
        return pa.table(
            {
                item.column.name: generalised(item.column, item.hierarchy, item.codes, level, self._places)
                for item, level in zip(self.source.quasi, self.best.node, strict=True)
            }
        )

    @cached_property
    def kept(self) -> frozenset[tuple[int, ...]]:
        """The groups of each class that leaves."""
        return frozenset(
            zip(*(self.groups(place, item.codes[self._places]).tolist()
                  for place, item in enumerate(self.source.quasi)), strict=True)
        )  # fmt: skip

    def groups(self, place: int, codes: Ints) -> Ints:
        """Tell the group of each hierarchy code of a column at the level released.

        Args:
            place: Place of the column among the quasi-identifiers.
            codes: Its codes.

        Returns:
            The groups.

        """
        return self.source.problem.columns[place].groups[self.best.node[place]][codes]

    def label(self, place: int) -> pa.Table:
        """Tell what each value of a column becomes.

        Args:
            place: Place of the column among the quasi-identifiers.

        Returns:
            Distinct values, the missing one among them where there is one, and their labels.
        """
        item = self.source.quasi[place]
        _, first = np.unique(item.column.codes, return_index=True)
        rows = np.asarray(first, dtype=np.int64)
        labels = generalised(item.column, item.hierarchy, item.codes, self.best.node[place], rows)
        return pa.table({"value": item.column.array.take(pa.array(rows)), "label": labels})

    def recount(self, released: Counts) -> None:
        """Count the finished table once more, by other code than the search's.

        Args:
            released: The rows that leave, counted by what ``counted_columns`` names.

        Raises:
            Fault: ``anonymity.recount`` where k, l or a model does not hold.
            CallerError: ``anonymity.rows-changed`` where the classes are not those that were chosen.
        """
        asked = self.source.asked
        table = released.table
        finished = _Finished(table, self.source.table, asked, weights=released.rows, raw_weights=self.rows)
        sizes = np.asarray(sorted(finished.members.values()), dtype=np.int64)
        if histogram(sizes) != self.risk.class_sizes:
            raise CallerError("anonymity.rows-changed")
        if sizes.min() < asked.k or (asked.l is not None and finished.fewest_values() < asked.l):
            raise Fault("anonymity.recount")
        recounted(finished)


def chosen(counts: Counts, asked: ReleaseParameters) -> Chosen:
    """Choose levels and classes by counts.

    Args:
        counts: Rows of each combination of what ``counted_columns`` names.
        asked: Columns, k, models and limits.

    Returns:
        The same as of the rows themselves; of sensitive columns that no test reads nothing is told.

    Raises:
        CallerError: For hierarchies or models that do not fit, ``anonymity.empty-table`` and
            ``anonymity.search-cut-short``.
        Refused: ``anonymity.unreachable``.
    """
    read = tuple(name for name in counted_columns(asked) if name not in asked.quasi)
    source = source_of(counts.table, replace(asked, sensitive=read, keep=()), weights=counts.rows)
    found = searched(source)
    attributes = [(item.name, item.codes) for item in source.sensitive]
    risk = summarise(source.problem, found.best, asked.quasi, attributes)
    risk = replace(risk, is_optimal=found.is_optimal, loss_bound=found.bound)
    return Chosen(source, counts.rows, found.best, risk)


@dataclass(frozen=True)
class _Finished(Finished):
    """A finished table of which only counts are here."""

    weights: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64), repr=False)
    raw_weights: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64), repr=False)

    @cached_property
    def members(self) -> Mapping[Cell, int]:
        """Rows of each class."""
        found: Counter[Cell] = Counter()
        for cell, rows in zip(self.cells, self.weights.tolist(), strict=True):
            found[cell] += rows
        return found

    @property
    def everybody(self) -> int:
        """Rows of the raw table."""
        return int(self.raw_weights.sum())

    def classes(self, column: str) -> Classes:
        """The known values of a sensitive column in each class."""
        found: defaultdict[Cell, Counter[Any]] = defaultdict(Counter)
        values = self.table[column].to_pylist()
        for cell, value, rows in zip(self.cells, values, self.weights.tolist(), strict=True):
            found[cell].update({} if value is None else {value: rows})
        return found

    def whole(self, column: str) -> Counter[Any]:
        """How often each value occurs over all rows, dropped ones among them."""
        grouped = coded(self.raw, column)
        known = grouped.codes >= 0
        counts = np.bincount(
            grouped.codes[known], weights=self.raw_weights[known], minlength=len(grouped.distinct)
        )
        return Counter(dict(zip(grouped.distinct, counts.astype(np.int64).tolist(), strict=True)))

    def fewest_values(self) -> int:
        """The least number of different values of a sensitive column in a class."""
        return min(len(values) for name in self.asked.sensitive for values in self.classes(name).values())
