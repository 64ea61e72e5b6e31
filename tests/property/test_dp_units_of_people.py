"""Units in a workspace: what one unit, and one person, changes at most in what counts, and is charged.

Over random tables with the same secret draws for the rows that stay: a person taken away changes no more
counted rows than is charged, also where rows name several households; a household or a day no more than the
noise is for. Charging a household's loss to its people as it stands, or a person one day, is refuted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.attack.test_dp_neighbours import is_refuted
from tests.unit.dp.world import totals

from hedgerow.kernel.accounting import times
from hedgerow.kernel.aggregation import NEVER, aggregate, number_units, rank_units
from hedgerow.model.budget import ApproximateEvent, LaplaceEvent, PureEvent, SampledGaussianEvent, ZcdpEvent
from hedgerow.model.contribution import UnitBound
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.plans import Clamp, ColumnDeclaration, DatasetDeclaration
from hedgerow.model.uses import ColumnView, DatasetView
from hedgerow.techniques.dp_query import DpQuery, run

DAYS = (date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1))
DECLARED = DatasetDeclaration(
    max_rows=1,
    columns=(
        ColumnDeclaration("age", Clamp(Fraction(0), Fraction(120))),
        ColumnDeclaration("ward", keys=("A", "B")),
    ),
    version=1,
    household="flat",
    household_rows=3,
    day="seen",
    rows_per_day=2,
    max_days=2,
)
KINDS = {"age": "integer", "ward": "text", "flat": "text", "seen": "date", "pay": "decimal"}
SQL = "SELECT ward, COUNT(*), SUM(age), AVG(age), VARIANCE(age), MEDIAN(age) GROUP BY ward"
BY = {"household": "flat", "person-day": "seen"}


def random_rows(draw):
    """Make up to 20 rows of few people, households and days: so that bounds hold rows back."""
    told = ([0, 0, 1, 2, 3, None], ["1a", "1a", "1a", "1b", None], [*DAYS, DAYS[0], None], ["A", "B", None])
    ages = (-5, 0, 60, 120, 130)
    return [tuple(one[draw.integers(len(one))] for one in (*told, ages)) for _ in range(draw.integers(21))]


TABLES = st.integers(0, 2**32).map(lambda seed: random_rows(np.random.default_rng(seed)))
SCHEMA = pa.schema(
    [
        ("who", pa.int64()),
        ("flat", pa.string()),
        ("seen", pa.date32()),
        ("ward", pa.string()),
        ("age", pa.int64()),
    ]
)


def frame(rows):
    columns = zip(*rows, strict=True) if rows else [()] * len(SCHEMA)
    return pa.table(dict(zip(SCHEMA.names, map(list, columns), strict=True)), schema=SCHEMA)


def view(declared=DECLARED):
    columns = tuple(ColumnView(name, kind, "other", "", in_vault=False) for name, kind in KINDS.items())
    return DatasetView("visits", 1, "who", columns, declared, {})


def asked(unit, sql=SQL, declared=DECLARED, **price):
    parameters = {"sql": sql, "unit": unit} | (price or {"epsilon": "1"})
    return DpQuery().plan(type("Asked", (), {"parameters": parameters, "engine": ""}), view(declared))


def draws_of(rows, unit, seed, kept):
    """Give each row, and each day of a person, a draw of its own that it keeps when others go."""
    draw = np.random.default_rng(seed)
    of_rows = [draw.integers(0, 2**64, len(rows), dtype=np.uint64) for _ in range(2)]
    of_days = {
        pair: int(draw.integers(0, 2**62)) for pair in sorted({(r[0], str(r[2])) for r in rows}, key=str)
    }
    left = [rows[place] for place in kept]
    table = frame(left)
    asks = iter(range(2))

    def randomness(size):
        call = next(asks)
        if call and unit == "person-day":
            units = number_units(table["who"], unit, table["seen"])
            _, first = np.unique(units, return_index=True)
            drawn = [of_days[left[at][0], str(left[at][2])] for at in first]
            return np.array(drawn, dtype=np.uint64).tobytes()
        assert size == 8 * len(left)
        return of_rows[call][kept].tobytes()

    return table, randomness


def counted(rows, bound, seed, kept):
    """Tell which rows count, and the table of those that are there."""
    kept = np.array(kept, dtype=np.int64)
    table, randomness = draws_of(rows, bound.unit, seed, kept)
    ranks = rank_units(table["who"], table[bound.column], bound, randomness)
    assert set(np.unique(ranks)) <= {0, NEVER}
    return {int(place) for place in kept[ranks == 0]}, table, ranks


def vectors(made, table, ranks):
    spec = replace(made.aggregation, of_unit=None)
    if not table.num_rows:
        return [[0] * made.groups for _ in made.measurements]
    return totals(made, aggregate(table, ranks, spec))


def moved(made, rows, seed, kept):
    """Tell how many counted rows and how far each vector move where only some rows are kept."""
    bound = made.aggregation.of_unit
    everybody = list(range(len(rows)))
    one, *whole = counted(rows, bound, seed, everybody)
    other, *part = counted(rows, bound, seed, kept)
    pairs = zip(vectors(made, *whole), vectors(made, *part), strict=True)
    moves = [[a - b for a, b in zip(*pair, strict=True)] for pair in pairs]
    return len(one ^ other), moves


def holds(made, changed, moves, most, factor):
    assert changed <= most
    for move, measurement in zip(moves, made.measurements, strict=True):
        assert sum(map(abs, move)) <= measurement.sensitivity * factor
        assert sum(step**2 for step in move) <= measurement.square * factor**2


@settings(max_examples=50, deadline=None)
@given(TABLES, st.sampled_from(list(BY)), st.integers(0, 9), st.data())
def test_one_person_changes_no_more_than_is_charged_whatever_the_rows_name(rows, unit, seed, data):
    made = asked(unit)
    person = data.draw(st.sampled_from(sorted({row[0] for row in rows} - {None}) or [0]))
    kept = [place for place, row in enumerate(rows) if row[0] != person]
    bound = made.aggregation.of_unit
    holds(made, *moved(made, rows, seed, kept), bound.of_person, bound.times)
    assert made.cost == times(made.loss, bound.times)
    assert made.cost.epsilon == bound.times * made.loss.epsilon


def living(row):
    """Let each person name one household."""
    return (row[0], None if row[0] is None else ("1a", "1a", "2c", None)[row[0]], *row[2:])


@settings(max_examples=50, deadline=None)
@given(TABLES, st.sampled_from(list(BY)), st.integers(0, 9), st.data())
def test_one_unit_changes_no_more_than_the_noise_is_for(rows, unit, seed, data):
    made = asked(unit)
    rows = [living(row) for row in rows]
    named = [row[1] if unit == "household" else (row[0], row[2]) for row in rows]
    target = data.draw(st.sampled_from(sorted(set(named), key=str) or [None]))
    kept = [place for place, one in enumerate(named) if one != target or target is None]
    holds(made, *moved(made, rows, seed, kept), made.aggregation.of_unit.moved, 1)


@settings(max_examples=40, deadline=None)
@given(TABLES, st.sampled_from(list(BY)), st.integers(0, 9))
def test_no_more_rows_count_than_are_declared_and_none_without_a_unit(rows, unit, seed):
    bound = asked(unit).aggregation.of_unit
    kept, *_ = counted(rows, bound, seed, range(len(rows)))
    assert all(None not in (rows[at][0], rows[at][1 if unit == "household" else 2]) for at in kept)
    people = [rows[at][0] for at in kept]
    if unit == "household":
        homes = [rows[at][1] for at in kept]
        assert max(map(homes.count, homes), default=0) <= 3
        assert max(map(people.count, people), default=0) <= 1
        return
    days = [(rows[at][0], rows[at][2]) for at in kept]
    assert max(map(days.count, days), default=0) <= 2
    assert max((len({day for who, day in days if who == one}) for one in people), default=0) <= 2


HOME = DatasetDeclaration(max_rows=2, columns=DECLARED.columns, version=1, household="flat", household_rows=2)
FLAT = [(0, "1a", None, "A", 0)] * 2 + [(1, "1a", None, "B", 120)] * 2
ONE_A_DAY = replace(DECLARED, rows_per_day=1, max_days=1)


def first_seed(made, rows, kept, wanted):
    return next(seed for seed in range(200) if moved(made, rows, seed, kept)[0] == wanted)


def test_charging_a_household_to_its_people_as_it_stands_is_refuted():
    """A person leaves, and as many rows of the others come: twice as many as a household's noise is for."""
    made = asked("household", "SELECT ward, COUNT(*) GROUP BY ward", HOME)
    seed = first_seed(made, FLAT, [2, 3], 4)
    _, (move,) = moved(made, FLAT, seed, [2, 3])
    assert sum(map(abs, move)) == 2 * made.measurements[0].sensitivity
    assert made.cost.epsilon == 2 * made.loss.epsilon
    assert made.cost.parts == ((4, Fraction(2)),)


