"""Private training: estimators that learn with differential privacy, and what encodes for them."""

from __future__ import annotations

from hedgerow.techniques.dp_train.boosting import DPGradientBoostingClassifier, DPGradientBoostingRegressor
from hedgerow.techniques.dp_train.clusters import DPKMeans
from hedgerow.techniques.dp_train.components import DPPCA
from hedgerow.techniques.dp_train.encode import PublicEncoder
from hedgerow.techniques.dp_train.histograms import DPTreeClassifier, DPTreeRegressor
from hedgerow.techniques.dp_train.linear import DPLinearRegression
from hedgerow.techniques.dp_train.logistic import DPLogisticRegression
from hedgerow.techniques.dp_train.network import DPMLPClassifier
from hedgerow.techniques.dp_train.recommender import DPRecommender

__all__ = [
    "DPPCA",
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
]
