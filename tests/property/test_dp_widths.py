"""Bounds found in private: bins that no data changes, counts that a person moves by so many rows, noise.

Random tables with nulls, NaN, infinities and extreme numbers; the engine and the reference against plain
Python; an attacker with two neighbouring tables, and faults that are planted.
"""

from __future__ import annotations

import dataclasses
import math
import secrets
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.attack.test_dp_neighbours import is_refuted
from tests.unit.dp.world import COLUMNS, DECLARED

from hedgerow import dp
from hedgerow.adapters.engines import DuckEngine
from hedgerow.adapters.files import MemoryShelf
from hedgerow.kernel.aggregation import aggregate, draw_ranks
from hedgerow.kernel.noise import add_laplace, half_width
from hedgerow.model.budget import LaplaceEvent
from hedgerow.model.engine import PeopleFilter
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.price import Price
from hedgerow.techniques.dp_query.widths import WidthPlan, find_widths, plan_widths, powers_of_two

KINDS = {"age": ColumnType.INTEGER, "pay": ColumnType.DECIMAL}
WHOLE = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.sampled_from([0, 1, -1, 2, -2, 127, 128, 2**52])
)
REAL = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 0.015625, -0.5, 1e308, 8.0]),
)
ROW = st.tuples(st.integers(0, 3), WHOLE, REAL)


def planned(column="age", epsilon="1", declaration=DECLARED):
    return plan_widths(column, declaration, COLUMNS, Price(Fraction(epsilon)), "visits", frozenset({"who"}))


def frame(rows):
    kinds = {"who": pa.int64(), "age": pa.int64(), "pay": pa.float64()}
    return pa.table(
        {name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(kinds.items())}
    )


