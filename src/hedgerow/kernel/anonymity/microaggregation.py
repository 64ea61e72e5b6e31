"""Microaggregation: groups of k like rows, whose numbers become one number each."""

from __future__ import annotations

import numpy as np

from hedgerow.kernel.anonymity.coding import Floats, Ints

MOST_TOGETHER = 20_000
"""Rows that are grouped together; more are cut along the first column."""


def mdav_groups(values: Floats, k: int, *, together: int = MOST_TOGETHER) -> Ints:
    """Group rows by maximum distance to the average vector (MDAV).

    The row farthest from the centre takes the k - 1 nearest to it, then the row farthest from that one does
    the same, until fewer than 3k are left; these become one or two groups.

    Args:
        values: One row per record and one column per variable, finite; each column weighs alike.
        k: Least rows in a group, at least 1 and at most the number of rows.
        together: Rows that are grouped together, at least 2k: more take longer, as the square, and are
            grouped a little better.

    Returns:
        Group of each row, numbered from 0.

    Guarantee:
        Every group has k to 2k - 1 rows. The order of rows decides only which of equal rows goes where.

    Source:
        Domingo-Ferrer and Torra, Ordinal, continuous and heterogeneous k-anonymity through
        microaggregation (Data Mining and Knowledge Discovery 11, 2005), algorithm MDAV-generic.
    """
    order = np.lexsort(values.T[::-1])
    points = comparable(values[order])  # sorted first: sums in another order are rounded otherwise
    groups = np.zeros(len(points), dtype=np.int64)
    used = 0
    for run in np.array_split(np.arange(len(points)), -(-len(points) // max(together, 2 * k))):
        inside = _groups(points[run], k)
        groups[order[run]] = inside + used
        used += int(inside.max()) + 1
    return groups


def _groups(points: Floats, k: int) -> Ints:
    groups = np.zeros(len(points), dtype=np.int64)
    left = np.arange(len(points))
    used = 0
    while len(left) >= 3 * k:
        centre = points[left].mean(axis=0)
        for _ in range(2):
            distances = _distances(points[left], centre)
            centre = points[left[int(distances.argmax())]]
            near = np.argsort(_distances(points[left], centre), kind="stable")[:k]
            groups[left[near]] = used
            used += 1
            left = np.delete(left, near)
    if len(left) >= 2 * k:
        far = points[left[int(_distances(points[left], points[left].mean(axis=0)).argmax())]]
        near = np.argsort(_distances(points[left], far), kind="stable")[:k]
        groups[left[near]] = used
        used += 1
        left = np.delete(left, near)
    groups[left] = used
    return groups


def _distances(points: Floats, centre: Floats) -> Floats:
    return np.asarray(((points - centre) ** 2).sum(axis=1), dtype=np.float64)


def comparable(values: Floats) -> Floats:
    """Bring columns to one scale: mean 0 and standard deviation 1.

    Args:
        values: One row per record and one column per variable, finite.

    Returns:
        The same shape; a column of one value becomes 0.
    """
    largest = np.abs(values).max(axis=0)
    scaled = values / np.where(largest > 0, largest, 1.0)  # so that squares do not overflow
    centred = scaled - scaled.mean(axis=0)
    spread = centred.std(axis=0)
    return np.asarray(centred / np.where(spread > 0, spread, 1.0), dtype=np.float64)
