"""Counts one node: its classes, what it drops and loses, and what that proves of finer nodes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Ints
from hedgerow.kernel.anonymity.criteria import PartlyCertain, good_classes, kept_classes
from hedgerow.kernel.anonymity.grouping import Grouping
from hedgerow.kernel.anonymity.problem import Losses, Node, Problem
from hedgerow.kernel.anonymity.rollup import RollUp

IMPOSSIBLE = float("inf")


class Counted(NamedTuple):
    """What counting one node told.

    ``extra`` is a loss by dropped rows that every finer node has at least, infinite where none of
    them can keep within the limits. ``loss`` is the node's own, infinite where it does not itself; both
    are on the scale of ``Losses``.
    """

    loss: float
    extra: float
    suppressed: int


class NodeCounter:
    """Counts nodes of one problem and says what follows for the nodes below each.

    Args:
        problem: Table, hierarchies and limits.
        roll_up: Groupings to roll up from, where several searches share them.

    Source:
        With rows that may be dropped, only *certain* tests are used for finer nodes: k, and the
        tests that are upward. A class that holds a part which passes them passes them, so a row
        dropped by them here is dropped by them in every finer node m. In each column such a row loses
        1 instead of what generalising takes of it, which in m is at most what it takes here; so
        dropping raises the column's mean loss from g(m) <= g by at least the d it raises it here. As
        the scale s of ``Losses`` rises and is concave, s(g(m) + d) - s(g(m)) >= s(g + d) - s(g), hence
        loss(m) >= generalising(m) + extra, extra being the sum of these differences here. The same
        holds of rows that a test which is not upward must drop of a class however it is split
        (``PartlyCertain``): which ones they are does not matter, since one class loses alike.
        A test of the whole table that is upward, alone beside upward tests of classes, keeps at
        least as many rows here as in m, so dropping too many rules m out; of two such tests what
        one drops can cost the other, so nothing is concluded.
        Where no row may be dropped, every class of a node that fits passes every test, and stays so
        joined for each monotone test: one such test that fails here fails in every finer node.
    """

    def __init__(self, problem: Problem, roll_up: RollUp | None = None) -> None:
        self._problem = problem
        self._rows = problem.tuples.rows
        self.roll_up = roll_up or RollUp(problem.tuples, problem.columns, problem.pairs, problem.tallies)
        self.losses = Losses(problem, self.roll_up.generalised)
        strict = problem.most_suppressed == 0
        tests = [(test, test.is_monotone if strict else test.is_upward) for test in problem.criteria]
        self._certain = tuple(test for test, is_certain in tests if is_certain)
        self._further = tuple(test for test, is_certain in tests if not is_certain)
        self._strict = tuple(test for test in problem.table_criteria if strict and test.is_monotone)
        self._counts_carry = (
            not strict
            and not self._further
            and len(problem.table_criteria) == 1
            and problem.table_criteria[0].is_upward
        )

    def count(self, node: Node) -> Counted:
        """Count a node.

        Args:
            node: Level per column.

        Returns:
            What it tells of itself and of finer nodes.
        """
        problem, grouping = self._problem, self.roll_up.at(node)
        good = good_classes(grouping, problem.k, self._certain)
        certain = self._certainly_dropped(grouping, good)
        suppressed = int(certain.sum())
        if suppressed > problem.most_suppressed or self._fails_strictly(grouping):
            return Counted(IMPOSSIBLE, IMPOSSIBLE, suppressed)
        alone, extra = self.losses.generalising(node), self.losses.dropping(node, grouping, certain)
        if not self._further and not problem.table_criteria:
            return Counted(alone + extra, extra, suppressed)
        for test in self._further:
            good = good & test.good(grouping)
        kept = kept_classes(grouping, good, problem.table_criteria)
        dropped = np.where(kept, 0, grouping.sizes)
        suppressed = int(dropped.sum())
        if suppressed > problem.most_suppressed:
            return Counted(IMPOSSIBLE, IMPOSSIBLE if self._counts_carry else extra, suppressed)
        return Counted(alone + self.losses.dropping(node, grouping, dropped), extra, suppressed)

    def _certainly_dropped(self, grouping: Grouping, good: Flags) -> Ints:
        """Rows of each class that every finer node drops as well, or as many of the class."""
        certain = np.where(good, 0, grouping.sizes)
        for test in self._further:
            if isinstance(test, PartlyCertain):
                certain = np.maximum(certain, test.least_dropped(grouping))
        return certain

    def _fails_strictly(self, grouping: Grouping) -> bool:
        """Whether a monotone test of the whole table fails where nothing may be dropped."""
        everything = np.ones(len(grouping.sizes), dtype=np.bool_)
        return any(grouping.sizes[~test.kept(grouping, everything)].any() for test in self._strict)
