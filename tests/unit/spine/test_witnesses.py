"""Proves the head kept outside: what it says, what a rollback or a fork meets, and what keeps an answer back.

Attacked: an older copy of the store, a store and one witness rolled back together, a witness's file replaced
by an older one, forged, taken from another workspace, turned into a link, or gone; a program that dies
between commit and witness. Unseen, as one test states: the store and its only witness rolled back together.
"""

from __future__ import annotations

import base64
import json
import secrets
from fractions import Fraction
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.simulator.adapters import copied_store
from tests.simulator.recording import RowsPlan
from tests.simulator.world import OWNER, World

from hedgerow.adapters.witness import FileSink
from hedgerow.app.outside import read_outside
from hedgerow.model.budget import PureEvent
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.records import Account, JournalEntry, Request, Witness
from hedgerow.model.uses import Grant, Release, UseRequest
from hedgerow.spine.audit import check_records
from hedgerow.spine.outside import Spent, spent_since

EPSILON = Fraction(1, 8)


class Draws:
    """A technique that spends and draws something new each time."""

    name, action, is_charged = "draws", "query", True

    def plan(self, request, dataset):
        cost = PureEvent(EPSILON) if self.is_charged else None
        return RowsPlan(Grant(frozenset({"tag"}), "aggregate"), cost)

    def run(self, lease, plan):
        return Release({"draw": secrets.token_hex(8)}, "none")


class Free(Draws):
    is_charged = False


@pytest.fixture
def world():
    made = World()
    made.collect("visits", ["ann", "bob"])
    made.service.allocate("visits", "care", Fraction(2))
    return made


@pytest.fixture
def place(tmp_path):
    (tmp_path / "space").mkdir()
    (tmp_path / "usb").mkdir()
    return tmp_path / "usb" / "head.json"


def add(world, place, name="usb", *, required=False):
    return world.service.add_witness(name, place, place.parent.parent / "space", required=required)


def use(world, request_id, technique=Draws):
    request = UseRequest(OWNER, "care", "visits", {}, request_id)
    return world.spine.gate.use(request, technique()).release.payload["draw"]


def code_of(act):
    with pytest.raises(HedgerowError) as caught:
        act()
    return caught.value.code


def spent(world):
    with world.read() as reader:
        account = reader.get(Account, "visits", "care")
    return Fraction(account.epsilon) if account else Fraction(0)


def roll_back(world, store):
    world.inner_store = copied_store(store)
    world.restart()


def states(world):
    return {each["name"]: each["state"] for each in world.service.witnesses()}


def note(text, name, key):
    """Check a signed note with nothing but its definition, and give its lines."""
    body, _, lines = text.rpartition("\n\n")
    identity = sha256(name.encode() + b"\n\x01" + key).digest()[:4]
    for line in lines.splitlines():
        _, signer, blob = line.split(" ")
        raw = base64.b64decode(blob)
        if signer == name and raw[:4] == identity:
            Ed25519PublicKey.from_public_bytes(key).verify(raw[4:], (body + "\n").encode())
            return body.split("\n")
    raise AssertionError("not signed")


def test_after_each_entry_the_file_holds_the_signed_head_and_the_exact_totals(world, place):
    add(world, place)
    use(world, "one")
    use(world, "two")
    record = json.loads(place.read_bytes())
    signed = record.pop("signed")
    key, origin = world.spine.attestor.public, "hedgerow/w-simulated"
    assert json.loads("\n".join(note(signed, origin, key))) == record
    assert note(record["checkpoint"], origin, key) == [origin, str(record["size"]), record["root"]]
    assert {(s["dataset"], s["purpose"]): s["epsilon"] for s in record["spent"]} == {
        ("visits", "care"): "1/4", ("*", "*"): "1/4"
    }  # fmt: skip
    with world.read() as reader:
        assert record["size"] == world.spine.journal.head(reader).size == reader.count(JournalEntry)
    assert place.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in place.parent.iterdir()] == ["head.json"]


def test_what_was_spent_after_a_backup_is_read_from_outside(world, place):
    add(world, place)
    use(world, "before")
    backup = {
        ("visits", "care"): Spent(EPSILON, Fraction(0), ()),
        ("*", "*"): Spent(EPSILON, Fraction(0), ()),
    }
    use(world, "after-1")
    use(world, "after-2")
    outside = read_outside(place, world.spine.attestor)
    assert (outside.tenant, outside.size) == ("w-simulated", world.service.witnesses()[0]["size"])
    gained = Spent(Fraction(1, 4), Fraction(0), ())
    assert spent_since(backup, outside) == {("*", "*"): gained, ("visits", "care"): gained}
    assert spent_since(outside.spent, outside) == {}
    more = {("visits", "care"): Spent(Fraction(9), Fraction(0), ())}
    assert code_of(lambda: spent_since(more, outside)) == "witness.less-spent"


