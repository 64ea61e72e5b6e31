"""Exact marginals: how many rows lie in each cell of a few attributes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
Attributes = tuple[int, ...]


def count_cells(codes: Codes, sizes: Sequence[int], attributes: Attributes) -> Integers:
    """Count the rows in each cell of some attributes.

    Args:
        codes: Rows by attributes, each code from 0 to below the attribute's size, shape ``(n, d)``.
        sizes: Cells of each attribute.
        attributes: Which ones, in increasing order; none counts all rows.

    Returns:
        Exact counts, one axis for each attribute.

    Guarantee: a person with at most ``m`` rows moves the counts by at most ``m`` in L1, and so in L2: each
        row lies in one cell. ``m`` rows in one cell move them by ``m`` in L2, so the bound is met.
    """
    shape = tuple(sizes[each] for each in attributes)
    flat = np.zeros(len(codes), dtype=np.int64)
    for each in attributes:
        flat *= sizes[each]
        flat += codes[:, each]
    counted: Integers = np.bincount(flat, minlength=prod(shape)).astype(np.int64).reshape(shape)
    return counted


def cells_of(sizes: Sequence[int], attributes: Attributes) -> int:
    """Count the cells of a marginal.

    Args:
        sizes: Cells of each attribute.
        attributes: Which ones.
    """
    return prod(sizes[each] for each in attributes)
