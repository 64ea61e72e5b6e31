"""Random expressions, and plans that add them up, ask for them in conditions and group by them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st
from tests.unit.transpile.drawn import SORTS, conditions, plans

from hedgerow.model.expressions import (
    MOST,
    Cases,
    Extreme,
    Filled,
    Floor,
    Plus,
    Steps,
    Times,
    Whole,
    is_safe,
    reach,
)
from hedgerow.model.plans import (
    AnyOf,
    BinCounts,
    Clamp,
    Column,
    Compare,
    Computed,
    CountRows,
    ExactAggregation,
    IsIn,
    IsNull,
    KeyDomain,
    Literal,
    Not,
    SumSquares,
    SumValues,
)

_MET = conditions()
NUMBERS = [name for name, sort in SORTS.items() if sort.column.is_number]
WIDE = [name for name in NUMBERS if name in ("n", "select", "is it")]
CONSTANTS = st.sampled_from([-3, -1, 0, 1, 2, 7, 100_000, 2**31, -(2**40)])
BOUNDS = st.sampled_from([*map(Fraction, (-300, -3, -1, 0, 2, 40)), Fraction(7, 3), Fraction(-1, 8)])


@st.composite
def leaves(draw: st.DrawFn) -> Any:
    """Draw a clamped column, seldom one of very wide bounds."""
    if draw(st.integers(0, 5)) == 0:
        return Steps(SumValues(draw(st.sampled_from(WIDE)), Clamp(Fraction(-MOST), Fraction(MOST)), 0))
    lower, upper = sorted([draw(BOUNDS), draw(BOUNDS)])
    return Steps(
        SumValues(draw(st.sampled_from(NUMBERS)), Clamp(lower, upper), draw(st.sampled_from([0, 1, 3])))
    )


def expressions(first: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    """Draw expressions that cannot pass 64 bits."""
    leaf = leaves() if first is None else leaves() | first

    def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
        branches = st.lists(st.tuples(_MET, inner), max_size=2).map(tuple)
        return st.one_of(
            st.builds(Plus, inner, inner),
            st.builds(Times, inner, inner),
            st.builds(Floor, inner, st.sampled_from([1, 2, 3, 10, 10**9, MOST])),
            st.builds(Extreme, parts, st.booleans()),
            st.builds(Filled, inner, CONSTANTS),
            st.builds(Cases, branches, inner),
        )

    whole = st.builds(Whole, CONSTANTS | st.none())
    return st.recursive(leaf | leaf | whole, grown, max_leaves=5).filter(is_safe)


# Made once: making them takes longer than drawing from them.
_MADE = st.builds(
    SumValues, st.just("made one"), st.just(Clamp(Fraction(-2), Fraction(20))), st.integers(0, 2)
)
_EXPRESSIONS, _READING, _PLANS = expressions(), expressions(st.builds(Steps, _MADE)), plans()


@st.composite
def worked(draw: st.DrawFn) -> ExactAggregation:
    """Draw plans with computed columns, the second of which may read the first, and computed keys."""
    plan = draw(_PLANS)
    made = [Computed("made one", draw(_EXPRESSIONS), draw(st.sampled_from([0, 2, 9])))]
    made.append(Computed("made two", draw(_READING), draw(st.sampled_from([0, 1]))))
    keys = plan.keys[:1]
    if draw(st.booleans()):
        values = tuple(range(draw(st.integers(1, 4))))
        keys = (*keys, KeyDomain("grown", tuple(f"key {at}" for at in values), draw(_READING)))
    name = draw(st.sampled_from(["made one", "made two"]))
    literal = Literal(draw(st.sampled_from([0, 1, -3, Fraction(1, 3), Fraction(5, 2), 10**20])))
    own = draw(
        st.sampled_from(
            [
                Compare(">=", Column(name), literal),
                Compare("!=", Column(name), literal),
                Not(IsNull(Column(name))),
                IsIn(Column(name), (Literal(0), Literal(1), literal)),
            ]
        )
    )
    where = draw(st.sampled_from([None, None, own]))
    if where is not None and plan.where is not None:
        where = AnyOf((where, plan.where))
    value = SumValues(name, Clamp(*sorted([draw(BOUNDS), draw(BOUNDS)])), draw(st.integers(0, 3)))
    low, high = value.step_bounds
    return replace(
        plan,
        keys=keys,
        where=where,
        computed=tuple(made),
        aggregates=(
            *plan.aggregates,
            CountRows("made one"),
            CountRows("made two"),
            value,
            SumSquares(value, (low + high) // 2, 3),
        ),
        histograms=(BinCounts(value, max(1, (high - low) // 5)),),
    )


def whole_of(expression: Any) -> SumValues:
    """The sum of a computed column within all it can reach."""
    low, high = reach(expression) or (0, 0)
    return SumValues("made", Clamp(Fraction(low), Fraction(high)), 0)
