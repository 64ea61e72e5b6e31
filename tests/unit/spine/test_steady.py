"""Proves that a clock that jumps revives nothing, destroys nothing, and stops uses until somebody looks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.attack.rolling import broken_arrival, founded
from tests.simulator.adapters import SetClock
from tests.simulator.asking import OWNER
from tests.simulator.model import CARE
from tests.simulator.recording import SQL, Counts

from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.records import JournalEntry, QuarantineBatch
from hedgerow.model.uses import UseRequest
from hedgerow.spine.entries import parse_entry
from hedgerow.spine.steady import MOST_AHEAD, MOST_BEHIND, SteadyClock


class Silent:
    def on_run(self):
        """Nobody listens."""

    def on_counted(self, exact):
        """Nobody listens."""


@pytest.fixture
def world():
    made = founded()
    made.collect("visits", ["ann", "bob"], with_consent=True)
    made.spine.intake.take(broken_arrival(made, ["cem"], [b"dan,x"]), OWNER)
    return made


def ask(world, name):
    wish = UseRequest(OWNER, CARE, "visits", {"sql": SQL.format(dataset="visits"), "epsilon": "0.01"}, name)
    return world.spine.gate.use(wish, Counts(Silent()))


def times(world):
    with world.read() as reader:
        return [parse_entry(entry.body)["time"] for entry in reader.find(JournalEntry)]


def waiting(world):
    with world.read() as reader:
        return reader.count(QuarantineBatch)


def code_of(act):
    with pytest.raises(HedgerowError) as caught:
        act()
    assert isinstance(caught.value, Fault)
    return caught.value.code


def test_a_small_step_back_stands_still_and_journal_times_do_not_go_back(world):
    for _ in range(3):
        world.clock.advance(hours=-2)
        ask(world, f"r{world.clock.now()}")
        world.restart()
    assert times(world) == sorted(times(world))


def test_within_a_process_what_was_over_stays_over(world):
    moment = world.spine.clock.now()
    world.clock.advance(hours=-3)
    assert world.spine.clock.now() == moment


def test_more_than_a_day_back_stops_uses_and_collecting_and_costs_nothing(world):
    before = dict(world.inner_store._tables)
    world.clock.advance(days=-1, hours=-1)
    world.restart()
    assert code_of(lambda: ask(world, "back")) == "clock.behind"
    late = lambda: world.spine.intake.take(broken_arrival(world, ["eve"], []), OWNER)  # noqa: E731
    assert code_of(late) == "clock.behind"
    assert world.inner_store._tables == before
    world.clock.advance(days=1, hours=1)
    world.restart()
    assert not ask(world, "back").replayed


def test_a_withdrawal_and_an_erasure_are_taken_at_any_time(world):
    world.clock.advance(days=-400)
    world.restart()
    world.service.choose("ann", "research", granted=False, notice="", channel="")
    world.service.erase_subject("bob")
    assert times(world) == sorted(times(world))
    world.service.verify()


def test_half_a_year_ahead_nothing_expires_and_uses_stop_until_the_clock_is_mended(world):
    world.clock.advance(days=MOST_AHEAD.days + 1)
    world.restart()
    assert waiting(world) == 1
    assert code_of(lambda: ask(world, "ahead")) == "clock.ahead"
    world.clock.advance(days=-MOST_AHEAD.days - 1)
    world.restart()
    ask(world, "ahead")
    assert waiting(world) == 1


def test_whoever_looked_may_go_by_the_clock_ahead_and_back_again(world):
    world.clock.advance(days=4000)
    world.restart()
    done = world.service.accept_clock()
    assert done["now"] > done["before"]
    assert ask_code(world, "late") == "purpose.ended"
    world.restart()
    assert waiting(world) == 0
    world.clock.advance(days=-4000)
    world.restart()
    assert code_of(lambda: ask(world, "again")) == "clock.behind"
    done = world.service.accept_clock()
    assert done["now"] < done["before"]
    world.restart()
    ask(world, "again")
    world.service.verify()


def ask_code(world, name):
    try:
        ask(world, name)
    except HedgerowError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("by", "is_trouble"), [(MOST_BEHIND, False), (MOST_BEHIND + timedelta(seconds=1), True)]
)
def test_the_limit_is_a_day(by, is_trouble):
    clock = SetClock()
    held = SteadyClock(clock, clock.now())
    clock.moment -= by
    assert (held.trouble() is not None) == is_trouble


def test_a_workspace_without_entries_goes_by_any_clock():
    clock = SteadyClock(SetClock(), None)
    assert clock.trouble() is None
    assert clock.accept() == clock.now() == clock.told()
