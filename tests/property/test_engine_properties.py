"""Proves that the engine equals plain Python on any table and plan.

No row of a person outside the filter ever adds to an aggregate or appears in a table.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.unit.engine import reference
from tests.unit.engine.sorts import SORTS, Sort

from hedgerow.adapters.engines import DuckEngine, ranks_for
from hedgerow.adapters.files import MemoryShelf
from hedgerow.model.engine import BucketFile, PeopleFilter
from hedgerow.model.expressions import (
    Cases,
    Expression,
    Extreme,
    Filled,
    Floor,
    Plus,
    Steps,
    Times,
    Whole,
    is_safe,
)
from hedgerow.model.plans import (
    AllOf,
    AnyOf,
    BinCounts,
    Clamp,
    Column,
    Compare,
    Computed,
    CountPeople,
    CountRows,
    ExactAggregation,
    IsIn,
    IsNull,
    KeyDomain,
    Literal,
    Not,
    SumSquares,
    SumValues,
)

_SETTINGS = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
_NAMES = ('we"ird', "a.b", "", "A", "a", "select", "k", "c0", "ünï'cöde", "t")


@dataclass(frozen=True)
class Case:
    """A table with its people, some of them allowed."""

    sorts: dict[str, Sort]
    rows: list[dict[str, Any]]
    people: list[int]
    allowed: list[int]
    buckets: tuple[int, int]
    cut: int

    def stored(self) -> tuple[DuckEngine, list[BucketFile], list[dict[str, Any]]]:
        """Write the rows in two versions and give each row its person and rank."""
        engine = DuckEngine(MemoryShelf())
        files: list[BucketFile] = []
        kept: list[dict[str, Any]] = []
        cuts = (0, self.cut, len(self.rows))
        for start, end, buckets in zip(cuts, cuts[1:], self.buckets, strict=False):
            part, people = self.rows[start:end], np.array(self.people[start:end], dtype=np.int64)
            taken = engine.row_counts(files, PeopleFilter.of(self.people))
            ranks = ranks_for(people, taken)
            files += engine.write(
                self._table(part), people, ranks, buckets, lambda: secrets.token_bytes(32), b"x"
            )
            pairs = zip(part, people.tolist(), ranks.tolist(), strict=True)
            kept += [row | {"_person": person, "_rank": rank} for row, person, rank in pairs]
        return engine, files, kept

    def _table(self, rows: list[dict[str, Any]]) -> pa.Table:
        columns = [pa.array([row[name] for row in rows], type=sort.type) for name, sort in self.sorts.items()]
        return pa.Table.from_arrays(columns, names=list(self.sorts))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3, unique=True))
    sorts = {name: draw(st.sampled_from(SORTS)) for name in names}
    one = st.fixed_dictionaries(
        {name: st.none() | st.sampled_from(sort.values) for name, sort in sorts.items()}
    )
    rows = draw(st.lists(one, max_size=14))
    someone = st.integers(-3, 4) | st.sampled_from([2**62 + 1, -(2**63)])
    people = draw(st.lists(someone, min_size=len(rows), max_size=len(rows)))
    allowed = draw(st.lists(st.sampled_from(people), unique=True) if people else st.just([]))
    allowed += draw(st.lists(st.just(99), max_size=1))
    buckets = draw(st.tuples(st.sampled_from([1, 2, 8]), st.sampled_from([1, 2, 8])))
    return Case(sorts, rows, people, allowed, buckets, draw(st.integers(0, len(rows))))


def predicates(sorts: dict[str, Sort]) -> st.SearchStrategy[Any]:
    def leaves(name: str) -> st.SearchStrategy[Any]:
        column = st.just(Column(name))
        literal = st.builds(Literal, st.none() | st.sampled_from(sorts[name].constants))
        ops = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
        sets = st.lists(literal, max_size=3).map(tuple)
        return (
            st.builds(Compare, ops, column, literal)
            | st.builds(IsIn, column, sets)
            | st.builds(IsNull, column)
        )

    def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        parts = st.lists(inner, max_size=3).map(tuple)
        return st.builds(Not, inner) | st.builds(AllOf, parts) | st.builds(AnyOf, parts)

    return st.recursive(st.sampled_from(list(sorts)).flatmap(leaves), grown, max_leaves=4)


def expressions(sorts: dict[str, Sort]) -> st.SearchStrategy[Expression]:
    """Any expression on columns whose values stay within what an engine holds."""
    whole = st.sampled_from([-(10**9), -7, -1, 0, 1, 2, 3, 10**6])
    leaves: st.SearchStrategy[Expression] = st.builds(Whole, st.none() | whole)
    numbers = [name for name, sort in sorts.items() if sort.is_number]
    if numbers:
        clamps = st.sampled_from(
            [Clamp(Fraction(-3), Fraction(7, 2)), Clamp(Fraction(-1000), Fraction(1000))]
        )
        leaves |= st.builds(Steps, st.builds(SumValues, st.sampled_from(numbers), clamps, st.integers(0, 3)))

    def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        branches = st.lists(st.tuples(predicates(sorts), inner), max_size=2).map(tuple)
        return (
            st.builds(Plus, inner, inner)
            | st.builds(Times, inner, inner)
            | st.builds(Floor, inner, st.sampled_from([1, 2, 3, 10, 10**12]))
            | st.builds(Extreme, st.lists(inner, min_size=1, max_size=3).map(tuple), st.booleans())
            | st.builds(Filled, inner, whole)
            | st.builds(Cases, branches, inner)
        )

    return st.recursive(leaves, grown, max_leaves=5).filter(is_safe)


def made_plan(draw: st.DrawFn, case: Case, plan: ExactAggregation) -> ExactAggregation:
    """Add computed columns, some made of others, and computed keys to a plan."""
    sorts, computed = dict(case.sorts), []
    for name in draw(st.sampled_from([(), ("sum of a",), ("sum of a", "k + 1"), ("x0", "c1", "l0")])):
        computed.append(Computed(name, draw(expressions(sorts)), draw(st.sampled_from([0, 0, 2, 9]))))
        constants = (-1, 0, 1, 3, Fraction(1, 2), Fraction(-7, 3), 2**70)
        sorts[name] = Sort(pa.int64(), (), constants, (), is_number=False)
    names = [one.name for one in computed]
    sums = [SumValues(name, Clamp(Fraction(-5), Fraction(80)), draw(st.integers(0, 3))) for name in names]
    counts = [CountRows(name) for name in names]
    where = (
        draw(st.just(plan.where) | predicates({name: sorts[name] for name in names})) if names else plan.where
    )
    keys = list(plan.keys)
    for number in range(draw(st.integers(0, 2))):
        values = tuple(range(draw(st.integers(1, 4))))
        key = KeyDomain(f"made {number}", values, draw(expressions(sorts)))
        keys.insert(draw(st.integers(0, len(keys))), key)
    bins = [BinCounts(one, 7) for one in sums if one.digits < 2]
    return replace(
        plan,
        keys=tuple(keys),
        aggregates=(*plan.aggregates, *sums, *counts) if plan.aggregates else (),
        where=where,
        histograms=(*plan.histograms, *bins),
        computed=tuple(computed),
    )


@st.composite
def plans(draw: st.DrawFn, case: Case) -> ExactAggregation:
    names = list(case.sorts)
    keys = []
    for name in draw(st.lists(st.sampled_from(names), max_size=2, unique=True)):
        domain = st.lists(st.sampled_from(case.sorts[name].keys), max_size=4, unique_by=lambda key: str(key))  # noqa: PLW0108
        keys.append(KeyDomain(name, tuple(draw(domain))))
    bounds = st.sampled_from(
        [*(Fraction(n) for n in (-300, -3, -1, 0, 1, 2, 40, 400)), Fraction(7, 3), Fraction(-1, 8)]
    )
    numbers = [name for name, sort in case.sorts.items() if sort.is_number]
    aggregates: list[Any] = [CountRows(), CountRows(draw(st.sampled_from(names)))]
    aggregates += draw(st.lists(st.just(CountPeople()), max_size=1))
    for name in numbers:
        lower, upper = sorted([draw(bounds), draw(bounds)])
        aggregates.append(SumValues(name, Clamp(lower, upper), draw(st.integers(0, 5))))
        middle = sum(aggregates[-1].step_bounds) // 2
        aggregates.append(SumSquares(aggregates[-1], middle, draw(st.sampled_from([1, 2, 3, 10**6]))))
    where = draw(st.none() | predicates(case.sorts))
    sums = [one for one in aggregates if isinstance(one, SumValues) and one.digits < 3]
    widths = st.sampled_from([1, 2, 3, 50, 10_000])
    histograms = tuple(BinCounts(one, draw(widths)) for one in sums if draw(st.booleans()))
    histograms = tuple(one for one in histograms if one.bins <= 1000)
    aggregates = aggregates if draw(st.booleans()) else []
    most = draw(st.sampled_from([0, 1, 2, 100]))
    plan = ExactAggregation(tuple(keys), tuple(aggregates), where, most, histograms)
    return made_plan(draw, case, plan) if draw(st.booleans()) else plan


@given(case=cases(), chance=st.data())
@_SETTINGS
def test_the_engine_equals_plain_python(case: Case, chance: st.DataObject) -> None:
    engine, files, rows = case.stored()
    plan = chance.draw(plans(case))
    relation = engine.scan(files, list(case.sorts), PeopleFilter.of(case.allowed))
    allowed = [row for row in rows if row["_person"] in case.allowed]
    expected = reference.aggregate(allowed, plan)
    event("some row counts" if any(any(group) for group in expected) else "nothing counts")
    assert relation.aggregate(plan) == expected


def _shown(rows: list[dict[str, Any]], names: list[str]) -> list[str]:
    return sorted(repr([row[name] for name in names]) for row in rows)


@given(case=cases(), chance=st.data())
@_SETTINGS
def test_people_outside_the_filter_change_nothing(case: Case, chance: st.DataObject) -> None:
    """Removing the rows of everyone outside the filter leaves each aggregate and table the same."""
    engine, files, rows = case.stored()
    plan = chance.draw(plans(case))
    people = PeopleFilter.of(case.allowed)
    names = list(case.sorts)
    relation = engine.scan(files, names, people)
    shown = relation.table(with_person=True).to_pylist()
    assert {row["_person"] for row in shown} <= set(case.allowed)
    mine = [row for row in rows if row["_person"] in case.allowed]
    stored = case._table(mine).to_pylist()
    pairs = [row | {"_person": one["_person"]} for row, one in zip(stored, mine, strict=True)]
    assert _shown(shown, [*names, "_person"]) == _shown(pairs, [*names, "_person"])
    assert _shown(relation.table().to_pylist(), names) == _shown(stored, names)
    others = PeopleFilter.of(set(case.people) - set(case.allowed))
    without = [engine.rewrite_without(file, others, lambda: secrets.token_bytes(32), b"x") for file in files]
    alone = engine.scan(
        [file for file in without if file is not None], names, PeopleFilter.of([*case.people, 99])
    )
    assert alone.aggregate(plan) == relation.aggregate(plan)


@given(
    people=st.lists(st.integers(-4, 4), max_size=60),
    existing=st.dictionaries(st.integers(-6, 6), st.integers(1, 5), max_size=6),
)
@_SETTINGS
def test_ranks_continue_after_those_taken(people: list[int], existing: dict[int, int]) -> None:
    ranks = ranks_for(np.array(people, dtype=np.int64), existing)
    for person in set(people):
        own = sorted(rank for rank, one in zip(ranks.tolist(), people, strict=True) if one == person)
        first = existing.get(person, 0)
        assert own == list(range(first, first + len(own)))
