"""Proves that what needs approval is done once, after another's grant of exactly that, in time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.simulator.world import World

from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import CallerError, Fault, HedgerowError, Refused
from hedgerow.model.policy import ApprovalNeed
from hedgerow.model.records import Approval, JournalEntry, Principal, Setting
from hedgerow.model.uses import Actor
from hedgerow.spine.approvals import Asked
from hedgerow.spine.approving import strictest, worded
from hedgerow.spine.audit import check_records
from hedgerow.spine.entries import parse_entry

ANA, OLGA, PETRA, OTTO = (Actor("owner", name) for name in ("ana", "olga", "petra", "otto"))
OWNER = Actor("owner", "owner")
OFFICER, TWO = ApprovalNeed("privacy-officer"), ApprovalNeed("privacy-officer", 2)
WHAT = Asked("space.charge", ANA, {"epsilon": "1/2"}, {"epsilon": "0.5"})


@pytest.fixture
def world():
    made = World()
    for name, role in (("ana", "analyst"), ("olga", "privacy-officer"), ("petra", "privacy-officer"),
                       ("otto", "auditor")):  # fmt: skip
        made.service.add_principal(name, [role])
    return made


def _ask(world, asked=WHAT):
    with world.store.write() as tx:
        return world.spine.approvals.needed(tx, asked)


def _id(world, asked=WHAT):
    """Ask, and give the id that waits."""
    outcome = _ask(world, asked)
    assert isinstance(outcome, Refused), outcome
    return str(outcome.details["approval"])


def _code(act, kind=HedgerowError):
    with pytest.raises(kind) as caught:
        act()
    return caught.value.code


def _grant(world, name, who=OLGA, reason=""):
    return world.spine.approvals.decide(who, name, is_granted=True, reason=reason)


def _deny(world, name, who=OLGA, reason="not now"):
    return world.spine.approvals.decide(who, name, is_granted=False, reason=reason)


def _state(world, name):
    with world.read() as reader:
        return reader.get(Approval, name)


def _acts(world):
    with world.read() as reader:
        entries = [parse_entry(entry.body) for entry in reader.find(JournalEntry)]
    return [entry["action"] for entry in entries if str(entry["action"]).startswith("approval.")]


def _verify(world):
    with world.read() as reader:
        world.spine.journal.verify(reader)
        check_records(reader, world.spine.ledger)


def _beside(world, name, **changes):
    """Change a record as somebody with the database in hand would."""
    with world.inner_store.write() as tx:
        tx.put(replace(tx.get(Approval, name), **changes))


class TestOnce:
    def test_it_is_asked_granted_used_and_then_asked_again(self, world):
        asked = _ask(world)
        assert (asked.code, asked.row.exit) == ("approval.pending", 8)
        name = asked.details["approval"]
        assert asked.to_problem()["approval"] == name
        assert _id(world) == name, "the same wish names the same request"
        assert _grant(world, name).state == "granted"
        used = _ask(world)
        assert (used.id, used.state) == (name, "used")
        assert _id(world) != name
        assert _acts(world) == ["approval.request", "approval.grant", "approval.use", "approval.request"]
        _verify(world)

    def test_a_refused_request_survives_and_a_failed_act_keeps_its_grant(self, world):
        approvals = world.spine.approvals
        with pytest.raises(Refused) as caught, approvals.admitted(WHAT):
            pytest.fail("done without a grant")
        name = caught.value.details["approval"]
        _grant(world, name)
        with pytest.raises(KeyError), approvals.admitted(WHAT) as tx:
            tx.find(Setting, no_such_field=1)
        assert _state(world, name).state == "granted"
        with approvals.admitted(WHAT) as tx:
            tx.put(Setting("done", "yes"))
        assert _state(world, name).state == "used"

    def test_four_eyes_holds_for_this_act_and_statement_alone(self, world):
        def said(summary, act="restore.charge", actor=ANA):
            with world.store.write() as tx:
                return world.spine.approvals.four_eyes(tx, actor, act, summary)

        _grant(world, said({"epsilon": "1"}).details["approval"])
        assert said({"epsilon": "2"}).code == "approval.pending"
        assert said({"epsilon": "1"}, act="restore.other").code == "approval.pending"
        assert said({"epsilon": "1"}, actor=OTTO).code == "approval.pending"
        assert said({"epsilon": "1"}).state == "used"

    @pytest.mark.parametrize(
        "changed",
        [
            {"bound": {"epsilon": "1/1"}}, {"act": "other"}, {"actor": OTTO}, {"dataset": "visits"},
            {"purpose": "care"}, {"needs": (TWO,)}, {"actor": Actor("ana", "ana")},
        ],
    )  # fmt: skip
    def test_a_changed_request_needs_its_own_grant(self, world, changed):
        name = _id(world)
        _grant(world, name)
        assert _id(world, replace(WHAT, **changed)) != name
        assert _state(world, name).state == "granted"


class TestWhoDecides:
    @pytest.mark.parametrize(
        ("asker", "decider"),
        [
            (OLGA, OLGA), (ANA, OWNER), (OLGA, Actor("olga", "olga")), (Actor("olga", "olga"), OLGA),
            (Actor("olga", "olga"), Actor("olga", "olga")),
        ],
    )  # fmt: skip
    def test_never_whoever_asked_under_any_name(self, world, asker, decider):
        name = _id(world, replace(WHAT, actor=asker))
        assert _code(lambda: _grant(world, name, decider)) == "approval.same-person"
        assert _code(lambda: _deny(world, name, decider)) == "approval.same-person"
        assert _state(world, name).state == "pending"

    def test_what_the_owner_asks_in_its_own_name_nobody_here_could_grant(self, world):
        assert _ask(world, replace(WHAT, actor=OWNER)).code == "approval.own-name"
        assert not _acts(world)

    def test_somebody_authenticated_apart_may(self, world):
        name = _id(world, replace(WHAT, actor=Actor("ana", "ana")))
        assert _grant(world, name, Actor("olga", "olga")).state == "granted"

    @pytest.mark.parametrize("who", [ANA, OTTO, Actor("owner", "nobody")])
    def test_nobody_whom_no_policy_lets(self, world, who):
        name = _id(world, replace(WHAT, actor=PETRA))
        code = _code(lambda: _grant(world, name, who), Refused)
        assert code in {"policy.not-permitted", "principal.unknown"}
        assert _code(lambda: _grant(world, "A-none", who), Refused) == code, "who may not learns of none"

    def test_a_policy_may_close_it_by_act_data_set_or_login(self, world):
        text = world.service.policy()["text"]
        for condition in ('context.act == "space.charge"', 'resource == Dataset::"visits"',
                          "context.same_login"):  # fmt: skip
            world.service.apply_policy(
                f'{text}\n@id("closed") forbid (principal, action == Action::"approval.decide", resource)'
                f" when {{ {condition} }};"
            )
            name = _id(world, replace(WHAT, dataset="visits"))
            assert _code(lambda name=name: _grant(world, name)) == "policy.forbidden"
        assert _grant(world, _id(world, replace(WHAT, actor=Actor("ana", "ana"))), OLGA).state == "granted"

    def test_the_role_asked_for_is_needed_besides_the_policy(self, world):
        name = _id(world, replace(WHAT, needs=(ApprovalNeed("auditor"),)))
        assert _code(lambda: _grant(world, name)) == "approval.not-approver"

    def test_two_are_two_people(self, world):
        asked = replace(WHAT, needs=(OFFICER, TWO))
        name = _id(world, asked)
        assert _grant(world, name).state == "pending"
        assert _ask(world, asked).details["approval"] == name
        assert _code(lambda: _grant(world, name)) == "approval.voted"
        assert _code(lambda: _grant(world, name, Actor("olga", "olga"))) == "approval.voted"
        assert _grant(world, name, PETRA).state == "granted"
        assert _ask(world, asked).state == "used"
        _verify(world)

    def test_a_denial_wins_also_over_a_grant_not_used_yet(self, world):
        name = _id(world)
        _grant(world, name)
        assert _deny(world, name, PETRA, "too much").state == "denied"
        assert _code(lambda: _grant(world, name)) == "approval.decided"
        refused = _ask(world)
        assert (refused.code, refused.row.exit) == ("approval.denied", 3)
        assert "too much" in refused.message
        assert "petra" in refused.message
        _verify(world)

    def test_a_used_one_is_decided(self, world):
        name = _id(world)
        _grant(world, name)
        _ask(world)
        assert _code(lambda: _deny(world, name)) == "approval.decided"

    def test_an_approver_disabled_meanwhile_counts_no_more(self, world):
        name = _id(world)
        _grant(world, name)
        with world.store.write() as tx:
            tx.put(replace(tx.get(Principal, "olga"), disabled=True))
        asked = _ask(world)
        assert (asked.code, _state(world, name).state) == ("approval.pending", "expired")
        assert asked.details["approval"] != name

    def test_refusals_to_decide_are_journaled(self, world):
        name = _id(world)
        _code(lambda: _grant(world, name, OWNER))
        with world.read() as reader:
            last = parse_entry(reader.find(JournalEntry)[-1].body)
        assert (last["action"], last["facts"]["approval"]) == ("act.refuse", name)

    @pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 201])
    def test_a_denial_says_why(self, world, reason):
        name = _id(world)
        assert _code(lambda: _deny(world, name, reason=reason), CallerError) == "approval.reason"

    def test_an_unknown_one(self, world):
        assert _code(lambda: _grant(world, "A-none"), CallerError) == "approval.unknown"


class TestTime:
    @pytest.mark.parametrize("is_granted", [True, False])
    def test_what_ran_out_is_asked_for_anew(self, world, is_granted):
        name = _id(world)
        if is_granted:
            _grant(world, name)
        world.clock.advance(days=7, seconds=1)
        again = _ask(world)
        assert again.code == "approval.pending"
        assert again.details["approval"] != name
        assert f"{name} is expired" in again.message
        assert _code(lambda: _grant(world, name)) == "approval.expired"
        _verify(world)

    def test_a_clock_set_back_revives_nothing(self, world):
        name = _id(world)
        _grant(world, name)
        start = world.clock.now()
        world.clock.advance(days=8)
        assert world.spine.approvals.expire(OWNER) == 1
        assert world.spine.approvals.expire(OWNER) == 0
        world.clock.moment = start
        assert _id(world) != name
        _verify(world)

    def test_nor_where_only_another_entry_saw_the_later_time(self, world):
        name = _id(world)
        _grant(world, name)
        start = world.clock.now()
        world.clock.advance(days=8)
        world.service.add_principal("late", ["auditor"])
        world.clock.moment = start
        assert _id(world) != name

    def test_a_denial_stands_for_as_long_as_the_request_would_have(self, world):
        name = _id(world)
        _deny(world, name)
        world.clock.advance(days=6)
        assert _ask(world).code == "approval.denied"
        world.clock.advance(days=2)
        assert _id(world) != name

    def test_a_policy_may_ask_for_less_time(self, world):
        asked = replace(WHAT, needs=(replace_days(OFFICER, 1),))
        name = _id(world, asked)
        expected = world.clock.now()
        world.clock.advance(days=1)
        assert _state(world, name).expires == timestamp(world.clock.now())
        assert expected < world.clock.now()
        assert _id(world, asked) != name


def replace_days(need, days):
    return need._replace(days=days)


class TestBesideTheJournal:
    """Somebody has the database in hand, and not the journal's key."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"state": "granted"}, {"needs": "[]"}, {"votes": '[{"as":"olga","by":"owner","time":""}]'},
            {"binding": "0" * 64}, {"summary": '{"epsilon":"0.1"}'}, {"expires": "2099-01-01T00:00:00.000Z"},
            {"requested_by": "petra"},
        ],
    )  # fmt: skip
    def test_what_no_entry_backs_is_found_and_lets_nothing_through(self, world, changes):
        name = _id(world)
        _beside(world, name, **changes)
        with pytest.raises(Fault, match="approvals"):
            _verify(world)
        if changes.get("state") == "granted":
            assert _code(lambda: _ask(world), Fault) == "approval.not-journaled"
        else:
            assert _code(lambda: _grant(world, name, OLGA), Fault) == "approval.not-journaled"

    def test_a_used_grant_put_back_is_not_used_again(self, world):
        name = _id(world)
        granted = _grant(world, name)
        _ask(world)
        _beside(world, name, state="granted", entry=granted.entry)
        assert _code(lambda: _ask(world), Fault) == "approval.not-journaled"
        with pytest.raises(Fault, match="approvals"):
            _verify(world)

    def test_a_denial_taken_away_is_found(self, world):
        name = _id(world)
        _deny(world, name)
        with world.inner_store.write() as tx:
            tx.remove(Approval, id=name)
        with pytest.raises(Fault, match="approvals"):
            _verify(world)

    def test_a_grant_given_long_ago_is_still_checked_against_the_journal(self, world):
        name = _id(world)
        _grant(world, name)
        for each in range(5):
            world.service.add_principal(f"later{each}", ["auditor"])
        assert _ask(world).state == "used"

    def test_the_journal_holds_no_text_of_the_request(self, world):
        _deny(world, _id(world, replace(WHAT, summary={"say": "MARK"})), reason="WORDS")
        with world.read() as reader:
            bodies = b"".join(entry.body for entry in reader.find(JournalEntry))
        assert b"MARK" not in bodies
        assert b"WORDS" not in bodies


def test_several_permits_ask_for_the_strictest():
    joined = strictest([ApprovalNeed("auditor", 1, 3), OFFICER, TWO])
    assert joined == (ApprovalNeed("auditor", 1, 3), ApprovalNeed("privacy-officer", 2, 3))
    assert worded(joined) == "the role auditor and 2 people of the role privacy-officer"
