"""A join with a public table multiplies bounds, and gives what plain Python gives, in both engines.

Random private rows and public tables hold nulls, repeated and Unicode keys, keys of two columns, people with
many rows and rows about nobody. Each broken variant is caught on tables of its own.
"""

from __future__ import annotations

import dataclasses
import secrets
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.world import COLUMNS, DECLARED, table, totals

from hedgerow.adapters.engines import DuckEngine
from hedgerow.adapters.files import MemoryShelf
from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people
from hedgerow.model.engine import PeopleFilter
from hedgerow.model.joins import Lookup, PublicColumn, PublicTable
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query import plan_query

CODES = ("A", "Ж", "Ж", "é", "e\u0301", None, "")
# The same sign written in two ways is two keys: nothing is normalised.
AGES = (18, 19, None, -(2**63) + 1)


def public(name, kinds, rows):
    columns = zip(*rows, strict=True)
    pairs = zip(kinds.items(), columns, strict=True)
    return PublicTable(name, tuple(PublicColumn(column, kind, values) for (column, kind), values in pairs))


def wards(rows):
    kinds = {"code": ColumnType.TEXT, "old": ColumnType.INTEGER, "region": ColumnType.TEXT}
    return public("wards", kinds | {"beds": ColumnType.INTEGER}, rows)


REGIONS = public(
    "regions",
    {"id": ColumnType.TEXT, "country": ColumnType.TEXT},
    [("n", "x"), ("s", "y"), ("s", "x"), (None, "x")],
)
STATS = "COUNT(*), SUM(beds), COUNT(DISTINCT who), AVG(age)"
QUERIES = (
    f"SELECT w.region, {STATS} FROM visits v JOIN wards w ON v.ward = w.code GROUP BY w.region",
    f"SELECT w.region, {STATS} FROM visits v LEFT JOIN wards w ON w.code = v.ward GROUP BY region",
    f"SELECT {STATS} FROM visits LEFT JOIN wards ON ward = code WHERE region IS NULL",
    f"SELECT {STATS} FROM visits v JOIN wards w ON v.ward = w.code AND w.old = v.age WHERE region <> 'n'",
    f"SELECT country, {STATS} FROM visits JOIN wards ON ward = code JOIN regions ON region = id GROUP BY 1",
)
public_row = st.tuples(
    st.sampled_from(CODES), st.sampled_from(AGES), st.sampled_from(["n", "s", None]), st.integers(0, 9)
)
# One row holds values in every column, so that every column can be grouped by and added up.
public_rows = st.lists(public_row, max_size=6).map(lambda rows: [("A", 18, "n", 1), *rows])
row = st.tuples(
    st.one_of(st.none(), st.integers(0, 3)),
    st.sampled_from(CODES),
    st.sampled_from([*AGES, 50]),
    st.just(1.0),
)


def plan(sql, rows, declaration=DECLARED):
    known = {"wards": wards(rows), "regions": REGIONS}
    return plan_query(sql, declaration, COLUMNS, Fraction(1), "visits", ("who",), "who", known)


def by_hand(rows, ranks, spec):
    """Join and aggregate in plain Python: nested loops, no arrays."""
    names = ("who", "ward", "age", "pay")
    joined = [
        dict(zip(names, one, strict=True))
        for one, rank in zip(rows, ranks, strict=True)
        if rank < spec.max_rows
    ]
    for lookup in spec.lookups:
        grown = []
        content = [
            {column.name: column.values[n] for column in lookup.table.columns}
            for n in range(lookup.table.rows)
        ]
        for one in joined:
            matched = [
                other
                for other in content
                if all(one[ours] is not None and one[ours] == other[theirs] for ours, theirs in lookup.on)
            ]
            if not matched and lookup.keeps_unmatched:
                matched = [dict.fromkeys(other for other in content[0])]
            grown += [one | {name: other[source] for name, source in lookup.adds} for other in matched]
        joined = grown
    if spec.where is not None:
        is_null = hasattr(spec.where, "column") and not hasattr(spec.where, "op")
        joined = [
            one for one in joined if (one["region"] is None if is_null else one["region"] not in (None, "n"))
        ]
    groups = spec.keys[0].values if spec.keys else (None,)
    found = []
    for group in groups:
        inside = [one for one in joined if not spec.keys or one[spec.keys[0].column] == group]
        found.append([_one(part, inside) for part in spec.aggregates])
    return found


