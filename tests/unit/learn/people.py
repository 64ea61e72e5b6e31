"""Small generated tables for tests of training."""

from __future__ import annotations

import numpy as np

from hedgerow.learn import (
    DPPCA,
    Budget,
    DPGradientBoostingClassifier,
    DPGradientBoostingRegressor,
    DPKMeans,
    DPLinearRegression,
    DPLogisticRegression,
    DPMLPClassifier,
    DPRecommender,
    DPTreeClassifier,
    DPTreeRegressor,
)

N = 600


def rows(count=N, width=3, seed=1):
    draw = np.random.default_rng(seed)
    features = draw.uniform(-1, 1, (count, width))
    return features, (features @ np.arange(3, 3 - width, -1) + draw.normal(0, 0.3, count) > 0).astype(int)


def logistic(**more):
    settings = {
        "epsilon": "2",
        "delta": "1e-6",
        "bounds": (-1, 1),
        "classes": [0, 1],
        "n_public": N,
        "budget": Budget.of("10", "1e-4"),
        "steps": 20,
    }
    return DPLogisticRegression(**(settings | more))


def linear(**more):
    settings = {
        "epsilon": "2",
        "delta": "1e-6",
        "bounds": (-1, 1),
        "y_bounds": (-6, 6),
        "budget": Budget.of("10", "1e-4"),
    }
    return DPLinearRegression(**(settings | more))


def boosting(**more):
    settings = {
        "epsilon": "2",
        "delta": "1e-6",
        "bounds": (-1, 1),
        "classes": [0, 1],
        "budget": Budget.of("10", "1e-4"),
    }
    return DPGradientBoostingClassifier(**(settings | more))


def boosted_numbers(**more):
    settings = {
        "epsilon": "2",
        "delta": "1e-6",
        "bounds": (-1, 1),
        "y_bounds": (-6, 6),
        "budget": Budget.of("10", "1e-4"),
    }
    return DPGradientBoostingRegressor(**(settings | more))


def single(**more):
    return DPTreeClassifier(**(COSTS | {"bounds": (-1, 1), "classes": [0, 1]} | more))


def single_number(**more):
    return DPTreeRegressor(**(COSTS | {"bounds": (-1, 1), "y_bounds": (-6, 6)} | more))


COSTS = {"epsilon": "2", "delta": "1e-6", "budget": Budget.of("10", "1e-4")}


def clusters(**more):
    return DPKMeans(**(COSTS | {"bounds": (-1, 1), "n_clusters": 3, "rounds": 5} | more))


def components(**more):
    return DPPCA(**(COSTS | {"bounds": (-1, 1), "n_components": 2} | more))


def network(**more):
    settings = {"bounds": (-1, 1), "classes": [0, 1], "n_public": N, "hidden": 8, "steps": 60}
    return DPMLPClassifier(**(COSTS | settings | more))


def recommender(**more):
    return DPRecommender(**(COSTS | {"items": list("abcdefgh"), "factors": 4} | more))
