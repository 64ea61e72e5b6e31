"""Masks: what may be shown of a value is a first character and the structure, no more."""

from __future__ import annotations

import unicodedata
from itertools import groupby

SHORT = 6
MAX_MASK = 32
_SEPARATORS = frozenset("-./ :@+(),_")
_ENDINGS = frozenset({"com", "org", "net", "edu", "gov", "info"})


def mask(value: str) -> str:
    """Mask one value.

    Args:
        value: Any text.

    Returns:
        Three stars for fewer than six characters. Otherwise each run of letters as ``***``, each
        run of digits as ``###``, single separators kept, and the first character when it is a
        letter; an e-mail address keeps one letter of each side and a common ending.

    Guarantee: no four consecutive characters of the value appear, but for the ending of an e-mail
    address out of a fixed list.
    """
    text = unicodedata.normalize("NFKC", value).strip()
    if len(text) < SHORT:
        return "***"
    if text.count("@") == 1:
        return _mask_email(text)
    return _first(text) + _structure(text[1:] if text[0].isalpha() else text)


def _first(text: str) -> str:
    return text[0] if text[0].isalpha() else ""


def _structure(text: str) -> str:
    """Replace runs by hashes (all digits) or stars; separators stand singly between runs."""
    parts: list[str] = []
    for separator, group in groupby(text, key=_SEPARATORS.__contains__):
        run = "".join(group)
        parts.append(run[0] if separator else "###" if run.isdigit() else "***")
    return "".join(parts)[:MAX_MASK]


def _mask_email(text: str) -> str:
    local, _, domain = text.partition("@")
    host, _, ending = domain.rpartition(".")
    shown = "." + ending if ending.lower() in _ENDINGS and host else ""
    return f"{_first(local) if local else ''}***@{_first(domain) if host else ''}***{shown}"
