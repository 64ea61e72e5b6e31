"""Journal, tiles, certificate and head kept outside are read by the words of their specifications alone.

The decoder uses ``struct``, ``json``, ``hashlib`` and ``cryptography``, nothing of the product; the product's
own builder is asked only whether it makes the tiles of the vector.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from fractions import Fraction
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

VECTORS = Path(__file__).parents[2] / "specs" / "vectors"
SEED = bytes(range(32))


def vector(name):
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def key():
    return Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()


def sha(content):
    return hashlib.sha256(content).digest()


def mth(leaves):
    """RFC 6962, 2.1."""
    if len(leaves) <= 1:
        return sha(b"\0" + leaves[0]) if leaves else sha(b"")
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1" + mth(leaves[:k]) + mth(leaves[k:]))


def fingerprint(key):
    return "SHA256:" + base64.urlsafe_b64encode(sha(key)).decode().rstrip("=")


def note_text(note, origin, key):
    """Give the text of a signed note, its last line a signature by the key under the origin."""
    text, _, signatures = note.rpartition("\n\n")
    dash, name, signature = signatures.removesuffix("\n").split(" ")
    raw = base64.b64decode(signature, validate=True)
    key_id = sha(origin.encode() + b"\n\x01" + key)[:4]
    if (dash, name, raw[:4]) != ("—", origin, key_id):
        raise InvalidSignature
    Ed25519PublicKey.from_public_bytes(key).verify(raw[4:], (text + "\n").encode())
    return text


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def document(told, origin, key):
    """Check a signed document, and give its members without the note."""
    members = {name: value for name, value in told.items() if name != "signed"}
    if note_text(told["signed"], origin, key) != canonical(members):
        raise InvalidSignature
    return members


def test_the_journal_of_the_vector_has_its_root_its_frontier_and_its_signed_checkpoint(key):
    told = vector("journal-hedgerow")
    assert bytes.fromhex(told["seed"]) == SEED
    entries = [entry.encode() for entry in told["entries"]]
    assert [canonical(json.loads(entry)).encode() for entry in entries] == entries
    root = mth(entries)
    assert (root.hex(), fingerprint(key)) == (told["root"], told["fingerprint"])
    peaks = mth(entries[:2]) + mth(entries[2:])
    assert b"hgf1" + struct.pack(">Q", 3) + peaks == bytes.fromhex(told["frontier"])
    lines = note_text(told["checkpoint"], told["origin"], key).split("\n")
    assert lines == [told["origin"], "3", base64.b64encode(root).decode(), *told["extensions"]]
    name, key_id, typed = told["key"].split("+", 2)
    assert (name, base64.b64decode(typed)) == (told["origin"], b"\x01" + key)
    assert bytes.fromhex(key_id) == sha(name.encode() + b"\n\x01" + key)[:4]
    receipt = document(json.loads(told["document"]), told["origin"], key)
    assert receipt == {"entry_index": 2, "kind": "receipt"}


def test_the_tiles_of_the_vector_hold_the_leaf_hashes_and_the_entries():
    told = vector("journal-hedgerow")
    entries = [entry.encode() for entry in told["entries"]]
    hashes, bundle = (bytes.fromhex(told["tiles"][f"tile/{name}/000.p/3"]) for name in ("0", "entries"))
    assert [hashes[i : i + 32] for i in range(0, 96, 32)] == [sha(b"\0" + entry) for entry in entries]
    found = []
    while bundle:
        (length,) = struct.unpack_from(">H", bundle)
        found.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    assert found == entries


def test_the_product_makes_the_tiles_of_the_vector():
    from hedgerow.kernel.merkle.tiles import TileBuilder

    told, builder = vector("journal-hedgerow"), TileBuilder()
    made = {}
    for entry in told["entries"]:
        made.update(builder.add(entry.encode()))
    made.update(builder.partial())
    assert {name: bytes(content).hex() for name, content in made.items()} == told["tiles"]


def test_the_certificate_of_the_vector_is_signed_and_names_its_leaf(key):
    told = vector("certificate")
    members = document(told, told["origin"], key)
    assert members["fingerprint"] == fingerprint(key)
    assert set(members) == {"kind", "body", "origin", "fingerprint", "entry_index", "leaf_hash"}
    assert (members["kind"], members["body"]["state"]) == ("erasure-certificate", "logical")
    assert base64.b64decode(members["leaf_hash"]) == sha(b"\0{}")


def test_the_head_kept_outside_agrees_with_its_checkpoint(key):
    told = vector("outside-head")
    members = document(told, told["origin"], key)
    origin, size, root = note_text(members["checkpoint"], told["origin"], key).split("\n")[:3]
    assert (origin, int(size), root) == (members["origin"], members["size"], members["root"])
    assert (members["format"], members["fingerprint"]) == ("hedgerow/outside/v1", fingerprint(key))
    spent = {(each["dataset"], each["purpose"]): Fraction(each["epsilon"]) for each in members["spent"]}
    assert spent == {("*", "*"): Fraction(5, 8), ("visits", "research"): Fraction(1, 2)}
    assert list(spent) == sorted(spent)


@pytest.mark.parametrize("name", ["certificate", "outside-head"])
def test_a_changed_member_is_found(name, key):
    told = vector(name)
    for member in set(told) - {"signed"}:
        with pytest.raises(InvalidSignature):
            document({**told, member: "another"}, told["origin"], key)
