"""The table engine: encrypted Parquet buckets by person, exact integers by DuckDB over Arrow."""

from __future__ import annotations

from hedgerow.adapters.engines.buckets import bucket_count_for, rewrite_without, write_buckets
from hedgerow.adapters.engines.engine import DuckEngine
from hedgerow.adapters.engines.ranks import RowCounts, ranks_for, row_counts
from hedgerow.adapters.engines.scanning import BucketRelation

__all__ = [
    "BucketRelation",
    "DuckEngine",
    "RowCounts",
    "bucket_count_for",
    "ranks_for",
    "rewrite_without",
    "row_counts",
    "write_buckets",
]
