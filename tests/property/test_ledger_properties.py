"""Proves the ledger: it never exceeds a limit and never gives back, in any order and from several threads."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.adapters.store.memory import MemoryStore
from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.model.budget import NonPrivateEvent, PureEvent, ZcdpEvent
from hedgerow.model.errors import Refused
from hedgerow.model.records import Account, Charge
from hedgerow.model.uses import Actor
from hedgerow.spine.ledger import POPULATION, Ledger, event_json, read_event

QUICK = settings(max_examples=50, deadline=None)
OFFICER = Actor("owner", "officer")
ACCOUNTS = [("visits", "research"), ("visits", "care"), ("bills", "research")]
EXACT = st.fractions(Fraction(1, 900), 3, max_denominator=997)
EVENTS = st.one_of(
    EXACT.map(PureEvent),
    EXACT.map(PureEvent),
    EXACT.map(ZcdpEvent),
    st.sampled_from("RS").map(NonPrivateEvent),
)
STEPS = st.one_of(
    st.tuples(st.just("reserve"), st.sampled_from(ACCOUNTS), EVENTS),
    st.tuples(st.just("commit"), st.integers(0, 9), st.none()),
    st.tuples(st.just("allocate"), st.sampled_from([*ACCOUNTS, POPULATION]), EXACT),
)


class Stopped:
    def now(self):
        return datetime(2026, 3, 1, tzinfo=UTC)


def _try(store, ledger, number, where, event):
    """Reserve, and tell the refusal when there is one."""
    try:
        with store.write() as tx:
            ledger.reserve(tx, f"r{number}", *where, event, number)
    except Refused as error:
        return error.code
    return None


@given(st.lists(STEPS, max_size=30))
@QUICK
def test_any_run_of_acts_stays_within_every_limit_and_gives_nothing_back(steps):
    store, ledger = MemoryStore(), Ledger(Stopped())
    limits, spent, reserved = {}, dict.fromkeys([*ACCOUNTS, POPULATION], Fraction(0)), 0
    for verb, what, more in steps:
        before = _accounts(store)
        if verb == "allocate":
            limits[what] = more
            with store.write() as tx:
                ledger.allocate(tx, *what, more, OFFICER)
            assert _accounts(store) == before
        elif verb == "commit":
            with store.write() as tx:
                ledger.commit(tx, f"r{what}")
            assert _accounts(store) == before
        else:
            code = _try(store, ledger, reserved, what, more)
            assert code == _foreseen(what, more, limits, spent)
            reserved += 1
            if code is not None:
                assert _accounts(store) == before
                continue
            for where in (what, POPULATION):
                spent[where] += more.epsilon if isinstance(more, PureEvent) else 0
    for where, total in spent.items():
        with store.read() as reader:
            assert ledger.standing(reader, *where).spent_epsilon == total
    assert _recounted(store, ledger) == _accounts(store)


def _foreseen(where, event, limits, spent):
    if isinstance(event, NonPrivateEvent):
        return None
    if where not in limits:
        return "budget.unallocated"
    for account, code in ((where, "budget.exhausted"), (POPULATION, "budget.population-exhausted")):
        # Only pure events fit a limit without a delta.
        if isinstance(event, ZcdpEvent) or spent[account] + event.epsilon > limits.get(account, 0):
            return code
    return None


def _accounts(store):
    with store.read() as reader:
        return {(a.dataset, a.purpose): a for a in reader.find(Account)}


def _recounted(store, ledger):
    with store.read() as reader:
        return dict(ledger.recount(reader))


@given(st.sampled_from(ACCOUNTS), EVENTS)
@QUICK
def test_each_charge_debits_its_data_set_and_the_population(where, event):
    store, ledger = MemoryStore(), Ledger(Stopped())
    with store.write() as tx:
        for account in (where, POPULATION):
            ledger.allocate(tx, *account, Fraction(9), OFFICER)
    if _try(store, ledger, 7, where, event) is None:
        accounts = _accounts(store)
        assert set(accounts) == {where, POPULATION}
        own, everyone = accounts[where], accounts[POPULATION]
        assert (own.epsilon, own.rho, own.apart) == (everyone.epsilon, everyone.rho, everyone.apart)
        with store.read() as reader:
            (charge,) = reader.find(Charge)
        assert (charge.request, charge.entry, charge.committed) == ("r7", 7, False)
        assert read_event(charge.event) == event


@given(EVENTS)
@QUICK
def test_an_event_reads_back_exactly(event):
    ((kind, value),) = event_json(event).items()
    assert read_event(f"{kind} {value}") == event


@given(EXACT, st.lists(EXACT, min_size=1, max_size=20))
@QUICK
def test_a_limit_is_used_up_to_its_last_fraction_and_no_further(limit, costs):
    store, ledger, where = MemoryStore(), Ledger(Stopped()), ACCOUNTS[0]
    with store.write() as tx:
        ledger.allocate(tx, *where, limit, OFFICER)
        ledger.allocate(tx, *POPULATION, Fraction(100), OFFICER)
    for number, cost in enumerate(costs):
        _try(store, ledger, number, where, PureEvent(cost))
    with store.read() as reader:
        standing = ledger.standing(reader, *where)
    assert standing.spent_epsilon <= limit
    assert standing.left == limit - standing.spent_epsilon
    if standing.left:
        assert _try(store, ledger, 90, where, PureEvent(standing.left)) is None
    assert _try(store, ledger, 91, where, PureEvent(Fraction(1, 10**12))) == "budget.exhausted"


def test_a_negative_cost_debits_nothing():
    store, ledger = MemoryStore(), Ledger(Stopped())
    with store.write() as tx:
        ledger.allocate(tx, *ACCOUNTS[0], Fraction(1), OFFICER)
        ledger.allocate(tx, *POPULATION, Fraction(1), OFFICER)
    with pytest.raises(ValueError, match="negative"):
        _try(store, ledger, 0, ACCOUNTS[0], PureEvent(Fraction(-1)))
    assert _accounts(store) == {}


@pytest.mark.parametrize("stores", [1, 2])
def test_threads_on_one_file_never_spend_more_than_there_is(tmp_path, stores):
    path, ledger = tmp_path / "s.db", Ledger(Stopped())
    opened = [SqliteStore(path, create=n == 0) for n in range(stores)]
    with opened[0].write() as tx:
        for where in ACCOUNTS:
            ledger.allocate(tx, *where, Fraction(1), OFFICER)
        ledger.allocate(tx, *POPULATION, Fraction(2), OFFICER)
    outcomes = []

    def spend(worker):
        for n in range(8):
            where = ACCOUNTS[(worker + n) % len(ACCOUNTS)]
            code = _try(opened[worker % stores], ledger, worker * 100 + n, where, PureEvent(Fraction(1, 5)))
            outcomes.append(code)

    threads = [threading.Thread(target=spend, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    accounts = _accounts(opened[0])
    assert outcomes.count(None) == 10
    assert Fraction(accounts[POPULATION].epsilon) == 2
    assert all(Fraction(a.epsilon) <= 1 for where, a in accounts.items() if where != POPULATION)
    assert _recounted(opened[0], ledger) == accounts
    for store in opened:
        store.close()
