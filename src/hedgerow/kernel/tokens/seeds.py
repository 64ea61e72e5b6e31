"""Numbers drawn for a person by a keyed function: the same person draws the same ones within a scope."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.envelope import derive
from hedgerow.kernel.tokens.scoped import macs
from hedgerow.model.keys import KEY_BYTES, Scope, encode_fields

Draws = npt.NDArray[np.uint64]

DRAWS = 8
"""Numbers that one person draws at once: 64 bytes of HMAC-SHA-512."""

_LABEL = "hedgerow/tokens/seed/1"


def subject_keys(secret: bytes, subjects: Sequence[str]) -> list[bytes]:
    """Give each person a key of their own out of one secret.

    Args:
        secret: 32 bytes or more.
        subjects: What tells people apart.

    Returns:
        32 bytes each. They do not die with anybody: give the people's own secrets to ``draws`` where an
        erasure must reach what was drawn.
    """
    return macs(derive(secret, "tokens/subject"), (subject.encode() for subject in subjects))


def draws(keys: Sequence[bytes], scope: Scope, part: str, attempt: int = 0) -> Draws:
    """Draw for each person.

    Args:
        keys: The secret of each person, 32 bytes or more.
        scope: Where the draws are valid.
        part: What they are for; parts are unrelated.
        attempt: Which draw, from 0.

    Returns:
        Matrix (n, 8) of numbers below 2**64, uniform to whoever lacks the keys.

    Raises:
        ValueError: A key is too short.

    Source: HMAC-SHA-512 as a pseudorandom function, RFC 2104.
    """
    if any(len(key) < KEY_BYTES for key in keys):
        raise ValueError("a secret to derive from must be at least 32 bytes long")
    message = encode_fields(_LABEL, scope.as_bytes(), part, attempt)
    raw = b"".join([hmac.digest(key, message, "sha512") for key in keys])
    return np.frombuffer(raw, np.dtype(">u8")).astype(np.uint64).reshape(-1, DRAWS)


def below(numbers: Draws, many: int) -> npt.NDArray[np.int64]:
    """Bring draws below a number, 1 to 2**32: each is equally likely to within 2**-32."""
    return (numbers % np.uint64(many)).astype(np.int64)


def day_shifts(keys: Sequence[bytes], scope: Scope, max_days: int) -> npt.NDArray[np.int64]:
    """Draw by how many days each person's dates are moved.

    Args:
        keys: The secret of each person.
        scope: Where the move is valid.
        max_days: Furthest move either way, from 1.

    Returns:
        Vector (n,) of days, uniform in -max_days to max_days without 0.

    Guarantee:
        All dates of a person in a scope move together, so that intervals stay; true dates stay within
        ``max_days`` of those shown. One true date of a person known to an attacker gives away all the
        others, and an event that everybody had at once (a holiday, an outbreak) can be aligned by.
    """
    drawn = below(draws(keys, scope, "date-shift")[:, 0], 2 * max_days)
    return np.where(drawn < max_days, drawn - max_days, drawn - max_days + 1)