def test_an_older_copy_of_the_store_spends_nothing_and_leaves_the_file_alone(world, place):
    add(world, place)
    older = copied_store(world.inner_store)
    use(world, "one")
    held = place.read_bytes()
    roll_back(world, older)
    assert states(world) == {"usb": "ahead"}
    assert code_of(lambda: use(world, "two")) == "witness.ahead"
    assert spent(world) == 0
    with world.read() as reader:
        assert code_of(lambda: world.spine.witnesses.require_sound(reader)) == "witness.ahead"
    assert use(world, "free", Free), "what costs nothing goes on"
    assert place.read_bytes() == held
    for count in range(4):  # grown past the size the witness holds, it is a fork
        use(world, f"free-{count}", Free)
    assert states(world) == {"usb": "forked"}
    error = code_of(lambda: use(world, "three"))
    assert (error, place.read_bytes()) == ("witness.forked", held)
    with world.read() as reader:
        assert code_of(lambda: world.spine.witnesses.require_sound(reader)) == "witness.forked"


def test_store_and_one_witness_rolled_back_together_are_seen_by_the_second(world, place):
    second = place.with_name("second.json")
    add(world, place)
    add(world, second, "far")
    older, old = copied_store(world.inner_store), {p: p.read_bytes() for p in (place, second)}
    use(world, "one")
    roll_back(world, older)
    place.write_bytes(old[place])
    assert states(world)["far"] == "ahead"
    assert code_of(lambda: use(world, "two")) == "witness.ahead"
    second.write_bytes(old[second])
    assert set(states(world).values()) <= {"current", "behind"}
    assert use(world, "two"), "all of it rolled back together is the state it was: nothing here can tell"


def test_a_file_replaced_by_an_older_one_is_found_and_not_overwritten(world, place):
    add(world, place, required=True)
    old = place.read_bytes()
    use(world, "one")
    use(world, "two")
    place.write_bytes(old)
    world.restart()  # the next program knows from the store what the witness held
    assert states(world) == {"usb": "older"}
    assert code_of(lambda: use(world, "three")) == "witness.older"
    world.service.add_principal("eve", ["analyst"])
    assert (place.read_bytes(), spent(world)) == (old, 2 * EPSILON)
    world.service.remove_witness("usb")
    add(world, place, required=True)
    assert states(world) == {"usb": "current"}
    assert use(world, "three")


def forge(record):
    """Say that less was spent, under the old signature."""
    record["spent"] = [{"dataset": "*", "purpose": "*", "epsilon": "0/1", "rho": "0/1", "apart": []}]
    return json.dumps(record).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"{}",
        lambda record: json.dumps(record | {"size": 10**6}).encode(),
        forge,
        lambda record: json.dumps(record | {"checkpoint": "x"}).encode(),
        lambda record: json.dumps({k: v for k, v in record.items() if k != "signed"}).encode(),
        lambda record: json.dumps(record).encode() + b"x" * (17 << 20),
    ],
)
def test_a_forged_file_is_neither_believed_nor_overwritten(world, place, change):
    add(world, place, required=True)
    place.write_bytes(forged := change(json.loads(place.read_bytes())))
    assert states(world)["usb"] in {"forged", "unreachable"}
    assert code_of(lambda: use(world, "one")) in {"witness.forged", "witness.unreachable"}
    assert (place.read_bytes(), spent(world)) == (forged, 0)


def test_the_file_of_another_workspace_is_refused(world, place):
    other = World()
    other.collect("visits", ["cid"])
    add(other, place)
    # The same tenant name, but a key of its own: such a file is no witness of this journal.
    from hedgerow.spine.attest import Attestor, new_attestation_key

    stranger = Attestor(new_attestation_key(), "hedgerow/w-other")
    assert code_of(lambda: read_outside(place, stranger)) == "witness.malformed"
    same_name = Attestor(new_attestation_key(), "hedgerow/w-simulated")
    assert code_of(lambda: read_outside(place, same_name)) == "journal.bad-signature"
    assert code_of(lambda: add(world, place)) in {"witness.forked", "witness.ahead"}
    assert states(world) == {}


