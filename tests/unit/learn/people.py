"""Small generated tables for tests of training."""

from __future__ import annotations

import numpy as np

from hedgerow.learn import Budget, DPLinearRegression, DPLogisticRegression

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
