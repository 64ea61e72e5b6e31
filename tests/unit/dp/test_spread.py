"""Variance and standard deviation: exact sensitivities, what the noise leaves open, and when none is told."""

from __future__ import annotations

import dataclasses
import json
import statistics
from decimal import Decimal
from fractions import Fraction

import pytest
from tests.unit.dp.world import DECLARED, plan, table

from hedgerow.kernel.aggregation import aggregate, draw_ranks
from hedgerow.model.answers import Answer
from hedgerow.model.canonical import canonical
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.plans import Clamp, SumSquares, SumValues
from hedgerow.techniques.dp_query import run

EXACT = "1000000"  # an epsilon at which the noise is almost surely zero
ALL = "SELECT VARIANCE(pay), VAR_POP(pay), STDDEV(pay), STDDEV_POP(pay), AVG(pay), SUM(pay), COUNT(pay)"


def exact_of(made, rows):
    full = table(rows)
    return aggregate(full, draw_ranks(full.column("who")), made.aggregation)


def test_all_of_a_column_rest_on_three_measurements_of_exact_sensitivity():
    made = plan(ALL)
    found = {m.title: (m.sensitivity, m.unit) for m in made.measurements}
    # pay runs from -10.5 to 99.75 in steps of 0.01; the midpoint is 4462 steps, 5513 from the far end
    assert found == {
        "values of pay": (3, 1),
        "centred sum of pay": (3 * 5513, 1),
        "squared distances of pay": (3 * 5513**2, 1),
    }
    assert [m.epsilon for m in made.measurements] == [Fraction(1, 3)] * 3


def test_without_noise_they_are_those_of_the_values():
    values = [1.25, 3.5, 90.0, 47.75, 12.0, 12.0]
    rows = [(who, "A", None, value) for who, value in enumerate(values)]
    rows += [(90, "A", 1, None), (91, "A", 1, float("nan"))]
    made = plan(ALL, EXACT)
    shown = run(exact_of(made, rows), made).rows[0]
    wanted = [
        statistics.variance(values),
        statistics.pvariance(values),
        statistics.stdev(values),
        statistics.pstdev(values),
        statistics.mean(values),
        sum(values),
    ]
    assert all(abs(float(a) - b) < 0.5 for a, b in zip(shown, wanted, strict=False))
    assert shown[6] == 6