def test_a_link_in_the_place_of_the_file_is_not_followed(world, place):
    victim = place.with_name("victim")
    victim.write_text("mine")
    place.symlink_to(victim)
    assert code_of(lambda: add(world, place)) == "witness.not-plain"
    place.unlink()
    add(world, place)
    place.unlink()
    place.symlink_to(victim)
    use(world, "one")
    assert (victim.read_text(), states(world)) == ("mine", {"usb": "unreachable"})
    with pytest.raises(Fault):
        FileSink(str(place)).write(b"x")
    assert victim.read_text() == "mine"


def test_a_place_inside_the_workspace_or_in_no_folder_is_refused(world, place):
    inside = place.parent.parent / "space" / "head.json"
    assert code_of(lambda: add(world, inside)) == "witness.inside"
    assert code_of(lambda: add(world, place.parent / "none" / "head.json")) == "witness.not-plain"
    assert code_of(lambda: add(world, place.parent)) == "witness.not-plain"
    add(world, place)
    assert code_of(lambda: add(world, place)) == "witness.exists"
    assert code_of(lambda: world.service.remove_witness("none")) == "witness.unknown"


def test_without_a_required_witness_no_answer_leaves_and_nothing_is_spent(world, place):
    add(world, place, required=True)
    place.parent.rename(place.parent.with_name("away"))
    assert code_of(lambda: use(world, "one")) == "witness.unreachable"
    assert spent(world) == 0
    place.parent.mkdir()  # the folder that a disk is mounted on: empty is not new
    assert code_of(lambda: use(world, "one")) == "witness.unreachable"
    world.service.add_principal("eve", ["analyst"])
    assert list(place.parent.iterdir()) == []
    place.parent.rmdir()
    place.parent.with_name("away").rename(place.parent)
    assert use(world, "one")
    assert states(world) == {"usb": "current"}


def test_a_required_witness_lost_under_way_keeps_the_answer_until_it_is_back(world, place):
    add(world, place, required=True)
    away = place.parent.with_name("away")

    class Cut(Draws):
        def run(self, lease, plan):
            place.parent.rename(away)
            return super().run(lease, plan)

    assert code_of(lambda: use(world, "one", Cut)) == "witness.unreachable"
    assert spent(world) == EPSILON, "it stays spent"
    with world.read() as reader:
        assert reader.get(Request, "one").state == "done"
    assert code_of(lambda: use(world, "one")) == "witness.unreachable", "a replay is an answer as well"
    away.rename(place.parent)
    first = use(world, "one")
    assert first == use(world, "one"), "no second draw"
    assert spent(world) == EPSILON
    assert read_outside(place, world.spine.attestor).spent["visits", "care"].epsilon == EPSILON


def test_an_optional_witness_that_is_away_stops_nothing_and_shows_its_lag(world, place):
    add(world, place)
    away = place.parent.with_name("away")
    place.parent.rename(away)
    assert use(world, "one")
    (listed,) = world.service.witnesses()
    assert (listed["state"], listed["lag"]) == ("unreachable", None)
    rows = {each["check"]: each["ok"] for each in world.service._outside()}
    assert rows == {"witness usb": False}
    away.rename(place.parent)
    (listed,) = world.service.witnesses()
    assert (listed["state"], listed["lag"]) == ("behind", 2)
    use(world, "two")
    assert states(world) == {"usb": "current"}


def test_a_program_that_died_before_the_witness_is_caught_up_with_at_the_next_start(world, place):
    add(world, place)
    with world.inner_store.write() as tx:  # committed, and nobody told the witness
        world.spine.journal.append(tx, "purpose.list", OWNER, {})
    assert states(world) == {"usb": "behind"}
    world.restart()
    world.spine.witnesses.follow()
    assert states(world) == {"usb": "current"}


def test_a_witness_taken_out_of_the_records_beside_the_journal_is_found(world, place):
    add(world, place)
    with world.inner_store.write() as tx:
        tx.remove(Witness, name="usb")
    with world.read() as reader:
        assert code_of(lambda: check_records(reader, world.spine.ledger)) == "records.differ"


def test_what_a_killed_writer_left_beside_the_file_goes_with_the_next_write(place):
    left = place.with_name(f".{place.name}.{'0' * 16}")
    left.write_bytes(b"half")
    FileSink(str(place)).write(b"whole")
    assert [each.name for each in place.parent.iterdir()] == [place.name]
    assert FileSink(str(place)).read() == b"whole"
