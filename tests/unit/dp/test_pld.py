"""Proves reports by privacy loss distributions: known figures, never below the truth, in little memory."""

from __future__ import annotations

import sys
from fractions import Fraction

import pytest

from hedgerow.kernel.accounting import admitted_more, bounds_of, compose, pld_more, zcdp_epsilon
from hedgerow.kernel.accounting.mechanisms import (
    AnyPure,
    DiscreteLaplace,
    Gaussian,
    Laplace,
    mechanisms_of,
    step_of,
)
from hedgerow.kernel.accounting.pld import pld_epsilon
from hedgerow.model.budget import (
    ApproximateEvent,
    LaplaceEvent,
    Limit,
    NonPrivateEvent,
    PureEvent,
    SampledGaussianEvent,
    ZcdpEvent,
)
from hedgerow.model.errors import Fault

DELTA = Fraction(1, 10**6)
TENTH = Fraction(1, 10)


@pytest.mark.extra
@pytest.mark.parametrize(
    ("mechanism", "count", "delta", "known"),
    [
        # Figures of dp-accounting, Opacus' PRV accountant (2.3917 for the first) and Google's PLD accountant.
        (Gaussian(Fraction("1.1"), Fraction(256, 60_000)), 14_062, Fraction(1, 10**5), 2.382),
        (Laplace(TENTH), 1000, DELTA, 18.95),
        (Gaussian(Fraction(50)), 1000, DELTA, 2.922),
    ],
)
def test_the_reference_figures_are_met_within_one_in_a_hundred(mechanism, count, delta, known):
    found = pld_epsilon({mechanism: count}, delta)
    assert abs(float(found) / known - 1) < 0.01


@pytest.mark.extra
def test_noise_that_is_not_recorded_counts_as_randomised_response():
    """1000 pure events of 0.1: more than 1000 Laplace ones, less than their sum."""
    unknown = pld_epsilon({AnyPure(TENTH): 1000}, DELTA)
    laplace = pld_epsilon({Laplace(TENTH): 1000}, DELTA)
    assert laplace < Fraction("18.96") < Fraction("19.3") < unknown < Fraction("19.4")


@pytest.mark.extra
def test_one_step_of_sensitivity_is_as_bad_as_unknown_noise_and_many_are_as_good_as_real_numbers():
    """A count of one row a person under discrete Laplace noise tells as much as randomised response."""
    one = pld_epsilon({DiscreteLaplace(TENTH, 1): 100}, DELTA)
    assert one == pld_epsilon({AnyPure(TENTH): 100}, DELTA)
    ten, many = (pld_epsilon({DiscreteLaplace(TENTH, n): 100}, DELTA) for n in (10, 999))
    smooth = pld_epsilon({Laplace(TENTH): 100}, DELTA)
    assert one > ten > many >= smooth
    assert many < smooth * Fraction("1.001")


@pytest.mark.extra
def test_a_coarser_lattice_is_never_below_and_hardly_above():
    exact = pld_epsilon({DiscreteLaplace(TENTH, 1000): 50}, DELTA)
    coarse = pld_epsilon({DiscreteLaplace(TENTH, 123_457): 50}, DELTA)
    smooth = pld_epsilon({Laplace(TENTH): 50}, DELTA)
    assert smooth <= coarse <= exact * Fraction("1.002")


@pytest.mark.extra
def test_huge_and_tiny_losses_take_no_more_than_their_sum_and_little_memory():
    huge = pld_epsilon({AnyPure(Fraction(10**6)): 3, AnyPure(Fraction(1, 2)): 1}, DELTA)
    assert 3 * 10**6 < huge <= 3 * 10**6 + Fraction(1, 2) + Fraction(1, 10**4)
    assert pld_epsilon({AnyPure(Fraction(10**6)): 3}, DELTA) == 3 * 10**6
    many = bounds_of([PureEvent(Fraction(19))] * 2000, DELTA)
    assert many.pld <= many.total.pure == 38_000
    tiny = bounds_of([PureEvent(Fraction(1, 10**6))] * 500, DELTA)
    assert tiny.pld <= tiny.total.pure
    assert bounds_of([], DELTA).pld == 0


