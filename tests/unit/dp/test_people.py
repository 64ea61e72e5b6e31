"""COUNT(DISTINCT person): who may be counted, at what cost, in plans, answers and the frame API."""

from __future__ import annotations

import json
from fractions import Fraction

import pyarrow as pa
import pytest
from tests.unit.dp.world import COLUMNS, DECLARED, plan, table

from hedgerow import dp
from hedgerow.kernel.aggregation import aggregate, draw_ranks
from hedgerow.model.answers import Answer
from hedgerow.model.canonical import canonical
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.plans import CountPeople
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query import plan_query, run

EXACT = "1000000"


@pytest.mark.parametrize("named", ["who", "WHO", '"who"', "(who)", "person", "Person", "visits.who"])
def test_the_person_is_named_by_its_column_or_by_the_word(named):
    made = plan(f"SELECT COUNT(DISTINCT {named}) FROM visits")
    assert made.aggregation.aggregates == (CountPeople(),)
    assert made.columns == frozenset()
    assert [(m.title, m.sensitivity) for m in made.measurements] == [("people", 1)]
    assert made.outputs[0].column.name == "people"


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("age", "dp.sql-unsupported"),
        ("ward", "dp.sql-unsupported"),
        ("nothing", "dp.unknown-column"),
        ('"person"', "dp.unknown-column"),
        ("email", "dp.hidden-column"),
    ],
)
def test_nothing_else_is_counted_distinct(named, code):
    with pytest.raises((Refused, CallerError)) as caught:
        plan(f"SELECT COUNT(DISTINCT {named})", hidden=("who", "email"))
    assert caught.value.code == code
    if code == "dp.sql-unsupported":
        assert "COUNT(DISTINCT person)" in caught.value.next_step


def test_a_column_called_person_goes_before_the_word():
    with pytest.raises(Refused) as caught:
        plan("SELECT COUNT(DISTINCT person)", columns={**COLUMNS, "person": ColumnType.TEXT})
    assert caught.value.code == "dp.sql-unsupported"
    made = plan_query(
        "SELECT COUNT(DISTINCT person)", DECLARED, {}, Fraction(1), "visits", ["person"], "person"
    )
    assert made.aggregation.counts_people


def test_counting_people_twice_costs_once_and_sorts():
    made = plan(
        "SELECT ward, COUNT(DISTINCT who) AS n, COUNT(DISTINCT person), COUNT(*) GROUP BY ward "
        "ORDER BY COUNT(DISTINCT who) DESC"
    )
    assert [m.title for m in made.measurements] == ["people", "rows"]
    assert made.measurements[0].sensitivity == 3
    assert made.order_by == ((1, True),)
    for by in ("COUNT(DISTINCT age)", "COUNT(who)"):
        with pytest.raises(Refused):
            plan(f"SELECT ward, COUNT(DISTINCT who) GROUP BY ward ORDER BY {by}")


def test_the_answer_says_what_it_counts_and_whom_it_may_miss():
    made = plan("SELECT ward, COUNT(DISTINCT who) AS n, COUNT(*) GROUP BY ward", EXACT)
    answer = run([[3, 5], [0, 0], [2, 2]], made)
    assert [row[1] for row in answer.rows] == [3, 0, 2]
    assert answer.sentence.startswith("Counts of people are within ±0 in 95 of 100 answers; counts are")
    assert any("may be missed" in note for note in answer.notes)
    assert Answer.from_dict(json.loads(canonical(answer.to_dict()))) == answer
    assert (answer.columns[1].kind, answer.columns[1].source) == ("people", None)


def test_a_frame_counts_people_and_nobody_is_nobody():
    frame = pa.table({"who": ["a", "a", "b", None, "c"], "ward": ["A", "A", "A", "A", "B"]})
    told = dp.declare(max_rows=2, keys={"ward": ["A", "B"]})
    answer, _ = dp.query(
        frame,
        "SELECT ward, COUNT(DISTINCT who) FROM frame GROUP BY ward",
        person="who",
        declaration=told,
        epsilon=EXACT,
        budget=dp.Budget.of(EXACT),
    )
    assert answer.rows == (("A", 2), ("B", 1))


def test_people_are_not_counted_without_saying_who_they_are():
    full = table([(1, "A", 1, None)])
    with pytest.raises(Fault) as caught:
        aggregate(full, draw_ranks(full.column("who")), plan("SELECT COUNT(DISTINCT who)").aggregation)
    assert caught.value.code == "dp.bad-aggregate"
