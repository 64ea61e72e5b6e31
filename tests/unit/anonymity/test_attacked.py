"""Proves that a release is attacked when it is made, and what is said of it without a control group."""

from __future__ import annotations

import random

import pyarrow as pa

import hedgerow.anonymity as hra
from hedgerow.model.anonymity import KAnonymousTable, ReleaseParameters
from hedgerow.techniques.anonymity.attacked import attacks_on

DRAW = random.Random(7)
ROWS = pa.table(
    {
        "who": [place // 2 for place in range(400)],
        "age": [20 + place // 2 % 60 for place in range(400)],
        "zip": [f"{10_000 + place // 2 % 23}" for place in range(400)],
        "illness": [DRAW.choice(["flu", "gout", "none"]) for _ in range(400)],
    }
)
ASKED = ReleaseParameters(quasi=("age", "zip"), k=5, sensitive=("illness",), person="who")


def made():
    return hra.k_anonymous(ROWS, quasi=ASKED.quasi, sensitive=ASKED.sensitive, k=5, person="who")


def test_nobody_is_singled_out_and_the_power_is_told():
    rows = attacks_on(ROWS, made(), ASKED)
    assert [row["attack"] for row in rows] == ["singling out", "linkability", "inference", "inference"]
    assert rows[0]["right"] == "0 of 200"  # two rows each, one person
    assert rows[0]["result"].startswith("not refuted, with power to see a risk of 1.49%")
    for row in rows[1:]:
        assert "control group" in row["result"] or row["result"].startswith("not refuted")


def test_a_release_that_left_a_row_as_it_was_would_be_found():
    raw = ROWS.take(pa.array(range(0, 400, 2))).drop_columns(["who"])
    whole = made()
    wrong = KAnonymousTable(raw, whole.risk, whole.levels)
    (singled, *_) = attacks_on(ROWS, wrong, ASKED)
    assert singled["right"] == "200 of 200"
    assert singled["result"].startswith("a risk of 100% was shown")


def test_rows_hold_text_alone_and_no_value_of_a_person():
    rows = attacks_on(ROWS, made(), ASKED)
    assert {type(value) for row in rows for value in row.values()} == {str}
    assert not [value for row in rows for value in row.values() if "gout" in value or "10001" in value]


def test_a_table_too_large_reads_as_not_tried(monkeypatch):
    monkeypatch.setattr("hedgerow.techniques.anonymity.attacked.MOST_ROWS", 399)
    assert attacks_on(ROWS, made(), ASKED) == []
