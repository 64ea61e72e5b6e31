"""A time is compared exactly whatever the unit of its column, as the engine compares it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from hedgerow.adapters.engines import DuckEngine
from hedgerow.adapters.files import MemoryShelf
from hedgerow.kernel.aggregation import aggregate
from hedgerow.model.engine import PeopleFilter
from hedgerow.model.plans import Column, Compare, CountRows, ExactAggregation, IsIn, Literal

FAR, NEAR = "3000-01-01 00:00:00", "1970-01-01 00:00:00.500000"
ASKED = [
    *[
        Compare(op, Column("at"), Literal(text))
        for op in ("<", "<=", "=", "!=", ">", ">=")
        for text in (FAR, NEAR)
    ],
    IsIn(Column("at"), (Literal(FAR), Literal("0001-01-01 00:00:00"))),
]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("asked", ASKED)
def test_the_reference_and_the_engine_agree(unit, zone, asked):
    table = pa.table({"at": pa.array([0, 1, 5, -7, 2**52, None], pa.timestamp(unit, zone))})
    spec = ExactAggregation((), (CountRows(),), asked, 1)
    people, ranks = np.arange(6), np.zeros(6, dtype=np.int32)
    engine = DuckEngine(MemoryShelf())
    files = engine.write(table, people, ranks, 1, lambda: bytes(32), b"x")
    told = engine.scan(files, ["at"], PeopleFilter.of(people.tolist())).aggregate(spec)
    assert [tuple(row) for row in aggregate(table, ranks.astype(np.int64), spec)] == told


def test_a_row_of_1970_is_not_after_the_year_3000():
    table = pa.table({"at": pa.array([5], pa.timestamp("ns"))})
    spec = ExactAggregation((), (CountRows(),), Compare(">", Column("at"), Literal(FAR)), 1)
    assert [list(row) for row in aggregate(table, np.zeros(1, dtype=np.int64), spec)] == [[0]]
