"""Proves Gaussian noise in queries: its L2 sensitivity, its exact cost in rho, its error, who refuses it."""

from __future__ import annotations

import math
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.world import COLUMNS, DECLARED

from hedgerow import dp
from hedgerow.kernel.accounting import Budget
from hedgerow.kernel.noise import gaussian_half_width, gaussian_scale, l2_bound
from hedgerow.model.answers import Answer
from hedgerow.model.budget import ZcdpEvent
from hedgerow.model.contribution import Contribution
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_query import plan_query, run
from hedgerow.techniques.dp_query.price import Price

RHO = Fraction(1, 100)
SQL = "SELECT ward, COUNT(*), SUM(age), COUNT(DISTINCT who) GROUP BY ward"


def planned(sql=SQL, rho=RHO, declaration=DECLARED):
    return plan_query(sql, declaration, COLUMNS, Price(rho=rho), "visits", ("who",), "who")


def test_the_cost_is_an_exact_zcdp_event_split_in_equal_shares():
    made = planned()
    assert made.cost == ZcdpEvent(RHO)
    assert [m.rho for m in made.measurements] == [RHO / 3] * 3
    assert {m.epsilon for m in made.measurements} == {None}


def test_the_scale_rests_on_the_l2_sensitivity_and_the_share():
    count, total, people = planned().measurements
    assert (count.square, total.square, people.square) == (3**2, (3 * 120) ** 2, 3)
    for one in (count, total, people):
        least = Fraction(one.square) / (2 * one.rho)
        assert least <= Fraction(one.scale) ** 2 <= least * (1 + Fraction(1, 2**40))


def brute(bounds, groups):
    """List every way the rows of one person can lie in groups, and take the largest sums."""
    ways = [()]
    for _ in range(groups):
        ways = [(*way, more) for way in ways for more in range(bounds.max_rows + 1)]
    most_groups = bounds.max_groups or groups
    most_each = bounds.max_rows_per_group or bounds.max_rows
    held = [
        way
        for way in ways
        if sum(way) <= bounds.max_rows and max(way) <= most_each and sum(map(bool, way)) <= most_groups
    ]
    counts = [sum(map(bool, way)) for way in held]
    return max(map(sum, held)), max(sum(n**2 for n in way) for way in held), max(counts)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 5),
    st.one_of(st.none(), st.integers(1, 4)),
    st.one_of(st.none(), st.integers(1, 5)),
    st.integers(1, 3),
)
def test_sensitivities_are_the_largest_over_every_way_rows_can_lie(rows, groups, each, there_are):
    bounds = Contribution(rows, groups, each)
    told = bounds.rows(there_are), bounds.square(there_are), bounds.groups(there_are)
    assert told == brute(bounds, there_are)


@pytest.mark.parametrize("square", [1, 2, 3, 9, 10**18 + 1, 2**126 - 1])
def test_a_root_is_never_too_small(square):
    root = l2_bound(square)
    assert square <= root**2 <= square * (1 + Fraction(1, 10**50))


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.7, 25.0])
@pytest.mark.parametrize("confidence", [Fraction(95, 100), Fraction(975, 1000)])
def test_the_half_width_holds_what_it_says(scale, confidence):
    weights = {k: math.exp(-(k**2) / (2 * scale**2)) for k in range(-400, 401)}
    width = gaussian_half_width(scale, confidence)
    inside = sum(w for k, w in weights.items() if abs(k) <= width) / sum(weights.values())
    closer = sum(w for k, w in weights.items() if abs(k) <= width - 2) / sum(weights.values())
    assert inside >= confidence > closer


def test_a_quantile_is_charged_as_the_rho_of_its_epsilon():
    made = planned("SELECT MEDIAN(age), COUNT(*)")
    (choice,) = made.choices
    assert made.cost == ZcdpEvent(RHO)
    assert 0 < RHO / 2 - choice.epsilon**2 / 2 < Fraction(1, 10**40)


def test_the_error_of_many_numbers_grows_with_their_root_and_with_laplace_noise_with_their_number():
    many = "SELECT " + ", ".join(f'COUNT("{name}")' for name in COLUMNS)

    def width(sql, price):
        return plan_query(sql, DECLARED, COLUMNS, price, "visits", ("who",), "who").measurements[0].half_width

    prices = Price(rho=RHO), Price(Fraction(1, 9))
    grown = [width(many, price) / width("SELECT COUNT(age)", price) for price in prices]
    assert grown[0] < 2.9
    assert grown[1] > 7.5


def test_the_answer_says_what_it_cost_and_is_read_back():
    made = planned()
    answer = run([[0] * 3] * 3, made)
    assert (answer.epsilon, answer.rho) == (None, RHO)
    told = answer.to_dict()
    assert told["rho"] == "1/100"
    assert "epsilon" not in told
    assert Answer.from_dict(told) == answer
    assert "discrete Gaussian" in answer.mechanism
    (cost,) = [note for note in answer.notes if "rho" in note]
    assert cost.startswith("It costs rho 0.01 (zero-concentrated)")
    assert "0.754 but for a chance of 1e-6" in cost


def test_the_explanation_tells_rho_and_l2():
    told = planned().describe()
    assert told["rho"] == "0.01"
    assert "epsilon" not in told
    assert told["split"] == "equal shares: 3 x 0.003333333334"
    count, _, people = told["measurements"]
    assert (count["sensitivity_l2_steps"], people["sensitivity_l2_steps"]) == ("3", "1.732051")
    assert count["rho"] == "0.003333333334"


FRAME = pa.table({"who": [1, 1, 2], "age": [30, 40, 50]})
OWN = dp.declare(max_rows=2, bounds={"age": (0, 120)})


def test_a_data_frame_pays_rho_from_a_budget_with_a_delta():
    budget = Budget.of(1, "1e-6")
    answer, left = dp.query(
        FRAME, "SELECT COUNT(*)", person="who", declaration=OWN, rho="0.01", budget=budget
    )
    assert left.spent.rho == RHO
    assert left.left < budget.left
    assert answer.rho == RHO


def test_a_budget_without_a_delta_refuses_gaussian_noise_and_says_what_to_do():
    with pytest.raises(Refused) as caught:
        dp.query(FRAME, "SELECT COUNT(*)", person="who", declaration=OWN, rho=1, budget=Budget.of(100))
    assert caught.value.code == "dp.budget-no-delta"
    assert "Budget.of(4, '1e-6')" in caught.value.next_step


@pytest.mark.parametrize("given", [{}, {"epsilon": 1, "rho": 1}])
def test_a_query_has_one_price(given):
    with pytest.raises(CallerError) as caught:
        dp.explain(FRAME, "SELECT COUNT(*)", person="who", declaration=OWN, **given)
    assert caught.value.code == "dp.one-price"


def test_the_curve_of_rhos_is_what_the_plans_say():
    told = dp.curve(FRAME, "SELECT COUNT(*)", person="who", declaration=OWN, rhos=["0.01", 1])
    assert told["rhos"] == ["0.01", "1"]
    widths = [gaussian_half_width(gaussian_scale(2, Fraction(rho))) for rho in ("0.01", "1")]
    assert told["outputs"][0]["half_widths_95"] == [str(width) for width in widths]
