"""Entries of the journal as they are read: JSON that was signed, or a fault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from hedgerow.model.errors import Fault
from hedgerow.model.records import JournalEntry
from hedgerow.model.uses import Json

_TOLD = {"index", "time", "action", "actor", "facts"}


def parse_entry(body: bytes) -> Mapping[str, Json]:
    """Read an entry's JSON.

    Raises:
        Fault: ``journal.unreadable-entry`` when it is none: what was signed is.
    """
    try:
        entry = json.loads(body)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict):
        raise Fault("journal.unreadable-entry")
    return cast("Mapping[str, Json]", entry)


def entry_of(record: JournalEntry) -> Mapping[str, Json]:
    """Read an entry's JSON, whether or not it was verified before.

    Raises:
        Fault: ``journal.altered`` when it is none.
    """
    try:
        entry = parse_entry(record.body)
    except Fault:
        entry = {}
    if not (entry.keys() >= _TOLD and isinstance(entry["facts"], dict)):
        raise Fault("journal.altered", index=record.index)
    return entry


def moment_of(record: JournalEntry) -> datetime:
    """Tell when an entry was written (UTC), whether or not it was verified before.

    Raises:
        Fault: ``journal.altered`` when it does not tell.
    """
    try:
        return datetime.fromisoformat(str(entry_of(record)["time"])).astimezone(UTC)
    except ValueError:
        raise Fault("journal.altered", index=record.index) from None
