"""Chances of one attribute given others, made of a noisy marginal."""

from __future__ import annotations

import numpy as np

from hedgerow.kernel.marginals.counting import Floats


def nearest_counts(noisy: Floats) -> Floats:
    """Find the counts of at least 0 that come closest to noisy ones and have the same sum, line by line.

    Args:
        noisy: Noisy counts, shape ``(lines, cells)``.

    Returns:
        Counts of at least 0; a line whose sum is not above 0 is all zeros.

    Source: projection onto a simplex (Duchi, Shalev-Shwartz, Singer, Chandra 2008, figure 1). Cutting off
        below 0 instead would leave the noise above it, and make sparse lines too even.
    """
    totals = np.maximum(noisy.sum(axis=1, keepdims=True), 0.0)
    ordered = -np.sort(-noisy, axis=1)
    places = np.arange(1, noisy.shape[1] + 1)
    excess = (np.cumsum(ordered, axis=1) - totals) / places
    last = np.maximum((ordered > excess).sum(axis=1) - 1, 0)
    shift = excess[np.arange(len(noisy)), last][:, None]
    found: Floats = np.where(totals > 0, np.maximum(noisy - shift, 0.0), 0.0)
    return found


def conditional(noisy: Floats, alone: Floats, prior: float) -> Floats:
    """Give the chances of the last attribute given the others.

    Args:
        noisy: Noisy counts, the attribute on the last axis.
        alone: Its chances alone, which stand in where little was counted.
        prior: How many rows they count as.

    Returns:
        Chances, shape ``(cells of the others, cells)``; each line adds up to 1.
    """
    counts = nearest_counts(noisy.reshape(-1, noisy.shape[-1])) + prior * alone
    chances: Floats = counts / counts.sum(axis=1, keepdims=True)
    return chances
