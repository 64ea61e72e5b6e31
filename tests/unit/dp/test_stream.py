"""The sampler for long vectors draws a discrete Gaussian: exactly by its table, and OpenDP's draws agree.

The table is proven without chance: each of its 28,530 steps is found at the very integer where it lies, and
its distance from the exact distribution is summed anew in decimals of 60 digits. What is drawn is tested by
the statistic of Kolmogorov and Smirnov with the bound of Massart 1990 (Dvoretzky, Kiefer, Wolfowitz), which
holds for whole numbers too: fewer than 1 false alarm in 10**7 for each test.
"""

from __future__ import annotations

import dataclasses
import math
import os
from bisect import bisect_right
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from hedgerow.kernel.noise import add_gaussian, gaussian_scale
from hedgerow.kernel.noise import stream as streaming
from hedgerow.kernel.noise.sampling import poisson_sample, sampling_chance
from hedgerow.kernel.noise.stream import DEVIATION, add_wide, delta_of, draw_wide, wide_gaussian
from hedgerow.kernel.noise.table import gaussian_table
from hedgerow.model.errors import Fault

ALARM = 1e-7
TABLE = gaussian_table(DEVIATION)


def words(integers):
    mask = (1 << 64) - 1
    return (
        np.array([each >> 64 for each in integers], dtype=np.uint64),
        np.array([each & mask for each in integers], dtype=np.uint64),
    )


def cumulative(table):
    return [(int(high) << 64) + int(low) for high, low in zip(table.high, table.low, strict=True)]


def test_each_step_of_the_table_is_found_at_the_very_integer_where_it_lies():
    steps = cumulative(TABLE)
    assert steps == sorted(steps)
    asked = [0, 2**128 - 1, *steps, *(step - 1 for step in steps if step)]
    expected = [bisect_right(steps, integer) - TABLE.reach for integer in asked]
    assert TABLE.values(*words(asked)).tolist() == expected
    assert set(expected) > set(range(-12 * DEVIATION, 12 * DEVIATION))


def apart(table):
    """Sum the distance from the exact distribution anew."""
    steps = [0, *cumulative(table), 2**128]
    with localcontext() as context:
        context.prec = 60
        power = Decimal(-1) / (2 * table.deviation**2)
        weights = [(power * k * k).exp() for k in range(table.reach + 50)]
        total = 2 * sum(weights[1:]) + weights[0]
        found = 2 * sum(weights[table.reach + 1 :]) / total
        for place in range(2 * table.reach + 1):
            chance = Decimal(steps[place + 1] - steps[place]) / 2**128
            found += abs(chance - weights[abs(place - table.reach)] / total)
    return Fraction(found) / 2


@pytest.mark.parametrize("deviation", [1, 3, 40, DEVIATION])
def test_the_distance_is_at_least_what_decimals_sum_to(deviation):
    table = gaussian_table(deviation)
    assert 0 < apart(table) <= table.distance < Fraction(1, 2**110)


def test_a_table_with_a_step_moved_by_little_is_seen():
    table = gaussian_table(40)
    high = table.high.copy()
    high[table.reach] += np.uint64(2**20)
    assert apart(dataclasses.replace(table, high=high)) > table.distance


@pytest.mark.parametrize(
    ("sensitivity", "rho"), [(1, "1"), (10**6, "1/2"), (2**28, "1/3000"), (2**28, "1e-9"), (30000, "0.2")]
)
def test_wide_noise_is_wide_enough_and_hardly_wider(sensitivity, rho):
    noise = wide_gaussian(sensitivity, Fraction(rho))
    needed = Fraction(sensitivity**2) / (2 * Fraction(rho))
    assert noise.rho(sensitivity) <= Fraction(rho)
    assert noise.variance == DEVIATION**2 * sum(factor**2 for factor in noise.factors)
    assert needed <= noise.variance <= max(DEVIATION**2, needed * Fraction(105, 100) + 2 * DEVIATION**2)
    assert noise.distance < len(noise.factors) * 2 * TABLE.distance


def test_the_ripple_of_two_lattices_is_what_sums_show():
    """A narrow fine Gaussian under a coarse lattice ripples as much as the bound says, and hardly less."""
    fine, factor = 4, 4
    coarse = (factor * DEVIATION) ** 2
    inner = fine * coarse / (fine + coarse)

    def over(shift):
        return sum(math.exp(-((factor * j - shift) ** 2) / (2 * inner)) for j in range(-40, 41))

    seen = (over(0) - over(factor / 2)) / (over(0) + over(factor / 2))
    bound = float(streaming._ripple(fine, factor))
    assert seen <= bound <= 2 * seen


def farthest(draws, deviation):
    """Compare draws with the cumulative distribution, which is a normal one's to far below what is seen."""
    values, counts = np.unique(draws, return_counts=True)
    seen = np.cumsum(counts) / len(draws)
    true = np.array([(1 + math.erf((value + 0.5) / deviation / math.sqrt(2))) / 2 for value in values])
    return max(np.abs(seen - true).max(), np.abs(seen - counts / len(draws) - np.roll(true, 1))[1:].max())


