"""Proves that each engine gives the very same integers as plain Python, from the text made for it."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from tests.unit.transpile import drawn
from tests.unit.transpile.drawn import FULL, SORTS, SOURCE, arrow_of, counted, expected, plans, tables

from hedgerow.kernel.transpile import transpile

_SETTINGS = settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # making a failing table smaller takes minutes here
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def duck():
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET threads = 1")
        yield connection


def by_duck(duck, rows, plan, source=SOURCE):
    duck.register("t", arrow_of(rows))
    made = transpile(plan, source, "duckdb")
    cells = [(one.bins, duck.execute(one.sql).fetchall()) for one in made.histograms]
    return counted(made.groups, duck.execute(made.aggregates).fetchall(), cells)


@given(rows=tables(), plan=plans())
@_SETTINGS
def test_duckdb_equals_plain_python(duck, rows, plan):
    wanted = expected(rows, plan)
    event("some row counts" if any(map(any, wanted)) else "nothing counts")
    assert by_duck(duck, rows, plan) == wanted


@pytest.fixture(scope="module")
def postgres(postgres_server):
    import psycopg

    with psycopg.connect(postgres_server.url()) as connection:
        columns = [f"{sql_name(name)} {sort.postgres}" for name, sort in SORTS.items()]
        columns += [f"{sql_name(drawn.PERSON)} text", f"{drawn.RANK} bigint"]
        connection.execute(f"CREATE TEMPORARY TABLE t ({', '.join(columns)})")
        yield connection


def sql_name(name):
    return '"' + name.replace('"', '""') + '"'


def by_postgres(postgres, rows, plan):
    names = [*SORTS, drawn.PERSON, drawn.RANK]
    postgres.execute("DELETE FROM t")
    with postgres.cursor().copy(f"COPY t ({', '.join(map(sql_name, names))}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([row[name] for name in names])
    made = transpile(plan, SOURCE, "postgres")
    cells = [(one.bins, postgres.execute(one.sql).fetchall()) for one in made.histograms]
    return counted(made.groups, postgres.execute(made.aggregates).fetchall(), cells)


@pytest.mark.extra
@given(rows=tables(), plan=plans())
@_SETTINGS
def test_postgresql_equals_plain_python(postgres, rows, plan):
    assert by_postgres(postgres, rows, plan) == expected(rows, plan)


# Every value beside every other column's: one table that holds each value of each column.
ROWS = [
    {name: ([None, *sort.values] * 20)[at] for name, sort in SORTS.items()}
    | {drawn.PERSON: [None, *drawn.PEOPLE][at % 6], drawn.RANK: at // 6}
    for at in range(20)
]


def test_everything_at_once_in_duckdb(duck):
    assert by_duck(duck, ROWS, FULL) == expected(ROWS, FULL)


@pytest.mark.extra
def test_everything_at_once_in_postgresql(postgres):
    assert by_postgres(postgres, ROWS, FULL) == expected(ROWS, FULL)
