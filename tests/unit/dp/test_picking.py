"""Proves the picking of rows: never too many, all where there are few, at random, and nobody's business."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel.aggregation.picking import pick_rows

PEOPLE = st.lists(st.integers(-1, 6), max_size=60).map(lambda people: np.array(people, dtype=np.int64))


@given(PEOPLE, st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_all_count_where_there_are_few_and_never_more_than_the_bound(people, most):
    kept = pick_rows(people, most)
    assert not kept[people < 0].any()
    for person in set(people[people >= 0].tolist()):
        own = kept[people == person]
        assert own.sum() == min(len(own), most)


@given(PEOPLE, st.integers(1, 4), st.binary(min_size=32, max_size=32))
@settings(max_examples=50, deadline=None)
def test_twins_of_one_random_number_are_never_too_many(people, most, seed):
    class Same:
        """A generator that draws one number for all rows."""

        def integers(self, low, high, size, dtype):
            return np.zeros(size, dtype=dtype)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np.random, "default_rng", lambda _: Same())
        kept = pick_rows(people, most, lambda _: seed)
    for person in set(people[people >= 0].tolist()):
        assert kept[people == person].sum() <= most


def test_each_row_is_as_likely_as_any_other_and_differs_from_run_to_run():
    people, rounds = np.array([3] * 5 + [-1, 8, 8], dtype=np.int64), 2000
    often = sum(pick_rows(people, 2).astype(int) for _ in range(rounds))
    assert often[5:].tolist() == [0, rounds, rounds]
    # 800 expected, standard deviation 22: wrong by chance less than once in a thousand million runs.
    assert all(abs(each - rounds * 2 / 5) < 7 * 22 for each in often[:5])


def test_the_pick_follows_the_randomness_that_is_given():
    people = np.repeat(np.arange(50), 20)
    first, again, other = (pick_rows(people, 3, lambda _, s=seed: s * 32) for seed in (b"a", b"a", b"b"))
    assert (first == again).all()
    assert (first != other).any()


def test_numbers_that_do_not_fit_are_an_error():
    assert pick_rows(np.empty(0, dtype=np.int64), 3).tolist() == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hedgerow.kernel.aggregation.picking._MOST_PEOPLE", 5)
        with pytest.raises(ValueError, match="numbered"):
            pick_rows(np.array([9]), 3)
