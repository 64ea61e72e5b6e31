"""One JSON text for one record: what a leaf hash and a signature can be taken over."""

from __future__ import annotations

import json

from hedgerow.model.errors import CallerError

_MAX_DEPTH = 32


def canonical_json(value: object) -> bytes:
    """Write a record as canonical JSON: one line, sorted names, no blanks, UTF-8, no floats.

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


def strict_json(text: bytes) -> object:
    """Read JSON text that leaves no room for two readings.

    Args:
        text: UTF-8 bytes.

    Returns:
        The value.

    Raises:
        ValueError: On bad UTF-8, a name that stands twice in one object, NaN, infinities or
            nesting beyond what can be read. The message carries no content.
    """
    try:
        decoded = text.decode("utf-8")
        return _STRICT.decode(decoded)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def _no_constant(_name: str) -> object:
    raise ValueError("NaN and infinities are not JSON")


# Built once: a decoder made anew for each line costs more than reading the line.
_STRICT = json.JSONDecoder(object_pairs_hook=_without_twins, parse_constant=_no_constant)
