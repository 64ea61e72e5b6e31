"""Old values open with their key alone, in the spellings that old systems used; nothing here can write one.

Fernet's own published vectors stand in the test; what CBC must open is made here, with the library alone.
"""

import base64
import hmac
import os
import pickle

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.decrepit.ciphers.algorithms import Blowfish, TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from hedgerow.kernel.legacy.ciphers import READABLE, check_cipher
from hedgerow.kernel.legacy.opening import LegacyKey, read_legacy_key
from hedgerow.model.errors import CallerError, Refused

ALGORITHMS = {"aes-cbc": (AES, 32), "blowfish-cbc": (Blowfish, 16), "3des-cbc": (TripleDES, 24)}


def encrypted(cipher: str, key: bytes, text: str, mac_key: bytes | None = None) -> bytes:
    kind, _ = ALGORITHMS[cipher]
    algorithm = kind(key)
    iv = os.urandom(algorithm.block_size // 8)
    padder = PKCS7(algorithm.block_size).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    writing = Cipher(algorithm, CBC(iv)).encryptor()
    raw = iv + writing.update(padded) + writing.finalize()
    return raw if mac_key is None else raw + hmac.digest(mac_key, raw, "sha256")


def test_the_published_vector_of_fernet():
    """Source: fernet spec, generate.json and verify.json (github.com/fernet/spec)."""
    key = read_legacy_key("fernet", "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=\n")
    token = (
        "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
    )
    assert key.open(token) == "hello"
    assert key.is_authentic
    assert key.open(token[:-6] + "AAAA==") is None
    assert key.open("not a token") is None


@pytest.mark.parametrize("cipher", ALGORITHMS)
@pytest.mark.parametrize("has_mac", [False, True])
def test_cbc_in_each_spelling(cipher, has_mac):
    key, mac_key = os.urandom(ALGORITHMS[cipher][1]), os.urandom(32) if has_mac else None
    lines = [key.hex(), *([base64.b64encode(mac_key).decode()] if mac_key else [])]
    opening = read_legacy_key(cipher, "\n".join(lines) + "\n")
    assert opening.is_authentic is has_mac
    raw = encrypted(cipher, key, "Zoë, 12 Hedge Row", mac_key)
    for spelling in (
        raw.hex(),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    ):
        assert opening.open(spelling) == "Zoë, 12 Hedge Row"
    for wrong in ("", "?", raw[:8].hex(), raw[:-1].hex(), "Zoë"):
        assert opening.open(wrong) is None
    if has_mac:
        changed = bytearray(raw)
        changed[3] ^= 1
        assert opening.open(changed.hex()) is None


def test_keys_that_are_none():
    fernet = Fernet.generate_key().decode()
    for cipher, text in (
        ("fernet", "short"),
        ("fernet", ""),
        ("fernet", f"{fernet}\n{fernet}"),
        ("aes-cbc", "00" * 15),
        ("aes-cbc", "not hexadecimal!"),
        ("aes-cbc", "\n".join(["00" * 16] * 3)),
        ("blowfish-cbc", "00" * 3),
        ("3des-cbc", "00" * 8),
    ):
        with pytest.raises(CallerError) as caught:
            read_legacy_key(cipher, text)
        assert caught.value.code == "legacy.key-malformed"


def test_a_key_shows_and_copies_nothing():
    key = LegacyKey("aes-cbc", b"k" * 16)
    assert "k" * 4 not in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)


@pytest.mark.parametrize(
    "cipher", [*READABLE, "Blowfish", "DES", "RC4", "md5", "SHA-1", "AES_ECB", "anything"]
)
def test_new_data_is_refused_under_all_of_them(cipher):
    with pytest.raises(Refused) as caught:
        check_cipher(cipher)
    assert caught.value.code == "crypto.legacy-cipher"
    assert len(caught.value.details["reason"]) > 15


@pytest.mark.parametrize("cipher", [None, "aes-256-gcm", "AES-256-GCM"])
def test_the_one_in_use_is_not(cipher):
    check_cipher(cipher)
