"""Proves which values a released cell contains, however it is written."""

from __future__ import annotations

import pytest

from hedgerow.anonymity import codes, dates, from_rows, numbers
from hedgerow.kernel.attacks.containment import between, containing, number

AGES = [str(age) for age in range(18, 70)]


def inside(values, label, hierarchy=None):
    places, _ = containing(values, [label], hierarchy)
    return [values[place] for place in places.tolist()]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("35-37", ["35", "36", "37"]),
        ("35 to 37", ["35", "36", "37"]),
        ("[35, 37[", ["35", "36"]),
        ("[35, 37)", ["35", "36"]),
        ("]35, 37]", ["36", "37"]),
        ("(35; 37]", ["36", "37"]),
        ("[35,37]", ["35", "36", "37"]),
        (">=68", ["68", "69"]),
        (">68", ["69"]),
        ("68+", ["68", "69"]),
        ("<20", ["18", "19"]),
        ("\u226419", ["18", "19"]),
        ("{19, 21}", ["19", "21"]),
        ("6*", [str(age) for age in range(60, 70)]),
        ("40", ["40"]),
        ("40.0", ["40"]),
        ("old", []),
        ("120-130", []),
    ],
)
def test_numbers(label, expected):
    assert inside(AGES, label) == expected


@pytest.mark.parametrize("label", ["*", None])
def test_a_star_and_a_missing_cell_contain_everybody(label):
    assert inside([*AGES, None], label) == [*AGES, None]


def test_a_missing_value_lies_in_nothing_else():
    assert inside(["18", None], "10-20") == ["18"]


def test_a_value_between_whole_numbers_lies_in_the_interval_that_reaches_to_the_next():
    assert inside(["34.9", "39.5", "40"], "35-39") == ["39.5"]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("2024-03", ["2024-03-01", "2024-03-31"]),
        ("2024-Q1", ["2024-02-29", "2024-03-01", "2024-03-31"]),
        ("2024", ["2024-02-29", "2024-03-01", "2024-03-31", "2024-11-05"]),
        ("2020s", ["2024-02-29", "2024-03-01", "2024-03-31", "2024-11-05", "2025-01-01"]),
        ("[2024-03-01, 2024-12-31]", ["2024-03-01", "2024-03-31", "2024-11-05"]),
    ],
)
def test_dates(label, expected):
    days = ["2019-12-31", "2024-02-29", "2024-03-01", "2024-03-31", "2024-11-05", "2025-01-01"]
    assert inside(days, label) == expected


def test_codes_are_redacted_from_the_right():
    assert inside(["12345", "12399", "12", "99345"], "123**") == ["12345", "12399"]


def test_a_hierarchy_says_what_its_labels_hold():
    ladder = from_rows([["flu", "lungs", "*"], ["asthma", "lungs", "*"], ["gout", "joints", "*"]])
    assert inside(["gout", "asthma", "flu"], "lungs", ladder) == ["asthma", "flu"]
    assert inside(["gout", "asthma", "flu"], "lungs") == []


@pytest.mark.parametrize(
    ("values", "ladder"),
    [
        (AGES, numbers(range(18, 70))),
        (
            [f"{code:05}" for code in range(0, 99999, 777)],
            codes([f"{code:05}" for code in range(0, 99999, 777)]),
        ),
        (["2023-12-31", "2024-03-17", "2031-07-01"], dates(["2023-12-31", "2024-03-17", "2031-07-01"])),
        (["-3.5", "0.25", "7"], numbers([-3.5, 0.25, 7.0])),
    ],
    ids=["numbers", "codes", "dates", "decimals"],
)
def test_what_the_product_generalises_is_read_back_without_its_hierarchy(values, ladder):
    for groups, labels in zip(ladder.maps, ladder.labels, strict=True):
        for place, label in enumerate(labels):
            below = {ladder.values[code] for code, group in enumerate(groups) if group == place}
            assert {number(text) for text in below} <= {number(text) for text in inside(values, label)}
            assert len(inside(values, label)) == len(below)


def test_what_is_no_interval_is_none():
    assert [between(text) for text in ("flu", "{1, 2}", "1-", "[a, b]", "")] == [None] * 5
