"""Somebody who writes to the database beside the program, or restores a witness, changes what is decided.

The writer has no key and no passphrase. He puts a row of the journal in place of another and puts it back,
takes an erasure out of it, moves search terms, and restores a workspace that vouched for others.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.program import Program
from tests.simulator.people import MAIL, People
from tests.simulator.world import World

from hedgerow.kernel.hybrid import new_identity
from hedgerow.model.canonical import canonical
from hedgerow.model.errors import Fault, Refused
from hedgerow.model.records import Approval, BlindTerm, JournalEntry, Setting
from hedgerow.model.uses import Actor
from hedgerow.spine.approvals import Asked
from hedgerow.spine.audit import check_records
from hedgerow.spine.entries import parse_entry

ANA, OLGA, OWNER = (Actor("owner", name) for name in ("ana", "olga", "owner"))
WHAT = Asked("space.charge", ANA, {"epsilon": "1/2"}, {"epsilon": "0.5"})
DECLARE = ("--why", "w", "--owner", "owner", "--until", "2099-01-01")


def code_of(act):
    with pytest.raises(Fault) as caught:
        act()
    return caught.value.code


def ask(world):
    with world.store.write() as tx:
        return world.spine.approvals.needed(tx, WHAT)


@pytest.fixture
def asked():
    """Give a world in which ana asked, with one entry more, and the id."""
    world = World()
    for name, role in (("ana", "analyst"), ("olga", "privacy-officer")):
        world.service.add_principal(name, [role])
    waits = ask(world)
    assert isinstance(waits, Refused)
    world.service.add_principal("later", ["auditor"])
    return world, str(waits.details["approval"])


def forged(world, name):
    """Write a grant in place of the newest entry, and into the record, as the writer of rows would."""
    with world.inner_store.write() as tx:
        last = max(tx.find(JournalEntry), key=lambda each: each.index)
        told = dict(parse_entry(last.body))
        told |= {"action": "approval.grant", "actor": {"as": "olga", "by": "owner"},
                 "facts": {"approval": name, "state": "granted"}}  # fmt: skip
        tx.put(replace(last, body=canonical(told)))
        votes = canonical([{"as": "olga", "by": "owner", "time": told["time"]}]).decode()
        record = tx.get(Approval, name)
        tx.put(replace(record, state="granted", votes=votes, decided=told["time"], entry=last.index))
    return last


@pytest.mark.parametrize("kept", ["as it was", "gone", "of a forged log"])
def test_a_grant_that_nobody_gave_lets_nothing_through(asked, kept):
    world, name = asked
    forged(world, name)
    with world.inner_store.write() as tx:
        if kept == "gone":
            tx.remove(Setting, name="journal.frontier.0")
        elif kept == "of a forged log":
            tx.put(Setting("journal.frontier.0", "aGdmMQAAAAAAAAAA"))
    assert code_of(lambda: ask(world)) == "journal.altered"
    assert code_of(lambda: world.spine.approvals.decide(OLGA, name, is_granted=False, reason="x")) == (
        "journal.altered"
    )


def test_a_journal_in_which_an_approval_is_used_without_a_grant_is_refused(asked):
    world, name = asked
    with world.store.write() as tx:
        entry = world.spine.journal.append(tx, "approval.use", ANA, {"approval": name})
        tx.put(replace(tx.get(Approval, name), state="used", words="{}", entry=entry))
    with world.read() as reader:
        world.spine.journal.verify(reader)
        assert code_of(lambda: check_records(reader, world.spine.ledger)) == "approval.rule-broken"


@pytest.mark.parametrize(
    ("steps", "is_kept"),
    [
        ([("grant", OLGA, "granted"), ("use", ANA, None)], True),
        ([("grant", ANA, "granted")], False),
        ([("grant", OWNER, "granted")], False),
        ([("grant", OLGA, "pending"), ("use", ANA, None)], False),
        ([("grant", OLGA, "granted"), ("grant", Actor("owner", "later"), "granted")], False),
        ([("grant", OLGA, "granted"), ("use", OLGA, None)], False),
        ([("grant", OLGA, "granted"), ("use", ANA, None), ("use", ANA, None)], False),
        ([("deny", OLGA, "denied"), ("use", ANA, None)], False),
        ([("grant", OLGA, "granted"), ("wait", OLGA, None), ("use", ANA, None)], False),
        ([("grant", OLGA, "granted"), ("intend", ANA, None)], False),
        (
            [("grant", OLGA, "granted"), ("use", ANA, None), ("intend", ANA, None), ("intend", ANA, None)],
            False,
        ),
    ],
)
def test_each_rule_of_approvals_is_kept_by_whoever_reads(asked, steps, is_kept):
    from hedgerow.spine.approving import told

    world, name = asked
    for step, actor, state in steps:
        if step == "wait":
            world.clock.advance(days=8)
            continue
        action = "use.intend" if step == "intend" else f"approval.{step}"
        with world.store.write() as tx:
            facts = {"approval": name} | ({"state": state} if state else {})
            world.spine.journal.append(tx, action, actor, facts)
    with world.read() as reader:
        entries = [parse_entry(entry.body) for entry in reader.find(JournalEntry)]
    if is_kept:
        assert told(entries)[name]["state"] == "used"
    else:
        assert code_of(lambda: told(entries)) == "approval.rule-broken"


def test_an_erasure_taken_out_of_the_journal_while_rows_are_read_is_a_fault():
    world = World()
    world.collect("visits", ["ann", "bob"])
    with world.read() as reader:
        intent = world.spine.journal.head(reader).size - 1
    world.service.erase_subject("ann")
    with world.inner_store.write() as tx:
        last = max(tx.find(JournalEntry), key=lambda each: each.index)
        assert b"subject.erase" in last.body
        tx.put(replace(last, body=last.body.replace(b"subject.erase", b"subject.spare")))
    with world.read() as reader:
        erased = world.spine.journal.erased_since
        assert code_of(lambda: erased(reader, "visits", intent)) == "journal.altered"


def test_a_search_is_not_led_to_somebody_else():
    people = People()
    people.collect("club", [(f"p{n}", f"p{n}@x.org") for n in range(30)])
    people.service.make_index("club", MAIL, "email")
    assert people.find("club", "p1@x.org") == {"p1"}
    with people.inner.write() as tx:
        terms = tx.find(BlindTerm)
        tx.remove(BlindTerm, index_id=terms[0].index_id)
        numbers = [term.number for term in terms]
        tx.add(replace(t, number=n) for t, n in zip(terms, [*numbers[1:], numbers[0]], strict=True))
    assert code_of(lambda: people.find("club", "p1@x.org")) == "records.differ"


@pytest.mark.system
def test_a_restored_witness_vouches_for_no_fork_by_the_keys_it_had(tmp_path):
    log, friend = Program(tmp_path / "log"), Program(tmp_path / "friend")
    identity = new_identity()

    def act(program, name):
        assert program.call("purpose", "add", name, *DECLARE).code == 0

    def cosigned(witness, program, *more):
        out = tmp_path / f"tiles-{program.space.name}"
        assert program.call("journal", "tiles", "--out", out).code == 0
        return witness.call("journal", "cosign", out, "--out", tmp_path / "c", "--force", *more, "--json")

    for each in (log, friend):
        assert each.call("init", each.space, "--no-passphrase").code == 0
    key = log.call("journal", "head", "--json").json["key"]
    before = cosigned(friend, log, "--key", key).json
    to = ("--to", tmp_path / "b", "--recipient", identity.recipient.text)
    assert friend.call("backup", *to).code == 0
    shutil.copytree(log.space, tmp_path / "fork")
    fork = Program(tmp_path / "fork")
    act(log, "one")
    assert cosigned(friend, log).code == 0
    act(fork, "two")
    act(fork, "three")
    from hedgerow.app.backup.restoring import Wish
    from hedgerow.app.space import restore_space

    wish = Wish(tmp_path / "b", tmp_path / "back", identity, lambda _: None, nobody_since="nobody")
    assert restore_space(wish)["cosigns_anew"]
    after = cosigned(Program(tmp_path / "back"), fork).json
    assert not set(after["keys"]) & set(before["keys"])
    acts = [entry["action"] for entry in Program(tmp_path / "back").call("journal", "show", "--json").json]
    assert "cosigner.retire" in acts


def test_the_offline_verifier_keeps_the_rules_of_approvals(tmp_path, capsys):
    from hedgerow.kernel.merkle import build_bundle, offline_verifier

    actor, by = {"as": "ana", "by": "owner"}, {"as": "olga", "by": "owner"}
    ends = {"expires": "2030-01-01T00:00:00.000Z"}
    asked, grant, use, intend = (
        {"action": action, "actor": who, "facts": {"approval": "A-1", **facts}}
        for action, who, facts in (
            ("approval.request", actor, ends), ("approval.grant", by, {"state": "granted"}),
            ("approval.use", actor, {}), ("use.intend", actor, {}),
        )
    )  # fmt: skip
    late = use | {"time": "2030-01-01T00:00:00.000Z"}
    stories = {
        "": [asked, grant, use, intend],
        "was not granted": [asked, use],
        "before": [grant],
        "whoever asked": [asked, grant | {"actor": actor}],
        "somebody else": [asked, grant, use | {"actor": by}],
        "after its time": [asked, grant, late],
        "was use before": [asked, grant, use, use],
        "no approval of its own": [asked, grant, intend],
    }
    for place, (wrong, story) in enumerate(stories.items()):
        entries = [canonical({"time": "2029-01-01T00:00:00.000Z"} | entry) for entry in story]
        folder = tmp_path / str(place)
        for name, content in build_bundle(entries, Ed25519PrivateKey.generate(), "log", {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        code = offline_verifier.main([str(folder)])
        out = capsys.readouterr().out
        assert (code, wrong in out) == (6 if wrong else 0, True), out
        assert ("breaks the rules of approvals" in out) is bool(wrong)
    carried = [sys.executable, str(folder / "verify.py"), str(folder)]
    assert subprocess.run(carried, capture_output=True, check=False).returncode == 6
