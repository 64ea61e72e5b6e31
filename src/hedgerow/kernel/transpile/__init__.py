"""Exact aggregations as SQL for other engines: the engine bounds and counts, the noise is added here."""

from __future__ import annotations

from hedgerow.kernel.transpile.program import Histogram, Transpiled, transpile
from hedgerow.kernel.transpile.reading import integers_of
from hedgerow.kernel.transpile.source import Kind, Source, SourceColumn
from hedgerow.kernel.transpile.writing import DIALECTS, Dialect

__all__ = [
    "DIALECTS",
    "Dialect",
    "Histogram",
    "Kind",
    "Source",
    "SourceColumn",
    "Transpiled",
    "integers_of",
    "transpile",
]
