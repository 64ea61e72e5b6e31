"""Rows of people are found again: whoever is sampled comes with all rows, in order."""

from __future__ import annotations

import numpy as np
import pytest

from hedgerow.techniques.dp_train import sums
from hedgerow.techniques.dp_train.sums import FEATURE_UNIT, Rows, whole_rows

PEOPLE = np.array([4, 2, 2, 0, 4, 1, 4, 3])
FEATURES = np.arange(8.0)[:, None] / 8


def test_people_with_one_row_come_first_and_rows_of_a_person_lie_together():
    rows, order = whole_rows(FEATURES, PEOPLE)
    assert PEOPLE[order].tolist() == [0, 1, 3, 2, 2, 4, 4, 4]
    assert rows.starts.tolist() == [3, 5]
    assert (rows.alone, rows.people) == (3, 5)
    assert (rows.features[:, 0] == FEATURES[order, 0] * FEATURE_UNIT).all()


@pytest.mark.parametrize("taken", [[], [1], [3], [0, 4], [1, 2, 3], [0, 1, 2, 3, 4]])
def test_taken_people_come_with_all_their_rows(taken):
    rows, order = whole_rows(FEATURES, PEOPLE)
    part, places = rows.of(np.array(taken, dtype=np.int64))
    named = [0, 1, 3, 2, 4]
    assert PEOPLE[order][places].tolist() == [
        p for at in taken for p in [named[at]] * (named[at] == PEOPLE).sum()
    ]
    assert part.people == len(taken)
    assert (part.features == rows.features[places]).all()
    assert [PEOPLE[order][places][at] for at in part.starts] == [named[at] for at in taken if at >= 3]


def test_without_names_each_row_is_a_person():
    rows, order = whole_rows(FEATURES, None)
    assert rows.people == rows.alone == 8
    assert order.tolist() == list(range(8))
    assert list(rows.blocks(1)) == []


def test_blocks_hold_whole_people(monkeypatch):
    monkeypatch.setattr(sums, "_BLOCK", 4)
    rows, _ = whole_rows(FEATURES, PEOPLE)
    assert [(part.start, part.stop, starts.tolist()) for part, starts in rows.blocks(1)] == [
        (3, 5, [0]),
        (5, 8, [0]),
    ]
    monkeypatch.setattr(sums, "_BLOCK", 5)
    assert [(part.start, part.stop, starts.tolist()) for part, starts in rows.blocks(1)] == [(3, 8, [0, 2])]


def test_rows_that_are_too_long_are_cut_to_one():
    rows, _ = whole_rows(np.ones((2, 9)), None)
    assert (rows.squares <= FEATURE_UNIT**2).all()
    assert isinstance(rows, Rows)
