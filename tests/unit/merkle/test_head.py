"""A saved head tells apart a log that grew from one that was cut, forked, signed again or swapped."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.kernel import merkle
from hedgerow.kernel.merkle import HeadVerdict
from hedgerow.model.errors import CallerError, Fault

ORIGIN = "hedgerow/here"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
LEAVES = merkle.leaf_hashes(b"entry %d" % at for at in range(9))


def saved(size, key=KEY, origin=ORIGIN, extra=None):
    note = merkle.sign_checkpoint(origin, size, merkle.root_of(LEAVES[:size]), key, ["spent visits 1/2"])
    return merkle.head_to_json(note, key.public_key(), "2026-01-01T00:00:00Z", extra)


def compared(head, leaves, key=KEY, origin=ORIGIN):
    return merkle.compare_head(merkle.head_from_json(head), origin, leaves, key.public_key())


def test_a_head_file_says_what_people_need_at_its_top():
    members = json.loads(saved(5, extra={"spent": {"visits": "1/2"}}))
    assert members["fingerprint"] == merkle.fingerprint(KEY.public_key())
    assert (members["origin"], members["size"], members["format"]) == (ORIGIN, 5, "hedgerow/head/v1")
    assert members["spent"] == {"visits": "1/2"}
    read = merkle.head_from_json(json.dumps(members).encode())
    assert (read.checkpoint.size, read.time, read.extra["spent"]) == (
        5,
        "2026-01-01T00:00:00Z",
        {"visits": "1/2"},
    )


@pytest.mark.parametrize("size", range(10))
def test_a_log_that_only_grew_is_sound(size):
    found = compared(saved(size), LEAVES)
    assert found.verdict is (HeadVerdict.SAME if size == 9 else HeadVerdict.EXTENDS)
    assert found.is_sound
    found.require_sound()


@pytest.mark.parametrize("now", range(5))
def test_a_cut_log_is_truncated(now):
    found = compared(saved(5), LEAVES[:now])
    assert found.verdict is HeadVerdict.TRUNCATED
    with pytest.raises(Fault) as caught:
        found.require_sound()
    assert (caught.value.code, caught.value.row.exit) == ("journal.truncated", 6)
    assert caught.value.details["index"] == now


@pytest.mark.parametrize("at", range(5))
def test_a_log_with_one_other_entry_is_forked(at):
    leaves = [*LEAVES[:at], merkle.leaf_hash(b"forged"), *LEAVES[at + 1 :]]
    found = compared(saved(5), leaves)
    assert found.verdict is HeadVerdict.FORKED
    with pytest.raises(Fault) as caught:
        found.require_sound()
    assert (caught.value.code, caught.value.row.exit) == ("journal.forked", 6)


def test_a_change_after_the_head_is_not_its_to_tell():
    leaves = [*LEAVES[:5], merkle.leaf_hash(b"forged")]
    assert compared(saved(5), leaves).verdict is HeadVerdict.EXTENDS


@pytest.mark.parametrize("leaves", [LEAVES, LEAVES[:2], LEAVES[::-1]])
def test_a_log_signed_again_is_told_before_anything_else(leaves):
    found = compared(saved(5), leaves, OTHER)
    assert found.verdict is HeadVerdict.RESIGNED
    with pytest.raises(Fault) as caught:
        found.require_sound()
    assert (caught.value.code, caught.value.row.exit) == ("journal.resigned", 6)


def test_a_head_of_another_log_of_the_same_key_is_told():
    found = compared(saved(5, origin="hedgerow/there"), LEAVES)
    assert found.verdict is HeadVerdict.OTHER_LOG
    with pytest.raises(Fault) as caught:
        found.require_sound()
    assert caught.value.code == "journal.other-log"


def test_a_head_whose_note_was_altered_proves_nothing():
    members = json.loads(saved(5))
    lines = members["checkpoint"].split("\n")
    lines[1] = "4"
    altered = {"checkpoint": "\n".join(lines), "fingerprint": members["fingerprint"]}
    with pytest.raises(Fault) as caught:
        compared(json.dumps(altered).encode(), LEAVES)
    assert (caught.value.code, caught.value.row.exit) == ("head.bad-signature", 6)


def test_a_receipt_with_a_checkpoint_and_a_fingerprint_serves_as_a_head():
    members = json.loads(saved(5))
    receipt = {"evidence": "x", "checkpoint": members["checkpoint"], "fingerprint": members["fingerprint"]}
    assert compared(json.dumps(receipt).encode(), LEAVES).verdict is HeadVerdict.EXTENDS


@pytest.mark.parametrize(
    "change",
    [
        {"size": 4},
        {"size": "5"},
        {"size": 5.0},
        {"root": "AAAA"},
        {"origin": "hedgerow/there"},
        {"fingerprint": "SHA256:x"},
        {"fingerprint": 7},
        {"checkpoint": None},
        {"checkpoint": "x"},
        {"key": "x"},
        {"key": 7},
        {"time": 7},
    ],
)
def test_a_head_that_contradicts_itself_is_malformed(change):
    with pytest.raises(CallerError) as caught:
        merkle.head_from_json(json.dumps({**json.loads(saved(5)), **change}).encode())
    assert (caught.value.code, caught.value.row.exit) == ("head.malformed", 2)


@pytest.mark.parametrize("stored", [b"", b"[]", b"\xff", b"7", b"{}", b'{"size":1,"size":2}', b"[" * 100_000])
def test_what_is_no_head_is_malformed(stored):
    with pytest.raises(CallerError) as caught:
        merkle.head_from_json(stored)
    assert caught.value.code == "head.malformed"


def test_a_head_is_not_written_for_a_note_of_another_key_nor_over_its_own_names():
    note = merkle.sign_checkpoint(ORIGIN, 1, LEAVES[0], OTHER)
    with pytest.raises(Fault):
        merkle.head_to_json(note, KEY.public_key(), "")
    with pytest.raises(CallerError):
        saved(3, extra={"size": 4})


def test_check_log_names_the_first_bad_index():
    entries = [b"entry %d" % at for at in range(9)]
    head = merkle.Checkpoint(ORIGIN, 9, merkle.root_of(LEAVES))
    assert merkle.check_log(entries, LEAVES, head) == LEAVES
    forged = [*entries[:4], b"forged", *entries[5:]]
    cases = [
        (forged, LEAVES, "journal.altered", 4),
        (entries[:3] + entries[4:], LEAVES, "journal.altered", 3),
        (entries[::-1], LEAVES, "journal.altered", 0),
        (entries[:6], LEAVES, "journal.truncated", 6),
        (entries[:6], LEAVES[:6], "journal.truncated", 6),
        ([*entries, b"more"], LEAVES, "journal.unsigned-tail", 9),
        ([*entries, b"more"], [*LEAVES, merkle.leaf_hash(b"more")], "journal.unsigned-tail", 9),
    ]
    for found, hashes, code, index in cases:
        with pytest.raises(Fault) as caught:
            merkle.check_log(found, hashes, head)
        assert (caught.value.code, caught.value.row.exit, caught.value.details["index"]) == (code, 6, index)
    with pytest.raises(Fault) as caught:
        merkle.check_log(forged, merkle.leaf_hashes(forged), head)
    assert caught.value.code == "journal.root-differs"
