"""The column-wise reference aggregation equals one in plain Python, row by row, on every plan."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.world import WARDS, plan
from tests.unit.engine.reference import aggregate as row_by_row

from hedgerow.kernel.aggregation import aggregate, draw_ranks
from hedgerow.model.errors import Fault

SCHEMA = pa.schema(
    [
        ("ward", pa.dictionary(pa.int8(), pa.string())),
        ("age", pa.int64()),
        ("pay", pa.float64()),
        ("smoker", pa.bool_()),
        ("seen", pa.date32()),
        ("at", pa.timestamp("ms")),
        ("Mixed Case", pa.uint64()),
    ]
)
DAY = dt.date(2025, 1, 31)
NOON = dt.datetime(2025, 1, 31, 12)  # noqa: DTZ001 - the column has no zone
row = st.tuples(
    st.sampled_from([*WARDS, None, "other"]),
    st.one_of(st.none(), st.integers(15, 22), st.sampled_from([2**63 - 1, -(2**63), 121])),
    st.one_of(st.none(), st.floats(), st.floats(-12, 101), st.sampled_from([7.25, 99.755, 0.005])),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, DAY, DAY + dt.timedelta(days=1)]),
    st.sampled_from([None, NOON, NOON + dt.timedelta(milliseconds=1)]),
    st.sampled_from([None, 0, 2, 5, 2**64 - 1]),
)
CONDITIONS = [
    "age > 18",
    "pay <= 7.25",
    "pay <> 7.25",
    "NOT smoker",
    "seen > DATE '2025-01-31'",
    "at = TIMESTAMP '2025-01-31 12:00:00'",
    "age IN (18, 20)",
    "ward NOT IN ('A', 'Ж')",
    "ward = '日本'",
    "pay IS NULL",
    "age IS NOT NULL",
    '"Mixed Case" >= 2',
]
condition = st.recursive(
    st.sampled_from(CONDITIONS),
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    ),
    max_leaves=5,
)
SELECT = (
    'SELECT COUNT(*), COUNT(ward), COUNT(seen), SUM(age), AVG(pay), SUM("Mixed Case"), '
    'VARIANCE(age), STDDEV("Mixed Case"), VAR_POP(pay), MEDIAN(age), MAX(pay), QUANTILE("Mixed Case", 0.25)'
)


@settings(max_examples=50, deadline=None)
@given(st.lists(row, max_size=30), condition, st.sampled_from(["", "ward", "smoker, age", "age, ward"]))
def test_column_wise_equals_row_by_row(rows, where, keys):
    shown = SELECT.replace("SELECT ", f"SELECT {keys}, ") if keys else SELECT
    compare(rows, f"{shown} WHERE {where} {'GROUP BY ' + keys if keys else ''}")


NOTHING = (None,) * len(SCHEMA)
FIXED = [
    NOTHING,
    ("A", 18, 7.25, True, DAY, NOON, 2),
    ("日本", 19, float("nan"), False, DAY + dt.timedelta(days=1), NOON, 2**64 - 1),
    ("other", 2**63 - 1, float("inf"), None, None, None, 0),
    (None, -(2**63), -10.505, True, None, NOON + dt.timedelta(milliseconds=1), None),
]


@pytest.mark.parametrize("negation", ["", "NOT "])
@pytest.mark.parametrize("one", CONDITIONS)
def test_each_condition_agrees_where_values_are_missing(one, negation):
    compare(FIXED, f"{SELECT} WHERE {negation}({one})")


def compare(rows, sql):
    """Compute both ways on the same ranks."""
    spec = plan(sql).aggregation
    columns = list(zip(*rows, strict=True)) or [()] * len(SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    table = pa.table(arrays, schema=SCHEMA)
    ranks = draw_ranks(pa.array([number % 7 for number in range(len(rows))], pa.int64()))
    plain = [one | {"_rank": int(rank)} for one, rank in zip(table.to_pylist(), ranks, strict=True)]
    assert [tuple(group) for group in aggregate(table, ranks, spec)] == row_by_row(plain, spec)


def test_a_sum_that_could_pass_64_bits_is_a_fault(monkeypatch):
    monkeypatch.setattr("hedgerow.kernel.aggregation.reference._SUM_MOST", 100)
    table = pa.table({"age": [100, 100]})
    with pytest.raises(Fault) as caught:
        aggregate(table, np.zeros(2, dtype=np.int64), plan("SELECT SUM(age)").aggregation)
    assert caught.value.code == "dp.sum-overflow"
