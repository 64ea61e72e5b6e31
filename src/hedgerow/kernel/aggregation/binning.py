"""In which bin of a histogram a value lies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hedgerow.model.plans import BinCounts, EdgeCounts

Ints = npt.NDArray[np.int64]


def bins_of(histogram: BinCounts | EdgeCounts, steps: Ints) -> Ints:
    """Tell the bin of each value.

    Args:
        histogram: Its bins.
        steps: Values in steps, within the bounds.

    Returns:
        A place for each, 0 to ``bins - 1``.
    """
    if isinstance(histogram, EdgeCounts):
        return np.searchsorted(np.array(histogram.edges, dtype=np.int64), steps, side="right") - 1
    places: Ints = (steps - (histogram.base - histogram.width // 2)) // histogram.width
    return places
