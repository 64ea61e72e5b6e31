"""Escrows: copies of the master keys sealed for somebody outside, so that no statement forgets them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from hedgerow.model.ports import Reader
from hedgerow.model.records import JournalEntry
from hedgerow.model.uses import Json
from hedgerow.spine.departed import Departed
from hedgerow.spine.entries import entry_of

DESTROY = "keys.destroy"
_PAGE = 10_000


def escrow_caveat(told: Departed, epochs: Sequence[str]) -> list[Json]:
    """Say which escrows hold a key of some epochs.

    Args:
        told: What the verified journal tells.
        epochs: The epochs that a final certificate speaks of.

    Returns:
        A sentence for each escrow; empty when there was none.
    """
    return [
        f"an escrow of the master keys, sealed on {each.when} for {', '.join(each.recipients)}: whoever "
        "opens it and has an old copy of the database opens what was erased; destroy it"
        for each in told.escrows
        if set(each.epochs) & set(epochs)
    ]


def destroyed_since(reader: Reader) -> dict[str, str]:
    """Read from the journal which epochs were destroyed, or about to be, and when; needs no key."""
    found: dict[str, str] = {}
    after: tuple[object, ...] | None = None
    while page := reader.page(JournalEntry, after, _PAGE):
        for record in page:
            if DESTROY.encode() not in record.body:
                continue
            entry = entry_of(record)
            if entry["action"] == DESTROY:
                facts = cast("dict[str, list[str]]", entry["facts"])
                found |= dict.fromkeys(facts["epochs"], _second(str(entry["time"])))
        after = (page[-1].index,)
    return found


def _second(time: str) -> str:
    """Cut a time of the journal to the second, as key files hold it."""
    return time[:19] + "Z"
