"""The keys that rows hold, with the people of each: exact, for a threshold on noisy counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.aggregation.bounding import within_groups
from hedgerow.kernel.aggregation.joining import Joining
from hedgerow.kernel.aggregation.reference import holds
from hedgerow.kernel.aggregation.sayable import plain_days, plain_text
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import Combination, KeySearch

Ints = npt.NDArray[np.int64]
PEOPLE = "people"
_INT_MOST = 2**63 - 1


def search_keys(
    table: pa.Table, ranks: Ints, search: KeySearch, people: Ints
) -> list[tuple[Combination, int]]:
    """Count the people of each combination of keys.

    Args:
        table: The rows, with every column the search reads.
        ranks: Rank of each row among its person's rows, from 0.
        search: What to count.
        people: Number of the person of each row; below 0 for nobody.

    Returns:
        Each combination of enough people with its exact count, in the order of the keys. Exact counts are of
        no one's concern: noise and a threshold decide what is told.
    """
    if search.lookups:
        bounded = np.flatnonzero((ranks < search.max_rows) & (people >= 0))
        own = table.select(sorted(search.read)).take(pa.array(bounded))
        table, places = Joining(search.lookups)(own)
        ranks, people = ranks[bounded[places]], people[bounded[places]]
    counted = (ranks < search.max_rows) & (people >= 0) & holds(table, search.where)
    columns = [plain_keys(table.column(name), name).filter(pa.array(counted)) for name in search.columns]
    return told_keys(
        [count_people(columns, people[counted], ranks[counted], search.max_groups)], search.least
    )


def plain_keys(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Bring a column of keys to one type of its kind.

    Args:
        column: Text, whole numbers, truth values or dates, in any encoding.
        name: Its name, for the error.

    Returns:
        The values; null where there is none that 64 bits hold, or none that has words: a date outside the
        years 1 to 9999, or text that is no UTF-8.

    Raises:
        CallerError: ``engine.column-type``.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return plain_keys(column.cast(kind.value_type), name)
    if pa.types.is_uint64(kind):
        column = pc.if_else(pc.less_equal(column, pa.scalar(_INT_MOST, kind)), column, pa.scalar(None, kind))
    tests = (
        (pa.types.is_boolean, pa.bool_()),
        (pa.types.is_integer, pa.int64()),
    )
    wanted = next((wanted for test, wanted in tests if test(kind)), None)
    if wanted is not None:
        cast = column.cast(wanted)
    elif pa.types.is_date(kind):
        cast = plain_days(column)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        cast = plain_text(column)
    else:
        raise CallerError("engine.column-type", column=name)
    return cast.combine_chunks() if isinstance(cast, pa.ChunkedArray) else cast


def count_people(columns: Sequence[pa.Array], people: Ints, ranks: Ints, max_groups: int | None) -> pa.Table:
    """Count the people of each combination of values, each person once in each.

    Args:
        columns: Values of the rows that count, of the types of :func:`plain_keys`; rows with a null in one
            hold no combination.
        people: Whom each row is about.
        ranks: Its rank among the person's rows.
        max_groups: Of a person's combinations so many, drawn at random, count; none means all.

    Returns:
        A column for each of ``columns``, in order and named by its place, and ``people``.
    """
    keys = pa.table({str(place): column for place, column in enumerate(columns)})
    is_whole = np.ones(len(people), dtype=np.bool_)
    for column in columns:
        is_whole &= column.is_valid().to_numpy(zero_copy_only=False)
    keys, people, ranks = keys.filter(pa.array(is_whole)), people[is_whole], ranks[is_whole]
    groups = _numbered(keys)
    if max_groups is not None:
        within = within_groups(people, groups, ranks, max_groups, None)
        keys, people, groups = keys.filter(pa.array(within)), people[within], groups[within]
    order = np.lexsort((people, groups))
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = (groups[order][1:] != groups[order][:-1]) | (people[order][1:] != people[order][:-1])
    once = keys.take(pa.array(np.sort(order[is_first])))
    counted = once.append_column(PEOPLE, pa.array(np.ones(once.num_rows, dtype=np.int64)))
    return _summed([counted])


def _numbered(keys: pa.Table) -> Ints:
    """Number the combinations of a table without nulls."""
    numbers: Ints = np.zeros(keys.num_rows, dtype=np.int64)
    for column in keys.columns:
        own = column.combine_chunks().dictionary_encode()
        own = own.combine_chunks() if isinstance(own, pa.ChunkedArray) else own
        numbers = numbers * max(1, len(own.dictionary)) + own.indices.to_numpy(zero_copy_only=False)
        _, numbers = np.unique(numbers, return_inverse=True)
    return numbers.astype(np.int64)


def _summed(parts: Sequence[pa.Table]) -> pa.Table:
    whole = pa.concat_tables(parts)
    names = [name for name in whole.column_names if name != PEOPLE]
    found = whole.group_by(names).aggregate([(PEOPLE, "sum")])
    return found.rename_columns([n.removesuffix("_sum") for n in found.column_names]).select([*names, PEOPLE])


def told_keys(parts: Sequence[pa.Table], least: int) -> list[tuple[Combination, int]]:
    """Add up the people of combinations over parts that share no people.

    Args:
        parts: What :func:`count_people` gave of each; at least one.
        least: Combinations of fewer people are left out.

    Returns:
        The combinations in the order of their keys, so that the order of rows is told by nothing.
    """
    whole = _summed(parts)
    enough = whole.filter(pc.greater_equal(whole[PEOPLE], least))
    names = enough.column_names[:-1]
    ordered = enough.sort_by([(name, "ascending") for name in names])
    *columns, people = (column.to_pylist() for column in ordered.columns)
    combinations = zip(*([_key(value) for value in column] for column in columns), strict=True)
    return list(zip(combinations, people, strict=True))


def _key(value: str | int | bool | date) -> str | int | bool:  # noqa: FBT001 - a key
    return value.isoformat() if isinstance(value, date) else value
