"""What the search is asked and what it answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Floats, Ints, LevelMaps, Tuples
from hedgerow.kernel.anonymity.criteria import ClassCriterion, TableCriterion, good_classes, kept_classes
from hedgerow.kernel.anonymity.grouping import Generalised, Grouping, Pairs, distinct_pairs
from hedgerow.kernel.anonymity.weights import loss_shares
from hedgerow.model.anonymity import LossMean

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
        weights: What each column counts in the loss, exact; empty counts all alike.
        mean: How the losses of columns are joined: their arithmetic mean, or less 1 the geometric
            mean of each plus 1, which prefers a few columns lost to many made coarser.
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
    weights: tuple[Fraction, ...] = ()
    mean: LossMean = "arithmetic"

    @property
    def shape(self) -> Node:
        """Number of levels per column."""
        tops = self.max_levels or tuple(column.top for column in self.columns)
        return tuple(top + 1 for top in tops)

    @property
    def nodes(self) -> int:
        """Number of combinations of levels."""
        return math.prod(self.shape)

    def kept(self, grouping: Grouping) -> Flags:
        """Tell which classes of a node stay: those that pass every test."""
        return kept_classes(grouping, good_classes(grouping, self.k, self.criteria), self.table_criteria)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one node does to the table.

    Args:
        node: Level per column.
        loss: Information lost, 0 to 1: the mean over rows, and over columns by their weights and the
            mean asked for; a dropped row loses 1 in each.
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
    """The best node and what its proof took.

    Args:
        best: The node of least loss found; ties go to fewer dropped rows, then to lower levels.
        nodes: Nodes of the lattice.
        checked: Nodes whose classes were counted.
        bound: No node within the limits loses less than this (to 1e-12).
        is_optimal: Whether the proof is complete: the best node's loss is the bound.
    """

    best: Outcome
    nodes: int
    checked: int
    bound: float
    is_optimal: bool


class Losses:
    """What nodes lose, on the scale on which the search adds up.

    On it a node's loss is ``sum(share * scaled(v))`` over its columns, where v is the mean loss of the
    column's values, a dropped row's being 1: ``scaled`` is v itself for the arithmetic mean and
    log(1 + v) for the geometric one, whose loss is exp of the sum, less 1.

    Args:
        problem: Table, hierarchies, weights and mean.
        generalised: The tuples' codes at every level.
    """

    def __init__(self, problem: Problem, generalised: Generalised) -> None:
        self._generalised, self._rows = generalised, problem.tuples.rows
        self._is_geometric = problem.mean == "geometric"
        self._shares = loss_shares(problem.weights, len(problem.columns))
        self._groups = [[_by_group(maps, level) for level in range(maps.top + 1)] for maps in problem.columns]
        self._means: list[Floats] = []
        for codes, maps in zip(problem.tuples.codes, problem.columns, strict=True):
            rows = np.bincount(codes, weights=problem.tuples.counts, minlength=len(maps.groups[0]))
            self._means.append(np.array([(rows * lost).sum() / self._rows for lost in maps.losses]))
        self.alone = [
            share * self._scaled(means) for share, means in zip(self._shares, self._means, strict=True)
        ]

    def generalising(self, node: Node) -> float:
        """What a node loses where no row is dropped, on the scale."""
        return float(sum(lost[level] for lost, level in zip(self.alone, node, strict=True)))

    def dropping(self, node: Node, grouping: Grouping, dropped: Ints) -> float:
        """What a node loses more because of the rows it drops, on the scale.

        Args:
            node: Level per column.
            grouping: Its classes.
            dropped: Rows dropped of each class.

        Returns:
            The difference, at least 0.
        """
        staying = grouping.sizes - dropped
        is_fewer = np.count_nonzero(staying) < np.count_nonzero(dropped)  # the fewer are summed
        rows = staying if is_fewer else dropped
        classes = np.flatnonzero(rows)
        first, sizes = grouping.first[classes], rows[classes]
        means = np.array([levels[level] for levels, level in zip(self._means, node, strict=True)])
        detail = np.array([self._detail(place, first, sizes) for place in enumerate(node)])
        after = 1 - detail if is_fewer else means + detail
        return float((self._shares * (self._scaled(after) - self._scaled(means))).sum())

    @property
    def everything(self) -> float:
        """What dropping all rows loses, on the scale."""
        return math.log(2) if self._is_geometric else 1.0

    def plain(self, scaled: float) -> float:
        """Take a loss back from the scale."""
        return math.expm1(scaled) if self._is_geometric else scaled

    def _scaled(self, means: Floats) -> Floats:
        return np.log1p(means) if self._is_geometric else means

    def _detail(self, place: tuple[int, int], first: Ints, sizes: Ints) -> float:
        """What detail some classes keep in one column at one level, as a mean over all rows."""
        column, level = place
        if level == 0:
            return float(sizes.sum()) / self._rows
        kept = 1 - self._groups[column][level]
        return float((sizes * kept[self._generalised.at(column, level)[first]]).sum()) / self._rows


def _by_group(maps: LevelMaps, level: int) -> Floats:
    lost = np.zeros(max(maps.sizes[level], 1))
    lost[maps.groups[level]] = maps.losses[level]
    return lost


def evaluate(problem: Problem, node: Node) -> Outcome:
    """Apply one node to the table, from the distinct tuples up.

    Args:
        problem: Table, hierarchies and limits.
        node: Level per column.

    Returns:
        Its classes, dropped rows and loss, whether within the limits or not.
    """
    tuples, generalised = problem.tuples, Generalised(problem.tuples, problem.columns)
    _, first, classes = np.unique(generalised.keys(node), return_index=True, return_inverse=True)
    sizes = np.bincount(classes, weights=tuples.counts).astype(np.int64)
    pairs = tuple(distinct_pairs(classes[item.classes], item.values, item.counts) for item in problem.pairs)
    tallies = tuple(np.bincount(classes, weights=tally).astype(np.int64) for tally in problem.tallies)
    grouping = Grouping(first, sizes, pairs, tallies)
    kept = problem.kept(grouping)
    losses = Losses(problem, generalised)
    loss = losses.plain(losses.generalising(node) + losses.dropping(node, grouping, np.where(kept, 0, sizes)))
    suppressed = tuples.rows - int(sizes[kept].sum())
    return Outcome(node, loss, suppressed, classes.astype(np.int64), kept[classes])
