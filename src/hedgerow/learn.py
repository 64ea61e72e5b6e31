"""Private training on arrays and data frames, without a workspace; nothing has a default epsilon."""

from __future__ import annotations

from hedgerow.kernel.accounting import Budget
from hedgerow.techniques.dp_train import DPLinearRegression, DPLogisticRegression, PublicEncoder
from hedgerow.techniques.dp_train.modelfile import TrainedModel, load

__all__ = ["Budget", "DPLinearRegression", "DPLogisticRegression", "PublicEncoder", "TrainedModel", "load"]
