"""People are told apart by what they are called, not by how a column of their names is encoded."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from hedgerow.kernel.aggregation import draw_ranks, number_people, number_units
from hedgerow.techniques.synthetic.coding import bounded_rows
from hedgerow.techniques.synthetic.relational import pair_codes


def words(places, known, kind=None):
    return pa.DictionaryArray.from_arrays(pa.array(places, pa.int8()), pa.array(known, kind))


def test_a_word_that_stands_twice_in_a_dictionary_is_one_person():
    named = words([0, 1, 2, 1], ["ann", "ann", "bob"])
    codes = number_people(named)
    assert codes[0] == codes[1] == codes[3] != codes[2]
    assert sorted(draw_ranks(named).tolist()) == [0, 0, 1, 2]


def test_chunks_with_dictionaries_of_their_own_are_numbered_alike():
    codes = number_people(pa.chunked_array([words([0, 1], ["a", "b"]), words([0, 1], ["b", None])]))
    assert codes[1] == codes[2] != codes[0]
    assert codes[3] == -1


def test_a_null_inside_a_dictionary_is_nobody():
    assert number_people(words([0, 0, 1, None], [None, "a"])).tolist()[:2] == [-1, -1]
    assert number_people(words([0, 0, 1, None], [None, "a"])).tolist()[3] == -1


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_both_zeros_are_one_person_and_nan_is_nobody(kind):
    plain = pa.array(np.array([0.0, -0.0, np.nan, 1.5]).astype(kind.to_pandas_dtype()), kind)
    for column in (plain, pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3]), plain)):
        codes = number_people(column)
        assert codes[0] == codes[1] >= 0
        assert codes[2] == -1
        assert codes[3] not in (codes[0], -1)


def test_a_household_that_stands_twice_in_a_dictionary_is_one():
    units = number_units(pa.array(["a", "b", "c"]), "household", words([0, 1, 2], ["h", "h", None]))
    assert units[0] == units[1] >= 0
    assert units[2] == -1


def test_synthetic_rows_are_bounded_by_person():
    assert bounded_rows(pa.chunked_array([words(range(9), ["ann"] * 9)]), 1).sum() == 1


def test_one_day_is_one_person_whatever_its_milliseconds():
    days = pa.Array.from_buffers(pa.date64(), 2, [None, pa.py_buffer(np.array([86_400_000, 86_400_005]))])
    assert len(set(number_people(days).tolist())) == 1


def test_a_child_row_beyond_the_bound_of_an_owner_across_two_tables_is_left_out():
    ours = pa.table({"who": pa.array([1], pa.int64())})
    theirs = pa.table({"who": words([0, 1, 2, 3], [1.0, 1.0, 1.0, 2.0])})
    plan = SimpleNamespace(max_children=2, shown_parents=(), children=())
    _, below, owners = pair_codes(ours, theirs, "who", plan)
    assert owners.tolist() == [0, 0]
    assert len(below) == 2
