"""Privacy units other than the person: bounded by themselves, labelled, and never added up with people's.

One unit, added or removed, moves each vector by at most its sensitivity, over random tables; an attacker
with two tables that differ in one household; and the fault of bounding people where households are protected.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.attack.test_dp_neighbours import is_refuted
from tests.unit.dp.world import totals

from hedgerow import dp
from hedgerow.kernel.aggregation import aggregate, as_column, draw_ranks, number_people, number_units
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.uses import DatasetView
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query import DpQuery, plan_query, run
from hedgerow.techniques.dp_query.units import unit_note

KINDS = {"ward": ColumnType.TEXT, "age": ColumnType.INTEGER, "seen": ColumnType.DATE}
DAYS = (date(2024, 2, 28), date(2024, 2, 29), date(1969, 12, 31))
SQL = "SELECT ward, COUNT(*), SUM(age), AVG(age) GROUP BY ward"
BY = {"household": "flat", "person-day": "seen"}
ROW = st.tuples(
    st.one_of(st.none(), st.integers(0, 3)),
    st.one_of(st.none(), st.sampled_from(["1a", "1b", "Ж"])),
    st.one_of(st.none(), st.sampled_from(DAYS)),
    st.sampled_from(["A", "B", None]),
    st.integers(-5, 130),
)


def frame(rows):
    kinds = {
        "who": pa.int64(),
        "flat": pa.string(),
        "seen": pa.date32(),
        "ward": pa.string(),
        "age": pa.int64(),
    }
    columns = {
        name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(kinds.items())
    }
    return pa.table(columns)


def declared(unit, max_rows=2, **more):
    column = BY.get(unit)
    bounds, keys = {"age": (0, 120)}, {"ward": ["A", "B"]}
    return dp.declare(max_rows=max_rows, bounds=bounds, keys=keys, unit=unit, unit_column=column, **more)


def planned(unit, sql=SQL, epsilon="1", **more):
    return plan_query(sql, declared(unit, **more), KINDS, Fraction(epsilon), "visits", ("who", "flat"), "who")


def unit_of(row, unit):
    who, flat, seen, *_ = row
    told = (flat,) if unit == "household" else (who, seen)
    return None if None in (who, *told) else told


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=20), st.sampled_from(list(BY)))
def test_rows_of_a_unit_have_one_number_and_no_other_has_it(rows, unit):
    table = frame(rows)
    units = number_units(table["who"], unit, table[BY[unit]]).tolist()
    known = [(number, unit_of(row, unit)) for number, row in zip(units, rows, strict=True)]
    assert all((number < 0) == (named is None) for number, named in known)
    pairs = {pair for pair in known if pair[1] is not None}
    assert len(pairs) == len({number for number, _ in pairs}) == len({named for _, named in pairs})


def test_times_of_one_day_are_one_day():
    times = pa.array(
        [
            datetime(2024, 2, 29, 0, 0, 1, tzinfo=UTC),
            datetime(2024, 2, 29, 23, 59, tzinfo=UTC),
            datetime(2024, 3, 1, tzinfo=UTC),
        ]
    )
    first, second, third = number_units(pa.array([7, 7, 7]), "person-day", times).tolist()
    assert first == second != third


def vectors(rows, made, units=None):
    table = frame(rows)
    numbers = number_units(table["who"], made.unit, table[BY[made.unit]]) if units is None else units(table)
    return totals(made, aggregate(table, draw_ranks(as_column(numbers)), made.aggregation, numbers))


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=20), st.sampled_from(list(BY)), st.data(), st.one_of(st.none(), st.just(1)))
def test_one_unit_moves_each_vector_by_at_most_the_sensitivity(rows, unit, data, groups):
    """The rows of one unit alone are the difference of two neighbours."""
    made = planned(unit, max_groups=groups)
    target = data.draw(st.sampled_from(sorted({unit_of(row, unit) for row in rows} - {None}) or [None]))
    own = vectors([row for row in rows if target and unit_of(row, unit) == target], made)
    for vector, measurement in zip(own, made.measurements, strict=True):
        assert sum(map(abs, vector)) <= measurement.sensitivity
        assert sum(value**2 for value in vector) <= measurement.square


FLAT = [(who, "1a", DAYS[0], "A", 100) for who in range(8)]
OTHERS = [(who, f"f{who}", DAYS[0], "A", 100) for who in range(10, 40)]


def by_person(table):
    """Plant a fault: people are bounded where households are protected."""
    return number_people(table["who"])


@pytest.mark.parametrize(("units", "refuted"), [(None, False), (by_person, True)])
def test_a_household_is_not_seen_and_bounding_its_people_is_refuted(units, refuted):
    made = planned("household", "SELECT COUNT(*) AS n")
    seen = []
    for rows in (OTHERS + FLAT, OTHERS):
        (exact,) = vectors(rows, made, units)
        answers = [run([exact], made).rows[0][0] for _ in range(1200)]
        seen.append(np.mean([answer >= 30 + 4 for answer in answers]))
    assert is_refuted(1, *seen, 1200) is refuted


def asked(unit, sql="SELECT COUNT(*)", budget_unit=None, **more):
    budget = dp.Budget.of(5, unit=budget_unit or unit)
    paid = {"epsilon": 1, "budget": budget} | more
    return dp.query(frame(FLAT), sql, person="who", declaration=declared(unit), **paid)


@pytest.mark.parametrize("unit", list(BY))
def test_every_answer_says_what_is_not_protected(unit):
    answer, left = asked(unit)
    assert (answer.unit, left.unit) == (unit, unit)
    assert answer.notes[0] == unit_note(unit)
    assert f"of one {unit} count" in answer.notes[1]
    assert type(answer).from_dict(answer.to_dict()).notes[0] == unit_note(unit)
    told = dp.explain(frame(FLAT), "SELECT COUNT(*)", person="who", declaration=declared(unit), epsilon=1)
    assert told["unit"] == unit


def test_a_day_is_said_not_to_be_a_history():
    assert "A person's whole history is NOT protected" in unit_note("person-day")


def test_a_household_counts_as_many_rows_as_declared():
    answer, _ = asked("household", epsilon=500, budget=dp.Budget.of(500, unit="household"))
    assert answer.rows == ((2,),)


@pytest.mark.parametrize(("unit", "other"), [("household", "person"), ("person", "person-day")])
def test_losses_of_different_units_are_never_added_up(unit, other):
    with pytest.raises(Refused) as caught:
        asked(unit, budget_unit=other)
    assert caught.value.code == "dp.budget-other-unit"


@pytest.mark.parametrize(
    ("sql", "more"),
    [
        ("SELECT COUNT(DISTINCT who)", {}),
        ("SELECT flat2, COUNT(*) GROUP BY flat2", {"discover_keys": "1e-6"}),
    ],
)
def test_what_counts_people_is_refused(sql, more):
    with pytest.raises((Refused, CallerError)) as caught:
        asked("household", sql.replace("flat2", "seen"), **more)
    assert caught.value.code == "dp.unit-people"


def test_a_household_is_named_by_no_query():
    with pytest.raises(Refused) as caught:
        asked("household", "SELECT COUNT(*) WHERE flat = '1a'")
    assert caught.value.code == "dp.hidden-column"


@pytest.mark.parametrize("wrong", [{"unit_column": None}, {"unit_column": "who"}, {"unit_column": "x"}])
def test_a_unit_needs_its_column(wrong):
    stated = {"max_rows": 1, "unit": "person-day", "unit_column": "seen"} | wrong
    with pytest.raises(CallerError) as caught:
        dp.query(
            frame(FLAT), "SELECT COUNT(*)", person="who", declaration=dp.declare(**stated), epsilon=1,
            budget=dp.Budget.of(1, unit=stated["unit"]),
        )  # fmt: skip
    assert caught.value.code == "dp.unit-column"


def test_a_workspace_whose_budgets_are_of_people_refuses_other_units():
    view = DatasetView("visits", 1, "who", (), DatasetDeclaration(unit="person-day", max_rows=1), {})
    request = type("Request", (), {"parameters": {"sql": "SELECT COUNT(*)", "epsilon": "1"}})
    with pytest.raises(Refused) as caught:
        DpQuery().plan(request, view)
    assert caught.value.code == "dp.unit-in-workspace"
