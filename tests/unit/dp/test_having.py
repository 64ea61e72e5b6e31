"""HAVING looks at noisy values alone: what it asks is measured once and charged once."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from tests.unit.dp.world import WARDS, plan

from hedgerow.model.errors import Refused
from hedgerow.techniques.dp_query.run import run

ASKED = "SELECT ward, COUNT(*) AS n, AVG(age) FROM visits GROUP BY ward HAVING {}"
EXACT = {"A": 500, "Ж": 20, "日本": -3}


def answered(having, epsilon="1000", select=ASKED):
    """Answer with next to no noise, on groups of so many rows with a mean of 60."""
    made = plan(select.format(having), epsilon)
    kinds = [type(one).__name__ for one in made.aggregation.aggregates]
    rows = [[count * 60 if kind == "SumValues" else count for kind in kinds] for count in EXACT.values()]
    return made, run(rows, made)


@pytest.mark.parametrize(
    ("having", "left"),
    [
        ("COUNT(*) > 100", ["A"]),
        ("n > 100", ["A"]),
        ("100 < COUNT(*)", ["A"]),
        ("NOT COUNT(*) > 100", ["Ж", "日本"]),
        ("COUNT(*) BETWEEN 10 AND 30", ["Ж"]),
        ("n < 100 AND AVG(age) > 30", ["Ж"]),
        ("n > 100 OR AVG(age) > 30", ["A", "Ж"]),
        ("NOT (n > 100 OR AVG(age) > 30)", []),
        ("AVG(age) < 30", []),
        ("NOT AVG(age) < 30", ["A", "Ж"]),
        ("SUM(age + 1) > 2000", ["A"]),
        ("COUNT(age) > 100", ["A"]),
    ],
)
def test_rows_are_shown_by_their_noisy_values(having, left):
    """A mean that cannot be told meets neither a condition nor its negation."""
    _, answer = answered(having)
    assert [row[0] for row in answer.rows] == left
    assert all(len(row) == 3 for row in (*answer.rows, *answer.half_widths))
    assert [column.name for column in answer.columns] == ["ward", "n", "mean_age"]
    assert f"HAVING left {3 - len(left)} of 3 noisy rows out" in " ".join(answer.notes)


@pytest.mark.parametrize(
    ("having", "measured", "tested"),
    [
        ("COUNT(*) > 1", 3, 0),
        ("n > 1 AND COUNT(*) < 5 AND AVG(age) > 2", 3, 0),
        ("COUNT(age) > 1", 3, 1),
        ("SUM(age) > 1 OR SUM(age) < -1", 3, 1),
        ("SUM(pay) > 1 OR SUM(pay) < -1", 4, 1),
        ("COUNT(DISTINCT who) > 5 AND SUM(pay * 2) > 1", 5, 2),
    ],
)
def test_what_is_not_shown_is_measured_and_charged_once(having, measured, tested):
    made = plan(ASKED.format(having))
    assert (len(made.measurements), len(made.tested)) == (measured, tested)
    assert sum(m.epsilon for m in made.measurements) == made.cost.epsilon == 1
    assert {m.epsilon for m in made.measurements} == {Fraction(1, measured)}
    told = made.describe()["outputs"]
    assert [one["name"] for one in told if one.get("shown", True)] == ["ward", "n", "mean_age"]
    assert len(told) == 3 + tested


def test_the_value_tested_is_the_very_value_shown():
    """With much noise the shown count alone decides, so nothing else was looked at."""
    for _ in range(30):
        _, answer = answered("COUNT(*) > 250", "0.05")
        assert all(row[1] > 250 for row in answer.rows)
        _, others = answered("NOT n > 250", "0.05")
        assert all(row[1] <= 250 for row in others.rows)


def test_order_and_limit_follow_having():
    select = "SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward HAVING {} ORDER BY n LIMIT 1"
    _, answer = answered("n > 10", select=select)
    assert [row[0] for row in answer.rows] == ["Ж"]


def test_a_quantile_is_chosen_and_compared():
    made = plan("SELECT ward, COUNT(*) FROM visits GROUP BY ward HAVING MEDIAN(pay) > 20", "1000")
    rows = [[0] * made.aggregation.width for _ in WARDS]
    for row, place in zip(rows, (0, made.aggregation.histograms[0].bins - 1, 5), strict=True):
        row[0], row[1 + place] = 50, 50
    answer = run(rows, made)
    assert [row[0] for row in answer.rows] == ["Ж"]
    assert all(isinstance(cell, int) for row in answer.rows for cell in row[1:])
    assert not any(isinstance(cell, Decimal) for row in answer.rows for cell in row)


@pytest.mark.parametrize(
    "having",
    [
        "ward = 'A'",
        "ward > 3",
        "nothing > 3",
        "age > 3",
        "MAX(age) > MIN(age)",
        "smoker",
        "n IS NULL",
        "n > 'x'",
        "n",
    ],
)
def test_other_conditions_are_refused_before_anything_is_spent(having):
    with pytest.raises(Refused) as caught:
        plan(ASKED.format(having))
    assert caught.value.code == "dp.sql-unsupported"
    assert "HAVING" in caught.value.message
