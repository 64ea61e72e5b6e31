"""Proves each test of a class against its plain definition, and what each says of itself: monotone, upward.

The definitions stand in ``tests/unit/anonymity/plain.py`` and share nothing with the product.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.anonymity import plain

from hedgerow.kernel.anonymity import distances, populations, sensitive, uniqueness
from hedgerow.kernel.anonymity.criteria import DistinctValues
from hedgerow.kernel.anonymity.grouping import Grouping, coarsened, distinct_pairs

VALUES = 5
PARENTS = [{0: "a", 1: "a", 2: "b", 3: "b", 4: "b"}, dict.fromkeys(range(VALUES), "*")]
LEVELS = (np.arange(VALUES), np.array([0, 0, 1, 1, 1]))
ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(-1, VALUES - 1)), min_size=1, max_size=30)
small = settings(max_examples=50, deadline=None)


def grouped(rows):
    """Classes numbered from 0, with values and, as a tally, a population of two more people in each."""
    names = sorted({name for name, _ in rows})
    classes = np.array([names.index(name) for name, _ in rows])
    values = np.array([value for _, value in rows])
    sizes = np.bincount(classes)
    pairs = (distinct_pairs(classes, values),)
    return Grouping(np.arange(len(names)), sizes, pairs, (sizes + 2 * np.arange(len(names)),))


def by_class(rows):
    found = defaultdict(list)
    for name, value in rows:
        found[name] += [value] if value >= 0 else []
    return [found[name] for name in sorted({name for name, _ in rows})]


def whole_of(rows):
    return [value for _, value in rows if value >= 0]


def reference(rows):
    return distances.reference_of(np.array([value for _, value in rows]), VALUES)


TESTS = {
    "distinct": lambda _: DistinctValues(0, 2),
    "entropy": lambda _: sensitive.EntropyValues(0, Fraction(2)),
    "recursive": lambda _: sensitive.RecursiveValues(0, Fraction(3, 2), 2),
    "equal": lambda rows: sensitive.Closeness(0, Fraction(1, 4), reference(rows)),
    "ordered": lambda rows: sensitive.Closeness(0, Fraction(1, 4), reference(rows), "ordered"),
    "hierarchical": lambda rows: sensitive.Closeness(
        0, Fraction(1, 4), reference(rows), "hierarchical", LEVELS
    ),
    "basic": lambda rows: sensitive.Likeness(0, Fraction(1), reference(rows)),
    "enhanced": lambda rows: sensitive.Likeness(0, Fraction(2), reference(rows), is_enhanced=True),
}


def defined(name, values, whole):
    """What the plain definitions say of one class, on exactly the boundary too."""
    if not values:
        return False
    if name == "distinct":
        return plain.distinct(values) >= 2
    if name == "entropy":  # a class on the boundary does not count: logarithms are rounded
        return plain.exponential_of_entropy(values) > 2 + 1e-8
    if name == "recursive":
        return plain.recursive(values, Fraction(3, 2), 2)
    if name in ("equal", "ordered"):
        return plain.moved(values, whole, name) <= Fraction(1, 4)
    if name == "hierarchical":
        return plain.moved_in_tree(values, whole, PARENTS) <= Fraction(1, 4)
    is_enhanced = name == "enhanced"
    return plain.likeness(values, whole, Fraction(2 if is_enhanced else 1), is_enhanced=is_enhanced)


@pytest.mark.parametrize("name", TESTS)
@small
@given(rows=ROWS)
def test_a_class_passes_exactly_where_its_definition_holds(name, rows):
    flags = TESTS[name](rows).good(grouped(rows))
    assert flags.tolist() == [defined(name, values, whole_of(rows)) for values in by_class(rows)]


@small
@given(rows=ROWS)
def test_distances_equal_their_plain_definitions(rows):
    grouping, whole = grouped(rows), whole_of(rows)
    known = [(place, values) for place, values in enumerate(by_class(rows)) if values]
    pairs, number = grouping.pairs[0], len(grouping.sizes)
    measured = {
        "equal": distances.equal_distances(pairs, number, reference(rows)),
        "ordered": distances.ordered_distances(pairs, number, reference(rows)),
        "tree": distances.hierarchical_distances(pairs, number, reference(rows), LEVELS),
    }
    for place, values in known:
        assert measured["equal"][place] == pytest.approx(float(plain.moved(values, whole, "equal")))
        assert measured["ordered"][place] == pytest.approx(float(plain.moved(values, whole, "ordered")))
        assert measured["tree"][place] == pytest.approx(float(plain.moved_in_tree(values, whole, PARENTS)))


EVERY = {
    **TESTS,
    "mapped": lambda _: populations.KMapped(0, 4),
    "members": lambda _: populations.LeastMembers(3),
    "present": lambda _: populations.Present(0, Fraction(1, 3), Fraction(2, 3)),
}


@pytest.mark.parametrize("name", EVERY)
@small
@given(rows=ROWS, keys=st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_a_class_test_keeps_what_it_says_of_joined_classes(name, rows, keys):
    grouping, test = grouped(rows), EVERY[name](rows)
    chosen = np.array(keys[: len(grouping.sizes)])
    good, joined = test.good(grouping), test.good(coarsened(grouping, chosen))
    for place, key in enumerate(np.unique(chosen).tolist()):
        parts = good[chosen == key]
        if test.is_upward and parts.any():
            assert joined[place]
        if test.is_monotone and parts.all():
            assert joined[place]


@small
@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=9), most=st.fractions(Fraction(1, 6), 1))
def test_the_average_risk_is_met_by_dropping_as_few_rows_as_any_choice_does(sizes, most):
    most = most.limit_denominator(50)
    grouping = Grouping(np.arange(len(sizes)), np.array(sizes))
    test = populations.MeanRisk(most)
    kept = test.kept(grouping, np.ones(len(sizes), dtype=bool))
    fewest = max(
        (
            sum(size for size, bit in zip(sizes, f"{choice:0{len(sizes)}b}", strict=True) if bit == "1")
            for choice in range(2 ** len(sizes))
            if choice.bit_count()
            <= most
            * sum(size for size, bit in zip(sizes, f"{choice:0{len(sizes)}b}", strict=True) if bit == "1")
        ),
        default=0,
    )
    assert int(np.array(sizes)[kept].sum()) == fewest
    assert (test.kept(grouping, kept) == kept).all()


@small
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=12),
    keys=st.lists(st.integers(0, 4), min_size=12, max_size=12),
    most=st.sampled_from([Fraction(1, 5), Fraction(1, 3), Fraction(1, 2), Fraction(9, 10)]),
)
def test_joined_classes_keep_at_least_as_many_rows_under_an_average_risk(sizes, keys, most):
    finer = Grouping(np.arange(len(sizes)), np.array(sizes))
    coarser = coarsened(finer, np.array(keys[: len(sizes)]))
    test = populations.MeanRisk(most)
    rows = [int(g.sizes[test.kept(g, g.sizes > 0)].sum()) for g in (finer, coarser)]
    assert rows[1] >= rows[0]


@small
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=40))
def test_what_stays_is_estimated_to_be_unique_as_seldom_as_asked(sizes):
    grouping = Grouping(np.arange(len(sizes)), np.array(sizes))
    test = populations.FewUnique(Fraction(1, 50), 1000)
    kept = test.kept(grouping, np.ones(len(sizes), dtype=bool))
    assert (np.array(sizes)[~kept] == 1).all()
    assert uniqueness.unique_share(grouping.sizes[kept], 1000, "dankar") <= 1 / 50
    assert (test.kept(grouping, kept) == kept).all()
