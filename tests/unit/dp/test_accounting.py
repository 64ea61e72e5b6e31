"""Composition and the filter: published values, hand-made cases and budgets as values."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from hedgerow.kernel.accounting import (
    Budget,
    admits,
    compose,
    epsilon_of,
    remaining,
    rho_within,
    zcdp_epsilon,
)
from hedgerow.model.budget import (
    Limit,
    NonPrivateEvent,
    PureEvent,
    ZcdpEvent,
    checked_epsilon,
    parse_delta,
    parse_exact,
    show_exact,
    show_left,
)
from hedgerow.model.errors import CallerError, Refused

DELTA = Fraction(1, 10**6)


def test_pure_events_add_up_to_the_last_digit():
    events = [PureEvent(Fraction(1, 10))] * 10
    limit = Limit(Fraction(1))
    assert admits(limit, events[:9], events[9])
    assert not admits(limit, events, PureEvent(Fraction(1, 10**30)))
    assert remaining(limit, events[:9]) == Fraction(1, 10)


def test_one_thousand_laplace_as_zcdp_matches_the_known_value():
    """1000 x epsilon 0.1 at delta 1e-6: rho 5 and epsilon 5 + 2 sqrt(5 ln 1e6) = 21.6226."""
    total = compose([PureEvent(Fraction(1, 10))] * 1000)
    assert total.pure_rho == 5
    bound = epsilon_of(total, DELTA)
    assert bound is not None
    assert math.isclose(float(bound), 5 + 2 * math.sqrt(5 * math.log(10**6)), rel_tol=1e-12)
    assert epsilon_of(total) == 100


def test_conversion_is_above_the_true_value_at_more_digits():
    from decimal import Decimal, getcontext, localcontext

    with localcontext(getcontext()) as context:
        context.prec = 200
        rho, log = Decimal(3) / 7, Decimal(10**6).ln()
        true = Fraction(rho + 2 * (rho * log).sqrt())
    bound = zcdp_epsilon(Fraction(3, 7), DELTA)
    assert true < bound < true * (1 + Fraction(1, 10**40))


def test_zcdp_never_fits_a_pure_limit():
    assert not admits(Limit(Fraction(100)), [], ZcdpEvent(Fraction(1, 10**9)))
    assert epsilon_of(compose([ZcdpEvent(Fraction(1))])) is None


def test_mixed_events_use_the_zcdp_of_pure_ones():
    total = compose([PureEvent(Fraction(1)), ZcdpEvent(Fraction(1, 2))])
    assert epsilon_of(total, DELTA) == zcdp_epsilon(Fraction(1), DELTA)


def test_rho_within_is_close_and_below():
    rho = rho_within(Fraction(4), DELTA)
    assert zcdp_epsilon(rho, DELTA) <= 4
    assert zcdp_epsilon(rho * (1 + Fraction(1, 10**6)), DELTA) > 4


def test_non_private_releases_are_named_and_may_be_forbidden():
    event = NonPrivateEvent("R1")
    assert admits(Limit(Fraction(0)), [], event)
    assert not admits(Limit(Fraction(4), dp_only=True), [], event)
    total = compose([event, PureEvent(Fraction(1)), NonPrivateEvent("R2"), event])
    assert total.releases == {"R1", "R2"}
    assert total.pure == 1


def test_nothing_is_ever_given_back():
    with pytest.raises(ValueError, match="never negative"):
        compose([PureEvent(Fraction(-1))])
    with pytest.raises(ValueError, match="never negative"):
        compose([ZcdpEvent(Fraction(-1))])


@pytest.mark.parametrize(
    "bad",
    [
        "0",
        "-1",
        "nan",
        "sNaN",
        "inf",
        "-inf",
        "1e9",
        "",
        "x",
        "1/2",
        "1e-13",
        "0." + "1" * 100,
        "1e999999999",
    ],
)
def test_text_that_is_no_epsilon_is_refused(bad):
    with pytest.raises(CallerError) as caught:
        parse_exact(bad, "--epsilon")
    assert caught.value.code == "budget.not-a-number"


@pytest.mark.parametrize(
    "bad",
    [
        0,
        -1,
        10**9,
        float("nan"),
        float("inf"),
        1e9,
        True,
        None,
        [],
        Fraction(0),
        Fraction(-1),
        Fraction(10**9),
    ],
)
def test_values_that_are_no_epsilon_are_refused(bad):
    with pytest.raises(CallerError):
        checked_epsilon(bad)


def test_a_float_means_the_decimal_it_prints():
    assert checked_epsilon(0.1) == Fraction(1, 10)
    assert checked_epsilon("0.1") == checked_epsilon(Fraction(1, 10))


@pytest.mark.parametrize(("epsilon", "delta"), [(-1, 0), (1, -1), (1, 1), (1, 2)])
def test_limits_that_mean_nothing_are_refused(epsilon, delta):
    with pytest.raises(CallerError) as caught:
        Limit(Fraction(epsilon), Fraction(delta))
    assert caught.value.code == "budget.bad-limit"


def test_a_budget_is_a_value_and_refuses_with_exit_5():
    whole = Budget.of("1")
    half = whole.spend(PureEvent(Fraction(1, 2)))
    assert (whole.left, half.left) == (1, Fraction(1, 2))
    with pytest.raises(Refused) as caught:
        half.spend(PureEvent(Fraction(2, 3)))
    assert caught.value.row.exit == 5
    assert "0.5 of 1" in caught.value.message
    with pytest.raises(CallerError):
        Budget.of("1", "nonsense")
    with pytest.raises(Refused):
        half.spend(ZcdpEvent(Fraction(1)))


def test_shown_spending_is_rounded_up_and_what_is_left_down():
    third = Fraction(1, 3)
    assert Fraction(show_exact(third)) > third > Fraction(show_left(third))
    assert show_left(Fraction(-1)) == "0"


def test_a_whole_number_of_any_length_is_refused_without_being_printed():
    with pytest.raises(CallerError):
        checked_epsilon(10**5000)


@pytest.mark.parametrize(
    "text", ["0", "1", "1.5", "-1e-6", "nan", "inf", "1e-13", "small", "", "1e-999999999"]
)
def test_a_delta_that_is_none_is_refused(text):
    with pytest.raises(CallerError) as refused:
        parse_delta(text)
    assert refused.value.code == "budget.bad-delta"


def test_a_delta_is_read_exactly():
    assert parse_delta("1e-12") == Fraction(1, 10**12)
    assert parse_delta("0.3") == Fraction(3, 10)
