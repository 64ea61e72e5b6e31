"""Errors of classifying columns."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, refused

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "discover.not-a-frame",
        "A {kind} is no data frame.",
        "Give an Arrow table or a pandas or Polars data frame.",
    ),
    caller("discover.no-columns", "The table has no columns.", "Give a table with at least one column."),
    caller(
        "discover.unknown-subject-key",
        "The table has no column {column} to tell people apart.",
        "Name one of its columns as the subject key.",
    ),
    refused(
        "collect.secret-found",
        "Column {column} holds passwords or keys, which are no data to collect.",
        "Leave it out with --drop {column}, and change what leaked. If these are no secrets, state the "
        "column's role in a --schema file.",
    ),
)