def _one(part, rows):
    if part.column is None:
        return len({one["who"] for one in rows}) if type(part).__name__ == "CountPeople" else len(rows)
    values = [one[part.column] for one in rows if one[part.column] is not None]
    if type(part).__name__ == "CountRows":
        return len(values)
    low, high = part.step_bounds
    return sum(min(max(value, low), high) for value in values)


def in_duckdb(rows, ranks, spec):
    """Write the rows as two encrypted tables and aggregate them there."""
    engine, kept = DuckEngine(MemoryShelf()), [n for n, one in enumerate(rows) if one[0] is not None]
    files = []
    for half in (kept[::2], kept[1::2]):
        part = table([rows[n] for n in half]).drop_columns(["who"])
        people = np.array([rows[n][0] for n in half], dtype=np.int64)
        own = np.array([ranks[n] for n in half], dtype=np.int32)
        files += engine.write(part, people, own, 2, lambda: secrets.token_bytes(32), b"x")
    relation = engine.scan(files, sorted(spec.columns), PeopleFilter.of(range(10)))
    return [list(one) for one in relation.aggregate(spec)]


MIXED = [
    (1, "A", 18, 1.0), (1, "A", 19, 1.0), (1, "Ж", 19, 1.0), (2, "nowhere", 18, 1.0), (2, None, None, 1.0),
    (None, "A", 18, 1.0), (3, "A", -(2**63) + 1, 1.0), (3, "e\u0301", 19, 1.0),
]  # fmt: skip
CONTENT = [("A", 18, "s", 1), ("A", 19, "n", 2), ("Ж", 18, "s", 3), ("Ж", 19, None, 4), (None, None, "s", 5),
           ("é", 19, "s", 6), ("A", 19, "s", 7)]  # fmt: skip


@pytest.mark.parametrize("sql", QUERIES)
def test_a_table_of_every_kind_of_row_is_joined_as_in_plain_python(sql):
    test_both_engines_equal_plain_python.hypothesis.inner_test(MIXED, CONTENT, sql)


@settings(max_examples=25, deadline=None)
@given(st.lists(row, max_size=14), public_rows, st.sampled_from(QUERIES))
def test_both_engines_equal_plain_python(rows, content, sql):
    spec = plan(sql, content).aggregation
    full = table(rows)
    ranks = draw_ranks(full.column("who"))
    wanted = by_hand(rows, ranks, spec)
    assert aggregate(full, ranks, spec, number_people(full.column("who"))) == wanted
    assert in_duckdb(rows, ranks, spec) == wanted


def shift(rows, person, made, compute=aggregate):
    """Measure how far removing a person moves each measurement's vector, in L1."""
    full = table(rows)
    ranks, people = draw_ranks(full.column("who")), number_people(full.column("who"))
    kept = [i for i, one in enumerate(rows) if one[0] != person]
    without = table([rows[i] for i in kept])
    before = totals(made, compute(full, ranks, made.aggregation, people))
    after = totals(made, compute(without, ranks[kept], made.aggregation, people[kept]))
    pairs = zip(before, after, strict=True)
    return [sum(abs(a - b) for a, b in zip(old, new, strict=True)) for old, new in pairs]


@settings(max_examples=25, deadline=None)
@given(st.lists(row, max_size=14), public_rows, st.sampled_from(QUERIES), st.integers(0, 3))
def test_one_person_moves_each_vector_by_at_most_the_sensitivity(rows, content, sql, person):
    made = plan(sql, content)
    for moved, measured in zip(shift(rows, person, made), made.measurements, strict=True):
        assert moved <= measured.sensitivity


DOUBLED = [("A", 18, "n", 4), ("A", 18, "s", 4), ("Ж", 18, "s", 4)]


def test_a_key_that_is_not_unique_multiplies_the_bound_and_the_bound_is_reached():
    made = plan("SELECT region, COUNT(*) AS n FROM visits JOIN wards ON ward = code GROUP BY region", DOUBLED)
    (count,) = made.measurements
    assert (made.max_rows, count.sensitivity) == (3, 6)
    assert shift([(1, "A", 20, 1.0)] * 5, 1, made) == [6]
    assert made.describe()["joins"] == [{"table": "wards", "digest": "", "rows_of_one": 2}]
    chained = plan(QUERIES[4], DOUBLED)
    assert chained.measurements[0].sensitivity == 3 * 2 * 2


