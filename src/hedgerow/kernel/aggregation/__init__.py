"""Exact bounded aggregates without an engine: small, clear, and the oracle engines are held to."""

from __future__ import annotations

from hedgerow.kernel.aggregation.ranks import NEVER, draw_ranks, number_people
from hedgerow.kernel.aggregation.reference import aggregate

__all__ = ["NEVER", "aggregate", "draw_ranks", "number_people"]
