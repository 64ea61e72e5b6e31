"""Training by batches: what sampling costs is bounded by dp-accounting, for the very noise that is drawn."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np
import pytest
from tests.unit.learn.people import N, logistic, rows

from hedgerow.kernel.noise import stream
from hedgerow.learn import Budget
from hedgerow.model.errors import CallerError, Fault
from hedgerow.techniques.dp_train import batches
from hedgerow.techniques.dp_train.batches import Sampling, batch_variance, sampled_noise
from hedgerow.techniques.dp_train.paying import Wish
from hedgerow.techniques.dp_train.sums import whole_rows

WISH = Wish(Fraction(1), Fraction(1, 10**5))


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(Fault) as caught:
        logistic(batch_size=17).fit(*rows(50))
    assert caught.value.code == "extra.missing"
    assert "hedgerow[dp]" in caught.value.next_step


def hockey_stick(chance, deviation, epsilon):
    """Integrate what two neighbours differ by beyond epsilon in one step, both ways, densely."""
    at = np.linspace(-12 * deviation, 1 + 12 * deviation, 200_001)
    density = np.exp(-(at**2) / (2 * deviation**2)), np.exp(-((at - 1) ** 2) / (2 * deviation**2))
    without = density[0] / density[0].sum()
    within = (1 - chance) * without + chance * density[1] / density[1].sum()
    ways = (within - math.exp(epsilon) * without, without - math.exp(epsilon) * within)
    return max(float(np.maximum(way, 0).sum()) for way in ways)


@pytest.mark.extra
def test_a_step_has_hardly_more_noise_than_its_epsilon_needs():
    """One step, integrated beside: so much noise is enough, and three in a hundred less is not."""
    pytest.importorskip("dp_accounting")
    deviation = math.sqrt(batch_variance(WISH, Sampling(Fraction(1, 4), 1)))
    assert hockey_stick(0.25, deviation, 1) <= float(WISH.main_delta)
    assert hockey_stick(0.25, deviation * 0.97, 1) > float(WISH.main_delta)


@pytest.mark.extra
def test_the_noise_of_many_steps_is_what_distributions_ask_for():
    """The figure of dp-accounting for 14,062 steps at 1.1 is 2.3817 at delta 1e-5; moments say 2.60."""
    pytest.importorskip("dp_accounting")
    run = Sampling(Fraction(256, 60_000), 14_062)
    wish = Wish(Fraction("2.3817"), Fraction(1, 10**5))
    assert 1.095 < math.sqrt(batch_variance(wish, run)) < 1.12
    assert batches._by_moments(wish, run) > 1.15


@pytest.mark.extra
def test_a_run_is_charged_as_what_it_draws_and_weaker_noise_is_caught(monkeypatch):
    pytest.importorskip("dp_accounting")
    run, bound = Sampling(Fraction(1, 4), 12), 1 << 26
    noise = sampled_noise(WISH, bound, run, 500)
    event = noise.event
    assert (event.epsilon, event.rate, event.steps) == (1, Fraction(1, 4), 12)
    assert float(event.variance) == pytest.approx((noise.deviation / bound) ** 2, rel=1e-12)
    wide = stream.wide_gaussian(bound, 1 / (2 * event.variance))
    assert event.variance * bound**2 <= wide.variance
    assert event.distance >= 12 * 500 * wide.distance
    monkeypatch.setattr(batches, "batch_variance", lambda *_: event.variance * Fraction(9, 10))
    with pytest.raises(Fault) as caught:
        sampled_noise(WISH, bound, run, 500)
    assert caught.value.code == "train.overspent"


def rounded(spread, rounding, reach=40):
    """Tell the chances of a continuous Gaussian that was rounded at random, by adding up a dense grid."""
    whole, fine = np.arange(-reach, reach + 1), np.linspace(-reach / 2, reach / 2, 40_001)
    pull = np.exp(-((whole[:, None] - fine[None, :]) ** 2) / (2 * rounding))
    chances = (pull / pull.sum(axis=0)) @ np.exp(-(fine**2) / (2 * spread))
    return chances / chances.sum()


@pytest.mark.parametrize(("rounding", "is_near"), [(1.0, True), (0.5, True), (0.05, False)])
def test_discrete_noise_is_rounded_noise_of_a_little_less_variance(rounding, is_near):
    """The lemma of ADR 36 at widths where its distance can be seen; rounding too narrowly is seen too."""
    whole = np.arange(-40, 41)
    discrete = np.exp(-(whole**2) / (2 * (4 + rounding)))
    apart = np.abs(rounded(4.0, rounding) - discrete / discrete.sum()).sum() / 2
    q = math.exp(-2 * math.pi**2 * rounding)
    assert apart <= 4 * q / (1 - 3 * q) + 1e-12 if is_near else apart > 1e-3
    assert 4 * math.exp(-2 * math.pi**2 * stream.ROUNDED) < float(stream._OF_ROUNDING)


def test_all_rows_of_a_person_take_part_together():
    """Three people with one to three rows each: a step sees all of a person's rows or none."""
    owners = np.array([5, 7, 5, 9, 7, 5])
    table, order = whole_rows(np.eye(6) / 2, np.unique(owners, return_inverse=True)[1])
    for chosen in ([0], [1], [2], [0, 2], []):
        some, places = table.of(np.array(chosen, dtype=np.int64))
        seen = owners[order][places]
        assert some.people == len(chosen)
        assert all(np.count_nonzero(seen == one) == np.count_nonzero(owners == one) for one in set(seen))


@pytest.mark.extra
def test_a_run_by_batches_learns_and_costs_epsilon_and_delta():
    pytest.importorskip("dp_accounting")
    features, y = rows()
    model = logistic(epsilon="8", batch_size=60, epochs=5, budget=Budget.of("10", "1e-4"))
    assert model.fit(features, y).score(features, y) > 0.7
    assert model.n_iter_ == math.ceil(5 * N / 60)
    assert model.budget_.limit.epsilon == 2
    assert model.budget_.spent == model.budget.spent
    assert model.fit(features, y, person=np.arange(N) // 2).coef_.shape == (1, 3)


@pytest.mark.extra
def test_an_epsilon_that_no_noise_reaches_is_refused(monkeypatch):
    pytest.importorskip("dp_accounting")
    monkeypatch.setattr(batches, "_MULTIPLIER_MOST", 4.0)
    with pytest.raises(CallerError) as caught:
        batch_variance(Wish(Fraction(1, 100), Fraction(1, 10**5)), Sampling(Fraction(1, 2), 1000))
    assert caught.value.code == "learn.bad-parameter"
