"""Proves leases and the gate at their edges: single use, only what was granted, a while only, known ids."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from tests.simulator.recording import Rows, RowsPlan
from tests.simulator.world import OWNER, World

from hedgerow.model.budget import PureEvent
from hedgerow.model.errors import CallerError, Fault, HedgerowError, Refused
from hedgerow.model.plans import CountRows, ExactAggregation
from hedgerow.model.records import Failure, Principal, Request, SealedField, Subject
from hedgerow.model.uses import Actor, Grant, Release, UseRequest
from hedgerow.spine.facts import MOST_FAILURES
from hedgerow.spine.gate import new_request_id

COUNT = ExactAggregation((), (CountRows(),), None, 4)
COUNT_TAGS = ExactAggregation((), (CountRows("tag"),), None, 4)


@pytest.fixture
def world():
    made = World()
    made.collect("visits", ["ann", "bob"])
    made.choose("ann", granted=True, late=False)
    return made


def _code(act):
    with pytest.raises(HedgerowError) as caught:
        act()
    return caught.value.code


class Asks(Rows):
    """Opens what a test grants and does what a test does with it."""

    def __init__(self, grant, act=bool, cost=None, action="release"):
        self.grant, self.act, self.cost, self.action, self.name = grant, act, cost, action, "asks"

    def plan(self, request, dataset):
        return RowsPlan(self.grant, self.cost)

    def run(self, lease, plan):
        return Release({"told": self.act(lease)}, "none", kept=False)


def _ask(world, grant, act=bool, **changes):
    request = UseRequest(OWNER, changes.pop("purpose", "care"), "visits", {}, new_request_id())
    return world.spine.gate.use(request, Asks(grant, act, **changes)).release.payload["told"]


def _number(world, ref):
    with world.read() as reader:
        return world.spine.vault.find(reader, ref).number


ROWS, SUMS = Grant(frozenset({"tag"}), "rows"), Grant(frozenset({"tag"}), "aggregate")


class TestLease:
    def test_it_opens_once(self, world):
        def twice(lease):
            lease.rows()
            lease.rows()

        assert _code(lambda: _ask(world, ROWS, twice)) == "lease.misused"

    @pytest.mark.parametrize(
        ("grant", "act"),
        [
            (ROWS, lambda lease: lease.aggregate(COUNT)),
            (ROWS, lambda lease: lease.fields()),
            (SUMS, lambda lease: lease.rows()),
            (Grant(frozenset(), "aggregate"), lambda lease: lease.aggregate(COUNT_TAGS)),
        ],
    )
    def test_it_does_only_what_was_granted(self, world, grant, act):
        assert _code(lambda: _ask(world, grant, act)) == "lease.misused"

    def test_it_counts_what_was_granted(self, world):
        assert _ask(world, SUMS, lambda lease: [list(row) for row in lease.aggregate(COUNT_TAGS)]) == [[2]]

    def test_it_runs_out(self, world):
        def late(lease):
            world.clock.advance(minutes=31)
            lease.rows()

        assert _code(lambda: _ask(world, ROWS, late)) == "lease.expired"

    def test_rows_of_many_say_whose_they_are_and_rows_of_one_do_not(self, world):
        assert "_person" in _ask(world, ROWS, lambda lease: lease.rows().column_names)
        one = Grant(frozenset({"tag"}), "person", subject=_number(world, "ann"))
        assert _ask(world, one, lambda lease: lease.rows().column_names) == ["tag"]

    def test_a_person_s_fields_open_without_the_table(self, world):
        one = Grant(frozenset(), "person", frozenset({"name"}), _number(world, "ann"))
        assert _ask(world, one, lambda lease: list(lease.fields()["name"])) == ["Name of ann"]
        assert _ask(world, one, lambda lease: lease.rows()) is None
        none = replace(one, fields=frozenset())
        assert _ask(world, none, lambda lease: dict(lease.fields())) == {}

    def test_a_person_without_fields_or_key_shows_none(self, world):
        one = Grant(frozenset(), "person", frozenset({"name"}), _number(world, "ann"))
        with world.inner_store.write() as tx:
            tx.remove(SealedField)
        assert _ask(world, one, lambda lease: dict(lease.fields())) == {}
        with world.inner_store.write() as tx:
            tx.remove(Subject)
        assert _ask(world, one, lambda lease: dict(lease.fields())) == {}

    def test_a_person_lease_needs_a_person_with_a_basis(self, world):
        grant = Grant(frozenset({"tag"}), "person")
        assert _code(lambda: _ask(world, grant)) == "lease.misused"
        bob = replace(grant, subject=_number(world, "bob"))
        assert _code(lambda: _ask(world, bob, purpose="research")) == "basis.withdrawn"

    def test_it_names_its_kind_only(self, world):
        assert _ask(world, ROWS, repr) == "OpenLease(rows)"

    def test_the_desk_opens_nothing_without_facts(self, world):
        request, technique = UseRequest(OWNER, "care", "visits", {}, "x"), Asks(ROWS)
        desk, gate = world.spine.gate._leases, world.spine.gate
        with world.read() as reader:
            facts = gate._facts.load(reader, OWNER, "care", "visits", world.clock.now())
        plan = technique.plan(request, facts.dataset)
        assert _code(lambda: desk.open(replace(facts, dataset=None), plan)) == "lease.misused"
        assert _code(lambda: desk.open(replace(facts, purpose=None), plan)) == "lease.misused"
        with world.read() as reader:
            by_right = gate._facts.load(reader, OWNER, "data-subject-rights", "visits", world.clock.now())
        assert _code(lambda: desk.open(by_right, plan)) == "lease.misused"


class TestDecision:
    @pytest.mark.parametrize(
        ("grant", "code"),
        [
            (Grant(frozenset({"nothing"}), "rows"), "column.not-granted"),
            (Grant(frozenset({"name"}), "rows"), "column.in-vault-refused"),
            (Grant(frozenset(), "rows", frozenset({"name"})), "column.in-vault-refused"),
        ],
    )
    def test_what_may_not_be_granted_is_refused(self, world, grant, code):
        assert _code(lambda: _ask(world, grant)) == code

    def test_a_plan_that_refuses_refuses(self, world):
        class Refuses(Asks):
            def plan(self, request, dataset):
                raise Refused("basis.withdrawn")

        request = UseRequest(OWNER, "care", "visits", {}, "x")
        assert _code(lambda: world.spine.gate.use(request, Refuses(ROWS))) == "basis.withdrawn"

    def test_the_rights_of_a_person_are_no_purpose_for_anything_else(self, world):
        for action in ("release", "query", "subject.read"):
            act = lambda: _ask(world, ROWS, purpose="data-subject-rights", action=action)  # noqa: E731, B023
            assert _code(act) == "purpose.rights-only"

    def test_obligations_say_whose_rows_and_at_what_cost(self, world):
        request = UseRequest(OWNER, "care", "visits", {}, "x")
        told = world.spine.gate.explain(request, Asks(ROWS, cost=PureEvent(Fraction(1, 4))))
        assert told.allowed
        assert "people: all members, on the basis contract" in told.obligations
        assert "cost: epsilon 0.25" in told.obligations
        consent = world.spine.gate.explain(replace(request, purpose="research"), Asks(ROWS))
        assert any("consent" in line for line in consent.obligations)
        one = Asks(Grant(frozenset(), "person", subject=_number(world, "ann")), action="subject.export")
        rights = world.spine.gate.explain(replace(request, purpose="data-subject-rights"), one)
        assert "people: the one person who asks" in rights.obligations
        assert told.as_json()["reasons"][0]["code"] == "policy.permitted"


class TestGate:
    @pytest.mark.parametrize("request_id", ["", "a\nb", "x" * 201, "\x00"])
    def test_a_malformed_id_is_refused_before_anything(self, world, request_id):
        request = UseRequest(OWNER, "care", "visits", {}, request_id)
        with pytest.raises(CallerError) as caught:
            world.spine.gate.use(request, Asks(ROWS))
        assert caught.value.code == "request.malformed-id"

    def test_a_failure_tells_its_type_and_nothing_of_the_data(self, world):
        def fails(lease):
            raise ValueError("Name of ann")

        with pytest.raises(Fault) as caught:
            _ask(world, ROWS, fails)
        assert caught.value.code == "use.failed"
        assert "ann" not in str(caught.value) + caught.value.next_step
        assert caught.value.__suppress_context__

    def test_who_may_not_see_risk_learns_only_that_it_failed(self, world):
        def refuses(lease):
            raise Refused("basis.withdrawn")

        world.service.add_principal("analyst1", ["analyst"])
        request = UseRequest(Actor("owner", "analyst1"), "care", "visits", {}, "x")
        assert _code(lambda: world.spine.gate.use(request, Asks(SUMS, refuses, action="query"))) == (
            "use.not-releasable"
        )
        assert _code(lambda: _ask(world, ROWS, refuses)) == "basis.withdrawn"

    def test_too_many_failures_stop_a_principal_for_a_day(self, world):
        with world.inner_store.write() as tx:
            now = "2026-03-01T12:00:00.000Z"
            tx.add(Failure("owner", n, now) for n in range(MOST_FAILURES))
        assert _code(lambda: _ask(world, ROWS)) == "use.too-many-failures"
        world.clock.advance(days=2)
        _ask(world, ROWS)

    def test_what_is_not_kept_is_not_given_twice(self, world):
        request = UseRequest(OWNER, "care", "visits", {}, "once")
        world.spine.gate.use(request, Asks(ROWS))
        assert _code(lambda: world.spine.gate.use(request, Asks(ROWS))) == "request.spent"

    def test_an_answer_with_rows_is_withdrawn_when_somebody_in_it_withdraws(self, world):
        asked = ("rows", "visits", "research", None)
        world.use(asked, "one")
        world.use(("count", "visits", "research", Fraction(1, 4)), "two")
        world.choose("ann", granted=False, late=False)
        world.use(asked, "one")
        assert world.model.answers["one"].state == "withdrawn"
        world.use(asked, "one")
        world.use(("count", "visits", "research", Fraction(1, 4)), "two")
        assert world.model.answers["two"].state == "done"

    def test_an_answer_stays_when_a_stranger_to_it_withdraws(self, world):
        asked = ("rows", "visits", "care", None)
        world.use(asked, "one")
        world.choose("ann", granted=False, late=False)
        world.use(asked, "one")
        assert world.model.answers["one"].state == "done"

    def test_a_result_that_is_half_there_is_spent(self, world):
        record = Request("x", "b", "done", "visits", 1, 0, "care", person_level=False, entry=0)
        assert _code(lambda: world.stored(record)) == "request.spent"

    def test_an_act_is_explained_without_being_done(self, world):
        with world.inner_store.write() as tx:
            tx.put(Principal("nobody1", "", "t"))
        assert (
            world.spine.gate.explain_act(Actor("owner", "nobody1"), "collect").code == "policy.not-permitted"
        )
        assert world.spine.gate.explain_act(OWNER, "collect") is None
