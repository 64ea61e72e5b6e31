"""What is built step by step is the plan of the SQL beside it, and passes as plain values only when sound."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.world import COLUMNS, DECLARED

import hedgerow as hr
from hedgerow.model.canonical import digest, plain_form
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_query import chain, plan_query
from hedgerow.techniques.dp_query.chain import Table
from hedgerow.techniques.dp_query.parse import parse
from hedgerow.techniques.dp_query.question import plain, plain_text, query_of, query_of_text
from hedgerow.techniques.dp_query.technique import DpQuery

dp, col = hr.dp, hr.dp.col
VISITS = Table(None)


def planned(asked):
    return plan_query(asked, DECLARED, COLUMNS, Fraction(1), "visits", ("who",), "who")


PAIRS = [
    (VISITS.agg(n=dp.count()), "SELECT COUNT(*) AS n"),
    (
        VISITS.where(col("age") > 30)
        .group_by("ward")
        .agg(n=dp.count(), total=dp.sum("pay"), who=dp.people()),
        """SELECT ward, COUNT(*) AS n, SUM(pay) AS total, COUNT(DISTINCT who) AS who WHERE age > 30
        GROUP BY ward""",
    ),
    (
        VISITS.group_by(band=col("age").bucket(0, 100, 10)).agg(m=dp.mean(col("pay") * 2.5 - col("age") / 3)),
        "SELECT WIDTH_BUCKET(age, 0, 100, 10) AS band, AVG(pay * 2.5 - age / 3) AS m GROUP BY band",
    ),
    (
        VISITS.where(
            (col("age") * 2 > 50) & ~(col("ward") == "A") | col("pay").is_null(), col("smoker").is_true()
        )
        .group_by("sex")
        .agg(v=dp.variance("age"), s=dp.stddev(abs(-col("age"))), c=dp.count("pay")),
        """SELECT sex, VARIANCE(age) AS v, STDDEV(ABS(-age)) AS s, COUNT(pay) AS c
        WHERE (age * 2 > 50 AND NOT ward = 'A' OR pay IS NULL) AND smoker GROUP BY sex""",
    ),
    (
        VISITS.group_by(
            "ward", old=dp.case((col("age") >= 60, "old"), (col("age") >= 30, "mid"), otherwise="young")
        )
        .agg(n=dp.count(), m=dp.median(col("pay").clamp(0, 50)), q=dp.quantile("age", 0.25))
        .having((dp.count() > 10) & ~(dp.mean("age") < Decimal("30.5")))
        .order_by("n", descending=True)
        .limit(3),
        """SELECT ward, CASE WHEN age >= 60 THEN 'old' WHEN age >= 30 THEN 'mid' ELSE 'young' END AS old,
        COUNT(*) AS n, MEDIAN(CLAMP(pay, 0, 50)) AS m, QUANTILE(age, 0.25) AS q GROUP BY ward, old
        HAVING COUNT(*) > 10 AND NOT AVG(age) < 30.5 ORDER BY n DESC LIMIT 3""",
    ),
    (
        VISITS.where(~col("age").is_in([20, 30]), col("age") > col("pay"), col("age") > 1).agg(
            s=dp.sum((3 - col("pay")).round(1) + (1 + col("age").fill(0)).floor() + 2 * col("age"))
        ),
        """SELECT SUM(ROUND(3 - pay, 1) + FLOOR(1 + COALESCE(age, 0)) + 2 * age) AS s
        WHERE age NOT IN (20, 30) AND age - pay > 0 AND 1 < age""",
    ),
]


@pytest.mark.parametrize(("built", "sql"), PAIRS, ids=range(len(PAIRS)))
def test_the_plan_is_that_of_the_sql(built, sql):
    assert planned(built.query) == planned(sql)


@pytest.mark.parametrize("sql", [sql for _, sql in PAIRS])
def test_a_question_as_plain_values_is_the_same_question(sql):
    query = parse(sql, "visits")
    assert query_of_text(plain_text(query)) == query
    assert planned(query_of_text(plain_text(query))) == planned(sql)


def test_the_same_question_is_told_from_any_other_however_deep():
    """Plans that differ in an expression, a key, a condition or HAVING alone are different questions."""
    deep = "age" + " + pay * 2 - ABS(age)" * 12
    asked = [
        *[f"SELECT SUM({deep}) AS s", f"SELECT SUM({deep} + 1) AS s", "SELECT SUM(age * 2) AS s"],
        *[f"SELECT COUNT(*) AS s WHERE {deep} > {number}" for number in (1, 2)],
        *[f"SELECT FLOOR(age / {step}) AS s, COUNT(*) GROUP BY s" for step in (10, 20)],
        *["SELECT SUM(age) AS s HAVING COUNT(*) > 3", "SELECT SUM(age) AS s HAVING COUNT(*) > 4"],
        "SELECT SUM(age) AS s HAVING NOT COUNT(*) > 4",
        "SELECT SUM(age) AS s, COUNT(*)",
    ]
    told = [digest(plain_form(DpQuery().question(planned(sql)))) for sql in asked]
    assert len(set(told)) == len(asked)
    assert told[0] == digest(plain_form(DpQuery().question(planned(asked[0].lower()))))


@pytest.mark.parametrize("text", [None, 3, "", "{", "[" * 100_000, "[]", "x" * 300_000, '["a"]'])
def test_a_text_that_is_no_question_is_refused(text):
    with pytest.raises(CallerError) as caught:
        query_of_text(text)
    assert caught.value.code == "dp.question-malformed"


def broken(value, path, leaf):
    """The plain values with one part replaced."""
    if not path or not isinstance(value, list) or not value:
        return leaf
    place = path[0] % len(value)
    return [broken(one, path[1:], leaf) if at == place else one for at, one in enumerate(value)]


FORGED = [
    *[None, True, -1, 2**70, 1.5, "", "evil", "/", [], {}, ["fixed", ["number", "0"]], ["number", "1/0"]],
    *[["name", "who", True], ["apply", "/", []], ["text", "x"], ["number", "1e999999999"], ["case", [], []]],
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([json.loads(json.dumps(plain(parse(sql, "visits")))) for _, sql in PAIRS]),
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


DEEP = ["name", "age", True]
for _ in range(400):
    DEEP = ["apply", "negate", [DEEP]]


@pytest.mark.parametrize(
    "kept",
    [
        None,
        "SELECT 1",
        [],
        [[["statistic", "count", None, None, None]], [], None, None, [], 0],
        [[["statistic", "sum", None, None, None]], [], None, None, [], None],
        [[["statistic", "sum", DEEP, None, None]], [], None, None, [], None],
        [[["statistic", "median", ["name", "age", True], None, "0.001"]], [], None, None, [], None],
        [[["statistic", "quantile", ["name", "age", True], None, "2"]], [], None, None, [], None],
        [[["key", ["name", "ward", True], None]], [["name", "ward", True]], None, None, [], None],
    ],
)
def test_what_sql_would_not_say_is_refused(kept):
    with pytest.raises((CallerError, Refused)):
        query_of(kept)


COUNTED = ["statistic", "count", None, None, None]
AGE = ["name", "age", True]


@pytest.mark.parametrize(
    "shown",
    [
        ["statistic", "count", AGE, None, "1/2"],
        ["statistic", "quantile", AGE, None, "3/2"],
        ["statistic", "quantile", AGE, None, None],
        ["statistic", "median", AGE, None, "0.001"],
        ["statistic", "sum", None, None, None],
    ],
)
def test_what_sql_would_not_say_of_groups_is_refused(shown):
    having = ["or", [["compare", ">", COUNTED, ["number", "1"]], ["compare", ">", shown, ["number", "1"]]]]
    with pytest.raises((CallerError, Refused)):
        query_of([[COUNTED], [], None, having, [], None])
    with pytest.raises((CallerError, Refused)):
        query_of([[COUNTED], [], None, None, [[shown, True]], None])


@pytest.mark.parametrize("kind", ["and", "or"])
def test_a_test_of_groups_by_nothing_is_refused(kind):
    with pytest.raises(CallerError):
        query_of([[COUNTED], [], None, [kind, []], [], None])


def test_python_words_that_would_drop_a_condition_are_refused():
    young, old = col("age") < 30, col("age") > 60
    for wrong in (
        lambda: young and old,
        lambda: not young,
        lambda: 20 < col("age") < 30,
        lambda: [1] if young else [],
    ):
        with pytest.raises(CallerError) as caught:
            wrong()
        assert caught.value.code == "dp.question-truth"
    with pytest.raises(CallerError):
        bool(dp.count() > 3)
    for constant in (
        object(),
        math.nan,
        math.inf,
        None,
        [1],
        10**50,
        Decimal("1e999999999"),
        Decimal("1e-99999999"),
    ):
        with pytest.raises(CallerError):
            col("age").is_in([constant])
    with pytest.raises(Refused):
        VISITS.group_by("ward").query  # noqa: B018 - asked for what it refuses
    with pytest.raises(Refused):
        col("age") / col("pay")


FRAME = {"who": range(2000), "ward": ["A", "B", "A", "B"] * 500, "age": [30, 30, 41, 57] * 500}
KNOWN = dp.declare(max_rows=1, bounds={"age": (0, 120)}, keys={"ward": ["A", "B"]})


def test_a_frame_is_asked_without_a_workspace():
    table = dp.table(pa.table(FRAME), person="who", declaration=KNOWN)
    asked = table.where(col("age") > 35).group_by("ward").agg(n=dp.count(), m=dp.mean("age"))
    budget = dp.Budget.of("100")
    answer, left = asked.answer("90", budget=budget)
    assert [column.name for column in answer.columns] == ["ward", "n", "m"]
    assert [(row[0], round(row[1], -2)) for row in answer.rows] == [("A", 500), ("B", 500)]
    assert left.left == 10
    told = asked.explain(1)
    assert told == dp.explain(
        pa.table(FRAME),
        "SELECT ward, COUNT(*) AS n, AVG(age) AS m WHERE age > 35 GROUP BY ward",
        person="who",
        declaration=KNOWN,
        epsilon="1",
    )
    assert "who" not in repr(chain.col("age"))


@pytest.mark.extra
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_other_libraries_are_asked_alike(library):
    module = pytest.importorskip(library)
    table = dp.table(module.DataFrame(FRAME), person="who", declaration=KNOWN)
    answer, _ = table.group_by("ward").agg(n=dp.count()).answer(90, budget=dp.Budget.of("100"))
    assert [round(row[1], -2) for row in answer.rows] == [1000, 1000]
