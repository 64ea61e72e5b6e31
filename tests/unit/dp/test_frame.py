"""The library way: explicit budget, spent before looking, ungoverned and saying so."""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa
import pytest

from hedgerow import dp
from hedgerow.model.budget import PureEvent
from hedgerow.model.errors import CallerError, Fault, Refused

FRAME = pa.table(
    {
        "who": pa.array([1, 1, 1, 2, 3, None], pa.int32()),
        "ward": pa.array(["A", "A", "A", "B", None, "A"]).dictionary_encode(),
        "age": pa.array([30, 40, 50, 60, 70, 80], pa.uint64()),
        "raw": pa.array([b"x"] * 6, pa.binary()),
    }
)
DECLARED = dp.declare(max_rows=2, bounds={"age": (0, "120")}, keys={"ward": ["A", "B"]})
SURE = dp.Budget.of("1000000")


def ask(sql, frame=FRAME, budget=SURE, epsilon="1000000", declaration=DECLARED, person="who"):
    return dp.query(frame, sql, person=person, declaration=declaration, epsilon=epsilon, budget=budget)


def test_an_answer_and_the_budget_left():
    answer, left = ask("SELECT ward, COUNT(*) FROM frame GROUP BY ward", budget=dp.Budget.of("1000000"))
    assert answer.rows == (("A", 2), ("B", 1))
    assert answer.standing == "ungoverned: not in any ledger"
    assert left.left == 0
    assert answer.sentence.endswith("0 of 1000000 epsilon left.")


def test_an_exhausted_budget_refuses_before_reading():
    half = dp.Budget.of("0.5").spend(PureEvent(Fraction(1, 4)))
    with pytest.raises(Refused) as caught:
        ask("SELECT COUNT(*)", budget=half, epsilon="0.3")
    assert (caught.value.code, caught.value.row.exit) == ("dp.budget-exhausted", 5)


def test_what_is_not_declared_names_the_python_call():
    with pytest.raises(Refused) as caught:
        ask("SELECT AVG(age)", declaration=dp.declare(max_rows=1))
    assert "bounds of age" in caught.value.message
    assert "hedgerow.dp.declare(bounds={'age': (LOWER, UPPER)})" in caught.value.next_step


@pytest.mark.parametrize(
    ("condition", "code", "told"),
    [
        ("ward = 'Z'", "dp.undeclared-key-frame", "keys="),
        ("age > 120", "dp.out-of-bounds-frame", "bounds="),
    ],
)
def test_a_condition_nobody_meets_names_the_python_call_and_costs_nothing(condition, code, told):
    with pytest.raises(Refused) as caught:
        ask(f"SELECT COUNT(*) WHERE {condition}", budget=dp.Budget.of("0.001"))
    assert caught.value.code == code
    assert told in caught.value.next_step


@pytest.mark.parametrize("epsilon", [0, -1, float("nan"), float("inf"), 1e9, "x"])
def test_a_bad_epsilon_is_refused(epsilon):
    with pytest.raises(CallerError) as caught:
        ask("SELECT COUNT(*)", epsilon=epsilon)
    assert caught.value.code == "budget.not-a-number"


@pytest.mark.parametrize("bound", ["x", "nan", float("inf"), None, True, "1/0", "9" * 100])
def test_a_bad_bound_is_refused(bound):
    with pytest.raises(CallerError) as caught:
        dp.declare(max_rows=1, bounds={"age": (0, bound)})
    assert caught.value.code == "dp.bad-declaration"


def test_the_person_and_unreadable_columns_take_no_part():
    for column in ("who", "raw"):
        with pytest.raises(Refused) as caught:
            ask(f"SELECT COUNT({column})")
        assert caught.value.code == "dp.hidden-column"
    with pytest.raises(CallerError):
        ask("SELECT COUNT(*)", person="nobody")


def test_what_is_no_frame_is_refused():
    with pytest.raises(CallerError) as caught:
        ask("SELECT COUNT(*)", frame=[1, 2])
    assert caught.value.code == "dp.not-a-frame"


def test_explaining_reads_no_value():
    told = dp.explain(FRAME.slice(0, 0), "SELECT AVG(age)", person="who", declaration=DECLARED, epsilon=1)
    assert told["epsilon"] == "1"


@pytest.mark.extra
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_other_frames_give_the_same(library):
    pytest.importorskip(library)
    plain = FRAME.drop_columns(["raw"])
    frame = plain.to_pandas() if library == "pandas" else __import__("polars").from_arrow(plain)
    answer, _ = ask("SELECT ward, COUNT(*) FROM frame GROUP BY ward", frame=frame)
    assert answer.rows == (("A", 2), ("B", 1))


@pytest.mark.parametrize(
    "wrong", [{"keys": {"ward": "North"}}, {"bounds": {"age": "0:120"}}, {"bounds": {"age": (1, 2, 3)}}]
)
def test_keys_and_bounds_are_lists_and_pairs(wrong):
    with pytest.raises(CallerError) as caught:
        dp.declare(max_rows=1, **wrong)
    assert caught.value.code == "dp.bad-declaration"


def days(values):
    return pa.Array.from_buffers(pa.date64(), len(values), [None, pa.array(values, pa.int64()).buffers()[1]])


@pytest.mark.parametrize("odd", [86_400_005, 2**62, -(2**62)])
def test_no_day_of_the_data_makes_a_join_fail(odd):
    known = pa.table({"day": pa.array([1], pa.int32()).cast(pa.date32()), "kind": ["h"]})
    frame = pa.table({"who": [1, 2, 3], "day": days([86_400_000, 86_400_000, odd])})
    sql = "SELECT COUNT(*) FROM frame f JOIN known k ON f.day = k.day"
    answer, _ = dp.query(
        frame,
        sql,
        person="who",
        declaration=dp.declare(max_rows=1),
        epsilon="1000000",
        budget=SURE,
        public={"known": known},
    )
    assert answer.rows in (((2,),), ((3,),))


def test_a_failure_after_the_price_was_paid_tells_nothing_of_the_data(monkeypatch):
    def failing(*_):
        raise pa.ArrowInvalid("the cell holds 4711")

    monkeypatch.setattr("hedgerow.kernel.aggregation.aggregate", failing)
    with pytest.raises(Fault) as caught:
        ask("SELECT COUNT(*)")
    assert caught.value.code == "engine.failed"
    assert "4711" not in f"{caught.value!r} {caught.value.message} {caught.value.next_step}"
    assert caught.value.__suppress_context__
    with pytest.raises(Fault, match="stays spent"):
        dp.bounds(FRAME, "age", person="who", max_rows=1, epsilon="1", budget=SURE)
