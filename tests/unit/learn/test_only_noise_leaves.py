"""What every model keeps is a function of noisy vectors alone, one for each step that was paid for.

Each vector is replaced by one that does not depend on the data: then two models of different people must be
the same. A sum that goes around the noise, or more vectors than were paid for, would show.
"""

from __future__ import annotations

from math import sqrt
from random import Random

import numpy as np
import pytest
from tests.unit.learn.people import (
    boosted_numbers,
    boosting,
    clusters,
    components,
    linear,
    logistic,
    network,
    recommender,
    single,
    single_number,
)

from hedgerow.kernel.accounting import Budget, rho_within
from hedgerow.techniques.dp_train import boosting as growing
from hedgerow.techniques.dp_train import clusters as clustering
from hedgerow.techniques.dp_train import components as components_of
from hedgerow.techniques.dp_train import descent, histograms, paying, trees
from hedgerow.techniques.dp_train import linear as lines
from hedgerow.techniques.dp_train import network as layered
from hedgerow.techniques.dp_train import recommender as shop
from hedgerow.techniques.dp_train.paying import Noise

MODULES = (growing, clustering, components_of, descent, histograms, lines, shop)
ROWS = np.random.default_rng(9).uniform(-1, 1, (20, 3))


@pytest.fixture
def steps(monkeypatch):
    """Count vectors, give each a value of no data, and draw what is public alike each time."""
    seen = {"paid": 0, "drawn": 0}
    real = paying.step_noise

    def watched(wish, bound, count, numbers):
        noise = real(wish, bound, count, numbers)
        assert noise.deviation >= bound * sqrt(count / (2 * rho_within(wish.epsilon, wish.delta)))
        seen["paid"] = count

        def add(exact):
            seen["drawn"] += 1
            assert len(exact) <= numbers
            return (noise.deviation * (5 + np.arange(len(exact)) % 7)).astype(np.int64)

        return Noise(noise.deviation, add, noise.rho, bound)

    for module in MODULES:
        monkeypatch.setattr(module, "step_noise", watched)
    for module in (trees, clustering, layered):
        monkeypatch.setattr(module, "SystemRandom", lambda: Random(5))
    return seen


def predicted(model):
    return model.predict(ROWS)


MODELS = {
    "logistic": (logistic(steps=4), lambda m: m.coef_),
    "linear": (linear(), lambda m: np.append(m.coef_, m.intercept_)),
    "boosting": (boosting(cycles=2, interactions=2), lambda m: m.predict_proba(ROWS)),
    "boosted numbers": (boosted_numbers(cycles=2), predicted),
    "tree": (single(), lambda m: m.predict_proba(ROWS)),
    "tree of numbers": (single_number(), predicted),
    "network": (network(steps=4), lambda m: m.layers_.flat),
    "clusters": (clusters(epsilon="100", budget=Budget.of("300", "1e-4")), lambda m: m.cluster_centers_),
    "components": (components(), lambda m: np.vstack([m.components_, m.mean_])),
    "recommender": (recommender(), lambda m: np.column_stack([m.item_factors_, m.popularity_])),
}


def trained(name, seed, steps):
    model, told = MODELS[name]
    draw = np.random.default_rng(seed)
    steps["drawn"] = 0
    if name == "recommender":
        model.fit(draw.choice(list("abcdefgh"), 50), person=np.arange(50) // 3)
    else:
        model.fit(draw.uniform(-1, 1, (50, 3)), draw.integers(0, 2, 50), person=np.arange(50) // 2)
    assert steps["drawn"] == steps["paid"]
    return told(model)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_keeps_nothing_but_what_passed_the_noise(name, steps):
    one, other = trained(name, 1, steps), trained(name, 2, steps)
    assert np.isfinite(one).all()
    assert (one == other).all()


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("boosting", growing),
        ("tree", histograms),
        ("tree of numbers", histograms),
        ("clusters", clustering),
        ("components", components_of),
        ("recommender", shop),
    ],
)
def test_noise_that_is_left_out_is_caught(name, module, steps, monkeypatch):
    watched = module.step_noise

    def silent(*asked):
        noise = watched(*asked)
        return Noise(noise.deviation, lambda exact: noise.add(exact) * 0 + exact, noise.rho, noise.bound)

    monkeypatch.setattr(module, "step_noise", silent)
    one, other = trained(name, 1, steps), trained(name, 2, steps)
    assert (one != other).any()


@pytest.mark.parametrize("name", ["tree", "tree of numbers"])
def test_a_split_that_is_chosen_by_exact_counts_is_caught(name, steps, monkeypatch):
    """Leaves have their noise all the same: where rows go would tell of the people."""
    exact, sums, chosen = [], histograms.histogram_sums, histograms._chosen

    def watched(*asked):
        found = sums(*asked)
        exact[:] = list(found.reshape(-1, 24, found.shape[1]).astype(float))
        return found

    def leaking(noisy, *more):
        split, _ = chosen(exact.pop(0) / histograms.RESIDUAL_UNIT, *more)
        first = more[1][split.group]
        part = noisy[first : more[1][split.group + 1]]
        return split, np.array([part[split.sides == side].sum(axis=0) for side in (0, 1)])

    monkeypatch.setattr(histograms, "histogram_sums", watched)
    monkeypatch.setattr(histograms, "_chosen", leaking)
    one, other = trained(name, 1, steps), trained(name, 2, steps)
    assert (one != other).any()


@pytest.mark.parametrize("name", ["tree", "tree of numbers"])
def test_a_leaf_that_is_released_without_noise_is_caught(name, steps, monkeypatch):
    """Splits are noisy all the same."""
    exact, sums, chosen = [], histograms.histogram_sums, histograms._chosen

    def watched(*asked):
        found = sums(*asked)
        exact[:] = list(found.reshape(-1, 24, found.shape[1]).astype(float))
        return found

    def leaking(noisy, *more):
        split, _ = chosen(noisy, *more)
        first = more[1][split.group]
        part = exact.pop(0)[first : more[1][split.group + 1]] / histograms.RESIDUAL_UNIT
        return split, np.array([part[split.sides == side].sum(axis=0) for side in (0, 1)])

    monkeypatch.setattr(histograms, "histogram_sums", watched)
    monkeypatch.setattr(histograms, "_chosen", leaking)
    one, other = trained(name, 1, steps), trained(name, 2, steps)
    assert (one != other).any()
