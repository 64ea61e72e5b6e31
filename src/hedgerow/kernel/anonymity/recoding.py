"""Local recoding: each class of rows has its own levels, instead of one level per column.

The table is cut top down into blocks of like rows (``partition``), inside of which rows are joined
bottom up to classes (``merging``) and moved between them (``moving``). Every cell of a class becomes
the lowest common ancestor of the class's values in the column's hierarchy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Ints, combined_keys
from hedgerow.kernel.anonymity.merging import merged
from hedgerow.kernel.anonymity.moving import rearranged
from hedgerow.kernel.anonymity.partition import Constraint, FurtherTest, Judge, blocks_of, numbered, steps_of
from hedgerow.kernel.anonymity.search import Problem

TOGETHER = 256
"""Distinct tuples that are compared with each other by default."""

_LEAST_TOGETHER = 2


@dataclass(frozen=True, slots=True)
class Recoded:
    """What local recoding does to a table.

    Args:
        class_of_tuple: Class of each distinct tuple, numbered from 0.
        kept: Which tuples stay; classes that are dropped are told apart too.
        levels: Level per class and column.
        groups: Group at that level per class and column.
        sizes: Rows of each class.
        loss: Information lost, 0 to 1: the mean over rows and columns of each value's loss
            (values it is joined with) / (all other values), a dropped row losing 1 in each.
        suppressed: Rows dropped.
    """

    class_of_tuple: Ints = field(repr=False)
    kept: Flags = field(repr=False)
    levels: Ints = field(repr=False)
    groups: Ints = field(repr=False)
    sizes: Ints = field(repr=False)
    loss: float
    suppressed: int


def recode(
    problem: Problem,
    *,
    good: Constraint | None = None,
    also: FurtherTest | None = None,
    weights: Sequence[float] | None = None,
    together: int = TOGETHER,
) -> Recoded | None:
    """Make every class good by giving each its own levels.

    Args:
        problem: Table, hierarchies and limits, as the exact search takes them.
        good: What a class must meet, as flags over a grouping; it must hold for what joins classes
            for which it holds. Without it at least ``k`` rows and the problem's criteria.
        also: A further test of the same kind, given the class of each tuple, numbered from 0; it
            gives one flag per class.
        weights: What each column is worth, at least 0 and not all 0; equal without it.
        together: Distinct tuples of a block, within which rows are compared, at least 2: more take
            longer, in proportion, and lose a little less.

    Returns:
        The classes, or none where more rows must go than may be dropped.

    Guarantee:
        Every class that stays is good, its cells are ancestors of all its rows' values, the lowest
        common ones, at levels of at most ``max_levels``, and tests of the whole table hold for what
        stays. Where such tests are none and the constraint also holds for a good class joined with
        any other, no row is dropped that some class within ``max_levels`` could hold. The answer is a
        function of the tuples and their order of values, not of the order of rows. It is not the
        least possible loss.

    Source:
        Cutting after LeFevre, DeWitt and Ramakrishnan, Mondrian Multidimensional k-Anonymity (ICDE
        2006), with the cut that keeps most instead of the widest; joining after Gionis, Mazza
        and Tassa, k-Anonymization Revisited (ICDE 2008).
    """
    steps = steps_of(problem, weights)
    least, most = problem.k, max(together, _LEAST_TOGETHER)
    while True:
        tried = problem if least == problem.k else replace(problem, k=least)
        judge = Judge(tried, good, also)
        blocks = blocks_of(tried, steps, judge, most)
        joined = merged(tried, steps, judge, blocks)
        made = _labelled(tried, judge, rearranged(tried, steps, judge, blocks, joined))
        if made.suppressed <= problem.most_suppressed:
            return made
        least *= 2  # larger classes meet tests of the whole table that smaller ones do not
        if not problem.table_criteria or least > problem.tuples.rows:
            return None


def _labelled(problem: Problem, judge: Judge, class_of: Ints) -> Recoded:
    """Give classes their levels, and join classes that read the same."""
    levels, groups = _ancestors(problem, class_of)
    widths = [int(column.max(initial=0)) + 1 for column in groups.T]
    heights = [int(column.max(initial=0)) + 1 for column in levels.T]
    same = numbered(combined_keys([*levels.T, *groups.T], [*heights, *widths]))
    class_of = numbered(same[class_of])
    levels, groups = _ancestors(problem, class_of)
    kept = judge.kept(class_of)
    tuples = problem.tuples
    sizes = np.bincount(class_of, weights=tuples.counts).astype(np.int64)
    suppressed = int(sizes[~kept].sum())
    lost = float(suppressed * len(problem.columns))
    for column, (maps, codes) in enumerate(zip(problem.columns, tuples.codes, strict=True)):
        losses = np.asarray(maps.losses)[levels[class_of, column], codes]
        lost += float((tuples.counts * kept[class_of]) @ losses)
    loss = lost / (tuples.rows * len(problem.columns))
    return Recoded(class_of, kept[class_of], levels, groups, sizes, loss, suppressed)


def _ancestors(problem: Problem, class_of: Ints) -> tuple[Ints, Ints]:
    """Level and group of the lowest common ancestor, per class and column."""
    number = int(class_of.max()) + 1
    first = np.full(number, -1, dtype=np.int64)
    first[class_of[::-1]] = np.arange(len(class_of))[::-1]
    levels = np.zeros((number, len(problem.columns)), dtype=np.int64)
    groups = np.zeros_like(levels)
    for column, (maps, codes) in enumerate(zip(problem.columns, problem.tuples.codes, strict=True)):
        for known in maps.groups[:-1]:
            at = known[codes]
            torn = np.zeros(number, dtype=np.bool_)
            torn[class_of[at != at[first][class_of]]] = True
            levels[:, column] += torn
        stacked = np.asarray(maps.groups)
        groups[:, column] = stacked[levels[:, column], codes[first]]
    return levels, groups
