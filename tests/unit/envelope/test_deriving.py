"""Derived keys, pseudonyms, index entries and commitments: apart, stable, and strict on input."""

import base64
import hashlib
import hmac

import pytest

from hedgerow.kernel.envelope import commit, derive, keyed_index, normalise_reference, pseudonym, pseudonyms
from hedgerow.model.errors import CallerError
from hedgerow.model.keys import Scope

KEY = bytes(range(32))
SCOPE = Scope("local", "research", "visits", "r1")


def test_a_pseudonym_is_the_prf_of_its_scope_in_base32():
    digest = hmac.new(KEY, SCOPE.as_bytes(), hashlib.sha256).digest()[:16]
    assert pseudonym(KEY, SCOPE) == base64.b32encode(digest).decode().rstrip("=").lower()
    assert len(pseudonym(KEY, SCOPE)) == 26


def test_base32_agrees_with_rfc_4648_on_many_secrets():
    secrets = [hashlib.sha256(bytes([i])).digest() for i in range(100)]
    expected = [
        base64.b32encode(hmac.new(s, SCOPE.as_bytes(), hashlib.sha256).digest()[:16]).decode()[:26].lower()
        for s in secrets
    ]
    assert pseudonyms(secrets, SCOPE) == expected


@pytest.mark.parametrize(
    "other",
    [
        Scope("other", "research", "visits", "r1"),
        Scope("local", "care", "visits", "r1"),
        Scope("local", "research", "claims", "r1"),
        Scope("local", "research", "visits", "r2"),
        Scope("local", "researchv", "isits", "r1"),
    ],
)
def test_a_pseudonym_changes_with_every_part_of_its_scope(other):
    assert pseudonym(KEY, other) != pseudonym(KEY, SCOPE)


def test_keys_for_different_uses_differ():
    derived = {
        derive(KEY, "a"),
        derive(KEY, "b"),
        derive(KEY, "a", ""),
        derive(KEY, "a", 0),
        derive(KEY, "a", b""),
    }
    assert len(derived) == 5
    assert {len(key) for key in derived} == {32}


def test_a_short_secret_derives_nothing():
    with pytest.raises(ValueError, match="32 bytes"):
        derive(bytes(31), "a")


def test_the_index_finds_a_reference_however_it_was_typed():
    composed, decomposed = "Zo\u00eb-17", "Zoe\u0308-17"
    assert keyed_index(KEY, composed) == keyed_index(KEY, f" {decomposed}\n")
    assert keyed_index(KEY, composed) != keyed_index(KEY, "zo\u00eb-17")
    assert keyed_index(KEY, composed) != keyed_index(bytes(32), composed)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "reference.empty"),
        (" \t\u2003\n", "reference.empty"),
        ("x" * 1025, "reference.too-long"),
        ("\u00e9" * 513, "reference.too-long"),
        ("x" * 100_000, "reference.too-long"),
        ("secret\udc80", "reference.not-text"),
    ],
)
def test_bad_references_are_refused_without_showing_them(value, code):
    with pytest.raises(CallerError) as caught:
        keyed_index(KEY, value)
    assert caught.value.code == code
    assert "secret" not in str(caught.value.to_problem())


def test_the_longest_reference_fits():
    assert normalise_reference("x" * 1024) == "x" * 1024


def test_a_commitment_depends_on_salt_and_value_and_on_nothing_shared_with_the_index():
    assert commit(KEY, b"a") != commit(KEY, b"b")
    assert commit(KEY, b"a") != commit(bytes(32), b"a")
    assert commit(KEY, b"a") != keyed_index(KEY, "a")


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33)])
def test_a_salt_of_another_length_is_refused(salt):
    with pytest.raises(ValueError, match="32 bytes"):
        commit(salt, b"a")
