"""Tables as integer codes: level maps of columns, and distinct tuples with their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hedgerow.model.anonymity import Hierarchy

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_KEY_SPACE = 2**62


@dataclass(frozen=True, slots=True)
class LevelMaps:
    """One column's hierarchy as arrays; a missing value is one more code at the end.

    Args:
        groups: Per level, the group of each code; ``groups[0]`` is the identity.
        sizes: Per level, how many groups there are.
        losses: Per level, the loss of each code: (values it is joined with) / (all other values),
            0 for itself alone and 1 for ``*``.
    """

    groups: tuple[Ints, ...] = field(repr=False)
    sizes: tuple[int, ...]
    losses: tuple[Floats, ...] = field(repr=False)

    @property
    def top(self) -> int:
        """The highest level."""
        return len(self.groups) - 1


def level_maps(hierarchy: Hierarchy, *, has_missing: bool) -> LevelMaps:
    """Turn a hierarchy into arrays.

    Args:
        hierarchy: The hierarchy.
        has_missing: Whether the column has missing values: they are a value of their own (the code
            after the last value) at every level below the top and ``*`` there.

    Returns:
        The arrays over ``len(hierarchy.values)`` codes, one more with missing values.

    Source:
        The loss of a code is the generalised loss metric (Iyengar, KDD 2002), as ARX's Loss
        with equal factors for generalisation and suppression.
    """
    groups = [np.arange(len(hierarchy.values), dtype=np.int64)]
    groups += [np.asarray(level, dtype=np.int64) for level in hierarchy.maps]
    if has_missing:
        last = len(groups) - 1
        groups = [
            np.append(level, 0 if number == last else int(level.max(initial=-1)) + 1)
            for number, level in enumerate(groups)
        ]
    sizes = tuple(int(level.max(initial=-1)) + 1 for level in groups)
    return LevelMaps(tuple(groups), sizes, tuple(_losses(level, place) for place, level in enumerate(groups)))


def _losses(groups: Ints, level: int) -> Floats:
    if len(groups) <= 1:  # ``*`` hides even the only value
        return np.full(len(groups), float(level > 0))
    return np.asarray((np.bincount(groups)[groups] - 1) / (len(groups) - 1), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Tuples:
    """The distinct combinations of quasi-identifier codes in a table.

    Args:
        codes: One array per column, over the distinct tuples.
        counts: Rows of each tuple; 0 where only a population has it.
        of_row: The tuple of each row; empty where only the counts are known.
    """

    codes: tuple[Ints, ...] = field(repr=False)
    counts: Ints = field(repr=False)
    of_row: Ints = field(repr=False)

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return int(self.counts.sum())


def distinct_tuples(columns: Sequence[Ints], weights: Ints | None = None) -> Tuples:
    """Join equal rows.

    Args:
        columns: Codes of each quasi-identifier, all of one length of at least 1.
        weights: Rows that each entry stands for; one each without it.

    Returns:
        The distinct tuples, their counts and the tuple of each row.
    """
    keys = combined_keys(columns, [int(column.max()) + 1 for column in columns])
    _, first, of_row, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    if weights is not None:
        counts = np.bincount(of_row, weights=weights)
    return Tuples(
        tuple(np.ascontiguousarray(column[first]) for column in columns),
        counts.astype(np.int64),
        of_row.astype(np.int64),
    )


def combined_keys(columns: Sequence[NDArray[np.integer]], sizes: Sequence[int]) -> Ints:
    """Give each row one integer that is equal exactly where all codes are equal.

    Args:
        columns: Codes per column, from 0 to below its size.
        sizes: Number of codes per column.

    Returns:
        One key per row, from 0 to below the product of the sizes (less after renumbering,
        which happens where the product would not fit).
    """
    keys, space = columns[0].astype(np.int64), sizes[0]
    for column, size in zip(columns[1:], sizes[1:], strict=True):
        if space * size > _KEY_SPACE:
            _, inverse = np.unique(keys, return_inverse=True)
            keys, space = inverse.astype(np.int64), int(inverse.max()) + 1
        keys *= size
        keys += column
        space *= size
    return keys