def test_charging_a_day_without_the_day_that_comes_in_its_place_is_refuted():
    rows = [(0, "1a", DAYS[0], "A", 0), (0, "1a", DAYS[1], "B", 0)]
    made = asked("person-day", "SELECT ward, COUNT(*) GROUP BY ward", ONE_A_DAY)
    seed = first_seed(made, rows, [1], 2)
    _, (move,) = moved(made, rows, seed, [1])
    assert sum(map(abs, move)) == made.measurements[0].sensitivity == 2 * ONE_A_DAY.rows_per_day


def test_days_beyond_those_declared_are_refuted_where_nothing_bounds_them():
    """A planted fault: the days of a person are not bounded, and are charged as if they were."""
    rows = [(0, "1a", day, "A", 0) for day in DAYS for _ in range(2)]
    made = asked("person-day", "SELECT COUNT(*)")
    bound = made.aggregation.of_unit
    assert moved(made, rows, 1, [])[0] == bound.of_person == 4
    unbounded = replace(made.aggregation, of_unit=replace(bound, each=3))
    assert moved(replace(made, aggregation=unbounded), rows, 1, [])[0] > bound.of_person


@pytest.mark.parametrize(("charged", "refuted"), [(2, False), (1, True)])
def test_an_attacker_sees_one_person_at_twice_a_households_epsilon_and_not_at_once(charged, refuted):
    made = asked("household", "SELECT ward, COUNT(*) GROUP BY ward", HOME, epsilon="2")
    seed, seen = first_seed(made, FLAT, [2, 3], 4), []
    for kept in (range(4), [2, 3]):
        _, table, ranks = counted(FLAT, made.aggregation.of_unit, seed, kept)
        exact = aggregate(table, ranks, replace(made.aggregation, of_unit=None))
        answers = [run(exact, made).rows for _ in range(1000)]
        seen.append(np.mean([a[0][1] >= 2 and a[1][1] <= 0 for a in answers]))
    assert is_refuted(charged * float(made.loss.epsilon), *seen, 1000) is refuted


