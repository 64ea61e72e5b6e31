"""Bounds over groups hold for each person, whoever else is there, and no group of a person is preferred.

Random tables; the engine and the reference on sealed files of several versions; and variants with a bound
dropped, kept for all people together, or kept by the order of the data, each caught.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.world import DECLARED, WARDS, plan, table, totals

from hedgerow.adapters.engines import DuckEngine, ranks_for, scanning
from hedgerow.adapters.files import MemoryShelf
from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people, within_groups
from hedgerow.model.engine import PeopleFilter
from hedgerow.model.plans import Column, Compare, CountPeople, CountRows, ExactAggregation, KeyDomain, Literal

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=30)
LIMIT = st.one_of(st.none(), st.integers(1, 4))
SQL = "SELECT ward, COUNT(*), SUM(age), AVG(pay), VARIANCE(pay), COUNT(DISTINCT who) GROUP BY ward"


def kept(rows, groups, each, compute=within_groups):
    people, lies_in = (np.array([row[i] for row in rows], dtype=np.int64) for i in (0, 1))
    ranks = draw_ranks(pa.array(people))
    within = compute(people, lies_in, ranks, groups, each)
    return [row for row, counts in zip(rows, within, strict=True) if counts]


def held(rows, person):
    return Counter(group for who, group in rows if who == person)


def broken(rows, groups, each, compute):
    """Tell whether a variant passes a bound for somebody or wastes what it allows."""
    within = kept(rows, groups, each, compute)
    for person in {who for who, _ in rows}:
        before, after = held(rows, person), held(within, person)
        if len(after) != min(len(before), groups or len(before)):
            return True
        if any(after[group] != min(before[group], each or before[group]) for group in after):
            return True
    return False


@settings(max_examples=50, deadline=None)
@given(ROWS, LIMIT, LIMIT)
def test_each_person_counts_within_the_bounds_and_with_all_they_allow(rows, groups, each):
    assert not broken(rows, groups, each, within_groups)


def no_groups(people, groups, ranks, max_groups, each):
    return within_groups(people, groups, ranks, None, each)


def no_rows(people, groups, ranks, max_groups, each):
    return within_groups(people, groups, ranks, max_groups, None)


def together(people, groups, ranks, max_groups, each):
    """Plant a fault: the groups of all people together are bounded."""
    return within_groups(people * 0, groups, ranks, max_groups, each)


@pytest.mark.parametrize("compute", [no_groups, no_rows, together])
def test_broken_bounds_are_caught(compute):
    rows = [(who, group) for who in (1, 2) for group in (0, 1, 2) for _ in range(3)]
    assert broken(rows, 2, 2, compute)


def chosen(compute, many=700):
    rows = [(1, 0)] * 5 + [(1, 1), (1, 2)] + [(2, group) for group in range(3)]
    found = Counter(group for _ in range(many) for who, group in kept(rows, 1, 1, compute) if who == 1)
    return [found[group] / many for group in range(3)]


def by_order(people, groups, ranks, max_groups, each):
    """Plant a fault: the first groups in the order of the data count."""
    return within_groups(people, groups, ranks, max_groups, each, bytes)


def test_every_group_of_a_person_is_as_likely_to_count():
    """False alarms: fewer than 1 in 10**9 runs (Hoeffding: 3 groups, 700 draws, off by 0.13)."""
    assert all(abs(share - 1 / 3) < 0.13 for share in chosen(within_groups))
    assert not all(abs(share - 1 / 3) < 0.13 for share in chosen(by_order))


def test_the_rows_that_count_in_a_group_are_those_of_the_lowest_ranks():
    people, groups = np.ones(6, np.int64), np.array([0, 0, 0, 1, 1, 1])
    within = within_groups(people, groups, np.array([5, 0, 3, 4, 2, 1]), None, 2)
    assert within.tolist() == [False, True, True, False, True, True]


whole = st.one_of(st.none(), st.integers(-5, 130))
real = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([-10.5, 99.75]))
person_rows = st.lists(st.tuples(st.just(1), st.sampled_from([*WARDS, None]), whole, real), max_size=12)


@settings(max_examples=50, deadline=None)
@given(person_rows, st.integers(1, 6), LIMIT, LIMIT)
def test_one_person_moves_each_vector_by_at_most_both_sensitivities(rows, most, groups, each):
    """The rows of one person alone are the difference of two neighbours, whose other rows are the same."""
    made = plan(SQL, declaration=replace(DECLARED, max_rows=most, max_groups=groups, max_rows_per_group=each))
    full = table(rows)
    whom = full.column("who")
    exact = aggregate(full, draw_ranks(whom), made.aggregation, number_people(whom))
    for vector, measurement in zip(totals(made, exact), made.measurements, strict=True):
        assert sum(map(abs, vector)) <= measurement.sensitivity
        assert sum(value**2 for value in vector) <= measurement.square


@pytest.mark.parametrize(("groups", "each"), [(2, None), (None, 2), (2, 2), (1, 3)])
def test_the_sensitivities_are_reached_so_no_noise_is_wasted(groups, each):
    declared = replace(DECLARED, max_rows=5, max_groups=groups, max_rows_per_group=each)
    made = plan("SELECT ward, COUNT(*), SUM(age) GROUP BY ward", declaration=declared)
    spread = [(1, ward, 120, 1.0) for ward in WARDS for _ in range(5)]
    reached = [(0, 0), (0, 0)]
    for full in [table(spread)] * 40 + [table(spread[:5])]:
        whom = full.column("who")
        exact = aggregate(full, draw_ranks(whom), made.aggregation, number_people(whom))
        moved = [(sum(vector), sum(v**2 for v in vector)) for vector in totals(made, exact)]
        reached = [tuple(map(max, zip(*pair, strict=True))) for pair in zip(reached, moved, strict=True)]
    assert reached[0][0] == made.measurements[0].sensitivity
    assert reached[1][1] == made.measurements[1].square


def stored(rows, cut, buckets):
    """Write rows of (person, group, value) in two versions."""
    engine, files = DuckEngine(MemoryShelf()), []
    for part, count in ((rows[:cut], buckets[0]), (rows[cut:], buckets[1])):
        people = np.array([row[0] for row in part], dtype=np.int64)
        taken = engine.row_counts(files, PeopleFilter.of([row[0] for row in rows]))
        kinds = {"key": 1, "v": 2}
        content = pa.table({name: pa.array([r[i] for r in part], pa.int64()) for name, i in kinds.items()})
        if part:
            ranks, fresh = ranks_for(people, taken), lambda: secrets.token_bytes(32)
            files += engine.write(content, people, ranks, count, fresh, b"x")
    return engine.scan(files, ["key", "v"], PeopleFilter.of([row[0] for row in rows]))


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 1)), min_size=1, max_size=24),
    st.data(),
    st.integers(1, 3),
    LIMIT,
)
def test_the_engine_bounds_over_all_files_of_a_person(rows, data, groups, each):
    """What each person may count is used wholly: that much is exact, whichever groups were drawn."""
    cut = data.draw(st.integers(0, len(rows)))
    relation = stored(rows, cut, data.draw(st.tuples(st.sampled_from([1, 2, 8]), st.sampled_from([1, 4]))))
    where = data.draw(st.sampled_from([None, Compare("=", Column("v"), Literal(1))]))
    keys = (KeyDomain("key", (0, 1, 2)),)
    bounds = {"max_groups": groups, "max_rows_per_group": each}
    spec = ExactAggregation(keys, (CountPeople(), CountRows()), where, 2**40, **bounds)
    with mock.patch.object(scanning, "_UNIT_ROWS", 1):  # so that no two pieces are read together by chance
        found, plain = relation.aggregate(spec), relation.aggregate(replace(spec, max_groups=None))
    counting = [row for row in rows if row[1] < 3 and (where is None or row[2] == 1)]
    lies = {who: Counter(row[1] for row in counting if row[0] == who) for who, *_ in counting}
    assert sum(people for people, _ in found) == sum(min(groups, len(one)) for one in lies.values())
    largest = [sorted((min(n, each or n) for n in one.values()), reverse=True) for one in lies.values()]
    assert sum(count for _, count in found) <= sum(sum(one[:groups]) for one in largest)
    if each == 1:
        assert all(people == count for people, count in found)
    bounded = [sum(min(one[key], each or one[key]) for one in lies.values()) for key in range(3)]
    assert [count for _, count in plain] == bounded


def test_bounds_that_hold_nothing_back_are_not_computed():
    declared = replace(DECLARED, max_rows=3, max_groups=3, max_rows_per_group=3)
    assert not plan("SELECT ward, COUNT(*) GROUP BY ward", declaration=declared).aggregation.bounds_groups
    alone = replace(DECLARED, max_rows=3, max_groups=1)
    assert not plan("SELECT COUNT(*)", declaration=alone).aggregation.bounds_groups


def test_group_bounds_alone_bound_all_rows():
    declared = replace(DECLARED, max_rows=None, max_groups=2, max_rows_per_group=4)
    (count,) = plan("SELECT ward, COUNT(*) GROUP BY ward", declaration=declared).measurements
    assert (count.sensitivity, count.square) == (8, 2 * 16)


def test_a_quantile_takes_the_better_bound():
    declared = replace(DECLARED, max_rows=6, max_groups=1, max_rows_per_group=2)
    (choice,) = plan("SELECT ward, MEDIAN(age) GROUP BY ward", declaration=declared).choices
    assert choice.sensitivity == 2
    assert choice.epsilon == Fraction(1)
