"""Keyed tokens: HMAC of a value under a key of its tenant, purpose, data set, release and column class."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.envelope import derive
from hedgerow.model.errors import CallerError
from hedgerow.model.keys import Scope

Letters = npt.NDArray[np.uint8]

TOKEN_LENGTH = 26
"""Characters of a token unless asked otherwise: 130 bits."""

MIN_LENGTH, MAX_LENGTH = 16, 52
"""Shortest and longest token, in characters of five bits; HMAC-SHA-256 has 256 bits to give."""

COLLISION_BITS = 32
"""A column is refused when two of its values share a token with a likelihood above 2**-32."""

_DIGEST_BITS = 256
_BITS = 5
_BASE32 = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)
_CHUNK = 1 << 14
_BLOCK_BYTES = 64
_INNER, _OUTER = (bytes(octet ^ pad for octet in range(256)) for pad in (0x36, 0x5C))


def column_key(secret: bytes, method: str, scope: Scope, column: str) -> bytes:
    """Derive the key of one method for one class of columns in one release.

    Args:
        secret: 32 bytes or more of full entropy.
        method: What the key is for, such as ``"keyed"``.
        scope: Tenant, purpose, data set and release (or recipient).
        column: Column class: columns that are to share tokens have one class.

    Returns:
        32 bytes; another method, scope or class gives an unrelated key, so that tokens of two releases
        cannot be joined by whoever lacks the secret.

    Raises:
        ValueError: The secret is too short.

    Source: RFC 5869 (HKDF with SHA-256), as ``specs/tokens.md`` has it.
    """
    return derive(secret, f"tokens/{method}", scope.as_bytes(), column)


def check_collisions(distinct: int, length: int) -> None:
    """Refuse a column that has too many distinct values for the length of its tokens.

    Args:
        distinct: Distinct values.
        length: Characters of a token.

    Raises:
        CallerError: ``tokens.length`` outside 16 to 52, ``tokens.collisions`` when two values share a
            token with a likelihood above 2**-32: n (n - 1) / 2 pairs, each with 2**-bits, in whole numbers.
    """
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        raise CallerError("tokens.length", least=MIN_LENGTH, most=MAX_LENGTH)
    if _pairs(distinct) << COLLISION_BITS > 1 << token_bits(length):
        raise CallerError("tokens.collisions", length=length, least=_least_length(distinct))


def token_bits(length: int) -> int:
    """Count the bits of HMAC that a token of some characters holds."""
    return min(_BITS * length, _DIGEST_BITS)


def _pairs(distinct: int) -> int:
    return distinct * (distinct - 1) // 2


def _least_length(distinct: int) -> int:
    lengths = range(MIN_LENGTH, MAX_LENGTH)
    fitting = (each for each in lengths if _pairs(distinct) << COLLISION_BITS <= 1 << token_bits(each))
    return next(fitting, MAX_LENGTH)


def keyed_tokens(key: bytes, values: Sequence[bytes], length: int = TOKEN_LENGTH) -> Letters:
    """Make the token of each of some distinct values.

    Args:
        key: 32 bytes, of ``column_key``.
        values: Distinct values; text as UTF-8.
        length: Characters of a token, 16 to 52.

    Returns:
        Matrix (n, length) of ASCII codes: base32 in lower case of the first bits of HMAC-SHA-256.

    Raises:
        CallerError: As ``check_collisions``.

    Guarantee:
        Whoever lacks the key learns of a value nothing but which rows hold the same one, and how often:
        frequencies stay visible. Whoever has the key can test guesses. An erasure of one person does not
        reach such a token: use the person's pseudonym or a reversible token where it must.

    Source: RFC 2104; RFC 4648, section 6.
    """
    check_collisions(len(values), length)
    return spell(macs(key, values), length)


def macs(key: bytes, values: Iterable[bytes]) -> list[bytes]:
    """Compute HMAC-SHA-256 of many values under one key, which is prepared once.

    Args:
        key: At most 64 bytes.
        values: The values.

    Returns:
        32 bytes each.

    Source: RFC 2104, section 4: the two keyed blocks are hashed once and their states copied.
    """
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    within, around = hashlib.sha256(padded.translate(_INNER)), hashlib.sha256(padded.translate(_OUTER))
    made = []
    for value in values:
        inner, outer = within.copy(), around.copy()
        inner.update(value)
        outer.update(inner.digest())
        made.append(outer.digest())
    return made


def spell(digests: Sequence[bytes], length: int) -> Letters:
    """Write the first bits of digests in base32.

    Args:
        digests: 32 bytes each.
        length: Characters of each text.

    Returns:
        Matrix (n, length) of ASCII codes.
    """
    made = np.empty((len(digests), length), np.uint8)
    weights = np.array([16, 8, 4, 2, 1], np.uint8)
    for begin in range(0, len(digests), _CHUNK):
        part = digests[begin : begin + _CHUNK]
        octets = np.frombuffer(b"".join(part), np.uint8).reshape(len(part), -1)
        bits = np.unpackbits(octets, axis=1, count=token_bits(length))
        if bits.shape[1] < _BITS * length:
            bits = np.pad(bits, ((0, 0), (0, _BITS * length - bits.shape[1])))
        made[begin : begin + _CHUNK] = _BASE32[bits.reshape(len(part), length, _BITS) @ weights]
    return made
