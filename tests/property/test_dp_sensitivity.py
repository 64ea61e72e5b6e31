"""One person, added or removed, moves each exact vector by at most its stated sensitivity.

Random tables hold nulls, NaN, infinities, extreme whole numbers, empty groups, undeclared and
Unicode keys, people with many rows and rows about nobody. Each broken variant of the exact
aggregation is caught on a table of its own, so the property has teeth.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.world import DECLARED, WARDS, plan, table, totals

from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people
from hedgerow.model.plans import Clamp, CountPeople, CountRows, SumSquares, SumValues

SQL = (
    "SELECT ward, COUNT(*), COUNT(pay), SUM(age), AVG(pay), VARIANCE(pay), STDDEV_POP(age), "
    "COUNT(DISTINCT who) FROM visits WHERE age NOT IN (19, 20) OR pay IS NULL OR NOT pay < 7.25 GROUP BY ward"
)
WIDE = Clamp(Fraction(-(10**4)), Fraction(10**4))
SUM_PAY = "SELECT ward, SUM(pay), COUNT(*) GROUP BY ward"

whole = st.one_of(st.none(), st.integers(-5, 130), st.sampled_from([-(2**63), 2**63 - 1, 2**53 + 1, 18, 120]))
real = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([-10.5, 99.75, 99.755, 7.25, 1e308, -1e308, 5e-324]),
)
row = st.tuples(
    st.one_of(st.none(), st.integers(0, 4)), st.sampled_from([*WARDS, None, "", "a", "other"]), whole, real
)


def shift(rows, person, made, compute=aggregate):
    """Measure how far removing a person moves each measurement's vector, in L1."""
    full = table(rows)
    ranks = draw_ranks(full.column("who"))
    kept = [i for i, one in enumerate(rows) if one[0] != person]
    without = table([rows[i] for i in kept])
    people = number_people(full.column("who"))
    before = totals(made, compute(full, ranks, made.aggregation, people))
    after = totals(made, compute(without, ranks[kept], made.aggregation, people[kept]))
    return [
        sum(abs(a - b) for a, b in zip(old, new, strict=True)) for old, new in zip(before, after, strict=True)
    ]


@settings(max_examples=50, deadline=None)
@given(st.lists(row, max_size=25), st.integers(0, 4), st.sampled_from([SQL, SUM_PAY]))
def test_one_person_moves_each_vector_by_at_most_the_sensitivity(rows, person, sql):
    made = plan(sql)
    for moved, measurement in zip(shift(rows, person, made), made.measurements, strict=True):
        assert moved <= measurement.sensitivity


@settings(max_examples=30, deadline=None)
@given(st.lists(row, max_size=25))
def test_rows_about_nobody_never_count(rows):
    made = plan(SQL)
    nobody = [(None, *one[1:]) for one in rows]
    full = table(nobody)
    assert all(
        value == 0
        for group in aggregate(
            full, draw_ranks(full.column("who")), made.aggregation, number_people(full.column("who"))
        )
        for value in group
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=20))
def test_ranks_number_each_persons_rows_from_zero(people):
    ranks = draw_ranks(table([(who, None, None, None) for who in people]).column("who"))
    for person in {who for who in people if who is not None}:
        own = sorted(int(ranks[i]) for i, who in enumerate(people) if who == person)
        assert own == list(range(len(own)))


def test_the_sensitivity_is_reached_so_no_noise_is_wasted():
    rows = [(1, "A", 120, 99.75)] * 5
    made = plan("SELECT ward, COUNT(*), SUM(age), COUNT(pay), AVG(pay), VARIANCE(pay) GROUP BY ward")
    assert shift(rows, 1, made) == [m.sensitivity for m in made.measurements]


@settings(max_examples=30, deadline=None)
@given(st.lists(row, max_size=25), st.sampled_from(["", "ward"]))
def test_people_are_counted_once_in_each_group(rows, key):
    made = plan(f"SELECT {key + ',' if key else ''} COUNT(DISTINCT who) {'GROUP BY ' + key if key else ''}")
    full = table(rows)
    ranks = draw_ranks(full.column("who"))
    found = aggregate(full, ranks, made.aggregation, number_people(full.column("who")))
    kept = [
        (one[0], one[1]) for one, rank in zip(rows, ranks, strict=True) if rank < 3 and one[0] is not None
    ]
    groups = WARDS if key else [None]
    assert found == [[len({who for who, ward in kept if not key or ward == group})] for group in groups]


