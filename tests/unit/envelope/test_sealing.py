"""Sealing hides a value, opens only where it belongs, and its failures say nothing."""

import pickle

import pytest

from hedgerow.kernel.envelope import (
    EpochCipher,
    epoch_of,
    new_key,
    open_many,
    open_sealed,
    seal,
    seal_many,
)
from hedgerow.model.errors import Fault
from hedgerow.model.keys import Binding, Scope, SecretKey, encode_fields

BINDING = Binding("local", "field", 7, "email", 1)
EPOCH = "0f" * 16


def test_a_sealed_value_opens_and_is_29_bytes_longer():
    key = new_key()
    blob = seal(key, b"value", BINDING)
    assert open_sealed(key, blob, BINDING) == b"value"
    assert len(blob) == len(b"value") + 29
    assert b"value" not in blob


def test_the_same_value_never_seals_to_the_same_bytes():
    key = new_key()
    assert len({seal(key, b"value", BINDING) for _ in range(200)}) == 200
    many = seal_many([key] * 200, [b"value"] * 200, [BINDING] * 200)
    assert len({blob[1:13] for blob in many}) == 200


def test_keys_are_32_fresh_bytes():
    assert {len(new_key()) for _ in range(20)} == {32}
    assert len({new_key() for _ in range(200)}) == 200


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33, 64])
def test_a_key_of_another_length_is_never_used(length):
    with pytest.raises(ValueError, match="32 bytes"):
        seal(bytes(length), b"value", BINDING)
    with pytest.raises(ValueError, match="32 bytes"):
        SecretKey(bytes(length))


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x01" + bytes(27), b"\x02" + bytes(60), bytes(200)])
def test_what_is_no_envelope_is_unreadable(blob):
    with pytest.raises(Fault) as caught:
        open_sealed(new_key(), blob, BINDING)
    assert (caught.value.code, caught.value.row.exit) == ("envelope.unreadable", 6)


def test_failure_says_nothing_of_the_value_its_binding_or_the_cause():
    blob = seal(new_key(), b"value", BINDING)
    with pytest.raises(Fault) as caught:
        open_sealed(new_key(), blob, BINDING)
    assert caught.value.details == {}
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "email" not in str(caught.value.to_problem())


def test_many_values_round_trip_and_one_bad_one_fails_them_all():
    keys = [new_key() for _ in range(20)]
    values = [bytes([i]) * i for i in range(20)]
    bindings = [Binding("local", "field", i, "email", 1) for i in range(20)]
    blobs = seal_many(keys, values, bindings)
    assert open_many(keys, blobs, bindings) == values
    with pytest.raises(Fault):
        open_many(keys, [*blobs[:-1], blobs[0]], bindings)


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        seal_many([new_key()] * 2, [b"a", b"b"], [BINDING])
    with pytest.raises(ValueError, match="shorter"):
        open_many([new_key()], [], [])


def test_a_key_shows_itself_nowhere():
    material = bytes(range(32))
    key = SecretKey(material)
    cipher = EpochCipher(EPOCH, key)
    for shown in (repr(key), str(key), f"{key}", repr(cipher), repr([key]), repr({"k": cipher})):
        assert material.hex() not in shown
        assert repr(material) not in shown
    for held in (key, cipher):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            pickle.dumps(held)
    assert not hasattr(key, "__dict__")


def test_wrapping_names_its_epoch_and_keeps_to_it():
    key, other = SecretKey(new_key()), SecretKey(new_key())
    blob = EpochCipher(EPOCH, key).wrap(b"k" * 32, BINDING)
    assert len(blob) == 77
    assert epoch_of(blob) == EPOCH
    assert EpochCipher(EPOCH, key).unwrap(blob, BINDING) == b"k" * 32
    for wrong in (EpochCipher(EPOCH, other), EpochCipher("1e" * 16, key)):
        with pytest.raises(Fault):
            wrong.unwrap(blob, BINDING)


def test_the_epoch_of_a_wrapped_key_is_bound():
    # One key under two names: only the associated data tells the epochs apart.
    key = SecretKey(new_key())
    blob = EpochCipher(EPOCH, key).wrap(b"k" * 32, BINDING)
    renamed = blob[:1] + bytes.fromhex("1e" * 16) + blob[17:]
    with pytest.raises(Fault):
        EpochCipher("1e" * 16, key).unwrap(renamed, BINDING)


@pytest.mark.parametrize("secret", [b"", bytes(8193)])
def test_what_is_wrapped_has_a_sane_length(secret):
    with pytest.raises(ValueError, match="8192"):
        EpochCipher(EPOCH, SecretKey(new_key())).wrap(secret, BINDING)


@pytest.mark.parametrize("epoch", ["", "0f", "0f" * 17])
def test_an_epoch_has_16_bytes(epoch):
    with pytest.raises(ValueError, match="32 hexadecimal"):
        EpochCipher(epoch, SecretKey(new_key()))


@pytest.mark.parametrize("blob", [b"", b"\x01" + bytes(44), b"\x02" + bytes(76)])
def test_what_is_no_wrapped_key_has_no_epoch(blob):
    with pytest.raises(Fault):
        epoch_of(blob)


@pytest.mark.parametrize("field", [True, 1.5, None, ("a",)])
def test_fields_of_other_types_are_refused(field):
    with pytest.raises(TypeError):
        encode_fields("x", field)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_integers_beyond_64_bits_are_refused(number):
    with pytest.raises(ValueError, match="64 bits"):
        encode_fields("x", number)


def test_text_that_cannot_be_encoded_is_refused_without_showing_it():
    with pytest.raises(ValueError, match="surrogate") as caught:
        Binding("local", "field", "jane\ud800", "email", 1).as_bytes()
    assert "jane" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_scope_and_binding_never_share_an_encoding():
    assert Scope("a", "b", "c", "d").as_bytes() != encode_fields("hedgerow/binding/1", "a", "b", "c", "d")
