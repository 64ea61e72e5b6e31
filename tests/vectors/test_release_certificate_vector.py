"""A release certificate made with a known key is the one in the vector; what each step refuses is told."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from hedgerow.kernel.merkle import Frontier, leaf_hash
from hedgerow.kernel.merkle.certified_file import (
    ACTION,
    KIND,
    body_told,
    check_certificate,
    write_certificate,
)
from hedgerow.model.canonical import canonical
from hedgerow.spine.attest import Attestor

VECTOR = Path(__file__).parents[2] / "specs" / "vectors" / "release-certificate.json"
KEY, ORIGIN = bytes(range(32)), "hedgerow/w-example"
FILE = b"age,ward\n30-39,A\n30-39,A\n"
BEFORE = 6


def made(attestor: Attestor) -> bytes:
    """Make a certificate in a journal that has six entries before it."""
    body = {
        "certificate": "rc-0000000000000001", "release": "R-000000000001", "purpose": "research",
        "legal_class": "pseudonymised personal data", "findings": {"k": 2, "max_risk": "0.5"},
        "file": {"sha256": sha256(FILE).hexdigest(), "bytes": len(FILE)},
    }  # fmt: skip
    log = Frontier()
    log.extend(leaf_hash(b"%d" % place) for place in range(BEFORE))
    path = list(reversed(log.peaks))
    facts = {"release": body["release"], "certificate": body["certificate"], "body": body_told(body),
             "file": sha256(FILE).hexdigest()}  # fmt: skip
    entry = canonical({"action": ACTION, "facts": facts, "index": BEFORE})
    log.append(leaf_hash(entry))
    signed = attestor.certificate(KIND, body, BEFORE, leaf_hash(entry))
    return write_certificate(signed, attestor.public, entry, path, attestor.checkpoint(log.size, log.root()))


@pytest.fixture
def vector() -> dict[str, str]:
    return json.loads(VECTOR.read_text(encoding="utf-8"))


def test_the_vector_is_reproduced(vector: dict[str, str]) -> None:
    assert vector["file"].encode() == FILE
    assert made(Attestor(KEY, ORIGIN)) == vector["certificate"].encode()


def test_the_vector_verifies_with_its_key_and_no_other(vector: dict[str, str]) -> None:
    stored, file_hash = vector["certificate"].encode(), sha256(FILE).hexdigest()
    checked = check_certificate(stored, file_hash, vector["fingerprint"])
    assert (checked.problems, checked.fingerprint) == ((), vector["fingerprint"])
    assert check_certificate(stored, file_hash, "SHA256:other").problems
    assert check_certificate(stored, sha256(b"").hexdigest()).problems


def test_each_refused_variant_is_refused_for_its_reason(vector) -> None:
    for variant in vector["refused"]:
        checked = check_certificate(variant["certificate"].encode(), sha256(FILE).hexdigest())
        assert checked.problems[0] == variant["because"]
    assert len({variant["because"] for variant in vector["refused"]}) >= 5


def test_one_signed_by_a_stranger_for_the_same_log_is_seen(vector) -> None:
    forged = made(Attestor(bytes(reversed(KEY)), ORIGIN))
    assert check_certificate(forged, sha256(FILE).hexdigest()).problems == ()
    assert (
        "another key"
        in check_certificate(forged, sha256(FILE).hexdigest(), vector["fingerprint"]).problems[0]
    )
