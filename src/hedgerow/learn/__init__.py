"""Private training on arrays and data frames, without a workspace; nothing has a default epsilon."""

from __future__ import annotations

from hedgerow.kernel.accounting import Budget
from hedgerow.learn import torch
from hedgerow.techniques.dp_train import (
    DPPCA,
    DPGradientBoostingClassifier,
    DPGradientBoostingRegressor,
    DPKMeans,
    DPLinearRegression,
    DPLogisticRegression,
    DPMLPClassifier,
    DPRecommender,
    DPTreeClassifier,
    DPTreeRegressor,
    PublicEncoder,
)
from hedgerow.techniques.dp_train.modelfile import TrainedModel, load

__all__ = [
    "DPPCA",
    "Budget",
    "DPGradientBoostingClassifier",
    "DPGradientBoostingRegressor",
    "DPKMeans",
    "DPLinearRegression",
    "DPLogisticRegression",
    "DPMLPClassifier",
    "DPRecommender",
    "DPTreeClassifier",
    "DPTreeRegressor",
    "PublicEncoder",
    "TrainedModel",
    "load",
    "torch",
]
