"""The journal's hashes, proofs, notes and checkpoints equal published vectors, byte for byte.

Sources: the Certificate Transparency project's RFC 6962 vectors and the Go project's note vectors, as
named in ``specs/vectors``; the project's own vector only notices a change of its formats.
"""

from __future__ import annotations

import base64
import json
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.kernel import merkle
from hedgerow.model.errors import CallerError, Fault


def vectors(repository, name):
    return json.loads((repository / "specs" / "vectors" / name).read_text(encoding="utf-8"))


@pytest.fixture
def rfc(repository):
    return vectors(repository, "journal-rfc6962.json")


@pytest.fixture
def note(repository):
    return vectors(repository, "journal-note.json")


@pytest.fixture
def own(repository):
    return vectors(repository, "journal-hedgerow.json")


def leaves_of(rfc, size):
    return merkle.leaf_hashes(bytes.fromhex(text) for text in rfc["leaves"][:size])


def hashes(texts):
    return [bytes.fromhex(text) for text in texts]


def test_leaf_hashes_equal_the_published_ones(rfc):
    assert leaves_of(rfc, 8) == hashes(rfc["leaf_hashes"])
    assert [merkle.leaf_hash(bytes.fromhex(text)) for text in rfc["leaves"]] == hashes(rfc["leaf_hashes"])


def test_roots_of_every_size_equal_the_published_ones(rfc):
    assert [merkle.root_of(leaves_of(rfc, size)) for size in range(9)] == hashes(rfc["roots"])


def test_the_frontier_passes_through_the_published_roots(rfc):
    frontier = merkle.Frontier()
    found = [frontier.root()]
    for leaf in leaves_of(rfc, 8):
        frontier.append(leaf)
        found.append(frontier.root())
    assert found == hashes(rfc["roots"])


def test_inclusion_proofs_equal_the_published_ones_and_verify(rfc):
    for case in rfc["inclusion"]:
        leaves, proof = leaves_of(rfc, case["size"]), hashes(case["proof"])
        assert merkle.inclusion_proof(case["index"], leaves) == proof
        root = bytes.fromhex(rfc["roots"][case["size"]])
        merkle.verify_inclusion(case["index"], case["size"], leaves[case["index"]], proof, root)


def test_consistency_proofs_equal_the_published_ones_and_verify(rfc):
    for case in rfc["consistency"]:
        old, new, proof = case["old"], case["new"], hashes(case["proof"])
        assert merkle.consistency_proof(old, leaves_of(rfc, new)) == proof
        roots = hashes(rfc["roots"])
        merkle.verify_consistency(old, new, roots[old], roots[new], proof)


def test_the_go_note_is_reproduced_byte_for_byte(note):
    raw = base64.b64decode(note["signer"].split("+", 4)[4])
    assert raw[0] == 1
    key = Ed25519PrivateKey.from_private_bytes(raw[1:])
    signed = merkle.sign_note(note["text"], "PeterNeumann", key)
    assert signed == note["text"] + "\n" + note["signature_line"]
    assert merkle.VerifierKey("PeterNeumann", key.public_key()).to_text() == note["key"]


@pytest.mark.parametrize("first", ["signature_line", "other_signature_line"])
def test_a_go_note_with_two_signatures_opens_with_either_key(note, first):
    lines = [note["signature_line"], note["other_signature_line"]]
    signed = note["text"] + "\n" + "".join(lines if first == "signature_line" else lines[::-1])
    for name in ("key", "other_key"):
        key = merkle.VerifierKey.from_text(note[name])
        assert merkle.open_note(signed, key.name, key.public_key) == note["text"]


def test_go_notes_that_must_not_open_do_not(note):
    key = merkle.VerifierKey.from_text(note["key"])
    text, line, other = note["text"], note["signature_line"], note["other_signature_line"]
    bad = [
        text,
        text + "\n",
        text + "\n" + line[:-1],
        "\x01" + text + "\n" + line,
        text + "\n" + line + "Unexpected line.\n",
        text + "\n" + line.replace("PeterNeumann", "Bad Name"),
        text + "\n" + line[:60] + "ABCD" + line[60:],
        text + "\n" + line * 101,
        text + "\n" + other,
        text.replace("cryptography", "cryptographY") + "\n" + line,
    ]
    for signed in bad:
        with pytest.raises((CallerError, Fault)):
            merkle.open_note(signed, key.name, key.public_key)


def test_every_mangling_of_the_go_key_is_refused(note):
    good = note["key"]
    manglings = [good[:cut] for cut in range(len(good))] + [good[cut:] for cut in range(1, len(good))]
    manglings += [good[:at] + chr(ord(good[at]) + 1) + good[at + 1 :] for at in range(len(good))]
    for text in manglings + note["bad_keys"]:
        with pytest.raises(CallerError):
            merkle.VerifierKey.from_text(text)


def test_the_published_checkpoint_is_read(note):
    read = merkle.parse_checkpoint(note["checkpoint"])
    assert (read.origin, read.size) == ("example.com/behind-the-sofa", 20852163)
    assert read.root_base64 == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert read.text + "\n" == note["checkpoint"].rpartition("\u2014")[0]


def test_the_formats_have_not_changed(own):
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(own["seed"]))
    entries = [entry.encode() for entry in own["entries"]]
    leaves = merkle.leaf_hashes(entries)
    frontier = merkle.Frontier()
    frontier.extend(leaves)
    assert merkle.fingerprint(key.public_key()) == own["fingerprint"]
    assert merkle.VerifierKey(own["origin"], key.public_key()).to_text() == own["key"]
    assert (frontier.to_bytes().hex(), frontier.root().hex()) == (own["frontier"], own["root"])
    head = merkle.sign_checkpoint(own["origin"], 3, frontier.root(), key, own["extensions"])
    assert head == own["checkpoint"]
    document = merkle.sign_document({"entry_index": 2, "kind": "receipt"}, own["origin"], key)
    assert document.decode() == own["document"]
    older = merkle.sign_checkpoint(own["origin"], 2, merkle.root_of(leaves[:2]), key)
    saved = merkle.head_to_json(older, key.public_key(), "2026-01-01T00:00:00Z")
    bundle = merkle.build_bundle(entries, key, own["origin"], {"heads/first.json": saved})
    for name, digest in own["bundle_without_verifier"].items():
        assert sha256(bundle[name]).hexdigest() == digest, name
