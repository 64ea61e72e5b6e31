"""The search of lattices too large to hold: a frontier of nodes, expanded in ascending order of bound.

Each entry of the frontier stands for all nodes at or above it, so the least bound on it is a bound
of every node not yet settled: the proof may be stopped at any time and says how far it came. A
node ruled out by a coarser one takes the whole box between the two along: what is left above it is
above one of the nodes that leave the box in one column.
"""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from hedgerow.kernel.anonymity.counting import IMPOSSIBLE, Counted, NodeCounter
from hedgerow.kernel.anonymity.lattice import TIE, Candidate, UpwardPath, better
from hedgerow.kernel.anonymity.problem import Found, Node, Problem, evaluate
from hedgerow.model.errors import CallerError

MOST_CHECKS = 2_000
"""Nodes counted where the caller sets no limit."""

_MOST_STEPS = 200_000


def search_frontier(problem: Problem, counter: NodeCounter, most_checks: int | None) -> Found | None:
    """Find the generalisation of least loss, or the best within a limit of work.

    Args:
        problem: Table, hierarchies and limits.
        counter: Counts its nodes.
        most_checks: Nodes counted at most; ``MOST_CHECKS`` without it.

    Returns:
        The best, with the bound proven; none when no node keeps within the limits, which is then
        proven.

    Raises:
        CallerError: ``anonymity.search-cut-short`` when the limit was reached before any node
            within the limits was found.
    """
    return _Frontier(problem, counter, MOST_CHECKS if most_checks is None else most_checks).run()


class _Frontier:
    """The frontier, the boxes ruled out and the best so far."""

    def __init__(self, problem: Problem, counter: NodeCounter, most_checks: int) -> None:
        self.problem, self.counter, self.most_checks = problem, counter, most_checks
        self.counted: dict[Node, Counted] = {}
        self.corners = np.zeros((0, len(problem.shape)), dtype=np.int16)
        self.extras = np.zeros(0)
        self.best: Candidate | None = None
        self.path = UpwardPath(problem)
        self.heap: list[tuple[float, Node]] = []
        self.seen: set[Node] = set()

    def run(self) -> Found | None:
        """Expand the frontier until its bound passes the best loss or the work is spent."""
        self._count(tuple(height - 1 for height in self.problem.shape))
        self._push((0,) * len(self.problem.shape))
        for _ in range(_MOST_STEPS):
            if not self.heap or self.heap[0][0] > self._ceiling():
                return self._found(is_optimal=True)
            bound, node = self.heap[0]
            corner = self._corner(bound, node)
            if corner is not None:
                heappop(self.heap)
                self._leave(node, corner)
            elif len(self.counted) >= self.most_checks:
                break
            else:
                self._settle(bound, node)
        return self._found(is_optimal=False)

    def _ceiling(self) -> float:
        return 2.0 if self.best is None else self.best.loss + TIE

    def _push(self, node: Node) -> None:
        if node not in self.seen:
            self.seen.add(node)
            heappush(self.heap, (self.counter.losses.generalising(node), node))

    def _corner(self, bound: float, node: Node) -> Node | None:
        """The highest node counted that settles everything between a node and it."""
        settles = np.all(self.corners >= np.asarray(node), axis=1) & (bound + self.extras > self._ceiling())
        if settles.any():
            heights = np.where(settles, self.corners.sum(axis=1), -1)
            return tuple(int(level) for level in self.corners[int(np.argmax(heights))])
        return node if node in self.counted else None

    def _leave(self, node: Node, corner: Node) -> None:
        """Replace a node by those that leave the box up to a corner in one column."""
        for column, level in enumerate(corner):
            if level + 1 < self.problem.shape[column]:
                self._push((*node[:column], level + 1, *node[column + 1 :]))

    def _settle(self, bound: float, node: Node) -> None:
        """Find by bisection the highest node on a chain to the top that rules a node out."""
        path = self.path.up(node)
        low, high = -1, len(path)
        while high - low > 1 and len(self.counted) < self.most_checks:
            middle = (low + high) // 2
            is_out = bound + self._count(path[middle]).extra > self._ceiling()
            low, high = (middle, high) if is_out else (low, middle)

    def _count(self, node: Node) -> Counted:
        known = self.counted.get(node)
        if known is not None:
            return known
        told = self.counted[node] = self.counter.count(node)
        self.corners = np.vstack([self.corners, np.asarray(node, dtype=np.int16)])
        self.extras = np.append(self.extras, told.extra)
        if told.loss < IMPOSSIBLE:
            self.best = better(self.best, Candidate(told.loss, told.suppressed, sum(node), node))
        return told

    def _found(self, *, is_optimal: bool) -> Found | None:
        if self.best is None:
            if is_optimal:
                return None
            raise CallerError("anonymity.search-cut-short", checks=len(self.counted))
        outcome = evaluate(self.problem, self.best.node)
        is_optimal = is_optimal or self.heap[0][0] >= self.best.loss - TIE
        bound = outcome.loss if is_optimal else self.counter.losses.plain(self.heap[0][0])
        return Found(outcome, self.problem.nodes, len(self.counted), bound, is_optimal)
