"""Proves that too many failures refuse for a day and no longer, also where nothing is committed meanwhile."""

from __future__ import annotations

import pytest
from tests.simulator.model import RESEARCH
from tests.simulator.recording import Counts
from tests.simulator.world import World

from hedgerow.model.canonical import timestamp
from hedgerow.model.records import DatasetPurpose, Failure, Principal
from hedgerow.model.uses import Actor, UseRequest
from hedgerow.spine.facts import MOST_FAILURES

SQL = "SELECT ward, COUNT(*) FROM visits GROUP BY ward"


@pytest.fixture
def world():
    made = World()
    made.collect("visits", ["ann", "bob"])
    made.choose("ann", granted=True, late=False)
    made.service.add_principal("analyst1", ["analyst"])
    return made


def _fail(world, count):
    with world.store.write() as tx:
        tx.add([Failure("analyst1", 1000 + i, timestamp(world.clock.now())) for i in range(count)])


def _explained(world):
    actor = Actor("owner", "analyst1")
    request = UseRequest(actor, RESEARCH, "visits", {"sql": SQL, "epsilon": "0.25"}, "any")
    decision = world.spine.gate.explain(request, Counts(world))
    return [] if decision.allowed else [reason.code for reason in decision.reasons]


def test_one_failure_fewer_does_not_refuse(world):
    _fail(world, MOST_FAILURES - 1)
    assert _explained(world) == []


def test_the_refusal_holds_for_the_whole_window(world):
    _fail(world, MOST_FAILURES)
    assert _explained(world) == ["use.too-many-failures"]
    world.clock.advance(hours=24)
    assert _explained(world) == ["use.too-many-failures"]


def test_an_explained_refusal_does_not_outlive_the_window(world):
    _fail(world, MOST_FAILURES)
    world.clock.advance(hours=23)
    assert _explained(world) == ["use.too-many-failures"]
    world.clock.advance(hours=2)  # the same day, and nothing was committed in between
    assert _explained(world) == []


def test_beside_another_refusal_it_ends_alone(world):
    _fail(world, MOST_FAILURES)
    with world.store.write() as tx:
        tx.remove(DatasetPurpose, purpose=RESEARCH)
    world.clock.advance(hours=23)
    assert _explained(world) == ["basis.missing", "use.too-many-failures"]
    world.clock.advance(hours=2)
    assert _explained(world) == ["basis.missing"]


def test_who_may_not_ask_at_all_is_told_nothing_of_failures(world):
    _fail(world, MOST_FAILURES)
    with world.store.write() as tx:
        tx.put(Principal("analyst1", "analyst", "t", disabled=True))
    assert _explained(world) == ["principal.disabled"]
    with world.store.write() as tx:
        tx.put(Principal("analyst1", "auditor", "t"))
    assert _explained(world) == ["policy.not-permitted"]


def test_other_decisions_are_still_remembered(world):
    assert _explained(world) == []
    remembered = dict(world.spine.gate._decisions)
    assert len(remembered) == 1
    assert _explained(world) == []
    assert world.spine.gate._decisions == remembered
