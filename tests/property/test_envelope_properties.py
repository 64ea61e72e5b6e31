"""The envelope, on drawn values: associated data binds every field, and the encoding is injective."""

from dataclasses import fields, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hedgerow.kernel.envelope import (
    EpochCipher,
    keyed_index,
    new_key,
    normalise_reference,
    open_sealed,
    pseudonym,
    pseudonyms,
    seal,
)
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import Binding, Scope, SecretKey, encode_fields

MODEST = settings(max_examples=50, deadline=None)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
integers = st.integers(-(2**63), 2**63 - 1)
field = st.one_of(text, integers, st.binary(max_size=12))
bindings = st.builds(Binding, text, text, st.one_of(text, integers), text, integers)
KEY = new_key()


@MODEST
@given(st.binary(max_size=300), bindings)
def test_round_trip(value, binding):
    assert open_sealed(KEY, seal(KEY, value, binding), binding) == value


@MODEST
@given(bindings, bindings, st.sampled_from([f.name for f in fields(Binding)]))
def test_changing_any_one_field_of_the_binding_fails(binding, other, name):
    changed = replace(binding, **{name: getattr(other, name)})
    assume(changed != binding)
    blob = seal(KEY, b"value", binding)
    with pytest.raises(Fault):
        open_sealed(KEY, blob, changed)
    cipher = EpochCipher("0f" * 16, SecretKey(KEY))
    with pytest.raises(Fault):
        cipher.unwrap(cipher.wrap(b"value", binding), changed)


@MODEST
@given(st.binary(max_size=40), bindings, st.data())
def test_any_flipped_bit_fails(value, binding, data):
    blob = bytearray(seal(KEY, value, binding))
    bit = data.draw(st.integers(0, 8 * len(blob) - 1))
    blob[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Fault):
        open_sealed(KEY, bytes(blob), binding)


@MODEST
@given(st.binary(max_size=40), bindings, st.integers(1, 68), st.binary(min_size=1, max_size=3))
def test_cutting_or_adding_bytes_fails(value, binding, cut, added):
    blob = seal(KEY, value, binding)
    for altered in (blob[:-cut], blob[cut:], blob + added):
        with pytest.raises(Fault):
            open_sealed(KEY, altered, binding)


@MODEST
@given(text, text, st.integers(0, 12), st.integers(0, 12))
def test_moving_characters_between_neighbouring_fields_changes_the_encoding(left, right, a, b):
    joined = left + right
    assume(joined[:a] != joined[:b])
    first = Binding("t", "k", joined[:a], joined[a:], 1)
    second = Binding("t", "k", joined[:b], joined[b:], 1)
    assert first.as_bytes() != second.as_bytes()
    assert (
        Binding(joined[:a], joined[a:], 1, "", 1).as_bytes()
        != Binding(joined[:b], joined[b:], 1, "", 1).as_bytes()
    )
    assert (
        Scope(joined[:a], joined[a:], "", "").as_bytes() != Scope(joined[:b], joined[b:], "", "").as_bytes()
    )


def decoded(encoded: bytes) -> list:
    """Read an encoding back, with other code than the product's: a left inverse proves injectivity."""
    found = []
    while encoded:
        tag = encoded[0]
        if tag == 2:
            found.append(int.from_bytes(encoded[1:9], "big", signed=True))
            encoded = encoded[9:]
            continue
        length = int.from_bytes(encoded[1:5], "big")
        raw, encoded = encoded[5 : 5 + length], encoded[5 + length :]
        found.append(raw.decode() if tag == 1 else raw)
    return found


@MODEST
@given(text, st.lists(field, max_size=6))
def test_every_encoding_can_be_read_back(label, values):
    assert decoded(encode_fields(label, *values)) == [label, *values]


@MODEST
@given(bindings)
def test_every_binding_can_be_read_back(binding):
    assert decoded(binding.as_bytes())[1:] == [getattr(binding, f.name) for f in fields(Binding)]


@MODEST
@given(st.lists(st.binary(min_size=32, max_size=32), unique=True, max_size=8), text, text)
def test_pseudonyms_differ_between_people_and_scopes(secrets, purpose, release):
    scope = Scope("t", purpose, "d", release)
    names = pseudonyms(secrets, scope)
    assert names == [pseudonym(secret, scope) for secret in secrets]
    assert len(set(names)) == len(secrets)
    assert set(names).isdisjoint(pseudonyms(secrets, replace(scope, release=release + "x")))


@MODEST
@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing_and_the_index_sees_only_the_normal_form(value):
    try:
        normal = normalise_reference(value)
    except CallerError:
        return
    assert normalise_reference(normal) == normal
    assert keyed_index(KEY, value) == keyed_index(KEY, normal) == keyed_index(KEY, f"\t{value} ")
