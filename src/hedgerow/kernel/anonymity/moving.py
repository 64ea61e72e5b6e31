"""Moving rows from class to class inside blocks, while that keeps more."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hedgerow.kernel.anonymity.coding import Floats, Ints
from hedgerow.kernel.anonymity.merging import Classes, collected, kept_together
from hedgerow.kernel.anonymity.partition import Judge, Steps, Worths
from hedgerow.kernel.anonymity.search import Problem

MOST_ROUNDS = 5
"""Rounds of moves at most; later ones gain next to nothing."""

_LEAST_GAIN = 1e-6


def rearranged(problem: Problem, steps: Steps, judge: Judge, blocks: Ints, class_of: Ints) -> Ints:
    """Move tuples to other classes of their block as long as less is lost.

    In each round every tuple whose class can spare it looks for the class in which all rows together
    keep most; of these moves the best are made, each class taking part in one, and those that
    leave a class that may not be released are taken back.

    Args:
        problem: Table, hierarchies and k.
        steps: Its steps.
        judge: What a class must meet.
        blocks: Block of each tuple, numbered from 0.
        class_of: Class of each tuple, each number from 0 on used.

    Returns:
        Class of each tuple, as many as before. A class that was good still is, and what is lost in all
        is at most what was lost before.
    """
    open_blocks = np.ones(int(blocks.max()) + 1, dtype=np.bool_)
    for _ in range(MOST_ROUNDS):
        classes = collected(problem, steps, class_of, blocks)
        spare = classes.sizes[class_of] - problem.tuples.counts >= problem.k
        looking = np.flatnonzero(spare & open_blocks[blocks])
        moves = _Look(problem, steps, classes, class_of, looking).moves(blocks)
        tuples, targets = _apart(moves, class_of, len(classes.sizes))
        tried = class_of.copy()
        tried[tuples] = targets
        good = judge.good(tried)
        stands = good[class_of[tuples]] & good[targets]
        if not stands.any():
            return class_of
        class_of = class_of.copy()
        class_of[tuples[stands]] = targets[stands]
        open_blocks[:] = False  # where nothing moved, nothing will
        open_blocks[blocks[tuples[stands]]] = True
    return class_of


@dataclass(frozen=True, slots=True)
class _Moves:
    """A move of each tuple that gains by one, best first."""

    tuples: Ints = field(repr=False)
    targets: Ints = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Look:
    """Tuples that look for another class."""

    problem: Problem
    steps: Steps
    classes: Classes
    class_of: Ints = field(repr=False)
    looking: Ints = field(repr=False)

    def moves(self, blocks: Ints) -> _Moves:
        """The best move of each."""
        gains = np.zeros(len(self.looking))
        targets = np.full(len(self.looking), -1, dtype=np.int64)
        leaving = self._leaving()
        at = blocks[self.looking]
        order, members = (np.argsort(each, kind="stable") for each in (at, self.classes.blocks))
        names = np.unique(at)
        bounds = [
            np.searchsorted(each[place], names, side)
            for each, place in ((at, order), (self.classes.blocks, members))
            for side in ("left", "right")
        ]
        for first, last, start, end in np.column_stack(bounds).tolist() if len(names) else ():
            own, others = order[first:last], members[start:end]
            found = leaving[own][:, None] - self._joining(self.looking[own], others)
            found[self.class_of[self.looking[own]][:, None] == others[None, :]] = 0
            best = found.argmax(axis=1)
            gains[own], targets[own] = found[np.arange(len(own)), best], others[best]
        better = np.flatnonzero(gains > _LEAST_GAIN)
        better = better[np.lexsort((better, -gains[better]))]
        return _Moves(self.looking[better], targets[better])

    def _leaving(self) -> Floats:
        """What is kept more, in rows, when each tuple leaves its class and stands alone."""
        own = self.class_of[self.looking]
        rows, sizes = self.problem.tuples.counts[self.looking], self.classes.sizes[own]
        whole = self.steps.worths[:, self.looking].sum(axis=0)
        kept = self.classes.worths.sum(axis=0)[own]
        return np.asarray(rows * (whole - kept) + (sizes - rows) * self._rise(), dtype=np.float64)

    def _rise(self) -> Worths:
        """How much more a row of its class keeps once each tuple has left: where it alone differs."""
        rise = np.zeros(len(self.class_of), dtype=np.float32)
        number = len(self.classes.sizes)
        looking = np.zeros(number, dtype=np.bool_)
        looking[self.class_of[self.looking]] = True
        for groups, worths, shared in zip(
            self.steps.groups, self.steps.worths, self.classes.groups, strict=True
        ):
            torn = np.flatnonzero((looking & (shared < 0))[self.class_of])
            own = self.class_of[torn]
            keys = own * (int(groups.max(initial=0)) + 1) + groups[torn]
            _, first, which, tuples = np.unique(
                keys, return_index=True, return_inverse=True, return_counts=True
            )
            parts = np.bincount(own[first], minlength=number)
            worth = np.bincount(own[first], weights=worths[torn[first]], minlength=number)
            alone = (tuples[which] == 1) & (parts[own] == 2)  # noqa: PLR2004 - it and the rest
            rise[torn[alone]] += (worth[own] - worths[torn])[alone].astype(np.float32)
        return rise[self.looking]

    def _joining(self, tuples: Ints, others: Ints) -> Worths:
        """What is lost, in rows, when each tuple joins each class."""
        groups, worths = self.steps.groups[:, tuples], self.steps.worths[:, tuples]
        kept = kept_together(groups, worths, self.classes.groups[:, others])
        whole = worths.sum(axis=0)
        before = self.classes.worths[:, others].sum(axis=0)
        rows = self.problem.tuples.counts[tuples].astype(np.float32)
        sizes = self.classes.sizes[others].astype(np.float32)
        lost = rows[:, None] * (whole[:, None] - kept)
        lost += sizes[None, :] * (before[None, :] - kept)
        return np.asarray(lost, dtype=np.float32)


def _apart(moves: _Moves, class_of: Ints, number: int) -> tuple[Ints, Ints]:
    """The best moves of which no two touch the same class."""
    taken = np.zeros(number, dtype=np.bool_)
    chosen = []
    sources = class_of[moves.tuples].tolist()
    for place, (source, target) in enumerate(zip(sources, moves.targets.tolist(), strict=True)):
        if not (taken[source] or taken[target]):
            taken[source] = taken[target] = True
            chosen.append(place)
    return moves.tuples[chosen], moves.targets[chosen]
