"""Proves that bounds on a person's groups hold on other engines, and prefer no group.

Which rows of a group count is the same everywhere, for ranks decide. Which groups count is drawn: so many of
each person, each as likely as any other, the same ones in every statement of a query.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hedgerow.kernel.transpile import DIALECTS, Kind, Source, SourceColumn, integers_of, transpile
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
    SumValues,
)
from hedgerow.techniques.dp_query.spark import SparkTable

KEYS = ("A", "B", "C")
VALUE = SumValues("v", Clamp(Fraction(0), Fraction(9)), 0)
SOURCE = Source(
    ("t",),
    "p",
    SourceColumn(Kind.WHOLE),
    {"g": SourceColumn(Kind.TEXT), "v": SourceColumn(Kind.WHOLE)},
    "r",
)
PLAN = ExactAggregation(
    (KeyDomain("g", KEYS),),
    (CountRows(), CountPeople(), VALUE),
    Compare(">", Column("v"), Literal(1)),
    9,
    (BinCounts(VALUE, 3),),
)


@st.composite
def tables(draw):
    """Draw rows of a few people in a few groups, one of which nobody declared, ranked in a random order."""
    cell = st.tuples(st.sampled_from([1, 2, 3, None]), st.sampled_from([*KEYS, "D", None]), st.integers(0, 9))
    rows = draw(st.lists(cell, max_size=24))
    order = draw(st.permutations(range(len(rows))))
    taken = defaultdict(int)
    ranks = [0] * len(rows)
    for at in order:
        ranks[at] = taken[rows[at][0]]
        taken[rows[at][0]] += 1
    return [(*row, rank) for row, rank in zip(rows, ranks, strict=True)]


def arrow_of(rows):
    person, group, value, rank = zip(*rows, strict=True) if rows else ((), (), (), ())
    kinds = {"p": (person, pa.int64()), "g": (group, pa.string()), "v": (value, pa.int64())}
    kinds["r"] = (rank, pa.int64())
    return pa.table({name: pa.array(cells, kind) for name, (cells, kind) in kinds.items()})


def of_person(rows, plan):
    """Tell for each person and declared group the values that may count there, by rank."""
    held = defaultdict(list)
    for person, group, value, rank in sorted(rows, key=lambda row: row[3]):
        if person is not None and group in KEYS and value > 1 and rank < plan.max_rows:
            held[person, group].append(value)
    return {one: values[: plan.max_rows_per_group] for one, values in held.items()}


def check(rows, plan, integers):
    """See that whole groups of each person count, as many as may."""
    held = of_person(rows, plan)
    if plan.max_groups is None:
        for group, (count, people, total, *bins) in zip(KEYS, integers, strict=True):
            own = [values for (_, at), values in held.items() if at == group]
            assert (count, people, total) == (sum(map(len, own)), len(own), sum(map(sum, own)))
            assert sum(bins) == count
        return
    groups_of = defaultdict(int)
    for person, _ in held:
        groups_of[person] += 1
    assert sum(row[1] for row in integers) == sum(min(plan.max_groups, many) for many in groups_of.values())
    for group, (count, people, total, *bins) in zip(KEYS, integers, strict=True):
        own = [(0, 0, 0), *((len(v), 1, sum(v)) for (_, at), v in held.items() if at == group)]
        sums = {(0, 0, 0)}
        for one in own:
            sums |= {tuple(map(sum, zip(one, before, strict=True))) for before in sums}
        # The same rows were counted by both statements.
        assert (count, people, total) in sums
        assert sum(bins) == count


def by_duck(duck, rows, plan):
    duck.register("t", arrow_of(rows))
    made = transpile(plan, SOURCE, "duckdb")
    if made.bounding is not None:
        duck.execute(f"CREATE OR REPLACE TEMPORARY TABLE {made.bounded} AS {made.bounding}")
    return integers_of(made, lambda sql: duck.execute(sql).fetchall())


@pytest.fixture(scope="module")
def duck():
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET threads = 1")
        yield connection


BOUNDS = st.sampled_from([(None, 1), (None, 2), (1, None), (2, None), (1, 1), (2, 2)])


@given(rows=tables(), bounds=BOUNDS, most=st.sampled_from([9, 3]))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_duckdb_keeps_to_the_bounds(duck, rows, bounds, most):
    plan = replace(PLAN, max_groups=bounds[0], max_rows_per_group=bounds[1], max_rows=most)
    check(rows, plan, by_duck(duck, rows, plan))


@pytest.mark.extra
def test_postgresql_keeps_to_the_bounds(postgres_server):
    import psycopg

    @given(rows=tables(), bounds=BOUNDS)
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(connection, rows, bounds):
        connection.execute("DELETE FROM t")
        with connection.cursor().copy("COPY t (p, g, v, r) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        plan = replace(PLAN, max_groups=bounds[0], max_rows_per_group=bounds[1])
        made = transpile(plan, SOURCE, "postgres")
        connection.execute(f"DROP TABLE IF EXISTS {made.bounded}")
        if made.bounding is not None:
            connection.execute(f"CREATE TEMPORARY TABLE {made.bounded} AS {made.bounding}")
        check(rows, plan, integers_of(made, lambda sql: connection.execute(sql).fetchall()))

    with psycopg.connect(postgres_server.url()) as connection:
        connection.execute("CREATE TEMPORARY TABLE t (p bigint, g text, v bigint, r bigint)")
        holds(connection)


ROWS = [(at % 4, (*KEYS, "D")[at % 3 if at % 5 else 3], at % 10, at // 4) for at in range(40)]


@pytest.mark.extra
def test_spark_keeps_to_the_bounds(spark_session):
    plan = replace(PLAN, max_groups=1, max_rows_per_group=2)
    table = SparkTable(spark_session.createDataFrame(arrow_of(ROWS)))
    check(ROWS, plan, table.exact(plan, "p", "r"))


def test_a_large_group_is_drawn_no_more_often_than_a_small_one(duck):
    rows = [(person, "A" if at < 5 else "B", 5, at) for person in range(400) for at in range(6)]
    plan = replace(PLAN, max_groups=1, histograms=())
    integers = by_duck(duck, rows, plan)
    assert integers[0][1] + integers[1][1] == 400
    # Seven standard deviations of 400 fair draws: a false alarm in 4e11 runs; drawing rows would give 333.
    assert 130 < integers[0][1] < 270


@pytest.mark.parametrize("dialect", DIALECTS)
def test_it_is_written_for_every_engine_or_refused(dialect):
    plan = replace(PLAN, max_groups=1, max_rows_per_group=2)
    text = " ".join(transpile(plan, SOURCE, dialect).statements)
    assert text.count("DENSE_RANK()") == 1
    reals = replace(SOURCE, columns={**SOURCE.columns, "v": SourceColumn(Kind.REAL)})
    floating = replace(plan, keys=(KeyDomain("v", (1, 2)),))
    if dialect == "bigquery":
        with pytest.raises(CallerError) as caught:
            transpile(floating, reals, dialect)
        assert caught.value.details["element"] == "max_groups"
    else:
        assert transpile(floating, reals, dialect).bounding
