"""Checkpoints and notes: what is signed opens, and nothing else does."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.kernel import merkle
from hedgerow.model.errors import CallerError, Fault

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
PUBLIC = KEY.public_key()
ROOT = merkle.root_of(merkle.leaf_hashes([b"a", b"b"]))
NOTE = merkle.sign_checkpoint("hedgerow/here", 2, ROOT, KEY, ["spent visits 1/2", "spent people 3"])


def test_a_checkpoint_opens_with_all_it_said():
    read = merkle.open_checkpoint(NOTE, PUBLIC)
    assert (read.origin, read.size, read.root) == ("hedgerow/here", 2, ROOT)
    assert read.extensions == ("spent visits 1/2", "spent people 3")
    assert (read.note, read.fingerprint) == (NOTE, merkle.fingerprint(PUBLIC))
    assert NOTE.startswith(read.text + "\n")


def test_signing_is_deterministic():
    again = merkle.sign_checkpoint("hedgerow/here", 2, ROOT, KEY, ["spent visits 1/2", "spent people 3"])
    assert again == NOTE


def test_another_key_does_not_open_it():
    with pytest.raises(Fault) as caught:
        merkle.open_checkpoint(NOTE, OTHER.public_key())
    assert (caught.value.code, caught.value.row.exit) == ("journal.bad-signature", 6)


def test_no_changed_character_opens():
    for at, char in enumerate(NOTE):
        with pytest.raises((CallerError, Fault)):
            merkle.open_checkpoint(NOTE[:at] + chr(ord(char) ^ 1) + NOTE[at + 1 :], PUBLIC)


def test_a_second_signature_of_an_unknown_key_is_read_past():
    line = merkle.sign_note("x\n", "witness", OTHER).split("\n\n")[1]
    assert merkle.open_checkpoint(NOTE + line, PUBLIC).size == 2


def test_a_bad_second_signature_of_the_known_key_spoils_the_note():
    line = merkle.sign_note("x\n", "hedgerow/here", KEY).split("\n\n")[1]
    with pytest.raises(Fault):
        merkle.open_checkpoint(NOTE + line, PUBLIC)


def test_a_signature_by_the_right_key_under_another_name_does_not_count():
    body = NOTE.split("\n\n")[0] + "\n"
    with pytest.raises(Fault):
        merkle.open_checkpoint(merkle.sign_note(body, "hedgerow/elsewhere", KEY), PUBLIC)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\x00", "x" * 201])
def test_a_bad_origin_is_refused(origin):
    with pytest.raises(CallerError) as caught:
        merkle.sign_checkpoint(origin, 0, merkle.EMPTY_ROOT, KEY)
    assert caught.value.code == "checkpoint.bad-line"


@pytest.mark.parametrize("extension", ["", "two\nlines", "tab\t", "\ud800"])
def test_a_bad_extension_line_is_refused(extension):
    with pytest.raises(CallerError):
        merkle.sign_checkpoint("o", 0, merkle.EMPTY_ROOT, KEY, [extension])


@pytest.mark.parametrize("code", range(0x30))
def test_a_text_holds_no_control_character_but_the_newline(code):
    text = f"a{chr(code)}b\n"
    if code >= ord(" ") or chr(code) == "\n":
        assert merkle.sign_note(text, "o", KEY).startswith(text)
    else:
        with pytest.raises(CallerError) as caught:
            merkle.sign_note(text, "o", KEY)
        assert caught.value.code == "checkpoint.bad-line"


@pytest.mark.parametrize(("size", "root"), [(-1, ROOT), (1 << 63, ROOT), (1, b"short"), (1, ROOT + b"x")])
def test_a_bad_size_or_root_is_refused(size, root):
    with pytest.raises(CallerError):
        merkle.sign_checkpoint("o", size, root, KEY)


@pytest.mark.parametrize("size", ["02", "-1", "+2", "2.0", "", "²", "9223372036854775808", "1" * 30])
def test_a_size_in_another_spelling_is_malformed(size):
    lines = ["hedgerow/here", size, merkle.Checkpoint("o", 0, ROOT).root_base64]
    with pytest.raises(CallerError):
        merkle.parse_checkpoint("\n".join(lines) + "\n\n\N{EM DASH} hedgerow/here AAAA\n")


def test_base64_has_one_spelling():
    root = merkle.Checkpoint("o", 2, ROOT).root_base64
    for spelling in (root.rstrip("="), root + "\n", root.replace("=", "=="), root[:-2] + "B="):
        if spelling != root:
            with pytest.raises(CallerError):
                merkle.parse_checkpoint(NOTE.replace(root, spelling))


def test_a_fingerprint_is_short_and_told_apart():
    shown = merkle.fingerprint(PUBLIC)
    assert shown.startswith("SHA256:")
    assert len(shown) == 50
    assert shown != merkle.fingerprint(OTHER.public_key())


def test_a_document_opens_with_its_key_only_and_unchanged():
    signed = merkle.sign_document({"kind": "certificate", "entry_index": 3}, "hedgerow/here", KEY)
    assert merkle.open_document(signed, "hedgerow/here", PUBLIC) == {"kind": "certificate", "entry_index": 3}
    with pytest.raises(Fault):
        merkle.open_document(
            signed.replace(b'"entry_index":3', b'"entry_index":4', 1), "hedgerow/here", PUBLIC
        )
    with pytest.raises(Fault):
        merkle.open_document(signed, "hedgerow/here", OTHER.public_key())
    with pytest.raises(Fault):
        merkle.open_document(signed, "hedgerow/elsewhere", PUBLIC)


@pytest.mark.parametrize("stored", [b"", b"7", b"{}", b'{"signed":1}', b"\xff", b'{"a":1,"a":2}'])
def test_what_is_no_document_is_malformed(stored):
    with pytest.raises(CallerError):
        merkle.open_document(stored, "o", PUBLIC)


def test_a_document_is_not_signed_twice():
    with pytest.raises(CallerError):
        merkle.sign_document({"signed": "x"}, "o", KEY)


@pytest.mark.parametrize("value", [1.5, {1: 2}, {"a": {2}}, b"x", "\ud800", {"a": float("nan")}])
def test_what_has_no_single_spelling_is_not_canonical(value):
    with pytest.raises(CallerError) as caught:
        merkle.canonical_json(value)
    assert caught.value.code == "journal.not-canonical"


def test_nesting_without_end_is_not_canonical():
    value: list[object] = []
    value.append(value)
    with pytest.raises(CallerError):
        merkle.canonical_json(value)


def test_canonical_json_sorts_and_keeps_one_line():
    assert merkle.canonical_json({"b": [True, None], "a": "é\n"}) == '{"a":"é\\n","b":[true,null]}'.encode()
