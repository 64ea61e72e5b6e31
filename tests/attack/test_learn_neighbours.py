"""An attacker who knows everybody but one cannot tell from a training step more than its noise allows.

Few people are in the data, the attacker knows all rows but one person's, and that person pulls against the
others: the case where dividing by how many rows were seen doubles what a step tells. Noise of rho tells the
two tables apart at most as well as two normal distributions that lie ``sqrt(2 * rho)`` deviations apart
(Dong, Roth, Su 2022); steps are 2**-28, so that they are discrete changes this by less than 1e-6. Chances are
bounded by Chernoff's inequality at 1e-9 each, so a sound step is refuted in fewer than 1 of 10**7 runs of
this file. Power: each planted fault makes the gap 1.9 times as wide or wider, five deviations of what is
counted beyond the bound.
"""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest

from hedgerow.techniques.dp_train.chances import wanted_steps
from hedgerow.techniques.dp_train.declared import scaling
from hedgerow.techniques.dp_train.descent import Descent
from hedgerow.techniques.dp_train.logistic import exact_gradient, noisy_gradient
from hedgerow.techniques.dp_train.paying import Noise, Wish, step_noise, stream_noise
from hedgerow.techniques.dp_train.sums import GRADIENT_UNIT, whole_rows

ANSWERS = 8_000
ALARM = 1e-9
WISH = Wish(Fraction(3), Fraction(1, 10**5))
RHO = Fraction(17, 100)
BOUND = GRADIENT_UNIT // 5


def divergence(seen, true):
    """Kullback-Leibler divergence of two coins."""
    parts = ((seen, true), (1 - seen, 1 - true))
    return sum(p * math.log(p / q) if q > 0 else math.inf for p, q in parts if p > 0)


def bound(seen, towards):
    """Bisect for the farthest chance that what was seen does not contradict."""
    near, far = seen, towards
    for _ in range(50):
        middle = (near + far) / 2
        near, far = (
            (middle, far) if ANSWERS * divergence(seen, middle) <= math.log(1 / ALARM) else (near, middle)
        )
    return min(max(far, 1e-12), 1 - 1e-12)


def is_refuted(gap, one, other):
    """Tell whether two chances of one event contradict that the tables are so many deviations apart."""
    normal, high, low = NormalDist(), max(one, other), min(one, other)
    return normal.inv_cdf(bound(high, 0.0)) - normal.inv_cdf(bound(low, 1.0)) > gap


def tables(count):
    """Give people who all pull one way, with one who pulls the other way and without."""
    features, places = np.ones((count, 1)), np.array([1] * (count - 1) + [0])
    return (features, places), (features[:-1], places[:-1])


def exact_of(table, limit=BOUND):
    features, places = table
    rows, order = whole_rows(scaling((-1, 1), None, 1, None).scaled(features), None)
    return exact_gradient(rows, wanted_steps(places[order], 2), np.zeros((1, 2)), limit).ravel()


def attack(count, noise, divisor=None, limit=BOUND):
    """Look along the line on which all pull, and judge by the side of the middle on which an answer falls.

    The attacker computes both gradients without noise; the middle between them is the best event there is.
    """
    divisor = divisor or (lambda _: count)
    pair = tables(count)
    means = [exact_of(table, limit).sum() / divisor(table) for table in pair]
    middle = sum(means) / 2
    seen = []
    for table in pair:
        noisy = noise.add(np.tile(exact_of(table, limit), ANSWERS)).reshape(ANSWERS, -1).sum(axis=1)
        seen.append(float(np.mean(noisy / divisor(table) > middle)))
    return is_refuted(math.sqrt(2 * RHO), *seen)


def people_seen(table):
    """Plant a fault: divide by how many rows there were (opacus#571)."""
    return len(table[0])


def long_vectors(limit=BOUND, rho=RHO):
    return stream_noise(WISH, limit, rho, 10**6)


def halved(noise):
    """Plant a fault: half the noise."""
    return Noise(noise.deviation / 2, lambda exact: exact + (noise.add(exact) - exact) // 2)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_a_sound_step_is_not_refuted(count):
    assert not attack(count, long_vectors())


def test_a_sound_step_with_noise_by_opendp_is_not_refuted():
    noise = step_noise(WISH, BOUND, 1, 2)
    assert noise.rho >= RHO
    assert not attack(3, noise)


@pytest.mark.parametrize("count", [3, 5, 10])
def test_dividing_by_the_rows_seen_is_refuted(count):
    assert attack(count, long_vectors(), people_seen)


@pytest.mark.parametrize("count", [2, 10])
def test_a_bound_that_was_dropped_is_refuted(count):
    assert attack(count, long_vectors(), limit=5 * BOUND)


@pytest.mark.parametrize("count", [2, 10])
def test_half_the_noise_is_refuted(count):
    assert attack(count, halved(long_vectors()))


def test_a_step_divides_by_one_constant_whoever_is_there():
    """Without noise the two answers lie as far apart as the two exact sums, in one unit."""
    descent = Descent(1, BOUND, 7.0 * GRADIENT_UNIT, 1.0, 0.9)
    silent = Noise(0.0, lambda exact: exact)
    for table in tables(4):
        features, places = table
        rows, _ = whole_rows(scaling((-1, 1), None, 1, None).scaled(features), None)
        found = noisy_gradient(rows, wanted_steps(places, 2), np.zeros((1, 2)), descent, silent)
        assert (found.ravel() * 7 * GRADIENT_UNIT == exact_of(table)).all()


def test_a_step_that_samples_people_divides_by_the_same_constant():
    descent = Descent(1, BOUND, 2.0 * GRADIENT_UNIT, 1.0, 0.9, Fraction(1, 2))
    silent = Noise(0.0, lambda exact: exact)
    features, places = np.ones((4, 1)), np.ones(4, dtype=np.int64)
    rows, _ = whole_rows(scaling((-1, 1), None, 1, None).scaled(features), None)
    one = exact_of((features[:1], places[:1]))[-1]
    seen = {
        round(
            noisy_gradient(rows, wanted_steps(places, 2), np.zeros((1, 2)), descent, silent)[0, -1]
            * descent.divisor
            / one
        )
        for _ in range(200)
    }
    assert seen == {0, 1, 2, 3, 4}
