"""Joins and gathered rows that are built step by step are the plan of the SQL beside them."""

from __future__ import annotations

import json
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.test_chain import FORGED, broken
from tests.unit.dp.world import COLUMNS, DECLARED

import hedgerow as hr
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.joins import PublicColumn, PublicTable
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query import plan_query
from hedgerow.techniques.dp_query.chain import Table
from hedgerow.techniques.dp_query.joins import PrivateTable
from hedgerow.techniques.dp_query.question import plain, plain_text, query_of, query_of_text
from hedgerow.techniques.dp_query.technique import DpQuery

dp, col = hr.dp, hr.dp.col
VISITS = Table(None)
WARDS = PublicTable(
    "wards",
    (
        PublicColumn("code", ColumnType.TEXT, ("A", "Ж", "Ж")),
        PublicColumn("ward", ColumnType.TEXT, ("A", "Ж", "日本")),
        PublicColumn("region", ColumnType.TEXT, ("north", "south", "south")),
        PublicColumn("age", ColumnType.INTEGER, (18, 19, 20)),
    ),
    "digest",
)
LABS = PrivateTable(
    "labs",
    {"who": None, "level": ColumnType.INTEGER},
    "who",
    dp.declare(max_rows=2, bounds={"level": (0, 9)}),
)


def planned(asked):
    tables = {"wards": WARDS, "labs": LABS}
    return plan_query(asked, DECLARED, COLUMNS, Fraction(1), "visits", ("who",), "who", tables)


PAIRS = [
    (
        VISITS.join("wards", on={"ward": "code"}).group_by("region").agg(n=dp.count(), s=dp.sum("wards.age")),
        """SELECT region, COUNT(*) AS n, SUM(wards.age) AS s FROM visits JOIN wards ON visits.ward = code
        GROUP BY region""",
    ),
    (
        VISITS.join("wards", on="ward", keep_unmatched=True, called="w")
        .where(col("w.age") > 18, col("visits.age") > 20)
        .group_by("region", "ward")
        .agg(n=dp.count())
        .having(dp.mean("w.age") > 3),
        """SELECT region, ward, COUNT(*) AS n FROM visits LEFT JOIN wards AS w USING (ward)
        WHERE w.age > 18 AND visits.age > 20 GROUP BY region, ward HAVING AVG(w.age) > 3""",
    ),
    (
        VISITS.join("wards", on={"ward": "code", "age": "age"}).agg(who=dp.people()),
        """SELECT COUNT(DISTINCT person) AS who FROM visits JOIN wards ON visits.ward = wards.code
        AND visits.age = wards.age""",
    ),
    (
        VISITS.join("labs").agg(m=dp.mean("level")),
        "SELECT AVG(level) AS m FROM visits JOIN labs USING (person)",
    ),
    (
        VISITS.where(col("age") > 20)
        .per_person(n=dp.count(), spent=dp.sum(col("pay") * 2), low=dp.min("age"))
        .where(col("n") > 1)
        .group_by(b=col("spent").bucket(0, 100, 4))
        .agg(people=dp.count(), m=dp.mean("low"), top=dp.max("low")),
        """SELECT WIDTH_BUCKET(spent, 0, 100, 4) AS b, COUNT(*) AS people, AVG(low) AS m, MAX(low) AS top FROM
        (SELECT COUNT(*) AS n, SUM(pay * 2) AS spent, MIN(age) AS low FROM visits WHERE age > 20
        GROUP BY person) WHERE n > 1 GROUP BY b""",
    ),
    (
        VISITS.join("wards", on={"ward": "code"})
        .per_person("region", old=dp.max("visits.age"), n=dp.count("wards.age"))
        .group_by("region")
        .agg(m=dp.mean("old"), people=dp.people()),
        """SELECT region, AVG(old) AS m, COUNT(DISTINCT person) AS people FROM
        (SELECT region, MAX(visits.age) AS old, COUNT(wards.age) AS n FROM visits JOIN wards
        ON visits.ward = code GROUP BY person, region) GROUP BY region""",
    ),
]


@pytest.mark.parametrize(("built", "sql"), PAIRS)
def test_the_plan_is_that_of_the_sql(built, sql):
    made = planned(built.query)
    assert made == planned(sql)
    assert query_of_text(plain_text(built.query)) == built.query
    assert DpQuery().question(made) == DpQuery().question(
        planned(query_of(json.loads(plain_text(built.query))))
    )


