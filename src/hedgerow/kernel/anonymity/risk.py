"""The exact risk of a generalised table, from its classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hedgerow.kernel.anonymity.coding import Floats, Ints
from hedgerow.kernel.anonymity.grouping import Pairs, distinct_pairs
from hedgerow.kernel.anonymity.search import Outcome, Problem
from hedgerow.model.anonymity import ColumnGeneralisation, RiskSummary, SensitiveDiversity


def summarise(
    problem: Problem,
    outcome: Outcome,
    names: Sequence[str],
    sensitive: Sequence[tuple[str, Ints]],
    people: Ints | None = None,
) -> RiskSummary:
    """State the risk of one node's release.

    Args:
        problem: Table, hierarchies and limits.
        outcome: What the node does to the table; at least one row is kept.
        names: Column names in the order of the problem.
        sensitive: Name and value code of each row, -1 for missing, per sensitive attribute.
        people: Person of each row, -1 for unknown; none when each row is a person of its own.

    Returns:
        The risk, counted exactly.
    """
    tuples = problem.tuples
    weights = np.where(outcome.kept, tuples.counts, 0)
    sizes = np.bincount(outcome.class_of_tuple, weights=weights).astype(np.int64)
    released, classes = int(weights.sum()), outcome.class_of_tuple[tuples.of_row]
    columns = []
    for place, (name, level) in enumerate(zip(names, outcome.node, strict=True)):
        maps = problem.columns[place]
        lost = _share(weights, maps.losses[level][tuples.codes[place]], released)
        columns.append(ColumnGeneralisation(name, level, maps.top, 1 - lost))
    return RiskSummary(
        k=problem.k,
        rows=tuples.rows,
        released_rows=released,
        suppressed_rows=tuples.rows - released,
        class_sizes=histogram(sizes[sizes > 0]),
        columns=tuple(columns),
        sensitive=tuple(
            _diversity(name, distinct_pairs(classes, values), sizes) for name, values in sensitive
        ),
        loss=outcome.loss,
        fewest_people=_fewest(classes, people, sizes),
    )


def histogram(sizes: Ints) -> tuple[tuple[int, int], ...]:
    """Count how often each size occurs.

    Args:
        sizes: Sizes, in any order.

    Returns:
        Pairs of size and occurrences, ascending.
    """
    values, counts = np.unique(sizes, return_counts=True)
    return tuple((int(value), int(count)) for value, count in zip(values, counts, strict=True))


def _fewest(classes: Ints, people: Ints | None, sizes: Ints) -> int | None:
    if people is None:
        return None
    return int(distinct_pairs(classes, people).distinct(len(sizes))[sizes > 0].min())


def _share(weights: Ints, losses: Floats, released: int) -> float:
    return float((weights * losses).sum()) / released


def _diversity(name: str, pairs: Pairs, sizes: Ints) -> SensitiveDiversity:
    distinct = pairs.distinct(len(sizes))
    released = sizes > 0
    # A class with one known value gives it away even where other rows miss it.
    same = released & (distinct == 1)
    return SensitiveDiversity(name, int(distinct[released].min()), int(same.sum()), int(sizes[same].sum()))
