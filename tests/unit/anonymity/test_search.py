"""Proves the lattice search on cases small enough to reckon by hand, and its limits."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from hedgerow.anonymity import categories, from_rows
from hedgerow.kernel.anonymity import grouping, search
from hedgerow.kernel.anonymity.coding import combined_keys, distinct_tuples, level_maps
from hedgerow.kernel.anonymity.criteria import DistinctValues
from hedgerow.kernel.anonymity.rollup import RollUp


def problem(columns, hierarchies, **limits):
    tuples = distinct_tuples([np.asarray(column, dtype=np.int64) for column in columns])
    maps = tuple(level_maps(hierarchy, has_missing=False) for hierarchy in hierarchies)
    return search.Problem(tuples, maps, **limits)


PAIRED = from_rows([("a", "ab", "*"), ("b", "ab", "*"), ("c", "cd", "*"), ("d", "cd", "*")])


def test_the_loss_counts_what_each_value_is_joined_with():
    # Level 1 joins each value with 1 of the 3 others: 1/3 per row.
    found = search.search(problem([[0, 1, 2, 3]], [PAIRED], k=2, most_suppressed=0))
    assert found.best.node == (1,)
    assert found.best.loss == pytest.approx(1 / 3)


def test_dropping_a_row_is_chosen_where_it_loses_less():
    rows = [0] * 9 + [2]
    kept = search.search(problem([rows], [PAIRED], k=2, most_suppressed=0))
    dropped = search.search(problem([rows], [PAIRED], k=2, most_suppressed=1))
    assert (kept.best.node, kept.best.suppressed) == ((2,), 0)
    assert (dropped.best.node, dropped.best.suppressed) == ((0,), 1)
    assert dropped.best.loss == pytest.approx(1 / 10)


def test_the_cheaper_column_is_generalised():
    sexes, wide = categories("mf"), PAIRED
    rows = problem([[0, 0, 0, 0], [0, 1, 2, 3]], [sexes, wide], k=2, most_suppressed=0)
    assert search.search(rows).best.node == (0, 1)


def test_of_equal_losses_the_lower_level_is_taken():
    # A level that renames without joining loses nothing and gains nothing.
    renamed = from_rows([("a", "A", "*"), ("b", "B", "*")])
    asked = problem([[0, 0, 1, 1], [0, 1, 2, 3]], [renamed, PAIRED], k=2, most_suppressed=0)
    assert search.search(asked).best.node == (0, 1)


def test_bounded_levels_bound_the_lattice():
    asked = problem([[0, 1, 2, 2]], [PAIRED], k=3, most_suppressed=0, max_levels=(1,))
    assert search.search(asked) is None


def test_a_constraint_on_distinct_values_drops_classes_that_agree():
    asked = problem([[0, 0, 2, 2]], [categories("abcd")], k=2, most_suppressed=2)
    illness = grouping.distinct_pairs(asked.tuples.of_row, np.array([0, 1, 0, 0]))
    strict = search.Problem(
        asked.tuples, asked.columns, 2, 2, pairs=(illness,), criteria=(DistinctValues(0, 2),)
    )
    assert search.search(asked).best.suppressed == 0
    assert search.search(strict).best.suppressed == 2


def test_missing_values_are_a_class_of_their_own_below_the_top():
    maps = level_maps(PAIRED, has_missing=True)
    assert maps.sizes == (5, 3, 1)
    assert [int(groups[-1]) for groups in maps.groups] == [4, 2, 0]
    assert maps.losses[0].tolist() == [0] * 5
    assert maps.losses[2].tolist() == [1] * 5


def test_keys_stay_distinct_where_their_product_does_not_fit():
    # Without renumbering the first column would be shifted out of 64 bits.
    first = np.array([5, 6, 7, 5], dtype=np.int64)
    keys = combined_keys([first, *(np.zeros(4, dtype=np.int64) for _ in range(5))], [1 << 20] * 6)
    assert keys[0] == keys[3]
    assert len(set(keys.tolist())) == 3


@pytest.mark.parametrize("dense", [0, 10**6])
def test_rolling_up_counts_as_counting_anew_does(dense, monkeypatch):
    monkeypatch.setattr(grouping, "_DENSE", dense)
    monkeypatch.setattr(grouping, "_DENSE_ANYHOW", dense)
    rng = np.random.default_rng(2)
    asked = problem([rng.integers(0, 4, 300) for _ in range(3)], [PAIRED] * 3, k=2, most_suppressed=300)
    values = grouping.distinct_pairs(asked.tuples.of_row, rng.integers(-1, 3, 300))
    roll_up = RollUp(asked.tuples, asked.columns, (values,))
    full = search.Problem(
        asked.tuples, asked.columns, 4, 300, pairs=(values,), criteria=(DistinctValues(0, 3),)
    )
    for node in [(0, 0, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (2, 1, 1), (2, 2, 2)]:
        rolled = roll_up.at(node)
        kept = int(rolled.sizes[full.kept(rolled)].sum())
        assert 300 - kept == search.evaluate(full, node).suppressed


@pytest.mark.parametrize("dense", [0, 10**6])
def test_rolling_up_carries_how_often_each_value_stands_in_a_class(dense, monkeypatch):
    monkeypatch.setattr(grouping, "_DENSE", dense)
    monkeypatch.setattr(grouping, "_DENSE_ANYHOW", dense)
    rng = np.random.default_rng(3)
    columns = [rng.integers(0, 4, 200) for _ in range(2)]
    asked, illness = problem(columns, [PAIRED] * 2, k=2, most_suppressed=200), rng.integers(-1, 3, 200)
    known = grouping.distinct_pairs(asked.tuples.of_row, illness)
    population = rng.integers(0, 9, len(asked.tuples.counts))
    rolled = RollUp(asked.tuples, asked.columns, (known,), (population,)).at((1, 1))
    pairs = rolled.pairs[0]
    joined = [(int(a) // 2, int(b) // 2, int(c)) for a, b, c in zip(*columns, illness, strict=True) if c >= 0]
    classes = [(int(columns[0][row]) // 2, int(columns[1][row]) // 2) for row in range(200)]
    codes = list(zip(*(codes[rolled.first] // 2 for codes in asked.tuples.codes), strict=True))
    counted = {
        (*map(int, codes[place]), int(value)): int(rows)
        for place, value, rows in zip(pairs.classes, pairs.values, pairs.counts, strict=True)
    }
    assert counted == Counter(joined)
    assert [classes.count((int(a), int(b))) for a, b in codes] == rolled.sizes.tolist()
    assert rolled.tallies[0].sum() == population.sum()


def test_a_class_that_only_a_population_has_stays_a_class():
    two = grouping.Grouping(np.array([0, 1]), np.array([3, 0]), (), (np.array([5, 7]),))
    joined = grouping.coarsened(two, np.array([4, 9]))
    assert joined.sizes.tolist() == [3, 0]
    assert joined.tallies[0].tolist() == [5, 7]


def test_a_lattice_too_large_to_hold_is_walked_and_says_how_far_the_proof_came():
    deep = from_rows(
        [[str(value), *(str(value >> shift) for shift in range(1, 11))] for value in range(1024)]
    )
    asked = problem(
        [np.arange(1024) * factor % 1024 for factor in range(1, 15, 2)], [deep] * 7, k=2, most_suppressed=0
    )
    assert asked.nodes > search.MOST_NODES
    found = search.search(asked, most_checks=40)
    assert not found.is_optimal
    assert found.checked == 40
    assert 0 < found.bound < found.best.loss
    assert found.best.suppressed == 0
