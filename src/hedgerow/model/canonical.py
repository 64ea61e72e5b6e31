"""Canonical JSON: one text per value, for hashes, signatures and the journal."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from fractions import Fraction


def canonical(value: object) -> bytes:
    """Encode as JSON with sorted keys, no spaces and UTF-8; floats are refused.

    Args:
        value: Mappings with text keys, sequences, text, integers, booleans and none;
            fractions become ``"numerator/denominator"``.

    Returns:
        The bytes.

    Raises:
        TypeError: On a float or any other type.
    """
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | str():
            return value
        case Fraction():
            return f"{value.numerator}/{value.denominator}"
        case dict():
            return {_key(k): _plain(v) for k, v in value.items()}
        case list() | tuple():
            return [_plain(v) for v in value]
        case frozenset() | set():
            return sorted(_plain(v) for v in value)  # type: ignore[type-var]
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError("canonical keys are text")
    return key


def digest(value: object) -> str:
    """Hash the canonical form.

    Args:
        value: What ``canonical`` takes.

    Returns:
        SHA-256 in lower-case hexadecimal.
    """
    return hashlib.sha256(canonical(value)).hexdigest()


def timestamp(moment: datetime) -> str:
    """Render an aware time as RFC 3339 in UTC with milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
