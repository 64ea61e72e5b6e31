"""Differential privacy on a data frame, without a workspace; nothing has a default epsilon."""

from __future__ import annotations

from hedgerow.kernel.accounting import Budget
from hedgerow.kernel.noise import AboveThreshold, RunningCount
from hedgerow.model.answers import Answer, AnswerColumn
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.techniques.dp_query.chain import count, mean, median, people, quantile, stddev, variance
from hedgerow.techniques.dp_query.chain import greatest as max  # noqa: A004 - said as in SQL, dp.max
from hedgerow.techniques.dp_query.chain import least as min  # noqa: A004 - said as in SQL, dp.min
from hedgerow.techniques.dp_query.chain import total as sum  # noqa: A004 - said as in SQL, dp.sum
from hedgerow.techniques.dp_query.curve import curve
from hedgerow.techniques.dp_query.declared import declare
from hedgerow.techniques.dp_query.frame import bounds, explain, query, table
from hedgerow.techniques.dp_query.streams import above_threshold, running_count
from hedgerow.techniques.dp_query.values import case, col
from hedgerow.techniques.dp_query.widths import FoundBounds

__all__ = [
    "AboveThreshold",
    "Answer",
    "AnswerColumn",
    "Budget",
    "DatasetDeclaration",
    "FoundBounds",
    "RunningCount",
    "above_threshold",
    "bounds",
    "case",
    "col",
    "count",
    "curve",
    "declare",
    "explain",
    "max",
    "mean",
    "median",
    "min",
    "people",
    "quantile",
    "query",
    "running_count",
    "stddev",
    "sum",
    "table",
    "variance",
]
