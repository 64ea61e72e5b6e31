"""Proves that a cached decision outlives no fact: change any one and the very next decision changes."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulator.model import CARE, RESEARCH
from tests.simulator.recording import Counts, Rows
from tests.simulator.world import FORBID, World

from hedgerow.app.workspace import default_policies
from hedgerow.model.plans import ColumnDeclaration, DatasetDeclaration
from hedgerow.model.records import Allocation, DatasetPurpose, Principal
from hedgerow.model.uses import Actor, UseRequest
from hedgerow.spine.decide import decide

ANALYST = Actor("owner", "analyst1")


@pytest.fixture
def world():
    return _world()


def _world():
    made = World()
    made.collect("visits", ["ann", "bob"])
    made.choose("ann", granted=True, late=False)
    made.service.add_principal("analyst1", ["analyst"])
    return made


def _request(world, actor=ANALYST, purpose=RESEARCH, dataset="visits", epsilon="0.25"):
    sql = f"SELECT ward, COUNT(*) FROM {dataset} GROUP BY ward"
    return UseRequest(actor, purpose, dataset, {"sql": sql, "epsilon": epsilon}, "any")


def _told(world, **changes):
    """Ask twice, so that the second answer may come from the cache; both must agree with a fresh gate."""
    request = _request(world, **changes)
    gate, technique = world.spine.gate, Counts(world)
    first, second = gate.explain(request, technique), gate.explain(request, technique)
    with world.read() as reader:
        facts = gate._facts.load(reader, request.actor, request.purpose, request.dataset, world.clock.now())
    fresh, _ = decide(request, facts, technique, charge=True)
    assert first == second == fresh
    return None if first.allowed else first.error[0]


def _roles(world, *roles, **changes):
    with world.store.write() as tx:
        tx.put(Principal("analyst1", ",".join(sorted(roles)), "t", **changes))


def _limit(world, epsilon):
    with world.store.write() as tx:
        world.spine.ledger.allocate(tx, "visits", RESEARCH, Fraction(epsilon), ANALYST)


def _drop(world, kind, **equals):
    with world.store.write() as tx:
        tx.remove(kind, **equals)


CHANGES = {
    "principal gone": (lambda w: _drop(w, Principal, name="analyst1"), "principal.unknown"),
    "principal disabled": (lambda w: _roles(w, "analyst", disabled=True), "principal.disabled"),
    "role": (lambda w: _roles(w, "auditor"), "policy.not-permitted"),
    "policy": (lambda w: w.service.apply_policy(default_policies() + FORBID), "policy.forbidden"),
    "purpose's day": (lambda w: w.clock.advance(days=30), "purpose.ended"),
    "basis": (lambda w: _drop(w, DatasetPurpose, purpose=RESEARCH), "basis.missing"),
    "allocation": (lambda w: _drop(w, Allocation, dataset="visits"), "budget.unallocated"),
    "limit": (lambda w: _limit(w, "1/8"), "budget.exhausted"),
    "balance": (lambda w: w.use(("count", "visits", RESEARCH, Fraction(2)), "spend"), "budget.exhausted"),
    "population": (
        lambda w: w.service.allocate(None, None, Fraction(1, 8)), "budget.population-exhausted",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_the_next_decision_changes_with(change, world):
    act, code = CHANGES[change]
    assert _told(world) is None
    act(world)
    assert _told(world) == code


@pytest.mark.parametrize("change", CHANGES)
def test_another_process_changes_the_next_decision_as_well(change, world):
    assert _told(world) is None
    other = _beside(world)
    act, code = CHANGES[change]
    act(other)
    assert _told(world) == code


def _beside(world):
    """Wire a second set of rooms over the same records, as another process has them."""
    twin = World()
    twin.inner_store, twin.inner_shelf = world.inner_store, world.inner_shelf
    twin.model, twin.clock, twin.keys = world.model.copy(), world.clock, world.keys
    twin.restart()
    return twin


def test_a_refusal_ends_as_soon_as_its_reason_does(world):
    _limit(world, "1/8")
    assert _told(world) == "budget.exhausted"
    _limit(world, "1/2")
    assert _told(world) is None
    _roles(world, "auditor")
    assert _told(world) == "policy.not-permitted"
    _roles(world, "analyst")
    assert _told(world) is None


def test_consent_declaration_and_data_set_change_the_versions_and_the_plan(world):
    gate, technique, request = world.spine.gate, Counts(world), _request(world)
    first = gate.explain(request, technique)
    world.choose("bob", granted=True, late=False)
    second = gate.explain(request, technique)
    assert second.versions["consent"] == first.versions["consent"] + 1
    world.collect("visits", ["cem"])
    third = gate.explain(request, technique)
    assert third.versions["dataset"] == second.versions["dataset"] + 1
    with world.store.write() as tx:
        declared = DatasetDeclaration(max_rows=2, columns=(ColumnDeclaration("ward", keys=("A",)),))
        world.spine.catalog.declare(tx, "visits", declared, "owner")
    fourth = gate.explain(request, technique)
    assert fourth.versions["declaration"] == third.versions["declaration"] + 1
    assert fourth.plan != third.plan


def test_nothing_of_a_request_is_left_out_of_what_is_remembered(world):
    assert _told(world) is None
    assert _told(world, actor=Actor("owner", "nobody")) == "principal.unknown"
    assert _told(world, actor=Actor("analyst1", "owner")) == "principal.not-yours"
    assert _told(world, purpose="other") == "purpose.unknown"
    assert _told(world, dataset="bills") == "dataset.not-for-you"
    assert _told(world, epsilon="9") == "budget.exhausted"
    assert _told(world) is None


def test_two_actions_of_one_technique_are_two_decisions(world):
    class Reads(Rows):
        action = "subject.read"

    request = UseRequest(ANALYST, CARE, "visits", {"release": "R"}, "any")
    assert world.spine.gate.explain(request, Reads(world)).error[0] == "policy.not-permitted"
    _roles(world, "service")
    assert world.spine.gate.explain(request, Reads(world)).allowed
    assert world.spine.gate.explain(request, Rows(world)).error[0] == "policy.not-permitted"


def test_a_hit_costs_no_reading(world, monkeypatch):
    gate, request, technique = world.spine.gate, _request(world), Counts(world)
    decision = gate.explain(request, technique)
    monkeypatch.setattr(gate._facts, "load", None)
    assert gate.explain(request, technique) is decision


def test_the_cache_does_not_grow_without_end(world, monkeypatch):
    monkeypatch.setattr("hedgerow.spine.gate._CACHE_LIMIT", 2)
    for n in range(1, 6):
        _told(world, epsilon=f"0.{n}")
    assert len(world.spine.gate._decisions) <= 2


@given(st.lists(st.sampled_from([c for c in CHANGES if c != "balance"]), max_size=6), st.integers(0, 6))
@settings(max_examples=10, deadline=None)
def test_any_run_of_changes_leaves_the_cache_in_step(changes, days):
    world = _world()
    for change in changes:
        CHANGES[change][0](world)
        world.clock.advance(days=days)
        _told(world)
