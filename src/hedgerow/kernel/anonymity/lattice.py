"""The lattice of level combinations: sums over its nodes, chains to its top, the better of two nodes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from hedgerow.kernel.anonymity.coding import Floats
from hedgerow.kernel.anonymity.problem import Node, Problem

TIE: Final = 1e-12
"""Losses this close are equal."""


class Candidate(NamedTuple):
    """A node within the limits; ties in loss go to fewer dropped rows, then to lower levels."""

    loss: float
    suppressed: int
    height: int
    node: Node


def better(best: Candidate | None, candidate: Candidate) -> Candidate:
    """Choose of two nodes the one of less loss, by the rule for ties."""
    if best is None or candidate.loss < best.loss - TIE:
        return candidate
    return min(best, candidate, key=lambda one: (one.loss > best.loss + TIE, one[1:]))


class UpwardPath:
    """Chains to the top whose every step joins as few groups as it can.

    Such a chain stays among nodes that drop much for long, so that the highest one which rules a
    node out rules out many; the choice moves speed only, never the optimum.

    Args:
        problem: Hierarchies and their bounds.
    """

    def __init__(self, problem: Problem) -> None:
        self._shape = problem.shape
        self._joins = [[below / above for below, above in pairwise(maps.sizes)] for maps in problem.columns]

    def up(self, node: Node) -> list[Node]:
        """Give the chain from a node to the top."""
        path, levels = [node], list(node)
        while True:
            steps = [
                (self._joins[column][level], column)
                for column, level in enumerate(levels)
                if level + 1 < self._shape[column]
            ]
            if not steps:
                return path
            levels[min(steps)[1]] += 1
            path.append(tuple(levels))


def outer_sum(parts: Sequence[Floats]) -> Floats:
    """Add one number per column and level up to one per node."""
    total = parts[0]
    for part in parts[1:]:
        total = np.add.outer(total, part)
    return np.asarray(total, dtype=np.float64)
