"""Proves the chances by counting every division, every outcome: test, interval and power are exact."""

from __future__ import annotations

import itertools
import math

import pytest

from hedgerow.kernel.attacks.chances import (
    POWER,
    binomial_tail,
    detectable,
    excess,
    exchanged_chance,
    interval,
)


@pytest.mark.parametrize(("members", "controls", "total"), [(4, 5, 3), (6, 3, 4), (5, 5, 0), (3, 4, 7)])
def test_the_test_counts_every_division_of_the_people(members, controls, total):
    people = [True] * total + [False] * (members + controls - total)
    divisions = [sum(chosen) for chosen in itertools.combinations(people, members)]
    for right in range(max(0, total - controls), min(members, total) + 1):
        expected = sum(each >= right for each in divisions) / len(divisions)
        assert exchanged_chance(right, members, total - right, controls) == pytest.approx(expected)


@pytest.mark.parametrize("chance", [0.0, 0.03, 0.5, 0.9, 1.0])
def test_the_tail_is_the_sum_of_its_outcomes(chance):
    for least in range(12):
        terms = (math.comb(10, k) * chance**k * (1 - chance) ** (10 - k) for k in range(least, 11))
        assert binomial_tail(least, 10, chance) == pytest.approx(sum(terms), abs=1e-12)


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.3, 0.5, 0.77, 0.999])
def test_an_interval_holds_as_often_as_it_says(rate):
    bounds = [interval(right, 15, 0.05) for right in range(16)]
    held = sum(
        math.comb(15, right) * rate**right * (1 - rate) ** (15 - right)
        for right, (low, high) in enumerate(bounds)
        if low <= rate <= high
    )
    assert held >= 0.95


def test_an_interval_of_nothing_says_nothing():
    assert interval(0, 0, 0.05) == (0.0, 1.0)


def test_bounds_of_the_excess_enclose_it_and_stay_between_0_and_1():
    for right, base in itertools.product(range(0, 21, 4), range(0, 11, 2)):
        low, high = excess(right, 20, base, 10, 0.05)
        found = max(0.0, (right / 20 - base / 10) / (1 - base / 10)) if base < 10 else 0.0
        assert 0 <= low <= found <= high <= 1 or base == 10


@pytest.mark.parametrize(("base", "risk"), [(0.1, 0.0), (0.4, 0.3), (0.02, 0.9)])
def test_bounds_of_the_excess_hold_as_often_as_they_say(base, risk):
    rate, members, controls = base + risk * (1 - base), 9, 7
    held = 0.0
    for right, other in itertools.product(range(members + 1), range(controls + 1)):
        low, high = excess(right, members, other, controls, 0.05)
        chance = math.comb(members, right) * rate**right * (1 - rate) ** (members - right)
        chance *= math.comb(controls, other) * base**other * (1 - base) ** (controls - other)
        held += chance * (low <= risk <= high)
    assert held >= 0.95


def test_a_risk_called_detectable_is_seen_as_often_as_it_says():
    members, base, controls, level = 40, 6, 30, 0.01
    risk = detectable(members, base, controls, level)
    rate = base / controls + risk * (1 - base / controls)
    seen = sum(
        math.comb(members, right) * rate**right * (1 - rate) ** (members - right)
        for right in range(members + 1)
        if exchanged_chance(right, members, base, controls) <= level
    )
    assert seen == pytest.approx(POWER, abs=1e-9)


def test_too_few_people_see_nothing():
    assert detectable(3, 0, 3, 0.001) is None
    assert detectable(0, 0, 5, 0.01) is None
    assert detectable(1, 0, 0, 0.01) == pytest.approx(POWER)
