"""Exact sums of products of features: all that linear models, main components and item factors need."""

from __future__ import annotations

from math import isqrt

import numpy as np
import numpy.typing as npt

from hedgerow.model.errors import Refused
from hedgerow.techniques.dp_train.sums import Rows, cut

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Rows and targets in units of 2**-12: a product is at most 2**24, and 2**25 rows sum below 2**53.
UNIT = 2**12
# Products of features move by (|x|**4 + sum of x**4) / 2 in square, those with the target by |x|**2.
TRIANGLE_BOUND = UNIT**2
STATISTICS_BOUND = isqrt(2 * UNIT**4) + 1
_WIDTH_MOST = 2_000


def checked_width(width: int, what: str) -> int:
    """Refuse more features than a matrix of products is made of.

    Args:
        width: How many there are.
        what: What they are, for the error.

    Returns:
        The width.

    Raises:
        Refused: ``learn.too-large``.
    """
    if width > _WIDTH_MOST:
        raise Refused("learn.too-large", what=what, number=f"{width:,}", most=f"{_WIDTH_MOST:,}")
    return width


def triangle(width: int) -> int:
    """Count the numbers on and above the diagonal.

    Args:
        width: How many features there are.

    Returns:
        How many products of two of them there are.
    """
    return width * (width + 1) // 2


def statistics(rows: Rows, aims: Floats | None = None) -> Integers:
    """Add up each person's products of features, and of features with a target, exactly.

    Args:
        rows: Whole rows in units of 2**-12, of a norm of at most 1.
        aims: Targets within -1 and 1, in the order of the rows; none for products of features alone.

    Returns:
        The upper triangle of the matrix of products, row by row, and then the products with the target, in
        units of 2**-24.

    Guarantee: adding or removing a person changes the result by at most ``STATISTICS_BOUND`` in L2, and by
        at most ``TRIANGLE_BOUND`` where there is no target.
    """
    upper = np.triu_indices(rows.features.shape[1])
    targets = [] if aims is None else [np.rint(aims * UNIT)[:, None]]
    bound = TRIANGLE_BOUND if aims is None else STATISTICS_BOUND
    alone = rows.features[: rows.alone]
    total = (alone.T @ alone)[upper]
    for wanted in targets:
        total = np.append(total, alone.T @ wanted[: rows.alone])
    for part, starts in rows.blocks(len(total)):
        features = rows.features[part]
        pairs = features[:, upper[0]] * features[:, upper[1]]
        products = np.hstack([pairs, *(features * wanted[part] for wanted in targets)])
        total += cut(np.add.reduceat(products, starts, axis=0), bound).sum(axis=0)
    return total.astype(np.int64)


def unfolded(flat: npt.NDArray[np.generic], width: int) -> Floats:
    """Make a symmetric matrix of its upper triangle.

    Args:
        flat: The triangle, row by row.
        width: How many rows the matrix has.

    Returns:
        The matrix, shape ``(width, width)``.
    """
    made = np.zeros((width, width))
    made[np.triu_indices(width)] = flat
    return np.triu(made) + np.triu(made, 1).T
