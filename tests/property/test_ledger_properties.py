"""Proves the ledger: it never exceeds a limit and never gives back, in any order and from several threads."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.adapters.store.memory import MemoryStore
from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.kernel.accounting import admits, compose, zcdp_epsilon
from hedgerow.model.budget import (
    ApproximateEvent,
    LaplaceEvent,
    Limit,
    NonPrivateEvent,
    PureEvent,
    SampledGaussianEvent,
    ZcdpEvent,
)
from hedgerow.model.errors import Fault, Refused
from hedgerow.model.records import Account, Charge
from hedgerow.model.uses import Actor
from hedgerow.spine.balance import POPULATION, bound_of
from hedgerow.spine.ledger import Ledger, event_json, is_fold, read_event, totals_of
from hedgerow.spine.restating import own_chances, restated

EXHAUSTED = ("budget.exhausted", "budget.population-exhausted", "budget.delta-exhausted")
QUICK = settings(max_examples=50, deadline=None)
OFFICER = Actor("owner", "officer")
ACCOUNTS = [("visits", "research"), ("visits", "care"), ("bills", "research")]
EXACT = st.fractions(Fraction(1, 900), 3, max_denominator=997)
SURE = st.one_of(
    EXACT.map(PureEvent),
    EXACT.map(PureEvent),
    EXACT.map(ZcdpEvent),
    st.lists(st.tuples(st.integers(1, 10**12), EXACT), min_size=1, max_size=3).map(LaplaceEvent.of),
)
SAMPLED = st.builds(
    SampledGaussianEvent,
    EXACT,
    st.fractions(Fraction(1, 99), 1),
    EXACT,
    st.integers(1, 10**6),
    st.sampled_from([Fraction(0), Fraction(1, 10**20)]),
)
CHANCES = st.sampled_from([Fraction(1, 10**9), Fraction(1, 400), Fraction(1, 300), Fraction(1, 100)])
EVENTS = st.one_of(
    SURE, st.builds(ApproximateEvent, SURE | SAMPLED, CHANCES), st.sampled_from("RS").map(NonPrivateEvent)
)
LIMITS = st.builds(Limit, EXACT.map(lambda e: e * 4), st.sampled_from([0, Fraction(1, 100)]).map(Fraction))
CHANCES_SPENT = Fraction(1, 1000)
STEPS = st.one_of(
    st.tuples(st.just("reserve"), st.sampled_from(ACCOUNTS), EVENTS),
    st.tuples(st.just("commit"), st.integers(0, 9), st.none()),
    st.tuples(st.just("allocate"), st.sampled_from([*ACCOUNTS, POPULATION]), LIMITS),
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


@given(st.none() | LIMITS, st.lists(STEPS, max_size=30))
@QUICK
def test_any_run_of_acts_stays_within_every_limit_and_gives_nothing_back(opening, steps):
    store, ledger = MemoryStore(), Ledger(Stopped())
    limits, held, reserved = {}, {where: [] for where in (*ACCOUNTS, POPULATION)}, 0
    if opening is not None:
        steps = [*(("allocate", where, opening) for where in held), *steps]
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
            assert code == _foreseen(what, more, limits, held)
            reserved += 1
            if code is not None:
                assert _accounts(store) == before
                continue
            for where in (what, POPULATION):
                held[where].append(more)
    for where, events in held.items():
        with store.read() as reader:
            standing, total = ledger.standing(reader, *where), compose(events)
            assert standing.spent == replace(total, releases=frozenset())
            assert ledger.history(reader, *where) == events
    assert _recounted(store, ledger) == _accounts(store)


def _foreseen(where, event, limits, held):
    if isinstance(event, NonPrivateEvent):
        return None
    if where not in limits:
        return "budget.unallocated"
    for account, code in ((where, "budget.exhausted"), (POPULATION, "budget.population-exhausted")):
        limit, total = limits.get(account, Limit(Fraction(0))), compose([*held[account], event])
        if isinstance(event, ZcdpEvent | ApproximateEvent) and not limit.delta:
            return "budget.no-delta"
        half, rho = limit.delta / 2, total.rho + total.pure_rho
        by_sum = total.rho == 0 and total.pure <= limit.epsilon
        by_tail = half and zcdp_epsilon(rho, half) <= limit.epsilon
        if total.delta > half and isinstance(event, ApproximateEvent):
            return "budget.delta-exhausted"
        if total.delta > half or not (by_sum or by_tail):
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


@pytest.mark.parametrize("text", ["laplace", "laplace 0:1/2", "laplace 3:0", "laplace 3:-1/2"])
def test_noise_that_means_nothing_is_no_event(text):
    with pytest.raises(ValueError, match=r"Laplace|unpack"):
        read_event(text)


@pytest.mark.parametrize(
    "text",
    [
        "approximate 0/1 pure 1/2",
        "approximate 1/1 pure 1/2",
        "approximate -1/2 pure 1/2",
        "approximate 1/2 sampled-gaussian 1/2,2/1,1/1,0/1,9",
        "approximate 1/2 sampled-gaussian 1/2,1/2,0/1,0/1,9",
        "approximate 1/2 sampled-gaussian 1/2,1/2,1/1,2/1,9",
    ],
)
def test_a_chance_or_a_run_that_means_nothing_is_no_event(text):
    with pytest.raises(ValueError, match=r"chance|rate"):
        read_event(text)


@pytest.mark.parametrize("inner", ["non-private R-1", "approximate 1/9 pure 1/2", "gaussian 1/2"])
def test_a_chance_stands_beside_a_sure_loss_only(inner):
    with pytest.raises(Fault) as unknown:
        read_event(f"approximate 1/100 {inner}")
    assert unknown.value.code == "ledger.unknown-event"


def test_half_of_a_delta_is_for_charges_with_a_chance_of_their_own_and_no_more():
    store, ledger = MemoryStore(), Ledger(Stopped())
    small = ApproximateEvent(PureEvent(Fraction(1, 10**6)), Fraction(1, 600))
    with store.write() as tx:
        for account in (ACCOUNTS[0], POPULATION):
            ledger.allocate(tx, *account, Limit(Fraction(3), Fraction(1, 100)), OFFICER)
    with store.read() as reader:
        assert ledger.balance(reader, *ACCOUNTS[0]).more(small) == 3
    codes = [_try(store, ledger, number, ACCOUNTS[0], small) for number in range(4)]
    assert codes == [None, None, None, "budget.delta-exhausted"]
    assert _try(store, ledger, 9, ACCOUNTS[0], small.event) is None
    assert _accounts(store)[ACCOUNTS[0]].delta == "1/200"
    with store.write() as tx:
        for account in (ACCOUNTS[0], POPULATION):
            ledger.allocate(tx, *account, Fraction(3), OFFICER)
    assert _try(store, ledger, 10, ACCOUNTS[0], small) == "budget.no-delta"


def test_after_a_statement_no_chance_of_their_own_is_left_to_charges():
    store, ledger = MemoryStore(), Ledger(Stopped())
    with store.write() as tx:
        for account in (ACCOUNTS[0], POPULATION):
            ledger.allocate(tx, *account, Limit(Fraction(3), Fraction(1, 100)), OFFICER)
        ledger.reserve(tx, "r", *ACCOUNTS[0], ApproximateEvent(PureEvent(Fraction(1, 9)), CHANCES_SPENT), 0)
        assert own_chances(tx) == [
            (where, ApproximateEvent(PureEvent(Fraction(0)), Fraction(1, 200) - CHANCES_SPENT))
            for where in sorted((ACCOUNTS[0], POPULATION))
        ]


def test_a_kind_that_a_later_version_wrote_is_no_release():
    with pytest.raises(Fault) as unknown:
        read_event("gaussian 1/2")
    assert unknown.value.code == "ledger.unknown-event"


@given(st.lists(st.tuples(st.sampled_from(ACCOUNTS), EXACT), max_size=8), EXACT, st.sampled_from([4, 20]))
@QUICK
def test_a_forecast_promises_what_is_admitted_and_no_more(spendings, cost, cap):
    store, ledger, where = MemoryStore(), Ledger(Stopped()), ACCOUNTS[0]
    with store.write() as tx:
        for account in ACCOUNTS:
            ledger.allocate(tx, *account, Fraction(6), OFFICER)
        ledger.allocate(tx, *POPULATION, Fraction(cap), OFFICER)
    for number, (account, spent) in enumerate(spendings):
        _try(store, ledger, number, account, PureEvent(spent))
    before = _accounts(store)
    with store.read() as reader:
        promised = ledger.balance(reader, *where).more(PureEvent(cost))
        unopened = ledger.balance(reader, "visits", "marketing").more(PureEvent(cost))
    assert (unopened, _accounts(store)) == (0, before)
    if promised < 60:
        for number in range(promised):
            assert _try(store, ledger, 100 + number, where, PureEvent(cost)) is None
        assert _try(store, ledger, 999, where, PureEvent(cost)) in EXHAUSTED


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


def test_a_limit_with_a_delta_takes_what_is_concentrated_and_one_without_does_not():
    store, ledger, event = MemoryStore(), Ledger(Stopped()), ZcdpEvent(Fraction(1, 1000))
    for limit, code in (
        (Limit(Fraction(3)), "budget.no-delta"),
        (Limit(Fraction(3), Fraction(1, 1000)), None),
    ):
        with store.write() as tx:
            for account in (ACCOUNTS[0], POPULATION):
                ledger.allocate(tx, *account, limit, OFFICER)
        assert _try(store, ledger, 1, ACCOUNTS[0], event) == code


@given(st.lists(EXACT.map(lambda e: e / 50), min_size=1, max_size=8), st.sampled_from([0, Fraction(1, 100)]))
@QUICK
def test_an_account_of_before_zcdp_was_kept_counts_it_once_a_limit_needs_it_and_never_less(costs, delta):
    store, ledger, where = MemoryStore(), Ledger(Stopped()), ACCOUNTS[0]
    with store.write() as tx:
        for account in (where, POPULATION):
            ledger.allocate(tx, *account, Fraction(99), OFFICER)
    for number, cost in enumerate(costs):
        _try(store, ledger, number, where, PureEvent(cost))
    counted = _accounts(store)
    with store.write() as tx:
        for account in counted.values():
            tx.put(replace(account, pure_rho=""))
    with store.read() as reader:
        before = ledger.standing(reader, *where).spent
        assert all(is_fold(kept, counted[at]) for at, kept in _accounts(store).items())
    assert before.pure_rho == before.pure**2 / 2 >= compose(map(PureEvent, costs)).pure_rho
    with store.write() as tx:
        for account in (where, POPULATION):
            ledger.allocate(tx, *account, Limit(Fraction(99), Fraction(delta)), OFFICER)
    assert (_accounts(store) == counted) == bool(delta)


@given(
    st.lists(st.one_of(EXACT.map(PureEvent), EXACT.map(lambda e: ZcdpEvent(e / 99))), max_size=5),
    st.sampled_from([Fraction(0), Fraction(1, 10**6), Fraction(1, 100)]),
    EXACT,
    EXACT,
)
@QUICK
def test_what_an_officer_states_leaves_no_more_than_that_and_who_is_not_named_nothing(
    events, delta, size, said
):
    store, ledger, where = MemoryStore(), Ledger(Stopped()), ACCOUNTS[0]
    with store.write() as tx:
        for account in (where, POPULATION):
            ledger.allocate(tx, *account, Limit(size * 3, delta), OFFICER)
    for number, event in enumerate(events):
        _try(store, ledger, number, where, event)
    for named in ({}, {where: said, POPULATION: said}):
        with store.read() as reader:
            known = ledger.standing(reader, *where).bound
            if named and said < known:
                continue
            found = {each.where: each for each in restated(reader, named)}
            spent = {at: totals_of(reader.get(Account, *at)) for at in found}
        for at in (where, POPULATION):
            carried = [found[where].charge] if at == POPULATION else []
            for charge in (*carried, found[at].charge):
                spent[at] = spent[at].plus(PureEvent(charge))
            bound = bound_of(spent[at], delta)
            assert found[at].result == bound
            assert bound >= (said if named else size * 3)
            if not named:
                assert not admits(Limit(size * 3, delta), spent[at], PureEvent(Fraction(1, 10**12)))


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
