"""Cutting a table into blocks of like rows, top down along hierarchies.

A column's hierarchy is seen as *steps*: step ``(column, level)`` tells the groups of that level
apart. A class keeps the detail of a step when all its rows share the group. What a class keeps in
all, weighed by what each step is worth, is one minus its loss, since hierarchies are nested: rows
that share a group share every coarser one, and the first shared level is the lowest common ancestor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernel.anonymity.coding import Flags, Floats, Ints, combined_keys
from hedgerow.kernel.anonymity.criteria import good_classes, kept_classes
from hedgerow.kernel.anonymity.grouping import Grouping, coarsened, finest
from hedgerow.kernel.anonymity.search import Problem

Groups: TypeAlias = NDArray[np.signedinteger]
Worths: TypeAlias = NDArray[np.float32]
Constraint: TypeAlias = Callable[[Grouping], Flags]
FurtherTest: TypeAlias = Callable[[Ints], Flags]


@dataclass(frozen=True, slots=True)
class Steps:
    """Every step of every column, over the distinct tuples.

    Args:
        groups: Group of each tuple, one row per step; a column's steps stand together, finest first.
        worths: What a row keeps by each step, one row per step.
        columns: Column of each step.
    """

    groups: Groups = field(repr=False)
    worths: Worths = field(repr=False)
    columns: tuple[int, ...]


def steps_of(problem: Problem, weights: Sequence[float] | None = None) -> Steps:
    """List the steps of a problem's hierarchies.

    Args:
        problem: Table and hierarchies; levels above ``max_levels`` are no steps.
        weights: What each column is worth, at least 0 and not all 0; equal without it.

    Returns:
        The steps, worth 1 together for a row that keeps all.
    """
    share = np.ones(len(problem.columns)) if weights is None else np.asarray(weights, dtype=np.float64)
    share = share / share.sum()
    groups: list[Ints] = []
    worths: list[Floats] = []
    columns: list[int] = []
    for column, (maps, codes, height) in enumerate(
        zip(problem.columns, problem.tuples.codes, problem.shape, strict=True)
    ):
        for level in range(height - 1):
            worth = share[column] * (maps.losses[level + 1] - maps.losses[level])
            groups.append(maps.groups[level][codes])
            worths.append(worth[codes])
            columns.append(column)
    shape = (len(columns), len(problem.tuples.counts))
    # Narrow codes compare several times as fast; -1 is left free.
    narrow = np.min_scalar_type(-1 - max((int(each.max(initial=0)) for each in groups), default=0))
    return Steps(
        np.asarray(groups, dtype=narrow).reshape(shape),
        np.asarray(worths, dtype=np.float32).reshape(shape),
        tuple(columns),
    )


class Judge:
    """Says of classes whether they may be released.

    Args:
        problem: The table and what the constraint needs of it.
        good: The constraint; without it at least k rows and the problem's criteria.
        also: A further test, given the class of each tuple.
    """

    def __init__(
        self, problem: Problem, good: Constraint | None = None, also: FurtherTest | None = None
    ) -> None:
        self._finest = finest(problem.tuples, problem.pairs, problem.tallies)
        self._good = good or (lambda grouping: good_classes(grouping, problem.k, problem.criteria))
        self._table_criteria = problem.table_criteria
        self._also = also

    def good(self, classes: Ints) -> Flags:
        """Judge each class.

        Args:
            classes: Class of each tuple, each number from 0 on used.

        Returns:
            One flag per class.
        """
        grouping = coarsened(self._finest, classes)
        return self._flags(grouping, classes)

    def kept(self, classes: Ints) -> Flags:
        """Tell which classes of a finished table stay: the good ones, less what its whole must drop.

        Args:
            classes: Class of each tuple, each number from 0 on used.

        Returns:
            One flag per class.
        """
        grouping = coarsened(self._finest, classes)
        return kept_classes(grouping, self._flags(grouping, classes), self._table_criteria)

    def _flags(self, grouping: Grouping, classes: Ints) -> Flags:
        flags = np.asarray(self._good(grouping), dtype=np.bool_)
        return flags if self._also is None else flags & self._also(classes)


def numbered(keys: Ints) -> Ints:
    """Number distinct keys from 0 in ascending order.

    Args:
        keys: Any integers.

    Returns:
        The place of each key among the distinct ones.
    """
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


def outermost(problem: Problem) -> Ints:
    """Tell apart what no class may join, since ``max_levels`` forbids it.

    Args:
        problem: Table, hierarchies and coarsest levels.

    Returns:
        Block of each tuple.
    """
    tops = [height - 1 for height in problem.shape]
    keys = combined_keys(
        [
            maps.groups[top][codes]
            for maps, codes, top in zip(problem.columns, problem.tuples.codes, tops, strict=True)
        ],
        [maps.sizes[top] for maps, top in zip(problem.columns, tops, strict=True)],
    )
    return numbered(keys)


def blocks_of(problem: Problem, steps: Steps, judge: Judge, most: int) -> Ints:
    """Cut the table until no block holds more than ``most`` tuples.

    Each round cuts every large block by the step whose cut keeps most: the groups with enough rows
    become blocks of their own, the others stay together. A cut that leaves a bad block is not
    made, and the next best step is tried. A large block that no step cuts any more holds rows that
    no hierarchy tells apart: it is cut in the order of its values.

    Args:
        problem: Table and hierarchies.
        steps: Its steps.
        judge: What a block must meet.
        most: Distinct tuples in a block, at least 2.

    Returns:
        Block of each tuple, numbered from 0 by the order of values; each is good if its outermost
        block is.
    """
    cutter = _Cutter(problem, steps, judge, most)
    blocks = outermost(problem)
    refused = np.zeros((int(blocks.max()) + 1, len(steps.columns)), dtype=np.bool_)
    refused[~judge.good(blocks)] = True  # some part of it would be bad: it stays whole
    while True:
        step = cutter.best_steps(blocks, refused)
        if (step < 0).all():
            return cutter.sliced(blocks)
        blocks, refused = cutter.cut(blocks, refused, step)


class _Cutter:
    def __init__(self, problem: Problem, steps: Steps, judge: Judge, most: int) -> None:
        self.counts, self.steps, self.judge, self.most = problem.tuples.counts, steps, judge, most
        self.least = max(problem.k, most // 8)  # smaller blocks leave too little to choose from

    def best_steps(self, blocks: Ints, refused: Flags) -> Ints:
        """The step that each large block is to be cut by, -1 for none."""
        number = len(refused)
        large = np.bincount(blocks, minlength=number) > self.most
        best, step = np.zeros(number), np.full(number, -1, dtype=np.int64)
        inside = np.flatnonzero((large & ~refused.all(axis=1))[blocks])
        parents = blocks[inside]
        for place in range(len(self.steps.columns)) if len(inside) else ():
            kept = self._kept(inside, parents, place, number)
            better = (kept > best) & ~refused[:, place]
            best[better], step[better] = kept[better], place
        return step

    def _kept(self, inside: Ints, parents: Ints, place: int, number: int) -> Floats:
        """What cutting each block by a step would keep; 0 where it would cut nothing."""
        _, owners, rows, worths = self._children(inside, parents, place)
        enough = rows >= self.least
        fit = np.bincount(owners[enough], minlength=number)
        rest = np.bincount(owners[~enough], weights=rows[~enough], minlength=number)
        cuts = (fit >= 1) & (fit + (rest > 0) > 1) & ((rest == 0) | (rest >= self.least))
        gained = np.bincount(owners[enough], weights=rows[enough] * worths[enough], minlength=number)
        return np.asarray(np.where(cuts, gained, 0.0), dtype=np.float64)

    def _children(self, inside: Ints, parents: Ints, place: int) -> tuple[Ints, Ints, Ints, Worths]:
        """Group the tuples of blocks by a step: child of each tuple; block, rows and worth of each child."""
        groups = self.steps.groups[place, inside]
        width = int(groups.max()) + 1
        keys = parents * width + groups
        space = (int(parents.max()) + 1) * width
        if space <= 4 * len(inside) + 1024:  # counting beats sorting
            tuples = np.bincount(keys, minlength=space)
            used = np.flatnonzero(tuples)
            places = np.zeros(space, dtype=np.int64)
            places[used] = np.arange(len(used))
            children = places[keys]
        else:
            used, children = np.unique(keys, return_inverse=True)
        rows = np.bincount(children, weights=self.counts[inside]).astype(np.int64)
        worths = np.zeros(len(used), dtype=np.float32)
        worths[children] = self.steps.worths[place, inside]
        return children, used // width, rows, worths

    def cut(self, blocks: Ints, refused: Flags, step: Ints) -> tuple[Ints, Flags]:
        """Cut each block by its step, but where a part would be bad: there the step is refused."""
        part = np.zeros(len(blocks), dtype=np.int64)  # 0 is the rest
        for place in np.unique(step[step >= 0]).tolist():
            inside = np.flatnonzero((step == place)[blocks])
            children, _, rows, _ = self._children(inside, blocks[inside], place)
            enough = (rows >= self.least)[children]
            part[inside[enough]] = self.steps.groups[place, inside[enough]].astype(np.int64) + 1
        made = numbered(combined_keys([blocks, part], [len(refused), int(part.max()) + 1]))
        parent = np.zeros(int(made.max()) + 1, dtype=np.int64)
        parent[made] = blocks
        spoilt = np.zeros(len(refused), dtype=np.bool_)
        spoilt[parent[~self.judge.good(made)]] = True
        spoilt &= step >= 0
        refused = refused.copy()
        refused[spoilt, step[spoilt]] = True
        part[spoilt[blocks]] = 0
        again = numbered(combined_keys([blocks, part], [len(refused), int(part.max()) + 1]))
        before = np.zeros(int(again.max()) + 1, dtype=np.int64)
        before[again] = blocks
        inherited = refused[before]
        inherited[(step >= 0)[before] & ~spoilt[before]] = False
        return again, inherited

    def sliced(self, blocks: Ints) -> Ints:
        """Cut blocks that are still large in the order of their values, as far as all parts stay good."""
        large = np.bincount(blocks) > self.most
        if not large.any():
            return blocks
        good = self.judge.good(blocks)
        order = np.argsort(blocks, kind="stable")
        starts = np.searchsorted(blocks[order], np.arange(len(large)))
        slices = np.zeros(len(blocks), dtype=np.int64)
        slices[order] = (np.arange(len(blocks)) - starts[blocks[order]]) // self.most
        slices[~(large & good)[blocks]] = 0
        while True:
            keys = combined_keys([blocks, slices], [len(large), int(slices.max()) + 1])
            made = numbered(keys)
            bad = ~self.judge.good(made)[made] & (large & good)[blocks]
            if not (bad & (slices > 0)).any():
                break
            # A bad slice joins the one before it, which may be numbered anything below.
            slices[bad] = np.maximum(slices[bad] - 1, 0)
        first_bad = np.zeros(len(large), dtype=np.bool_)
        first_bad[blocks[bad]] = True
        slices[first_bad[blocks]] = 0  # its first slice is bad: leave the block whole
        return numbered(combined_keys([blocks, slices], [len(large), int(slices.max()) + 1]))
