"""One person moves the scores of all candidates, over all groups together, by at most the sensitivity.

The candidates are those of the declaration, whatever is in the table; a score is what its definition says.
Broken variants are caught: a bound that was dropped, half the sensitivity, NaN that counts, candidates read
from the data.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.test_dp_sensitivity import row, unbounded
from tests.unit.dp.world import DECLARED, plan, table

from hedgerow.kernel.aggregation import aggregate, draw_ranks
from hedgerow.kernel.noise import quantile_scores, score_reach
from hedgerow.model.errors import Refused
from hedgerow.model.plans import Clamp
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.quantiles import candidates

SQL = (
    "SELECT ward, COUNT(*), MEDIAN(age), QUANTILE(pay, 0.25), MAX(pay), MIN(age) FROM visits "
    "WHERE age NOT IN (19, 20) OR pay IS NULL OR NOT pay < 7.25 GROUP BY ward"
)
MEDIAN = "SELECT ward, MEDIAN(pay) GROUP BY ward"


def scores(made, rows, ranks, compute=aggregate):
    """Score every candidate of every group, for each choice."""
    exact = compute(table(rows), ranks, made.aggregation)
    found = []
    for choice in made.choices:
        before = made.aggregation.histograms[: choice.histogram]
        start = len(made.aggregation.aggregates) + sum(one.bins for one in before)
        histograms = [group[start : start + choice.bins.bins] for group in exact]
        found.append([quantile_scores(counts, choice.quantile) for counts in histograms])
    return found


def shifts(rows, person, made, compute=aggregate):
    """Measure how far removing a person moves the worst candidate, added up over the groups."""
    ranks = draw_ranks(table(rows).column("who"))
    kept = [i for i, one in enumerate(rows) if one[0] != person]
    before = scores(made, rows, ranks, compute)
    after = scores(made, [rows[i] for i in kept], ranks[kept], compute)
    return [
        sum(
            max(abs(a - b) for a, b in zip(group, other, strict=True))
            for group, other in zip(old, new, strict=True)
        )
        for old, new in zip(before, after, strict=True)
    ]


@settings(max_examples=40, deadline=None)
@given(st.lists(row, max_size=25), st.integers(0, 4), st.sampled_from([SQL, MEDIAN]))
def test_one_person_moves_the_scores_of_all_groups_by_at_most_the_sensitivity(rows, person, sql):
    made = plan(sql)
    for moved, choice in zip(shifts(rows, person, made), made.choices, strict=True):
        assert moved <= choice.sensitivity


def test_the_sensitivity_is_reached_so_no_accuracy_is_wasted():
    made = plan("SELECT MEDIAN(age), MAX(age)")
    others = [(person, "A", 40, None) for person in range(2, 9)]
    assert shifts([(1, "A", 120, None)] * 5 + others, 1, made) == [c.sensitivity for c in made.choices]


def nan_at_the_end(table, ranks, spec):
    """Put NaN among the greatest values instead of nowhere."""
    exact = aggregate(table, ranks, spec)
    for value, rank in zip(table.column("pay").to_pylist(), ranks.tolist(), strict=True):
        exact[0][-1] += value is not None and math.isnan(value)
        exact[0][-1] += rank < 0
    return exact


@pytest.mark.parametrize(
    ("rows", "compute"),
    [
        ([(1, "A", 120, 99.0)] * 9 + [(2, "A", 20, 1.0)] * 3, unbounded),
        ([(1, "A", 30, float("nan"))] * 9 + [(2, "A", 20, 1.0)] * 3, nan_at_the_end),
    ],
)
def test_broken_histograms_are_caught(rows, compute):
    made = plan("SELECT ward, MEDIAN(age), MEDIAN(pay) GROUP BY ward")
    assert all(m <= c.sensitivity for m, c in zip(shifts(rows, 1, made), made.choices, strict=True))
    moved = shifts(rows, 1, made, compute)
    assert any(m > c.sensitivity for m, c in zip(moved, made.choices, strict=True))


def test_half_the_sensitivity_is_caught():
    made = plan("SELECT MAX(age)")
    halved = dataclasses.replace(made.choices[0], sensitivity=made.choices[0].sensitivity // 2)
    (moved,) = shifts([(1, "A", 120, None)] * 5 + [(2, "A", 20, None)], 1, made)
    assert halved.sensitivity < moved <= made.choices[0].sensitivity


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 6), max_size=30),
    st.integers(1, 9_999).map(lambda n: Fraction(n, 10_000)),
)
def test_a_score_counts_the_rows_that_a_candidate_lacks_to_be_the_quantile(values, quantile):
    counts = [values.count(place) for place in range(7)]
    found = quantile_scores(counts, quantile)
    target = quantile * len(values)
    for place, score in enumerate(found):
        below, upto = sum(v < place for v in values), sum(v <= place for v in values)
        lacking = max(Fraction(0), below - target, target - upto)
        assert score == -lacking * quantile.denominator
    assert max(found) == 0
    one_more = quantile_scores([*counts[:3], counts[3] + 1, *counts[4:]], quantile)
    moved = (abs(a - b) for a, b in zip(found, one_more, strict=True))
    assert max(moved) <= score_reach(quantile)


number = st.fractions(min_value=-(10**12), max_value=10**12, max_denominator=1000)


@settings(max_examples=50, deadline=None)
@given(number, number, st.sampled_from([ColumnType.INTEGER, ColumnType.DECIMAL]), st.integers(1, 60_000))
def test_candidates_are_few_rising_and_within_the_bounds(one, other, kind, groups):
    clamp = Clamp(*sorted([one, other + 1]))
    if groups > 47_619:
        with pytest.raises(Refused) as caught:
            candidates("x", clamp, kind, groups)
        assert caught.value.code == "dp.too-many-groups"
        return
    bins = candidates("x", clamp, kind, groups)
    assert 1 <= bins.bins <= 1001
    assert bins.bins * groups <= 10**6 + groups
    values = [bins.candidate(place) for place in range(bins.bins)]
    low, high = bins.values.step_bounds
    assert values == sorted(set(values))
    assert low <= values[0]
    assert values[-1] <= high
    for steps in (low, high, (low + high) // 2):
        place = (steps - bins.base + bins.width // 2) // bins.width
        near = min(abs(steps - value) for value in values)
        assert abs(steps - values[place]) <= max(near, bins.width // 2 + 1)


def test_whole_numbers_between_narrow_bounds_are_all_candidates():
    bins = plan("SELECT MEDIAN(age)").choices[0].bins
    assert [bins.candidate(place) for place in range(bins.bins)] == list(range(18, 121))
    wide = dataclasses.replace(DECLARED.column("age"), clamp=Clamp(Fraction(7), Fraction(90_000)))
    made = plan("SELECT MEDIAN(age)", declaration=dataclasses.replace(DECLARED, columns=(wide,)))
    bins = made.choices[0].bins
    assert (bins.width, bins.bins) == (100, 901)
    assert [bins.candidate(place) for place in (0, 1, 900)] == [7, 100, 90_000]
