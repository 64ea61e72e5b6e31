"""Each kind of expression is the same in DuckDB, column by column and in plain Python, on hard rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.engine import reference

from hedgerow.adapters.engines.compiling import GROUP, compile_program
from hedgerow.adapters.engines.duck import DuckPool
from hedgerow.adapters.engines.lowering import lower_column, lowering_of
from hedgerow.kernel.aggregation import aggregate
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.expressions import MOST, Cases, Extreme, Filled, Floor, Plus, Steps, Times, Whole, reach
from hedgerow.model.plans import (
    AllOf,
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
    SumValues,
)

SCHEMA = pa.schema(
    [
        ("n", pa.int64()),
        ("u", pa.uint64()),
        ("x", pa.float64()),
        ("d", pa.decimal128(9, 2)),
        ("w", pa.string()),
    ]
)
ROWS = [
    (None, None, None, None, None),
    (-7, 0, -7.5, None, "a"),
    (7, 3, 2.5, 12, "b"),
    (0, 2**64 - 1, float("nan"), -3, "a"),
    (2**63 - 1, 1, float("inf"), 0, ""),
    (-(2**63), None, -1e308, 9_999_999, None),
    (5, 7, 0.005, 1, "a"),
    (-5, 8, -0.005, -1, "b"),
    (None, 9, 5e-324, 5, "c"),
    (1, None, None, 7, "a"),
]
POOL = DuckPool(1, 1 << 28)
N = Steps(SumValues("n", Clamp(-9, 9), 0))
U = Steps(SumValues("u", Clamp(0, 8), 0))
X = Steps(SumValues("x", Clamp(-8, 3), 2))
D = Steps(SumValues("d", Clamp(-2, 90), 1))
BIG = Steps(SumValues("n", Clamp(-(2**53), 2**53), 0))
IS_A = Compare("=", Column("w"), Literal("a"))
EXPRESSIONS = [
    N,
    X,
    D,
    Whole(3),
    Whole(None),
    Plus(N, X),
    Plus(N, Whole(-4)),
    Times(N, U),
    Times(X, Whole(-1)),
    Times(BIG, Whole(-100)),
    Floor(N, 1),
    Floor(N, 2),
    Floor(X, 7),
    Floor(BIG, 10**17),
    Floor(Times(BIG, Whole(100)), 3),
    Floor(Plus(N, Whole(MOST - 9)), MOST),
    Extreme((N, U), is_greatest=True),
    Extreme((N, U, X), is_greatest=False),
    Extreme((N, Whole(2)), is_greatest=True),
    Extreme((X, Whole(None)), is_greatest=False),
    Filled(N, 6),
    Filled(Plus(N, U), -1),
    Filled(Whole(None), 4),
    Cases((), N),
    Cases(((IS_A, N),), Whole(None)),
    Cases(((IS_A, N), (IsNull(Column("x")), U)), X),
    Cases(((AllOf((IS_A, IsNull(Column("d")))), Times(N, N)),), Whole(1)),
    Extreme((Extreme((Extreme((N, X), is_greatest=True), U), is_greatest=False), D), is_greatest=True),
]


def in_duckdb(table, plan):
    """Run the compiled statements on one table."""
    lowered = {
        name: (lower_column(table[name]), lowering_of(table[name].type)) for name in sorted(plan.columns)
    }
    columns = {name: (at, lowered[name][1]) for at, name in enumerate(lowered)}
    program = compile_program(plan, columns)
    rows = pa.table(
        {GROUP: pa.array(np.zeros(len(table), dtype=np.int8))}
        | {f"c{columns[name][0]}": lowered[name][0] for name in lowered}
    )
    found = POOL.rows(rows, program.rows.sql, program.rows.parameters)
    counts = {group: tuple(int(value or 0) for value in values) for group, *values in found}
    groups = len(reference.aggregate([], plan))
    return [counts.get(group, (0,) * len(plan.aggregates)) for group in range(groups)]


def table():
    columns = zip(*ROWS, strict=True)
    return pa.table(
        [pa.array(column, kind) for column, kind in zip(columns, SCHEMA.types, strict=True)], SCHEMA
    )


def three_ways(plan):
    """Compute a plan by the engine, the reference and plain Python; all three must agree."""
    held = table()
    plain = [one | {"_rank": 0} for one in held.to_pylist()]
    expected = reference.aggregate(plain, plan)
    assert [*map(tuple, aggregate(held, np.zeros(len(held), np.int64), plan))] == expected
    assert in_duckdb(held, plan) == expected
    return expected


@pytest.mark.parametrize("digits", [0, 2])
@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda one: type(one).__name__)
def test_each_kind_is_the_same_everywhere(expression, digits):
    made = (Computed("made", expression, digits),)
    summed = SumValues("made", Clamp(-(10**6), 10**6), 1)
    aggregates = (summed, CountRows("made"), CountRows())
    three_ways(ExactAggregation((), aggregates, None, 1, computed=made))
    for test in (
        Compare("<=", Column("made"), Literal(2)),
        Compare(">", Column("made"), Literal(-3)),
        IsIn(Column("made"), (Literal(0), Literal(6))),
        IsNull(Column("made")),
    ):
        three_ways(ExactAggregation((), aggregates, test, 1, computed=made))


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda one: type(one).__name__)
def test_no_row_passes_the_reach(expression):
    found = [reference.worth(row, expression) for row in table().to_pylist()]
    low, high = reach(expression) or (0, -1)
    assert all(low <= value <= high for value in found if value is not None)


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda one: type(one).__name__)
def test_a_key_is_a_place_or_no_group(expression):
    """Places that are missing, below zero or past the last key are in no group, wherever the key stands."""
    made = KeyDomain("made", (0, 1, 2), Plus(expression, Whole(1)))
    fixed = KeyDomain("other", ("x", "y"), Cases(((IS_A, Whole(0)),), Whole(1)))
    for keys in ((made,), (made, fixed), (fixed, made)):
        three_ways(ExactAggregation(keys, (CountRows(), SumValues("n", Clamp(0, 9), 0)), None, 1))


def test_a_computed_column_may_be_read_by_another_and_by_its_conditions():
    first = Computed("first", Plus(N, U), 1)
    test = Compare(">", Column("first"), Literal(0))
    second = Computed("second", Cases(((test, Steps(SumValues("first", Clamp(-5, 5), 1))),), Whole(None)), 1)
    sums = tuple(SumValues(name, Clamp(-20, 20), 1) for name in ("first", "second"))
    assert three_ways(ExactAggregation((), sums, test, 1, computed=(first, second))) != [(0, 0)]


def test_what_could_overflow_or_hide_a_column_is_refused_by_engines_too():
    held, whole = table(), np.zeros(len(ROWS), np.int64)
    for wild in (Times(BIG, BIG), Plus(Whole(MOST), Whole(1)), Floor(N, 0), Whole(2**63)):
        plan = ExactAggregation((), (CountRows("made"),), None, 1, computed=(Computed("made", wild),))
        with pytest.raises(CallerError, match="made"):
            in_duckdb(held, plan)
        with pytest.raises(Fault):
            aggregate(held, whole, plan)
    twice = (Computed("m", Plus(N, X)), Computed("m", N))
    with pytest.raises(CallerError) as caught:
        in_duckdb(held, ExactAggregation((), (CountRows("m"),), None, 1, computed=twice))
    assert caught.value.code == "engine.column-twice"


def test_each_value_is_written_once():
    """Seven levels that use the level below three times would be two thousand copies of the column."""
    deep = N
    for _ in range(7):
        deep = Extreme((deep, Plus(deep, Whole(-1)), deep), is_greatest=True)
    plan = ExactAggregation((), (CountRows("m"),), None, 1, computed=(Computed("m", deep),))
    program = compile_program(plan, {"n": (0, lowering_of(pa.int64()))})
    assert program.rows.sql.count("c0") <= 10
    three_ways(plan)
