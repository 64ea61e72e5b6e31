"""Proves that the risk summary says exactly what the released table shows, and never "anonymous"."""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa
import pytest

import hedgerow.anonymity as hra

TABLE = pa.table(
    {
        "area": ["a"] * 3 + ["b"] * 4 + ["c"],
        "illness": ["flu", "flu", None, "flu", "gout", "none", "gout", "flu"],
    }
)


@pytest.fixture
def risk():
    made = hra.k_anonymous(TABLE, quasi=["area"], sensitive=["illness"], k=3, suppression_limit=0.2)
    return made.risk


def test_rows_and_classes(risk):
    assert (risk.rows, risk.released_rows, risk.suppressed_rows) == (8, 7, 1)
    assert risk.suppressed_share == Fraction(1, 8)
    assert risk.class_sizes == ((3, 1), (4, 1))
    assert (risk.classes, risk.smallest_class) == (2, 3)


def test_prosecutor_journalist_and_marketer(risk):
    assert risk.prosecutor_max == risk.journalist_max == Fraction(1, 3)
    assert risk.prosecutor_average == risk.marketer == Fraction(2, 7)


def test_a_class_that_agrees_on_one_value_is_counted(risk):
    (illness,) = risk.sensitive
    assert (illness.distinct, illness.homogeneous_classes, illness.homogeneous_rows) == (1, 1, 3)
    assert any("discloses it" in line for line in risk.statements)


def test_levels_and_granularity(risk):
    (area,) = risk.columns
    assert (area.column, area.level, area.top, area.granularity) == ("area", 0, 1, 1.0)
    assert risk.loss == pytest.approx(1 / 8)


def test_granularity_falls_with_the_level():
    numbers = pa.table({"age": [*range(20), *range(20)]})
    made = hra.k_anonymous(numbers, quasi=["age"], k=8, hierarchies={"age": hra.numbers(range(20), step=5)})
    assert made.levels == (("age", 1),)
    assert made.risk.columns[0].granularity == pytest.approx(1 - 4 / 19)


def test_the_label_says_de_identified_and_the_limit_stands_first(risk):
    made = hra.k_anonymous(TABLE, quasi=["area"], sensitive=["illness"], k=3, suppression_limit=0.2)
    assert (made.label, made.ungoverned) == ("de-identified", True)
    assert risk.statements[0].startswith("k-anonymous is not anonymous")
    assert any("its own" in line for line in risk.statements)


def test_a_repr_shows_neither_rows_nor_counts():
    made = hra.k_anonymous(TABLE, quasi=["area"], sensitive=["illness"], k=3, suppression_limit=0.2)
    assert "flu" not in repr(made)
    assert "suppressed" not in repr(made)
