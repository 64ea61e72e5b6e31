"""The exact search for the least lossy full-domain generalisation that is k-anonymous.

Every combination of levels is a node of a lattice. Two facts make the search short and exact:

* what a node loses by generalising alone is a lower bound of its loss, since a dropped row loses
  everything; nodes are visited in ascending order of it and the search stops when the bound
  passes the best loss found;
* classes only merge on the way up, so a node that must drop more rows than allowed rules out
  every node below it. The highest such node on a path to the top is found by bisection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Floats, Ints, LevelMaps, Tuples
from hedgerow.kernel.anonymity.criteria import ClassCriterion, TableCriterion, good_classes, kept_classes
from hedgerow.kernel.anonymity.grouping import Generalised, Grouping, Pairs, RollUp, distinct_pairs
from hedgerow.model.errors import CallerError

MOST_NODES = 4_000_000
"""Combinations of levels that are searched at most."""

_TIE = 1e-12

Node = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What the search is asked.

    Args:
        tuples: The table's distinct tuples.
        columns: Level maps of each quasi-identifier.
        k: Least rows in a class.
        most_suppressed: Rows that may be dropped.
        pairs: Values of each tuple, for each column that a criterion reads: sensitive attributes, or
            the person where a person has several rows.
        criteria: Tests of each class.
        table_criteria: Tests of the whole released table.
        tallies: Further counts of each tuple that a criterion reads, summed over classes.
        max_levels: Coarsest level allowed per column; empty allows all.
    """

    tuples: Tuples
    columns: tuple[LevelMaps, ...]
    k: int
    most_suppressed: int
    pairs: tuple[Pairs, ...] = ()
    criteria: tuple[ClassCriterion, ...] = ()
    table_criteria: tuple[TableCriterion, ...] = ()
    tallies: tuple[Ints, ...] = ()
    max_levels: Node = ()

    @property
    def shape(self) -> Node:
        """Number of levels per column."""
        tops = self.max_levels or tuple(column.top for column in self.columns)
        return tuple(top + 1 for top in tops)

    def kept(self, grouping: Grouping) -> Flags:
        """Tell which classes of a node stay."""
        return kept_classes(grouping, good_classes(grouping, self.k, self.criteria), self.table_criteria)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one node does to the table.

    Args:
        node: Level per column.
        loss: Information lost, 0 to 1: the mean over rows and columns, a dropped row losing 1 in each.
        suppressed: Rows dropped.
        class_of_tuple: Class of each distinct tuple.
        kept: Which tuples stay.
    """

    node: Node
    loss: float
    suppressed: int
    class_of_tuple: Ints = field(repr=False)
    kept: Flags = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """The optimum and what its proof took.

    Args:
        best: The node of least loss; ties go to fewer dropped rows, then to lower levels.
        nodes: Nodes of the lattice.
        checked: Nodes whose classes were counted.
    """

    best: Outcome
    nodes: int
    checked: int


def search(problem: Problem) -> Found | None:
    """Find the generalisation of least loss within the limits.

    Args:
        problem: Table, hierarchies and limits.

    Returns:
        The optimum, or none when no node keeps within the limits.

    Raises:
        CallerError: ``anonymity.lattice-too-large``.

    Guarantee:
        No node of the lattice that drops at most the allowed rows loses less (to 1e-12).
    """
    nodes = math.prod(problem.shape)
    if nodes > MOST_NODES:
        raise CallerError("anonymity.lattice-too-large", nodes=nodes, limit=MOST_NODES)
    return _Search(problem).run()


def evaluate(problem: Problem, node: Node) -> Outcome:
    """Apply one node to the table, from the distinct tuples up.

    Args:
        problem: Table, hierarchies and limits.
        node: Level per column.

    Returns:
        Its classes, dropped rows and loss, whether within the limits or not.
    """
    tuples = problem.tuples
    keys = Generalised(tuples, problem.columns).keys(node)
    _, first, classes = np.unique(keys, return_index=True, return_inverse=True)
    sizes = np.bincount(classes, weights=tuples.counts).astype(np.int64)
    pairs = tuple(distinct_pairs(classes[item.classes], item.values, item.counts) for item in problem.pairs)
    tallies = tuple(np.bincount(classes, weights=tally).astype(np.int64) for tally in problem.tallies)
    good = problem.kept(grouping := Grouping(first, sizes, pairs, tallies))
    loss, suppressed = _loss(problem, node, grouping, good)
    return Outcome(node, loss, suppressed, classes.astype(np.int64), good[classes])


def _loss(problem: Problem, node: Node, grouping: Grouping, good: Flags) -> tuple[float, int]:
    """The loss of a node and the rows it drops; all tuples of a class lose alike."""
    first, sizes = grouping.first[good], grouping.sizes[good]
    suppressed = problem.tuples.rows - int(sizes.sum())
    lost = float(suppressed * len(node))
    for codes, maps, level in zip(problem.tuples.codes, problem.columns, node, strict=True):
        if level:
            lost += float(sizes @ maps.losses[level][codes[first]])
    return lost / (problem.tuples.rows * len(node)), suppressed


def rules_out(problem: Problem) -> bool:
    """Tell whether a node that drops too many rows rules out every node below it.

    Args:
        problem: Table, hierarchies and limits.

    Returns:
        True where each finer node then drops too many rows as well.

    Source:
        Where no row may be dropped, every class of a node that fits is good, so its joined classes
        are when all criteria are monotone. Otherwise a class that holds a good part is good when
        all are upward, so coarser nodes keep all rows kept below; one test of the whole table
        carries that on, two need not, since what one drops can cost the other.
    """
    everything: list[ClassCriterion | TableCriterion] = [*problem.criteria, *problem.table_criteria]
    if problem.most_suppressed == 0:
        return all(criterion.is_monotone for criterion in everything)
    return all(criterion.is_upward for criterion in everything) and len(problem.table_criteria) <= 1


class _Candidate(NamedTuple):
    """A node within the limits; ties in loss go to fewer dropped rows, then to lower levels."""

    loss: float
    suppressed: int
    height: int
    node: Node


class _Search:
    """The state of one search: what is ruled out and the best so far."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.shape = problem.shape
        self.bounds = _outer_sum(_column_losses(problem))
        self.joins = [[below / above for below, above in pairwise(maps.sizes)] for maps in problem.columns]
        self.ruled_out = np.zeros(self.shape, dtype=np.bool_)
        self.roll_up = RollUp(problem.tuples, problem.columns, problem.pairs, problem.tallies)
        self.fits: dict[Node, bool] = {}
        self.likely_fits = problem.most_suppressed >= problem.tuples.rows
        self.rules_out = rules_out(problem)
        self.best: _Candidate | None = None

    def run(self) -> Found | None:
        """Visit nodes in ascending order of their bound until it passes the best loss."""
        flat, ruled_out = self.bounds.ravel(), self.ruled_out.reshape(-1)
        for index in np.argsort(flat, kind="stable"):
            if self.best is not None and flat[index] > self.best.loss + _TIE:
                break
            if ruled_out[index]:
                continue
            node = tuple(int(level) for level in np.unravel_index(index, self.shape))
            self._settle(node)
        if self.best is None:
            return None
        return Found(evaluate(self.problem, self.best.node), flat.size, len(self.fits))

    def _fits(self, node: Node) -> bool:
        """Count a node's classes; remember it when it is the best within the limit."""
        if node not in self.fits:
            grouping = self.roll_up.at(node)
            good = self.problem.kept(grouping)
            kept = int(grouping.sizes[good].sum())
            self.fits[node] = self.problem.tuples.rows - kept <= self.problem.most_suppressed
            if self.fits[node]:
                self._compare(_Candidate(*_loss(self.problem, node, grouping, good), sum(node), node))
        return self.fits[node]

    def _compare(self, candidate: _Candidate) -> None:
        best = self.best
        if best is None or candidate.loss < best.loss - _TIE:
            self.best = candidate
        else:
            self.best = min(best, candidate, key=lambda one: (one.loss > best.loss + _TIE, one[1:]))

    def _settle(self, node: Node) -> None:
        """Find on a path to the top the highest node that does not fit, and rule out what lies below.

        Coarse nodes are counted first, being cheap, and the node itself last; first where the one
        before it fitted, since then this one likely does too.
        """
        if (self.likely_fits or not self.rules_out) and self._fits(node):
            return
        if not self.rules_out:
            return
        path = self._path_up(node)
        low, high = 0 if self.likely_fits else -1, len(path)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if not self._fits(path[middle]) else (low, middle)
        self.likely_fits = low < 0
        if low >= 0:
            self.ruled_out[tuple(slice(0, level + 1) for level in path[low])] = True

    def _path_up(self, node: Node) -> list[Node]:
        """A chain to the top whose every step joins as few groups as it can.

        Such a chain stays among nodes that do not fit for long, so that its highest one rules out
        many; the choice moves speed only, never the optimum.
        """
        path, levels = [node], list(node)
        while True:
            steps = [
                (self.joins[column][level], column)
                for column, level in enumerate(levels)
                if level + 1 < self.shape[column]
            ]
            if not steps:
                return path
            levels[min(steps)[1]] += 1
            path.append(tuple(levels))


def _column_losses(problem: Problem) -> list[Floats]:
    """What each level of each column loses by generalising alone, as a share of the whole loss."""
    tuples, total = problem.tuples, problem.tuples.rows * len(problem.columns)
    return [
        np.array([tuples.counts @ maps.losses[level][codes] / total for level in range(height)])
        for codes, maps, height in zip(tuples.codes, problem.columns, problem.shape, strict=True)
    ]


def _outer_sum(parts: Sequence[Floats]) -> Floats:
    total = parts[0]
    for part in parts[1:]:
        total = np.add.outer(total, part)
    return np.asarray(total, dtype=np.float64)
