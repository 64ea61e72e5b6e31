"""Aggregates whose contributions are bounded by household or by day: over all rows at once.

A household's rows lie in the files of its people, so they are bounded together, in memory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hedgerow.kernel.aggregation import aggregate, rank_units
from hedgerow.model.engine import PERSON
from hedgerow.model.errors import Fault

if TYPE_CHECKING:
    import pyarrow as pa

    from hedgerow.model.contribution import UnitBound
    from hedgerow.model.plans import ExactAggregation


def aggregate_units(rows: pa.Table, plan: ExactAggregation, bound: UnitBound) -> list[tuple[int, ...]]:
    """Compute exact integers of the rows that count.

    Args:
        rows: The rows of allowed people, with their numbers.
        plan: What to compute.
        bound: Which rows count.

    Returns:
        One tuple of integers for each combination of keys.

    Raises:
        Fault: As the aggregation; ``engine.failed`` where rows are joined with another data set or gathered,
            which is bounded for people alone.
    """
    if plan.beside or plan.gathering is not None:
        raise Fault("engine.failed", reason="another unit is bounded in the rows of one data set")
    if not rows.num_rows:
        return [(0,) * plan.width for _ in range(plan.groups)]
    ranks = rank_units(rows[PERSON], rows[bound.column], bound)
    found = aggregate(rows, ranks, replace(plan, of_unit=None))
    return [tuple(row) for row in found]
