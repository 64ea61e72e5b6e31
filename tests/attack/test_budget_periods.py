"""A limit of a period narrows the limit of all time and never gives anything back.

A charge must fit both; a new period opens no more than all time still holds. A clock that was turned back
finds what was spent in the days it goes back to. Whoever writes to the database, without the keys, and moves
limits or the times of charges is found by the audit.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from fractions import Fraction

import pytest
from tests.attack.rolling import founded
from tests.simulator.model import CARE, POPULATION_LIMIT

from hedgerow.model.budget import PureEvent
from hedgerow.model.errors import HedgerowError
from hedgerow.model.periods import between, parse_period
from hedgerow.model.records import Charge, PeriodLimit
from hedgerow.spine.balance import POPULATION

CENT = Fraction(1, 100)
ALL_TIME = 5 * CENT


@pytest.fixture
def world():
    made = founded()
    made.collect("visits", ["ann", "bob", "cem"], with_consent=True)
    made.service.allocate("visits", CARE, ALL_TIME)
    return made


def found(act):
    try:
        act()
    except HedgerowError as error:
        return error.code
    return None


def ask(world, name, dataset="visits"):
    request, technique = world.request(("count", dataset, CARE, CENT), name)
    return found(lambda: world.spine.gate.use(request, technique))


def quarter_of(world):
    now = world.clock.now()
    return parse_period(f"{now.year}-Q{(now.month + 2) // 3}")


def go_past(world, period):
    over = datetime.combine(period.ends, time.max, UTC)
    world.clock.advance(seconds=(over - world.clock.now()).total_seconds() + 1)


def put(world, *records):
    with world.inner_store.write() as tx:
        for record in records:
            tx.put(record)


def held(world, kind):
    with world.read() as reader:
        return reader.find(kind)


def audit(world):
    return found(world.service.verify)


@pytest.mark.parametrize("period", ["quarter", "named"])
def test_a_use_fits_the_period_and_all_time_and_nothing_is_given_back(world, period):
    now = quarter_of(world)
    assert ask(world, "before") is None
    told = world.service.allocate("visits", CARE, 3 * CENT, period=now if period == "named" else "quarter")
    # What was spent in these days before the limit was set counts.
    assert (told["period"], told["spent"], told["left"]) == (now.name, "0.01", "0.02")
    assert [ask(world, f"a{n}") for n in range(3)] == [None, None, "budget.period-exhausted"]
    go_past(world, now)
    # The next quarter opens no more than all time still holds.
    assert [ask(world, f"b{n}") for n in range(3)] == [None, None, "budget.exhausted"]
    assert audit(world) is None


def test_the_population_has_periods_too(world):
    world.collect("bills", ["ann", "bob"])
    world.service.allocate(None, None, 2 * CENT, period="month")
    assert [ask(world, "a"), ask(world, "b", "bills"), ask(world, "c")] == [
        None,
        None,
        "budget.period-exhausted",
    ]
    told = world.spine.gate.explain(*world.request(("count", "visits", CARE, CENT), "d"))
    assert "The population" in told.reasons[0].text
    assert audit(world) is None


def test_a_limit_of_other_days_holds_nobody_back_and_none_stands_without_all_time(world):
    world.service.allocate("visits", CARE, CENT / 2, period=parse_period("2031"))
    assert ask(world, "a") is None
    world.service.add_purpose("planning", "to plan", "owner", date(2027, 1, 1))
    lacking = lambda: world.service.allocate("visits", "planning", CENT, period="year")  # noqa: E731
    assert found(lacking) == "budget.unallocated"


def test_so_many_as_foreseen_are_admitted_and_one_more_is_not(world):
    world.service.allocate("visits", CARE, 3 * CENT, period="month")
    told = world.service.forecast("visits", CARE, CENT)
    assert (told["queries_left"], told["holds_back"], told["periods"][0]["left"]) == (3, "period", "0.03")
    assert [ask(world, f"a{n}") for n in range(4)] == [None, None, None, "budget.period-exhausted"]


def test_a_limit_with_a_delta(world):
    world.service.allocate("visits", CARE, Fraction(1), Fraction(1, 10**6))
    world.service.allocate(None, None, POPULATION_LIMIT, Fraction(1, 10**6))
    world.service.allocate("visits", CARE, 4 * CENT, Fraction(1, 10**6), period="month")
    assert [ask(world, f"a{n}") for n in range(5)] == [None] * 4 + ["budget.period-exhausted"]
    assert audit(world) is None


def test_a_clock_turned_back_revives_nothing(world):
    first = quarter_of(world)
    world.service.allocate("visits", CARE, 2 * CENT, period="quarter")
    assert [ask(world, "a"), ask(world, "b")] == [None, None]
    then = world.clock.now()
    go_past(world, first)
    assert ask(world, "c") is None
    world.clock.advance(seconds=(then - world.clock.now()).total_seconds())
    assert ask(world, "d") == "clock.behind"
    world.spine.clock.accept()
    # Back in the first quarter its charges stand; forward again the one of the second does too.
    assert ask(world, "d") == "budget.period-exhausted"
    go_past(world, first)
    assert [ask(world, "e"), ask(world, "f")] == [None, "budget.period-exhausted"]


def test_a_charge_lies_in_the_period_of_its_entry(world):
    now = quarter_of(world)
    world.service.allocate("visits", CARE, CENT, period=now)
    go_past(world, now)
    world.clock.advance(seconds=-1)
    assert ask(world, "a") is None
    assert audit(world) is None


CHANGES = {
    "a wider limit": lambda limit: [replace(limit, epsilon="9/1")],
    "other days": lambda limit: [replace(limit, starts="2031-01-01", ends="2031-12-31")],
    "a delta": lambda limit: [replace(limit, delta="1/100")],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_limit_that_is_moved_is_found_also_when_it_is_put_back(world, change):
    world.service.allocate("visits", CARE, CENT, period=quarter_of(world))
    assert ask(world, "a") is None
    (limit,) = held(world, PeriodLimit)
    put(world, *change(limit))
    assert audit(world) == "records.differ"
    told = ask(world, "b")
    put(world, limit)
    assert audit(world) == ("records.rule-broken" if told is None else None)


def test_charges_that_are_dated_elsewhere_open_a_period_and_the_audit_tells(world):
    world.service.allocate("visits", CARE, CENT, period="quarter")
    assert [ask(world, "a"), ask(world, "b")] == [None, "budget.period-exhausted"]
    (charge,) = held(world, Charge)
    put(world, replace(charge, time="2019-01-01T00:00:00.000Z"))
    assert ask(world, "c") is None
    put(world, charge)
    assert audit(world) == "records.rule-broken"


def test_what_an_officer_states_after_a_restore_counts_in_the_period_of_that_day(world):
    ledger = world.spine.ledger
    world.service.allocate("visits", CARE, 2 * CENT, period="month")
    with world.inner_store.write() as tx:
        ledger.charge_unseen(tx, "stated", ("visits", CARE), PureEvent(2 * CENT), 10**9)
        (standing,) = ledger.periods(tx, ("visits", CARE))
        assert (standing.left, ledger.periods(tx, POPULATION)) == (0, ())


def test_some_days(world):
    today = world.clock.now().date()
    world.service.allocate("visits", CARE, CENT, period=between(today, today))
    assert [ask(world, "a"), ask(world, "b")] == [None, "budget.period-exhausted"]
    world.clock.advance(days=1)
    assert ask(world, "c") is None
    assert date.fromisoformat(held(world, PeriodLimit)[0].ends) == today
