"""Proves the plan of a synthesis: an exact cost by declarations alone, or a refusal with what to type."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.synthetic.household import COLUMNS, DECLARED, KINDS

from hedgerow.kernel.accounting import zcdp_epsilon
from hedgerow.model.budget import ZcdpEvent
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.words import ColumnType
from hedgerow.synthetic import declare
from hedgerow.techniques.synthetic.columns import column_of
from hedgerow.techniques.synthetic.plan import plan_synthesis, wish_of


def plan(columns=COLUMNS, declaration=DECLARED, epsilon="1", delta="1e-6", rows=100, **more):
    return plan_synthesis(wish_of(columns, rows, epsilon, delta, **more), declaration, KINDS, "visits")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.decimals("0.001", 20, places=3), st.sampled_from([None, "0.1", "2"]))
def test_the_parts_add_up_to_a_cost_within_the_epsilons(width, epsilon, check):
    made = plan(COLUMNS[:width], epsilon=epsilon, check_epsilon=check)
    parts = width * made.loss_alone
    if made.rounds:
        parts += made.rounds * (made.loss_choice + made.loss_together)
    assert parts == made.loss
    assert made.cost == ZcdpEvent(made.loss + made.check_loss)
    assert zcdp_epsilon(made.loss, Fraction("1e-6")) <= epsilon
    assert zcdp_epsilon(made.cost.rho, Fraction("1e-6")) <= Fraction(epsilon) + Fraction(check or 0)


def test_what_is_missing_is_the_line_to_type():
    with pytest.raises(Refused) as refused:
        plan(declaration=DatasetDeclaration())
    assert refused.value.code == "dp.undeclared"
    assert "role owner" in refused.value.next_step
    assert (
        "`hedgerow dataset declare visits --unit person --max-rows N --keys ward=VALUE,... "
        "--bounds age=LOWER:UPPER --bounds pay=LOWER:UPPER --bounds floor=LOWER:UPPER`"
    ) in refused.value.next_step


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"columns": ("ward", "none")}, "dp.unknown-column"),
        ({"columns": ("ward", "ward")}, "synth.bad-column"),
        ({"columns": ()}, "synth.no-columns"),
        ({"columns": "ward"}, "synth.no-columns"),
        ({"columns": tuple(map(str, range(25)))}, "synth.too-many-columns"),
        ({"columns": ("seen",)}, "dp.undeclared"),
        ({"rows": 0}, "synth.bad-number"),
        ({"rows": 1_000_001}, "synth.bad-number"),
        ({"rows": True}, "synth.bad-number"),
        ({"rows": 2.5}, "synth.bad-number"),
        ({"bins": 1}, "synth.bad-number"),
        ({"epsilon": "0"}, "budget.not-a-number"),
        ({"epsilon": "-1"}, "budget.not-a-number"),
        ({"epsilon": "NaN"}, "budget.not-a-number"),
        ({"epsilon": "1e9"}, "budget.not-a-number"),
        ({"epsilon": None}, "budget.not-a-number"),
        ({"check_epsilon": "inf"}, "budget.not-a-number"),
        ({"delta": "-1e-9"}, "budget.bad-delta"),
        ({"delta": "1"}, "budget.bad-delta"),
        ({"epsilon": "1e-9"}, "synth.too-little"),
        ({"declaration": replace(DECLARED, max_rows=-1)}, "dp.bad-declaration"),
        ({"declaration": replace(DECLARED, max_rows=10**7)}, "dp.bad-declaration"),
        ({"declaration": replace(DECLARED, unit="row")}, "dp.bad-declaration"),
    ],
)
def test_what_cannot_be_is_refused(changed, code):
    with pytest.raises((CallerError, Refused)) as error:
        plan(**changed)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"keys": {"x": [1, 1]}}, ColumnType.INTEGER),
        ({"keys": {"x": ["1"]}}, ColumnType.INTEGER),
        ({"keys": {"x": range(2000)}}, ColumnType.INTEGER),
        ({"bounds": {"x": (5, 5)}}, ColumnType.INTEGER),
        ({"bounds": {"x": ("0.2", "0.9")}}, ColumnType.INTEGER),
        ({"bounds": {"x": (0, 10**17)}}, ColumnType.INTEGER),
        ({"keys": {"x": ["2020-01-01"]}}, ColumnType.DATE),
    ],
)
def test_a_column_that_cannot_be_made_is_named(more, kind):
    declared = declare(max_rows=1, **more).column("x")
    with pytest.raises(CallerError, match="column x"):
        column_of(declared, kind, 16)


@settings(max_examples=40, deadline=None)
@given(st.integers(-500, 500), st.integers(1, 1000), st.integers(2, 256))
def test_bins_cut_the_bounds_whole_and_evenly(lower, width, bins):
    declared = declare(max_rows=1, bounds={"x": (lower, lower + width)}).column("x")
    grid = column_of(declared, ColumnType.INTEGER, bins).grid
    starts = grid.starts()
    widths = [b - a for a, b in pairwise(starts)]
    assert (starts[0], starts[-1]) == (lower, lower + width + 1)
    assert max(widths) - min(widths) <= 1
    assert len(widths) == min(bins, width + 1)


def test_the_plan_says_what_it_will_do_before_anything_is_spent():
    told = plan(check_epsilon="0.5").describe()
    assert told["rows"] == 100
    assert told["columns"][1] == "age: 16 bins of 0 to 99, or no value"
    assert told["columns"][2] == "pay: 16 bins of -10.50 to 99.75, or no value"
    assert told["columns"][3] == "smoker: 2 declared keys, or no value"
    assert told["measurements"][1].startswith("5 pairs and triples, chosen in private, each count ± ")
    assert told["cost"][-1].startswith("together epsilon 1.")
    assert told["label"] == "synthetic, differentially private at epsilon 1, delta 1e-6; unit person"
    assert "anonymous" not in str(told)
