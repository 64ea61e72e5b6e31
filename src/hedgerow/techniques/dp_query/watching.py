"""Threshold watches as the spine knows them: opened once for all, then asked as often as anybody likes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from hedgerow.kernel.noise import AboveThreshold, open_threshold
from hedgerow.model.budget import PureEvent, parse_decimal, parse_exact, show_exact
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.uses import (
    OPENS,
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
from hedgerow.model.words import many
from hedgerow.techniques.dp_query.single import (
    Number,
    check_paid,
    in_steps,
    opened_run,
    shown_steps,
    single_number,
    text_in,
    whole_in,
)

KIND = "watch"
MECHANISM = "above threshold, discrete Laplace on exact integers (OpenDP)"
_MOST_POSITIVES = 10_000
# So many answers are shown again; all are kept under their request ids.
_SHOWN = 1_000
_QUESTIONS = (1, 100, 10_000)


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """A watch that is opened: what it will cost and how wrong it may be.

    Args:
        dataset: The data set.
        of: The statistic it is for, as it was asked.
        number: The same, planned; it is not computed.
        threshold: In steps.
        run: As it would be opened, without its noise.
    """

    dataset: str
    of: str
    number: Number
    threshold: int
    run: AboveThreshold

    @property
    def grant(self) -> Grant:
        """Nothing: opening a watch reads no row."""
        return Grant(frozenset(), "aggregate")

    @property
    def cost(self) -> PureEvent:
        """The whole cost of the run."""
        return self.run.cost

    @property
    def body(self) -> dict[str, Json]:
        """What the run is opened with; public."""
        return {
            "kind": KIND,
            "of": self.of,
            "statistic": self.number.title,
            "above": shown_steps(self.threshold, self.number.digits),
            "threshold": self.threshold,
            "sensitivity": self.run.sensitivity,
            "digits": self.number.digits,
            "positives": self.run.yeses,
            "epsilon": show_exact(self.run.epsilon, 12),
        }

    def describe(self) -> dict[str, Json]:
        """Explain the plan as plain values."""
        digits = self.number.digits
        first, each = self.run.scales
        return {
            "technique": DpWatch.name,
            "dataset": self.dataset,
            **self.number.describe(),
            "above": self.body["above"],
            "positives": self.run.yeses,
            "epsilon": show_exact(self.run.epsilon, 12),
            "charged": "the whole cost at opening; asking costs nothing more",
            "mechanism": MECHANISM,
            "scale_of_threshold": format(first / 10**digits, ".12g"),
            "scale_of_each_number": format(each / 10**digits, ".12g"),
            "expected_error_95": {
                many(asked, "question"): shown_steps(self.run.margin(asked), digits) for asked in _QUESTIONS
            },
        }


class DpWatch:
    """Opens a watch: which of many counts or sums pass a threshold.

    Guarantee: all answers of a run together are epsilon-differentially private, and the whole of it is
    charged before any row is read; see ``kernel.noise.sparse``.
    """

    name = "dp_watch"
    action = "query"
    kind = KIND
    does = OPENS

    def plan(self, request: UseRequest, dataset: DatasetView) -> WatchPlan:
        """Plan to open a watch.

        Args:
            request: ``of`` (a COUNT or SUM), ``above``, ``positives`` and ``epsilon``.
            dataset: Columns and declarations.

        Raises:
            Refused: Where the statistic is not one that a bound is known of.
            CallerError: Where something is malformed.
        """
        asked = request.parameters
        of = text_in(asked, "of")
        number = single_number(f'SELECT {of} FROM "{dataset.name}"', dataset)  # noqa: S608 - parsed there
        epsilon = parse_exact(text_in(asked, "epsilon"), "--epsilon")
        above = parse_decimal(text_in(asked, "above"))
        if above is None:
            raise CallerError("run.bad-number", option="--above", what="a number, such as 100 or 2.5")
        positives = whole_in(asked, "positives", _MOST_POSITIVES)
        threshold = in_steps(above, number.digits, "--above")
        run = AboveThreshold(number.sensitivity, epsilon, positives)
        if not max(run.scales) * 50 < 2**62:
            raise Refused("dp.too-noisy")
        return WatchPlan(dataset.name, of, number, threshold, run)

    def run(self, lease: Lease, plan: Plan) -> Release:  # noqa: ARG002 - opening reads nothing
        """Draw the noise of the threshold; no row is read."""
        made = cast("WatchPlan", plan)
        run = open_threshold(made.threshold, made.run.sensitivity, made.run.epsilon, made.run.yeses)
        state = RunState(run.to_json().decode(), body=made.body)
        return Release(payload={"opened": made.body}, mechanism=MECHANISM, run=state)


@dataclass(frozen=True, slots=True)
class QuestionPlan:
    """A question to a watch: it was paid for already.

    Args:
        run: The watch.
        sql: The question.
        number: What is computed.
    """

    run: RunView
    sql: str
    number: Number

    @property
    def cost(self) -> None:
        """Nothing: the run was paid for when it was opened."""
        return

    @property
    def grant(self) -> Grant:
        """What a lease opens."""
        return self.number.grant

    def describe(self) -> dict[str, Json]:
        """Explain the plan as plain values."""
        return {
            "technique": AskWatch.name,
            "run": self.run.name,
            **self.number.describe(),
            "above": self.run.body["above"],
            "charged": "nothing: the run was paid for when it was opened",
            "mechanism": MECHANISM,
        }


class AskWatch:
    """Asks a watch whether a number reaches its threshold.

    Guarantee: at most so many yeses as were paid for, of numbers that one person moves by no more than
    the run was opened for.
    """

    name = "dp_watch"
    action = "query"
    kind = KIND
    does = STEPS

    def plan(self, request: UseRequest, dataset: DatasetView) -> QuestionPlan:
        """Plan a question.

        Args:
            request: ``sql``.
            dataset: Columns, declarations and the run.

        Raises:
            Refused: ``run.too-sensitive``, ``run.other-steps``, ``run.not-single``, and what a query is
                refused for.
            CallerError: ``run.unknown`` or where the query is malformed.
        """
        run, sql = opened_run(dataset), text_in(request.parameters, "sql")
        number = single_number(sql, dataset)
        check_paid(number, run)
        return QuestionPlan(run, sql, number)

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Compute the number and tell on which side of the noisy threshold it lies."""
        asked, carried = cast("QuestionPlan", plan), lease.carried()
        before = AboveThreshold.from_json(carried.secret.encode())
        after, is_above = before.step(asked.number.of(lease.aggregate(asked.number.aggregation)))
        left = after.yeses - after.told
        told: dict[str, Json] = {"sql": asked.sql, "above": is_above}
        state = RunState(after.to_json().decode(), (*carried.shown, told)[-_SHOWN:], is_over=after.is_over)
        payload: Mapping[str, Json] = {
            **told,
            "run": asked.run.name,
            "threshold": asked.run.body["above"],
            "positives_left": left,
            "half_width_95": shown_steps(after.margin(1), cast("int", asked.run.body["digits"])),
        }
        return Release(payload=payload, mechanism=MECHANISM, run=state)
