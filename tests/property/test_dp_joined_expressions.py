"""Expressions on columns that a join adds: both engines agree, and bounds of both tables multiply."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.test_dp_joins import CONTENT, DOUBLED, MIXED, in_duckdb, plan, public_rows, row, shift
from tests.unit.dp.world import DECLARED, table

from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people
from hedgerow.model.errors import Refused

JOIN = "FROM visits v JOIN wards w ON v.ward = w.code"
ASKED = [
    f"SELECT region, SUM(v.age * w.beds), AVG(beds - age) {JOIN} GROUP BY region HAVING COUNT(*) > 1",
    f"SELECT FLOOR(w.beds / 3) AS b, SUM(CASE WHEN w.region = 'n' THEN age ELSE -beds END) {JOIN} GROUP BY b",
    f"SELECT IF(region = 's', 'x', 'y') AS g, COUNT(*) {JOIN} WHERE v.age + w.beds > 20 GROUP BY g",
]


@settings(max_examples=20, deadline=None)
@given(st.lists(row, max_size=12), public_rows, st.sampled_from(ASKED), st.integers(0, 3))
def test_engines_agree_and_one_person_moves_each_vector_by_at_most_the_sensitivity(
    rows, content, sql, person
):
    made = plan(sql, content)
    full = table(rows)
    ranks, people = draw_ranks(full.column("who")), number_people(full.column("who"))
    assert in_duckdb(rows, ranks, made.aggregation) == aggregate(full, ranks, made.aggregation, people)
    for moved, measured in zip(shift(rows, person, made), made.measurements, strict=True):
        assert moved <= measured.sensitivity


@pytest.mark.parametrize("sql", ASKED)
def test_rows_of_every_kind_are_worked_with(sql):
    made, full = plan(sql, CONTENT), table(MIXED)
    ranks, people = draw_ranks(full.column("who")), number_people(full.column("who"))
    found = aggregate(full, ranks, made.aggregation, people)
    assert found == in_duckdb(MIXED, ranks, made.aggregation)
    assert any(any(group) for group in found)


def test_bounds_of_both_tables_enter_and_the_join_multiplies():
    (summed,) = plan(f"SELECT SUM(v.age * w.beds) {JOIN}", DOUBLED).measurements
    # Three rows of one person, each joined with two; beds are all 4, with bounds from 0 to 4.
    assert Fraction(summed.sensitivity, 10**summed.digits) == 3 * 2 * 120 * 4
    assert shift([(1, "A", 120, 1.0)] * 5, 1, plan(f"SELECT SUM(v.age * w.beds) {JOIN}", DOUBLED)) == [
        summed.sensitivity
    ]


def test_a_join_inside_a_sub_query_counts_for_its_bound():
    made = plan(
        "SELECT SUM(a) FROM (SELECT v.age AS a FROM visits v JOIN wards w ON v.ward = w.code) t", DOUBLED
    )
    assert made == plan("SELECT SUM(v.age) AS sum_age FROM visits v JOIN wards w ON v.ward = w.code", DOUBLED)
    inner = f"(SELECT person, region, SUM(w.beds) AS b, COUNT(*) AS n {JOIN} GROUP BY person, region)"
    made = plan(f"SELECT region, SUM(b), SUM(n) FROM {inner} AS t GROUP BY region", DOUBLED)
    assert [m.sensitivity for m in made.measurements] == [2 * 6 * 4, 2 * 6]
    # Each of the two regions is bounded by all joined rows of a person, of which each holds half here.
    assert shift([(1, "A", 20, 1.0)] * 5, 1, made) == [24, 6]
    alone = plan(f"SELECT region, SUM(b) FROM {inner} AS t WHERE region = 's' GROUP BY region", DOUBLED)
    assert shift([(1, "Ж", 20, 1.0)] * 5, 1, alone) == [12]


def test_a_join_beside_a_sub_query_is_refused():
    for sql in (
        "SELECT COUNT(*) FROM (SELECT ward FROM visits) v JOIN wards w ON v.ward = w.code",
        "SELECT COUNT(*) FROM (SELECT age FROM visits, wards) t",
    ):
        with pytest.raises(Refused) as caught:
            plan(sql, DOUBLED)
        assert caught.value.code == "dp.sql-unsupported"


BOUNDED = "SELECT FLOOR(age / 10) AS g, COUNT(*), SUM(age + 1) FROM visits WHERE age * 2 <> 40 GROUP BY g"


@settings(max_examples=10, deadline=None)
@given(st.lists(row, max_size=12), st.integers(0, 3))
def test_bounds_over_groups_hold_for_groups_of_an_expression(rows, person):
    """Of a person's rows in one computed group the one of the lowest rank counts, in both engines alike."""
    alone = replace(DECLARED, max_rows_per_group=1)
    made, full = plan(BOUNDED, CONTENT, alone), table(rows)
    ranks, people = draw_ranks(full.column("who")), number_people(full.column("who"))
    assert in_duckdb(rows, ranks, made.aggregation) == aggregate(full, ranks, made.aggregation, people)
    for moved, measured in zip(shift(rows, person, made), made.measurements, strict=True):
        assert moved <= measured.sensitivity
    once = plan(BOUNDED, CONTENT, replace(alone, max_groups=1))
    assert [measured.sensitivity for measured in once.measurements] == [1, 121]


def test_a_bound_on_groups_that_engines_forgot_for_computed_groups_would_be_caught():
    rows = [(1, "A", age, 1.0) for age in (20, 30, 40)] + [(2, "A", 50, 1.0)] * 3
    made = plan(BOUNDED.replace(" WHERE age * 2 <> 40", ""), CONTENT, replace(DECLARED, max_groups=2))
    ranks = draw_ranks(table(rows).column("who"))
    counts = [group[0] for group in in_duckdb(rows, ranks, made.aggregation)]
    assert sum(counts) == 2 + 3
    loose = replace(made.aggregation, max_groups=None)
    assert sum(group[0] for group in in_duckdb(rows, ranks, loose)) == 3 + 3
