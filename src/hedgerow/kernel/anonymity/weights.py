"""How much each quasi-identifier counts in the loss."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from hedgerow.kernel.anonymity.coding import Floats


def loss_shares(weights: Sequence[Fraction], columns: int) -> Floats:
    """Turn weights of columns into their shares of the loss.

    Args:
        weights: Weight per column, none negative and one above 0; none at all weighs all alike.
        columns: Number of columns, at least 1.

    Returns:
        ``weight / sum of weights`` per column, each rounded once to the nearest float: a release
        loses the mean over its rows of ``sum(share * loss of the row's value in that column)``, and
        1 for a dropped row.
    """
    asked = [Fraction(weight) for weight in weights] or [Fraction(1)] * columns
    total = sum(asked)
    return np.array([float(weight / total) for weight in asked])
