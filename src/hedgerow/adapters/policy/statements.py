"""Find where each policy starts in Cedar text, to name the line of a faulty one."""

from __future__ import annotations

import re
from collections.abc import Callable

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"?|//[^\n]*|;|\s+|[^";/\s]+|/', re.DOTALL)


def statements(text: str) -> list[tuple[int, str]]:
    """Split Cedar text into its policies.

    Args:
        text: Cedar policies; they need not be valid.

    Returns:
        The line each policy starts on (from 1) and its text up to its semicolon; comments are left out.
    """
    found: list[tuple[int, str]] = []
    line, start, pieces = 1, 1, list[str]()
    for piece in _PIECE.findall(text):
        if not piece.startswith("//"):
            if not pieces and not piece.isspace():
                start = line
            if pieces or not piece.isspace():
                pieces.append(piece)
        line += piece.count("\n")
        if piece == ";":
            found.append((start, "".join(pieces)))
            pieces = []
    if pieces:
        found.append((start, "".join(pieces)))
    return found


def first_bad_line(text: str, parses: Callable[[str], bool]) -> int:
    """Name the line on which the first faulty policy starts.

    Args:
        text: Cedar policies, at least one of them faulty.
        parses: Whether one policy can be read.

    Returns:
        A line number from 1; 1 when every policy can be read by itself.
    """
    for line, statement in statements(text):
        if not parses(statement):
            return line
    return 1
