"""The envelope, on drawn values: associated data binds every field, and the encoding is injective."""

from dataclasses import fields, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hedgerow.kernel.envelope import (
    EpochCipher,
    KeyedIndex,
    are_under,
    epoch_head,
    keyed_index,
    new_key,
    normalise_reference,
    open_many,
    open_sealed,
    pseudonym,
    pseudonyms,
    seal,
    seal_many,
)
from hedgerow.model.canonical import canonical, canonical_texts
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import (
    Binding,
    PersonBinder,
    PersonBindings,
    Scope,
    SecretKey,
    encode_bindings,
    encode_fields,
)

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


@MODEST
@given(text, text, st.lists(integers, max_size=4), text, integers, st.binary(max_size=5))
def test_many_bindings_encode_as_each_alone(tenant, kind, numbers, name, version, before):
    many = PersonBindings(tenant, kind, numbers, name, version)
    alone = [Binding(tenant, kind, number, name, version) for number in numbers]
    assert list(many) == alone
    assert encode_bindings(many, before) == encode_bindings(alone, before)
    assert encode_bindings(alone, before) == [before + binding.as_bytes() for binding in alone]
    assert list(many[1:]) == alone[1:]
    binder = PersonBinder(tenant, kind, name, version)
    assert [before + binder.of(number).as_bytes() for number in numbers] == encode_bindings(many, before)


@pytest.mark.parametrize("number", [True, "7", 2**63, -(2**63) - 1, 7.0])
def test_many_bindings_refuse_what_one_refuses_and_never_take_true_for_1(number):
    many = PersonBindings("t", "k", [1, number], "", 1)
    if isinstance(number, str):
        assert encode_bindings(many, b"")[1] == Binding("t", "k", number, "", 1).as_bytes()
        return
    with pytest.raises((TypeError, ValueError)):
        encode_bindings(many, b"")
    with pytest.raises((TypeError, ValueError)):
        PersonBinder("t", "k", "", 1).of(number)


@MODEST
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=40), integers), max_size=4))
def test_what_is_wrapped_or_sealed_together_opens_alone_and_the_other_way_round(held):
    cipher, numbers = EpochCipher("0f" * 16, SecretKey(KEY)), [number for _, number in held]
    values, keys = [value for value, _ in held], [new_key() for _ in held]
    many = PersonBindings("t", "k", numbers, "n", 1)
    blobs = cipher.wrap_many(values, many)
    assert [cipher.unwrap(blob, binding) for blob, binding in zip(blobs, many, strict=True)] == values
    again = [cipher.wrap(value, binding) for value, binding in zip(values, many, strict=True)]
    assert cipher.unwrap_many(again, many) == values
    assert are_under(blobs, "0f" * 16)
    assert all(blob.startswith(epoch_head("0f" * 16)) for blob in blobs)
    sealed = seal_many(keys, values, many)
    assert [open_sealed(*each) for each in zip(keys, sealed, many, strict=True)] == values
    assert open_many(keys, [seal(*each) for each in zip(keys, values, many, strict=True)], many) == values


@MODEST
@given(st.lists(st.binary(min_size=1, max_size=40), min_size=2, max_size=4), st.data())
def test_one_bad_wrapped_key_among_many_opens_none(values, data):
    cipher, many = EpochCipher("0f" * 16, SecretKey(KEY)), PersonBindings("t", "k", range(len(values)), "", 1)
    blobs, place = cipher.wrap_many(values, many), data.draw(st.integers(0, len(values) - 1))
    at = data.draw(st.integers(0, len(blobs[place]) - 1))
    bad = bytes([*blobs[place][:at], blobs[place][at] ^ 1, *blobs[place][at + 1 :]])
    for broken in (bad, blobs[place][:-1], blobs[place][:45], blobs[place][:20], b"", blobs[place - 1]):
        with pytest.raises(Fault):
            cipher.unwrap_many([*blobs[:place], broken, *blobs[place + 1 :]], many)
    with pytest.raises(ValueError, match="argument"):
        cipher.unwrap_many(blobs[:-1], many)
    with pytest.raises(ValueError, match="wrapped secret"):
        cipher.wrap_many([*values[1:], b""], many)


@MODEST
@given(st.text(max_size=20))
def test_a_prepared_index_key_gives_the_same_entries(value):
    assert _told(lambda: KeyedIndex(KEY).of(value)) == _told(lambda: keyed_index(KEY, value))


def _told(work):
    try:
        return work()
    except CallerError as error:
        return error.code


def test_a_prepared_index_key_takes_no_short_key_and_is_not_copied():
    with pytest.raises(ValueError, match="32 bytes"):
        KeyedIndex(KEY[1:])
    with pytest.raises(TypeError):
        KeyedIndex(KEY).__reduce__()
    assert KEY.hex()[:8] not in repr(KeyedIndex(KEY))


@MODEST
@given(st.lists(st.text(max_size=12), max_size=4))
def test_a_list_of_texts_has_one_canonical_form(values):
    assert _told(lambda: canonical_texts(values)) == _told(lambda: canonical(values))
