"""Envelopes and key files of the vectors open by the words of their specifications alone.

The decoder uses ``struct``, ``json``, ``hashlib``, ``hmac`` and ``cryptography``, nothing of the product.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import unicodedata
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VECTORS = Path(__file__).parents[2] / "specs" / "vectors"
ENVELOPE = json.loads((VECTORS / "envelope.json").read_text(encoding="utf-8"))
KEYFILE = json.loads((VECTORS / "keyfile.json").read_text(encoding="utf-8"))


def encoded(label, *fields):
    made = b""
    for each in (label, *fields):
        if isinstance(each, int):
            made += struct.pack(">Bq", 2, each)
        else:
            raw = each.encode() if isinstance(each, str) else each
            made += struct.pack(">BI", 1 if isinstance(each, str) else 3, len(raw)) + raw
    return made


def binding(told):
    return encoded("hedgerow/binding/1", *(told[n] for n in ("tenant", "kind", "subject", "name", "version")))


def unsealed(key, blob, bound):
    if len(blob) < 29 or blob[0] != 1:
        raise InvalidTag
    return AESGCM(key).decrypt(blob[1:13], blob[13:], b"\x01" + bound)


def unwrapped(keys, blob, bound):
    head = blob[:17]
    if head[:1] != b"\x01" or head[1:].hex() not in keys:
        raise InvalidTag
    return AESGCM(keys[head[1:].hex()]).decrypt(blob[17:29], blob[29:], head + bound)


def raw(text):
    return bytes.fromhex(text)


def mac(key, content):
    return hmac.new(key, content, hashlib.sha256).digest()


def test_sealed_values_open_and_others_do_not():
    for told in ENVELOPE["sealed"]:
        assert (
            unsealed(raw(told["key"]), raw(told["blob"]), binding(told["binding"])).hex() == told["plaintext"]
        )
    for told in ENVELOPE["unreadable"]:
        with pytest.raises((InvalidTag, ValueError)):
            unsealed(raw(told["key"]), raw(told["blob"]), binding(told["binding"]))


def test_wrapped_keys_open_under_the_epoch_they_name():
    for told in ENVELOPE["wrapped"]:
        keys = {told["epoch"]: raw(told["epoch_key"])}
        assert unwrapped(keys, raw(told["blob"]), binding(told["binding"])).hex() == told["secret"]


def test_derived_values_are_worked_out_anew():
    for told in ENVELOPE["derived"]:
        info = encoded("hedgerow/derive/1", told["label"], *told["scope"])
        assert HKDF(SHA256(), 32, salt=None, info=info).derive(raw(told["secret"])).hex() == told["key"]
    for told in ENVELOPE["pseudonym"]:
        scope = encoded(
            "hedgerow/scope/1", *(told["scope"][n] for n in ("tenant", "purpose", "dataset", "release"))
        )
        short = base64.b32encode(mac(raw(told["secret"]), scope)[:16]).decode().rstrip("=").lower()
        assert short == told["pseudonym"]
    for told in ENVELOPE["index"]:
        named = unicodedata.normalize("NFC", told["reference"]).strip().encode()
        assert mac(raw(told["key"]), encoded("hedgerow/index/1") + named).hex() == told["entry"]
    for told in ENVELOPE["commitment"]:
        shown = mac(raw(told["salt"]), encoded("hedgerow/commit/1") + raw(told["value"]))
        assert shown.hex() == told["commitment"]


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def epochs_of(file, passphrase):
    """Open a key file: its epochs, each with its key or without one."""
    checked = {name: value for name, value in file.items() if name != "checksum"}
    assert hashlib.sha256(canonical(checked)).hexdigest() == file["checksum"]
    body = file["body"]
    if file["sealed"]:
        cost = file["kdf"]
        key = Argon2id(
            salt=base64.b64decode(cost["salt"]), length=32, iterations=cost["iterations"],
            lanes=cost["lanes"], memory_cost=cost["memory_kib"],
        ).derive(unicodedata.normalize("NFC", passphrase).encode())  # fmt: skip
        head = {name: file[name] for name in ("format", "version", "sealed", "kdf")}
        subject = hashlib.sha256(canonical(head)).hexdigest()
        bound = encoded("hedgerow/binding/1", "local", "key-file", subject, "body", 1)
        body = json.loads(unsealed(key, base64.b64decode(body), bound))
    return body["epochs"]


def test_the_key_files_open_and_what_they_hold_unwraps():
    for told in KEYFILE["opens"]:
        epochs = epochs_of(told["file"], told["passphrase"])
        assert epochs[-1]["id"] == KEYFILE["current"]
        keys = {each["id"]: base64.b64decode(each["key"]) for each in epochs if "key" in each}
        wrapped, gone = KEYFILE["wrapped"], KEYFILE["destroyed"]
        assert unwrapped(keys, raw(wrapped["blob"]), binding(wrapped["binding"])).hex() == wrapped["secret"]
        with pytest.raises(InvalidTag):
            unwrapped(keys, raw(gone["blob"]), binding(gone["binding"]))


def test_another_passphrase_does_not_open_one():
    (told,) = [each for each in KEYFILE["fails"] if each["code"] == "keys.wrong-passphrase"]
    with pytest.raises(InvalidTag):
        epochs_of(told["file"], told["passphrase"])
