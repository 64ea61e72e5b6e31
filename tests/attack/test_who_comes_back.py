"""Whoever writes to the database without keys brings nobody back, and steers no erasure or approval.

An erased person's records put back under another name of the index, roles changed for the moment of a vote, a
key that an erasure did not remove, an erasure forbidden while it is under way.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.attack.rolling import founded
from tests.simulator.recording import SQL, Counts

from hedgerow.app.service import Service
from hedgerow.app.workspace import default_policies
from hedgerow.model.errors import Fault, HedgerowError, Refused
from hedgerow.model.records import Certificate, Dataset, Member, Principal, SealedField, Subject
from hedgerow.model.uses import Actor, UseRequest
from hedgerow.spine.tables import Tables

ANA, OLGA, PETRA = (Actor("owner", name) for name in ("ana", "olga", "petra"))
NEEDED = """
@id("%s") @reason("Somebody else looks first.") @approval("%s")
permit (principal in Role::"%s", action == Action::"%s", resource);
"""
CLOSED = (
    '\n@id("closed") @reason("closed") forbid (principal, action == Action::"subject.erase", resource);\n'
)


@pytest.fixture
def world():
    made = founded()
    made.sources = 100
    for name, role in (("ana", "analyst"), ("olga", "privacy-officer"), ("petra", "privacy-officer")):
        made.service.add_principal(name, [role])
    made.collect("visits", ["ann", "bob", "cem"], with_consent=True)
    return made


def put(world, *records):
    with world.inner_store.write() as tx:
        for record in records:
            tx.put(record)


def held(world, kind, **equals):
    with world.read() as reader:
        return reader.find(kind, **equals)


def code(act):
    try:
        act()
    except HedgerowError as error:
        return error.code
    return None


@pytest.fixture
def back(world):
    """Erase somebody, and put the key, the membership and the sealed fields back under another look-up."""
    with world.read() as reader:
        number = world.spine.vault.find(reader, "ann").number
    ((own,), members, fields) = (held(world, kind, number=number) for kind in (Subject, Member, SealedField))
    world.service.erase_subject("ann")
    (now,) = held(world, Dataset)
    put(world, replace(own, lookup=bytes(32)), *members, *fields)
    put(world, replace(now, people_count=now.people_count + 1))
    return world


def test_an_erased_person_put_back_under_another_look_up_is_noticed(back):
    with pytest.raises(Fault) as caught:
        back.service.verify()
    assert (caught.value.code, caught.value.details["kind"]) == ("records.differ", "erased people")


def test_no_erasure_is_called_final_while_the_erased_are_back(back):
    assert code(lambda: back.service.change_epoch(is_ending=True)) == "records.differ"
    assert not [c for c in held(back, Certificate) if c.kind.startswith("final")]
    assert not [e for e in back.keys.epochs() if e.destroyed is not None]


def test_who_is_collected_again_is_nobody_who_came_back(world):
    world.erase("ann")
    world.collect("visits", ["ann"], with_consent=True)
    assert len(held(world, Subject)) == 3
    world.service.verify()
    world.service.change_epoch(is_ending=True)
    assert [c for c in held(world, Certificate) if c.kind.startswith("final")]


def test_an_erasure_that_removes_no_key_is_none(world, monkeypatch):
    kind = type(world.inner_store.write().__enter__())
    real = kind.remove_all
    monkeypatch.setattr(kind, "remove_all", lambda self, *a, **k: [*real(self, *a, **k)[:-1], 0])
    assert code(lambda: world.service.erase_subject("ann")) == "table.changed"
    monkeypatch.undo()
    assert held(world, Certificate) == []


@pytest.mark.parametrize("waits", [False, True], ids=["alone", "where an approval is needed"])
def test_an_erasure_forbidden_while_it_is_under_way_is_not_done(world, monkeypatch, waits):
    asks = NEEDED % ("asked", "privacy-officer", "privacy-officer", "subject.erase")
    policies = default_policies() + (asks if waits else "")
    if waits:
        world.service.apply_policy(policies)
        assert code(lambda: Service(world.spine, OLGA).erase_subject("ann")) == "approval.pending"
    without = Tables.without

    def meanwhile(self, *given):
        monkeypatch.setattr(Tables, "without", without)
        world.service.apply_policy(policies + CLOSED)
        return without(self, *given)

    monkeypatch.setattr(Tables, "without", meanwhile)
    assert code(lambda: Service(world.spine, OLGA).erase_subject("ann")) == "policy.forbidden"
    assert len(held(world, Subject)) == 3
    assert held(world, Certificate) == []


def test_a_vote_counts_for_the_roles_that_its_voter_had_when_it_was_given(world):
    """Two officers and no auditor: the first is called an auditor while the second votes."""
    two = [NEEDED % (role, role, "analyst", "query") for role in ("privacy-officer", "auditor")]
    world.service.apply_policy(default_policies() + "".join(two))
    wish = UseRequest(ANA, "research", "visits", {"sql": SQL.format(dataset="visits"), "epsilon": "0.5"}, "r")
    with pytest.raises(Refused) as caught:
        world.spine.gate.use(wish, Counts(world))
    name = caught.value.details["approval"]

    def grant(who):
        return world.spine.approvals.decide(who, name, is_granted=True, reason="").state

    assert grant(OLGA) == "pending"
    (olga,) = held(world, Principal, name="olga")
    put(world, replace(olga, roles="auditor,privacy-officer"))
    assert grant(PETRA) == "pending"
    assert code(lambda: world.spine.gate.use(wish, Counts(world))) == "approval.pending"
    put(world, olga)
    world.service.verify()
