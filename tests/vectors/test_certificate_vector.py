"""A certificate made with a known key is the one in the specification's vector, and any change shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hedgerow.kernel.merkle import leaf_hash, open_document
from hedgerow.model.errors import Fault
from hedgerow.spine.attest import Attestor

VECTOR = Path(__file__).parents[2] / "specs" / "vectors" / "certificate.json"
KEY = bytes(range(32))
ORIGIN = "hedgerow/w-example"
BODY = {"certificate": "c-0000000000000001", "state": "logical", "erased": "2026-01-31T09:00:00.000Z"}


@pytest.fixture
def attestor() -> Attestor:
    return Attestor(KEY, ORIGIN)


def made(attestor: Attestor) -> dict[str, object]:
    return dict(attestor.certificate("erasure-certificate", BODY, 7, leaf_hash(b"{}")))


def test_the_vector_is_reproduced(attestor: Attestor) -> None:
    assert made(attestor) == json.loads(VECTOR.read_text(encoding="utf-8"))


def test_the_signature_opens_with_its_key_and_names_the_leaf(attestor: Attestor) -> None:
    opened = open_document(json.dumps(made(attestor)).encode(), ORIGIN, attestor.verifier)
    assert opened["body"] == BODY
    assert opened["entry_index"] == 7


@pytest.mark.parametrize("member", ["kind", "origin", "fingerprint", "entry_index", "leaf_hash", "body"])
def test_a_changed_member_is_refused(attestor: Attestor, member: str) -> None:
    changed = {**made(attestor), member: "another"}
    with pytest.raises(Fault, match="document"):
        open_document(json.dumps(changed).encode(), ORIGIN, attestor.verifier)


def test_another_key_is_refused(attestor: Attestor) -> None:
    stranger = Attestor(bytes(reversed(range(32))), ORIGIN)
    with pytest.raises(Fault):
        open_document(json.dumps(made(attestor)).encode(), ORIGIN, stranger.verifier)


def test_the_key_is_in_no_repr(attestor: Attestor) -> None:
    assert KEY.hex() not in repr(attestor)
    assert repr(KEY)[2:-1] not in repr(attestor)
