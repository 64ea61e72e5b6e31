"""Derive keys, pseudonyms, index entries and commitments (``specs/envelope.md``)."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Sequence
from typing import NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hedgerow.model.errors import CallerError
from hedgerow.model.keys import KEY_BYTES, Field, Scope, encode_fields

REFERENCE_LIMIT_BYTES = 1024
_PSEUDONYM_BYTES = 16
_BLOCK_BYTES = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_TEN_BITS = tuple(high + low for high in _BASE32 for low in _BASE32)
_SHIFTS = tuple(range(120, -1, -10))
_DERIVE_LABEL = "hedgerow/derive/1"
_INDEX_LABEL = encode_fields("hedgerow/index/1")
_COMMIT_LABEL = encode_fields("hedgerow/commit/1")


def derive(secret: bytes, label: str, *scope: Field) -> bytes:
    """Derive a key for one use from a secret.

    Args:
        secret: 32 bytes or more of full entropy.
        label: What the key is for; keeps uses apart.
        scope: Further text, bytes or integers that tell this key from others of its label.

    Returns:
        32 bytes; another label or scope gives an unrelated key.

    Raises:
        ValueError: The secret is shorter than 32 bytes or a field cannot be encoded.

    Source: RFC 5869 (HKDF with SHA-256, no salt).
    """
    if len(secret) < KEY_BYTES:
        raise ValueError("a secret to derive from must be at least 32 bytes long")
    derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=encode_fields(_DERIVE_LABEL, label, *scope))
    return derived.derive(secret)


def pseudonym(secret: bytes, scope: Scope) -> str:
    """Name a person inside one scope, without saying who it is.

    Args:
        secret: The person's own secret, 32 bytes; it dies with the person's key.
        scope: Where the name is valid.

    Returns:
        26 characters of base32 in lower case (128 bits).

    Raises:
        ValueError: The secret is not 32 bytes long.

    Guarantee: without the secret, names of one person in two scopes cannot be linked by the name alone;
        this is pseudonymisation, not anonymisation.
    Source: HMAC-SHA256 as a pseudorandom function, RFC 2104.
    """
    return _base32(_mac(secret, scope.as_bytes()))


def pseudonyms(secrets: Sequence[bytes], scope: Scope) -> list[str]:
    """Name many persons inside one scope.

    Args:
        secrets: Each person's own secret, 32 bytes.
        scope: Where the names are valid.

    Returns:
        What ``pseudonym`` gives for each secret, in order.

    Raises:
        ValueError: A secret is not 32 bytes long.
    """
    message = scope.as_bytes()
    return [_base32(_mac(secret, message)) for secret in secrets]


def normalise_reference(value: str) -> str:
    """Bring a reference to a person into the one form that is indexed.

    Args:
        value: The source id, 1 to 1,024 bytes of UTF-8 after normalising.

    Returns:
        Unicode NFC without surrounding white space; normalising it again changes nothing.

    Raises:
        CallerError: ``reference.empty``, ``reference.too-long`` or ``reference.not-text``.
    """
    if value.isascii() and 0 < len(value) <= REFERENCE_LIMIT_BYTES:
        # Of its own length in bytes, and NFC already.
        normalised = value.strip()
        if normalised:
            return normalised
    # Bound the work before normalising: four bytes a character at most, and NFC shrinks at most threefold.
    if len(value) > 4 * REFERENCE_LIMIT_BYTES:
        raise CallerError("reference.too-long", limit_bytes=REFERENCE_LIMIT_BYTES)
    normalised = unicodedata.normalize("NFC", value).strip()
    if not normalised:
        raise CallerError("reference.empty")
    try:
        length = len(normalised.encode())
    except UnicodeEncodeError:
        raise CallerError("reference.not-text") from None
    if length > REFERENCE_LIMIT_BYTES:
        raise CallerError("reference.too-long", limit_bytes=REFERENCE_LIMIT_BYTES)
    return normalised


def keyed_index(key: bytes, value: str) -> bytes:
    """Find a person by reference without storing the reference.

    Args:
        key: The index key, 32 bytes.
        value: The source id, as collected or as typed.

    Returns:
        32 bytes, equal for references equal after normalising.

    Raises:
        CallerError: ``reference.empty``, ``reference.too-long`` or ``reference.not-text``.
        ValueError: The key is not 32 bytes long.

    Guarantee: without the key, nothing but equality; whoever holds the key can test guesses.
    """
    return _mac(key, _INDEX_LABEL + normalise_reference(value).encode())


class KeyedIndex:
    """Computes ``keyed_index`` for many references: the key is prepared once; shows nothing of it.

    Args:
        key: The index key, 32 bytes.

    Raises:
        ValueError: The key is not 32 bytes long.

    Source: RFC 2104, section 4: the two keyed blocks are hashed once and their states copied.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a key must be 32 bytes long")
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER) + _INDEX_LABEL)
        self._outer = hashlib.sha256(padded.translate(_OUTER))

    def of(self, value: str) -> bytes:
        """Compute the index entry of one reference (32 bytes); as ``keyed_index``."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(normalise_reference(value).encode())
        outer.update(inner.digest())
        return outer.digest()

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying."""
        raise TypeError("a key is neither pickled nor copied")


def commit(salt: bytes, value: bytes) -> bytes:
    """Commit to a value that can be shown later.

    Args:
        salt: 32 random bytes, fresh for each commitment.
        value: What is committed to.

    Returns:
        32 bytes that hide the value while the salt is secret and fit no other value.

    Raises:
        ValueError: The salt is not 32 bytes long.
    """
    return _mac(salt, _COMMIT_LABEL + value)


def _base32(digest: bytes) -> str:
    # The first 128 bits and two zero bits, ten bits at a time: what RFC 4648 gives, eight times as fast.
    bits = int.from_bytes(digest[:_PSEUDONYM_BYTES]) << 2
    return "".join([_TEN_BITS[bits >> shift & 1023] for shift in _SHIFTS])


def _mac(key: bytes, message: bytes) -> bytes:
    # HMAC pads short keys with zeros, so keys of different lengths could be the same key.
    if len(key) != KEY_BYTES:
        raise ValueError("a key must be 32 bytes long")
    return hmac.digest(key, message, "sha256")