@settings(max_examples=20, deadline=None)
@given(st.lists(row, max_size=14), public_rows, st.integers(0, 3))
def test_bounds_over_groups_hold_in_the_joined_rows(rows, content, person):
    made = plan(
        QUERIES[0], content, dataclasses.replace(DECLARED, max_rows=2, max_groups=1, max_rows_per_group=1)
    )
    # Groups are drawn at random for each person alone, so that the others need not be there.
    own = [one for one in rows if one[0] == person]
    for moved, measured in zip(shift(own, person, made), made.measurements, strict=True):
        assert moved <= measured.sensitivity


def test_bounds_over_groups_are_asked_for_where_only_the_join_makes_them_needed():
    one = dataclasses.replace(DECLARED, max_rows=1, max_groups=1, max_rows_per_group=1)
    made = plan("SELECT region, COUNT(*) FROM visits JOIN wards ON ward = code GROUP BY region", DOUBLED, one)
    assert (made.aggregation.max_rows, made.aggregation.max_groups) == (1, 1)
    assert [m.sensitivity for m in made.measurements] == [1]
    rows = [(1, "A", 20, 1.0)] * 3
    assert shift(rows, 1, made) == [1]
    assert sum(n for (n,) in in_duckdb(rows, np.arange(3), made.aggregation)) == 1


def test_null_keys_are_no_repetition():
    rows = [("A", 18, "n", 4), (None, 18, "s", 4), (None, 19, "s", 4)]
    assert plan(QUERIES[0], rows).measurements[0].sensitivity == 3


def test_every_key_of_the_public_table_is_emitted():
    made = plan(QUERIES[0], [*DOUBLED, ("nowhere", 18, "empty", 4), (None, 1, None, 1)])
    assert made.aggregation.keys[0].values == ("n", "s", "empty")


def unmultiplied(sql, rows):
    """Plan as if the key of the public table were unique."""
    made = plan(sql, rows)
    small = tuple(dataclasses.replace(m, sensitivity=m.sensitivity // 2) for m in made.measurements)
    return dataclasses.replace(made, measurements=small)


def unbounded(table, ranks, spec, people):
    """Join all rows, not only those of rank below the bound."""
    return aggregate(table, ranks, dataclasses.replace(spec, max_rows=2**40), people)


def beside(table, ranks, spec, people):
    """Join with one row more for each row of other people: keys read from the private table."""
    lookup = spec.lookups[0]
    grown = tuple(
        dataclasses.replace(column, values=column.values * max(1, table.num_rows))
        for column in lookup.table.columns
    )
    more = dataclasses.replace(lookup, table=dataclasses.replace(lookup.table, columns=grown))
    return aggregate(table, ranks, dataclasses.replace(spec, lookups=(more,)), people)


def who_is_redefined(table, ranks, spec, people):
    """Rank by a looked-up id instead of the person: everybody's rows become rows of many."""
    fresh = pa.array(range(table.num_rows))
    return aggregate(table, draw_ranks(fresh), spec, people)


@pytest.mark.parametrize(
    ("made", "compute"),
    [
        (unmultiplied(QUERIES[0], DOUBLED), aggregate),
        (plan(QUERIES[0], DOUBLED), unbounded),
        (plan(QUERIES[0], DOUBLED), beside),
        (plan(QUERIES[0], DOUBLED), who_is_redefined),
    ],
    ids=["multiplicity", "bound", "private keys", "redefined id"],
)
def test_broken_joins_are_caught(made, compute):
    rows = [(1, "A", 20, 1.0)] * 9
    right = plan(QUERIES[0], DOUBLED)
    assert all(m <= s.sensitivity for m, s in zip(shift(rows, 1, right), right.measurements, strict=True))
    moved = shift(rows, 1, made, compute)
    assert any(m > s.sensitivity for m, s in zip(moved, made.measurements, strict=True))


def test_a_lookup_names_only_columns_that_are_read():
    (lookup,) = plan(QUERIES[0], DOUBLED).aggregation.lookups
    assert isinstance(lookup, Lookup)
    assert [name for name, _ in lookup.adds] == ["region", "beds"]
    assert plan(QUERIES[0], DOUBLED).grant.columns == {"ward", "age"}
