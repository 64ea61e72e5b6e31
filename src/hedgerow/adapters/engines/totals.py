"""Adds up what the pieces of a table gave, exactly, into the integers of each group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hedgerow.adapters.engines.groups import MOST_GROUPS, group_count
from hedgerow.kernel.aggregation import bins_of
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import CountPeople

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hedgerow.adapters.engines.people import Numbers
    from hedgerow.model.plans import ExactAggregation, Histogram


@dataclass(frozen=True, slots=True, eq=False)
class Partial:
    """What one piece gave.

    Args:
        rows: ``(group, integer, ...)``, a group any number of times.
        bins: For each histogram the rows of each cell: group times bins plus bin.
    """

    rows: list[tuple[Any, ...]]
    bins: list[Numbers]


def cells_of(part: Histogram, groups: Numbers, steps: Numbers, count: int) -> Numbers:
    """Count the rows of each cell of a histogram.

    Args:
        part: The histogram.
        groups: Group of each row.
        steps: Value of each row in steps, within the bounds.
        count: How many groups there are.

    Returns:
        One count for each cell.
    """
    return np.bincount(groups * part.bins + bins_of(part, steps), minlength=count * part.bins)


def people_of(
    plan: ExactAggregation, pairs: Sequence[Sequence[Numbers]], allowed: Numbers
) -> list[tuple[int, ...]]:
    """Count the people of each group over pieces that may share people.

    Args:
        plan: What is computed.
        pairs: Of each piece the group and the person of each row.
        allowed: Every person there may be, strictly increasing.

    Returns:
        Rows as of a statement, whose other aggregates are 0.
    """
    if not pairs:
        return []
    groups, people = (np.concatenate(columns) for columns in zip(*pairs, strict=True))
    # A person's place and a group make one number of less than 64 bits; sorting those is quick.
    count = group_count(plan.keys, plan.selected)
    met = np.sort(np.searchsorted(allowed, people) * count + groups)
    is_first = np.ones(len(met), dtype=np.bool_)
    is_first[1:] = met[1:] != met[:-1]
    counts = np.bincount(met[is_first] % count, minlength=count)
    shows = [isinstance(one, CountPeople) for one in plan.aggregates]
    return [
        (group, *(int(counts[group]) if is_people else 0 for is_people in shows))
        for group in np.flatnonzero(counts).tolist()
    ]


class Totals:
    """The integers of each group.

    Args:
        plan: What is computed.

    Raises:
        CallerError: ``engine.groups`` above ten million groups, or cells of a histogram.
    """

    def __init__(self, plan: ExactAggregation) -> None:
        self._groups = group_count(plan.keys, plan.selected)
        self._aggregates = len(plan.aggregates)
        self._sums: dict[int, list[int]] = {}
        self._bins = []
        for one in plan.histograms:
            if self._groups * one.bins > MOST_GROUPS:
                raise CallerError("engine.groups", groups=self._groups * one.bins, most=MOST_GROUPS)
            self._bins.append(np.zeros((self._groups, one.bins), dtype=np.int64))

    def add(self, partial: Partial) -> None:
        """Add what one piece gave."""
        for group, *values in partial.rows:
            # Python integers cannot overflow, and each partial sum fits 128 bits.
            held = self._sums.setdefault(group, [0] * self._aggregates)
            for place, value in enumerate(values):
                held[place] += value or 0
        for held_cells, cells in zip(self._bins, partial.bins, strict=True):
            held_cells.reshape(-1)[:] += cells

    def rows(self) -> list[tuple[int, ...]]:
        """List the integers of each group, zeros where no row counts."""
        zeros = [0] * self._aggregates
        return [
            tuple(self._sums.get(group, zeros) + [n for cells in self._bins for n in cells[group].tolist()])
            for group in range(self._groups)
        ]
