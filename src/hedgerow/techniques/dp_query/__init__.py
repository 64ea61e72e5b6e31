"""Private queries: SQL text to a plan, a plan to a noisy answer; it holds no state."""

from __future__ import annotations

from hedgerow.techniques.dp_query.declared import typed_keys
from hedgerow.techniques.dp_query.plan import plan_query
from hedgerow.techniques.dp_query.planned import QueryPlan
from hedgerow.techniques.dp_query.public import public_table
from hedgerow.techniques.dp_query.run import run
from hedgerow.techniques.dp_query.technique import DpQuery

__all__ = ["DpQuery", "QueryPlan", "plan_query", "public_table", "run", "typed_keys"]
