"""Proves that a wrong call from Python is an error that says what belongs there, before anything is spent."""

from __future__ import annotations

import datetime as dt
import inspect
import pickle
from fractions import Fraction

import pyarrow as pa
import pytest

from hedgerow import dp
from hedgerow.kernel.aggregation import number_people
from hedgerow.model.calls import LOSS, TEXT, TRUTH, WHOLE, Fit, door
from hedgerow.model.errors import CallerError, Fault, HedgerowError, Refused
from hedgerow.model.errors.in_python import arguments_of, worded

FRAME = pa.table({"who": ["a", "b", "c"], "ward": ["A", "B", "A"], "age": [1, 2, 3]})
DECLARED = dp.declare(max_rows=2, bounds={"age": (0, 100)}, keys={"ward": ["A", "B"]})
BUDGET = dp.Budget.of(4, "1e-6")
AGE = dp.col("age")
TABLE = dp.table(FRAME, person="who", declaration=DECLARED)
ASKED = TABLE.agg(n=dp.count())


def ask(frame=FRAME, sql="SELECT COUNT(*)", **given):
    usual = {"person": "who", "declaration": DECLARED, "epsilon": 1, "budget": BUDGET}
    return dp.query(frame, sql, **(usual | given))


def bounds(**given):
    usual = {"person": "who", "max_rows": 2, "epsilon": 1, "budget": BUDGET}
    return dp.bounds(FRAME, **({"column": "age"} | usual | given))