@pytest.mark.extra
def test_events_without_a_distribution_keep_half_of_delta_for_themselves():
    events = [PureEvent(TENTH), ZcdpEvent(Fraction(1, 100)), NonPrivateEvent("R-1")]
    found = bounds_of(events, DELTA)
    assert found.pld == bounds_of(events[:1], DELTA / 2).pld + zcdp_epsilon(Fraction(1, 100), DELTA / 2)
    assert found.zcdp == zcdp_epsilon(Fraction(1, 100) + TENTH**2 / 2, DELTA)
    assert found.total.releases == {"R-1"}


@pytest.mark.extra
def test_what_pld_would_admit_is_more_than_what_is_admitted_and_still_within():
    event = LaplaceEvent.of([(6, TENTH / 2), (5000, TENTH / 2)])
    history = [event] * 10
    limit = Limit(Fraction(4))
    admitted = admitted_more(limit, compose(history), event)
    wished = pld_more(limit.epsilon, history, event, DELTA)
    assert admitted == 30
    assert wished > 2 * admitted
    assert bounds_of([*history, *[event] * wished], DELTA).pld <= limit.epsilon
    assert bounds_of([*history, *[event] * (wished * 11 // 10)], DELTA).pld > limit.epsilon


def test_a_record_is_accounted_as_no_more_than_it_says():
    assert mechanisms_of(PureEvent(TENTH)) == (AnyPure(TENTH),)
    parts = [(6, TENTH), (900, TENTH)]
    assert mechanisms_of(LaplaceEvent.of(parts)) == tuple(DiscreteLaplace(e, n) for n, e in parts)
    assert mechanisms_of(ZcdpEvent(TENTH)) == mechanisms_of(NonPrivateEvent("R")) == ()
    assert mechanisms_of(PureEvent(Fraction(0))) == ()


@pytest.mark.parametrize("runs", [{}, {AnyPure(Fraction(7, 61)): 2}])
def test_a_missing_package_ends_with_the_line_that_installs_it(monkeypatch, runs):
    monkeypatch.setitem(sys.modules, "dp_accounting.pld", None)
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(Fault) as missing:
        pld_epsilon(runs, DELTA)
    assert missing.value.code == "extra.missing"
    assert missing.value.row.exit == 7
    assert "hedgerow[dp]" in missing.value.next_step


def sampled(steps=59, distance=Fraction(1, 10**25), epsilon=2):
    run = SampledGaussianEvent(Fraction(epsilon), Fraction(1, 20), Fraction(7, 4), steps, distance)
    return ApproximateEvent(run, DELTA)


@pytest.mark.extra
def test_sampled_runs_are_accounted_together_by_their_noise():
    """Two runs cost hardly more than one, beside other uses; as charged they would have no bound at all."""
    one, two = (bounds_of([sampled()] * count, 2 * DELTA).pld for count in (1, 2))
    assert one < 2
    assert one < two < Fraction(3, 2) * one
    assert bounds_of([sampled()] * 5, DELTA).pld < 5
    assert bounds_of([sampled()] * 5, DELTA).zcdp is None
    beside = bounds_of([sampled(), PureEvent(TENTH)], 2 * DELTA).pld
    assert one < beside <= one + TENTH
    both = pld_epsilon({step_of(sampled().event): 59}, 2 * DELTA)
    assert both <= one <= both + Fraction(1, 1000)


@pytest.mark.extra
def test_noise_that_was_drawn_too_far_from_real_is_accounted_as_it_was_charged():
    assert bounds_of([sampled(distance=Fraction(1, 1000))], DELTA).pld is None
    assert bounds_of([sampled(distance=Fraction(1, 1000))], 2 * DELTA).pld >= Fraction(1999999, 10**6)
