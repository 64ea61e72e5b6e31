"""Rows of people joined with public tables, and with other rows of the same people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.aggregation.sayable import plain_days, plain_times
from hedgerow.model.errors import Fault
from hedgerow.model.joins import Lookup, PublicColumn, PublicValue
from hedgerow.model.plans import ExactAggregation
from hedgerow.model.words import ColumnType

Places = npt.NDArray[np.int64]
_INT_MOST = 2**63 - 1
_TYPES = {
    ColumnType.TEXT: pa.large_string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.DATE: pa.date32(),
    ColumnType.TIMESTAMP: pa.timestamp("us"),
}


class Joining:
    """The joins of an aggregation, made ready once for any number of tables.

    Args:
        lookups: The joins, in order.
    """

    def __init__(self, lookups: tuple[Lookup, ...]) -> None:
        self._joins = [_Join(lookup) for lookup in lookups]

    def __call__(self, table: pa.Table) -> tuple[pa.Table, Places]:
        """Join a table.

        Args:
            table: Rows of people, with every column the joins compare.

        Returns:
            The joined rows with the columns they gained, and for each the place in the table of the row it
            was made of.

        Raises:
            Fault: ``dp.bad-aggregate`` when a column is of another type than was planned for.

        Guarantee: a row becomes at most ``multiplicity`` rows of each lookup in turn; which ones hangs on
            that row and the public tables alone.
        """
        places = np.arange(table.num_rows, dtype=np.int64)
        for join in self._joins:
            table, taken = join(table)
            places = places[taken]
        return table, places


class _Rows:
    """Rows in the order of their codes; those of a negative code match nothing.

    Args:
        codes: Code of each row, -1 for none.
    """

    def __init__(self, codes: Places) -> None:
        matched = np.flatnonzero(codes >= 0)
        self._rows = matched[np.argsort(codes[matched], kind="stable")]
        self._counts = np.bincount(codes[matched], minlength=1)
        self._starts = np.cumsum(self._counts) - self._counts

    def paired(self, codes: Places, *, keeps_unmatched: bool) -> tuple[Places, Places]:
        """Pair rows with those of the same code.

        Args:
            codes: Code of each row, -1 for none.
            keeps_unmatched: Whether a row that pairs with none stays, alone.

        Returns:
            For each pair the place of the row, rising, and the place here; -1 for one that stays alone.
        """
        has_match = (codes >= 0) & (codes < len(self._counts))
        matches = np.zeros(len(codes), dtype=np.int64)
        matches[has_match] = self._counts[codes[has_match]]
        has_match = matches > 0
        if keeps_unmatched:
            matches[~has_match] = 1
        taken = np.repeat(np.arange(len(codes)), matches)
        # Of the pairs of one row, the first is with the first row of its code, and so on.
        nth = np.arange(len(taken)) - np.repeat(np.cumsum(matches) - matches, matches)
        joined = has_match[taken]
        theirs = np.full(len(taken), -1, dtype=np.int64)
        theirs[joined] = self._rows[self._starts[codes[taken[joined]]] + nth[joined]]
        return taken, theirs


@dataclass(frozen=True, slots=True, eq=False)
class PersonRows:
    """Rows of people of one of several tables.

    Args:
        table: The rows.
        ranks: Rank of each row among its person's rows in this table, from 0.
        people: Number of the person of each row, the same in all of the tables; -1 for nobody.
    """

    table: pa.Table
    ranks: Places
    people: Places


def join_people(first: PersonRows, beside: Mapping[str, PersonRows], spec: ExactAggregation) -> PersonRows:
    """Join the rows of each person in one table with those of the same person in others.

    Args:
        first: The rows of the data set asked.
        beside: Rows of the others, by name.
        spec: Names the others in order, with the bound of each.

    Returns:
        The joined rows, all of rank 0: they were bounded in each table before.

    Guarantee: a person has at most ``max_rows`` times the bound of each other data set joined rows, and they
        hang on that person's rows alone.
    """
    bounded = np.flatnonzero((first.ranks < spec.max_rows) & (first.people >= 0))
    table, people = first.table.take(pa.array(bounded)), first.people[bounded]
    for one in spec.beside:
        other = beside[one.name]
        codes = np.where(other.ranks < one.max_rows, other.people, -1)
        taken, theirs = _Rows(codes).paired(people, keeps_unmatched=one.keeps_unmatched)
        table, people = table.take(pa.array(taken)), people[taken]
        places = pa.array(theirs, mask=theirs < 0)
        for name, source in one.adds:
            table = table.append_column(name, other.table.column(source).take(places))
    return PersonRows(table, np.zeros(len(people), dtype=np.int64), people)


class _Join:
    """One join: the rows of the public table in the order of their keys."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        columns = [_column(lookup, theirs) for _, theirs in lookup.on]
        self._sets = [pa.array(_cells(column, column.distinct), _TYPES[column.kind]) for column in columns]
        own = [
            _codes(pa.chunked_array([pa.array(_cells(c, c.values), _TYPES[c.kind])]), known)
            for c, known in zip(columns, self._sets, strict=True)
        ]
        self._steps: list[Places] = []
        codes = own[0]
        for place, more in enumerate(own[1:], start=1):
            paired = self._paired(codes, more, place)
            known = np.unique(paired[paired >= 0])
            self._steps.append(known)
            codes = _placed(known, paired)
        self._rows = _Rows(codes)

    def _paired(self, codes: Places, more: Places, place: int) -> Places:
        """Make one number of the codes of two columns; -1 where either has none."""
        width = len(self._sets[place]) + 1
        return np.where((codes >= 0) & (more >= 0), codes * width + more, -1)

    def __call__(self, table: pa.Table) -> tuple[pa.Table, Places]:
        taken, theirs = self._rows.paired(self._matched(table), keeps_unmatched=self._lookup.keeps_unmatched)
        if not np.array_equal(taken, np.arange(table.num_rows)):
            table = table.take(pa.array(taken))
        for name, source in self._lookup.adds:
            table = table.append_column(name, _gained(_column(self._lookup, source), theirs))
        return table, taken

    def _matched(self, table: pa.Table) -> Places:
        """Find the key of each row among those of the public table; -1 where it has none."""
        each = (
            _codes(table.column(ours), known)
            for (ours, _), known in zip(self._lookup.on, self._sets, strict=True)
        )
        codes = next(each)
        for place, more in enumerate(each, start=1):
            codes = _placed(self._steps[place - 1], self._paired(codes, more, place))
        return codes


