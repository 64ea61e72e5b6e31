"""Private choice: the scale is never too small, OpenDP's bound is obeyed, the error told is not passed."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest

from hedgerow.kernel.noise import choice_scale, choose, score_gap
from hedgerow.model.errors import Fault

SHARES = ["1", "1/3", "0.1", "1e-12", "1000000", "7/11", "123456789/1000000007"]


@pytest.mark.parametrize("epsilon", [Fraction(s) for s in SHARES])
@pytest.mark.parametrize("sensitivity", [1, 3, 5000, 2**53 + 1, 9_999 * 10**6])
def test_scale_is_rounded_up_and_opendp_agrees(sensitivity, epsilon):
    scale = choice_scale(sensitivity, epsilon)
    assert Fraction(scale) >= 2 * sensitivity / epsilon
    assert Fraction(scale) <= 2 * sensitivity / epsilon * (1 + Fraction(1, 2**50))
    assert choose([0, -1], sensitivity, epsilon, scale) in (0, 1)


def test_a_scale_one_step_too_small_is_refused_before_any_choice():
    epsilon = Fraction(1, 3)
    weaker = choice_scale(5, epsilon) * (1 - 2**-40)
    with pytest.raises(Fault) as caught:
        choose([1], 5, epsilon, weaker)
    assert caught.value.code == "noise.too-weak"


def test_scores_beyond_62_bits_are_refused():
    with pytest.raises(Fault) as caught:
        choose([0, -(2**63)], 1, Fraction(1), 2.0)
    assert caught.value.code == "noise.overflow"


def flipped(scores, scale):
    """Permute and flip worked out by hand: over every order, the first whose coin falls."""
    best = max(scores)
    coins = [math.exp((score - best) / scale) for score in scores]
    chances = [0.0] * len(scores)
    for order in itertools.permutations(range(len(scores))):
        left = 1 / math.factorial(len(scores))
        for place in order:
            chances[place] += left * coins[place]
            left *= 1 - coins[place]
    return chances


def test_the_choice_is_permute_and_flip():
    """False alarms: fewer than 1 in 10**6 runs (Hoeffding on 5,000 draws, four chances)."""
    scores, epsilon = [-6, 0, -2, -3], Fraction(1, 2)
    scale = choice_scale(1, epsilon)
    drawn = [choose(scores, 1, epsilon, scale) for _ in range(5_000)]
    for place, chance in enumerate(flipped(scores, scale)):
        assert abs(drawn.count(place) / len(drawn) - chance) < 0.04


@pytest.mark.parametrize(("candidates", "scale"), [(1, 1.0), (2, 0.5), (50, 7.25), (1001, 60.0), (7, 1e15)])
def test_the_gap_is_rounded_up(candidates, scale):
    exact = scale * math.log(candidates / 0.05)
    assert exact * (1 - 1e-12) <= score_gap(candidates, scale) <= exact * (1 + 1e-12) + 1


def test_the_chosen_score_stays_within_the_gap():
    """False alarms: fewer than 1 in 10**6 runs (Hoeffding on 1,500 draws, slack 0.07)."""
    scores = [-(2 * abs(place - 10)) for place in range(21)]
    scale = choice_scale(3, Fraction(1))
    gap = score_gap(len(scores), scale)
    within = sum(-scores[choose(scores, 3, Fraction(1), scale)] <= gap for _ in range(1500)) / 1500
    assert within > 0.95 - 0.07
