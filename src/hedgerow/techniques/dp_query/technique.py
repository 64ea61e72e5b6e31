"""The technique as the spine knows it: plan on declarations, run on a lease."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from hedgerow.model.answers import Answer
from hedgerow.model.budget import parse_delta, parse_exact
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.joins import Lookup
from hedgerow.model.plans import ExactAggregation
from hedgerow.model.uses import DatasetView, Json, Lease, Plan, Release, UseRequest
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.elsewhere import engine_sql
from hedgerow.techniques.dp_query.found import Selection
from hedgerow.techniques.dp_query.plan import plan_query
from hedgerow.techniques.dp_query.planned import QueryPlan
from hedgerow.techniques.dp_query.price import Price
from hedgerow.techniques.dp_query.query import Query
from hedgerow.techniques.dp_query.question import query_of_text
from hedgerow.techniques.dp_query.run import run
from hedgerow.techniques.dp_query.sources import columns_of, joined_with
from hedgerow.techniques.dp_query.units import PERSON, bound_units, check_statistic, unit_of
from hedgerow.techniques.dp_query.widths import MECHANISM, WidthPlan, find_widths, plan_widths

Aggregate = Callable[[ExactAggregation], Sequence[Sequence[int]]]


class DpQuery:
    """Differentially private statistics over groups with declared keys and bounds."""

    name = "dp_query"
    action = "query"

    def plan(self, request: UseRequest, dataset: DatasetView) -> QueryPlan | WidthPlan:
        """Plan what ``request.parameters`` ask for.

        They are ``sql``, ``epsilon`` or ``rho``, and ``discover_keys`` (a delta) where keys may be found; or
        ``bounds_of`` (a column) and ``epsilon``. All are text. In place of ``sql`` may stand ``question``: a
        query that was built of values. Beside it may stand ``unit``, the privacy unit: the price is what one
        of it may lose then, and the cost of the plan what that comes to for a person.

        Args:
            request: Who asks what.
            dataset: Columns and declarations; no value.

        Returns:
            The plan.

        Raises:
            Refused: When something cannot be bounded or is not declared.
            CallerError: When the query or the epsilon is malformed.
        """
        if dataset.declaration.unit != PERSON:
            raise Refused("dp.unit-in-workspace", dataset=dataset.name, unit=dataset.declaration.unit)
        unit = unit_of(request.parameters.get("unit"))
        kinds = {c.name: ColumnType(c.type) for c in dataset.columns}
        declaration, bound = bound_units(dataset.declaration, unit, dataset.name, kinds)
        columns, hidden = columns_of(dataset)
        check_statistic(unit, "Joins of two data sets" if dataset.others else None)
        known = (declaration, columns, _price(request.parameters), dataset.name, hidden)
        column, sql = request.parameters.get("bounds_of"), request.parameters.get("sql")
        if isinstance(column, str):
            check_statistic(unit, "Bounds found in the data")
            return plan_widths(column, *known)
        asked = request.parameters.get("question")
        if asked is not None and sql is None:
            query: str | Query = query_of_text(asked)
        elif isinstance(sql, str) and asked is None:
            query = sql
        else:
            raise CallerError("dp.sql-malformed")
        plan = plan_query(query, *known, dataset.subject_column, joined_with(dataset))
        plan = plan if bound is None else plan.by_people(bound)
        if not request.engine:
            return plan
        engine_sql(plan, dataset, request.engine)  # what it cannot do is refused before anything is spent
        return replace(plan, engine=request.engine)

    def question(self, plan: Plan) -> object:
        """Tell all that an answer depends on beside the data: the plan as it stands, noise and cost included.

        Args:
            plan: A plan this technique made.

        Returns:
            The plan: what blanks, letter case and brackets of the text leave open is gone from it. Of a
            public table stands the digest. What may be nested deeper than canonical values are stands beside
            the plan as one text.
        """
        if not isinstance(plan, QueryPlan):
            return plan
        whole, gathering = plan.aggregation, plan.aggregation.gathering
        nested = repr((whole.where, whole.computed, [key.place for key in whole.keys], plan.having))
        if gathering is not None:
            nested += repr(replace(gathering, rows=_told(gathering.rows)))
        keys = tuple(replace(key, place=None) for key in whole.keys)
        flat = replace(_told(whole), where=None, computed=(), keys=keys, gathering=None)
        told = replace(plan, aggregation=flat, having=None, selection=_told_search(plan.selection), engine="")
        return told, nested

    def answer(self, aggregate: Aggregate, plan: QueryPlan) -> Answer:
        """Compute the exact aggregates and add the noise.

        Args:
            aggregate: Computes what the plan asks, such as a lease's own function.
            plan: What was planned.

        Returns:
            The answer.
        """
        return run(aggregate(plan.aggregation) if plan.groups else (), plan)

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Run the plan on a lease.

        Args:
            lease: Opens exact bounded aggregates of the granted columns.
            plan: A plan this technique made.

        Returns:
            The answer as canonical plain values; read it back with ``Answer.from_dict``.
        """
        if isinstance(plan, WidthPlan):
            found = find_widths(lease.aggregate(plan.aggregation), plan)
            return Release(payload=found.to_dict(), mechanism=MECHANISM)
        planned = cast("QueryPlan", plan)
        if planned.selection is not None:
            planned = planned.selecting(lease.keys(planned.selection.search))
        answer = self.answer(lease.aggregate, planned)
        return Release(payload=answer.to_dict(), mechanism=answer.mechanism)


def _told(aggregation: ExactAggregation) -> ExactAggregation:
    return replace(aggregation, lookups=_told_tables(aggregation.lookups))


def _told_search(selection: Selection | None) -> Selection | None:
    if selection is None:
        return None
    search = replace(selection.search, lookups=_told_tables(selection.search.lookups))
    return replace(selection, search=search)


def _told_tables(lookups: Sequence[Lookup]) -> tuple[Lookup, ...]:
    """Leave out what public tables hold where their digest tells it."""
    return tuple(
        replace(one, table=replace(one.table, columns=())) if one.table.digest else one for one in lookups
    )


def _price(parameters: Mapping[str, Json]) -> Price:
    """Read what the answer may cost: text, one of the two."""
    stated = {name: parameters[name] for name in ("epsilon", "rho") if name in parameters}
    exact = {}
    for name, text in stated.items():
        if not isinstance(text, str):
            raise CallerError("budget.not-a-number", option=f"--{name}")
        exact[name] = parse_exact(text, f"--{name}")
    finds = parameters.get("discover_keys")
    delta = None if finds is None else parse_delta(str(finds), "--discover-keys")
    return Price(**exact, delta=delta)
