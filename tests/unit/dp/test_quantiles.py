"""Quantiles in plans, answers and the frame API: cost, words, refusals, and what stands for MIN and MAX."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from tests.unit.dp.world import DECLARED, WARDS, plan, table

from hedgerow import dp
from hedgerow.kernel.aggregation import aggregate, draw_ranks
from hedgerow.kernel.noise import choice_scale
from hedgerow.model.answers import Answer, AnswerColumn
from hedgerow.model.canonical import canonical
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.plans import BinCounts, Clamp, SumValues
from hedgerow.techniques.dp_query import run

EXACT = "1000000"  # an epsilon at which the best candidate is almost surely chosen
MIXED = "SELECT ward, COUNT(*) AS n, MEDIAN(pay), MIN(age), MAX(age), QUANTILE(pay, 0.9) GROUP BY ward"


def answered(sql, rows, epsilon=EXACT):
    made, full = plan(sql, epsilon), table(rows)
    return run(aggregate(full, draw_ranks(full.column("who")), made.aggregation), made)


def test_sensitivity_scale_and_shares_are_exact():
    made = plan("SELECT COUNT(*), MEDIAN(age), QUANTILE(age, 0.1), MAX(pay), MEDIAN(age) AS again", "1")
    assert [m.epsilon for m in made.measurements] == [Fraction(1, 4)]
    assert [c.epsilon for c in made.choices] == [Fraction(1, 4)] * 3
    # three rows of a person count; a median is 1/2, a tenth 1/10, the maximum 19/20
    assert [c.sensitivity for c in made.choices] == [3 * 1, 3 * 9, 3 * 19]
    assert [c.scale for c in made.choices] == [choice_scale(c.sensitivity, c.epsilon) for c in made.choices]


def test_quantiles_of_one_column_share_its_histogram():
    made = plan("SELECT MEDIAN(age), MAX(age), MIN(pay)")
    assert [c.histogram for c in made.choices] == [0, 0, 1]
    assert made.aggregation.histograms == (
        BinCounts(SumValues("age", Clamp(Fraction(18), Fraction(120)), 0), 1),
        BinCounts(SumValues("pay", Clamp(Fraction("-10.5"), Fraction("99.75")), 2), 20),
    )
    assert made.aggregation.width == 103 + 553
    assert made.columns == {"age", "pay"}


def test_without_noise_the_quantile_is_found_in_each_group():
    people = range(100)
    rows = [(who, "A", 20 + who, who / 2) for who in people] + [(200 + who, "Ж", 50, None) for who in people]
    answer = answered(MIXED, rows)
    assert [row[0] for row in answer.rows] == list(WARDS)
    ward, count, median, least, most, upper = answer.rows[0]
    assert (ward, count) == ("A", 100)
    assert abs(median - Decimal("24.75")) <= Decimal("0.5")
    assert (24 <= least <= 25, 114 <= most <= 115) == (True, True)
    assert abs(upper - Decimal("44.75")) <= Decimal("0.5")
    assert answer.rows[1][3:5] == (50, 50)


def test_values_beyond_the_bounds_count_at_the_bounds():
    rows = [(who, "A", 5000 if who % 2 else -5000, None) for who in range(100)]
    answer = answered("SELECT MAX(age), MIN(age)", rows)
    assert answer.rows == ((120, 18),)


def test_an_empty_group_gets_any_candidate():
    made = plan("SELECT MEDIAN(age)", "1")
    drawn = {run([[0] * 103], made).rows[0][0] for _ in range(60)}
    assert len(drawn) > 10
    assert all(18 <= value <= 120 for value in drawn)


def test_the_rank_error_is_told_instead_of_a_width_and_holds():
    """False alarms: fewer than 1 in 10**6 runs (Hoeffding, 400 answers, slack 0.14)."""
    made = plan("SELECT MEDIAN(age), MAX(age)", "2")
    counts = [7] * 103
    inside = [0, 0]
    for _ in range(400):
        answer = run([counts], made)
        assert answer.half_widths == ((None, None),)
        for place, (value, target) in enumerate(zip(answer.rows[0], (721 / 2, 721 * 0.95), strict=True)):
            below, upto = 7 * (value - 18), 7 * (value - 17)
            off = max(0, below - target, target - upto)
            inside[place] += off <= answer.columns[place].rank_error_95
    assert min(inside) / 400 > 0.95 - 0.14


def test_the_answer_says_which_quantile_it_is_how_far_off_and_from_how_many_rows():
    answer = answered("SELECT MAX(age), MEDIAN(pay) AS middle", [(1, "A", 30, 1.0)], "1")
    assert answer.columns == (
        AnswerColumn("max_age", "max", "age", "0.95", 87),
        AnswerColumn("middle", "median", "pay", "0.5", 56),
    )
    assert answer.sentence == (
        "The 0.95 quantile of age is at most 87 rows off in rank in 95 of 100 answers; "
        "the median of pay is at most 56 rows off in rank."
    )
    assert answer.notes[0].startswith("What is said of the error is of the noise alone: at most 3 rows")
    assert answer.notes[1] == (
        "The 0.95 quantile of age is chosen among 103 values from 18 to 120, 1 apart; where fewer than 1,741 "
        "rows hold a value it may lie beyond all of them. It stands for MAX(age), which is one person's "
        "value and never told."
    )
    assert "among 553 values from -10.50 to 99.75, 0.2 apart; where fewer than 113 rows" in answer.notes[2]
    assert answer.mechanism == "permute and flip on exact whole-number scores (OpenDP)"


def test_an_answer_with_quantiles_survives_being_kept():
    answer = answered(MIXED, [(1, "A", 30, 1.0)] * 5, "3")
    kept = json.loads(canonical(answer.to_dict()))
    assert Answer.from_dict(kept) == answer
    assert kept["columns"][1] == {"name": "n", "kind": "count", "source": None}
    assert kept["columns"][3]["quantile"] == "0.05"
    assert "discrete Laplace" in answer.mechanism
    assert "permute and flip" in answer.mechanism


def test_the_explanation_says_the_rank_error_before_any_data():
    made = plan("SELECT COUNT(*), MEDIAN(age)", "0.5")
    told = made.describe()
    assert json.loads(canonical(told)) == json.loads(json.dumps(told))
    assert told["split"] == "equal shares: 2 x 0.25"
    assert told["measurements"][1] == {
        "what": "0.5 quantile of age",
        "candidates": 103,
        "apart": "1",
        "sensitivity_score": 3,
        "scale_score": "24",
        "epsilon": "0.25",
        "rank_error_95": 92,
    }
    assert told["outputs"][1]["expected_error_95"] == "92 rows in rank"
    assert "values of age are clamped to 18:120" in told["obligations"]


def test_rows_are_sorted_by_the_quantile_that_is_meant():
    select = "SELECT ward, QUANTILE(age, 0.1), QUANTILE(age, 0.9), MEDIAN(age) GROUP BY ward ORDER BY "
    for by, place in {
        "QUANTILE(age, 0.9)": 2,
        "QUANTILE(age, 0.1)": 1,
        "quantile_age_2": 2,
        "MEDIAN(age)": 3,
    }.items():
        assert plan(select + by).order_by == ((place, False),)
    with pytest.raises(CallerError) as caught:
        plan(select + "QUANTILE(age, 0.5)")
    assert caught.value.code == "dp.sql-order"


@pytest.mark.parametrize(
    ("sql", "code", "told"),
    [
        ("SELECT MEDIAN(ward)", "dp.sql-type", "COUNT"),
        ("SELECT MAX(seen)", "dp.sql-type", "COUNT"),
        ("SELECT MIN(who)", "dp.hidden-column", ""),
        ("SELECT QUANTILE(nothing, 0.5)", "dp.unknown-column", ""),
        ("SELECT MEDIAN(age), MEDIAN(AGE) AS median_age GROUP BY ward", "dp.sql-unlabelled", ""),
    ],
)
def test_what_has_no_order_or_bound_is_refused(sql, code, told):
    with pytest.raises((Refused, CallerError)) as caught:
        plan(sql)
    assert caught.value.code == code
    assert told in caught.value.next_step


def declared(**changes):
    return dataclasses.replace(
        DECLARED,
        columns=tuple(
            dataclasses.replace(one, **changes) if one.column == "age" else one for one in DECLARED.columns
        ),
    )


def test_missing_bounds_many_groups_and_a_tiny_epsilon_are_refused():
    with pytest.raises(Refused) as caught:
        plan("SELECT MEDIAN(age)", declaration=declared(clamp=None))
    assert (caught.value.code, "--bounds age=LOWER:UPPER" in caught.value.next_step) == (
        "dp.undeclared",
        True,
    )
    with pytest.raises(Refused) as caught:
        plan("SELECT age, MEDIAN(pay) GROUP BY age", declaration=declared(keys=tuple(range(60_000))))
    assert (caught.value.code, caught.value.details["most"]) == ("dp.too-many-groups", "47,619")
    with pytest.raises(Refused) as caught:
        plan("SELECT MAX(age)", epsilon="1e-12", declaration=dataclasses.replace(DECLARED, max_rows=10**6))
    assert caught.value.code == "dp.too-noisy"


def test_bounds_too_wide_for_sums_still_have_a_median():
    wide = declared(clamp=Clamp(Fraction(0), Fraction(10**12)))
    with pytest.raises(Refused):
        plan("SELECT SUM(age)", declaration=wide)
    assert plan("SELECT MEDIAN(age)", declaration=wide).choices[0].bins.width == 10**9
    with pytest.raises(Refused) as caught:
        plan("SELECT MEDIAN(age)", declaration=declared(clamp=Clamp(Fraction(0), Fraction(2**60))))
    assert caught.value.code == "dp.too-wide"


def test_bounds_between_two_whole_numbers_leave_one_candidate():
    made = plan("SELECT MEDIAN(age)", declaration=declared(clamp=Clamp(Fraction("0.1"), Fraction("0.4"))))
    assert run([[5]], made).rows == ((0,),)


def test_a_histogram_of_another_shape_releases_nothing():
    with pytest.raises(Fault) as caught:
        run([[1] * 102], plan("SELECT MEDIAN(age)"))
    assert caught.value.code == "dp.bad-aggregate"


def test_a_frame_answers_quantiles():
    frame = pa.table({"who": list(range(300)), "age": [who % 90 for who in range(300)]})
    told = dp.declare(max_rows=1, bounds={"age": (0, 120)})
    budget = dp.Budget.of(EXACT)
    answer, left = dp.query(
        frame, "SELECT MEDIAN(age), COUNT(*)", person="who", declaration=told, epsilon=EXACT, budget=budget
    )
    assert (38 <= answer.rows[0][0] <= 41, answer.rows[0][1]) == (True, 300)
    assert left.left == 0
    with pytest.raises(Refused) as caught:
        dp.query(
            frame,
            "SELECT QUANTILE(age, 1.1)",
            person="who",
            declaration=told,
            epsilon="0.1",
            budget=dp.Budget.of("0.001"),
        )
    assert caught.value.code == "dp.sql-unsupported"
