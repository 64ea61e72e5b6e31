"""Exact bounded aggregates without an engine: small, clear, and the oracle engines are held to."""

from __future__ import annotations

from hedgerow.kernel.aggregation.binning import bins_of
from hedgerow.kernel.aggregation.bounding import within_groups
from hedgerow.kernel.aggregation.found import count_people, plain_keys, search_keys, told_keys
from hedgerow.kernel.aggregation.gathering import gather
from hedgerow.kernel.aggregation.joining import Joining, PersonRows, join_people
from hedgerow.kernel.aggregation.picking import pick_ranks, pick_rows
from hedgerow.kernel.aggregation.ranks import NEVER, draw_ranks, number_people
from hedgerow.kernel.aggregation.reference import aggregate
from hedgerow.kernel.aggregation.units import as_column, number_units, rank_units

__all__ = [
    "NEVER",
    "Joining",
    "PersonRows",
    "aggregate",
    "as_column",
    "bins_of",
    "count_people",
    "draw_ranks",
    "gather",
    "join_people",
    "number_people",
    "number_units",
    "pick_ranks",
    "pick_rows",
    "plain_keys",
    "rank_units",
    "search_keys",
    "told_keys",
    "within_groups",
]
