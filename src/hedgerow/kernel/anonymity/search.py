"""The exact search for the least lossy full-domain generalisation that meets what is asked.

Every combination of levels is a node of a lattice. Three facts make the search short and exact:

* what a node loses by generalising alone is a lower bound of its loss, since a dropped row loses
  everything; nodes are visited in ascending order of it and the search stops when the bound
  passes the best loss found;
* what a node certainly loses more by rows it must drop, every finer node loses as well, or more
  (``NodeCounter`` says which rows are certain and why); so one count raises the bound of all nodes
  below it, to infinity where it must drop more rows than allowed;
* so the node at hand need not be counted itself: any coarser one that rules it out does, rules out
  all between, and is cheaper to count. Which one is likely to is guessed by ``Forecast``.
"""

from __future__ import annotations

import numpy as np

from hedgerow.kernel.anonymity.coding import Ints
from hedgerow.kernel.anonymity.counting import IMPOSSIBLE, Counted, NodeCounter
from hedgerow.kernel.anonymity.forecast import Forecast
from hedgerow.kernel.anonymity.frontier import search_frontier
from hedgerow.kernel.anonymity.lattice import TIE, Candidate, UpwardPath, better, outer_sum
from hedgerow.kernel.anonymity.problem import Found, Node, Outcome, Problem, evaluate
from hedgerow.kernel.anonymity.rollup import RollUp
from hedgerow.model.errors import CallerError

__all__ = ["MOST_NODES", "Found", "Node", "Outcome", "Problem", "evaluate", "search"]

MOST_NODES = 4_000_000
"""Combinations of levels whose bounds are all held at once; larger lattices are walked by frontier."""

MOST_GUIDED = 200_000
"""Combinations of levels over which a forecast is worth its time."""

_TRIES = 3
_CHUNK = 512


def search(
    problem: Problem, *, most_checks: int | None = None, roll_up: RollUp | None = None
) -> Found | None:
    """Find the generalisation of least loss within the limits.

    Args:
        problem: Table, hierarchies and limits.
        most_checks: Nodes whose classes are counted at most; none goes on until the proof is done,
            save in lattices above ``MOST_NODES``, which have a limit of their own.
        roll_up: Groupings to start from, where several searches over one table share them.

    Returns:
        The optimum, or the best found within ``most_checks``; none when no node keeps within the
        limits, which is then proven.

    Raises:
        CallerError: ``anonymity.search-cut-short`` when ``most_checks`` was reached before any node
            within the limits was found.

    Guarantee:
        No node of the lattice within the limits loses less than ``Found.bound`` (to 1e-12), which
        is the loss of the best where ``is_optimal``. This holds for any criteria that state
        truly whether they are monotone and upward.
    """
    counter = NodeCounter(problem, roll_up)
    if problem.nodes > MOST_NODES:
        return search_frontier(problem, counter, most_checks)
    return _Search(problem, counter, most_checks).run()