@pytest.mark.parametrize(
    ("key", "sensitivity"), [("", 1), ("GROUP BY smoker", 2), ("GROUP BY ward, smoker", 3)]
)
def test_a_person_counts_in_as_many_groups_as_there_are_or_rows_count(key, sensitivity):
    shown = key.replace("GROUP BY ", "") + ", " if key else ""
    (people,) = plan(f"SELECT {shown} COUNT(DISTINCT who) {key}").measurements
    assert people.sensitivity == sensitivity


def unbounded(table, ranks, spec, people=None):
    return aggregate(table, ranks, dataclasses.replace(spec, max_rows=2**40), people)


def once_a_row(table, ranks, spec, people):
    """Count people by their rows."""
    by_rows = tuple(CountRows() if isinstance(one, CountPeople) else one for one in spec.aggregates)
    return aggregate(table, ranks, dataclasses.replace(spec, aggregates=by_rows), people)


def unclamped(table, ranks, spec, people=None):
    loose = tuple(
        dataclasses.replace(one, clamp=Clamp(Fraction(-(10**6)), Fraction(10**6)))
        if isinstance(one, SumValues)
        else one
        for one in spec.aggregates
    )
    return aggregate(table, ranks, dataclasses.replace(spec, aggregates=loose), people)


def unclamped_squares(table, ranks, spec, people=None):
    loose = tuple(
        dataclasses.replace(one, values=dataclasses.replace(one.values, clamp=WIDE))
        if isinstance(one, SumSquares)
        else one
        for one in spec.aggregates
    )
    return aggregate(table, ranks, dataclasses.replace(spec, aggregates=loose), people)


def squares_of_zero(table, ranks, spec, people=None):
    """Square the distance from zero instead of the midpoint."""
    plain = tuple(
        dataclasses.replace(one, midpoint=0) if isinstance(one, SumSquares) else one
        for one in spec.aggregates
    )
    return aggregate(table, ranks, dataclasses.replace(spec, aggregates=plain), people)


def counting_nan(table, ranks, spec, people=None):
    """Count NaN as a value although the sum leaves it out."""
    exact = aggregate(table, ranks, spec, people)
    index = [
        i for i, one in enumerate(spec.aggregates) if one.column == "pay" and not isinstance(one, SumValues)
    ]
    for i in index:
        exact[0][i] += sum(
            value is not None and math.isnan(value) for value in table.column("pay").to_pylist()
        )
    return exact


def shared_order(table, ranks, spec, people=None):
    """Bound over the whole table, so that one person pushes another's rows out."""
    import numpy as np

    return aggregate(table, np.arange(table.num_rows), spec, people)


@pytest.mark.parametrize(
    ("rows", "compute"),
    [
        ([(1, "A", 20, 1.0)] * 9, unbounded),
        ([(1, "A", 5000, 5000.0)], unclamped),
        ([(1, "A", 30, float("nan"))] * 3, counting_nan),
        ([(1, "A", 120, None)] * 3 + [(2, "Ж", 120, None)] * 3, shared_order),
        ([(1, "A", 20, 5000.0)] * 3, unclamped_squares),
        ([(1, "A", 20, 99.0)] * 3, squares_of_zero),
    ],
)
def test_broken_aggregations_are_caught(rows, compute):
    made = plan(
        "SELECT ward, COUNT(*), SUM(age), VARIANCE(pay) GROUP BY ward",
        declaration=SHIFTED,
    )
    assert all(m <= s.sensitivity for m, s in zip(shift(rows, 1, made), made.measurements, strict=True))
    moved = shift(rows, 1, made, compute)
    assert any(m > s.sensitivity for m, s in zip(moved, made.measurements, strict=True))


def test_people_counted_by_their_rows_are_caught():
    made, rows = plan("SELECT COUNT(DISTINCT who)"), [(1, "A", 20, 95.0)] * 3
    assert shift(rows, 1, made) == [1] == [m.sensitivity for m in made.measurements]
    assert shift(rows, 1, made, once_a_row) == [3]


# Bounds far from zero: there a miscounted NaN moves the centred sum by the midpoint.
SHIFTED = dataclasses.replace(
    DECLARED,
    columns=tuple(
        dataclasses.replace(one, clamp=Clamp(Fraction(90), Fraction(100))) if one.column == "pay" else one
        for one in DECLARED.columns
    ),
)
