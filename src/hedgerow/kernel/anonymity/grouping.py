"""Equivalence classes as small tables that coarser classes are rolled up from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernel.anonymity.coding import Ints, LevelMaps, Tuples, combined_keys

_DENSE = 4
"""Counting beats sorting while keys stay below this many times the number of elements ..."""

_DENSE_ANYHOW = 2**17
"""... or below this."""


_PART = 3
"""Columns whose codes are put together and kept."""

_LARGEST_PART = 2**32
"""Columns with more combinations of codes are not put together."""

_MOST_PARTS = 32_000_000
"""Codes kept of parts (2 or 4 bytes each, as a rule)."""

Codes = NDArray[np.unsignedinteger]
Levels = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which values of one column each class has, and in how many rows.

    Args:
        classes: Class of each distinct pair of class and value, ascending; then by value.
        values: Value code of the pair; missing values make no pair.
        counts: Rows of the pair, at least 1.
        size: Number of value codes.
    """

    classes: Ints = field(repr=False)
    values: Ints = field(repr=False)
    counts: Ints = field(repr=False)
    size: int

    def distinct(self, number: int) -> Ints:
        """Count the distinct values of each of ``number`` classes."""
        return np.bincount(self.classes, minlength=number).astype(np.int64)


def distinct_pairs(classes: Ints, values: Ints, weights: Ints | None = None) -> Pairs:
    """Join equal pairs of class and value.

    Args:
        classes: Class of each row.
        values: Value code of each row; -1 is missing and counts as no value.
        weights: Rows that each entry stands for; one each without it.

    Returns:
        The distinct pairs.
    """
    size = max(int(values.max(initial=-1)) + 1, 1)
    return _joined_pairs(classes, values, weights, size)


