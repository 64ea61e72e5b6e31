"""Proves the curve on data frames: it reads no value, equals what plans say, names what it cannot know."""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa
import pytest

from hedgerow import dp
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_query.curve import curve_of, spread

FRAME = pa.table({"who": [1, 2], "ward": ["A", "B"], "age": [30, 40]})
DECLARED = dp.declare(max_rows=2, bounds={"age": (0, 120)}, keys={"ward": ["A", "B"]})
SQL = "SELECT ward, COUNT(*), SUM(age) GROUP BY ward"


def drawn(sql=SQL, **more):
    return dp.curve(FRAME, sql, person="who", declaration=DECLARED, **more)


def test_each_point_is_what_the_plan_says():
    told = drawn(epsilons=["0.5", 2])
    assert told["epsilons"] == ["0.5", "2"]
    for place, epsilon in enumerate(told["epsilons"]):
        plan = dp.explain(FRAME, SQL, person="who", declaration=DECLARED, epsilon=epsilon)
        said = [output["expected_error_95"] for output in plan["outputs"] if output["kind"] != "key"]
        assert [output["half_widths_95"][place] for output in told["outputs"]] == said


def test_no_value_is_read():
    other = pa.table({"who": [7], "ward": ["Z"], "age": [999]})
    assert dp.curve(other, SQL, person="who", declaration=DECLARED) == drawn()


def test_an_epsilon_whose_noise_passes_64_bits_has_no_point():
    told = drawn("SELECT SUM(age)", epsilons=["1e-12", "1"])
    assert [width is None for width in told["outputs"][0]["half_widths_95"]] == [False, False]
    wide = dp.declare(max_rows=1000, bounds={"age": (0, 10**6)})
    (total,) = dp.curve(FRAME, "SELECT SUM(age)", person="who", declaration=wide, epsilons=["1e-12", "1"])[
        "outputs"
    ]
    assert [width is None for width in total["half_widths_95"]] == [True, False]


@pytest.mark.parametrize(
    ("told", "given", "width", "unknown"),
    [
        ("12.5", "", "12.5", []),
        ({"few": "no use", "some": "3", "many": "1"}, "some", "3", []),
        ({"few": "no use", "some": "no use", "many": "1"}, "some", None, []),
        ("it depends on the values", None, None, ["it"]),
        (None, None, None, ["it"]),
        ({}, None, None, ["it"]),
    ],
)
def test_what_is_not_known_before_data_is_named(told, given, width, unknown):
    plan = {
        "outputs": [
            {"name": "ward", "kind": "key"},
            {"name": "it", "kind": "quantile", "expected_error_95": told},
        ]
    }
    found = curve_of([Fraction(1)], [plan])
    outputs = [] if given is None else [{"name": "it", "given": given, "half_widths_95": [width]}]
    assert (found["outputs"], found["unknown"]) == (outputs, unknown)


@pytest.mark.parametrize("epsilon", [0, -1, float("nan"), float("inf"), "1e9", "much", None])
def test_an_epsilon_that_is_none_is_refused(epsilon):
    with pytest.raises(CallerError) as refused:
        drawn(epsilons=[1, epsilon])
    assert refused.value.code == "budget.not-a-number"


@pytest.mark.parametrize("epsilons", [[], range(1, 52)])
def test_so_many_points_are_refused(epsilons):
    with pytest.raises(CallerError) as refused:
        drawn(epsilons=epsilons)
    assert refused.value.code == "dp.curve-points"


def test_what_cannot_be_bounded_is_refused():
    with pytest.raises(Refused) as refused:
        drawn("SELECT SUM(who)")
    assert refused.value.code.startswith("dp.")
    assert spread(["1", 1.0, Fraction(1)]) == [1]
