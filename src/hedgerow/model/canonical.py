"""Canonical JSON: one text per value, for hashes, signatures and the journal."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

from hedgerow.model.errors import CallerError

_MAX_DEPTH = 32


def canonical(value: object) -> bytes:
    """Write a value as canonical JSON: one line, sorted names, no blanks, UTF-8, no floats.

    Args:
        value: Text, whole numbers, booleans, None, lists or tuples, and mappings with text names,
            nested at most 32 deep. Decimals are given as text, so that they stay exact.

    Returns:
        The bytes, without a final newline and without any newline inside.

    Raises:
        CallerError: ``journal.not-canonical``, naming the kind of value, never the value.

    Source:
        The rules of RFC 8785 without its numbers; names are sorted by code point.
    """
    _admit(value, 0)
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise CallerError("journal.not-canonical", reason="a text is not valid Unicode") from None


def _admit(value: object, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise CallerError("journal.not-canonical", reason="it is nested too deep")
    if value is None or isinstance(value, str | int):
        return
    if isinstance(value, dict):
        for name, member in value.items():
            if not isinstance(name, str):
                raise CallerError("journal.not-canonical", reason="a name is not text")
            _admit(member, depth + 1)
    elif isinstance(value, list | tuple):
        for member in value:
            _admit(member, depth + 1)
    else:
        raise CallerError("journal.not-canonical", reason=f"a {type(value).__name__} is not allowed")


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
