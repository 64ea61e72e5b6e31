"""From a passphrase to a key, by Argon2id under named profiles."""

from __future__ import annotations

import base64
import unicodedata
from dataclasses import dataclass

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from hedgerow.model.errors import CallerError
from hedgerow.model.keys import KEY_BYTES, SecretKey

SALT_BYTES = 16
PASSPHRASE_LIMIT_BYTES = 1024
MEMORY_KIB_ALLOWED = range(7168, 1_048_576 + 1)
ITERATIONS_ALLOWED = range(1, 16 + 1)
LANES_ALLOWED = range(1, 16 + 1)
WORK_LIMIT_KIB = 4 * 1_048_576
_COST_FIELDS = {"name", "memory_kib", "iterations", "lanes", "salt"}


@dataclass(frozen=True, slots=True)
class Argon2Profile:
    """The cost of one passphrase check.

    Args:
        memory_kib: Memory in KiB.
        iterations: Passes over the memory.
        lanes: Lanes computed side by side.
    """

    memory_kib: int
    iterations: int
    lanes: int

    @property
    def is_allowed(self) -> bool:
        """Whether the cost is neither too small to protect nor large enough to hurt this machine."""
        return (
            self.memory_kib in MEMORY_KIB_ALLOWED
            and self.iterations in ITERATIONS_ALLOWED
            and self.lanes in LANES_ALLOWED
            and self.memory_kib * self.iterations <= WORK_LIMIT_KIB
        )


RFC9106_SECOND = Argon2Profile(memory_kib=65_536, iterations=3, lanes=4)
"""RFC 9106, section 4, second recommended option: 64 MiB, 3 passes, 4 lanes."""

OWASP_MINIMUM = Argon2Profile(memory_kib=19_456, iterations=2, lanes=1)
"""OWASP Password Storage Cheat Sheet, the minimum it recommends: 19 MiB, 2 passes, 1 lane."""


def check_passphrase(passphrase: str) -> bytes:
    """Bring a passphrase into the one form that is hashed.

    Args:
        passphrase: 1 to 1,024 bytes of UTF-8.

    Returns:
        Its UTF-8 bytes in Unicode NFC, so that two keyboards give the same key.

    Raises:
        CallerError: ``keys.passphrase-empty``, ``keys.passphrase-too-long`` or ``keys.passphrase-not-text``.

    Source: RFC 8265, section 4.2 (OpaqueString) for the normal form.
    """
    if not passphrase:
        raise CallerError("keys.passphrase-empty")
    if len(passphrase) > PASSPHRASE_LIMIT_BYTES:
        raise CallerError("keys.passphrase-too-long", limit_bytes=PASSPHRASE_LIMIT_BYTES)
    try:
        raw = unicodedata.normalize("NFC", passphrase).encode()
    except UnicodeEncodeError:
        raise CallerError("keys.passphrase-not-text") from None
    if len(raw) > PASSPHRASE_LIMIT_BYTES:
        raise CallerError("keys.passphrase-too-long", limit_bytes=PASSPHRASE_LIMIT_BYTES)
    return raw


def key_from_passphrase(passphrase: str, salt: bytes, profile: Argon2Profile) -> SecretKey:
    """Derive the key that a passphrase stands for.

    Args:
        passphrase: 1 to 1,024 bytes of UTF-8.
        salt: 16 random bytes.
        profile: The cost; the caller has checked that it is allowed.

    Returns:
        A key of 32 bytes.

    Raises:
        CallerError: The passphrase is empty, too long or not text.

    Source: RFC 9106 (Argon2id, version 0x13).
    """
    raw = check_passphrase(passphrase)
    derivation = Argon2id(
        salt=salt,
        length=KEY_BYTES,
        iterations=profile.iterations,
        lanes=profile.lanes,
        memory_cost=profile.memory_kib,
    )
    return SecretKey(derivation.derive(raw))


def write_cost(profile: Argon2Profile, salt: bytes) -> dict[str, object]:
    """Write down how a key comes from a passphrase, as files hold it.

    Args:
        profile: The cost.
        salt: 16 random bytes.
    """
    return {
        "name": "argon2id",
        "memory_kib": profile.memory_kib,
        "iterations": profile.iterations,
        "lanes": profile.lanes,
        "salt": base64.b64encode(salt).decode(),
    }


def read_cost(value: object) -> tuple[bytes, Argon2Profile]:
    """Read what ``write_cost`` wrote; whether the cost is allowed is for the caller to ask.

    Args:
        value: The value, as read from a file.

    Returns:
        The salt and the cost.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(value, dict) or set(value) != _COST_FIELDS or value["name"] != "argon2id":
        raise ValueError("no cost of a passphrase check")
    numbers = [value[name] for name in ("memory_kib", "iterations", "lanes")]
    if not isinstance(value["salt"], str) or any(type(number) is not int for number in numbers):
        raise ValueError("no cost of a passphrase check")
    salt = base64.b64decode(value["salt"], validate=True)
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt has 16 bytes")
    return salt, Argon2Profile(*numbers)
