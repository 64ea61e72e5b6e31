"""Keeps each person's rows within the bounds over groups, on the fly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from hedgerow.adapters.engines.compiling import GROUP, PLACE, Program
from hedgerow.kernel.aggregation import within_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hedgerow.adapters.engines.duck import DuckPool
    from hedgerow.model.plans import ExactAggregation


def within_bounds(
    duck: DuckPool, tables: Sequence[tuple[Program, pa.Table]], plan: ExactAggregation
) -> list[tuple[Program, pa.Table]]:
    """Give the rows beyond a person's bounds over groups a negative group.

    Args:
        duck: Finds the rows that count so far: conditions come first, so that no bound is wasted on rows they
            drop.
        tables: All rows of some people, by shape, and the programs they are for.
        plan: What is computed.

    Returns:
        The same, in order; the same objects where the plan bounds no groups.

    Guarantee: as ``within_groups``: whoever else is in the tables changes nobody's rows that count.
    """
    if not plan.bounds_groups:
        return list(tables)
    met = []
    for program, rows in tables:
        if program.bounded is not None:
            placed = rows.append_column(PLACE, pa.array(np.arange(rows.num_rows)))
            met.append(duck.arrays(placed, program.bounded.sql, program.bounded.parameters))
    people, groups, ranks, _ = (np.concatenate(columns) for columns in zip(*met, strict=True))
    within = within_groups(people, groups, ranks, plan.max_groups, plan.max_rows_per_group)
    ends = np.cumsum([len(places) for *_, places in met])
    kept = [places[mask] for (*_, places), mask in zip(met, np.split(within, ends[:-1]), strict=True)]
    return [(program, _only(rows, places)) for (program, rows), places in zip(tables, kept, strict=True)]


def _only(rows: pa.Table, places: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Table:
    """Keep the group of some rows alone."""
    groups = rows[GROUP].to_numpy()
    bounded = np.full(len(groups), -1, dtype=groups.dtype)
    bounded[places] = groups[places]
    return rows.set_column(rows.column_names.index(GROUP), GROUP, pa.array(bounded))
