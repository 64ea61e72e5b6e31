"""Groupings of nodes, each rolled up from a finer one instead of from the table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernel.anonymity.coding import Floats, Ints, LevelMaps, Tuples
from hedgerow.kernel.anonymity.grouping import Generalised, Grouping, Pairs, coarsened, finest

_MOST_CACHED = 8_000_000
"""Classes kept, over all groupings (about 16 bytes each)."""

_NEVER = np.iinfo(np.int64).max
_NOTHING = Grouping(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


class RollUp:
    """Groupings of nodes, each rolled up from the smallest finer one that is still kept.

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
        self.generalised = Generalised(tuples, columns)
        self.entropies = [_entropies(*each, tuples) for each in zip(tuples.codes, columns, strict=True)]
        self._groupings: list[Grouping] = [finest(tuples, pairs, tallies)]
        self._nodes = np.zeros((64, len(columns)), dtype=np.int16)
        self._lengths = np.full(64, _NEVER)
        self._lengths[0] = len(tuples.counts)
        self._used_at = np.zeros(64, dtype=np.int64)
        self._room = _MOST_CACHED
        self._time = 0

    def at(self, node: Sequence[int]) -> Grouping:
        """Return the classes of a node."""
        self._time += 1
        target = np.asarray(node, dtype=np.int16)
        finer = np.all(self._nodes <= target, axis=1)
        place = int(np.argmin(np.where(finer, self._lengths, _NEVER)))
        self._used_at[place] = self._time
        base = self._groupings[place]
        # The first grouping holds every tuple in order: there is nothing to pick.
        grouping = coarsened(base, self.generalised.keys(node, base.first if place else None))
        if 2 * len(grouping.sizes) <= len(base.sizes) and len(grouping.sizes) <= _MOST_CACHED:
            self._remember(target, grouping)
        return grouping

    def _remember(self, node: NDArray[np.int16], grouping: Grouping) -> None:
        """Keep a grouping, instead of those not used for longest where there is no room."""
        while len(grouping.sizes) > self._room:
            self._forget()
        used = len(self._groupings)
        if used == len(self._nodes):
            self._nodes = np.concatenate([self._nodes, np.zeros_like(self._nodes)])
            self._lengths = np.concatenate([self._lengths, np.full(used, _NEVER)])
            self._used_at = np.concatenate([self._used_at, np.zeros(used, dtype=np.int64)])
        self._nodes[used], self._lengths[used], self._used_at[used] = node, len(grouping.sizes), self._time
        self._groupings.append(grouping)
        self._room -= len(grouping.sizes)

    def _forget(self) -> None:
        used = len(self._groupings)
        is_kept = self._lengths[:used] < _NEVER
        is_kept[0] = False
        oldest = int(np.argmin(np.where(is_kept, self._used_at[:used], _NEVER)))
        self._room += int(self._lengths[oldest])
        self._lengths[oldest] = _NEVER
        self._groupings[oldest] = _NOTHING


def _entropies(codes: Ints, maps: LevelMaps, tuples: Tuples) -> Floats:
    """Entropy of a column at each level, in nats."""
    rows = np.bincount(codes, weights=tuples.counts, minlength=len(maps.groups[0])) / tuples.rows
    shares = [np.bincount(groups, weights=rows) for groups in maps.groups]
    return np.array([-float((each[each > 0] * np.log(each[each > 0])).sum()) for each in shares])
