"""Asking: private queries through the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from hedgerow.app.latency import bucketed, parse_latency
from hedgerow.app.service.base import Part, need_purpose
from hedgerow.app.service.reckoning import forecast_of
from hedgerow.app.service.several import joined_with, not_counting
from hedgerow.model.answers import Answer
from hedgerow.model.budget import NonPrivateEvent, parse_exact, show_exact
from hedgerow.model.errors import CallerError
from hedgerow.model.uses import Decision, Json, Technique, UseRequest
from hedgerow.spine.gate import new_request_id
from hedgerow.spine.permission import as_error
from hedgerow.spine.publics import Publics

if TYPE_CHECKING:
    from hedgerow.techniques.dp_query.query import Query


_BUDGET = "budget."
OWN_ENGINE = "duckdb"
Cost = Mapping[str, str | None]


class Asking(Part):
    """Data is used, privately."""

    def _query_request(
        self,
        dataset: str,
        sql: str | Query,
        purpose: str | None,
        cost: Cost,
        request_id: str | None,
        *,
        fresh: bool = False,
        engine: str | None = None,
    ) -> UseRequest:
        # Numbers from Python count as the decimals they print as; the person is the unit where none is named.
        paid = {name: str(text) for name, text in cost.items() if text not in (None, "person")}
        asked: dict[str, Json] = {"sql": sql} if isinstance(sql, str) else {"question": _plain(sql)}
        parameters: dict[str, Json] = {**asked, **paid}
        chosen, others = need_purpose(purpose), joined_with(self.spine.store, dataset, sql)
        known = request_id or new_request_id()
        named = "" if engine in (None, OWN_ENGINE) else str(engine)
        self.spine.tables.engine_of(named)
        return UseRequest(self.actor, chosen, dataset, parameters, known, fresh, others, engine=named)

    def explain_query(
        self,
        dataset: str,
        sql: str | Query,
        *,
        purpose: str | None,
        fresh: bool = False,
        engine: str | None = None,
        **cost: str | None,
    ) -> dict[str, Json]:
        """Say what a query would be decided, cost and mean; ``cost`` and unit are named as for a query."""
        request = self._query_request(dataset, sql, purpose, cost, None, fresh=fresh, engine=engine)
        return self._explained(request, self.spine.query)

    def curve_query(
        self,
        dataset: str,
        sql: str | Query,
        *,
        purpose: str | None,
        epsilon: str | None = None,
        rho: str | None = None,
        discover_keys: str | None = None,
        unit: str | None = None,
    ) -> dict[str, Json]:
        """Tell how wrong a query may be at several epsilons; nothing is spent and no data is opened.

        Args:
            dataset: The data set.
            sql: The query.
            purpose: Why.
            epsilon: One more epsilon to look at, exact decimal text.
            rho: A rho to look at, among others and in place of epsilons: with Gaussian noise.
            discover_keys: As of a query.
            unit: As of a query.

        Returns:
            ``outputs`` with ``half_widths_95`` at each of ``epsilons`` or ``rhos``, ``queries_left`` of
            each, and ``unknown``: outputs of which no half-width is known before data.

        Raises:
            Refused: What a query would be refused for, apart from a budget that does not hold it.
            CallerError: When the query or the epsilon is malformed.
        """
        from hedgerow.techniques.dp_query.curve import EPSILONS, RHOS, curve_of, spread

        if epsilon is not None and rho is not None:
            raise CallerError("dp.one-price")
        name, given = ("epsilon", epsilon) if rho is None else ("rho", rho)
        chosen = [] if given is None else [parse_exact(given, f"--{name}")]
        wanted = spread([*(EPSILONS if rho is None else RHOS), *chosen])
        more = {"discover_keys": discover_keys, "unit": unit}
        costs = ({name: show_exact(each, 64), **more} for each in wanted)
        decisions = [self._decision_at(dataset, sql, purpose, cost) for cost in costs]
        others = joined_with(self.spine.store, dataset, sql)
        with self.spine.store.read() as reader:
            balance = self.spine.ledger.balance(reader, dataset, need_purpose(purpose), others)
        return {
            "dataset": dataset,
            "purpose": purpose,
            **curve_of(wanted, [each.plan or None for each in decisions], name),
            "queries_left": [0 if each.cost is None else balance.more(each.cost) for each in decisions],
            "chosen": show_exact(chosen[0], 12) if chosen else None,
        }

    def engine_query(
        self, dataset: str, sql: str, *, purpose: str | None, dialect: str, **cost: str | None
    ) -> dict[str, Json]:
        """Write the exact part of a query in the SQL of another engine; nothing is run and nothing spent.

        Args:
            dataset: The data set; the table there is called the same and has its columns.
            sql: The query.
            purpose: Why.
            dialect: The engine.
            cost: ``epsilon``, or ``rho``, as for a query.

        Returns:
            See ``engine_sql``, with ``measurements``: the noise that Hedgerow would add.

        Raises:
            Refused: What a query would be refused for, apart from a budget that does not hold it.
            CallerError: When the query is malformed or cannot be written for the engine.
        """
        from hedgerow.techniques.dp_query.elsewhere import engine_sql

        decision = self._decision_at(dataset, sql, purpose, cost)
        request = self._query_request(dataset, sql, purpose, cost, None, fresh=True)
        if request.others:
            raise CallerError("engine.element", element="a join of two data sets")
        with self.spine.store.read() as reader:
            view = self.spine.catalog.require_dataset(reader, dataset)
            planned = self.spine.query.plan(request, replace(view, public=Publics(reader)))
        told = engine_sql(planned, view, dialect)
        return {"dataset": dataset, **told, "measurements": decision.plan.get("measurements", [])}

    def _decision_at(self, dataset: str, sql: str | Query, purpose: str | None, cost: Cost) -> Decision:
        """Decide a query at a cost; what speaks against it at any cost is raised."""
        request = self._query_request(dataset, sql, purpose, cost, None, fresh=True)
        decision = self.spine.gate.explain(request, self.spine.query)
        against = [each.code for each in decision.reasons if not decision.allowed]
        if decision.error and any(not (c.startswith(_BUDGET) or c == "dp.too-noisy") for c in against):
            raise as_error(decision.error)
        return decision

    def _explained(self, request: UseRequest, technique: Technique) -> dict[str, Json]:
        """Render a decision; versions that count choices and erasures only for who may see counts."""
        decision = self.spine.gate.explain(request, technique)
        told = decision.as_json()
        if decision.cost is not None and not isinstance(decision.cost, NonPrivateEvent):
            with self.spine.store.read() as reader:
                balance = self.spine.ledger.balance(reader, request.dataset, request.purpose, request.others)
            told["forecast"] = forecast_of(balance, decision.cost)
        if not all(self._permits("release.risk", name) for name in request.datasets):
            told["versions"] = not_counting(told["versions"])
            others = cast("Mapping[str, Json]", told.get("others") or {})
            told |= {"others": {name: not_counting(each) for name, each in others.items()}} if others else {}
        return told

    def query(  # noqa: PLR0913 - the options of a query
        self,
        dataset: str,
        sql: str | Query,
        *,
        purpose: str | None,
        epsilon: str | None = None,
        rho: str | None = None,
        discover_keys: str | None = None,
        unit: str | None = None,
        request_id: str | None = None,
        fresh: bool = False,
        latency: str | None = None,
        engine: str | None = None,
    ) -> dict[str, Json]:
        """Ask a differentially private query.

        Args:
            dataset: The data set.
            sql: ``SELECT`` of statistics over declared keys, or the same built of values.
            purpose: Why.
            epsilon: What to spend, exact decimal text.
            rho: What to spend instead, with Gaussian noise.
            discover_keys: A delta: keys that are not declared are found in the data, and it is the chance
                that they tell more.
            unit: ``household`` or ``person-day`` where what is to be protected, and what epsilon and rho are
                of, is no person; budgets are charged what that comes to for a person.
            request_id: Repeating it returns the same answer.
            fresh: Pay for new noise also where the same question was answered before, at no cost else.
            latency: Give back an answer or a refusal only after so long, or twice, four times ... as long.
            engine: What bounds and adds up: ``"spark"``, or ``"duckdb"`` as when not given. The answer is the
                same within its noise; what is stored answers whichever is named.

        Returns:
            The answer (see ``Answer.to_dict``) and the receipt.

        Raises:
            CallerError: ``engine.unknown``, ``engine.element`` for what is not known there; nothing is spent.
            Fault: ``extra.missing``, ``engine.no-java``; nothing is spent.
        """
        bucket = None if latency is None else parse_latency(latency)
        cost = {"epsilon": epsilon, "rho": rho, "discover_keys": discover_keys, "unit": unit}
        with bucketed(bucket, self.spine.timer):
            request = self._query_request(dataset, sql, purpose, cost, request_id, fresh=fresh, engine=engine)
            if request.engine:
                self.spine.tables.engine_of(request.engine).ready()
            return self._answered(request)

    def _answered(self, request: UseRequest) -> dict[str, Json]:
        receipt = self.spine.gate.use(request, self.spine.query)
        answer = Answer.from_dict(receipt.release.payload)
        accounts = [receipt.left["own"], *cast("Sequence[Json]", receipt.left.get("others") or ())]
        # Of several data sets the one that holds the next query back is told.
        own = min((cast("Mapping[str, str]", each) for each in accounts), key=lambda e: Fraction(e["left"]))
        told = answer.with_left(Fraction(own["left"]), Fraction(own["limit"]))
        return {**told.to_dict(), "receipt": self._receipt(receipt, self.spine.query.action, request.dataset)}

    def _bounds_request(
        self, dataset: str, column: str, purpose: str | None, epsilon: str, request_id: str | None
    ) -> UseRequest:
        parameters: dict[str, Json] = {"bounds_of": column, "epsilon": str(epsilon)}
        known = request_id or new_request_id()
        return UseRequest(self.actor, need_purpose(purpose), dataset, parameters, known)

    def explain_bounds(
        self, dataset: str, column: str, *, purpose: str | None, epsilon: str
    ) -> dict[str, Json]:
        """Say what finding bounds would be decided and cost, without doing it."""
        request = self._bounds_request(dataset, column, purpose, epsilon, None)
        return self._explained(request, self.spine.query)

    def bounds(
        self, dataset: str, column: str, *, purpose: str | None, epsilon: str, request_id: str | None = None
    ) -> dict[str, Json]:
        """Find value bounds of a column in private; they are told and not declared.

        Args:
            dataset: The data set.
            column: A column of numbers.
            purpose: Why.
            epsilon: What to spend, exact decimal text.
            request_id: Repeating it returns the same bounds.

        Returns:
            The bounds (see ``FoundBounds.to_dict``), the line that would declare them, and the receipt.
        """
        request = self._bounds_request(dataset, column, purpose, epsilon, request_id)
        receipt = self.spine.gate.use(request, self.spine.query)
        kept = self._receipt(receipt, self.spine.query.action, dataset)
        return {**receipt.release.payload, "receipt": kept}


def _plain(query: Query) -> str:
    from hedgerow.techniques.dp_query.question import plain_text

    return plain_text(query)
