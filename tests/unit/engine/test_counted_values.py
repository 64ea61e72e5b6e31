"""Proves histograms, sums of squares and counts of people against plain Python, for every number column.

Every value of a type stands with several people and groups, in two versions of unlike bucket counts, whose
files are worked on one by one, so that the same person is met in more than one piece.
"""

from __future__ import annotations

import secrets
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.engine import reference
from tests.unit.engine.sorts import SORTS, Sort

from hedgerow.adapters.engines import DuckEngine, ranks_for
from hedgerow.adapters.files import MemoryShelf
from hedgerow.model.engine import BucketFile, PeopleFilter
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import (
    BinCounts,
    Clamp,
    Column,
    Compare,
    CountPeople,
    CountRows,
    ExactAggregation,
    KeyDomain,
    Literal,
    Predicate,
    SumSquares,
    SumValues,
)

NUMBERS = [sort for sort in SORTS if sort.is_number]
PEOPLE = 7


def _rows(sort: Sort) -> list[dict[str, Any]]:
    """Give each value, and a null, to two people in two groups, one of them undeclared for some."""
    values = [None, *sort.values, None]
    return [
        {"x": value, "g": group, "_person": (place * 3 + turn) % PEOPLE}
        for turn, group in enumerate(("a", "b", "a", "z"))
        for place, value in enumerate(values)
    ]


def _stored(rows: list[dict[str, Any]], kind: pa.DataType) -> tuple[DuckEngine, list[BucketFile]]:
    engine, files = DuckEngine(MemoryShelf()), []
    half = len(rows) // 2
    for part, buckets in ((rows[:half], 4), (rows[half:], 2)):
        people = np.array([row["_person"] for row in part], dtype=np.int64)
        ranks = ranks_for(people, engine.row_counts(files, PeopleFilter.of(range(PEOPLE))))
        for row, rank in zip(part, ranks.tolist(), strict=True):
            row["_rank"] = rank
        table = pa.table({"x": pa.array([r["x"] for r in part], kind), "g": [r["g"] for r in part]})
        files += engine.write(table, people, ranks, buckets, lambda: secrets.token_bytes(32), b"x")
    return engine, files


def _plan(most: int, where: Predicate | None) -> ExactAggregation:
    sums = [
        SumValues("x", Clamp(Fraction(lower), Fraction(upper)), digits)
        for lower, upper, digits in (("-300", "40", 0), ("0", "3", 2), ("-2.5", "7.3", 1), ("1", "1", 0))
    ]
    squares = [SumSquares(one, sum(one.step_bounds) // 2, unit) for one in sums for unit in (1, 7)]
    histograms = tuple(BinCounts(one, width) for one in sums for width in (1, 4))
    keys = (KeyDomain("g", ("b", "nobody", "a")),)
    return ExactAggregation(
        keys, (CountPeople(), *squares, CountRows(), CountPeople()), where, most, histograms
    )


@pytest.mark.parametrize(
    ("most", "where"), [(100, None), (2, Compare("=", Column("g"), Literal("a")))], ids=["all", "few"]
)
@pytest.mark.parametrize("sort", NUMBERS, ids=lambda sort: str(sort.type))
def test_every_value_is_counted_where_it_belongs(
    sort: Sort, most: int, where: Predicate | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hedgerow.adapters.engines.scanning._UNIT_ROWS", 1)
    rows = _rows(sort)
    engine, files = _stored(rows, sort.type)
    assert {file.bucket_count for file in files} == {4, 2}
    plan = _plan(most, where)
    found = engine.scan(files, ["x", "g"], PeopleFilter.of(range(PEOPLE))).aggregate(plan)
    assert found == reference.aggregate(rows, plan)
    assert {len(group) for group in found} == {plan.width}


def test_a_histogram_of_too_many_cells_and_a_midpoint_too_far_are_refused() -> None:
    engine, files = _stored(_rows(NUMBERS[0]), NUMBERS[0].type)
    relation = engine.scan(files, ["x", "g"], PeopleFilter.of(range(PEOPLE)))
    far = SumValues("x", Clamp(Fraction(0), Fraction(2**40)), 0)
    for plan in (
        ExactAggregation((), (), None, 1, (BinCounts(far, 1),)),
        ExactAggregation((), (SumSquares(far, 0, 1),), None, 1),
    ):
        with pytest.raises(CallerError) as caught:
            relation.aggregate(plan)
        assert caught.value.code in {"engine.groups", "engine.bounds"}
