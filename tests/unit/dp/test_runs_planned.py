"""What a run takes: one count or sum, how far one person moves it, in one answer and over all steps."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.model.errors import CallerError, HedgerowError, Refused
from hedgerow.model.plans import Clamp, ColumnDeclaration, DatasetDeclaration
from hedgerow.model.uses import Actor, ColumnView, DatasetView, RunView, UseRequest
from hedgerow.techniques.dp_query.counting import AdvanceRunning, DpRunning, arriving
from hedgerow.techniques.dp_query.single import in_steps, shown_steps, single_number
from hedgerow.techniques.dp_query.watching import AskWatch, DpWatch

COLUMNS = tuple(
    ColumnView(name, kind, "measure", "", in_vault=name == "who")
    for name, kind in (("who", "text"), ("age", "integer"), ("pay", "decimal"), ("ward", "text"))
)
CLAMPS = (
    ColumnDeclaration("age", Clamp(Fraction(0), Fraction(120))),
    ColumnDeclaration("pay", Clamp(Fraction(-5), Fraction(10))),
    ColumnDeclaration("ward", keys=("A", "B")),
)


def view(run=None, **bounds):
    declared = DatasetDeclaration(columns=CLAMPS, version=1, **(bounds or {"max_rows": 3}))
    return DatasetView("visits", 7, "who", COLUMNS, declared, {}, run=run)


def request(**parameters):
    return UseRequest(Actor("owner", "ana"), "care", "visits", parameters, "r-1", run="r")


def count(dataset=None, **more):
    asked = {"of": "COUNT(*)", "steps": 8, "epsilon": "1", **more}
    return DpRunning().plan(request(**asked), dataset or view())


def code(act):
    try:
        act()
    except HedgerowError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("sql", "steps", "digits"),
    [("COUNT(*)", 3, 0), ("COUNT(age)", 3, 0), ("COUNT(DISTINCT person)", 1, 0), ("SUM(age)", 360, 0)],
)
def test_one_person_moves_a_number_by_what_its_plan_says(sql, steps, digits):
    number = single_number(f"SELECT {sql} FROM visits", view())
    assert (number.sensitivity, number.digits) == (steps, digits)


def test_a_sum_of_decimals_counts_in_its_own_steps():
    number = single_number("SELECT SUM(pay) FROM visits WHERE ward = 'A'", view())
    assert number.sensitivity == 3 * 10 * 10**number.digits
    assert shown_steps(number.sensitivity, number.digits).rstrip("0").rstrip(".") == "30"


@pytest.mark.parametrize(
    "sql",
    ["SELECT AVG(age) FROM visits", "SELECT COUNT(*), SUM(age) FROM visits", "SELECT MEDIAN(age) FROM visits",
     "SELECT ward, COUNT(*) FROM visits GROUP BY ward", "SELECT COUNT(*) FROM visits LIMIT 1",
     "SELECT COUNT(*) FROM visits HAVING COUNT(*) > 3", "SELECT VARIANCE(age) FROM visits",
     "SELECT COUNT(*) AS n FROM visits ORDER BY n"],
)  # fmt: skip
def test_anything_but_one_count_or_sum_is_refused(sql):
    assert code(lambda: single_number(sql, view())) == "run.not-single"


def test_bounds_on_groups_do_not_bound_a_person_over_many_steps():
    """In one answer one row of a person counts; in each of ten steps it may be another."""
    bounds = {"max_rows": 10, "max_groups": 1, "max_rows_per_group": 1}
    assert single_number("SELECT COUNT(*) FROM visits", view(**bounds)).sensitivity == 1
    opened = count(view(**bounds))
    assert opened.run.contribution == 10
    assert opened.number.aggregation.max_rows == 10
    assert not opened.number.aggregation.bounds_groups
    # Where rows are bounded by groups alone, they are by the product.
    assert count(view(max_groups=2, max_rows_per_group=4)).run.contribution == 8


@pytest.mark.parametrize(
    "more",
    [{"of": "COUNT(DISTINCT person)"}, {"of": "COUNT(*) FROM other --"}, {"of": "SUM(age) /* x */"},
     {"of": "COUNT(*) FROM (SELECT who, COUNT(*) AS n FROM visits GROUP BY who) x;"},
     {"where": "age IN (SELECT age FROM visits)"}],
)  # fmt: skip
def test_a_running_count_looks_at_each_row_by_itself(more):
    assert code(lambda: count(**more)) == "run.not-by-rows"


def test_rows_gathered_of_a_person_are_watched_and_never_added_up_over_steps():
    """A gathered row moves one answer by one row; over many steps it would come again in each."""
    sql = "SELECT COUNT(*) FROM (SELECT person, SUM(age) AS m FROM visits GROUP BY person) t WHERE m > 100"
    assert single_number(sql, view()).sensitivity == 1
    assert code(lambda: arriving(sql, view())) == "run.not-by-rows"


@pytest.mark.parametrize(
    "more",
    [{"steps": 0}, {"steps": 10_001}, {"steps": "8"}, {"epsilon": None}, {"rho": "1"}, {"epsilon": "-1"},
     {"of": None}],
)  # fmt: skip
def test_malformed_wishes_open_nothing(more):
    with pytest.raises(CallerError):
        count(**more)


def test_a_step_opens_the_rows_that_arrived_and_costs_nothing():
    opened = count(where="age > 40")
    assert (opened.cost.epsilon, opened.body["since"]) == (1, 0)
    assert count(from_now=True).body["since"] == 7
    run = RunView("r", opened.body, step=2, through=5, opened=1, state="s")
    step = AdvanceRunning().plan(request(), view(run))
    assert (step.cost, step.grant.since, step.grant.columns) == (None, 5, frozenset({"age"}))
    with pytest.raises(CallerError):
        AdvanceRunning().plan(request(), view(RunView("r")))


def watch(**more):
    asked = {"of": "COUNT(*)", "above": "10", "positives": 2, "epsilon": "1", **more}
    return DpWatch().plan(request(**asked), view())


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [("SELECT COUNT(*) FROM visits WHERE age > 3", None), ("SELECT COUNT(DISTINCT person) FROM visits", None),
     ("SELECT SUM(age) FROM visits", "run.too-sensitive"), ("SELECT SUM(pay) FROM visits", "run.other-steps"),
     ("SELECT COUNT(who) FROM visits", "dp.hidden-column")],
)  # fmt: skip
def test_a_watch_is_asked_what_one_person_moves_no_more_than_it_was_opened_for(sql, wanted):
    run = RunView("r", watch().body, step=0, opened=1, state="s")
    assert code(lambda: AskWatch().plan(request(sql=sql), view(run))) == wanted


@pytest.mark.parametrize("more", [{"above": "x"}, {"above": "1e29"}, {"positives": 0}, {"positives": True}])
def test_a_threshold_and_the_yeses_are_numbers(more):
    with pytest.raises(CallerError):
        watch(**more)


def test_the_noise_is_that_of_the_number_watched():
    people, rows = watch(of="COUNT(DISTINCT person)"), watch()
    assert rows.run.scales == tuple(3 * scale for scale in people.run.scales)
    assert people.grant.columns == rows.grant.columns == frozenset()
    with pytest.raises(Refused):
        watch(epsilon="1e-12", of="SUM(pay)", positives=10_000)


@given(value=st.fractions(-1000, 1000), digits=st.integers(0, 4))
@settings(max_examples=50, deadline=None)
def test_a_threshold_is_the_least_number_of_steps_that_reaches_it(value, digits):
    steps = in_steps(value, digits, "--above")
    assert steps >= value * 10**digits > steps - 1
