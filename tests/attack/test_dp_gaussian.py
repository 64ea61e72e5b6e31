"""An attacker with two neighbouring tables tells them apart no better than rho allows.

Noise of rho tells the two tables apart at most as well as two normal distributions ``sqrt(2 * rho)``
deviations apart (Dong, Roth, Su 2022); the noise here is some five hundred steps wide, so that it is
discrete changes this by less than 1e-3, which the judge allows for. Chances are bounded by Chernoff's
inequality at 1e-10 each, so sound queries are refuted in fewer than 1 of 10**9 runs of this file. Power:
each planted fault makes the gap 1.9 times as wide or wider, five deviations of what is counted beyond the
bound.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from statistics import NormalDist

import pytest
from tests.unit.dp.test_gaussian_queries import planned
from tests.unit.dp.world import DECLARED, WARDS, table, totals

from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people
from hedgerow.kernel.noise import add_gaussian, l2_bound

ANSWERS = 2_500
ALARM = 1e-10
RHO = Fraction(1, 4)
CROWD = [(person, "A", 40, 50.0) for person in range(2, 8)]
ALL_IN_ONE = [(1, "A", 120, 99.75)] * 8
SPREAD = [(1, ward, 120, 99.75) for ward in WARDS] * 2


def bound(seen, towards):
    """Bisect for the farthest chance that what was seen does not contradict."""
    near, far = seen, towards
    for _ in range(50):
        middle = (near + far) / 2
        parts = ((seen, middle), (1 - seen, 1 - middle))
        distance = sum(p * math.log(p / q) if q > 0 else math.inf for p, q in parts if p > 0)
        near, far = (middle, far) if ANSWERS * distance <= math.log(1 / ALARM) else (near, middle)
    return min(max(far, 1e-12), 1 - 1e-12)


def gap(made, target, *, bounded=True, scale=1.0):
    """Find how many deviations apart the answers on the two tables are at least, along the target's pull."""
    vectors = []
    for rows in (CROWD + target, CROWD):
        full = table(rows)
        ranks = draw_ranks(full.column("who")) * bounded
        exact = aggregate(full, ranks, made.aggregation, number_people(full.column("who")))
        vectors.append(totals(made, exact)[0])
    pull = [a - b for a, b in zip(*vectors, strict=True)]
    (one, *_) = made.measurements
    seen = []
    middle = sum(p * (a + b) / 2 for p, a, b in zip(pull, *vectors, strict=True))
    for vector in vectors:
        share = one.rho / Fraction(scale) ** 2
        noisy = add_gaussian(vector * ANSWERS, l2_bound(one.square), share, one.scale * scale)
        step = len(vector)
        along = (
            sum(p * n for p, n in zip(pull, noisy[i : i + step], strict=True))
            for i in range(0, len(noisy), step)
        )
        seen.append(sum(value > middle for value in along) / ANSWERS)
    normal, (high, low) = NormalDist(), sorted(seen, reverse=True)
    return normal.inv_cdf(bound(high, 0.0)) - normal.inv_cdf(bound(low, 1.0))


ALLOWED = math.sqrt(2 * RHO) * 1.001
SUM = "SELECT ward, SUM(age) GROUP BY ward"


@pytest.mark.parametrize("target", [ALL_IN_ONE, SPREAD], ids=["one group", "all groups"])
def test_a_sound_query_is_not_refuted(target):
    assert gap(planned(SUM, RHO), target) <= ALLOWED


def test_half_the_noise_is_refuted():
    assert gap(planned(SUM, RHO), ALL_IN_ONE, scale=0.5) > ALLOWED


def test_a_bound_that_was_dropped_is_refuted():
    assert gap(planned(SUM, RHO), ALL_IN_ONE, bounded=False) > ALLOWED


def test_a_sensitivity_as_if_rows_lay_in_groups_of_their_own_is_refuted():
    """Plant a fault: the root of the rows in place of the rows, though all may lie in one group."""
    made = planned(SUM, RHO, replace(DECLARED, max_rows=4))
    (one,) = made.measurements
    weaker = replace(one, square=one.square // 4, scale=one.scale / 2)
    assert gap(replace(made, measurements=(weaker,)), ALL_IN_ONE) > ALLOWED
