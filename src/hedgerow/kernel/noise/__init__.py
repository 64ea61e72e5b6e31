"""Noise for exact integers and private choice, from OpenDP, and a stream for long vectors."""

from __future__ import annotations

from hedgerow.kernel.noise.choice import choice_scale, choose, score_gap
from hedgerow.kernel.noise.gaussian import add_gaussian, gaussian_half_width, gaussian_scale, l2_bound
from hedgerow.kernel.noise.laplace import add_laplace, half_width, laplace_scale
from hedgerow.kernel.noise.running import RunningCount, open_running
from hedgerow.kernel.noise.scores import quantile_scores, score_reach
from hedgerow.kernel.noise.sparse import AboveThreshold, open_threshold
from hedgerow.kernel.noise.threshold import gaussian_threshold, laplace_threshold

__all__ = [
    "AboveThreshold",
    "RunningCount",
    "add_gaussian",
    "add_laplace",
    "choice_scale",
    "choose",
    "gaussian_half_width",
    "gaussian_scale",
    "gaussian_threshold",
    "half_width",
    "l2_bound",
    "laplace_scale",
    "laplace_threshold",
    "open_running",
    "open_threshold",
    "quantile_scores",
    "score_gap",
    "score_reach",
]
