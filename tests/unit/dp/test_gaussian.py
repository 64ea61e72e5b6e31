"""Discrete Gaussian noise by OpenDP: the scale is never too small, and OpenDP's own bound is obeyed."""

from __future__ import annotations

import statistics
from fractions import Fraction

import pytest

from hedgerow.kernel.noise import add_gaussian, gaussian_scale
from hedgerow.model.errors import Fault

RHOS = ["1", "1/3", "0.02", "1e-9", "1000", "7/11", "123456789/1000000007"]


@pytest.mark.parametrize("rho", [Fraction(r) for r in RHOS])
@pytest.mark.parametrize("sensitivity", [1, 3, 2**28, 2**53 + 1])
def test_scale_is_rounded_up_and_opendp_agrees(sensitivity, rho):
    scale = gaussian_scale(sensitivity, rho)
    exact = Fraction(sensitivity**2) / (2 * rho)
    assert exact <= Fraction(scale) ** 2 <= exact * (1 + Fraction(1, 2**40))
    assert len(add_gaussian([0], sensitivity, rho, scale)) == 1


def test_a_scale_a_little_too_small_is_refused_before_any_noise():
    rho = Fraction(1, 3)
    weaker = gaussian_scale(5, rho) * (1 - 2**-40)
    with pytest.raises(Fault) as caught:
        add_gaussian([1], 5, rho, weaker)
    assert caught.value.code == "noise.too-weak"


def test_values_beyond_64_bits_are_refused():
    with pytest.raises(Fault) as caught:
        add_gaussian([2**63], 1, Fraction(1), 1.0)
    assert caught.value.code == "noise.overflow"


def test_the_whole_vector_keeps_its_order_and_has_the_spread_it_was_given():
    """False alarms: fewer than 1 in 10**6 runs (five deviations of the variance of 4,000 draws)."""
    noisy = add_gaussian([0, 10**9] * 2000, 1, Fraction(1, 200), gaussian_scale(1, Fraction(1, 200)))
    draws = [value - 10**9 * (place % 2) for place, value in enumerate(noisy)]
    assert abs(statistics.pvariance(draws) / 100 - 1) < 5 * (2 / 4000) ** 0.5
