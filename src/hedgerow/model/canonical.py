"""Canonical JSON: one text per value, for hashes, signatures and the journal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from json.encoder import encode_basestring

from hedgerow.model.errors import CallerError

_MAX_DEPTH = 32
_PLAIN = frozenset({str, int, bool, type(None)})
# As tuples: a union would be made anew at each check.
_LEAVES, _LISTS = (str, int, type(None)), (list, tuple)
# Built once: each journal entry goes through it.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


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
        return _ENCODER.encode(value).encode("utf-8")
    except UnicodeEncodeError:
        raise CallerError("journal.not-canonical", reason="a text is not valid Unicode") from None


def canonical_texts(values: Iterable[str]) -> bytes:
    """Write a list of texts as ``canonical`` does, in a fraction of the time.

    Raises:
        CallerError: ``journal.not-canonical`` when a text is not valid Unicode.
    """
    try:
        return f"[{','.join(map(encode_basestring, values))}]".encode()
    except UnicodeEncodeError:
        raise CallerError("journal.not-canonical", reason="a text is not valid Unicode") from None


def _admit(value: object, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise CallerError("journal.not-canonical", reason="it is nested too deep")
    if isinstance(value, _LEAVES):
        return
    if isinstance(value, dict):
        for name, member in value.items():
            if not isinstance(name, str):
                raise CallerError("journal.not-canonical", reason="a name is not text")
            if type(member) not in _PLAIN:
                _admit(member, depth + 1)
    elif isinstance(value, _LISTS):
        for member in value:
            if type(member) not in _PLAIN:
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


def plain_form(value: object) -> object:
    """Write a frozen value so that ``canonical`` takes it, and two are written alike only if they are equal.

    Args:
        value: Frozen dataclasses, tuples, lists, mappings, sets, fractions, decimals, floats, texts, whole
            numbers, booleans and None, nested.

    Returns:
        Lists that begin with what kind of value each is.

    Raises:
        CallerError: ``journal.not-canonical`` for anything else.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float() | Fraction() | Decimal():
            return [type(value).__name__, value.hex() if isinstance(value, float) else str(value)]
        case list() | tuple():
            return ["list", *map(plain_form, value)]
        case dict():
            return [
                "mapping",
                *sorted(([plain_form(name), plain_form(v)] for name, v in value.items()), key=canonical),
            ]
        case set() | frozenset():
            return ["set", *sorted(map(plain_form, value), key=canonical)]
    if is_dataclass(value) and not isinstance(value, type):
        parts = [[each.name, plain_form(getattr(value, each.name))] for each in fields(value)]
        return [type(value).__name__, *parts]
    raise CallerError("journal.not-canonical", reason=f"a {type(value).__name__} is not allowed")


def timestamp(moment: datetime) -> str:
    """Render an aware time as RFC 3339 in UTC with milliseconds and ``Z``."""
    here = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return here.isoformat(timespec="milliseconds")[:-6] + "Z"
