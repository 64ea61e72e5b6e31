"""Private training: estimators whose coefficients are differentially private, and what encodes for them."""

from __future__ import annotations

from hedgerow.techniques.dp_train.encode import PublicEncoder
from hedgerow.techniques.dp_train.linear import DPLinearRegression
from hedgerow.techniques.dp_train.logistic import DPLogisticRegression

__all__ = ["DPLinearRegression", "DPLogisticRegression", "PublicEncoder"]
