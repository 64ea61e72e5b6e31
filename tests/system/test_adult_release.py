"""Proves the exact optimum on a public table of 30,162 people against published search results.

Source: the optima, losses and class counts are those of ARX 3.9.2 for UCI Adult with its nine
hierarchies, k = 5, its Loss metric (factor 0.5, arithmetic mean) and the same suppression limits.
"""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from pyarrow import csv

import hedgerow.anonymity as hra

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def adult(shared_data) -> pa.Table:
    return csv.read_csv(shared_data / "adult" / "adult.csv", parse_options=csv.ParseOptions(delimiter=";"))


@pytest.fixture(scope="module")
def ladders(shared_data, adult) -> dict[str, hra.Hierarchy]:
    folder = shared_data / "adult"
    return {
        name: hra.from_text((folder / f"adult_hierarchy_{name}.csv").read_text(encoding="utf-8"))
        for name in adult.column_names
    }


def recount(table: pa.Table, quasi) -> Counter:
    return Counter(zip(*(table[name].to_pylist() for name in quasi), strict=True))


@pytest.mark.parametrize(
    ("limit", "levels", "loss", "suppressed", "classes"),
    [
        (0, (0, 4, 1, 1, 3, 2, 2, 1, 0), 0.635544, 0, 24),
        (0.05, (0, 3, 0, 0, 2, 1, 1, 2, 0), 0.269635, 1346, 397),
        (1, (0, 3, 0, 0, 2, 1, 1, 1, 0), 0.227700, 2553, 602),
    ],
)
def test_k_5_over_nine_quasi_identifiers(adult, ladders, limit, levels, loss, suppressed, classes):
    quasi = adult.column_names
    made = hra.k_anonymous(adult, quasi=quasi, k=5, suppression_limit=limit, hierarchies=ladders)
    assert tuple(level for _, level in made.levels) == levels
    assert made.risk.loss == pytest.approx(loss, abs=5e-7)
    assert made.risk.suppressed_rows == suppressed
    sizes = recount(made.table, quasi)
    assert min(sizes.values()) >= 5
    assert len(sizes) == made.risk.classes == classes
    assert sum(sizes.values()) == 30_162 - suppressed


@pytest.mark.parametrize(
    ("limit", "levels", "suppressed", "classes"),
    [(0, None, 0, 26), (0.05, (0, 3, 0, 0, 2, 1, 1, 0), 1400, 387)],
)
def test_k_5_with_three_distinct_occupations(adult, ladders, limit, levels, suppressed, classes):
    quasi = [name for name in adult.column_names if name != "occupation"]
    made = hra.k_anonymous(
        adult,
        quasi=quasi,
        sensitive=["occupation"],
        k=5,
        l=3,
        suppression_limit=limit,
        hierarchies={name: ladders[name] for name in quasi},
    )
    assert levels is None or tuple(level for _, level in made.levels) == levels
    assert (made.risk.suppressed_rows, made.risk.classes) == (suppressed, classes)
    seen: dict[tuple, set] = {}
    for key, value in zip(
        zip(*(made.table[name].to_pylist() for name in quasi), strict=True),
        made.table["occupation"].to_pylist(),
        strict=True,
    ):
        seen.setdefault(key, set()).add(value)
    assert min(map(len, seen.values())) >= 3


def test_linking_finds_thousands_in_the_raw_table_and_nobody_in_the_release(adult, ladders):
    quasi = adult.column_names
    made = hra.k_anonymous(adult, quasi=quasi, k=5, hierarchies=ladders)
    raw = hra.linkage_attack(adult, adult, quasi=quasi)
    attacked = hra.linkage_attack(adult, made.table, quasi=quasi, hierarchies=ladders)
    assert raw.singled_out > 10_000
    assert attacked.singled_out == 0
    assert attacked.smallest_candidate_set >= 5
