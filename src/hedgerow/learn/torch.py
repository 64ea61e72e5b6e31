"""Private training of PyTorch models; needs the extras ``ml`` and ``dp`` once it trains."""

from __future__ import annotations

from hedgerow.techniques.dp_train.descending import DPTrainer

__all__ = ["DPTrainer"]
