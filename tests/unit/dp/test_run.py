"""Answers: their shape, their honesty about error, and what is done after the noise."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import pytest
from tests.unit.dp.world import COLUMNS, DECLARED, WARDS, plan

from hedgerow.model.answers import Answer
from hedgerow.model.canonical import canonical
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.uses import Actor, ColumnView, DatasetView, UseRequest
from hedgerow.techniques.dp_query import DpQuery, run

EXACT = "1000000"  # an epsilon at which the noise is almost surely zero


def test_the_answer_holds_every_declared_key_in_order():
    made = plan("SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward", EXACT)
    answer = run([[5], [0], [7]], made)
    assert answer.rows == (("A", 5), ("Ж", 0), ("日本", 7))
    assert [c.name for c in answer.columns] == ["ward", "n"]
    assert answer.epsilon == Fraction(EXACT)


def test_a_product_of_keys_turns_the_first_slowest():
    made = plan("SELECT sex, ward, COUNT(*) GROUP BY ward, sex", EXACT)
    answer = run([[i] for i in range(6)], made)
    assert [row[:2] for row in answer.rows] == [(s, w) for w in WARDS for s in ("f", "m")]


def test_means_and_sums_are_rebuilt_from_the_midpoint():
    made = plan("SELECT AVG(pay), SUM(pay), COUNT(pay)", EXACT)
    # 4 values that add up to 1234 steps of 0.01; aggregates: count, sum
    exact = [
        [4 if a.column == "pay" and not hasattr(a, "clamp") else 1234 for a in made.aggregation.aggregates]
    ]
    (mean, total, count), widths = run(exact, made).rows[0], run(exact, made).half_widths[0]
    assert abs(mean - Decimal("3.085")) <= Decimal("0.01")
    assert abs(total - Decimal("12.34")) <= Decimal("0.1")
    assert count == 4
    assert all(width is not None for width in widths)


def test_a_mean_of_too_few_is_left_out_and_said():
    made = plan("SELECT AVG(age)", "0.1")
    # So far below zero that no noise makes a mean of it.
    answer = run([[-(10**6), 0]], made)
    assert answer.rows == ((None,),)
    assert answer.half_widths == ((None,),)
    assert answer.notes[-1] == (
        "1 of 1 means of age are left out: the noisy count of the rows with a value of age, "
        "not shown here, as COUNT(age) would be, is too small."
    )
    shown = run([[-(10**6), 0]], plan("SELECT AVG(age), COUNT(age) AS n", "0.1"))
    assert "a value of age, shown as n, is too small." in shown.notes[-1]
    assert answer.sentence == "No mean of age can be told."
    assert shown.sentence.startswith("Counts of age are within ±")
    assert shown.sentence.endswith(" in 95 of 100 answers; no mean of age can be told.")
    assert [any("below zero" in said for said in each.notes) for each in (answer, shown)] == [False, True]


def test_a_mean_stays_within_bounds():
    made = plan("SELECT AVG(age)", "1")
    for _ in range(50):
        (mean,) = run([[60, 60 * 120]], made).rows[0]
        assert mean is None or 18 <= mean <= 120


def test_half_widths_hold_in_95_of_100_answers():
    """False alarms: fewer than 1 in 10**6 runs (Hoeffding, 1,000 answers, slack 0.09)."""
    made = plan("SELECT AVG(age), COUNT(*), SUM(pay)", "2")
    index = {(type(a).__name__, a.column): i for i, a in enumerate(made.aggregation.aggregates)}
    row = [0] * len(index)
    row[index["CountRows", "age"]], row[index["SumValues", "age"]] = 500, 500 * 40
    row[index["CountRows", None]], row[index["SumValues", "pay"]] = 510, 123456
    truth = (Decimal(40), Decimal(510), Decimal("1234.56"))
    inside = [0, 0, 0]
    for _ in range(1000):
        answer = run([row], made)
        for place, (value, width) in enumerate(zip(answer.rows[0], answer.half_widths[0], strict=True)):
            inside[place] += abs(Decimal(value) - truth[place]) <= width
    assert min(inside) / 1000 > 0.95 - 0.09


def test_sorting_and_limit_touch_only_noisy_rows():
    made = plan("SELECT ward, COUNT(*) n GROUP BY ward ORDER BY n DESC LIMIT 2", EXACT)
    assert run([[5], [0], [7]], made).rows == (("日本", 7), ("A", 5))
    by_key = plan("SELECT ward, COUNT(*) n GROUP BY ward ORDER BY WARD DESC", EXACT)
    assert [row[0] for row in run([[5], [0], [7]], by_key).rows] == sorted(WARDS, reverse=True)


def test_rows_without_a_value_are_sorted_last():
    made = plan("SELECT ward, AVG(age) m GROUP BY ward ORDER BY m DESC", "1")
    # So far below zero that no noise makes a mean of it.
    answer = run([[10**6, 40 * 10**6], [-(10**6), 0], [10**6, 50 * 10**6]], made)
    assert [row[0] for row in answer.rows] == ["日本", "A", "Ж"]


def test_the_sentence_and_the_balance():
    answer = run([[5]], plan("SELECT COUNT(*)", "1/2"))
    assert answer.sentence == "Counts are within ±18 in 95 of 100 answers."
    told = answer.with_left(Fraction(7, 2), Fraction(4)).sentence
    assert told == "Counts are within ±18 in 95 of 100 answers; 3.5 of 4 epsilon left."


@pytest.mark.parametrize("exact", [[], [[1]], [[1], [2], [3], [4]], [[1, 2]] * 3, [[1.0]] * 3, [[None]] * 3])
def test_aggregates_of_another_shape_release_nothing(exact):
    with pytest.raises(Fault) as caught:
        run(exact, plan("SELECT ward, COUNT(*) GROUP BY ward"))
    assert caught.value.code == "dp.bad-aggregate"


def test_an_answer_survives_being_kept():
    made = plan("SELECT ward, COUNT(*), AVG(age), SUM(pay) GROUP BY ward", "3")
    answer = run([[100, 90, 90 * 40, 3]] * 3, made)
    kept = json.loads(canonical(answer.to_dict()))
    assert Answer.from_dict(kept) == answer
    assert set(answer.records()[0]) == {"ward", "count", "mean_age", "sum_pay"}


VIEW = DatasetView(
    name="visits",
    version=1,
    subject_column="who",
    columns=(
        *(ColumnView(name, kind.value, "measure", "", in_vault=False) for name, kind in COLUMNS.items()),
        ColumnView("email", "text", "direct-identifier", "email", in_vault=True),
    ),
    declaration=DECLARED,
    bases={},
)


def request(**parameters):
    return UseRequest(Actor("owner", "ann"), "research", "visits", parameters, "r1")


class OneLease:
    """Gives aggregates of the right shape."""

    def aggregate(self, spec):
        groups = 1
        for key in spec.keys:
            groups *= len(key.values)
        return [[1000] * len(spec.aggregates) for _ in range(groups)]


def test_the_technique_plans_on_a_view_and_runs_on_a_lease():
    technique = DpQuery()
    made = technique.plan(request(sql="SELECT ward, COUNT(*) GROUP BY ward", epsilon="0.5"), VIEW)
    assert made.cost.epsilon == Fraction(1, 2)
    release = technique.run(OneLease(), made)
    assert canonical(release.payload)
    assert Answer.from_dict(release.payload).unit == "person"
    assert not release.person_level


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"sql": "SELECT COUNT(email)", "epsilon": "1"}, "dp.hidden-column"),
        ({"sql": "SELECT COUNT(*) WHERE who = 1", "epsilon": "1"}, "dp.hidden-column"),
        ({"sql": "SELECT COUNT(*)", "epsilon": "nan"}, "budget.not-a-number"),
        ({"sql": "SELECT COUNT(*)"}, "dp.one-price"),
        ({"sql": "SELECT COUNT(*)", "epsilon": "1", "rho": "1"}, "dp.one-price"),
        ({"sql": "SELECT COUNT(*)", "rho": 1}, "budget.not-a-number"),
        ({"epsilon": "1"}, "dp.sql-malformed"),
    ],
)
def test_the_technique_refuses(parameters, code):
    from hedgerow.model.errors import Refused

    with pytest.raises((CallerError, Refused)) as caught:
        DpQuery().plan(request(**parameters), VIEW)
    assert caught.value.code == code


def test_planning_loads_no_heavy_library():
    code = (
        "import sys; from hedgerow.techniques.dp_query import plan_query, DpQuery\n"
        "from hedgerow.model.plans import DatasetDeclaration; from hedgerow.model.words import ColumnType\n"
        "plan_query('SELECT COUNT(*)', DatasetDeclaration(max_rows=1), {'a': ColumnType.TEXT}, 1, 'd')\n"
        "print(sorted({'opendp', 'pyarrow', 'numpy', 'duckdb', 'narwhals'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
