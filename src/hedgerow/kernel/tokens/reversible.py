"""Reversible tokens: AES-SIV under the key of the person whose value it is."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from hedgerow.model.errors import CallerError
from hedgerow.model.keys import KEY_BYTES, Scope, encode_fields

_LABEL = "hedgerow/tokens/reversible/1"
# One step of HKDF-Expand with SHA-512 gives the 64 bytes that AES-256-SIV takes.
_KEY_INFO = encode_fields(_LABEL) + b"\x01"
_SAME, _AFRESH = b"\x00", b"\x01"
_NONCE_BYTES = 16


def bound_to(scope: Scope, column: str) -> bytes:
    """Encode what a token of a person is bound to: its scope and its class of columns."""
    return encode_fields(_LABEL, scope.as_bytes(), column)


def person_cipher(secret: bytes) -> AESSIV:
    """Make the cipher of one person.

    Args:
        secret: The person's own secret, 32 bytes or more.

    Returns:
        AES-256-SIV under a key derived from it.

    Raises:
        ValueError: The secret is too short.

    Source: RFC 5297; RFC 5869, section 2.3.
    """
    if len(secret) < KEY_BYTES:
        raise ValueError("a secret to derive from must be at least 32 bytes long")
    return AESSIV(hmac.digest(secret, _KEY_INFO, "sha512"))


def seal_values(
    keys: Sequence[bytes],
    bound: bytes,
    values: Sequence[str],
    places: Sequence[int],
    *,
    is_afresh: bool = False,
) -> list[str]:
    """Seal values under the keys of their people.

    Args:
        keys: The secret of each person, 32 bytes or more.
        bound: What the tokens are bound to: see ``bound_to``.
        values: The values.
        places: For each value, which of the secrets is its person's.
        is_afresh: Put 16 random bytes before each value, so that equal values have different tokens.

    Returns:
        Tokens: base64url without padding of 16 bytes SIV and the ciphertext.

    Raises:
        ValueError: A secret is too short.

    Guarantee:
        Without the person's key a token tells how long its value is and which values of that person in
        this scope and class are equal, and no more. It opens under no other person's key, in no other
        scope and for no other column class. Once the key is destroyed nobody opens it.

    Source: RFC 5297 (AES-SIV, deterministic).
    """
    ciphers: dict[int, AESSIV] = {}
    made = []
    for value, place in zip(values, places, strict=True):
        cipher = ciphers.get(place)
        if cipher is None:
            cipher = ciphers[place] = person_cipher(keys[place])
        head = _AFRESH + secrets.token_bytes(_NONCE_BYTES) if is_afresh else _SAME
        sealed = cipher.encrypt(head + value.encode(), [bound])
        made.append(base64.urlsafe_b64encode(sealed).rstrip(b"=").decode())
    return made


def open_values(
    keys: Sequence[bytes | None], bound: bytes, tokens: Sequence[str], places: Sequence[int]
) -> list[str | None]:
    """Open tokens under the keys of their people.

    Args:
        keys: The secret of each person; none where the key was destroyed.
        bound: What the tokens were bound to.
        tokens: The tokens.
        places: For each token, which of the secrets is its person's.

    Returns:
        The values; none where there is no key any more.

    Raises:
        CallerError: ``tokens.not-opened`` for a token of another person, scope or class, or one changed.
    """
    ciphers: dict[int, AESSIV] = {}
    made: list[str | None] = []
    for token, place in zip(tokens, places, strict=True):
        secret = keys[place]
        if secret is None:
            made.append(None)
            continue
        cipher = ciphers.get(place)
        if cipher is None:
            cipher = ciphers[place] = person_cipher(secret)
        made.append(_opened(cipher, bound, token))
    return made


def opened_by(key: bytes, bound: bytes, tokens: Sequence[str]) -> dict[str, str]:
    """Open those of some tokens that are of one person.

    Args:
        key: The person's secret.
        bound: What the tokens were bound to.
        tokens: Tokens of anybody, or none at all.

    Returns:
        Token to value, of those that open.
    """
    cipher, found = person_cipher(key), {}
    for token in tokens:
        try:
            found[token] = _opened(cipher, bound, token)
        except CallerError:
            continue
    return found


def _opened(cipher: AESSIV, bound: bytes, token: str) -> str:
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        plain = cipher.decrypt(sealed, [bound])
        return plain[1 + _NONCE_BYTES if plain[:1] == _AFRESH else 1 :].decode()
    except (InvalidTag, binascii.Error, ValueError):
        raise CallerError("tokens.not-opened") from None