@pytest.mark.parametrize("unit", list(BY))
def test_gaussian_noise_is_charged_by_the_square(unit):
    made = asked(unit, "SELECT COUNT(*)", rho="0.08")
    factor = made.aggregation.of_unit.times
    assert (made.loss, made.cost) == (ZcdpEvent(Fraction("0.08")), ZcdpEvent(Fraction("0.08") * factor**2))


def test_the_losses_of_groups():
    laplace = LaplaceEvent.of([(3, Fraction(1, 2)), (6, Fraction(1, 2))])
    assert times(laplace, Fraction(4, 3)) == LaplaceEvent.of([(4, Fraction(2, 3)), (8, Fraction(2, 3))])
    assert times(laplace, Fraction(1, 2)) == PureEvent(Fraction(1, 2)), "no half step is a number of steps"
    assert times(ZcdpEvent(Fraction(1)), Fraction(3)) == ZcdpEvent(Fraction(9))
    for wrong in (
        ApproximateEvent(ZcdpEvent(Fraction(1)), Fraction(1, 10**6)),
        ApproximateEvent(PureEvent(Fraction(1)), Fraction(1, 10**6)),
        SampledGaussianEvent(Fraction(1), Fraction(1, 2), Fraction(1), 1),
    ):
        with pytest.raises(CallerError) as caught:
            times(wrong, Fraction(2))
        assert caught.value.code == "budget.no-group"


@pytest.mark.parametrize(
    ("unit", "sql", "code"),
    [
        ("household", "SELECT COUNT(DISTINCT person)", "dp.unit-people"),
        (
            "household",
            "SELECT SUM(n) FROM (SELECT person, COUNT(*) AS n FROM visits GROUP BY person)",
            "dp.unit-people",
        ),
        ("household", "SELECT COUNT(*) WHERE flat = '1a'", "dp.hidden-column"),
        ("household", "SELECT flat, COUNT(*) GROUP BY flat", "dp.hidden-column"),
        ("person", "SELECT COUNT(*) WHERE flat = '1a'", "dp.hidden-column"),
        ("town", "SELECT COUNT(*)", "dp.unit-unknown"),
    ],
)
def test_what_a_unit_cannot_be_asked(unit, sql, code):
    with pytest.raises((Refused, CallerError)) as caught:
        asked(unit, sql)
    assert caught.value.code == code


@pytest.mark.parametrize("unit", list(BY))
def test_keys_are_not_found_and_bounds_not_looked_for_by_a_unit(unit):
    for more in (
        {"sql": "SELECT seen, COUNT(*) GROUP BY seen", "epsilon": "1", "discover_keys": "1e-6"},
        {"bounds_of": "pay", "epsilon": "1"},
    ):
        with pytest.raises(Refused) as caught:
            DpQuery().plan(type("Asked", (), {"parameters": {"unit": unit} | more, "engine": ""}), view())
        assert caught.value.code == "dp.unit-people"


@pytest.mark.parametrize("missing", ["max_rows", "household", "household_rows"])
def test_a_unit_must_be_declared_whole(missing):
    with pytest.raises(Refused) as caught:
        asked("household", "SELECT COUNT(*)", replace(DECLARED, **{missing: None}))
    assert caught.value.code == "dp.unit-undeclared"
    assert "--household COLUMN" in str(caught.value.details["command"])


def test_households_with_declared_keys_are_columns_like_others():
    keys = ColumnDeclaration("flat", keys=("1a",))
    made = asked("person", "SELECT flat, COUNT(*) GROUP BY flat", replace(DECLARED, columns=(keys,)))
    assert made.per_unit is None
    assert made.aggregation.groups == 1


def test_a_bound_on_units_is_never_left_out():
    """Whatever counts rows by ranks alone refuses a plan that bounds another unit."""
    made = asked("household")
    with pytest.raises(Fault):
        aggregate(frame([]), np.array([], dtype=np.int64), made.aggregation)


def test_what_is_told_of_a_bound():
    home = UnitBound("household", "flat", 4, 1)
    assert (home.moved, home.of_person, home.times) == (4, 2, Fraction(1, 2))
    assert home.said == "at most 4 rows of one household count, 1 row of any one person"
    day = UnitBound("person-day", "seen", 1, 10)
    assert (day.moved, day.of_person, day.times) == (2, 10, Fraction(5))