class _Search:
    """The state of one search: what is proven of each node and the best so far."""

    def __init__(self, problem: Problem, counter: NodeCounter, most_checks: int | None) -> None:
        self.problem, self.counter, self.most_checks = problem, counter, most_checks
        self.shape = problem.shape
        parts = [lost[:height] for lost, height in zip(counter.losses.alone, self.shape, strict=True)]
        self.alone = outer_sum(parts)
        self.extra = np.zeros(self.shape)
        self.at_most = np.full(self.shape, IMPOSSIBLE)
        self.counted: dict[Node, Counted] = {}
        self.best: Candidate | None = None
        self.path = UpwardPath(problem)
        self.likely_fits = problem.most_suppressed >= problem.tuples.rows
        self.forecast: Forecast | None = None
        if problem.most_suppressed and self.alone.size <= MOST_GUIDED:
            self.forecast = Forecast(problem, counter.roll_up.entropies)
            self.left = counter.losses.everything - self.alone

    def run(self) -> Found | None:
        """Visit nodes in ascending order of their bound until it passes the best loss."""
        order = np.argsort(self.alone.ravel(), kind="stable")
        if self.most_checks is not None:
            self._count(tuple(height - 1 for height in self.shape))  # the likeliest to fit
        at = 0
        while (at := self._next(order, at)) < len(order):
            node = tuple(int(level) for level in np.unravel_index(order[at], self.shape))
            if node in self.counted:
                at += 1
                continue
            if self._is_spent():
                return self._found(is_optimal=False, bound=self._least_open(order[at:]))
            self._settle(node)
            if not self._is_spent():
                at += 1
        return self._found(is_optimal=True, bound=0.0)

    def _next(self, order: Ints, at: int) -> int:
        """The next node that nothing rules out; past the end where the bound passes the best."""
        alone, extra = self.alone.reshape(-1), self.extra.reshape(-1)
        while at < len(order):
            chunk = order[at : at + _CHUNK]
            is_open = alone[chunk] + extra[chunk] <= self._ceiling()
            if is_open.any():
                return at + int(np.argmax(is_open))
            if alone[chunk[-1]] > self._ceiling():
                return len(order)
            at += len(chunk)
        return at

    def _ceiling(self) -> float:
        """What a node may lose to be worth a look: finite, for what is infinite never is."""
        return 2.0 if self.best is None else self.best.loss + TIE

    def _is_spent(self) -> bool:
        return self.most_checks is not None and len(self.counted) >= self.most_checks

    def _least_open(self, rest: Ints) -> float:
        bounds = (self.alone + self.extra).reshape(-1)[rest]
        return float(bounds.min())

    def _found(self, *, is_optimal: bool, bound: float) -> Found | None:
        if self.best is None:
            if is_optimal:
                return None
            raise CallerError("anonymity.search-cut-short", checks=len(self.counted))
        outcome = evaluate(self.problem, self.best.node)
        is_optimal = is_optimal or bound >= self.best.loss - TIE
        least = outcome.loss if is_optimal else self.counter.losses.plain(bound)
        return Found(outcome, self.alone.size, len(self.counted), least, is_optimal)

    def _count(self, node: Node) -> Counted:
        """Count a node's classes; remember what follows, and the node when it is the best."""
        known = self.counted.get(node)
        if known is not None:
            return known
        told = self.counted[node] = self.counter.count(node)
        if told.extra > 0:
            below = self.extra[tuple(slice(0, level + 1) for level in node)]
            np.maximum(below, told.extra, out=below)
        if self.forecast is not None:
            above = self.at_most[tuple(slice(level, None) for level in node)]
            np.minimum(above, told.extra, out=above)
        if told.loss < IMPOSSIBLE:
            self.best = better(self.best, Candidate(told.loss, told.suppressed, sum(node), node))
        if self.forecast is not None and self.forecast.learn(node, told.suppressed):
            self.forecast.count_live(self.alone + self.extra <= self._ceiling())
        return told

    def _rules_out(self, node: Node, below: Node) -> bool:
        """Whether counting a node proves that one at or below it is not better than the best."""
        return bool(self.alone[below] + self._count(node).extra > self._ceiling())

    def _settle(self, node: Node) -> None:
        """Rule a node out by one at or above it, or count it."""
        if self.forecast is not None:
            for _ in range(_TRIES):
                likely = self._likely(node, self.forecast)
                if self._rules_out(likely, node) or likely == node or self._is_spent():
                    return
        self._bisect(node)

    def _likely(self, node: Node, forecast: Forecast) -> Node:
        above = tuple(slice(level, None) for level in node)
        need = self._ceiling() - self.alone[node] if self.best else IMPOSSIBLE
        at_most = self.at_most[above]
        scores = forecast.scores(above, need, self.left[above])
        scores[at_most < IMPOSSIBLE if need == IMPOSSIBLE else at_most <= need] = 0.0
        place = int(np.argmax(scores))
        if scores.flat[place] <= 0:
            return node
        steps = np.unravel_index(place, scores.shape)
        return tuple(level + int(step) for level, step in zip(node, steps, strict=True))

    def _bisect(self, node: Node) -> None:
        """Find the highest node on a path to the top that rules the node out.

        Coarse nodes are counted first, being cheap, and the node itself last; first where the one
        before it was counted itself, since then this one likely has to be too.
        """
        if self.likely_fits and not self._rules_out(node, node):
            return
        path = self.path.up(node)
        low, high = 0 if self.likely_fits else -1, len(path)
        while high - low > 1 and not self._is_spent():
            middle = (low + high) // 2
            low, high = (middle, high) if self._rules_out(path[middle], node) else (low, middle)
        self.likely_fits = low < 0