# What is called, the code, and a piece of the next step.
WRONG = {
    "a budget as text": (lambda: ask(budget="2"), "call.kind", "budget=hedgerow.dp.Budget.of(1)"),
    "no budget": (lambda: ask(budget=None), "call.kind", "Budget.of(1)"),
    "no declaration": (lambda: ask(declaration=None), "call.kind", "declaration=hedgerow.dp.declare("),
    "a declaration as mapping": (lambda: ask(declaration={"max_rows": 2}), "call.kind", "dp.declare("),
    "a person as number": (lambda: ask(person=3), "call.kind", "person='COLUMN'"),
    "SQL as number": (lambda: ask(sql=5), "call.kind", "'SELECT COUNT(*)'"),
    "a frame as columns": (lambda: ask(frame={"who": ["a"], "age": [1]}), "dp.not-a-frame", "Arrow table"),
    "an epsilon as list": (lambda: ask(epsilon=[1]), "call.kind", "epsilon=0.5"),
    "an epsilon as truth": (lambda: ask(epsilon=True), "call.kind", "epsilon=0.5"),
    "no price": (lambda: ask(epsilon=None), "dp.one-price", "epsilon=0.5 or rho=0.01"),
    "a rho of zero": (lambda: ask(epsilon=None, rho=0), "budget.not-a-number", "such as 0.01"),
    "public as list": (lambda: ask(public=[FRAME]), "call.kind", "public={'wards': FRAME}"),
    "a rank as number": (lambda: ask(rank=3), "call.kind", "rank='COLUMN'"),
    "without a person": (lambda: dp.query(FRAME, "SELECT COUNT(*)"), "call.missing", "person='COLUMN'"),
    "a name mistyped": (lambda: ask(epsilonn=1), "call.unknown", "Write epsilon="),
    "a name it has not": (lambda: ask(seed=1), "call.unknown", "It takes frame, sql, person"),
    "a column mistyped": (lambda: ask(sql="SELECT AVG(agee)"), "dp.unknown-column", "that the frame has"),
    "where with text": (lambda: TABLE.where("age > 3"), "call.kind", "hedgerow.dp.col('age') > 30"),
    "where with a statistic": (lambda: TABLE.where(dp.count() > 3), "call.kind", "hedgerow.dp.col"),
    "group_by with a number": (lambda: TABLE.group_by(3), "call.kind", "'COLUMN'"),
    "agg with text": (lambda: TABLE.agg(n="count"), "call.kind", "name=hedgerow.dp.count()"),
    "agg without names": (lambda: TABLE.agg(dp.count()), "call.too-many", "name=hedgerow.dp.count()"),
    "having with text": (lambda: TABLE.having("n > 3"), "call.kind", "hedgerow.dp.count() > 100"),
    "order_by otherwise": (lambda: TABLE.order_by("n", desc=True), "call.unknown", "descending"),
    "an answer of nothing": (ASKED.answer, "call.missing", "budget=hedgerow.dp.Budget.of(1)"),
    "an answer without budget": (lambda: ASKED.answer(1), "call.missing", "budget="),
    "an answer for a purpose": (
        lambda: ASKED.answer(1, budget=BUDGET, purpose="x"),
        "call.unknown",
        "It takes",
    ),
    "an explanation": (lambda: ASKED.explain(1, budget=BUDGET), "call.unknown", "It takes epsilon"),
    "a statistic of a number": (lambda: dp.sum(3), "call.kind", "'COLUMN'"),
    "a statistic of nothing": (lambda: dp.mean(None), "call.kind", "'COLUMN'"),
    "a quantile as text": (lambda: dp.quantile("age", "1e999999999"), "call.kind", "0.25"),
    "a column as number": (lambda: dp.col(3), "call.kind", "'COLUMN'"),
    "one of text": (lambda: AGE.is_in("abc"), "call.kind", "['A', 'B']"),
    "half a clamp": (lambda: AGE.clamp(1), "call.missing", "upper="),
    "a branch of three": (lambda: dp.case((AGE > 3, 1, 2)), "call.kind", "1)"),
    "and with text": (lambda: (AGE > 3) & "x", "call.kind", "hedgerow.dp.col"),
    "or with text": (lambda: (dp.count() > 3) | "x", "call.kind", "hedgerow.dp.count()"),
    "bounds with another budget": (lambda: bounds(budget=2), "call.kind", "Budget.of(1)"),
    "bounds of a number": (lambda: bounds(column=3), "call.kind", "'COLUMN'"),
    "bounds by a number": (lambda: bounds(person=3), "call.kind", "'COLUMN'"),
    "bounds without rows": (
        lambda: bounds(max_rows=0),
        "dp.bad-declaration",
        "hedgerow.dp.declare(max_rows=N)",
    ),
    "rows as text": (lambda: dp.declare(max_rows="2"), "call.kind", "max_rows=1"),
    "no rows": (lambda: dp.declare(max_rows=0), "call.kind", "max_rows=1"),
    "bounds as list": (lambda: dp.declare(bounds=[1, 2]), "call.kind", "(LOWER, UPPER)"),
    "one bound": (
        lambda: dp.declare(bounds={"age": 3}),
        "dp.bad-declaration",
        "bounds={'age': (LOWER, UPPER)}",
    ),
    "no bound": (
        lambda: dp.declare(bounds={"age": (None, 1)}),
        "dp.bad-declaration",
        "{'age': (LOWER, UPPER)}",
    ),
    "keys as list": (lambda: dp.declare(keys=["ward"]), "call.kind", "[VALUE, ...]"),
    "keys of a number": (
        lambda: dp.declare(keys={"ward": 3}),
        "dp.bad-declaration",
        "keys={'ward': [VALUE, ...]}",
    ),
    "another unit": (lambda: dp.declare(unit="family"), "call.kind", "unit='person'"),
    "by place": (lambda: dp.declare(2), "call.too-many", "max_rows="),
    "a budget of nothing": (dp.Budget.of, "call.missing", "4"),
    "a budget of none": (lambda: dp.Budget.of(None), "call.kind", "4"),
    "spending text": (lambda: BUDGET.spend("1"), "call.kind", "PureEvent"),
    "a curve at a number": (
        lambda: dp.curve(FRAME, "SELECT COUNT(*)", person="who", declaration=DECLARED, epsilons=3),
        "call.kind",
        "[0.1, 0.5, 1]",
    ),
    "a run without threshold": (dp.above_threshold, "call.missing", "threshold="),
    "a count with another name": (lambda: dp.running_count(steps=3), "call.unknown", "It takes horizon"),
}


@pytest.mark.parametrize(("call", "code", "step"), WRONG.values(), ids=WRONG)
def test_a_wrong_call_says_what_belongs_there(call, code, step):
    with pytest.raises(HedgerowError) as caught:
        call()
    assert isinstance(caught.value, CallerError)
    assert caught.value.code == code
    assert step in caught.value.next_step
    assert "hedgerow dataset" not in caught.value.next_step
    assert "--" not in caught.value.message + caught.value.next_step


def test_every_public_function_has_the_door():
    unguarded = [
        name for name in dp.__all__
        if inspect.isfunction(getattr(dp, name)) and not hasattr(getattr(dp, name), "__wrapped__")
    ]  # fmt: skip
    assert unguarded == []


def test_a_column_that_stands_twice_costs_nothing():
    twice = FRAME.append_column("ward", FRAME["ward"])
    with pytest.raises(CallerError) as caught:
        ask(frame=twice)
    assert caught.value.code == "dp.ambiguous-column"
    assert "Rename" in caught.value.next_step


