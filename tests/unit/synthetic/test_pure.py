"""Proves synthesis in pure epsilon: Laplace noise and choices that add up to it, and no delta at all.

Neighbours: the attacker knows everybody but one and reads a count. A pure epsilon bounds the chances of any
sight on two neighbours by a factor of ``e**epsilon``; Chernoff's inequality bounds chances at 1e-9 each.
Power: 4,000 answers refute noise of half its width, and three rows of a person where one was paid for.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.synthetic.household import COLUMNS, DECLARED, KINDS, people
from tests.unit.synthetic.test_relational import household, pair

from hedgerow.model.budget import PureEvent
from hedgerow.model.errors import CallerError, Refused
from hedgerow.synthetic import Budget, declare, synthesise
from hedgerow.techniques.synthetic import making, spending
from hedgerow.techniques.synthetic.coding import bounded_rows, coded
from hedgerow.techniques.synthetic.fidelity import fidelity_of
from hedgerow.techniques.synthetic.making import make
from hedgerow.techniques.synthetic.plan import plan_synthesis, wish_of


def plan(columns=COLUMNS, epsilon="1", rows=100, **more):
    return plan_synthesis(wish_of(columns, rows, epsilon, "0", **more), DECLARED, KINDS, "visits")


def codes(table, made_plan):
    return coded(table, made_plan.columns)[bounded_rows(table.column("who"), made_plan.max_rows)]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.decimals("0.001", 20, places=3), st.sampled_from([None, "0.1", "2"]))
def test_the_parts_add_up_to_the_epsilon_and_no_delta(width, epsilon, check):
    made = plan(COLUMNS[:width], epsilon=epsilon, check_epsilon=check)
    parts = width * made.loss_alone + made.rounds * (made.loss_choice + made.loss_together) * (width > 1)
    assert parts == made.loss == Fraction(epsilon)
    assert made.cost == PureEvent(Fraction(epsilon) + (Fraction(check or 0) if width > 1 else 0))


def watched(monkeypatch):
    """Hold each draw against what it may cost, by the formulas themselves."""
    paid, real = [], {name: getattr(spending, name) for name in ("add_laplace", "choose")}

    def laplace(values, reach, loss, scale):
        assert Fraction(reach) <= loss * Fraction(scale)
        paid.append((reach, loss))
        return real["add_laplace"](values, reach, loss, scale)

    def choice(scores, reach, loss, scale):
        assert 2 * Fraction(reach) <= loss * Fraction(scale)
        paid.append((reach, loss))
        return real["choose"](scores, reach, loss, scale)

    def never(*_):
        raise AssertionError("noise that has no pure epsilon")

    monkeypatch.setattr(spending, "add_laplace", laplace)
    monkeypatch.setattr(spending, "choose", choice)
    for name in ("add_gaussian", "prefer"):
        monkeypatch.setattr(spending, name, never)
    return paid


@pytest.mark.parametrize("check", [None, "0.5"])
def test_all_noise_that_is_drawn_is_paid_for_exactly(monkeypatch, check):
    paid, wanted = watched(monkeypatch), plan(check_epsilon=check)
    make(codes(people(rows=2), wanted), wanted)
    assert sum(loss for _, loss in paid) == wanted.cost.epsilon
    assert len(paid) == 5 + 5 + 5 + (check is not None)
    assert all(reach >= wanted.max_rows for reach, _ in paid)
    if check:
        assert paid[-1] == (wanted.max_rows * 10, Fraction(check)), "ten pairs, in L1"


def test_a_pair_of_tables_is_paid_for_exactly(monkeypatch):
    paid = watched(monkeypatch)
    made, left = pair(*household(200), epsilon="1", count=50, budget=Budget.of("3"), delta=None)
    assert sum(loss for _, loss in paid) == left.spent.pure == 1
    assert left.left == 2
    assert [reach for reach, _ in paid[-6:]] == [4] * 6
    assert made.label.startswith("synthetic, differentially private at epsilon 1 with no delta together;")


def test_a_budget_without_a_delta_is_paid_in_pure_epsilon_unless_a_delta_is_asked_for():
    asked = {
        "person": "who", "columns": ["ward", "smoker"], "declaration": DECLARED, "rows": 50, "epsilon": "1",
    }  # fmt: skip
    made, left = synthesise(people(100), **asked, budget=Budget.of("1.5"))
    assert left.left == Fraction(1, 2)
    assert made.label.startswith("synthetic, differentially private at epsilon 1 with no delta; unit person")
    _, left = synthesise(people(100), **asked, budget=Budget.of("1.5", "1e-6"), delta=0)
    assert left.spent.pure == 1
    _, left = synthesise(people(100), **asked, budget=Budget.of("1.5", "1e-6"))
    assert left.spent.pure == 0 < left.spent.rho
    with pytest.raises(Refused) as refused:
        synthesise(people(100), **asked, budget=Budget.of("1.5"), delta="1e-9")
    assert refused.value.code == "dp.budget-no-delta"


def test_the_plan_says_the_noise_and_its_error_before_anything_is_spent():
    told = plan(check_epsilon="0.5").describe()
    assert (
        told["noise"] == "discrete Laplace, choices by permute and flip; a pure epsilon, which takes no delta"
    )
    assert told["cost"] == [
        "epsilon 1 for the table", "epsilon 0.5 for the comparison", "together epsilon 1.5 with no delta",
    ]  # fmt: skip
    # A count of one column: three rows of a person, a fifth of 1 over five columns; 95% of Laplace noise.
    scale = 3 / (1 / 5 / 5)
    assert f"5 columns alone, each count ± {math.ceil(scale * math.log(20))}" in told["measurements"][0]
    assert told["label"] == "synthetic, differentially private at epsilon 1 with no delta; unit person"


def test_the_stated_error_holds_for_19_counts_of_20(monkeypatch):
    wanted = plan(("ward", "smoker"))
    noisy = making._noisy(np.zeros(4_000, dtype=np.int64), (0,), wanted, wanted.loss_alone).counts
    half = float(wanted.spending.half_width(wanted.max_rows, wanted.loss_alone))
    # 7 deviations of a count of 4,000 at 0.95: fewer than 1 sound run of 10**11 fails.
    assert np.mean(np.abs(noisy) <= half) == pytest.approx(0.95, abs=7 * 0.0035)
    assert np.abs(noisy).mean() == pytest.approx(float(wanted.spending.mean) * wanted.scale_alone, rel=0.13)


def test_the_report_states_the_same_error():
    wanted = plan(rows=200)
    told = fidelity_of(make(codes(people(200), wanted), wanted), wanted)
    half = float(wanted.spending.half_width(wanted.max_rows, wanted.loss_alone))
    assert told["noise"].startswith("discrete Laplace")
    assert float(told["measured"][0]["half_width_95"]) == pytest.approx(half, abs=0.1)


ANSWERS, ALARM = 4_000, 1e-9


def bound(seen, towards):
    """Bisect for the farthest chance that what was seen does not contradict."""
    near, far = seen, towards
    for _ in range(50):
        middle = (near + far) / 2
        parts = ((seen, middle), (1 - seen, 1 - middle))
        divergence = sum(p * math.log(p / q) if q > 0 else math.inf for p, q in parts if p > 0)
        near, far = (middle, far) if ANSWERS * divergence <= math.log(1 / ALARM) else (near, middle)
    return far


def is_refuted(rows_of_one, width=1):
    """Read a count of a column on two neighbours, and tell whether it costs more than said."""
    wanted = plan_synthesis(
        wish_of(("smoker",), 10, "2", "0"), declare(max_rows=1), KINDS, "small"
    )  # one column takes the whole epsilon
    narrow = wanted.loss_alone * width
    seen = []
    for exact in (20 + rows_of_one, 20):
        noisy = making._noisy(np.full(ANSWERS, exact), (0,), wanted, narrow).counts
        seen.append(float(np.mean(noisy > 19 + rows_of_one)))
    least, most = bound(seen[0], 0.0), bound(seen[1], 1.0)
    return math.log(least / most) > float(wanted.cost.epsilon)


def test_whether_one_person_was_in_is_told_no_better_than_paid_for():
    assert not is_refuted(1)


def test_noise_of_half_its_width_and_rows_beyond_the_bound_are_refuted():
    assert is_refuted(1, 2)
    assert is_refuted(3)


@pytest.mark.parametrize("epsilon", ["1e-12"])
def test_an_epsilon_that_leaves_nothing_is_refused(epsilon):
    with pytest.raises(Refused) as refused:
        plan_synthesis(wish_of(COLUMNS, 10, epsilon, 0), DECLARED, KINDS, "visits")
    assert refused.value.code == "synth.too-little"


def test_a_delta_below_what_is_sensible_is_no_pure_epsilon():
    with pytest.raises(CallerError, match="delta"):
        wish_of(COLUMNS, 10, "1", "1e-13")
