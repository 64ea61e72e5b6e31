"""Proves the choice under zero-concentrated privacy: its cost by OpenDP, its chances the exponential ones."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel.noise.preference import prefer, preference_scale
from hedgerow.model.errors import Fault


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10**6), st.fractions(Fraction(1, 10**9), 100))
def test_the_scale_costs_no_more_than_is_paid_and_hardly_less(sensitivity, rho):
    scale = preference_scale(sensitivity, rho)
    assert Fraction(scale) >= sensitivity / Fraction(math.sqrt(2 * rho)) * (1 - Fraction(1, 10**12))
    assert prefer([3, 3], sensitivity, rho, scale) in (0, 1)
    with pytest.raises(Fault, match="noise"):
        prefer([3, 3], sensitivity, rho, scale * 0.999)


def test_it_chooses_as_the_exponential_mechanism():
    scores, rounds = [0, 3, 6], 4000
    scale = preference_scale(1, Fraction(1, 18))
    assert scale == pytest.approx(3)
    seen = [0, 0, 0]
    for _ in range(rounds):
        seen[prefer(scores, 1, Fraction(1, 18), scale)] += 1
    weights = [math.exp(score / 3) for score in scores]
    for count, weight in zip(seen, weights, strict=True):
        # Six deviations at most: fewer than one false alarm in 10**8 runs.
        assert abs(count / rounds - weight / sum(weights)) < 6.5 * 0.5 / math.sqrt(rounds)


def test_a_score_beyond_sixty_two_bits_is_a_fault():
    with pytest.raises(Fault):
        prefer([2**63 - 1, 0], 1, Fraction(1), 10.0)