def test_another_gathering_is_another_question():
    plans = [
        planned(VISITS.per_person(n=one).agg(m=dp.mean("n")).query) for one in (dp.count(), dp.sum("age"))
    ]
    plans += [planned(VISITS.where(col("age") > 20).per_person(n=dp.count()).agg(m=dp.mean("n")).query)]
    questions = {repr(DpQuery().question(one)) for one in plans}
    assert len(questions) == 3


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([json.loads(json.dumps(plain(built.query))) for built, _ in PAIRS]),
    st.lists(st.integers(0, 9), max_size=9),
    st.sampled_from(FORGED),
)
def test_a_forged_question_is_refused_or_as_sound_as_sql(kept, path, leaf):
    try:
        made = planned(query_of(broken(kept, path, leaf)))
    except (CallerError, Refused) as caught:
        error = caught
    else:
        assert sum(one.epsilon for one in (*made.measurements, *made.choices)) == 1
        assert "who" not in made.columns
        return
    assert error.next_step


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: VISITS.per_person(n=dp.count()).per_person(m=dp.count()),
        lambda: VISITS.per_person(n=dp.count()).join("wards", on="ward"),
        lambda: VISITS.agg(n=dp.count()).per_person(n=dp.count()),
        lambda: VISITS.group_by("ward").per_person(n=dp.count()),
        lambda: VISITS.per_person(n=dp.median("age")),
        lambda: VISITS.per_person(n=dp.people()),
        lambda: planned(VISITS.join("secrets", on="ward").agg(n=dp.count()).query),
        lambda: planned(VISITS.join("wards").agg(n=dp.count()).query),
        lambda: planned(VISITS.join("labs", on="ward").agg(n=dp.count()).query),
        lambda: planned(VISITS.join("wards", on="ward").join("wards", on="ward").agg(n=dp.count()).query),
        lambda: planned(VISITS.join("wards", on={"who": "code"}).agg(n=dp.count()).query),
        lambda: planned(VISITS.join("wards", on={"age": "code"}).agg(n=dp.count()).query),
        lambda: planned(VISITS.join("wards", on={"ward": "code"}).agg(n=dp.mean("age")).query),
    ],
)
def test_what_is_not_bounded_is_refused_with_a_next_step(wrong):
    with pytest.raises((Refused, CallerError)) as caught:
        wrong()
    assert caught.value.next_step


def test_frames_are_joined_and_gathered_without_a_workspace():
    who = [n % 1000 for n in range(2000)]
    visits = pa.table({"who": who, "ward": ["A", "B"] * 1000, "cost": [10, 20] * 1000})
    wards = pa.table({"code": ["A", "B"], "region": ["north", "south"]})
    declared = dp.declare(max_rows=2, bounds={"cost": (0, 100)}, keys={"ward": ["A", "B"]})
    budget = dp.Budget.of("1000")
    table = dp.table(visits, person="who", declaration=declared)
    built = table.join("wards", on={"ward": "code"}).group_by("region").agg(n=dp.count())
    answer, budget = built.answer(200, budget=budget, public={"wards": wards})
    assert [(row[0], round(row[1], -2)) for row in answer.rows] == [("north", 1000), ("south", 1000)]
    each = table.per_person(n=dp.count(), spent=dp.sum("cost")).agg(m=dp.mean("n"), s=dp.mean("spent"))
    answer, budget = each.answer(200, budget=budget)
    assert [round(float(cell), 1) for cell in answer.rows[0]] == [2.0, 30.0]
    both = dp.table(
        {"visits": visits, "staff": pa.table({"who": list(range(1000)), "pay": [5] * 1000})},
        person="who",
        declaration={"visits": declared, "staff": dp.declare(max_rows=1, bounds={"pay": (0, 10)})},
    )
    asked = both.join("staff").per_person(p=dp.max("pay"), n=dp.count()).agg(m=dp.mean("p"), n=dp.mean("n"))
    answer, _ = asked.answer(200, budget=budget)
    assert [round(float(cell), 1) for cell in answer.rows[0]] == [5.0, 2.0]