def test_wide_bounds_measure_squares_in_larger_units():
    wide = dataclasses.replace(DECLARED.column("age"), clamp=Clamp(Fraction(0), Fraction(10**9)))
    made = plan("SELECT STDDEV(age)", EXACT, dataclasses.replace(DECLARED, columns=(wide,)))
    squares = made.measurements[2]
    assert squares.unit == -(-((5 * 10**8) ** 2) // (2**30 - 1))
    assert squares.sensitivity <= 3 * 2**30
    rows = [(who, "A", value, None) for who, value in enumerate([0, 10**9] * 40 + [5 * 10**8] * 20)]
    (shown,), (width,) = (
        run(exact_of(made, rows), made).rows[0],
        run(exact_of(made, rows), made).half_widths[0],
    )
    wanted = statistics.stdev([0.0, 1e9] * 40 + [5e8] * 20)
    assert abs(float(shown) - wanted) <= float(width) < 10**5


def test_half_widths_hold_in_95_of_100_answers():
    """False alarms: fewer than 1 in 10**6 runs (Hoeffding, 400 answers, slack 0.14)."""
    made = plan("SELECT VARIANCE(age), STDDEV_POP(pay)", "6")
    rows = [(who, "A", 20 + who % 90, who % 41 / 2) for who in range(600)]
    exact = exact_of(made, rows)
    truth = (
        Decimal(statistics.variance([Fraction(20 + who % 90) for who in range(600)]).__float__()),
        Decimal(statistics.pstdev([who % 41 / 2 for who in range(600)])),
    )
    inside = [0, 0]
    for _ in range(400):
        answer = run(exact, made)
        for place, (value, width) in enumerate(zip(answer.rows[0], answer.half_widths[0], strict=True)):
            inside[place] += abs(value - truth[place]) <= width
    assert min(inside) / 400 > 0.95 - 0.14


def test_a_spread_stays_within_what_the_bounds_allow():
    made = plan("SELECT VAR_POP(age), STDDEV_POP(age)", "1")
    for _ in range(50):
        variance, deviation = run([[60, 60 * 120, 60 * 51**2]], made).rows[0]
        assert variance is None or 0 <= variance <= 51**2
        assert deviation is None or 0 <= deviation <= 51


def test_a_spread_of_too_few_is_left_out_and_said():
    answer = run([[1, 40, 0]], plan("SELECT STDDEV(age)", "0.1"))
    assert (answer.rows, answer.half_widths) == (((None,),), ((None,),))
    assert answer.sentence == "No standard deviation of age can be told."
    assert answer.notes[-1].startswith("1 of 1 standard deviations of age are left out: the noisy count")


def test_the_sentence_and_what_is_kept():
    made = plan("SELECT ward, VARIANCE(age) AS v, STDDEV(age) GROUP BY ward", EXACT)
    answer = run([[100, 4000, 5000]] * 3, made)
    assert answer.sentence.startswith("Variances of age are within ±")
    assert "; standard deviations of age are within ±" in answer.sentence
    assert Answer.from_dict(json.loads(canonical(answer.to_dict()))) == answer
    assert [column.name for column in answer.columns] == ["ward", "v", "stddev_age"]


def test_the_explanation_tells_the_error_by_the_size_of_a_group():
    told = plan("SELECT VARIANCE(age), STDDEV(age)", "3").describe()
    assert json.loads(canonical(told)) == json.loads(json.dumps(told))
    variance, deviation = (output["expected_error_95"] for output in told["outputs"])
    small, large = (float(variance[f"group of {n} values"]) for n in (1_000, 10_000))
    assert 0 < large < small <= 51.5**2 * 1.01
    assert 0 < float(deviation["group of 10000 values"]) < 52
    tiny = plan("SELECT VARIANCE(age)", "0.001").describe()["outputs"][0]["expected_error_95"]
    assert set(tiny.values()) == {"no use"}


def test_the_expected_error_is_not_passed_by_answers():
    """False alarms: fewer than 1 in 10**6 runs (Hoeffding, 200 answers, slack 0.19)."""
    made = plan("SELECT VAR_POP(age)", "3")
    exact, truth = [[1000, 18 * 500 + 120 * 500, 500 * 51**2 * 2]], 51**2
    width = float(made.describe()["outputs"][0]["expected_error_95"]["group of 1000 values"])
    off = [abs(float(run(exact, made).rows[0][0]) - truth) <= width for _ in range(200)]
    assert sum(off) / 200 > 0.95 - 0.19


@pytest.mark.parametrize("function", ["VARIANCE", "VAR_POP", "STDDEV", "STDDEV_POP"])
def test_text_and_missing_bounds_are_refused(function):
    with pytest.raises(CallerError) as caught:
        plan(f"SELECT {function}(ward)")
    assert caught.value.code == "dp.sql-type"
    bare = dataclasses.replace(DECLARED, columns=())
    with pytest.raises(Refused) as caught:
        plan(f"SELECT {function}(age)", declaration=bare)
    assert (caught.value.code, "--bounds age=" in caught.value.next_step) == ("dp.undeclared", True)


def test_squares_past_64_bits_are_a_fault():
    far = SumSquares(SumValues("age", Clamp(Fraction(0), Fraction(2**40)), 0), 0, 1)
    made = dataclasses.replace(plan("SELECT COUNT(*)").aggregation, aggregates=(far,))
    with pytest.raises(Fault) as caught:
        aggregate(table([(1, "A", 1, None)]), draw_ranks(table([(1, "A", 1, None)]).column("who")), made)
    assert caught.value.code == "dp.sum-overflow"
