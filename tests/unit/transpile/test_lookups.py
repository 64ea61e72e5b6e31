"""Proves that rows joined with public tables in the statement are those of plain Python, on each engine.

Public tables hold nulls, repeated keys, odd words and extreme numbers; plain Python joins by nested loops.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from sqlglot import exp, parse_one
from tests.unit.transpile import drawn
from tests.unit.transpile.drawn import PERSON, RANK, SOURCE, TEXTS, arrow_of, expected
from tests.unit.transpile.test_engines import _SETTINGS, ROWS, by_duck, by_postgres, duck, postgres
from tests.unit.transpile.test_texts import HOSTILE, code_of, read_back, skeleton, value_of

from hedgerow.kernel.transpile import DIALECTS, lookups, transpile
from hedgerow.model.expressions import Plus, Steps, Whole
from hedgerow.model.joins import Lookup, PublicColumn, PublicTable
from hedgerow.model.plans import (
    BinCounts,
    Clamp,
    Column,
    Compare,
    Computed,
    CountPeople,
    CountRows,
    ExactAggregation,
    IsNull,
    KeyDomain,
    Literal,
    Not,
    SumValues,
)
from hedgerow.model.words import ColumnType as Type

__all__ = ["duck", "postgres"]  # fixtures

WORD = 'we"ird ünï'
KINDS = {
    "code": (Type.TEXT, (*TEXTS, None)),
    "number": (Type.INTEGER, (0, 1, 3, -5, 2**63 - 1, -(2**63), None)),
    "truth": (Type.BOOLEAN, (True, False, None)),
    "when": (Type.DATE, ("1970-01-01", "2024-02-29", None)),
    "region": (Type.TEXT, ("north", "o'", "é", None)),
    "rate": (Type.DECIMAL, (Fraction(1, 3), Fraction(5, 2), Fraction(-4), None)),
    "moment": (Type.TIMESTAMP, ("2024-02-29T12:00:00.000001", None)),
}
ADDS = tuple((name, name) for name in ("region", "rate", "truth", "when", "moment", "number"))
ON = ((WORD, "code"), ("n", "number"), ("select", "number"), ("is it", "truth"), ("day", "when"))
BEDS = SumValues("number", Clamp(Fraction(-7), Fraction(7)), 0)
RATE = SumValues("rate", Clamp(Fraction(-3), Fraction(3)), 2)
TABLES = st.lists(st.tuples(*(st.sampled_from(values) for _, values in KINDS.values())), max_size=6)


def public(rows, name="wards"):
    columns = list(zip(*rows, strict=True)) or [()] * len(KINDS)
    made = zip(KINDS.items(), columns, strict=True)
    return PublicTable(name, tuple(PublicColumn(column, kind, own) for (column, (kind, _)), own in made))


def plan_of(*joins, **more):
    plan = ExactAggregation(
        (KeyDomain("region", ("north", "é", "nobody's", "o'")),),
        (CountRows(), CountPeople(), CountRows("moment"), CountRows("truth"), BEDS, RATE),
        None,
        2,
        (BinCounts(BEDS, 5),),
        joins,
        computed=(Computed("more", Plus(Steps(BEDS), Whole(1))),),
    )
    return replace(plan, **more)


def as_python(kind, value):
    """A public value as a row of plain Python holds it."""
    if value is None:
        return None
    read = {Type.DECIMAL: float, Type.DATE: dt.date.fromisoformat, Type.TIMESTAMP: dt.datetime.fromisoformat}
    return read.get(kind, lambda same: same)(value)


def by_hand(rows, plan):
    """Join row by row, then aggregate in plain Python."""
    for one in plan.lookups:
        content = [
            {column.name: as_python(column.kind, column.values[at]) for column in one.table.columns}
            for at in range(one.table.rows)
        ]
        grown = []
        for row in rows:
            met = [
                other
                for other in content
                if all(row[ours] is not None and row[ours] == other[theirs] for ours, theirs in one.on)
            ]
            if not met and one.keeps_unmatched:
                met = [dict.fromkeys(KINDS)]
            grown += [row | {name: other[theirs] for name, theirs in one.adds} for other in met]
        rows = grown
    return expected(rows, plan)


@st.composite
def joined_plans(draw):
    """Draw plans of one or two joins; the second may join on what the first gained."""
    on = tuple(draw(st.lists(st.sampled_from(ON), min_size=1, max_size=2, unique=True)))
    joins = [Lookup(public(draw(TABLES)), on, ADDS, draw(st.booleans()))]
    if draw(st.booleans()):
        again = (("region", "region"),) if draw(st.booleans()) else (("number", "number"), ("truth", "truth"))
        joins.append(Lookup(public(draw(TABLES), "more"), again, (("other", "code"),), draw(st.booleans())))
    where = [None, Not(IsNull(Column("rate"))), Compare("<", Column("region"), Literal("é"))]
    where.append(Compare(">=", Column("more"), Literal(2)))
    keys = draw(st.sampled_from([plan_of().keys, ()]))
    return plan_of(*joins, where=draw(st.sampled_from(where)), keys=keys)


@given(rows=drawn.tables(), plan=joined_plans())
@_SETTINGS
def test_duckdb_equals_plain_python(duck, rows, plan):
    wanted = by_hand(rows, plan)
    event("some row counts" if any(map(any, wanted)) else "nothing counts")
    assert by_duck(duck, rows, plan) == wanted


@pytest.mark.extra
@given(rows=drawn.tables(), plan=joined_plans())
@_SETTINGS
def test_postgresql_equals_plain_python(postgres, rows, plan):
    assert by_postgres(postgres, rows, plan) == by_hand(rows, plan)


CONTENT = [
    (
        TEXTS[at % 11],
        (0, 1, 3, None)[at % 4],
        (True, None)[at % 2],
        "2024-02-29",
        ("north", "é")[at % 2],
        Fraction(5, 2),
        None,
    )
    for at in range(15)
]
FULL = plan_of(
    Lookup(public(CONTENT), ((WORD, "code"),), ADDS, keeps_unmatched=True),
    Lookup(public(CONTENT[:3], "more"), (("number", "number"), ("region", "region")), (("other", "code"),)),
)


def test_a_table_of_every_kind_of_row_in_duckdb(duck):
    assert by_duck(duck, ROWS, FULL) == by_hand(ROWS, FULL)
    assert max(by_hand(ROWS, FULL))[0] > 1


@pytest.mark.extra
def test_a_table_of_every_kind_of_row_in_spark(spark_session):
    from hedgerow.techniques.dp_query.spark import SparkTable

    table = SparkTable(spark_session.createDataFrame(arrow_of(ROWS)))
    assert [tuple(one) for one in table.exact(FULL, PERSON, RANK)] == by_hand(ROWS, FULL)


@pytest.mark.parametrize("fault", ["kept or not", "one key of two", "a row twice", "a null that meets"])
def test_a_fault_in_a_join_is_seen(duck, monkeypatch, fault):
    assert by_duck(duck, ROWS, FULL) == by_hand(ROWS, FULL)
    first, second = FULL.lookups
    plan = FULL
    if fault == "kept or not":
        plan = replace(
            FULL, lookups=(replace(first, keeps_unmatched=False), replace(second, keeps_unmatched=True))
        )
    elif fault == "one key of two":
        plan = replace(FULL, lookups=(first, replace(second, on=second.on[1:])))
    elif fault == "a row twice":
        plan = replace(FULL, lookups=(replace(first, table=public([*CONTENT, CONTENT[1]])), second))
    else:
        own, rows = lookups.joined, ROWS[:12]
        plan = plan_of(Lookup(public(CONTENT[:3]), (("n", "number"),), ADDS))
        assert by_duck(duck, rows, plan) == by_hand(rows, plan)
        met = re.compile(r"few\.(c\d+) = public0")
        as_zero = r"COALESCE(few.\1, 0) = public0"
        monkeypatch.setattr(
            lookups, "joined", lambda *given: [(name, met.sub(as_zero, text)) for name, text in own(*given)]
        )
        assert by_duck(duck, rows, plan) != by_hand(rows, plan)
        return
    assert by_duck(duck, ROWS, plan) != by_hand(ROWS, FULL)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_text_is_read_back_as_what_was_written(dialect):
    for plan in (FULL, plan_of(Lookup(public([]), ((WORD, "code"),), ADDS))):
        made = transpile(plan, SOURCE, dialect)
        for text in (made.aggregates, *(each.sql for each in made.histograms)):
            assert isinstance(read_back(text, dialect), exp.Select)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_public_value_is_nothing_but_itself(dialect):
    def written(text):
        row = (text, 1, True, None, text, None, None)
        plan = replace(plan_of(Lookup(public([row]), ((WORD, "code"),), ADDS)), keys=())
        return parse_one(transpile(plan, SOURCE, dialect).aggregates, read=dialect)

    text = "".join(HOSTILE)
    tree = written(text)
    assert skeleton(tree) == skeleton(written("x"))
    told = [each for each in tree.find_all(exp.Cast) if each.is_type("text", "varchar")]
    assert [value_of(each.this) for each in told] == [text, text]


def test_what_is_not_the_same_everywhere_is_refused_by_name(monkeypatch):
    def element(plan):
        return {code_of(lambda d=d: transpile(plan, SOURCE, d)).details["element"] for d in DIALECTS}

    twice = plan_of(Lookup(public(CONTENT), ((WORD, "code"),), ADDS), max_groups=1)
    assert element(twice) == {"a join that repeats rows beside bounds over groups"}
    once = replace(twice, lookups=(replace(twice.lookups[0], table=public(CONTENT[:5])),))
    assert transpile(once, SOURCE, "bigquery").bounding
    for ours, theirs in (("real", "number"), ("cents", "number"), ("day", "moment"), (WORD, "number")):
        assert element(plan_of(Lookup(public(CONTENT), ((ours, theirs),), ADDS))) == {
            "a join on columns of two kinds"
        }
    assert element(plan_of(Lookup(public(CONTENT), (), ADDS))) == {"a join on columns of two kinds"}
    monkeypatch.setattr(lookups, "MOST_VALUES", 113)
    assert element(replace(FULL, max_rows=1)) == {"more than 113 values of public tables"}
    far = [(*CONTENT[0][:1], 2**63, *CONTENT[0][2:])]
    plan = plan_of(Lookup(public(far), ((WORD, "code"),), ADDS))
    assert code_of(lambda: transpile(plan, SOURCE, "duckdb")).code == "engine.literal-type"
