"""Wrap keys and small secrets under a master-key epoch (format 1 of ``specs/envelope.md``)."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import NoReturn, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hedgerow.kernel.envelope.sealing import NONCE_BYTES, TAG_BYTES
from hedgerow.model.errors import Fault
from hedgerow.model.keys import Binding, SecretKey

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


def is_under(blob: bytes, epoch: str) -> bool:
    """Tell whether a wrapped key says it belongs to an epoch; as ``epoch_of``, for many at once.

    Args:
        blob: A wrapped key.
        epoch: 32 hexadecimal digits.
    """
    return blob.startswith(_epoch_head(epoch))


@lru_cache(maxsize=64)
def _epoch_head(epoch: str) -> bytes:
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
        self._head = _epoch_head(epoch)
        if len(self._head) != _HEAD_BYTES:
            raise ValueError("an epoch is named by 32 hexadecimal digits")
        self._cipher: Aead = AESGCM(key.reveal()) if isinstance(key, SecretKey) else key

    def wrap(self, secret: bytes, binding: Binding) -> bytes:
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

    def unwrap(self, blob: bytes, binding: Binding) -> bytes:
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

    def __repr__(self) -> str:
        """Name the epoch, nothing of its key."""
        return f"EpochCipher({self.epoch})"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying."""
        raise TypeError("a key is neither pickled nor copied")
