"""What a release is still good for, at the time it is made, as plain values for its certificate."""

from __future__ import annotations

import pyarrow as pa

from hedgerow.model.anonymity import KAnonymousTable, ReleaseParameters
from hedgerow.model.errors import CallerError
from hedgerow.model.uses import Json
from hedgerow.techniques.anonymity.utility import utility

MOST_ROWS = 500_000
"""Above so many rows nothing is measured here."""
_QUERIES = 200


def utility_of(rows: pa.Table, made: KAnonymousTable[pa.Table], asked: ReleaseParameters) -> dict[str, Json]:
    """Measure a release against the rows it was made of.

    Args:
        rows: These rows.
        made: The release.
        asked: What was asked of it.

    Returns:
        Measures by name, decimal text rounded to four places; none of a table that is too large.
    """
    if rows.num_rows > MOST_ROWS:
        return {}
    source, ladders = rows.select(list(asked.quasi)), dict(asked.hierarchies)
    try:
        found = utility(made.table, source, quasi=asked.quasi, hierarchies=ladders, queries=_QUERIES)
    except CallerError:
        # What cannot be read back from its cells is told as not measured; the release stands.
        return {}
    return {
        "detail_kept": _four(found.granularity),
        "detail_kept_by_column": {name: _four(value) for name, value in found.columns},
        "entropy_kept_by_column": {name: _four(value) for name, value in found.nonuniform_entropy},
        "average_class_size": _four(found.average_class_size),
        "discernibility": found.discernibility,
        "bits_of_the_distribution_lost": _four(found.kl_divergence),
        "count_error_median": _four(found.query_error_median),
        "count_error_of_95_in_100": _four(found.query_error_95),
        "counts_compared": found.queries,
    }


def _four(value: float) -> str:
    return f"{value:.4f}"
