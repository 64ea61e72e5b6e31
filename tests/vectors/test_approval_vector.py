"""The entries of approvals are those of the vector in `specs`, read here by its rules and nothing of ours."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from tests.simulator.world import World

from hedgerow.model.errors import Refused
from hedgerow.model.policy import ApprovalNeed
from hedgerow.model.records import Approval, JournalEntry
from hedgerow.model.uses import Actor
from hedgerow.spine.approvals import Asked
from hedgerow.spine.approving import request_facts

VECTOR = json.loads((Path(__file__).parents[2] / "specs" / "vectors" / "approval.json").read_text())
ANA, OLGA = Actor("owner", "ana"), Actor("owner", "olga")


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha(value):
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def broken(entries):
    """Give the first entry that breaks a rule of the specification, or none."""
    asked, state, spent, used = {}, {}, set(), set()
    for entry in entries:
        action, actor, facts = entry["action"], entry["actor"], entry["facts"]
        name = facts.get("approval")
        if action == "approval.request":
            asked[name], state[name] = entry, "pending"
        elif action.startswith("approval."):
            now, request = state.get(name), asked.get(name, {"actor": actor})["actor"]
            verb = action.removeprefix("approval.")
            fits = {"grant": now == "pending", "use": now == "granted"}.get(
                verb, now in ("pending", "granted")
            )
            if verb == "grant":
                names = {request["as"], request["by"]}
                fits = fits and actor["as"] not in names and request["as"] != actor["by"]
            if verb == "use":
                fits = fits and actor == request and entry["time"] < asked[name]["facts"]["expires"]
                spent.add(name)
            if not fits:
                return entry
            state[name] = facts.get("state", verb)
        elif action == "use.intend" and name is not None:
            if name not in spent or name in used:
                return entry
            used.add(name)
    return None


def test_the_hashes_are_those_of_the_vector_by_its_own_rules():
    record, facts = VECTOR["record"], VECTOR["facts"]
    for fact, text in (("bound", "binding"), ("summary", "summary"), ("words", "words")):
        assert facts[fact] == sha([record["id"], record[text]])
    assert record["binding"] == sha(VECTOR["bound"])


def test_the_vector_is_reproduced():
    assert request_facts(Approval(**VECTOR["record"])) == VECTOR["facts"]
    given = VECTOR["bound"]
    needs = tuple(ApprovalNeed(*each) for each in json.loads(given["needs"]))
    actor = Actor(given["actor"]["by"], given["actor"]["as"])
    asked = Asked(given["act"], actor, given["bound"], {}, {}, needs, given["dataset"], given["purpose"])
    assert asked.binding() == VECTOR["record"]["binding"]


@pytest.fixture(scope="module")
def entries():
    """Give a journal in which one use was asked for, granted and used, and another denied."""
    world = World()
    world.service.add_principal("olga", ["privacy-officer"])
    for epsilon, is_granted in (("1", True), ("2", False)):
        asked = Asked("restore.charge", ANA, {"epsilon": epsilon}, {"epsilon": epsilon})
        with world.store.write() as tx:
            waits = world.spine.approvals.needed(tx, asked)
        assert isinstance(waits, Refused)
        name = str(waits.details["approval"])
        world.spine.approvals.decide(OLGA, name, is_granted=is_granted, reason="because")
        with world.store.write() as tx:
            world.spine.approvals.needed(tx, asked)
    with world.read() as reader:
        return [json.loads(entry.body) for entry in reader.find(JournalEntry)]


def test_a_journal_of_ours_keeps_the_rules(entries):
    assert [e["action"] for e in entries if e["action"].startswith("approval.")] == [
        "approval.request", "approval.grant", "approval.use", "approval.request", "approval.deny",
    ]  # fmt: skip
    assert broken(entries) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e["action"] == "approval.grant" and e["actor"].update({"as": "ana"}),
        lambda e: e["action"] == "approval.grant" and e["actor"].update({"as": "owner"}),
        lambda e: e["action"] == "approval.grant" and e["facts"].update(state="pending"),
        lambda e: e["action"] == "approval.use" and e["actor"].update({"as": "olga"}),
        lambda e: e["action"] == "approval.use" and e.update(time="2099-01-01T00:00:00.000Z"),
        lambda e: e["action"] == "approval.deny" and e.update(action="approval.use"),
    ],
)
def test_one_that_breaks_a_rule_is_found(entries, change):
    copied = json.loads(json.dumps(entries))
    for entry in copied:
        change(entry)
    assert broken(copied) is not None
