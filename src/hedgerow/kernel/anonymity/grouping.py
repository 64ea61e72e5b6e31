"""Equivalence classes as small tables that coarser classes are rolled up from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernel.anonymity.coding import Ints, LevelMaps, Tuples, combined_keys

_DENSE = 4
"""Counting beats sorting while keys stay below this many times the number of elements."""

_MOST_CACHED = 8_000_000
"""Classes kept for rolling up, over all groupings (about 16 bytes each)."""


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
    if space <= _DENSE * len(keys) + 1024:
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

    Args:
        tuples: The distinct tuples.
        columns: Level maps per column.
    """

    def __init__(self, tuples: Tuples, columns: Sequence[LevelMaps]) -> None:
        self._tuples, self._columns = tuples, columns
        self._codes: dict[tuple[int, int], NDArray[np.unsignedinteger]] = {}

    def keys(self, node: Sequence[int], of: Ints | None = None) -> Ints:
        """Give each tuple a key that is equal exactly where all generalised codes are equal.

        Args:
            node: Level per column.
            of: Which tuples to give keys; all without it.

        Returns:
            One key per tuple.
        """
        codes: list[NDArray[np.unsignedinteger]] = []
        sizes: list[int] = []
        for column, level in enumerate(node):
            if self._columns[column].sizes[level] > 1:  # one group splits nothing
                known = self._at(column, level)
                codes.append(known if of is None else known[of])
                sizes.append(self._columns[column].sizes[level])
        if not codes:
            return np.zeros(len(self._tuples.counts) if of is None else len(of), dtype=np.int64)
        return combined_keys(codes, sizes)

    def _at(self, column: int, level: int) -> NDArray[np.unsignedinteger]:
        known = self._codes.get((column, level))
        if known is None:
            maps = self._columns[column]
            narrow = np.min_scalar_type(maps.sizes[level])  # small codes are gathered from cache
            known = maps.groups[level].astype(narrow)[self._tuples.codes[column]]
            self._codes[column, level] = known
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
    if space > _DENSE * len(keys) + 1024:
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


class RollUp:
    """Groupings of nodes, each rolled up from the smallest finer one met before.

    Args:
        tuples: The distinct tuples.
        columns: Level maps per column.
        pairs: Values of each tuple, per column that a criterion reads.
        tallies: Further counts of each tuple.
    """

    def __init__(
        self,
        tuples: Tuples,
        columns: Sequence[LevelMaps],
        pairs: tuple[Pairs, ...] = (),
        tallies: tuple[Ints, ...] = (),
    ) -> None:
        self._generalised = Generalised(tuples, columns)
        self._groupings = [finest(tuples, pairs, tallies)]
        self._nodes = np.zeros((64, len(columns)), dtype=np.int16)
        self._lengths = np.full(64, np.iinfo(np.int64).max)
        self._lengths[0] = len(tuples.counts)
        self._room = _MOST_CACHED

    def at(self, node: Sequence[int]) -> Grouping:
        """Return the classes of a node."""
        target = np.asarray(node, dtype=np.int16)
        used = len(self._groupings)
        finer = np.all(self._nodes[:used] <= target, axis=1)
        smallest = int(np.argmin(np.where(finer, self._lengths[:used], np.iinfo(np.int64).max)))
        base = self._groupings[smallest]
        # The first grouping holds every tuple in order: there is nothing to pick.
        grouping = coarsened(base, self._generalised.keys(node, base.first if smallest else None))
        if 2 * len(grouping.sizes) <= len(base.sizes) and len(grouping.sizes) <= self._room:
            self._remember(target, grouping)
        return grouping

    def _remember(self, node: np.ndarray[tuple[int, ...], np.dtype[np.int16]], grouping: Grouping) -> None:
        used = len(self._groupings)
        if used == len(self._nodes):
            self._nodes = np.concatenate([self._nodes, np.zeros_like(self._nodes)])
            self._lengths = np.concatenate([self._lengths, np.full(used, np.iinfo(np.int64).max)])
        self._nodes[used], self._lengths[used] = node, len(grouping.sizes)
        self._groupings.append(grouping)
        self._room -= len(grouping.sizes)
