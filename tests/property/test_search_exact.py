"""Proves that the lattice search is exact under every kind of criterion, against all nodes of small lattices.

The criteria here are stand-ins, one for each combination of what a criterion may state of itself;
each statement is tried on random groupings first, so that the search is asked only what is true.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hedgerow.anonymity as hra
from hedgerow.kernel.anonymity import search as searching
from hedgerow.kernel.anonymity.coding import distinct_tuples, level_maps
from hedgerow.kernel.anonymity.counting import NodeCounter
from hedgerow.kernel.anonymity.criteria import DistinctValues
from hedgerow.kernel.anonymity.distances import reference_of
from hedgerow.kernel.anonymity.frontier import search_frontier
from hedgerow.kernel.anonymity.grouping import Grouping, Pairs, coarsened, distinct_pairs, finest
from hedgerow.kernel.anonymity.populations import FewUnique, MeanRisk
from hedgerow.kernel.anonymity.problem import Problem, evaluate
from hedgerow.kernel.anonymity.sensitive import Closeness, EntropyValues, Likeness, RecursiveValues
from hedgerow.model.errors import CallerError

LADDER = hra.from_rows([[str(place), str(place // 2), str(place // 4), "*"] for place in range(8)])
MAPS = level_maps(LADDER, has_missing=False)
COLUMNS = 3
small = settings(max_examples=50, deadline=None)


@dataclass(frozen=True)
class ShareOfOne:
    """No value takes more than a share of the class: monotone, since a mean is no more than the most."""

    share: float = 0.6
    is_monotone = True
    is_upward = False

    def good(self, grouping):
        pairs = grouping.pairs[0]
        most = np.zeros(len(grouping.sizes), dtype=np.int64)
        np.maximum.at(most, pairs.classes, pairs.counts)
        return most <= self.share * grouping.sizes


@dataclass(frozen=True)
class OddSize:
    """An odd number of rows: neither monotone nor upward."""

    is_monotone = False
    is_upward = False

    def good(self, grouping):
        return grouping.sizes % 2 == 1


@dataclass(frozen=True)
class MeanSize:
    """Classes of a mean size, the smallest dropped first: monotone and upward."""

    least: int = 6
    is_monotone = True
    is_upward = True

    def kept(self, grouping, good):
        order = np.argsort(grouping.sizes, kind="stable")[::-1]
        order = order[good[order]]
        enough = np.cumsum(grouping.sizes[order]) >= self.least * np.arange(1, len(order) + 1)
        kept = np.zeros(len(good), dtype=bool)
        kept[order[: int(np.max(np.flatnonzero(enough), initial=-1)) + 1]] = True
        return kept


@dataclass(frozen=True)
class FewTwins:
    """At most one class of each size, others dropped: neither."""

    is_monotone = False
    is_upward = False

    def kept(self, grouping, good):
        kept = np.zeros(len(good), dtype=bool)
        _, first = np.unique(np.where(good, grouping.sizes, 0), return_index=True)
        kept[first] = True
        return kept & good


@dataclass(frozen=True)
class LargestAlone:
    """The largest class only: upward, since joining makes none smaller."""

    is_monotone = False
    is_upward = True

    def kept(self, grouping, good):
        return good & (np.arange(len(good)) == np.argmax(np.where(good, grouping.sizes, -1)))


@dataclass(frozen=True)
class Marked:
    """Classes with a marked member: upward, since joining takes no member away."""

    is_monotone = True
    is_upward = True

    def kept(self, grouping, good):
        return good & (grouping.tallies[0] > 0)


CLASS_TESTS = [DistinctValues(0, 2), ShareOfOne(), OddSize()]
TABLE_TESTS = [MeanSize(), FewTwins(), MeanSize(4), LargestAlone()]


def problem_of(seed, k, most_suppressed, criteria, table_criteria, rows=60):
    draw = np.random.default_rng(seed)
    skew = draw.integers(1, 4)
    columns = [(8 * draw.random(rows) ** skew).astype(np.int64) for _ in range(COLUMNS)]
    tuples = distinct_tuples(columns)
    values = distinct_pairs(tuples.of_row, draw.integers(-1, 3, rows))
    weights = tuple(Fraction(int(weight)) for weight in draw.integers(1, 4, COLUMNS))
    return Problem(
        tuples,
        (MAPS,) * COLUMNS,
        k,
        most_suppressed,
        pairs=(values,),
        criteria=tuple(criteria),
        table_criteria=tuple(table_criteria),
        weights=weights if draw.random() < 0.5 else (),
        mean="geometric" if draw.random() < 0.5 else "arithmetic",
    )


def models_of(values):
    """One of each model's tests over the values of all rows."""
    reference = reference_of(values, 3)
    return [
        EntropyValues(0, Fraction(5, 2)),
        EntropyValues(0, Fraction(3, 2)),
        RecursiveValues(0, Fraction(3, 2), 2),
        RecursiveValues(0, Fraction(2), 3),
        Closeness(0, Fraction(1, 10), reference),
        Closeness(0, Fraction(3, 10), reference, "ordered"),
        Likeness(0, Fraction(1, 2), reference),
        Likeness(0, Fraction(2), reference, is_enhanced=True),
    ]


