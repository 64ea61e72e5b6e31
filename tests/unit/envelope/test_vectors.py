"""The bytes of ``specs/vectors/envelope.json`` are what this version opens, derives and encodes.

The encodings are rebuilt here from the words of ``specs/envelope.md``, with other code than the product's.
"""

import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hedgerow.kernel.envelope import (
    EpochCipher,
    commit,
    derive,
    epoch_of,
    keyed_index,
    open_sealed,
    pseudonym,
)
from hedgerow.model.errors import Fault
from hedgerow.model.keys import Binding, Scope, SecretKey


@pytest.fixture(scope="module")
def vectors(repository):
    return json.loads((repository / "specs/vectors/envelope.json").read_text())


def by_the_words_of_the_spec(label: str, *fields) -> bytes:
    encoded = bytearray()
    for field in (label, *fields):
        if isinstance(field, int):
            encoded += b"\x02" + field.to_bytes(8, "big", signed=True)
        else:
            raw = field.encode("utf-8")
            encoded += b"\x01" + len(raw).to_bytes(4, "big") + raw
    return bytes(encoded)


def test_bindings(vectors):
    for vector in vectors["binding"]:
        binding = Binding(**vector["binding"])
        rebuilt = by_the_words_of_the_spec("hedgerow/binding/1", *vector["binding"].values())
        assert binding.as_bytes().hex() == rebuilt.hex() == vector["encoded"]


def test_sealed_values(vectors):
    for vector in vectors["sealed"]:
        key, blob = bytes.fromhex(vector["key"]), bytes.fromhex(vector["blob"])
        binding = Binding(**vector["binding"])
        assert open_sealed(key, blob, binding).hex() == vector["plaintext"]
        associated = b"\x01" + by_the_words_of_the_spec("hedgerow/binding/1", *vector["binding"].values())
        assert AESGCM(key).decrypt(blob[1:13], blob[13:], associated).hex() == vector["plaintext"]


def test_values_that_must_not_open(vectors):
    for vector in vectors["unreadable"]:
        with pytest.raises(Fault):
            open_sealed(
                bytes.fromhex(vector["key"]), bytes.fromhex(vector["blob"]), Binding(**vector["binding"])
            )


def test_wrapped_keys(vectors):
    for vector in vectors["wrapped"]:
        blob = bytes.fromhex(vector["blob"])
        cipher = EpochCipher(vector["epoch"], SecretKey(bytes.fromhex(vector["epoch_key"])))
        assert epoch_of(blob) == vector["epoch"]
        assert cipher.unwrap(blob, Binding(**vector["binding"])).hex() == vector["secret"]


def test_derived_values(vectors):
    for vector in vectors["derived"]:
        secret = bytes.fromhex(vector["secret"])
        assert derive(secret, vector["label"], *vector["scope"]).hex() == vector["key"]
    for vector in vectors["pseudonym"]:
        assert pseudonym(bytes.fromhex(vector["secret"]), Scope(**vector["scope"])) == vector["pseudonym"]
    for vector in vectors["index"]:
        assert keyed_index(bytes.fromhex(vector["key"]), vector["reference"]).hex() == vector["entry"]
    for vector in vectors["commitment"]:
        shown = commit(bytes.fromhex(vector["salt"]), bytes.fromhex(vector["value"]))
        assert shown.hex() == vector["commitment"]
