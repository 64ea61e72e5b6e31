"""Errors of certificates that are looked up."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "certificate.unknown",
        "There is no certificate of this name here.",
        "See those there are with `hedgerow evidence certificates`.",
        status=404,
    ),
)