def under_a_model(seed, k, most_suppressed, place, table_tests):
    asked = problem_of(seed, k, most_suppressed, (), table_tests)
    pairs = asked.pairs[0]
    values = np.repeat(pairs.values, pairs.counts)
    return replace(asked, criteria=(models_of(values)[place],))


def least_loss(asked):
    outcomes = [evaluate(asked, node) for node in np.ndindex(asked.shape)]
    within = [one.loss for one in outcomes if one.suppressed <= asked.most_suppressed]
    return min(within, default=None)


def searches(asked):
    return [
        searching.search(asked),
        search_frontier(asked, NodeCounter(asked), None),
    ]


PROBLEMS = st.tuples(
    st.integers(0, 2**32),
    st.integers(2, 4),
    st.sampled_from([0, 0, 3, 10, 30, 60]),
    st.lists(st.sampled_from(CLASS_TESTS), max_size=2, unique=True),
    st.lists(st.sampled_from(TABLE_TESTS), max_size=2, unique=True),
)


@small
@given(PROBLEMS)
def test_no_node_loses_less_under_any_criteria(drawn):
    asked = problem_of(*drawn)
    least = least_loss(asked)
    for found in searches(asked):
        if least is None:
            assert found is None
        else:
            assert found.is_optimal
            assert found.best.loss == pytest.approx(least, abs=1e-12)
            assert found.bound == pytest.approx(least, abs=1e-12)
            assert found.best.suppressed <= asked.most_suppressed


@small
@given(
    st.integers(0, 2**32),
    st.integers(2, 4),
    st.sampled_from([0, 3, 10, 30]),
    st.integers(0, 7),
    st.sampled_from([(), (), (MeanRisk(Fraction(1, 6)),), (FewUnique(Fraction(1, 50), 600),)]),
)
def test_no_node_loses_less_under_any_model(seed, k, most_suppressed, place, table_tests):
    asked = under_a_model(seed, k, most_suppressed, place, table_tests)
    least = least_loss(asked)
    for found in searches(asked):
        if least is None:
            assert found is None
        else:
            assert found.is_optimal
            assert found.best.loss == pytest.approx(least, abs=1e-12)


def grouping_of(classes):
    """Classes with so many rows of each of three values."""
    rows = np.array(classes, dtype=np.int64)
    places, values = np.nonzero(rows)
    pairs = Pairs(places, values, rows[places, values], 3)
    return Grouping(np.arange(len(rows)), rows.sum(axis=1), (pairs,))


@small
@given(st.tuples(*[st.integers(0, 7)] * 3).filter(any), st.tuples(*[st.integers(1, 20)] * 3))
def test_what_a_class_must_drop_is_dropped_however_it_is_split(rows, everywhere):
    # Good classes joined are good, so the most that can stay stays as one class.
    parts = [part for part in product(*(range(count + 1) for count in rows)) if any(part)]
    for test in models_of(np.repeat(np.arange(3), everywhere)):
        stays = test.good(grouping_of(parts))
        most = max((sum(part) for part, good in zip(parts, stays, strict=True) if good), default=0)
        least = int(test.least_dropped(grouping_of([rows]))[0])
        assert least <= sum(rows) - most
        assert (least > 0) <= (not stays[-1])


