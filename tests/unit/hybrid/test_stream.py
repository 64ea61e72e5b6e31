"""A sealed file opens whole, for its recipients and its purpose only, or tells what is wrong with it.

Every way to change one is tried: each byte of head and MAC, parts altered, moved, repeated, dropped, cut and
added to. Memory does not grow with the file.
"""

import io
import json
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel.envelope.passphrase import Argon2Profile
from hedgerow.kernel.hybrid import (
    Passphrase,
    Recipient,
    RsaIdentity,
    RsaRecipient,
    new_identity,
    open_stream,
    seal_stream,
    stream,
)
from hedgerow.model.errors import CallerError, Fault, HedgerowError

CHEAP = Argon2Profile(7168, 1, 1)
ME, YOU, STRANGER = new_identity(), new_identity(), new_identity()
PART, SEALED_PART = 65_536, 65_552


def sealed(plaintext: bytes, recipients=(ME.recipient,), label="file") -> bytes:
    sink = io.BytesIO()
    seal_stream(io.BytesIO(plaintext), sink, recipients, label=label)
    return sink.getvalue()


def opened(raw: bytes, identity=ME, label="file") -> bytes:
    sink = io.BytesIO()
    open_stream(io.BytesIO(raw), sink, identity, label=label)
    return sink.getvalue()


class RsaLike:
    """A recipient that is cheap to seal for, and whose entry reads as one of a real kind."""

    kind = "rsa-oaep"

    def __init__(self, number: int) -> None:
        letters = "".join("abcdefghijklmnop"[number >> shift & 15] for shift in (12, 8, 4, 0))
        self.fingerprint = "-".join([letters] * 8)

    def seal(self, file_key: bytes, purpose: bytes) -> dict[str, object]:
        del file_key, purpose
        return {"kind": self.kind, "to": self.fingerprint, "sealed": ""}


def code_of(raw: bytes, identity=ME, label="file") -> str:
    with pytest.raises(HedgerowError) as caught:
        opened(raw, identity, label)
    return caught.value.code


