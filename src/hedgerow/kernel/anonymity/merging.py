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
class _Classes:
    """Classes on the way: the group that each shares per step, -1 where its rows differ."""

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
    classes = _collected(problem, steps, class_of, blocks)
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
        classes = _Classes(
            classes.groups[:, stays], classes.worths[:, stays], classes.sizes[stays], classes.blocks[stays]
        )


def _first_classes(judge: Judge, blocks: Ints) -> Ints:
    """Each tuple alone; blocks that are bad, or too large to compare, whole."""
    whole = (np.bincount(blocks) > MOST_COMPARED) | ~judge.good(blocks)
    first = np.full(len(whole), -1, dtype=np.int64)
    first[blocks[::-1]] = np.arange(len(blocks))[::-1]
    return numbered(np.where(whole[blocks], first[blocks], np.arange(len(blocks))))


def _collected(problem: Problem, steps: Steps, class_of: Ints, blocks: Ints) -> _Classes:
    """What the rows of each class share."""
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
    if not len(groups) or int(groups.max(initial=0)) < np.iinfo(np.int16).max:
        groups = groups.astype(np.int16)  # half the memory to compare
    return _Classes(groups, worths, sizes, blocks[first])


def _join(classes: _Classes, sources: Ints, targets: Ints) -> None:
    shared = classes.groups[:, sources] == classes.groups[:, targets]
    classes.groups[:, targets] = np.where(shared, classes.groups[:, targets], _TORN)
    classes.worths[:, targets] = np.where(shared, classes.worths[:, targets], 0)
    classes.sizes[targets] += classes.sizes[sources]


def _joins(k: int, classes: _Classes, good: Flags) -> tuple[Ints, Ints]:
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


def _open_blocks(classes: _Classes, good: Flags) -> Iterator[tuple[Ints, Ints]]:
    """The bad classes and all classes of each block that has a bad one and another."""
    order = np.argsort(classes.blocks, kind="stable")
    bounds = np.searchsorted(classes.blocks[order], np.arange(int(classes.blocks.max()) + 2))
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        members = order[start:end]
        bad = members[~good[members]]
        if len(bad) and len(members) > 1:
            yield bad, members


def _costs(k: int, classes: _Classes, worth: Worths, bad: Ints, members: Ints) -> Worths:
    """What joining each bad class with each class of its block costs, in rows that lose all."""
    kept = np.zeros((len(bad), len(members)), dtype=np.float32)
    for own, groups, others in zip(
        classes.worths[:, bad], classes.groups[:, bad], classes.groups[:, members], strict=True
    ):
        kept += (groups[:, None] == others[None, :]) * own[:, None]
    own_rows, other_rows = classes.sizes[bad][:, None], classes.sizes[members][None, :]
    costs = own_rows * (worth[bad][:, None] - kept) + other_rows * (worth[members][None, :] - kept)
    costs += _OVERSHOOT * np.maximum(own_rows + other_rows - k, 0)
    costs[bad[:, None] == members[None, :]] = np.inf
    return np.asarray(costs, dtype=np.float32)