def reach_of(many, alarm=ALARM):
    return math.sqrt(math.log(2 / alarm) / (2 * many))


@pytest.mark.parametrize("factors", [(1,), (1, 40), (1, 256, 60)])
def test_what_is_drawn_fits_the_distribution(factors):
    deviation = DEVIATION * math.sqrt(sum(factor**2 for factor in factors))
    assert farthest(draw_wide(60_000, factors), deviation) < reach_of(60_000)


def test_draws_that_do_not_fit_are_seen():
    draws, deviation = draw_wide(60_000, (1,)), DEVIATION
    assert farthest(draws // 2, deviation) > reach_of(60_000)
    assert farthest(draws + 100, deviation) > reach_of(60_000)
    assert farthest(draws, deviation * 1.25) > reach_of(60_000)


def test_every_remainder_is_as_likely_so_no_lattice_shows():
    """A coarse draw without the fine one would show a single remainder."""
    factor = 64
    counts = np.bincount(draw_wide(60_000, (1, factor)) % factor, minlength=factor)
    seen = np.cumsum(counts) / 60_000
    assert np.abs(seen - np.arange(1, factor + 1) / factor).max() < reach_of(60_000)


def test_opendp_and_the_stream_draw_alike():
    """Two samples, each within its own reach of one distribution with half of the alarms."""
    many = 4_000
    rho = Fraction(1, 2 * DEVIATION**2)
    theirs = np.sort(add_gaussian([0] * many, 1, rho, gaussian_scale(1, rho)))
    ours = np.sort(draw_wide(60_000, (1,)))
    seen = np.searchsorted(ours, theirs, side="right") / len(ours)
    apart = np.abs(seen - np.arange(1, many + 1) / many).max()
    assert apart < reach_of(many, ALARM / 2) + reach_of(60_000, ALARM / 2) + 1 / many
    halved = np.abs(
        np.searchsorted(ours // 2, theirs, side="right") / len(ours) - np.arange(1, many + 1) / many
    )
    assert halved.max() > reach_of(many, ALARM / 2) + reach_of(60_000, ALARM / 2) + 1 / many


def test_noise_too_weak_or_too_wide_is_refused_before_any_is_drawn(monkeypatch):
    monkeypatch.setattr(streaming, "draw_wide", lambda *_: pytest.fail("drawn"))
    noise = wide_gaussian(1000, Fraction(1, 8))
    zeros = np.zeros(3, dtype=np.int64)
    with pytest.raises(Fault) as caught:
        add_wide(zeros, 1000, noise.rho(1000) - Fraction(1, 10**12), noise)
    assert caught.value.code == "noise.too-weak"
    for value in (2**63 - 1, -(2**63) + 1):
        with pytest.raises(Fault) as caught:
            add_wide(np.array([0, value]), 1000, Fraction(1, 8), noise)
        assert caught.value.code == "noise.overflow"
    with pytest.raises(Fault):
        wide_gaussian(2**60, Fraction(1, 10**9))


def test_each_call_has_a_key_of_its_own_from_the_operating_system(monkeypatch):
    asked = []

    def urandom(count):
        asked.append(count)
        return bytes(count)

    assert draw_wide(20, (1,)).tolist() != draw_wide(20, (1,)).tolist()
    real = os.urandom
    monkeypatch.setattr(os, "urandom", urandom)
    same = [draw_wide(20, (1,)).tolist() for _ in range(2)]
    monkeypatch.setattr(os, "urandom", real)
    assert asked == [32, 16] * 2
    assert same[0] == same[1]


def test_delta_covers_every_number_on_both_sides():
    share = delta_of(1000, Fraction(1, 10**30), Fraction(1))
    assert Fraction(3718, 10**30) < share < Fraction(3719, 10**30)


def test_a_person_takes_part_with_the_very_chance_and_in_order():
    chance = sampling_chance(256, 48_000)
    assert Fraction(256, 48_000) <= chance < Fraction(256, 48_000) + Fraction(1, 2**32)
    assert poisson_sample(5, Fraction(1)).tolist() == [0, 1, 2, 3, 4]
    assert poisson_sample(5, Fraction(0)).tolist() == []
    drawn = poisson_sample(100_000, Fraction(1, 4))
    assert abs(len(drawn) / 100_000 - 0.25) < reach_of(100_000)
    assert (np.diff(drawn) > 0).all()
    assert sampling_chance(10, 3) == 1


def test_the_guide_finds_what_searching_finds_at_every_edge():
    """At every chance of the table, at every first of the guide, and one beside each."""
    starts = np.arange(1 << 16, dtype=np.uint64) << np.uint64(48)
    edges = np.concatenate([TABLE.high, starts])
    asked = np.concatenate([edges, edges - np.uint64(1), edges + np.uint64(1)])
    assert (TABLE._below(asked) == np.searchsorted(TABLE.high, asked, side="left")).all()
