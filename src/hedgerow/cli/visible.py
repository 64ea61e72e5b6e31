"""Making text safe to show: a name from a file must not steer the terminal or reorder what is read."""

from __future__ import annotations

import json
import re

# Control characters but line feed and tab, and the invisible ones that join, hide or reorder text.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """Write hidden characters as their code point, so that they are seen and do nothing."""
    return _HIDDEN.sub(lambda found: f"[U+{ord(found.group()):04X}]", text)


def visible_json(value: object) -> str:
    """Write JSON with hidden characters escaped; it reads back as the same value."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _HIDDEN.sub(lambda found: json.dumps(found.group())[1:-1], text)
