"""Proves the linkage attack: it finds people in a raw table and cannot tell them apart in a release."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

import hedgerow.anonymity as hra
from hedgerow.model.errors import CallerError

QUASI = ["age", "zip"]


def town(rows: int = 120) -> pa.Table:
    draw = random.Random(5)
    return pa.table(
        {
            "name": [f"resident {place}" for place in range(rows)],
            "age": [draw.randrange(18, 90) for _ in range(rows)],
            "zip": [f"{draw.randrange(10_000, 10_030)}" for _ in range(rows)],
        }
    )


def test_a_raw_table_gives_its_people_away():
    known = town()
    attack = hra.linkage_attack(known, known.drop_columns("name"), quasi=QUASI)
    expected = sum(
        [(row["age"], row["zip"]) for row in known.to_pylist()].count((one["age"], one["zip"])) == 1
        for one in known.to_pylist()
    )
    assert attack.singled_out == expected > 100
    assert attack.identities == 120


def test_nobody_is_singled_out_in_a_release():
    known = town()
    ladders = hra.hierarchies_for(known, QUASI)
    made = hra.k_anonymous(known.drop_columns("name"), quasi=QUASI, k=5, hierarchies=ladders)
    attack = hra.linkage_attack(known, made.table, quasi=QUASI, hierarchies=ladders)
    assert attack.singled_out == 0
    assert attack.smallest_candidate_set >= 5
    assert attack.unmatched == made.risk.suppressed_rows


def test_intervals_contain_the_values_below_them():
    ladder = {"age": hra.numbers(range(20, 40), step=5)}
    table = pa.table({"age": ["20-24", "20-24", "30-34"]})
    attack = hra.linkage_attack(pa.table({"age": [21, 33, 39]}), table, quasi=["age"], hierarchies=ladder)
    assert attack.candidate_sizes == ((0, 1), (1, 1), (2, 1))


def test_a_star_fits_everybody_even_the_unknown():
    known = pa.table({"age": [21, 99, None]})
    ladder = {"age": hra.numbers([21, 22])}
    attack = hra.linkage_attack(known, pa.table({"age": ["*"] * 4}), quasi=["age"], hierarchies=ladder)
    assert attack.candidate_sizes == ((4, 3),)


def test_a_missing_value_fits_a_missing_one_only():
    table = pa.table({"age": [21, None, None]})
    attack = hra.linkage_attack(pa.table({"age": [None, 21, 22]}), table, quasi=["age"])
    assert attack.candidate_sizes == ((0, 1), (1, 1), (2, 1))


def test_labels_that_no_level_explains_fit_nobody():
    ladder = {"age": hra.numbers([21, 22])}
    table = pa.table({"age": ["young", "old"]})
    attack = hra.linkage_attack(pa.table({"age": [21]}), table, quasi=["age"], hierarchies=ladder)
    assert (attack.unmatched, attack.smallest_candidate_set) == (1, 0)


def test_a_column_that_one_side_lacks_is_named():
    with pytest.raises(CallerError) as caught:
        hra.linkage_attack(town(), pa.table({"age": [1]}), quasi=QUASI)
    assert caught.value.details["column"] == "zip"
