"""Errors of the journal written as tiles."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, fault

ROWS: tuple[ErrorRow, ...] = (
    fault(
        "tiles.malformed",
        "{name} is not as the size of the log asks: {reason}.",
        "Tiles are derived from the journal: write them anew into another folder: hedgerow journal tiles",
        exit_code=6,
    ),
    fault(
        "tiles.differ",
        "The tiles at {path} hold another log: at {size} entries its root is not the one of this journal.",
        "Write into another folder, or remove that one if it is a stale copy of yours.",
        exit_code=6,
    ),
)
