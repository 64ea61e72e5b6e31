"""Noise for exact integers and private choice, from OpenDP, and a stream for long vectors."""

from __future__ import annotations

from hedgerow.kernel.noise.choice import choice_scale, choose, score_gap
from hedgerow.kernel.noise.gaussian import add_gaussian, gaussian_scale
from hedgerow.kernel.noise.laplace import add_laplace, half_width, laplace_scale
from hedgerow.kernel.noise.scores import quantile_scores, score_reach

__all__ = [
    "add_gaussian",
    "add_laplace",
    "choice_scale",
    "choose",
    "gaussian_scale",
    "half_width",
    "laplace_scale",
    "quantile_scores",
    "score_gap",
    "score_reach",
]
