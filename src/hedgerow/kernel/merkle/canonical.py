"""One JSON text for one record: what a leaf hash and a signature can be taken over."""

from __future__ import annotations

import json

from hedgerow.model.canonical import canonical as canonical_json

__all__ = ["canonical_json", "strict_json"]


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
