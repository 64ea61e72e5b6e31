"""Wrap keys and small secrets under a master-key epoch (format 1 of ``specs/envelope.md``)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NoReturn, Protocol, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hedgerow.kernel.envelope.sealing import NONCE_BYTES, TAG_BYTES, draw
from hedgerow.model.errors import Fault
from hedgerow.model.keys import Binding, Bound, SecretKey, encode_bindings

ALGORITHM = "AES-256-GCM"
SECRET_LIMIT_BYTES = 8192
_FORMAT = b"\x01"
_EPOCH_BYTES = 16
_HEAD_BYTES = len(_FORMAT) + _EPOCH_BYTES
_BODY_AT = _HEAD_BYTES + NONCE_BYTES


def epoch_of(blob: bytes) -> str:
    """Name the epoch a wrapped key says it belongs to.

    Args:
        blob: A wrapped key.

    Returns:
        32 hexadecimal digits; not authenticated until the key is unwrapped.

    Raises:
        Fault: ``envelope.unreadable`` when it is no wrapped key of a known format.
    """
    if blob[:1] != _FORMAT or len(blob) <= _BODY_AT + TAG_BYTES:
        raise Fault("envelope.unreadable")
    return blob[1:_HEAD_BYTES].hex()


def are_under(blobs: Iterable[bytes], epoch: str) -> bool:
    """Tell whether all of many wrapped keys say they belong to an epoch.

    Args:
        blobs: Wrapped keys.
        epoch: 32 hexadecimal digits.
    """
    return _heads(blobs) <= {epoch_head(epoch)}


def not_under(blobs: Sequence[bytes | None], epoch: str) -> list[int]:
    """Find which of many wrapped keys do not say they belong to an epoch.

    Args:
        blobs: Wrapped keys; none is left out.
        epoch: 32 hexadecimal digits.

    Returns:
        Their places.
    """
    head = epoch_head(epoch)
    if None not in blobs and head not in _heads(cast("Sequence[bytes]", blobs)):
        return list(range(len(blobs)))
    return [place for place, blob in enumerate(blobs) if blob is not None and not blob.startswith(head)]


def _heads(blobs: Iterable[bytes]) -> set[bytes]:
    return set(map(itemgetter(slice(_HEAD_BYTES)), blobs))


@lru_cache(maxsize=64)
def epoch_head(epoch: str) -> bytes:
    """Give the bytes that every key wrapped under an epoch begins with.

    Args:
        epoch: 32 hexadecimal digits.
    """
    return _FORMAT + bytes.fromhex(epoch)


class Aead(Protocol):
    """Encrypts with associated data under a key it keeps to itself; as ``AESGCM`` of ``cryptography``."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Give the ciphertext and its tag of 16 bytes."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Give the plaintext; ``InvalidTag`` when anything does not fit."""


class EpochCipher:
    """Wraps and unwraps under one epoch; shows nothing of its key.

    Args:
        epoch: 32 hexadecimal digits.
        key: The epoch's master key, or what encrypts under it elsewhere; wrap fewer than 2**32
            secrets under it.

    Raises:
        ValueError: The epoch is not 16 bytes in hexadecimal.
    """

    __slots__ = ("_cipher", "_head", "epoch")

    def __init__(self, epoch: str, key: SecretKey | Aead) -> None:
        self.epoch = epoch
        self._head = epoch_head(epoch)
        if len(self._head) != _HEAD_BYTES:
            raise ValueError("an epoch is named by 32 hexadecimal digits")
        self._cipher: Aead = AESGCM(key.reveal()) if isinstance(key, SecretKey) else key

    def wrap(self, secret: bytes, binding: Bound) -> bytes:
        """Wrap a key or secret.

        Args:
            secret: 1 to 8,192 bytes.
            binding: What it belongs to.

        Returns:
            Format byte, epoch (16 bytes), nonce (12), ciphertext and tag: 45 bytes longer than the secret.

        Raises:
            ValueError: The secret is empty or too long.
        """
        if not 0 < len(secret) <= SECRET_LIMIT_BYTES:
            raise ValueError("a wrapped secret has 1 to 8192 bytes")
        nonce = os.urandom(NONCE_BYTES)
        return self._head + nonce + self._cipher.encrypt(nonce, secret, self._head + binding.as_bytes())

    def unwrap(self, blob: bytes, binding: Bound) -> bytes:
        """Unwrap a key or secret.

        Args:
            blob: What ``wrap`` returned.
            binding: The binding it was wrapped with.

        Returns:
            The secret.

        Raises:
            Fault: ``envelope.unreadable`` whenever anything does not fit, without saying what.
        """
        if blob[:_HEAD_BYTES] != self._head or len(blob) <= _BODY_AT + TAG_BYTES:
            raise Fault("envelope.unreadable")
        nonce, body = blob[_HEAD_BYTES:_BODY_AT], blob[_BODY_AT:]
        try:
            return self._cipher.decrypt(nonce, body, self._head + binding.as_bytes())
        except InvalidTag:
            raise Fault("envelope.unreadable") from None

    def wrap_many(self, secrets: Sequence[bytes], bindings: Sequence[Binding]) -> list[bytes]:
        """Wrap many keys or secrets, in order; as ``wrap``.

        Args:
            secrets: 1 to 8,192 bytes each.
            bindings: What each belongs to.

        Returns:
            The wrapped secrets.

        Raises:
            ValueError: The lengths differ, or a secret is empty or too long; nothing is returned.
        """
        if any(not 0 < length <= SECRET_LIMIT_BYTES for length in set(map(len, secrets))):
            raise ValueError("a wrapped secret has 1 to 8192 bytes")
        head, encrypt = self._head, self._cipher.encrypt
        nonces, told = draw(NONCE_BYTES, len(secrets)), encode_bindings(bindings, head)
        return [
            head + nonce + encrypt(nonce, secret, bound)
            for nonce, secret, bound in zip(nonces, secrets, told, strict=True)
        ]

    def unwrap_many(self, blobs: Sequence[bytes], bindings: Sequence[Binding]) -> list[bytes]:
        """Unwrap many keys or secrets of this epoch, in order; as ``unwrap``.

        Args:
            blobs: What ``wrap`` returned.
            bindings: The binding each was wrapped with.

        Returns:
            The secrets.

        Raises:
            Fault: ``envelope.unreadable`` when any of them does not fit; nothing is returned.
            ValueError: The lengths differ.
        """
        head, decrypt, least = self._head, self._cipher.decrypt, _BODY_AT + TAG_BYTES
        if not _heads(blobs) <= {head} or any(n <= least for n in set(map(len, blobs))):
            raise Fault("envelope.unreadable")
        told = encode_bindings(bindings, head)
        try:
            return [
                decrypt(blob[_HEAD_BYTES:_BODY_AT], blob[_BODY_AT:], bound)
                for blob, bound in zip(blobs, told, strict=True)
            ]
        except InvalidTag:
            raise Fault("envelope.unreadable") from None

    def __repr__(self) -> str:
        """Name the epoch, nothing of its key."""
        return f"EpochCipher({self.epoch})"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying."""
        raise TypeError("a key is neither pickled nor copied")