@settings(max_examples=25, deadline=None)
@given(PROBLEMS)
def test_without_a_forecast_the_answer_is_the_same(drawn):
    asked = problem_of(*drawn)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(searching, "MOST_GUIDED", 0)
        plain = searching.search(asked)
    guided = searching.search(asked)
    assert (plain is None) == (guided is None)
    assert plain is None or (plain.best.node, plain.best.loss) == (guided.best.node, guided.best.loss)


@small
@given(PROBLEMS, st.integers(1, 12))
def test_a_search_cut_short_never_claims_more_than_is_true(drawn, most_checks):
    asked = problem_of(*drawn)
    least = least_loss(asked)
    for run in (
        lambda: searching.search(asked, most_checks=most_checks),
        lambda: search_frontier(asked, NodeCounter(asked), most_checks),
    ):
        try:
            found = run()
        except CallerError:  # stopped before any node within the limits was met
            continue
        if found is None:
            assert least is None
            continue
        assert found.checked <= most_checks
        assert found.bound <= least + 1e-12
        assert found.best.loss >= least - 1e-12
        if found.is_optimal:
            assert found.best.loss == pytest.approx(least, abs=1e-12)


@small
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_each_criterion_is_what_it_says(seed, shift):
    asked = problem_of(seed, 2, 60, CLASS_TESTS, TABLE_TESTS)
    fine = finest(asked.tuples, asked.pairs)
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, max(len(fine.sizes) >> shift, 1), len(fine.sizes))
    joined = coarsened(fine, keys)
    number = np.searchsorted(np.unique(keys), keys)
    for test in CLASS_TESTS:
        below, above = test.good(fine), test.good(joined)
        if test.is_upward:
            assert above[number[below]].all()
        if test.is_monotone:
            all_good = np.bincount(number, weights=~below) == 0
            assert above[all_good].all()
    for test in TABLE_TESTS:
        good = rng.random(len(fine.sizes)) < 0.7
        good_above = np.zeros(len(joined.sizes), dtype=bool)
        good_above[number[good]] = True
        kept, kept_above = test.kept(fine, good), test.kept(joined, good_above)
        assert not (kept & ~good).any()
        assert (test.kept(fine, kept) == kept).all()
        if test.is_upward:
            assert joined.sizes[kept_above].sum() >= fine.sizes[kept].sum()


def one_column(sizes, values=None, marked=None, **asked):
    """A table of one column: rows per value, further values of the rows, and which values are marked."""
    tuples = distinct_tuples([np.repeat(np.arange(8), sizes)])
    known = () if values is None else (distinct_pairs(tuples.of_row, np.array(values)),)
    marks = () if marked is None else (np.isin(tuples.codes[0], marked).astype(np.int64),)
    return Problem(tuples, (MAPS,), 2, asked.pop("most"), pairs=known, tallies=marks, **asked)


@pytest.mark.parametrize(
    ("asked", "loss"),
    [
        # A mixed class and one of a single value: joined, neither passes; apart, the first does.
        (one_column([4, 3, *[0] * 6], [0, 1, 0, 1, 0, 0, 0], most=3, criteria=(ShareOfOne(),)), 3 / 7),
        # Sizes 2, 3, 5 are no twins, the joined 5 and 5 are.
        (one_column([2, 3, 5, *[0] * 5], most=0, table_criteria=(FewTwins(),)), 0),
        # Each test alone keeps more of the joined classes, both together keep nothing of them.
        (
            one_column(
                [4, 4, 0, 0, 5, 0, 0, 0], marked=[4], most=8, table_criteria=(LargestAlone(), Marked())
            ),
            8 / 13,
        ),
    ],
)
def test_a_coarser_node_rules_out_no_finer_one_where_that_is_not_proven(asked, loss, monkeypatch):
    assert least_loss(asked) == pytest.approx(loss)
    monkeypatch.setattr(searching, "MOST_GUIDED", 0)
    for found in searches(asked):
        assert found.best.node == (0,)
        assert found.best.loss == pytest.approx(loss)
