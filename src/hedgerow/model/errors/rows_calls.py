"""Errors of calls from Python."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller

_NOTHING = "Nothing was done and nothing spent. "

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "call.kind",
        "{name} of {call} must be {said}.",
        _NOTHING + "Write {written}",
    ),
    caller(
        "call.missing",
        "{call} was called without {name}.",
        _NOTHING + "Add {written}",
    ),
    caller(
        "call.unknown",
        "{call} takes no {name}.",
        _NOTHING + "{advice}",
    ),
    caller(
        "call.too-many",
        "{call} was given too much, or something without its name.",
        _NOTHING + "It takes {known}",
    ),
)
