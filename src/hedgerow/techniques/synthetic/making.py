"""Making a synthetic table: measure, choose, fit, draw; only noisy counts are read after the noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations

import numpy as np

from hedgerow.kernel.marginals import (
    Fitted,
    Measurement,
    candidates,
    count_cells,
    draw_rows,
    error_scores,
    fit,
)
from hedgerow.kernel.marginals.counting import Attributes, Codes, Integers
from hedgerow.model.words import many
from hedgerow.techniques.synthetic.coding import drawn_numbers
from hedgerow.techniques.synthetic.plan import SyntheticPlan

Progress = Callable[[str], None]
_STEPS, _LAST_STEPS = 100, 300
# A cell of no value whose noisy count is within so many deviations of nothing is left empty.
_SEEN = 3


def quiet(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Made:
    """A synthetic table with what it was made of.

    Args:
        numbers: For each column a number for each row (see ``drawn_numbers``).
        measurements: The noisy marginals, in the order they were taken.
        rows: How many rows the measurements speak of, estimated from them.
        compared: For each pair of columns how far it is off, noisy; empty without a comparison.
    """

    numbers: tuple[Integers, ...] = field(repr=False)
    measurements: tuple[Measurement, ...] = field(repr=False)
    rows: float
    compared: tuple[tuple[Attributes, int], ...] = ()


class Counter:
    """Counts marginals of bounded rows, each set once."""

    def __init__(self, codes: Codes, sizes: Sequence[int]) -> None:
        self._codes = codes
        self._sizes = sizes
        self._known: dict[Attributes, Integers] = {}

    def __repr__(self) -> str:
        """Tell nothing of the rows."""
        return "Counter()"

    def exact(self, attributes: Attributes) -> Integers:
        """Count the cells of some attributes, exactly."""
        if attributes not in self._known:
            self._known[attributes] = count_cells(self._codes, self._sizes, attributes)
        return self._known[attributes]


def make(codes: Codes, plan: SyntheticPlan, progress: Progress = quiet) -> Made:
    """Make a synthetic table from the codes of real rows.

    Args:
        codes: At most ``plan.max_rows`` rows of each person, shape ``(n, columns)``.
        plan: What is measured and what it costs.
        progress: Told each step; never anything of the data.

    Returns:
        The table's numbers and the noisy measurements.

    Guarantee: the measurements cost ``plan.cost`` for adding or removing all rows of one person: a rho of
        zCDP, or without a delta a pure epsilon. All else follows from them.
    Source: McKenna, Mullins, Sheldon, Miklau 2022, "AIM", with rounds of fixed cost.
    """
    counter = Counter(codes, plan.sizes)
    measured, model = fitted(counter, plan, progress)
    progress(f"drawing {plan.wish.rows:,} rows")
    drawn = draw_rows(model.beliefs, len(plan.columns), plan.wish.rows)
    numbers = tuple(drawn_numbers(drawn, plan.columns))
    compared = _compared(counter, drawn, model, plan) if plan.check_loss else ()
    return Made(numbers, tuple(measured), model.rows, compared)


def fitted(
    counter: Counter, plan: SyntheticPlan, progress: Progress = quiet
) -> tuple[list[Measurement], Fitted]:
    """Measure each column, then the pairs and triples chosen one after the other; fit after each.

    Args:
        counter: Exact counts; each is read only to be scored or measured with noise.
        plan: What is measured and what it costs.
        progress: Told each step.

    Returns:
        The noisy measurements and the model fitted to them.
    """
    progress(f"measuring {many(len(plan.columns), 'column')}")
    measured = [
        _noisy(counter.exact((place,)), (place,), plan, plan.loss_alone) for place in range(len(plan.columns))
    ]
    impossible = [
        (place, column.nothing)
        for place, column in enumerate(plan.columns)
        if measured[place].counts[column.nothing] < _SEEN * plan.scale_alone
    ]
    model = fit(plan.sizes, measured, impossible=impossible, steps=_STEPS)
    for at in range(plan.rounds):
        progress(f"choosing and measuring {at + 1} of {plan.rounds}")
        chosen = _chosen(counter, model, measured, plan)
        if chosen is None:
            break
        measured.append(_noisy(counter.exact(chosen), chosen, plan, plan.loss_together))
        model = fit(plan.sizes, measured, impossible=impossible, before=model, steps=_STEPS)
    progress("fitting")
    return measured, fit(plan.sizes, measured, impossible=impossible, before=model, steps=_LAST_STEPS)


def _noisy(counts: Integers, attributes: Attributes, plan: SyntheticPlan, loss: Fraction) -> Measurement:
    drawn = plan.spending.noisy(counts.ravel().tolist(), plan.max_rows, loss)
    scale = plan.spending.deviation(plan.max_rows, loss)
    return Measurement(attributes, np.array(drawn, dtype=np.float64).reshape(counts.shape), scale)


def _chosen(
    counter: Counter, model: Fitted, measured: Sequence[Measurement], plan: SyntheticPlan
) -> Attributes | None:
    """Choose in private what to measure next; none when nothing may be."""
    together = [each.attributes for each in measured if len(each.attributes) > 1]
    open_ = candidates(plan.sizes, together)
    if not open_:
        return None
    # A triple tells of three pairs.
    weights = {each: len(each) * (len(each) - 1) // 2 for each in open_}
    scores = error_scores(
        {each: counter.exact(each) for each in open_},
        {each: model.expected(each) for each in open_},
        plan.sizes,
        weights,
        plan.scale_together,
        plan.spending.mean,
    )
    most = max(weights.values())
    return open_[plan.spending.chosen(scores, plan.max_rows * most, plan.loss_choice)]


def _compared(
    counter: Counter, drawn: Codes, model: Fitted, plan: SyntheticPlan
) -> tuple[tuple[Attributes, int], ...]:
    """Tell for each pair of columns the sum of absolute differences, with noise.

    The synthetic counts are scaled by the estimated rows and rounded, so that each is a public whole number:
    each row that comes or goes moves each sum by at most 1.
    """
    pairs = list(combinations(range(len(plan.columns)), 2))
    share = model.rows / plan.wish.rows
    sums = []
    for pair in pairs:
        made = np.rint(count_cells(drawn, plan.sizes, pair) * share).astype(np.int64)
        sums.append(int(np.abs(counter.exact(pair) - made).sum()))
    told = plan.spending.noisy(sums, plan.check_reach, plan.check_loss)
    return tuple(zip(pairs, told, strict=True))
