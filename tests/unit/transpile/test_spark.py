"""Proves that a Spark DataFrame is asked as any frame is: Spark bounds and counts, integers come back."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pyarrow as pa
import pytest
from tests.unit.transpile import drawn
from tests.unit.transpile.drawn import FULL, expected
from tests.unit.transpile.test_engines import ROWS

from hedgerow import dp
from hedgerow.kernel.transpile import program
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.frames import is_spark
from hedgerow.model.plans import BinCounts, Clamp, CountRows, ExactAggregation, KeyDomain, SumValues
from hedgerow.techniques.dp_query.spark import SparkTable

pytestmark = pytest.mark.extra

TABLE = pa.table(
    {
        "who": [1, 1, 2, 3, 3, None, 4, 4, 4, 4],
        "place": [0, 1, 0, 0, 1, 0, 3, 1, 2, 0],
        "ward": ["A", "A", "B", None, "A", "A", "B", "B", "B", "B"],
        "age": [30, 40, 60, 70, 80, 90, 20, 20, 20, 20],
        "pay": [0.5, float("nan"), 2.5, 1.0, float("inf"), 9.0, 3.0, 3.0, 3.0, 3.0],
    }
)
DECLARED = dp.declare(max_rows=2, bounds={"age": (0, 120), "pay": (0, 10)}, keys={"ward": ["A", "B"]})
SURE = dp.Budget.of("1000000")
QUESTION = (
    "SELECT ward, COUNT(*), COUNT(DISTINCT who), SUM(age), AVG(pay), MEDIAN(age) FROM frame GROUP BY ward"
)


def ask(frame, sql=QUESTION, **more):
    return dp.query(frame, sql, person="who", declaration=DECLARED, epsilon="1000000", budget=SURE, **more)[0]


@pytest.fixture(scope="module")
def frame(spark_session):
    return spark_session.createDataFrame(TABLE)


def test_everything_at_once_equals_plain_python(spark_session):
    from tests.unit.transpile.drawn import arrow_of

    table = SparkTable(spark_session.createDataFrame(arrow_of(ROWS)))
    assert [tuple(one) for one in table.exact(FULL, drawn.PERSON, drawn.RANK)] == expected(ROWS, FULL)


def test_many_keys_are_joined_and_give_the_same(spark_session, frame, monkeypatch):
    value = SumValues("age", Clamp(Fraction(0), Fraction(120)), 0)
    keys = (KeyDomain("ward", ("B", "A", "nobody's")), KeyDomain("age", (20, 30, 2**70)))
    plan = ExactAggregation(keys, (CountRows(), value), None, 2, (BinCounts(value, 60),))
    listed = SparkTable(frame).exact(plan, "who", "place")
    monkeypatch.setattr(program, "_MOST_LISTED", 0)
    assert SparkTable(frame).exact(plan, "who", "place") == listed
    assert listed[0] == [2, 40, 2, 0, 0]
    assert listed[4] == [1, 30, 0, 1, 0]
    assert listed[2] == listed[6] == listed[8] == [0] * 5


def test_a_sum_that_does_not_fit_is_a_fault(spark_session):
    # 1024 times 2**53 is one too many for 64 bits.
    full = spark_session.range(1024).selectExpr("id AS who", "9007199254740992L AS age", "0 AS place")
    plan = ExactAggregation((), (SumValues("age", Clamp(Fraction(0), Fraction(2**53)), 0),), None, 1)
    with pytest.raises(Fault) as caught:
        SparkTable(full).exact(plan, "who", "place")
    assert caught.value.code == "dp.sum-overflow"
    assert SparkTable(full.limit(1023)).exact(plan, "who", "place") == [[1023 * 2**53]]
    assert SparkTable(full.limit(0)).exact(plan, "who", "place") == [[0]]


@pytest.mark.parametrize("rank", ["place", None])
def test_the_answer_is_that_of_the_same_rows_in_memory(spark_session, frame, rank):
    answer = ask(frame, rank=rank)
    # Four rows of person 4 are alike, so it does not matter which two are kept.
    assert answer.rows == ask(TABLE).rows
    assert [row[0] for row in answer.rows] == ["A", "B"]
    assert answer.rows[1][1] == 3
    assert answer.standing == "ungoverned: not in any ledger"
    assert spark_session.catalog.listTables() == []


def test_nothing_is_read_for_the_plan_and_the_person_is_no_column(spark_session):
    broken = spark_session.sql("SELECT 1L AS who, CAST(raise_error('a secret') AS BIGINT) AS age")
    told = dp.explain(broken, "SELECT SUM(age)", person="who", declaration=DECLARED, epsilon="1")
    assert told["columns"] == ["age"]
    assert dp.curve(broken, "SELECT SUM(age)", person="who", declaration=DECLARED)["outputs"]
    with pytest.raises(Refused):
        ask(broken, "SELECT SUM(who)")
    with pytest.raises(Fault) as caught:
        ask(broken, "SELECT SUM(age)")
    assert caught.value.code == "engine.failed"
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert spark_session.catalog.listTables() == []


def test_only_a_spark_frame_has_a_rank_and_it_must_be_there(frame):
    for given, name in ((TABLE, "place"), (frame, "nobody")):
        with pytest.raises(CallerError) as caught:
            ask(given, rank=name)
        assert caught.value.code == "dp.bad-rank"
    with pytest.raises(Refused):
        ask(frame, "SELECT COUNT(place)", rank="place")


def test_the_library_never_imports_pyspark():
    code = (
        "import sys; from hedgerow import dp; import pyarrow as pa\n"
        "t = pa.table({'who': [1], 'age': [2]}); d = dp.declare(max_rows=1, bounds={'age': (0, 9)})\n"
        "dp.query(t, 'SELECT SUM(age)', person='who', declaration=d, epsilon='1', budget=dp.Budget.of('1'))\n"
        "assert not [n for n in sys.modules if n.startswith(('pyspark', 'py4j'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_no_spark_frame_is_told_apart(frame):
    assert is_spark(frame)
    assert not is_spark(TABLE)
    assert not is_spark(frame.schema)
