"""The filter never admits past its limit, forgets no event, and rounds to the safe side."""

from __future__ import annotations

import math
import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel.accounting import (
    admits,
    admitted_more,
    bounds_of,
    compose,
    epsilon_of,
    remaining,
    rho_within,
    zcdp_epsilon,
)
from hedgerow.kernel.accounting.mechanisms import mechanisms_of
from hedgerow.kernel.accounting.pld import pld_epsilon
from hedgerow.model.budget import LaplaceEvent, Limit, NonPrivateEvent, PureEvent, ZcdpEvent

amount = st.fractions(min_value=0, max_value=3, max_denominator=10**6)
pure = st.builds(PureEvent, amount)
part = st.tuples(st.sampled_from([1, 6, 40, 9_000_000]), st.fractions(Fraction(1, 1000), 1))
laplace = st.lists(part, min_size=1, max_size=3).map(LaplaceEvent.of)
event = st.one_of(
    pure, laplace, st.builds(ZcdpEvent, amount), st.builds(NonPrivateEvent, st.sampled_from(["R1", "R2"]))
)
delta = st.sampled_from([Fraction(0), Fraction(1, 10**6), Fraction(1, 10**12), Fraction(1, 3)])
limit = st.builds(Limit, st.fractions(min_value=0, max_value=12, max_denominator=1000), delta)


@settings(max_examples=50, deadline=None)
@given(limit, st.lists(event, max_size=12))
def test_what_was_admitted_never_passes_the_limit(limit, events):
    admitted = []
    for one in events:
        if admits(limit, admitted, one):
            admitted.append(one)
    private = [one for one in admitted if not isinstance(one, NonPrivateEvent)]
    bound = epsilon_of(compose(private), limit.delta)
    assert bound is not None
    assert bound <= limit.epsilon


@settings(max_examples=50, deadline=None)
@given(limit, st.lists(event, max_size=10), event, st.randoms(use_true_random=False))
def test_order_does_not_matter(limit, events, new, shuffler: random.Random):
    mixed = list(events)
    shuffler.shuffle(mixed)
    assert compose(mixed) == compose(events)
    assert admits(limit, mixed, new) == admits(limit, events, new) == admits(limit, compose(events), new)
    assert remaining(limit, mixed) == remaining(limit, events)


@settings(max_examples=50, deadline=None)
@given(limit, st.lists(event, max_size=8), event)
def test_more_spending_never_makes_room(limit, events, new):
    assert remaining(limit, [*events, new]) <= remaining(limit, events)


@settings(max_examples=50, deadline=None)
@given(limit, st.lists(event, max_size=8))
def test_what_remains_fits_and_hardly_more_does(limit, events):
    left = remaining(limit, events)
    assert left >= 0
    if left > 0:
        assert admits(limit, events, PureEvent(left))
    if limit.delta == 0:
        assert not admits(limit, events, PureEvent(left + Fraction(1, 10**30)))
    else:
        assert not admits(limit, events, PureEvent(left + Fraction(1, 10**6)))


@settings(max_examples=50, deadline=None)
@given(
    st.fractions(min_value=Fraction(1, 10**12), max_value=1000),
    st.sampled_from([Fraction(1, 10**6), Fraction(1, 3), Fraction(1, 10**300)]),
)
def test_rounding_never_under_counts(rho, delta):
    from decimal import Context, Decimal

    fine = Context(prec=120)
    log = fine.ln(fine.divide(Decimal(delta.denominator), Decimal(delta.numerator)))
    exact = fine.divide(Decimal(rho.numerator), Decimal(rho.denominator))
    true = rho + 2 * Fraction(fine.sqrt(fine.multiply(exact, log))) * (1 - Fraction(1, 10**100))
    assert zcdp_epsilon(rho, delta) >= true
    assert zcdp_epsilon(rho_within(rho, delta), delta) <= rho


@settings(max_examples=50, deadline=None)
@given(limit, st.lists(event, max_size=8), st.one_of(pure.filter(lambda e: e.epsilon > 0), laplace))
def test_as_many_more_are_each_admitted_as_foreseen_and_the_next_is_not(limit, events, new):
    count = admitted_more(limit, events, new)
    spent = compose(events)
    for number in (0, count // 2, count - 1):
        if 0 <= number < count:
            assert admits(limit, spent.plus(new, number) if number else spent, new)
    assert not admits(limit, spent.plus(new, count) if count else spent, new)


@settings(max_examples=50, deadline=None)
@given(laplace, st.integers(1, 9))
def test_noise_that_is_recorded_changes_no_sum(one, times):
    total = compose([one] * times)
    assert total.pure == compose([PureEvent(one.epsilon)] * times).pure
    assert total == compose([]).plus(one, times)
    assert total.pure_rho == compose(PureEvent(e) for _, e in one.parts * times).pure_rho


@pytest.mark.extra
@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.one_of(pure, laplace), min_size=1, max_size=5),
    st.integers(1, 30),
    st.sampled_from([Fraction(1, 10**9), Fraction(1, 10**6), Fraction(1, 1000)]),
)
def test_what_the_filter_admits_never_passes_the_limit_by_pld_either(events, times, chance):
    """The raw figure may pass the sum by the grid's 1e-4 a run, what is reported by nothing."""
    history = events * times
    total = compose(history)
    assert admits(Limit(total.pure), history[:-1], history[-1])
    runs = Counter(each for one in history for each in mechanisms_of(one))
    raw = pld_epsilon(runs, chance)
    grid = sum(runs.values()) * Fraction(1, 10**4)
    assert raw is None or raw <= total.pure + grid
    reported = bounds_of(history, chance)
    assert reported.pld <= total.pure
    assert bounds_of(history[1:], chance).pld <= reported.pld + grid


@pytest.mark.extra
@settings(max_examples=10, deadline=None)
@given(st.lists(st.fractions(min_value=Fraction(1, 100), max_value=1), min_size=1, max_size=6))
def test_no_sum_is_below_what_dp_accounting_finds(epsilons):
    """The PLD accountant is tighter than sums; it must never be above them."""
    accounting = pytest.importorskip("dp_accounting")
    accountant = accounting.pld.PLDAccountant()
    for epsilon in epsilons:
        accountant.compose(accounting.LaplaceDpEvent(1 / float(epsilon)))
    total = compose(PureEvent(epsilon) for epsilon in epsilons)
    for chance in (Fraction(1, 10**6), Fraction(1, 10**3)):
        bound = epsilon_of(total, chance)
        assert accountant.get_epsilon(float(chance)) <= float(bound) + 1e-3


def test_the_limit_is_not_crossed_by_a_float():
    """Ten times 0.1 in floats is below 1; exactly it is 1 and an eleventh crumb does not fit."""
    assert math.fsum([0.1] * 10) == 1.0
    spent = [PureEvent(Fraction(1, 10))] * 10
    assert not admits(Limit(Fraction(1)), spent, PureEvent(Fraction(1, 10**40)))
