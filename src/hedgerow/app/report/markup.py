"""Markup as values: plain text is escaped by one function wherever it goes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
# Control characters, lone surrogates, non-characters, and marks that reorder or hide text.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff0-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 17))
    + "]"
)
_SPECIAL = re.compile("[&<>\"']")
_VOID = frozenset({"br", "hr", "meta"})
_NAME_MAX = 160


@dataclass(frozen=True, slots=True)
class Markup:
    """Markup that is already safe; only this package makes it.

    Args:
        source: HTML that is well-formed XML too.
    """

    source: str


Child: TypeAlias = "Markup | str | None"


def seen(text: str) -> str:
    """Make every character visible: what cannot be seen is named, such as ``[U+202E]``.

    Args:
        text: Any text, lone surrogates included.

    Returns:
        Text that encodes as UTF-8 and holds no control character but line feed and tab.
    """
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text.replace("\r\n", "\n"))


def escape(text: str) -> str:
    """Escape text for an element or a quoted attribute; the only way text enters the page.

    Args:
        text: Any text.

    Returns:
        Source that every HTML and XML parser reads back as ``seen(text)``.
    """
    return _SPECIAL.sub(lambda found: _ENTITIES[found[0]], seen(text))


def join(*children: Child) -> Markup:
    """Put children one after another: text escaped, markup as it is, none left out.

    Args:
        children: Text and markup.

    Returns:
        The markup.
    """
    return Markup("".join(_source(child) for child in children))


def tag(name: str, /, *children: Child, **attributes: str | None) -> Markup:
    """Build one element.

    Args:
        name: Name of the element, a literal.
        children: What it holds; text is escaped.
        attributes: Values are escaped, none is left out; ``class_`` and ``aria_label`` stand
            for ``class`` and ``aria-label``.

    Returns:
        The element.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written} />")
    return Markup(f"<{name}{written}>{join(*children).source}</{name}>")


def clip(text: str, most: int = _NAME_MAX) -> str:
    """Cut a text that is too long and say how much is missing.

    Args:
        text: Any text.
        most: Characters kept, at least 1.

    Returns:
        The text, or its start with ``… (N more characters)``.
    """
    if len(text) <= most:
        return text
    return f"{text[:most]}… ({len(text) - most:,} more characters)"


def code(name: str) -> Markup:
    """Show a name as it is written in the workspace."""
    return tag("code", clip(name))


def _source(child: Child) -> str:
    if child is None:
        return ""
    return child.source if isinstance(child, Markup) else escape(child)