def _column(lookup: Lookup, name: str) -> PublicColumn:
    found = lookup.table.column(name)
    if found is None:
        raise Fault("dp.bad-aggregate")
    return found


def _placed(known: Places, values: Places) -> Places:
    """Tell the place of each value in a sorted list; -1 where it is not in it."""
    if not len(known):
        return np.full(len(values), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[places] == values, places, -1)


def _codes(column: pa.ChunkedArray, known: pa.Array) -> Places:
    """Tell the place of each value among the distinct public ones; -1 for null and strangers."""
    try:
        found = [_found(chunk, known) for chunk in column.chunks]
    except pa.ArrowException:
        raise Fault("dp.bad-aggregate") from None
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _found(chunk: pa.Array, known: pa.Array) -> Places:
    if isinstance(chunk, pa.DictionaryArray):
        # The words are few: look them up once, then every row by its code.
        codes = pc.index_in(_alike(chunk.dictionary, known.type), value_set=known, skip_nulls=True)
        places = codes.take(chunk.indices)
    else:
        places = pc.index_in(_alike(chunk, known.type), value_set=known, skip_nulls=True)
    found: Places = pc.fill_null(places.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return found


def _alike(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Bring values to the type of the public column; what it cannot hold equals nothing there."""
    if values.type == pa.uint64() and kind == pa.int64():
        values = pc.if_else(pc.greater(values, pa.scalar(_INT_MOST, pa.uint64())), None, values)
    if pa.types.is_date(values.type) and pa.types.is_date(kind):
        values = plain_days(values)
    elif pa.types.is_timestamp(values.type) and pa.types.is_timestamp(kind):
        values = plain_times(values)
    return values.cast(kind, safe=False)


def _gained(column: PublicColumn, rows: Places) -> pa.ChunkedArray:
    """Take the values of a public column for the joined rows; -1 gives null."""
    indices = pa.array(rows, mask=rows < 0)
    if column.kind is not ColumnType.TEXT:
        return pa.chunked_array([pa.array(_cells(column, column.values), _TYPES[column.kind]).take(indices)])
    words = pa.array(column.distinct, pa.string())
    codes = pc.index_in(pa.array(column.values, pa.string()), value_set=words, skip_nulls=True)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(codes.take(indices), words)])


def _cells(column: PublicColumn, values: tuple[PublicValue, ...]) -> list[object]:
    """Write values as Arrow takes them."""
    return [_cell(column.kind, value) for value in values]


def _cell(kind: ColumnType, value: PublicValue) -> object:
    if kind is ColumnType.DECIMAL and isinstance(value, int | Fraction):
        return float(value)
    if kind is ColumnType.DATE and isinstance(value, str):
        return date.fromisoformat(value)
    if kind is ColumnType.TIMESTAMP and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value