def test_a_date_with_stray_milliseconds_is_counted_where_it_is_found():
    day = 86_400_000
    ticks = pa.array([20_000 * day + each for each in range(900)], pa.int64()).view(pa.date64())
    people = pa.array([f"p{each}" for each in range(900)])
    declared = dp.declare(max_rows=1)
    budget = dp.Budget.of(40, "1e-6", own="5e-7")
    for days in (ticks, ticks.dictionary_encode()):
        frame = pa.table({"who": people, "day": days})
        told, _ = ask(
            frame, "SELECT day, COUNT(*) GROUP BY day", declaration=declared, epsilon=20,
            discover_keys="1e-8", budget=budget,
        )  # fmt: skip
        assert [row[0] for row in told.rows] == [dt.date(2024, 10, 4).isoformat()]
        # Noise of a scale below 1: off by 100 with a chance below e**-99.
        assert abs(told.rows[0][1] - 900) < 100


@pytest.mark.parametrize("error", [MemoryError("x"), Fault("dp.sum-overflow"), ValueError("19 Elm Street")])
def test_no_failure_tells_how_it_failed(monkeypatch, error):
    def fails(*_):
        raise error

    monkeypatch.setattr("hedgerow.techniques.dp_query.frame.run", fails)
    with pytest.raises(Fault) as caught:
        ask()
    assert caught.value.code == "engine.failed"
    assert caught.value.message == "The query engine could not finish the work (the price stays spent)."
    assert "off the budget by hand" in caught.value.next_step


def test_people_are_numbered_by_the_day_as_before():
    days = pa.chunked_array([pa.array([86_400_000, 86_400_001], pa.int64()).view(pa.date64())])
    assert number_people(days).tolist() == [0, 0]


@door("f", {"a": TEXT, "rest": WHOLE, "b": LOSS.or_none(), "named": TRUTH})
def called(a, *rest, b=None, **named):
    """Give back what was given."""
    return a, rest, b, named


def test_a_door_lets_through_what_fits():
    assert called("x", 1, 2, b=Fraction(1), c=True) == ("x", (1, 2), Fraction(1), {"c": True})
    assert called.__name__ == "called"
    assert list(inspect.signature(called).parameters) == ["a", "rest", "b", "named"]


@pytest.mark.parametrize(
    ("args", "named", "name"),
    [((1,), {}, "a"), (("x", True), {}, "rest"), (("x",), {"b": []}, "b"), (("x",), {"c": 1}, "named")],
)
def test_a_door_names_what_does_not_fit(args, named, name):
    with pytest.raises(CallerError) as caught:
        called(*args, **named)
    assert caught.value.details["name"] == name


def test_an_error_inside_leaves_as_it_is_but_for_its_next_step():
    @door("g", {"x": Fit("anything", "1", lambda _: True)})
    def fails(x):
        raise Refused("purpose.unknown", purpose=x)

    with pytest.raises(Refused) as caught:
        fails("p")
    assert (caught.value.code, caught.value.details) == ("purpose.unknown", {"purpose": "p"})
    assert pickle.loads(pickle.dumps(caught.value)).code == "purpose.unknown"  # noqa: S301 - our own bytes
    with pytest.raises(TypeError):
        door("h", {})(lambda: 1 + "x")()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Give --epsilon 0.5 or --rho 0.01.", "Give epsilon=0.5 or rho=0.01."),
        ("Leave --tune out.", "Leave tune out."),
        ("Its --request-id, or `hedgerow x --as y`.", "Its request_id, or `hedgerow x --as y`."),
        ("See: hedgerow dataset show a --json", "See: hedgerow dataset show a --json"),
        ("Name --keep a,b or --drop COL,COL.", "Name keep=a,b or drop=COL,COL."),
    ],
)
def test_options_are_told_as_arguments_and_commands_as_commands(text, told):
    assert worded(text) == told
    assert worded(told) == told


def test_a_command_that_declares_is_told_as_a_call():
    command = (
        "hedgerow dataset declare v --unit person --max-rows N --bounds 'a b=LOWER:UPPER' --keys w=VALUE,..."
    )
    assert arguments_of(command) == "max_rows=N, bounds={'a b': (LOWER, UPPER)}, keys={'w': [VALUE, ...]}"


def test_a_part_of_a_plan_is_told_in_words():
    for element, said in (("ExactAggregation.max_groups", "max-groups"), ("EdgeCounts", "edge counts")):
        told = CallerError("engine.element", element=element)
        assert (
            told.message
            == f"The query rests on {said}, which is not known to the compiler for other engines."
        )
