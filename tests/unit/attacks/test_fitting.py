"""Proves who fits which row by looking at every pair, and each attack on tables done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel.attacks import attacking, fitting
from hedgerow.kernel.attacks.attacking import LINE_UP, infer, link, rare, single_out
from hedgerow.kernel.attacks.containment import containing
from hedgerow.kernel.attacks.fitting import Column

CELLS = ["1", "2", "3", "1-2", "*", None]


def column(values, cells):
    known, labels = list(dict.fromkeys(values)), list(dict.fromkeys(cells))
    people = np.asarray([known.index(value) for value in values])
    rows = np.asarray([labels.index(cell) for cell in cells])
    return Column(people, rows, containing(known, labels), len(known), len(labels))


def fits(value, cell):
    return cell in ("*", None) or value == cell or (cell == "1-2" and value in ("1", "2"))


tables = st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda size: st.tuples(
        st.lists(st.tuples(*[st.sampled_from(CELLS[:3])] * size[0]), min_size=size[1], max_size=size[1]),
        st.lists(st.tuples(*[st.sampled_from(CELLS)] * size[0]), min_size=size[2], max_size=size[2]),
    )
)


@settings(max_examples=50, deadline=None)
@given(tables, st.booleans(), st.integers(1, 40))
def test_candidates_are_the_rows_that_contain_every_value(tables, dense, at_once):
    people, rows = tables
    columns = [
        column(*sides) for sides in zip(zip(*people, strict=True), zip(*rows, strict=True), strict=True)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "_AT_ONCE", at_once)
        patch.setattr(fitting, "_DENSE", 1 << 24 if dense else 0)
        found = fitting.fitting(columns).candidates()
    expected = [sum(all(map(fits, person, row)) for row in rows) for person in people]
    assert found.tolist() == expected


def test_who_stands_out_is_alone_with_all_values():
    first, second = column("aabbc", "a"), column("xxxyx", "x")
    assert rare([first, second]).tolist() == [False, False, True, True, True]


def test_singling_out_wants_exactly_one_row():
    rng = np.random.default_rng(1)
    columns = [column(["1", "2", "3"], ["1-2", "3", "3"])]
    assert single_out(columns, rng).right.tolist() == [True, True, False]


def test_a_row_that_says_more_is_preferred():
    rng = np.random.default_rng(1)
    known = column(["1", "2"], ["1", "*", None, "*"])
    assert single_out([known], rng).right.tolist() == [True, False]
    secret = column(["flu", "gout"], ["flu", "gout", "gout", "gout"])
    assert infer([known], secret, np.zeros(2, dtype=bool), rng).tried.right.tolist() == [True, True]
    assert fitting.fitting([known]).candidates().tolist() == [4, 3]


def test_the_value_most_rows_carry_is_guessed():
    known = column(["1", "2", "3"], ["1-2", "1-2", "1-2", "9"])
    secret = column(["flu", "gout", "flu"], ["flu", "flu", "gout", "flu"])
    found = infer([known], secret, np.zeros(2, dtype=bool), np.random.default_rng(1))
    assert found.tried.right.tolist() == [True, False, True]  # the third by what is usual
    assert found.agreed.tolist() == [False, False, False]


def test_rows_that_agree_are_counted():
    known = column(["1", "3"], ["1", "1", "3", "3"])
    secret = column(["flu", "flu"], ["flu", "flu", "flu", "gout"])
    found = infer([known], secret, np.zeros(2, dtype=bool), np.random.default_rng(1))
    assert found.agreed.tolist() == [True, False]


def test_nobody_guesses_a_cell_that_says_nothing():
    known = column(["1", "1"], ["1", "1", "1"])
    secret = column(["flu", "gout"], ["*", "*", "gout"])
    found = infer([known], secret, np.asarray([True, False]), np.random.default_rng(1))
    assert found.tried.right.tolist() == [False, True]


def test_ties_are_broken_by_chance():
    known, secret = column(["1"] * 2, ["1", "1"]), column(["a", "b"], ["a", "b"])
    seen = {
        tuple(
            infer([known], secret, np.zeros(2, dtype=bool), np.random.default_rng(seed)).tried.right.tolist()
        )
        for seed in range(20)
    }
    assert seen == {(True, False), (False, True)}


def test_linking_a_copy_never_fails_and_strangers_by_chance_only():
    people = 600
    first = [str(place) for place in range(people)]
    second = [str(place % 40) for place in range(people)]
    copied = link([column(first, first)], [column(second, second)], np.random.default_rng(3))
    assert copied.right.all()
    strange = link([column(first, ["x"] * people)], [column(second, second)], np.random.default_rng(3))
    # Six standard deviations around one in twenty; draws equal to the own part are not shown.
    for tried in (copied.shuffled, strange.right):
        assert abs(tried.mean() - 1 / LINE_UP) < 6 * (0.05 * 0.95 / people) ** 0.5 + 0.01


def test_a_line_up_shows_the_own_part_once():
    shown = attacking._line_up(np.asarray([0, 0, 1, 1, 2]), np.random.default_rng(0))
    assert shown.shape == (5, LINE_UP)
    assert shown[:, 0].tolist() == [0, 0, 1, 1, 2]
    assert not (shown[:, 1:] == shown[:, :1]).any()
