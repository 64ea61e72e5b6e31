"""Shallow trees: splits from public cells at random, and the score that a leaf adds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from random import SystemRandom

import numpy as np
import numpy.typing as npt

from hedgerow.techniques.dp_train.cells import Cells
from hedgerow.techniques.dp_train.sums import FEATURE_UNIT, WEIGHT_UNIT

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Scores are whole numbers of 2**-36, those of a leaf whole multiples of 2**-20: they add up exactly.
SCORE_UNIT = FEATURE_UNIT * WEIGHT_UNIT
# A leaf adds at most so much; 10,000 trees stay below 2**53 units.
_LEAF_MOST = 3.0
# How far true leaf scores are expected to lie from 0, squared: log-odds, or half the range of a target.
_SPREAD = 1.0
# Sides of a tree of two groups.
_SIDE = 4
PAIR_LEAVES = _SIDE**2


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """What rows are split by, and what each leaf adds.

    Args:
        groups: The groups of features that are looked at, one or two.
        parts: For each of them, the side that each of its cells is on.
        values: Scores of the leaves in units of 2**-36, shape ``(leaves, outputs)``.
    """

    groups: tuple[int, ...]
    parts: tuple[Integers, ...]
    values: Floats

    @property
    def leaves(self) -> int:
        """How many leaves there are."""
        return leaf_count(self.parts)

    def places(self, codes: Integers) -> Integers:
        """Find the leaf of each row.

        Args:
            codes: The cells of the rows, shape ``(rows, groups)``.

        Returns:
            Leaves from 0, shape ``(rows,)``.
        """
        made = np.zeros(len(codes), dtype=np.int64)
        for group, part in zip(self.groups, self.parts, strict=True):
            made = made * (int(part.max()) + 1) + part[codes[:, group]]
        return made


def leaf_count(parts: Sequence[Integers]) -> int:
    """Count leaves.

    Args:
        parts: The side that each cell is on, for each group.

    Returns:
        The product of the sides.
    """
    return math.prod(int(part.max()) + 1 for part in parts)


def summed_scores(trees: Sequence[Tree], codes: Integers, outputs: int) -> Floats:
    """Add up what trees tell of rows.

    Args:
        trees: The trees.
        codes: The cells of the rows, shape ``(rows, groups)``.
        outputs: How many outputs there are.

    Returns:
        Scores, shape ``(rows, outputs)``.
    """
    total = np.zeros((len(codes), outputs))
    for tree in trees:
        total += tree.values[tree.places(codes)]
    return total / SCORE_UNIT


def groups_in_turn(groups: int, cycles: int, interactions: int) -> list[tuple[int, ...]]:
    """Choose what each tree looks at: every group once a cycle, then pairs; no data is asked.

    Args:
        groups: How many groups there are.
        cycles: How often each is looked at alone.
        interactions: How many trees look at two.

    Returns:
        The groups of each tree; pairs in a random order.
    """
    chance = SystemRandom()
    alone: list[tuple[int, ...]] = [(group,) for group in range(groups)]
    turns = alone * cycles
    pairs = list(combinations(range(groups), 2))
    while pairs and interactions > 0:
        turns += chance.sample(pairs, min(interactions, len(pairs)))
        interactions -= len(pairs)
    return turns


def random_parts(
    cells: Cells, groups: tuple[int, ...], leaves: int, learnt: Sequence[Floats]
) -> tuple[Integers, ...]:
    """Split cells at random: by declarations, and by scores that are private already.

    Args:
        cells: The public cells.
        groups: What the tree looks at.
        leaves: Into how many sides one group is cut that has an order.
        learnt: For each group the scores of its cells so far, by which one without an order gets one.

    Returns:
        The side that each cell is on, for each group. A group without an order that stands alone is not cut.
    """
    if len(groups) == 1:
        group, count = groups[0], cells.count(groups[0])
        return (_cut(np.arange(count), leaves if cells.is_ordered(group) else count),)
    return tuple(
        _cut(np.arange(cells.count(at)) if cells.is_ordered(at) else np.argsort(learnt[at]), _SIDE)
        for at in groups
    )


def _cut(order: Integers, sides: int) -> Integers:
    if len(order) <= sides:
        return np.arange(len(order))
    cuts = sorted(SystemRandom().sample(range(1, len(order)), sides - 1))
    made = np.empty(len(order), dtype=np.int64)
    made[order] = np.searchsorted(cuts, np.arange(len(order)), side="right")
    return made


def leaf_scores(slopes: Floats, weights: Floats, deviation: float, learning_rate: float) -> Floats:
    """Choose what leaves add, from noisy sums: a Newton step, shrunk by how little the noise leaves of it.

    Args:
        slopes: Noisy sums of gradients, shape ``(leaves, outputs)``.
        weights: Noisy sums of second derivatives, likewise.
        deviation: Standard deviation of the noise of ``slopes``.
        learning_rate: The share of a step that is taken.

    Returns:
        Whole scores in units of 2**-36, multiples of 2**-20, same shape.

    Source: the posterior mean where a true score has mean 0 and variance 1, and a sum of gradients varies by
        its noise and by as much as its weight (a normal model; post-processing, so nothing rests on it).
    """
    sure = np.maximum(weights, 0.0)
    spread = sure**2 + (deviation**2 + sure) / _SPREAD
    steps = -learning_rate * slopes * sure / np.where(spread > 0, spread, 1.0)
    return np.rint(np.clip(steps, -_LEAF_MOST, _LEAF_MOST) * WEIGHT_UNIT) * FEATURE_UNIT
