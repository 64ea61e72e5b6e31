"""Random names of bucket files: they say nothing about what a file holds."""

from __future__ import annotations

import re
import secrets

from hedgerow.model.errors import Fault

_NAME = re.compile(r"[0-9a-f]{32}")


def new_name() -> str:
    """Draw a name of 128 random bits.

    Returns:
        32 hexadecimal digits.
    """
    return secrets.token_hex(16)


def is_name(text: str) -> bool:
    """Tell whether a shelf could have given this name."""
    return _NAME.fullmatch(text) is not None


def checked(name: str) -> str:
    """Pass a name through, so that no path of another making reaches the file system.

    Args:
        name: A name from a manifest.

    Returns:
        The same name.

    Raises:
        Fault: ``shelf.name`` when no shelf could have given it.
    """
    if not is_name(name):
        raise Fault("shelf.name")
    return name
