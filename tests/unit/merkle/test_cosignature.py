"""Proves cosignatures against C2SP tlog-cosignature: its example, the signed bytes by hand, each change seen.

Source of the example: C2SP tlog-cosignature, introduction and "Ed25519 signed message" (its key is not
published there, so that time and layout are held against it, not the signature).
"""

from __future__ import annotations

import base64
import struct
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from hedgerow.kernel.merkle import open_checkpoint, sign_checkpoint
from hedgerow.kernel.merkle.cosignature import (
    ED25519,
    ML_DSA_44,
    Cosigner,
    CosignerKey,
    cosigned_at,
    merge_lines,
)
from hedgerow.kernel.merkle.note import signature_lines
from hedgerow.model.errors import CallerError, Fault

EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\N{EM DASH} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcy"
    "v2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\N{EM DASH} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2o"
    "yin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
LOG, NAME, TIME = Ed25519PrivateKey.from_private_bytes(bytes(32)), "witness.example.com/w1", 1679315147
NOTE = sign_checkpoint("example.com/log", 7, bytes(range(32)), LOG, ["spent visits 1/2"])
KINDS = [ED25519, ML_DSA_44]


def cosigner(kind, name=NAME):
    return Cosigner(name, kind, bytes(range(1, 33)))


def by_hand(kind, public, name, note):
    """Check the line with nothing but the words of the specification."""
    text, _, lines = note.rpartition("\n\n")
    origin, size, root = text.split("\n")[:3]
    identity = sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]
    for line in lines.splitlines():
        _, signer, blob = line.split(" ")
        raw = base64.b64decode(blob)
        if signer != name or raw[:4] != identity:
            continue
        (time,) = struct.unpack(">Q", raw[4:12])
        if kind == 4:
            message = f"cosignature/v1\ntime {time}\n{text}\n".encode()
            Ed25519PublicKey.from_public_bytes(public).verify(raw[12:], message)
        else:
            message = b"subtree/v1\n\x00" + bytes([len(name)]) + name.encode() + struct.pack(">Q", time)
            message += bytes([len(origin)]) + origin.encode() + struct.pack(">QQ", 0, int(size))
            MLDSA44PublicKey.from_public_bytes(public).verify(raw[12:], message + base64.b64decode(root))
        return time
    raise AssertionError("no line of this key")


def test_the_example_of_the_specification_has_its_layout_and_time():
    lines = dict(signature_lines(EXAMPLE))
    blob = lines[NAME]
    assert (len(blob), int.from_bytes(blob[4:12], "big")) == (4 + 8 + 64, TIME)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cosigned_is_what_the_specification_says(kind):
    signer = cosigner(kind)
    note = signer.sign(NOTE, TIME)
    assert by_hand(kind, signer.key.public, NAME, note) == cosigned_at(note, signer.key) == TIME
    assert open_checkpoint(note, LOG.public_key()).size == 7, "who knows the log's key alone reads past it"
    assert cosigned_at(NOTE, signer.key) is None
    assert cosigned_at(note, cosigner(kind, "other").key) is None
    assert signer.key == CosignerKey.from_text(signer.key.to_text())
    assert repr(signer).find(signer.seed.hex()) == -1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", [("\n7\n", "\n8\n"), ("example.com/log\n7", "example.com/lob\n7")])
def test_a_changed_checkpoint_is_not_cosigned(kind, change):
    note = cosigner(kind).sign(NOTE, TIME)
    with pytest.raises(Fault) as caught:
        cosigned_at(note.replace(*change), cosigner(kind).key)
    assert caught.value.code == "cosignature.bad"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [5, 11, 12, -1])
def test_a_changed_time_or_signature_is_found(kind, at):
    note = cosigner(kind).sign(NOTE, TIME)
    head, _, blob = note.rstrip("\n").rpartition(" ")
    raw = bytearray(base64.b64decode(blob))
    raw[at] ^= 1
    for bad in (bytes(raw), bytes(raw[:at])):
        with pytest.raises((Fault, CallerError)):
            cosigned_at(f"{head} {base64.b64encode(bad).decode()}\n", cosigner(kind).key)


def test_extensions_are_under_the_older_kind_and_not_under_the_newer_as_the_specification_says():
    changed = ("spent visits 1/2", "spent visits 0/2")
    assert cosigned_at(cosigner(ML_DSA_44).sign(NOTE, 0).replace(*changed), cosigner(ML_DSA_44).key) == 0
    with pytest.raises(Fault):
        cosigned_at(cosigner(ED25519).sign(NOTE, TIME).replace(*changed), cosigner(ED25519).key)


def test_lines_of_two_copies_are_joined_once():
    one, two = (cosigner(kind).sign(NOTE, TIME) for kind in KINDS)
    both = merge_lines(one, two)
    assert [cosigned_at(both, cosigner(kind).key) for kind in KINDS] == [TIME, TIME]
    assert merge_lines(both, one) == both
    with pytest.raises(CallerError):
        merge_lines(one, sign_checkpoint("example.com/log", 8, bytes(32), LOG))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a+b",
        "a b+00000000+AAAA",
        "a+00000000+BA==",
        cosigner(ED25519).key.to_text().replace("w1", "w2"),
    ],
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(CallerError) as caught:
        CosignerKey.from_text(text)
    assert caught.value.code == "key.malformed"
