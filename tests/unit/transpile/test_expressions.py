"""Proves that expressions and the groups made of them are the same whole numbers on each engine.

Random tables hold nulls, NaN, infinities, extreme integers and odd words; what they are held to is worked out
in plain Python, row by row. Each planted fault changes one rule of the text and is seen on rows of its own.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import event, given
from sqlglot import exp, parse_one
from tests.unit.transpile import drawn
from tests.unit.transpile.drawn import SOURCE, arrow_of, expected
from tests.unit.transpile.test_engines import _SETTINGS, ROWS, by_duck, by_postgres, duck, postgres
from tests.unit.transpile.test_texts import HOSTILE, code_of, read_back, skeleton, value_of
from tests.unit.transpile.worked import whole_of, worked

from hedgerow.kernel.aggregation import aggregate, number_people
from hedgerow.kernel.transpile import DIALECTS, expressions, fixed, transpile
from hedgerow.kernel.transpile.expressions import Word
from hedgerow.model.expressions import MOST, Cases, Extreme, Filled, Floor, Plus, Steps, Times, Whole
from hedgerow.model.plans import (
    Clamp,
    Column,
    Compare,
    Computed,
    CountRows,
    ExactAggregation,
    KeyDomain,
    Literal,
    SumValues,
)

__all__ = ["duck", "postgres"]  # fixtures

N = Steps(SumValues("n", Clamp(Fraction(-9), Fraction(9)), 0))
SMALL = Steps(SumValues("select", Clamp(Fraction(0), Fraction(300)), 0))
REAL = Steps(SumValues("real", Clamp(Fraction(-8), Fraction(3)), 2))
CENTS = Steps(SumValues("cents", Clamp(Fraction(-2), Fraction(90)), 1))
WIDE = Steps(SumValues("n", Clamp(Fraction(-MOST), Fraction(MOST)), 0))
IS_A = Compare("=", Column('we"ird ünï'), Literal("a"))


def summed(*made, digits=0, **more):
    """A plan of the sum of each expression, and of how many rows have one."""
    computed = tuple(Computed(f"made {at}", one, digits) for at, one in enumerate(made))
    sums = [
        part
        for at, one in enumerate(made)
        for part in (CountRows(f"made {at}"), replace(whole_of(one), column=f"made {at}"))
    ]
    return ExactAggregation((), tuple(sums), None, 100, computed=computed, **more)


EVERY = (
    Plus(N, REAL),
    Times(Plus(N, Whole(-4)), CENTS),
    Floor(Plus(Times(N, Whole(100_000)), Whole(3)), 7),
    Floor(Floor(REAL, 3), 2),
    Extreme((N, SMALL, REAL), is_greatest=True),
    Extreme((N, CENTS), is_greatest=False),
    Filled(REAL, -5),
    Cases(((IS_A, Whole(None)), (Compare("<", Column("n"), Literal(0)), N)), SMALL),
    Times(Whole(2**31), Whole(2)),
)
GROUPED = replace(
    summed(*EVERY),
    keys=(
        KeyDomain("g", ("low", "high", "nobody's"), Floor(Plus(N, Whole(9)), 10)),
        KeyDomain("is it", (True, False)),
        KeyDomain("h", (7, 9), Cases(((IS_A, Whole(1)),), Whole(0))),
    ),
)


@given(rows=drawn.tables(), plan=worked())
@_SETTINGS
def test_duckdb_equals_plain_python(duck, rows, plan):
    wanted = expected(rows, plan)
    event("some row counts" if any(map(any, wanted)) else "nothing counts")
    assert by_duck(duck, rows, plan) == wanted


@pytest.mark.extra
@given(rows=drawn.tables(), plan=worked())
@_SETTINGS
def test_postgresql_equals_plain_python(postgres, rows, plan):
    assert by_postgres(postgres, rows, plan) == expected(rows, plan)


def test_every_kind_at_once_in_duckdb(duck):
    assert by_duck(duck, ROWS, GROUPED) == expected(ROWS, GROUPED)


def test_a_person_is_bounded_in_the_groups_that_are_made(duck):
    plan = replace(GROUPED, max_rows_per_group=1)
    own = [row for row in ROWS if row[drawn.PERSON] is not None]
    table = arrow_of(own)
    people = number_people(table.column(drawn.PERSON))
    wanted = aggregate(table, table.column(drawn.RANK).to_numpy(), plan, people)
    assert by_duck(duck, ROWS, plan) == [tuple(one) for one in wanted] != expected(ROWS, plan)


@pytest.mark.extra
def test_every_kind_at_once_in_spark(spark_session):
    from hedgerow.techniques.dp_query.spark import SparkTable

    table = SparkTable(spark_session.createDataFrame(arrow_of(ROWS)))
    assert [tuple(one) for one in table.exact(GROUPED, drawn.PERSON, drawn.RANK)] == expected(ROWS, GROUPED)


def broken(monkeypatch, name):
    """Plant one fault."""
    known = expressions.KNOWN._functions

    def divided(layers, part):
        value = layers.word(part.inner)
        return Word(f"CAST(({value.text}) // {part.divisor} AS BIGINT)", value.layer)

    def of_some(layers, part):
        words = [layers.word(one) for one in part.parts]
        called = "GREATEST" if part.is_greatest else "LEAST"
        return Word(f"{called}({', '.join(one.text for one in words)})", max(one.layer for one in words))

    def unfilled(layers, part):
        return layers.word(part.inner)

    def first_alone(layers, part):
        return layers.word(part.left)

    def never(layers, part):
        return layers.word(part.otherwise)

    faults = {
        "cut toward zero": (Floor, divided),
        "null heeded by none": (Extreme, of_some),
        "null left": (Filled, unfilled),
        "one of two": (Plus, first_alone),
        "one of two factors": (Times, first_alone),
        "no condition": (Cases, never),
    }
    kind, function = faults[name]
    monkeypatch.setitem(known, kind, function)


@pytest.mark.parametrize(
    ("fault", "at"),
    [
        ("cut toward zero", 2),
        ("null heeded by none", 4),
        ("null heeded by none", 5),
        ("null left", 6),
        ("one of two", 0),
        ("one of two factors", 1),
        ("no condition", 7),
    ],
)
def test_a_fault_in_each_kind_is_seen(duck, monkeypatch, fault, at):
    plan = summed(EVERY[at])
    assert by_duck(duck, ROWS, plan) == expected(ROWS, plan)
    broken(monkeypatch, fault)
    assert by_duck(duck, ROWS, plan) != expected(ROWS, plan)


def test_a_fault_in_a_group_and_in_rounding_steps_is_seen(duck, monkeypatch):
    halves = Times(N, Whole(5))  # in tenths: every odd one lies half-way between two
    plan = summed(halves, digits=1)
    plan = replace(plan, aggregates=(SumValues("made 0", Clamp(Fraction(-3), Fraction(3)), 0),))
    assert by_duck(duck, ROWS, plan) == expected(ROWS, plan)
    grouped = replace(plan, keys=GROUPED.keys)
    assert by_duck(duck, ROWS, grouped) == expected(ROWS, grouped)
    monkeypatch.setattr(fixed, "_fewer", lambda word, ones, *_: f"CAST({word} // {ones} AS BIGINT)")
    assert by_duck(duck, ROWS, plan) != expected(ROWS, plan)
    monkeypatch.undo()
    moved = replace(grouped.keys[0], place=Plus(grouped.keys[0].place, Whole(1)))
    assert by_duck(duck, ROWS, replace(grouped, keys=(moved, *grouped.keys[1:]))) != expected(ROWS, grouped)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("rank", ["_rank", None])
def test_each_text_is_read_back_as_what_was_written(dialect, rank):
    plan = replace(GROUPED, max_groups=2 if rank is None else None)
    made = transpile(plan, replace(SOURCE, rank=rank), dialect)
    for text in filter(None, [made.bounding, made.aggregates]):
        assert isinstance(read_back(text, dialect), exp.Select)
        assert not re.search(r"\b(LEAST|GREATEST|ROUND|CEIL)\b", text)
    first = made.aggregates if made.bounding is None else made.bounding
    # A constant of fewer bits would overflow where two of them meet.
    big = "INT64" if dialect == "bigquery" else "BIGINT"
    assert f"CAST(2147483648 AS {big}) * CAST(2 AS {big})" in first


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", [HOSTILE[1], HOSTILE[5] + HOSTILE[2] + HOSTILE[6] + HOSTILE[-1]])
def test_a_constant_in_a_case_is_nothing_but_itself(dialect, text):
    def written(said):
        met = Compare("=", Column('a" b'), Literal(said))
        plan = replace(
            summed(Cases(((met, Whole(1)),), Whole(0))),
            keys=(KeyDomain("g", (said,), Cases(((met, Whole(0)),), Whole(None))),),
        )
        source = replace(SOURCE, columns={'a" b': SOURCE.columns['we"ird ünï']})
        return parse_one(transpile(plan, source, dialect).aggregates, read=dialect)

    tree = written(text)
    assert skeleton(tree) == skeleton(written("x"))
    told = [each for each in tree.find_all(exp.Cast) if each.is_type("text", "varchar")]
    assert {value_of(each.this) for each in told} == {text}


def test_what_could_overflow_or_is_not_exact_is_refused():
    source = SOURCE
    for made, digits in (
        (Times(WIDE, Whole(10)), 0),
        (Plus(WIDE, N), 0),
        (Floor(N, 0), 0),
        (Whole(10**18), 0),
        (N, 10),
        (Steps(SumValues("real", Clamp(Fraction(0), Fraction(2**54)), 0)), 0),
        (Steps(SumValues("fine", Clamp(Fraction(0), Fraction(2**54)), 0)), 0),
    ):
        plan = ExactAggregation((), (CountRows("made"),), None, 1, computed=(Computed("made", made, digits),))
        for dialect in DIALECTS:
            assert code_of(lambda p=plan, d=dialect: transpile(p, source, d)).code == "engine.bounds"
    twice = replace(summed(N), aggregates=(CountRows(),), computed=(Computed("a", N), Computed("a", N)))
    assert (
        code_of(lambda: transpile(twice, source, "duckdb")).details["element"]
        == "a computed column that is called like another"
    )


def test_the_widest_values_are_exact(duck):
    plan = summed(Floor(WIDE, MOST), Floor(WIDE, 2), Extreme((WIDE, Whole(MOST)), is_greatest=True))
    plan = replace(
        plan,
        aggregates=tuple(CountRows(f"made {at}") for at in range(3)),
        where=Compare("=", Column("made 1"), Literal(-(MOST // 2) - 1)),
    )
    assert by_duck(duck, ROWS, plan) == expected(ROWS, plan)
    assert expected(ROWS, plan)[0][0] > 0


def test_values_within_one_another_are_written_once(duck):
    inner = N
    for _ in range(12):
        inner = Extreme((Floor(inner, 2), Whole(-3)), is_greatest=True)
    plan = summed(inner)
    assert by_duck(duck, ROWS, plan) == expected(ROWS, plan)
    assert all(len(transpile(plan, SOURCE, dialect).aggregates) < 20_000 for dialect in DIALECTS)