def body_at(raw: bytes) -> int:
    return 24 + struct.unpack(">I", raw[20:24])[0] + 32


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([0, 1, 15, PART - 1, PART, PART + 1, 2 * PART, 3 * PART]), st.binary(max_size=3))
def test_what_was_sealed_comes_back(size, tail):
    plaintext = bytes(i & 255 for i in range(size % 251)) * (size // 251 + 1)
    plaintext = plaintext[:size] + tail
    raw = sealed(plaintext)
    assert opened(raw) == plaintext
    assert len(raw) - body_at(raw) == len(plaintext) + 16 * max(1, -(-len(plaintext) // PART))


class Dripping(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self.left = content

    def readable(self):
        return True

    def read(self, size=-1):
        piece, self.left = self.left[: min(size, 1000)], self.left[min(size, 1000) :]
        return piece


def test_a_pipe_that_gives_little_at_a_time():
    plaintext = bytes(range(256)) * 600
    raw = io.BytesIO()
    seal_stream(Dripping(plaintext), raw, [ME.recipient], label="file")
    sink = io.BytesIO()
    open_stream(Dripping(raw.getvalue()), sink, ME, label="file")
    assert sink.getvalue() == plaintext


def test_every_recipient_opens_it_and_nobody_else(rsa_identity):
    raw = sealed(b"three readers", [YOU.recipient, ME.recipient, rsa_identity.recipient])
    assert {opened(raw, each) for each in (ME, YOU, rsa_identity)} == {b"three readers"}
    assert code_of(raw, STRANGER) == "sealed.wrong-identity"
    assert code_of(raw, Passphrase("a rose hedge", CHEAP)) == "sealed.wrong-identity"


@pytest.fixture(scope="module")
def rsa_identity(repository):
    told = json.loads((repository / "specs/vectors/sealed-file.json").read_text())["rsa"]
    assert RsaRecipient(told["public"].encode()).fingerprint == told["fingerprint"]
    return RsaIdentity(told["private"].encode(), None)


def test_a_passphrase_seals_and_opens_and_stands_alone():
    raw = sealed(b"by voice", [Passphrase("a rose hedge", CHEAP)])
    assert opened(raw, Passphrase("a rose hedge")) == b"by voice"
    assert code_of(raw, Passphrase("a rose hedgf")) == "sealed.wrong-passphrase"
    assert code_of(raw, ME) == "sealed.by-passphrase"
    with pytest.raises(CallerError, match="stands alone"):
        sealed(b"", [ME.recipient, Passphrase("a rose hedge", CHEAP)])


def test_a_costly_passphrase_check_is_refused_before_it_runs():
    raw = sealed(b"x", [Passphrase("a rose hedge", CHEAP)])
    assert code_of(raw.replace(b'"lanes":1', b'"lanes":9'), Passphrase("a rose hedge")) != "sealed.costly"
    hostile = raw.replace(b'"iterations":1', b'"iterations":0')
    assert code_of(hostile, Passphrase("a rose hedge")) == "sealed.costly"


def test_a_backup_does_not_open_as_a_file():
    raw = sealed(b"all of it", label="backup")
    assert opened(raw, label="backup") == b"all of it"
    assert code_of(raw) == "sealed.other-label"
    relabelled = raw.replace(b'"label":"backup"', b'"label":"filexx"')
    assert code_of(relabelled, label="filexx") == "sealed.header-damaged"


def test_the_label_is_bound_into_each_recipients_entry(rsa_identity):
    for identity in (ME, rsa_identity):
        entry = identity.recipient.seal(b"k" * 32, stream.purpose_bytes("backup"))
        assert identity.open(entry, stream.purpose_bytes("backup")) == b"k" * 32
        assert identity.open(entry, stream.purpose_bytes("file")) is None


def test_no_byte_of_head_and_mac_can_change():
    raw = sealed(b"hedge")
    step = 7  # every byte takes long; each field is met
    for place in [*range(24), *range(24, body_at(raw), step)]:
        changed = bytearray(raw)
        changed[place] ^= 1
        with pytest.raises(HedgerowError):
            opened(bytes(changed))


def test_a_changed_part_is_found():
    raw = bytearray(sealed(bytes(2 * PART)))
    for place in (body_at(raw), body_at(raw) + SEALED_PART + 5, len(raw) - 1):
        changed = bytearray(raw)
        changed[place] ^= 128
        assert code_of(bytes(changed)) == "sealed.changed"


def test_parts_moved_repeated_dropped_and_added_are_found():
    raw = sealed(bytes([1]) * PART + bytes([2]) * PART + b"end")
    at = body_at(raw)
    head, one, two = raw[:at], raw[at : at + SEALED_PART], raw[at + SEALED_PART : at + 2 * SEALED_PART]
    last = raw[at + 2 * SEALED_PART :]
    assert opened(head + one + two + last)[-3:] == b"end"
    assert code_of(head + two + one + last) == "sealed.changed"
    assert code_of(head + one + one + two + last) == "sealed.changed"
    assert code_of(head + two + last) == "sealed.changed"
    assert code_of(head + one + last) == "sealed.changed"
    assert code_of(head + one + two) == "sealed.truncated"
    assert code_of(head + one) == "sealed.truncated"
    assert code_of(head) == "sealed.truncated"
    assert code_of(head + one + two + last + b"x") == "sealed.changed"
    whole = sealed(bytes(PART))
    assert code_of(whole + whole[body_at(whole) :]) == "sealed.appended"


def test_cut_anywhere_is_found():
    raw = sealed(bytes(PART) + b"end")
    for place in (0, 10, 16, 23, 24, 100, body_at(raw) - 1, body_at(raw) + 5, len(raw) - 1):
        with pytest.raises(HedgerowError):
            opened(raw[:place])


def test_parts_of_another_file_for_the_same_person_are_found():
    one, other = sealed(b"one"), sealed(b"two")
    assert code_of(one[: body_at(one)] + other[body_at(other) :]) == "sealed.changed"


def test_an_empty_last_part_is_no_other_spelling_of_a_file():
    raw = sealed(bytes(PART))
    head, file_key = raw[: body_at(raw) - 32], None
    entry = json.loads(head[24:])["recipients"][0]
    file_key = ME.open(entry, stream.purpose_bytes("file"))
    cipher = stream._cipher(file_key, head)
    body = cipher.encrypt(bytes(12), bytes(PART), None)
    body += cipher.encrypt((1).to_bytes(11) + b"\x01", b"", None)
    with pytest.raises(Fault):
        opened(raw[: body_at(raw)] + body)


def test_one_file_is_not_two_for_two_recipients():
    """A file key of one's own for each recipient is what a two-faced sender needs; the MAC fits one only."""
    mine, yours = bytes([1]) * 32, bytes([2]) * 32
    purpose = stream.purpose_bytes("file")
    entries = (ME.recipient.seal(mine, purpose), YOU.recipient.seal(yours, purpose))
    head = stream.render_head(stream.Head("file", entries))
    raw = (
        head + stream._mac(mine, head) + stream._cipher(mine, head).encrypt(bytes(11) + b"\x01", b"hi", None)
    )
    assert opened(raw, ME) == b"hi"
    assert code_of(raw, YOU) == "sealed.header-damaged"


def test_what_is_no_sealed_file_and_what_is_newer():
    assert code_of(b"") == "sealed.not-one"
    assert code_of(b"PK\x03\x04 something else entirely") == "sealed.not-one"
    raw = sealed(b"x")
    assert code_of(raw[:16] + struct.pack(">I", 2) + raw[20:]) == "sealed.newer"
    assert code_of(raw[:20] + struct.pack(">I", 2**31) + raw[24:]) == "sealed.header-damaged"


def test_who_it_is_for_is_checked_before_anything_is_written():
    sink = io.BytesIO()
    for recipients in ([], [ME.recipient, ME.recipient], [ME.recipient] * 257):
        with pytest.raises(CallerError):
            seal_stream(io.BytesIO(b"x"), sink, recipients, label="file")
    with pytest.raises(ValueError, match="label"):
        seal_stream(io.BytesIO(b"x"), sink, [ME.recipient], label="A label")
    assert sink.getvalue() == b""


def test_two_seals_of_one_content_share_nothing():
    one, other = sealed(bytes(64)), sealed(bytes(64))
    assert one[body_at(one) :] != other[body_at(other) :]


class Endless(io.RawIOBase):
    """Zeros, as many as wanted, held nowhere."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self):
        return True

    def read(self, size=-1):
        size = min(size, self.left)
        self.left -= size
        return bytes(size)


class Counting(io.RawIOBase):
    def __init__(self) -> None:
        self.size = 0

    def writable(self):
        return True

    def write(self, piece):
        self.size += len(piece)
        return len(piece)


def test_memory_does_not_grow_with_the_file():
    tracemalloc.start()
    sink = Counting()
    seal_stream(Endless(16 * 1024 * 1024), sink, [ME.recipient], label="file")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sink.size > 16 * 1024 * 1024
    assert peak < 1024 * 1024


def test_a_key_made_to_give_a_known_secret_is_refused():
    weak = Recipient(ME.recipient.public[:-32] + bytes(32))
    with pytest.raises(CallerError, match="no recipient's key"):
        sealed(b"x", [weak])


@pytest.mark.parametrize(
    "recipients",
    [
        (ME.recipient, Passphrase("x", CHEAP)),
        (ME.recipient, ME.recipient),
        (ME.recipient, *[RsaLike(n) for n in range(256)]),
    ],
    ids=["a passphrase in company", "one twice", "257"],
)
def test_a_reader_refuses_a_head_that_no_writer_may_make(monkeypatch, recipients):
    monkeypatch.setattr(stream, "_check_recipients", lambda _: None)
    raw = sealed(b"text", recipients)
    assert code_of(raw) == "sealed.header-damaged"
