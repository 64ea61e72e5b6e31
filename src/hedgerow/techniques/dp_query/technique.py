"""The technique as the spine knows it: plan on declarations, run on a lease."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from hedgerow.model.answers import Answer
from hedgerow.model.budget import parse_exact
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import ExactAggregation
from hedgerow.model.uses import DatasetView, Lease, Plan, Release, UseRequest
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.plan import plan_query
from hedgerow.techniques.dp_query.planned import QueryPlan
from hedgerow.techniques.dp_query.run import run

Aggregate = Callable[[ExactAggregation], Sequence[Sequence[int]]]


class DpQuery:
    """Differentially private statistics over groups with declared keys and bounds."""

    name = "dp_query"
    action = "query"

    def plan(self, request: UseRequest, dataset: DatasetView) -> QueryPlan:
        """Plan the query in ``request.parameters``: ``sql`` and ``epsilon``, both text.

        Args:
            request: Who asks what.
            dataset: Columns and declarations; no value.

        Returns:
            The plan.

        Raises:
            Refused: When something cannot be bounded or is not declared.
            CallerError: When the query or the epsilon is malformed.
        """
        sql, epsilon = request.parameters.get("sql"), request.parameters.get("epsilon")
        if not isinstance(sql, str):
            raise CallerError("dp.sql-malformed")
        if not isinstance(epsilon, str):
            raise CallerError("budget.not-a-number", option="--epsilon")
        open_columns = {c.name: ColumnType(c.type) for c in dataset.columns if not c.in_vault}
        hidden = {c.name for c in dataset.columns if c.in_vault} | {dataset.subject_column}
        return plan_query(
            sql,
            dataset.declaration,
            {name: kind for name, kind in open_columns.items() if name not in hidden},
            parse_exact(epsilon, "--epsilon"),
            dataset.name,
            hidden,
            dataset.subject_column,
        )

    def answer(self, aggregate: Aggregate, plan: QueryPlan) -> Answer:
        """Compute the exact aggregates and add the noise.

        Args:
            aggregate: Computes what the plan asks, such as a lease's own function.
            plan: What was planned.

        Returns:
            The answer.
        """
        return run(aggregate(plan.aggregation), plan)

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Run the plan on a lease.

        Args:
            lease: Opens exact bounded aggregates of the granted columns.
            plan: A plan this technique made.

        Returns:
            The answer as canonical plain values; read it back with ``Answer.from_dict``.
        """
        answer = self.answer(lease.aggregate, cast("QueryPlan", plan))
        return Release(payload=answer.to_dict(), mechanism=answer.mechanism)