def _joined_pairs(classes: Ints, values: Ints, weights: Ints | None, size: int) -> Pairs:
    known = values >= 0
    if not known.all():
        classes, values = classes[known], values[known]
        weights = None if weights is None else weights[known]
    keys = classes * size + values
    space = int(keys.max(initial=-1)) + 1
    if space <= max(_DENSE * len(keys), _DENSE_ANYHOW):
        counts = np.bincount(keys, weights=weights, minlength=space)
        used = np.flatnonzero(counts)
        return Pairs(used // size, used % size, counts[used].astype(np.int64), size)
    if weights is None:
        used, counts = np.unique(keys, return_counts=True)
        return Pairs(used // size, used % size, counts.astype(np.int64), size)
    order = np.argsort(keys)
    ordered = keys[order]
    starts = _starts(ordered)
    used = ordered[starts]
    return Pairs(used // size, used % size, np.add.reduceat(weights[order], starts), size)


def _starts(ordered: Ints) -> Ints:
    """Where each run of equal keys begins."""
    return np.flatnonzero(np.concatenate((np.ones(min(len(ordered), 1), bool), ordered[1:] != ordered[:-1])))


@dataclass(frozen=True, slots=True)
class Grouping:
    """The classes of one node.

    Args:
        first: A distinct tuple of each class: its generalised codes are those of the class.
        sizes: Rows of each class.
        pairs: Per column that a criterion reads, the values of each class.
        tallies: Further sums over each class, such as the rows of a population that fall in it.
    """

    first: Ints = field(repr=False)
    sizes: Ints = field(repr=False)
    pairs: tuple[Pairs, ...] = field(default=(), repr=False)
    tallies: tuple[Ints, ...] = field(default=(), repr=False)


class Generalised:
    """The codes of each distinct tuple at every level, made when first asked for.

    Keys are put together from a few parts, each of several columns at certain levels, that are kept,
    since most nodes share them.

    Args:
        tuples: The distinct tuples.
        columns: Level maps per column.
    """

    def __init__(self, tuples: Tuples, columns: Sequence[LevelMaps]) -> None:
        self._tuples, self._columns = tuples, columns
        self._codes: dict[tuple[int, int], Codes] = {}
        self._parts: dict[tuple[int, Levels], Codes] = {}

    def keys(self, node: Sequence[int], of: Ints | None = None) -> Ints:
        """Give each tuple a key that is equal exactly where all generalised codes are equal.

        Args:
            node: Level per column.
            of: Which tuples to give keys; all without it.

        Returns:
            One key per tuple.
        """
        codes: list[Codes] = []
        sizes: list[int] = []
        for start in range(0, len(node), _PART):
            for known, size in self._splitting(start, tuple(node[start : start + _PART])):
                codes.append(known if of is None else known[of])
                sizes.append(size)
        if not codes:
            return np.zeros(len(self._tuples.counts) if of is None else len(of), dtype=np.int64)
        return combined_keys(codes, sizes)

    def _splitting(self, start: int, levels: Levels) -> list[tuple[Codes, int]]:
        """The codes of some columns put together where they fit, and their number."""
        sizes = [self._columns[start + place].sizes[level] for place, level in enumerate(levels)]
        together = math.prod(sizes)
        if together <= 1:  # one group splits nothing
            return []
        if together <= _LARGEST_PART:
            return [(self._part(start, levels, sizes), together)]
        return [
            (self.at(start + place, level), sizes[place])
            for place, level in enumerate(levels)
            if sizes[place] > 1
        ]

    def at(self, column: int, level: int) -> Codes:
        """Give the code of each tuple in one column at one level."""
        known = self._codes.get((column, level))
        if known is None:
            maps = self._columns[column]
            narrow = np.min_scalar_type(maps.sizes[level])  # small codes are gathered from cache
            known = maps.groups[level].astype(narrow)[self._tuples.codes[column]]
            self._codes[column, level] = known
        return known

    def _part(self, start: int, levels: Levels, sizes: list[int]) -> Codes:
        known = self._parts.get((start, levels))
        if known is None:
            codes = [self.at(start + place, level) for place, level in enumerate(levels)]
            known = combined_keys(codes, sizes).astype(np.min_scalar_type(math.prod(sizes)))
            while len(self._parts) >= max(_MOST_PARTS // len(known), 1):
                del self._parts[next(iter(self._parts))]  # the one made first
            self._parts[start, levels] = known
        return known


def coarsened(finer: Grouping, keys: Ints) -> Grouping:
    """Join the classes of a grouping that have equal keys.

    Args:
        finer: The classes to join.
        keys: One integer of at least 0 per class.

    Returns:
        The joined classes.
    """
    space = int(keys.max()) + 1
    if space > max(_DENSE * len(keys), _DENSE_ANYHOW):
        return _sorted_together(finer, keys)
    sizes = np.bincount(keys, weights=finer.sizes, minlength=space).astype(np.int64)
    members = np.full(space, -1, dtype=np.int64)
    members[keys] = finer.first
    used = members >= 0  # a class may hold no row of the table, only some of a population
    number = np.cumsum(used) - 1 if finer.pairs else None
    tallies = tuple(_sums(keys, tally, space)[used] for tally in finer.tallies)
    return Grouping(members[used], sizes[used], _joined(finer, number, keys), tallies)


def _sorted_together(finer: Grouping, keys: Ints) -> Grouping:
    order = np.argsort(keys)
    ordered = keys[order]
    starts = _starts(ordered)
    sizes = np.add.reduceat(finer.sizes[order], starts)
    pairs = _joined(finer, None, np.searchsorted(ordered[starts], keys)) if finer.pairs else ()
    tallies = tuple(np.add.reduceat(tally[order], starts) for tally in finer.tallies)
    return Grouping(finer.first[order[starts]], sizes, pairs, tallies)


def _sums(keys: Ints, weights: Ints, space: int) -> Ints:
    return np.bincount(keys, weights=weights, minlength=space).astype(np.int64)


def _joined(finer: Grouping, number: Ints | None, keys: Ints) -> tuple[Pairs, ...]:
    if not finer.pairs:
        return ()
    classes = keys if number is None else number[keys]
    return tuple(
        _joined_pairs(classes[pairs.classes], pairs.values, pairs.counts, pairs.size) for pairs in finer.pairs
    )


def finest(tuples: Tuples, pairs: tuple[Pairs, ...], tallies: tuple[Ints, ...] = ()) -> Grouping:
    """Treat each distinct tuple as a class of its own.

    Args:
        tuples: The distinct tuples.
        pairs: Values of each tuple, per column that a criterion reads.
        tallies: Further counts of each tuple, to be summed over classes.

    Returns:
        The grouping at level 0 everywhere.
    """
    return Grouping(np.arange(len(tuples.counts), dtype=np.int64), tuples.counts, pairs, tallies)
