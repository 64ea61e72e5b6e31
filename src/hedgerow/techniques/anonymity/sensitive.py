"""A sensitive column as codes in the order of its values, with what its classes are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from hedgerow.kernel.anonymity.coding import Ints
from hedgerow.kernel.anonymity.distances import Reference, reference_of
from hedgerow.model.anonymity import Hierarchy
from hedgerow.techniques.anonymity.columns import Coded, coded, hierarchy_codes


@dataclass(frozen=True, slots=True)
class Sensitive:
    """One sensitive column.

    Args:
        column: The column; its codes are in the order of the values where they have one.
        is_ordered: Whether they have one: numbers, dates, truth values, or as a hierarchy lists them.
        hierarchy: Its hierarchy, or none.
        reference: How often each value occurs over all rows, dropped ones among them.
    """

    column: Coded
    is_ordered: bool
    hierarchy: Hierarchy | None = field(repr=False)
    reference: Reference = field(repr=False)

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def codes(self) -> Ints:
        """Value code of each row, -1 for missing."""
        return self.column.codes

    @property
    def levels(self) -> tuple[Ints, ...]:
        """Group of each value code at each level below the top; none without a hierarchy."""
        if self.hierarchy is None:
            return ()
        own: Sequence[int] = range(len(self.hierarchy.values))
        return tuple(np.asarray(groups, dtype=np.int64) for groups in (own, *self.hierarchy.maps[:-1]))


def sensitive_column(
    table: pa.Table, name: str, hierarchy: Hierarchy | None, weights: Ints | None = None
) -> Sensitive:
    """Take a sensitive column out of a table.

    Args:
        table: The table.
        name: The column.
        hierarchy: Its hierarchy, or none.
        weights: Rows that each row of the table stands for; one each without it.

    Returns:
        The column in order.

    Raises:
        CallerError: ``anonymity.column-type`` or ``anonymity.value-not-in-hierarchy``.
    """
    column = coded(table, name)
    if hierarchy is not None:
        placed = hierarchy_codes(column, hierarchy)
        codes = np.where(column.codes < 0, -1, placed)
        whole = reference_of(codes, len(hierarchy.values), weights)
        return Sensitive(replace(column, codes=codes), is_ordered=True, hierarchy=hierarchy, reference=whole)
    in_order = sorted(range(len(column.distinct)), key=column.distinct.__getitem__)
    ranks = np.full(len(in_order) + 1, -1, dtype=np.int64)
    ranks[in_order] = np.arange(len(in_order))
    codes = ranks[column.codes]
    column = replace(column, codes=codes, distinct=tuple(column.distinct[place] for place in in_order))
    is_ordered = _has_order(column.array.type)
    return Sensitive(
        column, is_ordered=is_ordered, hierarchy=None, reference=reference_of(codes, weights=weights)
    )


def _has_order(kind: pa.DataType) -> bool:
    return not (pa.types.is_string(kind) or pa.types.is_large_string(kind))
