"""Training by batches: what sampling costs is bounded by dp-accounting, and by the formula it stands for."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np
import pytest
from tests.unit.learn.people import N, logistic, rows

from hedgerow.learn import Budget
from hedgerow.model.errors import CallerError, Fault
from hedgerow.techniques.dp_train import batches
from hedgerow.techniques.dp_train.batches import batch_rho
from hedgerow.techniques.dp_train.paying import Wish

WISH = Wish(Fraction(1), Fraction(1, 10**5))


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(Fault) as caught:
        logistic(batch_size=17).fit(*rows(50))
    assert caught.value.code == "extra.missing"
    assert "hedgerow[dp]" in caught.value.next_step


def log_moment(order, chance, multiplier):
    """Sum the moment of a sampled Gaussian at a whole order (Mironov, Talwar, Zhang 2019, section 3.3)."""
    logs = [
        math.log(math.comb(order, k))
        + (order - k) * math.log1p(-chance)
        + k * math.log(chance)
        + (k * k - k) / (2 * multiplier**2)
        for k in range(order + 1)
    ]
    return max(logs) + math.log(math.fsum(math.exp(each - max(logs)) for each in logs))


@pytest.mark.extra
def test_the_moments_are_those_of_whole_orders_and_the_noise_is_hardly_more_than_needed():
    pytest.importorskip("dp_accounting")
    chance, steps = Fraction(1, 100), 200
    rho = batch_rho(WISH, chance, steps)
    multiplier = 1 / math.sqrt(2 * rho)

    def epsilon(scale):
        found = []
        for order in range(2, 65):
            loss = steps * log_moment(order, float(chance), scale) / (order - 1)
            delta = float(WISH.main_delta)
            found.append(loss + math.log1p(-1 / order) - math.log(delta * order) / (order - 1))
        return min(found)

    assert epsilon(multiplier) <= 1
    assert epsilon(multiplier * 0.999) > 1
    assert all(isinstance(order, int) for order in batches._ORDERS)


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
        batch_rho(Wish(Fraction(1, 100), Fraction(1, 10**5)), Fraction(1, 2), 1000)
    assert caught.value.code == "learn.bad-parameter"
