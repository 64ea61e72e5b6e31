"""A raw table as the search takes it: codes, hierarchies, tests, and the population beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pyarrow as pa

from hedgerow.kernel.anonymity.coding import Ints, Tuples, distinct_tuples, level_maps
from hedgerow.kernel.anonymity.grouping import distinct_pairs
from hedgerow.kernel.anonymity.search import Problem
from hedgerow.model.anonymity import Hierarchy, ReleaseParameters
from hedgerow.model.errors import CallerError
from hedgerow.techniques.anonymity.columns import Coded, built_hierarchy, coded, hierarchy_codes
from hedgerow.techniques.anonymity.models import tests_of
from hedgerow.techniques.anonymity.sensitive import Sensitive, sensitive_column


@dataclass(frozen=True, slots=True)
class Quasi:
    """One quasi-identifier.

    Args:
        column: The column.
        hierarchy: Its hierarchy.
        codes: Hierarchy code of each row.
        outside: Hierarchy code of each person of the population; empty without one.
        has_missing: Whether a row or a person of the population has no value.
    """

    column: Coded
    hierarchy: Hierarchy = field(repr=False)
    codes: Ints = field(repr=False)
    outside: Ints = field(repr=False)
    has_missing: bool


@dataclass(frozen=True, slots=True)
class Source:
    """A raw table as the search takes it.

    Args:
        table: The rows.
        asked: Columns, k, models and limits.
        quasi: The quasi-identifiers.
        sensitive: The sensitive columns.
        people: Person of each row, -1 for unknown, or none.
        problem: What the search is asked.
    """

    table: pa.Table = field(repr=False)
    asked: ReleaseParameters
    quasi: tuple[Quasi, ...]
    sensitive: tuple[Sensitive, ...]
    people: Ints | None = field(repr=False)
    problem: Problem


def source_of(
    table: pa.Table,
    asked: ReleaseParameters,
    population: pa.Table | None = None,
    weights: Ints | None = None,
) -> Source:
    """Number a table's values and turn what is asked into tests.

    Args:
        table: The raw rows; columns that are not asked for are not read.
        asked: Columns, k, models and limits.
        population: One row per person of the population, those of the table among them, with the
            quasi-identifiers; or none.
        weights: Rows that each row of the table stands for, where it holds counts, without people or
            population; one each without it.

    Returns:
        The table as the search takes it.

    Raises:
        CallerError: For columns, hierarchies, models or a population that do not fit the table.
    """
    if table.num_rows == 0:
        raise CallerError("anonymity.empty-table")
    if (table.num_rows if weights is None else int(weights.sum())) < asked.k:
        raise CallerError("anonymity.k-above-rows", k=asked.k)
    given = dict(asked.hierarchies)
    quasi = tuple(_quasi(table, name, given.get(name), population) for name in asked.quasi)
    sensitive = tuple(sensitive_column(table, name, given.get(name), weights) for name in asked.sensitive)
    people = None if asked.person is None else coded(table, asked.person).codes
    tuples, everybody = _tuples(quasi, weights, has_population=population is not None)
    if everybody is not None:
        _check_population(tuples, everybody, people)
    tests = tests_of(asked, tuples, {each.name: each for each in sensitive}, people, everybody, weights)
    problem = Problem(
        tuples=tuples,
        columns=tuple(level_maps(each.hierarchy, has_missing=each.has_missing) for each in quasi),
        k=asked.k,
        most_suppressed=int(asked.suppression_limit * tuples.rows),
        pairs=tests.pairs,
        criteria=tests.criteria,
        table_criteria=tests.table_criteria,
        tallies=tests.tallies,
        max_levels=_tops(asked, quasi),
        weights=tuple(dict(asked.weights).get(name, Fraction(1)) for name in asked.quasi),
        mean=asked.mean,
    )
    return Source(table, asked, quasi, sensitive, people, problem)


def _quasi(table: pa.Table, name: str, given: Hierarchy | None, population: pa.Table | None) -> Quasi:
    column = coded(table, name)
    if population is None:
        hierarchy = built_hierarchy(column) if given is None else given
        nobody = np.zeros(0, dtype=np.int64)
        return Quasi(column, hierarchy, hierarchy_codes(column, hierarchy), nobody, column.has_missing)
    other = coded(_alike(population, name, column.array.type), name)
    if given is None:
        both = pa.table({name: pa.concat_arrays([column.array, other.array])})
        given = built_hierarchy(coded(both, name))
    outside = hierarchy_codes(other, given)
    has_missing = column.has_missing or other.has_missing
    return Quasi(column, given, hierarchy_codes(column, given), outside, has_missing)


def _alike(population: pa.Table, name: str, kind: pa.DataType) -> pa.Table:
    """The population's column, of the type that the table has it in."""
    if name not in population.column_names:
        raise CallerError("anonymity.population-columns", column=name)
    try:
        return pa.table({name: coded(population, name).array.cast(kind)})
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise CallerError("anonymity.population-columns", column=name) from None


def _tuples(
    quasi: tuple[Quasi, ...], weights: Ints | None, *, has_population: bool
) -> tuple[Tuples, Ints | None]:
    """The distinct tuples of table and population; counts are the table's, people the population's."""
    if not has_population:
        return distinct_tuples([each.codes for each in quasi], weights), None
    both = distinct_tuples([np.concatenate((each.codes, each.outside)) for each in quasi])
    rows, number = len(quasi[0].codes), len(both.counts)
    mine, theirs = both.of_row[:rows], both.of_row[rows:]
    counts = np.bincount(mine, minlength=number).astype(np.int64)
    return Tuples(both.codes, counts, mine), np.bincount(theirs, minlength=number).astype(np.int64)


def _check_population(tuples: Tuples, everybody: Ints, people: Ints | None) -> None:
    members = tuples.counts
    if people is not None:
        members = distinct_pairs(tuples.of_row, people).distinct(len(everybody))
    if (members > everybody).any():
        raise CallerError("anonymity.population-short")


def _tops(asked: ReleaseParameters, quasi: tuple[Quasi, ...]) -> tuple[int, ...]:
    bounds = dict(asked.max_levels)
    for each in quasi:
        top = each.hierarchy.top
        if not 0 <= bounds.setdefault(each.column.name, top) <= top:
            raise CallerError("anonymity.level-out-of-range", column=each.column.name, top=top)
    return tuple(bounds[each.column.name] for each in quasi)
