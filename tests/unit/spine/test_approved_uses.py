"""Proves that a use for which a policy asks approval waits for it before anything is spent or opened."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from tests.simulator.recording import SQL, Counts, Rows
from tests.simulator.world import World

from hedgerow.app.service import Service
from hedgerow.app.workspace import default_policies
from hedgerow.model.errors import CallerError, HedgerowError, Refused
from hedgerow.model.policy import ACTIONS, APPROVED_APART
from hedgerow.model.records import Approval, Charge, JournalEntry, Request, Subject
from hedgerow.model.uses import Actor, UseRequest
from hedgerow.spine.audit import check_records
from hedgerow.spine.entries import parse_entry

ANA, OLGA, PETRA, SAM = (Actor("owner", name) for name in ("ana", "olga", "petra", "sam"))
ASKED = """
@id("asked") @reason("Somebody else looks first.") @approval("privacy-officer")
permit (principal in Role::"%s", action in [%s], resource);
"""
QUERY = 'permit (principal, action == Action::"query", resource);'
TWO = '@approvers("2") @approval("privacy-officer")'


def _policy(role, *actions):
    return default_policies() + ASKED % (role, ", ".join(f'Action::"{action}"' for action in actions))


@pytest.fixture
def world():
    made = World()
    for name, role in (("ana", "analyst"), ("olga", "privacy-officer"), ("petra", "privacy-officer"),
                       ("sam", "service")):  # fmt: skip
        made.service.add_principal(name, [role])
    made.collect("visits", ["ann", "bob", "cem"])
    made.choose("ann", granted=True, late=False)
    made.service.apply_policy(_policy("analyst", "query"))
    return made


def _request(actor=ANA, epsilon="0.5", purpose="research", sql=SQL, request_id="r-1"):
    parameters = {"sql": sql.format(dataset="visits"), "epsilon": epsilon}
    return UseRequest(actor, purpose, "visits", parameters, request_id)


def _query(world, **changes):
    return world.spine.gate.use(_request(**changes), Counts(world))


def _refused(act):
    with pytest.raises(Refused) as caught:
        act()
    return caught.value


def _decide(world, refused, who=OLGA, *, is_granted=True):
    name = refused.details["approval"]
    return world.spine.approvals.decide(who, name, is_granted=is_granted, reason="because")


def _told(world):
    with world.read() as reader:
        return [parse_entry(entry.body) for entry in reader.find(JournalEntry)]


def _verify(world):
    with world.read() as reader:
        world.spine.journal.verify(reader)
        check_records(reader, world.spine.ledger)


class TestQueries:
    def test_nothing_is_spent_bound_or_opened_before(self, world):
        refused = _refused(lambda: _query(world))
        assert (refused.code, refused.row.exit) == ("approval.pending", 8)
        assert not world.has_run
        with world.read() as reader:
            assert reader.count(Charge) == reader.count(Request) == 0
        last = _told(world)[-1]
        assert last["action"] == "use.refuse"
        assert last["facts"]["reasons"] == ["approval.pending"]
        assert last["facts"]["approval"] == refused.details["approval"]

    def test_after_the_grant_the_same_command_goes_through_once_also_under_a_new_id(self, world):
        asked = _refused(lambda: _query(world, request_id="r-1"))
        assert _refused(lambda: _query(world, request_id="r-2")).details == asked.details
        _decide(world, asked)
        receipt = _query(world, request_id="r-3")
        assert not receipt.replayed
        intent = next(entry for entry in _told(world) if entry["action"] == "use.intend")
        assert intent["facts"]["approval"] == asked.details["approval"]
        assert _query(world, request_id="r-3").replayed, "what was answered is answered again"
        again = _refused(lambda: _query(world, request_id="r-4"))
        assert again.details["approval"] != asked.details["approval"]
        _verify(world)

    @pytest.mark.parametrize(
        "changed",
        [{"epsilon": "0.25"}, {"purpose": "care"}, {"sql": "SELECT COUNT(*) FROM {dataset}"}],
    )
    def test_a_changed_request_has_no_grant(self, world, changed):
        _decide(world, _refused(lambda: _query(world)))
        world.allocate("visits", "care", Fraction(4))
        assert _refused(lambda: _query(world, **changed)).code == "approval.pending"
        assert _query(world) is not None

    def test_nor_has_one_by_somebody_else(self, world):
        world.service.add_principal("ben", ["analyst"])
        _decide(world, _refused(lambda: _query(world)))
        assert _refused(lambda: _query(world, actor=Actor("owner", "ben"))).code == "approval.pending"

    @pytest.mark.parametrize("what", ["data set", "policy", "declaration"])
    def test_nor_what_rests_on_other_versions(self, world, what):
        _decide(world, _refused(lambda: _query(world)))
        if what == "data set":
            world.collect("visits", ["dee"])
        elif what == "policy":
            world.service.apply_policy(_policy("analyst", "query") + "\n// the same")
        else:
            from tests.simulator.world import DECLARED

            with world.store.write() as tx:
                types = DECLARED.columns
                world.spine.catalog.declare(tx, "visits", replace(DECLARED, columns=types, max_rows=3), "o")
        assert _refused(lambda: _query(world)).code == "approval.pending"

    def test_a_choice_of_a_person_needs_no_new_grant_and_counts(self, world):
        _decide(world, _refused(lambda: _query(world)))
        world.choose("bob", granted=True, late=False)
        world.expected = world.model.covered_tags("visits", "research")
        assert _query(world) is not None

    def test_a_budget_that_does_not_suffice_refuses_before_anybody_is_asked(self, world):
        assert _refused(lambda: _query(world, epsilon="99")).row.exit == 5
        with world.read() as reader:
            assert not reader.find(Approval)

    def test_a_denial_is_told_with_its_reason(self, world):
        _decide(world, _refused(lambda: _query(world)), is_granted=False)
        refused = _refused(lambda: _query(world))
        assert (refused.code, refused.row.exit) == ("approval.denied", 3)
        assert "because" in refused.message
        with world.read() as reader:
            assert reader.find(Approval)[0].words == "{}", "the caller's words are gone"
        _verify(world)

    def test_two_officers(self, world):
        world.service.apply_policy(_policy("analyst", "query").replace('@approval("privacy-officer")', TWO))
        asked = _refused(lambda: _query(world))
        _decide(world, asked)
        assert _refused(lambda: _query(world)).details["approval"] == asked.details["approval"]
        _decide(world, asked, PETRA)
        assert _query(world) is not None

    def test_who_needs_no_approval_asks_none(self, world):
        assert _query(world, actor=SAM) is not None

    def test_what_waits_is_explained(self, world):
        def standing():
            return world.spine.gate.explain(_request(), Counts(world)).as_json()["approval"]

        before = len(_told(world))
        assert standing() == {
            "needs": [{"role": "privacy-officer", "people": 1}], "state": "not asked for", "id": None,
        }  # fmt: skip
        assert len(_told(world)) == before
        asked = _refused(lambda: _query(world))
        assert (standing()["state"], standing()["id"]) == ("pending", asked.details["approval"])
        _decide(world, asked)
        assert standing()["state"] == "granted"
        world.clock.advance(days=8)
        assert standing()["state"] == "expired"

    def test_officers_see_what_is_asked_word_for_word(self, world):
        asked = _refused(lambda: _query(world))
        shown = Service(world.spine, OLGA).approval(asked.details["approval"])
        assert shown["words"] == {"sql": SQL.format(dataset="visits"), "epsilon": "0.5"}
        assert shown["asked"]["columns"] == ["ward"]
        assert [each["id"] for each in Service(world.spine, ANA).approvals()] == [shown["id"]]
        assert Service(world.spine, SAM).approvals() == []
        with pytest.raises(CallerError, match="no approval"):
            Service(world.spine, SAM).approval(shown["id"])

    def test_a_data_set_closed_to_an_officer_closes_its_approvals(self, world):
        text = _policy("analyst", "query")
        world.service.apply_policy(
            f'{text}\n@id("no") forbid (principal == User::"olga", action, resource == Dataset::"visits");'
        )
        asked = _refused(lambda: _query(world))
        assert Service(world.spine, OLGA).approvals() == []
        assert _refused(lambda: _decide(world, asked)).code == "policy.forbidden"


class TestReleases:
    def test_a_new_request_id_asks_for_the_same_release(self, world):
        world.service.apply_policy(_policy("privacy-officer", "release"))

        def release(request_id):
            parameters = {"release": "R-" + request_id}
            request = UseRequest(OLGA, "care", "visits", parameters, request_id)
            world.expected = world.model.covered_tags("visits", "care")
            return world.spine.gate.use(request, Rows(world))

        asked = _refused(lambda: release("one"))
        assert _refused(lambda: _decide(world, asked)).code == "approval.same-person"
        _decide(world, asked, PETRA)
        assert release("two").release.payload["tags"]
        assert _refused(lambda: release("three")).code == "approval.pending"


class TestOnePerson:
    def test_an_erasure_waits_and_a_grant_is_for_one_person(self, world):
        world.service.apply_policy(_policy("privacy-officer", "subject.erase"))
        olga = Service(world.spine, OLGA)
        asked = _refused(lambda: olga.erase_subject("ann"))
        assert asked.code == "approval.pending"
        assert _refused(lambda: olga.erase_subject("ann")).details == asked.details
        _decide(world, asked, PETRA)
        assert _refused(lambda: olga.erase_subject("bob")).code == "approval.pending"
        with world.read() as reader:
            assert reader.count(Subject) == 3
        assert olga.erase_subject("ann")["kind"] == "erasure-certificate"
        with world.read() as reader:
            assert reader.count(Subject) == 2
        _verify(world)

    def test_reading_a_person_waits_and_the_record_names_nobody(self, world):
        world.service.apply_policy(_policy("service", "subject.read"))
        sam = Service(world.spine, SAM)
        asked = _refused(lambda: sam.read_subject("ann", ["name"], purpose="care"))
        same = _refused(lambda: sam.read_subject("ann", ["name"], purpose="care"))
        assert same.details == asked.details, "salted each time, and yet the same request"
        other = _refused(lambda: sam.read_subject("bob", ["name"], purpose="care"))
        assert other.details["approval"] != asked.details["approval"]
        with world.read() as reader:
            number = world.spine.vault.find(reader, "ann").number
            record = reader.get(Approval, asked.details["approval"])
        assert str(number) not in f"{record}{record.words}"
        _decide(world, asked)
        assert sam.read_subject("ann", ["name"], purpose="care")["fields"] == {"name": ["Name of ann"]}


class TestPolicies:
    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ('@approval("owner") permit (principal, action == Action::"query", resource);', "names a role"),
            ('@approval permit (principal, action == Action::"query", resource);', "names a role"),
            ('@approvers("2") permit (principal, action == Action::"query", resource);', "names a role"),
            ('@approval("auditor") forbid (principal, action == Action::"query", resource);', "permit only"),
            ('@approval("auditor") permit (principal, action, resource);', "names its actions"),
            ('@approval("auditor") permit (principal, action in [], resource);', "names its actions"),
            ('@approval("auditor") permit (principal, action == Action::"collect", resource);', "query"),
            (f'@approval("auditor") @approvers("3") {QUERY}', "from"),
            (f'@approval("auditor") @approval_days("0") {QUERY}', "from"),
        ],
    )  # fmt: skip
    def test_an_approval_nobody_could_give_is_refused_with_the_line(self, world, text, problem):
        with pytest.raises(CallerError, match=problem) as caught:
            world.service.apply_policy(f'{default_policies()}\n@id("bad") {text}')
        assert (caught.value.code, caught.value.details["line"] > 100) == ("policy.approval", True)

    def test_only_actions_that_wait_by_themselves_may_ask_for_one(self):
        assert set(ACTIONS) > APPROVED_APART

    def test_an_act_that_cannot_wait_is_not_done(self, world, monkeypatch):
        monkeypatch.setattr("hedgerow.spine.acts.APPROVED_APART", frozenset())
        with pytest.raises(HedgerowError) as caught:
            world.spine.gate.require(ANA, "query", "visits")
        assert caught.value.code == "approval.not-here"

    def test_the_test_of_a_policy_says_so(self, world):
        told = world.service.test_policy(None, "ana", "query", "visits")
        assert told["needs"] == [{"role": "privacy-officer", "people": 1}]
