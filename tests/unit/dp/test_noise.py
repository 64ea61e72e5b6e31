"""Noise: the scale is never too small, OpenDP's own bound is obeyed, half-widths are exact."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import pytest

from hedgerow.kernel.noise import add_laplace, half_width, laplace_scale
from hedgerow.model.errors import Fault

SHARES = ["1", "1/3", "0.1", "1e-12", "1000000", "7/11", "123456789/1000000007"]


@pytest.mark.parametrize("epsilon", [Fraction(s) for s in SHARES])
@pytest.mark.parametrize("sensitivity", [1, 3, 5000, 2**53 + 1, 2**60 + 12345])
def test_scale_is_rounded_up_and_opendp_agrees(sensitivity, epsilon):
    scale = laplace_scale(sensitivity, epsilon)
    assert Fraction(scale) >= sensitivity / epsilon
    assert Fraction(scale) <= sensitivity / epsilon * (1 + Fraction(1, 2**50))
    assert len(add_laplace([0], sensitivity, epsilon, scale)) == 1


def test_a_scale_one_step_too_small_is_refused_before_any_noise():
    epsilon = Fraction(1, 3)
    scale = laplace_scale(5, epsilon)
    weaker = scale * (1 - 2**-40)
    with pytest.raises(Fault) as caught:
        add_laplace([1], 5, epsilon, weaker)
    assert caught.value.code == "noise.too-weak"


def test_values_beyond_64_bits_are_refused():
    with pytest.raises(Fault) as caught:
        add_laplace([2**63], 1, Fraction(1), 1.0)
    assert caught.value.code == "noise.overflow"


def test_the_whole_vector_keeps_its_order():
    noisy = add_laplace([0, 10**9, -(10**9)], 1, Fraction(1), 1.0)
    assert abs(noisy[0]) < 10**6
    assert abs(noisy[1] - 10**9) < 10**6
    assert abs(noisy[2] + 10**9) < 10**6


def beyond(scale, width):
    """Chance that the noise passes a width, summed term by term as an oracle."""
    decay = math.exp(-1 / scale)
    start = (1 - decay) / (1 + decay)
    return 1 - start - 2 * sum(start * decay**k for k in range(1, width + 1))


@pytest.mark.parametrize("scale", [0.05, 0.3, 1.0, 2.5, 30.000000000000004, 777.7])
@pytest.mark.parametrize("confidence", ["0.95", "0.975", "0.5"])
def test_half_width_is_the_least_that_holds(scale, confidence):
    width = half_width(scale, Fraction(confidence))
    assert beyond(scale, width) <= 1 - float(confidence) + 1e-9
    if width:
        assert beyond(scale, width - 1) > 1 - float(confidence) - 1e-9


def test_half_width_of_a_very_wide_distribution():
    width = half_width(1e15)
    assert abs(width / (1e15 * math.log(20)) - 1) < 1e-9


def test_noise_has_the_spread_its_half_width_promises():
    """False alarms: fewer than 1 in 10**6 runs (Hoeffding on 20,000 draws)."""
    scale = laplace_scale(5, Fraction(1, 2))
    draws = add_laplace([0] * 20_000, 5, Fraction(1, 2), scale)
    width = half_width(scale)
    inside = sum(abs(draw) <= width for draw in draws) / len(draws)
    assert 0.95 - 0.019 < inside < 0.96 + 0.019
    assert abs(statistics.fmean(abs(draw) for draw in draws) - scale) < 1
