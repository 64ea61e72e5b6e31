"""Seal a value under a key and a binding (format 1 of ``specs/envelope.md``)."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hedgerow.model.errors import Fault
from hedgerow.model.keys import KEY_BYTES, Binding, Bound, encode_bindings

FORMAT = b"\x01"
NONCE_BYTES = 12
TAG_BYTES = 16
_HEAD_BYTES = len(FORMAT) + NONCE_BYTES


def new_key() -> bytes:
    """Draw a key of 32 bytes from the operating system's randomness."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, plaintext: bytes, binding: Bound) -> bytes:
    """Seal a value so that it opens only with the same key and the same binding.

    Args:
        key: 32 bytes; seal fewer than 2**32 values under one key.
        plaintext: The value, at most 2**31 - 1 bytes.
        binding: What the value belongs to.

    Returns:
        Format byte, 12-byte random nonce, ciphertext and 16-byte tag: 29 bytes longer than the value.

    Raises:
        ValueError: The key is not 32 bytes long.

    Guarantee: confidentiality and integrity of the value, integrity of every field of the binding;
        the length of the value is not hidden.
    Source: NIST SP 800-38D (AES-GCM), section 8.3 for the bound on random nonces.
    """
    return _seal(key, plaintext, binding, os.urandom(NONCE_BYTES))


def open_sealed(key: bytes, blob: bytes, binding: Bound) -> bytes:
    """Open a sealed value.

    Args:
        key: 32 bytes.
        blob: What ``seal`` returned.
        binding: The binding it was sealed with.

    Returns:
        The value.

    Raises:
        Fault: ``envelope.unreadable`` whenever anything does not fit, without saying what.
        ValueError: The key is not 32 bytes long.
    """
    if blob[:1] != FORMAT or len(blob) < _HEAD_BYTES + TAG_BYTES:
        raise Fault("envelope.unreadable")
    try:
        return _cipher(key).decrypt(blob[1:_HEAD_BYTES], blob[_HEAD_BYTES:], FORMAT + binding.as_bytes())
    except InvalidTag:
        raise Fault("envelope.unreadable") from None


def seal_many(keys: Sequence[bytes], plaintexts: Sequence[bytes], bindings: Sequence[Binding]) -> list[bytes]:
    """Seal many values, each under its own key and binding.

    Args:
        keys: One key of 32 bytes for each value.
        plaintexts: The values.
        bindings: One binding for each value.

    Returns:
        The sealed values, in order.

    Raises:
        ValueError: The lengths differ or a key is not 32 bytes long; nothing is returned.
    """
    _check(keys)
    nonces, told = draw(NONCE_BYTES, len(keys)), encode_bindings(bindings, FORMAT)
    return [
        FORMAT + nonce + AESGCM(key).encrypt(nonce, plaintext, bound)
        for key, nonce, plaintext, bound in zip(keys, nonces, plaintexts, told, strict=True)
    ]


def open_many(keys: Sequence[bytes], blobs: Sequence[bytes], bindings: Sequence[Binding]) -> list[bytes]:
    """Open many sealed values, each with its own key and binding.

    Args:
        keys: One key of 32 bytes for each value.
        blobs: What ``seal`` returned.
        bindings: One binding for each value.

    Returns:
        The values, in order.

    Raises:
        Fault: ``envelope.unreadable`` when any of them does not open; nothing is returned.
        ValueError: The lengths differ or a key is not 32 bytes long.
    """
    _check(keys)
    least = _HEAD_BYTES + TAG_BYTES
    try:
        return [
            AESGCM(key).decrypt(blob[1:_HEAD_BYTES], blob[_HEAD_BYTES:], bound)
            if blob[:1] == FORMAT and len(blob) >= least
            else _unreadable()
            for key, blob, bound in zip(keys, blobs, encode_bindings(bindings, FORMAT), strict=True)
        ]
    except InvalidTag:
        raise Fault("envelope.unreadable") from None


def draw(size: int, many: int) -> list[bytes]:
    """Draw many random strings of one length at once from the operating system's randomness.

    Args:
        size: Bytes of each.
        many: How many.
    """
    drawn = os.urandom(size * many)
    return [drawn[at : at + size] for at in range(0, size * many, size)]


def _unreadable() -> bytes:
    raise Fault("envelope.unreadable")


def _check(keys: Sequence[bytes]) -> None:
    # The library would take AES-128 and AES-192 keys as well.
    if not set(map(len, keys)) <= {KEY_BYTES}:
        raise ValueError("a key must be 32 bytes long")


def _seal(key: bytes, plaintext: bytes, binding: Bound, nonce: bytes) -> bytes:
    sealed = _cipher(key).encrypt(nonce, plaintext, FORMAT + binding.as_bytes())
    return FORMAT + nonce + sealed


def _cipher(key: bytes) -> AESGCM:
    # The library would take AES-128 and AES-192 keys as well.
    if len(key) != KEY_BYTES:
        raise ValueError("a key must be 32 bytes long")
    return AESGCM(key)
