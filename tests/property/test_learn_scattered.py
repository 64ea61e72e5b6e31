"""Adding or removing a person changes what is added up by cell by at most the stated L2 bound.

That is what boosted trees and clusters are made of. Sums are compared as whole numbers of Python; tables hold
people with many rows, in one cell and in several, and values far beyond the bound. Each part of the bound is
broken on purpose.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.techniques.dp_train import boosting, sums
from hedgerow.techniques.dp_train.boosting import class_aim, leaf_sums, number_aim
from hedgerow.techniques.dp_train.cells import Cells, Group
from hedgerow.techniques.dp_train.sums import RESIDUAL_UNIT, layout, scattered_sum
from hedgerow.techniques.dp_train.trees import SCORE_UNIT

MODEST = settings(max_examples=40, deadline=None)
CELLS = 5


def between(one, other):
    return sum((int(a) - int(b)) ** 2 for a, b in zip(one.ravel(), other.ravel(), strict=True))


@st.composite
def tables(draw):
    """Draw who each row is about, its cell and what it adds; the last person comes and goes."""
    count, parts = draw(st.integers(1, 9)), draw(st.integers(1, 3))
    people = [draw(st.integers(0, 3)) for _ in range(count - 1)] + [4]
    people += [4] * draw(st.integers(0, 6))
    cells = [draw(st.integers(0, CELLS - 1)) for _ in people]
    values = [[draw(st.integers(-(2**30), 2**30)) for _ in range(parts)] for _ in people]
    return np.array(people), np.array(cells), np.array(values, dtype=float)


def summed(table, keep, bound, *, is_named=True):
    people, cells, values = (part[keep] for part in table)
    found = layout(people if is_named else None, len(people))
    return scattered_sum(found, cells[found.order], values[found.order], bound, CELLS)


@MODEST
@given(tables(), st.sampled_from([1, 7, 4096, 2**31]))
def test_one_person_moves_sums_by_cell_by_at_most_the_bound(table, bound):
    everybody = np.ones(len(table[0]), dtype=bool)
    whole = summed(table, everybody, bound)
    assert between(whole, summed(table, table[0] != 4, bound)) <= bound**2
    for out in range(len(everybody)):
        less = summed(table, np.arange(len(everybody)) != out, bound, is_named=False)
        assert between(summed(table, everybody, bound, is_named=False), less) <= bound**2


@MODEST
@given(tables())
def test_within_the_bound_nothing_is_lost(table):
    people, cells, values = table
    expected = np.zeros((CELLS, values.shape[1]), dtype=np.int64)
    np.add.at(expected, cells, values.astype(np.int64))
    assert (summed(table, people >= 0, 2**40) == expected).all()


def heavy(aim_of):
    """Give a table of trees whose last person has many rows that all pull one way."""
    people = np.array([0, 1, *[4] * 10])
    places = np.array([0, 1, *[2] * 5, *[3] * 5])
    return people, places, aim_of(12).gradients(np.full((12, 1), -2.0 * SCORE_UNIT))


AIMS = {
    "class": lambda count: class_aim(np.ones(count, dtype=np.int64), 2),
    "number": lambda count: number_aim(np.ones(count)),
}


def tree_gap(aim_of, bound):
    people, places, gradients = heavy(aim_of)

    def sums_of(keep):
        found = layout(people[keep], keep.sum())
        return leaf_sums(found, places[keep][found.order], gradients[keep][found.order], bound, 4)

    return between(sums_of(people >= 0), sums_of(people != 4))


@pytest.mark.parametrize("aim_of", AIMS.values(), ids=AIMS)
def test_a_heavy_person_moves_a_tree_by_at_most_the_bound(aim_of):
    bound = RESIDUAL_UNIT // 2
    assert 0 < tree_gap(aim_of, bound) <= bound**2


@pytest.mark.parametrize("aim_of", AIMS.values(), ids=AIMS)
def test_a_tree_that_is_not_bounded_is_caught(aim_of, monkeypatch):
    monkeypatch.setattr(sums, "cut", lambda shares, _: shares)
    bound = RESIDUAL_UNIT // 2
    assert tree_gap(aim_of, bound) > bound**2


def row_by_row(people, cells, values, bound, count):
    """Plant a fault: bound rows and not people."""
    alone = layout(None, people.count)
    return scattered_sum(alone, cells, values, bound, count)


def cell_by_cell(people, cells, values, bound, count):
    """Plant a fault: bound what a person adds to each cell, as if people had one cell each."""
    return sum(
        scattered_sum(people, cells, np.where((cells == at)[:, None], values, 0), bound, count)
        for at in range(count)
    )


@pytest.mark.parametrize("fault", [row_by_row, cell_by_cell])
def test_a_tree_bounded_in_a_wrong_way_is_caught(fault, monkeypatch):
    monkeypatch.setattr(boosting, "scattered_sum", fault)
    bound = RESIDUAL_UNIT // 2
    assert tree_gap(AIMS["class"], bound) > bound**2


@MODEST
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6), st.integers(0, 5))
def test_a_row_falls_into_its_cell_whoever_stands_beside_it(values, marked):
    cells = Cells((Group(1), Group(3)), np.array([-2.0, 0, 0, 0]), np.array([3.0, 1, 1, 1]), 7)
    marks = np.zeros((len(values), 3))
    marks[:, marked % 3] = marked > 2
    features = np.column_stack([values, marks])
    codes = cells.codes(features)
    assert (codes >= 0).all()
    assert (codes < [cells.count(0), cells.count(1)]).all()
    assert all((cells.codes(features[at : at + 1]) == codes[at]).all() for at in range(len(values)))


@MODEST
@given(st.integers(2, 300), st.integers(0, 10**6))
def test_gradients_of_a_row_do_not_depend_on_the_rows_beside_it(count, seed):
    draw = np.random.default_rng(seed)
    places, scores = draw.integers(0, 3, count), np.rint(draw.normal(0, 3, (count, 3)) * SCORE_UNIT)
    whole = class_aim(places, 3).gradients(scores)
    assert (whole == np.rint(whole)).all()
    for at in (0, count // 2, count - 1):
        assert (class_aim(places[at : at + 1], 3).gradients(scores[at : at + 1]) == whole[at]).all()
