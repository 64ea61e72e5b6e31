"""Joining rows to classes inside blocks, bottom up, by what each join costs.

Source:
    Gionis, Mazza and Tassa, k-Anonymization Revisited (ICDE 2008): agglomerative clustering by
    the loss of the lowest common ancestor. Here all pairs that are nearest to each other are
    joined at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Ints
from hedgerow.kernel.anonymity.partition import Groups, Judge, Steps, Worths, numbered
from hedgerow.kernel.anonymity.search import Problem

MOST_COMPARED = 2048
"""Tuples of one block that are compared with each other; a larger block becomes one class."""

_OVERSHOOT = 0.1
"""What a row beyond k costs in a join, in rows that lose all: rows are kept for other classes."""

_TORN = -1


@dataclass(slots=True)
class Classes:
    """Classes on the way.

    Args:
        groups: Per step the group that the rows of each class share, -1 where they differ.
        worths: Per step what a row of each class keeps by it, 0 where they differ.
        sizes: Rows of each class.
        blocks: Block of each class.
    """

    groups: Groups = field(repr=False)
    worths: Worths = field(repr=False)
    sizes: Ints = field(repr=False)
    blocks: Ints = field(repr=False)


def merged(problem: Problem, steps: Steps, judge: Judge, blocks: Ints) -> Ints:
    """Join the tuples of each block to classes until all are good.

    Args:
        problem: Table, hierarchies and k.
        steps: Its steps.
        judge: What a class must meet.
        blocks: Block of each tuple, numbered from 0.

    Returns:
        Class of each tuple, numbered from 0 by the order of values. Each class is good, or is a
        whole block that is not good, if what joins good classes is good.
    """
    class_of = _first_classes(judge, blocks)
    classes = collected(problem, steps, class_of, blocks)
    while True:
        good = judge.good(class_of)
        joins = _joins(problem.k, classes, good)
        if not len(joins[0]):
            return class_of
        target = np.arange(len(good))
        target[joins[0]] = joins[1]
        _join(classes, *joins)
        stays = target == np.arange(len(good))
        class_of = (np.cumsum(stays) - 1)[target[class_of]]
        classes = Classes(
            classes.groups[:, stays], classes.worths[:, stays], classes.sizes[stays], classes.blocks[stays]
        )


def _first_classes(judge: Judge, blocks: Ints) -> Ints:
    """Each tuple alone; blocks that are bad, or too large to compare, whole."""
    whole = (np.bincount(blocks) > MOST_COMPARED) | ~judge.good(blocks)
    first = np.full(len(whole), -1, dtype=np.int64)
    first[blocks[::-1]] = np.arange(len(blocks))[::-1]
    return numbered(np.where(whole[blocks], first[blocks], np.arange(len(blocks))))


def collected(problem: Problem, steps: Steps, class_of: Ints, blocks: Ints) -> Classes:
    """Tell what the rows of each class share.

    Args:
        problem: Table and hierarchies.
        steps: Its steps.
        class_of: Class of each tuple, each number from 0 on used.
        blocks: Block of each tuple; no class lies in two.

    Returns:
        The classes.
    """
    number = int(class_of.max()) + 1
    first = np.full(number, -1, dtype=np.int64)
    first[class_of[::-1]] = np.arange(len(class_of))[::-1]
    groups = steps.groups[:, first]
    worths = steps.worths[:, first]
    for place in range(len(groups)):
        torn = class_of[groups[place, class_of] != steps.groups[place]]
        groups[place, torn] = _TORN
        worths[place, torn] = 0
    sizes = np.bincount(class_of, weights=problem.tuples.counts).astype(np.int64)
    return Classes(groups, worths, sizes, blocks[first])


def _join(classes: Classes, sources: Ints, targets: Ints) -> None:
    shared = classes.groups[:, sources] == classes.groups[:, targets]
    classes.groups[:, targets] = np.where(shared, classes.groups[:, targets], _TORN)
    classes.worths[:, targets] = np.where(shared, classes.worths[:, targets], 0)
    classes.sizes[targets] += classes.sizes[sources]


def _joins(k: int, classes: Classes, good: Flags) -> tuple[Ints, Ints]:
    """The joins of one round: bad classes nearest to each other, and bad ones nearest to a good one.

    Each class takes part in one join at most. Costs are symmetric and ties go to the lower
    number, so the cheapest join of all is always among them: each round makes progress.
    """
    partner = np.full(len(good), -1, dtype=np.int64)
    cost = np.full(len(good), np.inf)
    worth = classes.worths.sum(axis=0)
    for bad, members in _open_blocks(classes, good):
        costs = _costs(k, classes, worth, bad, members)
        nearest = costs.argmin(axis=1)
        partner[bad], cost[bad] = members[nearest], costs[np.arange(len(bad)), nearest]
    seeking = np.flatnonzero(partner >= 0)
    mutual = seeking[(partner[partner[seeking]] == seeking) & (seeking < partner[seeking])]
    to_good = seeking[good[partner[seeking]]]
    order = to_good[np.lexsort((to_good, cost[to_good], partner[to_good]))]
    wanted = partner[order]
    cheapest = order[np.concatenate(([True], wanted[1:] != wanted[:-1]))[: len(order)]]
    sources = np.concatenate((mutual, cheapest))
    return sources, partner[sources]


def _open_blocks(classes: Classes, good: Flags) -> Iterator[tuple[Ints, Ints]]:
    """The bad classes and all classes of each block that has a bad one and another."""
    order = np.argsort(classes.blocks, kind="stable")
    bounds = np.searchsorted(classes.blocks[order], np.arange(int(classes.blocks.max()) + 2))
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        members = order[start:end]
        bad = members[~good[members]]
        if len(bad) and len(members) > 1:
            yield bad, members


def _costs(k: int, classes: Classes, worth: Worths, bad: Ints, members: Ints) -> Worths:
    """What joining each bad class with each class of its block costs, in rows that lose all."""
    kept = kept_together(classes.groups[:, bad], classes.worths[:, bad], classes.groups[:, members])
    own = classes.sizes[bad].astype(np.float32)[:, None]
    others = classes.sizes[members].astype(np.float32)[None, :]
    costs = own * (worth[bad][:, None] - kept)
    costs += others * (worth[members][None, :] - kept)
    costs += np.float32(_OVERSHOOT) * np.maximum(own + others - np.float32(k), 0)
    costs[bad[:, None] == members[None, :]] = np.inf
    return costs


def kept_together(groups: Groups, worths: Worths, others: Groups) -> Worths:
    """Tell what rows of one class and another keep when both are one.

    Args:
        groups: Per step the group of each class on the left, -1 where its rows differ.
        worths: What a row of it keeps by the step, 0 where its rows differ.
        others: Per step the group of each class on the right.

    Returns:
        One row per class on the left and one column per class on the right.
    """
    is_same = (others == others[:, :1]).all(axis=1) & (groups == others[:, :1]).all(axis=1)
    kept = np.zeros((groups.shape[1], others.shape[1]), dtype=np.float32)
    kept += worths[is_same].sum(axis=0, dtype=np.float32)[:, None]
    for place in np.flatnonzero(~is_same & worths.any(axis=1)).tolist():
        same = groups[place][:, None] == others[place][None, :]
        np.add(kept, worths[place][:, None], out=kept, where=same)
    return kept