def bin_of(histogram, value):
    """Find the bin of one value, exactly and one edge after the other."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    clamp, digits = histogram.values.clamp, histogram.values.digits
    steps = round(min(max(Fraction(value), clamp.lower), clamp.upper) * 10**digits)
    return max(place for place, edge in enumerate(histogram.edges) if edge <= steps)


@pytest.mark.parametrize("column", ["age", "pay"])
def test_bins_lie_between_powers_of_two_and_cover_every_number(column):
    histogram = powers_of_two(column, KINDS[column])
    low, high = histogram.values.step_bounds
    assert histogram.edges[0] == low
    assert list(histogram.edges) == sorted(set(histogram.edges))
    assert max(abs(low), abs(high)) <= 2**53
    edges = [histogram.lower_edge(place) for place in range(histogram.bins)] + [
        histogram.upper_edge(histogram.bins - 1)
    ]
    assert {edge for edge in map(abs, edges) if edge and (edge.numerator & (edge.numerator - 1))} == set()
    assert [-edge for edge in reversed(edges)] == edges


@settings(max_examples=30, deadline=None)
@given(st.lists(ROW, max_size=20), st.sampled_from(["age", "pay"]))
def test_the_counts_are_those_of_plain_python_and_of_the_engine(rows, column):
    made, table = planned(column), frame(rows)
    ranks = draw_ranks(table.column("who"))
    (exact,) = aggregate(table, ranks, made.aggregation)
    at = 1 if column == "age" else 2
    places = [bin_of(made.histogram, row[at]) for row, rank in zip(rows, ranks, strict=True) if rank < 3]
    assert exact == [places.count(place) for place in range(made.histogram.bins)]
    if rows:
        engine, people = DuckEngine(MemoryShelf()), table.column("who").to_numpy()
        kept = ranks.astype(np.int32)
        files = engine.write(table.drop(["who"]), people, kept, 2, lambda: secrets.token_bytes(32), b"x")
        relation = engine.scan(files, [column], PeopleFilter.of(people.tolist()))
        assert [list(row) for row in relation.aggregate(made.aggregation)] == [exact]


@settings(max_examples=30, deadline=None)
@given(st.lists(ROW, max_size=20), st.integers(0, 3), st.sampled_from(["age", "pay"]))
def test_one_person_moves_all_bins_by_at_most_the_rows_that_count(rows, person, column):
    made, table = planned(column), frame([row for row in rows if row[0] == person])
    (exact,) = aggregate(table, draw_ranks(table.column("who")), made.aggregation)
    assert sum(exact) <= made.sensitivity == 3


def test_the_cost_is_one_vector_of_the_rows_that_count():
    assert planned(epsilon="1/4").cost == LaplaceEvent.of([(3, Fraction(1, 4))])


def test_bounds_over_groups_lower_the_sensitivity():
    assert planned(declaration=dataclasses.replace(DECLARED, max_rows_per_group=2)).sensitivity == 2


def counts(made, held):
    exact = [0] * made.histogram.bins
    for value, many in held.items():
        exact[bin_of(made.histogram, value)] = many
    return [exact]


def test_the_outermost_bins_that_pass_are_the_bounds():
    made = planned()
    found = find_widths(counts(made, {-3: 10**6, 20: 10**6, 99: 10**6, 5000: 1}), made)
    assert (found.lower, found.upper) == (-4, 128)
    assert found.line == "hedgerow dataset declare visits --bounds age=-4:128"
    assert "from -4 to 128" in found.sentence


def test_without_enough_rows_nothing_is_told():
    found = find_widths(counts(planned(epsilon="0.01"), {20: 5}), planned(epsilon="0.01"))
    if found.lower is None:  # but for one time in a thousand
        assert found.line == ""
        assert "No bounds of age were found" in found.sentence


def drawn(made, count, many):
    """Draw the noisy count of one bin again and again, as the bounds do."""
    return add_laplace([count] * many, made.sensitivity, made.cost.epsilon, made.scale)


def passes(made, many=20_000):
    """Tell how many of so many bins without a row pass."""
    return sum(noisy >= made.threshold for noisy in drawn(made, 0, many))


def test_a_bin_without_rows_hardly_ever_passes():
    """False alarms: fewer than 1 in 10**9 runs (Poisson, 9 of 20,000 where 0.2 are expected)."""
    assert passes(planned()) < 9

    class Lower(WidthPlan):
        """Plant a fault: the ± of a count for a threshold."""

        @property
        def threshold(self):
            return half_width(self.scale) + 1

    made = planned()
    fields = {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}
    assert passes(Lower(**fields)) >= 9


@pytest.mark.parametrize("exact", [[[0]], [[0.0] * 104], []])
def test_counts_that_are_none_are_refused(exact):
    with pytest.raises(Fault) as caught:
        find_widths(exact, planned())
    assert caught.value.code == "dp.bad-aggregate"


def shown(made, count, answers=3000):
    """Tell how often a bin of so many rows is within the bounds."""
    return sum(noisy >= made.threshold for noisy in drawn(made, count, answers)) / answers


def test_whether_a_large_value_shows_rests_on_noise_and_a_third_of_it_is_refuted():
    """Three rows of the target lie where few others do, at the threshold."""
    made = planned()
    assert not is_refuted(1, shown(made, made.threshold + 1), shown(made, made.threshold - 2), 3000)
    cost = LaplaceEvent.of([(3, Fraction(3) + Fraction(1, 10**6))])
    weak = dataclasses.replace(made, scale=made.scale / 3, cost=cost)
    assert is_refuted(1, shown(weak, weak.threshold + 1), shown(weak, weak.threshold - 2), 3000)


@pytest.mark.parametrize(
    ("column", "price", "code"),
    [
        ("nothing", Price(Fraction(1)), "dp.unknown-column"),
        ("ward", Price(Fraction(1)), "dp.sql-type"),
        ("who", Price(Fraction(1)), "dp.hidden-column"),
        ("age", Price(rho=Fraction(1)), "budget.not-a-number"),
        ("age", Price(Fraction(1, 10**12)), None),
    ],
)
def test_what_has_no_bounds_is_refused(column, price, code):
    if code is None:
        assert plan_widths(column, DECLARED, COLUMNS, price, "visits", frozenset({"who"})).scale > 10**12
        return
    with pytest.raises((CallerError, Refused)) as caught:
        plan_widths(column, DECLARED, COLUMNS, price, "visits", frozenset({"who"}))
    assert caught.value.code == code


def test_a_data_frame_finds_its_bounds_and_pays():
    table = pa.table({"who": range(4000), "age": [place % 90 for place in range(4000)]})
    found, left = dp.bounds(table, "age", person="who", max_rows=1, epsilon="0.5", budget=dp.Budget.of(2))
    assert (found.lower, found.upper, left.left) == (0, 128, Fraction(3, 2))
