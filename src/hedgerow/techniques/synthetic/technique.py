"""The synthetic table as the gate knows it: plain parameters, an exact cost, noisy counts kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from hedgerow.model.engine import PERSON
from hedgerow.model.errors import CallerError
from hedgerow.model.uses import ArrowTable, DatasetView, Json, Lease, Plan, Release, UseRequest
from hedgerow.model.words import ColumnType
from hedgerow.techniques.synthetic.coding import bounded_rows, coded
from hedgerow.techniques.synthetic.fidelity import fidelity_of
from hedgerow.techniques.synthetic.making import Progress, make, quiet
from hedgerow.techniques.synthetic.payload import NUMBER, packed, packed_pair
from hedgerow.techniques.synthetic.plan import (
    DELTA,
    SyntheticPlan,
    Wish,
    plan_synthesis,
    require_declared,
    wish_of,
)
from hedgerow.techniques.synthetic.relational import PairPlan, make_pair, pair_codes, plan_pair

_MECHANISM = "noisy marginals (discrete {noise}) and rows drawn from them"


def _mechanism(plan: SyntheticPlan | PairPlan) -> str:
    noise = "Laplace, pure epsilon" if plan.spending.is_pure else "Gaussian, zCDP"
    return f"{_MECHANISM.format(noise=noise)}; {plan.label}"


class GovernedSynthesis:
    """Makes synthetic tables of the people whose basis covers the purpose.

    Args:
        progress: Told each step, in words that say nothing of the data.
        delta: The chance that an epsilon goes with where the request names none; ``"0"`` makes it a pure
            epsilon, as budgets without a delta need.
    """

    name = "synthetic"
    action = "synthesise"

    def __init__(self, progress: Progress = quiet, delta: str = DELTA) -> None:
        self._progress = progress
        self._delta = delta

    def plan(self, request: UseRequest, dataset: DatasetView) -> SyntheticPlan | PairPlan:
        """Plan the synthesis in ``request.parameters``.

        Args:
            request: ``columns`` (names), ``rows`` and ``bins`` (whole numbers), ``epsilon``, ``delta`` and
                ``check_epsilon`` (exact text, the last two may be none), and ``child_columns`` (names) for a
                pair of tables: persons with ``columns``, and their rows.
            dataset: Columns and declarations; no value.

        Returns:
            The plan.

        Raises:
            Refused: ``dp.undeclared`` when keys, bounds or the row bound miss; ``synth.too-little``.
            CallerError: When the request is malformed, or names a data set that is not there.
        """
        given = request.parameters
        wish = wish_of(
            cast("Sequence[str]", given.get("columns") or ()),
            given.get("rows"),
            given.get("epsilon"),
            given.get("delta") or self._delta,
            check_epsilon=given.get("check_epsilon"),
            bins=given.get("bins"),
        )
        below = tuple(cast("Sequence[str]", given.get("child_columns") or ()))
        for name in request.others:
            if name not in dataset.others:
                raise CallerError("dataset.not-for-you", dataset=name)
        if len(dataset.others) > 1 or (dataset.others and not below):
            raise CallerError("synth.bad-pair")
        if not below:
            return plan_synthesis(wish, dataset.declaration, _kinds(dataset, wish.columns), dataset.name)
        return _pair(wish, below, dataset)

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Make the table, or the pair, from the leased rows.

        Args:
            lease: Opens the columns, and whose row each is.
            plan: A plan this technique made.

        Returns:
            The synthetic table with its measurements; read it back with ``unpacked``. It is of no person,
            so it is kept when one is erased.
        """
        self._progress("reading the columns")
        table = lease.rows()
        if isinstance(plan, PairPlan):
            beside = lease.rows(plan.beside) if plan.beside else table
            return self._run_pair(table, beside, plan)
        asked = cast("SyntheticPlan", plan)
        kept = bounded_rows(table.column(PERSON), asked.max_rows)
        made = make(coded(table, asked.columns)[kept], asked, self._progress)
        return Release(
            payload=packed(made, asked.columns, asked.label),
            mechanism=_mechanism(asked),
            summary=fidelity_of(made, asked),
        )

    def _run_pair(self, upper: ArrowTable, lower: ArrowTable, plan: PairPlan) -> Release:
        made = make_pair(*pair_codes(upper, lower, PERSON, plan), plan, self._progress)
        given: dict[str, Json] = {
            column.name: list(each) for column, each in zip(plan.children, made.given, strict=True)
        }
        summary = fidelity_of(made.persons, plan.parents)
        return Release(
            payload=packed_pair(made, plan),
            mechanism=_mechanism(plan),
            summary={**summary, "label": plan.label, "child_rows": len(made.owners), "given": given},
        )


def _kinds(dataset: DatasetView, names: Sequence[str]) -> dict[str, ColumnType]:
    """Tell the types of the columns that may be read.

    Raises:
        CallerError: ``column.in-vault`` when one of those named is not.
    """
    for name in names:
        column = dataset.column(name)
        if column is not None and column.in_vault:
            raise CallerError("column.in-vault", column=name, dataset=dataset.name)
    return {
        each.name: ColumnType(each.type)
        for each in dataset.columns
        if not each.in_vault and each.name != dataset.subject_column
    }


def _pair(wish: Wish, below: tuple[str, ...], dataset: DatasetView) -> PairPlan:
    """Plan a pair of tables: of one data set that is split, or of persons and of their rows in another."""
    lower = next(iter(dataset.others.values()), dataset)
    twice = lower is dataset and any(name in wish.columns for name in below)
    if wish.check is not None or twice or NUMBER in (*wish.columns, *below):
        raise CallerError("synth.bad-pair")
    children = replace(wish, columns=wish_of(below, wish.rows, wish.epsilon).columns)
    kinds, theirs = _kinds(dataset, wish.columns), _kinds(lower, below)
    if lower is dataset:
        # All that misses is told at once.
        named = {name: kinds[name] for name in (*wish.columns, *below) if name in kinds}
        require_declared(dataset.declaration, named, dataset.name)
    else:
        _require_same_people(dataset, lower)
    plan = plan_pair(
        (wish, dataset.declaration, kinds), (children, lower.declaration, theirs), dataset.name, lower.name
    )
    if lower is dataset:
        return plan
    # Both have a budget: whoever is taken out of the lower alone stays above with another number of rows, so
    # that one row of the persons goes and one comes.
    return replace(plan, beside=lower.name, parents=replace(plan.parents, max_rows=2))


def _require_same_people(one: DatasetView, other: DatasetView) -> None:
    """Refuse to take a text and a number for the same person because they are written alike."""
    named = [each.column(each.subject_column) for each in (one, other)]
    kinds = [None if column is None else column.type for column in named]
    if kinds[0] is None or kinds[0] != kinds[1]:
        raise CallerError("synth.other-people", column=one.subject_column)
