"""Adding or removing a person changes the histograms of a tree by at most the stated L2 bound.

Tables hold people with many rows, in one cell and in several, and values far beyond the bound; a row stands
in one cell of every column. Each part of the bound is broken on purpose.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.techniques.dp_train import histograms
from hedgerow.techniques.dp_train.cells import Cells, Group
from hedgerow.techniques.dp_train.histograms import HistogramTree, Split, histogram_sums, offsets
from hedgerow.techniques.dp_train.sums import layout

GROUPS, WIDE = 3, 4
MODEST = settings(max_examples=40, deadline=None)


@st.composite
def tables(draw):
    """Draw who each row is about, its cells and what it adds; the last person comes and goes."""
    parts = draw(st.integers(1, 3))
    people = [draw(st.integers(0, 3)) for _ in range(draw(st.integers(0, 6)))] + [4] * draw(st.integers(1, 5))
    cells = [[WIDE * g + draw(st.integers(0, WIDE - 1)) for g in range(GROUPS)] for _ in people]
    values = [[draw(st.integers(-(2**20), 2**20)) for _ in range(parts)] for _ in people]
    return np.array(people), np.array(cells), np.array(values, dtype=float)


def summed(table, keep, each, *, is_named=True):
    people, cells, values = (part[keep] for part in table)
    found = layout(people if is_named else None, len(people))
    whole = int(np.ceil(each * GROUPS**0.5)) + 1
    told = histogram_sums(found, cells[found.order], values[found.order], (each, whole), GROUPS * WIDE)
    return told, whole


def moved(table, each):
    """Tell by how much the last person moves the sums, and the bound."""
    one, bound = summed(table, np.ones(len(table[0]), dtype=bool), each)
    other, _ = summed(table, table[0] != 4, each)
    return sum((int(a) - int(b)) ** 2 for a, b in zip(one.ravel(), other.ravel(), strict=True)), bound**2


@MODEST
@given(tables(), st.sampled_from([2, 4098, 2**30]))
def test_one_person_moves_histograms_by_at_most_the_bound(table, each):
    found, bound = moved(table, each)
    assert found <= bound
    everybody = np.ones(len(table[0]), dtype=bool)
    whole, most = summed(table, everybody, each, is_named=False)
    for out in range(len(everybody)):
        less, _ = summed(table, np.arange(len(everybody)) != out, each, is_named=False)
        assert (
            sum((int(a) - int(b)) ** 2 for a, b in zip(whole.ravel(), less.ravel(), strict=True)) <= most**2
        )


ALONE = np.array([4]), np.array([[0, 4, 8]]), np.full((1, 1), 4096.0)
SEVERAL = np.array([0, 4, 4, 4]), np.array([[0, 4, 8]] * 4), np.full((4, 1), 4096.0)


@pytest.mark.parametrize("table", [ALONE, SEVERAL], ids=["one row", "several"])
def test_a_person_that_is_not_cut_is_caught(monkeypatch, table):
    """Rows far beyond the bound, left as they are; in several rows, cut row by row."""
    sound = histograms.cut
    monkeypatch.setattr(
        histograms, "cut", lambda shares, bound: shares if bound != 100 else sound(shares, 100)
    )
    found, bound = moved(table, 4098 if table is SEVERAL else 101)
    assert found > bound


def test_within_the_bound_nothing_is_lost():
    told, _ = summed(ALONE, np.array([True]), 4098)
    assert told.ravel()[[0, 4, 8]].tolist() == [4096] * 3
    assert told.sum() == 3 * 4096


def test_a_row_goes_where_its_own_cells_send_it():
    splits = (Split(0, np.array([0, 0, 1])), Split(1, np.array([0, 1])), Split(0, np.array([0, 0, 1])))
    tree = HistogramTree(splits, np.arange(4.0)[:, None])
    codes = np.array([[0, 0], [1, 1], [2, 0], [2, 1]])
    assert tree.places(codes).tolist() == [0, 1, 3, 3]
    assert [int(tree.places(row[None])[0]) for row in codes] == [0, 1, 3, 3]
    cells = Cells((Group(1), Group(2)), np.zeros(3), np.ones(3), 4)
    assert offsets(cells).tolist() == [0, 4, 7]
