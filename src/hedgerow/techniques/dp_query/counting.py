"""Running counts as the spine knows them: opened once for all, then each step adds the rows that arrived."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from hedgerow.kernel.noise import RunningCount, open_running
from hedgerow.model.budget import PureEvent, ZcdpEvent, parse_exact, show_exact
from hedgerow.model.errors import Refused
from hedgerow.model.plans import CountRows, SumValues
from hedgerow.model.uses import (
    OPENS,
    SHOWS,
    STEPS,
    DatasetView,
    Grant,
    Json,
    Lease,
    Plan,
    Release,
    RunState,
    RunView,
    UseRequest,
)
from hedgerow.techniques.dp_query.price import Price
from hedgerow.techniques.dp_query.single import (
    Number,
    bounded_by_rows,
    check_paid,
    opened_run,
    shown_steps,
    single_number,
    text_in,
    whole_in,
)

KIND = "running"
_NOISE = {False: "discrete Laplace", True: "discrete Gaussian"}
_MOST_STEPS = 10_000
_ELSEWHERE = re.compile(r"--|/\*|;|\b(?:from|select)\b", re.IGNORECASE)
_NESTED = re.compile(r"\bselect\b", re.IGNORECASE)


def mechanism(*, is_gaussian: bool) -> str:
    """Name what draws the noise."""
    return f"binary tree of partial sums, {_NOISE[is_gaussian]} on exact integers (OpenDP)"


def arriving(sql: str, dataset: DatasetView) -> Number:
    """Plan the number of one step: of rows, each of which arrives once.

    Raises:
        Refused: ``run.not-by-rows`` and what ``single_number`` refuses.

    Guarantee: over all steps together the rows of one person move the numbers by at most its ``sensitivity``
        in L1. A row's rank is drawn when it is taken in and never changes, those of later rows follow, so
        at most ``max_rows`` rows that one person ever had may count; each arrives in one step; the bound of
        each step is that of all its rows.
    """
    number = single_number(sql, dataset, bounded_by_rows(dataset.declaration))
    counted = number.aggregation
    of_rows = all(isinstance(one, CountRows | SumValues) for one in counted.aggregates)
    # A row gathered of several would come again with each of them.
    is_plain = not counted.joins and counted.gathering is None and counted.of_unit is None
    if not (of_rows and is_plain):
        raise Refused("run.not-by-rows")
    return number


def _part(text: str, elsewhere: re.Pattern[str]) -> str:
    """Let nothing in that would choose other rows than those of the data set, each by itself."""
    if elsewhere.search(text):
        raise Refused("run.not-by-rows")
    return text


@dataclass(frozen=True, slots=True)
class CountPlan:
    """A running count that is opened: what it will cost and how wrong it may be.

    Args:
        dataset: The data set.
        sql: What is counted of the rows of each step.
        number: The same, planned.
        run: As it would be opened.
        since: The version of the data set whose rows are not counted any more.
    """

    dataset: str
    sql: str
    number: Number
    run: RunningCount
    since: int

    @property
    def grant(self) -> Grant:
        """What each step will open; opening the run reads no row."""
        return self.number.grant

    @property
    def cost(self) -> PureEvent | ZcdpEvent:
        """The whole cost of the run."""
        return self.run.cost

    @property
    def loss(self) -> dict[str, Json]:
        """Its epsilon or rho."""
        return {"rho" if self.run.is_gaussian else "epsilon": show_exact(self.run.loss, 12)}

    @property
    def body(self) -> dict[str, Json]:
        """What the run is opened with; public."""
        return {
            "kind": KIND,
            "sql": self.sql,
            "statistic": self.number.title,
            "steps": self.run.horizon,
            "sensitivity": self.run.contribution,
            "digits": self.number.digits,
            "since": self.since,
            **self.loss,
        }

    def describe(self) -> dict[str, Json]:
        """Explain the plan as plain values."""
        digits, run = self.number.digits, self.run
        return {
            "technique": DpRunning.name,
            "dataset": self.dataset,
            **self.number.describe(),
            "counts": self.sql,
            "steps": run.horizon,
            **self.loss,
            "charged": "the whole cost at opening; no step costs anything more",
            "mechanism": mechanism(is_gaussian=run.is_gaussian),
            "nodes_of_a_row": run.levels,
            "scale_of_each_node": format(run.scale / 10**digits, ".12g"),
            "expected_error_95": {
                "step 1": shown_steps(run.half_width(1), digits),
                "any step": shown_steps(run.half_width(), digits),
            },
        }


class DpRunning:
    """Opens a running count: the total so far at every step.

    Guarantee: all totals of a run together are epsilon-differentially private, or rho-zCDP, and the whole of
    it is charged before any row is read; see ``kernel.noise.running`` and ``arriving``.
    """

    name = "dp_running"
    action = "query"
    kind = KIND
    does = OPENS

    def plan(self, request: UseRequest, dataset: DatasetView) -> CountPlan:
        """Plan to open a running count.

        Args:
            request: ``of`` (COUNT(*) or a SUM), ``where`` (a condition or none), ``steps``, ``epsilon`` or
                ``rho``, and ``from_now`` (leave out the rows that are there).
            dataset: Columns and declarations.

        Raises:
            Refused: Where the statistic is not one that a bound is known of.
            CallerError: Where something is malformed.
        """
        asked = request.parameters
        where = asked.get("where")
        sql = f'SELECT {_part(text_in(asked, "of"), _ELSEWHERE)} FROM "{dataset.name}"'  # noqa: S608 - parsed below
        sql += "" if where is None else f" WHERE {_part(text_in(asked, 'where'), _NESTED)}"
        number = arriving(sql, dataset)
        steps = whole_in(asked, "steps", _MOST_STEPS)
        stated = {name: parse_exact(text_in(asked, name), f"--{name}") for name in ("epsilon", "rho")
                  if asked.get(name) is not None}  # fmt: skip
        price = Price(**stated)
        run = RunningCount(steps, number.sensitivity, price.loss, is_gaussian=price.rho is not None)
        if not run.scale * 50 * run.levels < 2**62:
            raise Refused("dp.too-noisy")
        return CountPlan(dataset.name, sql, number, run, dataset.version if asked.get("from_now") else 0)

    def run(self, lease: Lease, plan: Plan) -> Release:  # noqa: ARG002 - opening reads nothing
        """Draw the noise of the first nodes; no row is read."""
        made = cast("CountPlan", plan)
        asked = made.run
        run = open_running(asked.horizon, asked.contribution, asked.loss, is_gaussian=asked.is_gaussian)
        state = RunState(run.to_json().decode(), body=made.body)
        told = mechanism(is_gaussian=asked.is_gaussian)
        return Release(payload={"opened": made.body}, mechanism=told, run=state)


@dataclass(frozen=True, slots=True)
class StepPlan:
    """A step of a running count: it was paid for already.

    Args:
        run: The running count.
        number: What is computed of the rows that arrived since the last step.
    """

    run: RunView
    number: Number

    @property
    def cost(self) -> None:
        """Nothing: the run was paid for when it was opened."""
        return

    @property
    def grant(self) -> Grant:
        """What a lease opens: the rows that arrived since."""
        opened = self.number.grant
        return Grant(opened.columns, opened.kind, public=opened.public, since=self.run.through)

    def describe(self) -> dict[str, Json]:
        """Explain the plan as plain values."""
        return {
            "technique": AdvanceRunning.name,
            "run": self.run.name,
            **self.number.describe(),
            "counts": self.run.body["sql"],
            "step": self.run.step + 1,
            "steps": self.run.body["steps"],
            "charged": "nothing: the run was paid for when it was opened",
        }


class AdvanceRunning:
    """Takes a step of a running count: the rows that arrived since the last, each of them once."""

    name = "dp_running"
    action = "query"
    kind = KIND
    does = STEPS

    def plan(self, request: UseRequest, dataset: DatasetView) -> StepPlan:  # noqa: ARG002 - a step asks nothing
        """Plan a step.

        Args:
            request: The wish.
            dataset: Columns, declarations and the run.

        Raises:
            Refused: ``run.too-sensitive`` where a public table multiplies rows more than when it was opened.
            CallerError: ``run.unknown``.
        """
        run = opened_run(dataset)
        number = arriving(str(run.body["sql"]), dataset)
        check_paid(number, run)
        return StepPlan(run, number)

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Count the rows that arrived and tell the total so far, with noise."""
        planned, carried = cast("StepPlan", plan), lease.carried()
        before = RunningCount.from_json(carried.secret.encode())
        after, total = before.step(planned.number.of(lease.aggregate(planned.number.aggregation)))
        digits = planned.number.digits
        told: dict[str, Json] = {
            "step": after.steps,
            "total": shown_steps(total, digits),
            "half_width_95": shown_steps(after.half_width(after.steps), digits),
        }
        is_over = after.steps >= after.horizon
        state = RunState(after.to_json().decode(), (*carried.shown, told), is_over=is_over)
        payload: Mapping[str, Json] = {
            **told,
            "run": planned.run.name,
            "statistic": planned.number.title,
            "steps_left": after.horizon - after.steps,
        }
        return Release(payload=payload, mechanism=mechanism(is_gaussian=after.is_gaussian), run=state)


@dataclass(frozen=True, slots=True)
class ShowPlan:
    """What a run told so far is shown again.

    Args:
        run: The run.
    """

    run: RunView

    @property
    def cost(self) -> None:
        """Nothing: the run was paid for when it was opened."""
        return

    @property
    def grant(self) -> Grant:
        """Nothing."""
        return Grant(frozenset(), "aggregate")

    def describe(self) -> dict[str, Json]:
        """Explain the plan as plain values."""
        return {"run": self.run.name, "charged": "nothing: what was told is told again"}


class ShowRun:
    """Shows what a run of any kind told so far, to whoever may ask it: it was paid for."""

    name = "dp_run"
    action = "query"
    does = SHOWS

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def plan(self, request: UseRequest, dataset: DatasetView) -> ShowPlan:  # noqa: ARG002 - nothing is asked
        """Plan to show a run.

        Raises:
            CallerError: ``run.unknown``.
        """
        return ShowPlan(opened_run(dataset))

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Read what was told; nothing is drawn and no row is read."""
        run = cast("ShowPlan", plan).run
        payload: Mapping[str, Json] = {
            "run": run.name,
            "opened": dict(run.body),
            "told": list(lease.carried().shown),
        }
        return Release(payload=payload, mechanism="told before")
