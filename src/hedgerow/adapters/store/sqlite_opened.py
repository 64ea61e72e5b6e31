"""Whether an opened database is one of ours, of this version, and does nothing of its own."""

from __future__ import annotations

import sqlite3

from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.records import SCHEMA_VERSION

# Tables and indexes alone, in our own spelling, are read and written as they stand; a trigger, a view or a
# virtual table may keep what is erased, or change what is kept.
_FOREIGN = "SELECT 1 FROM sqlite_master WHERE type NOT IN ('table', 'index') OR rootpage = 0"


def check_opened(writer: sqlite3.Connection) -> None:
    """Refuse a database of another version, and one with parts that act.

    Args:
        writer: An open connection.

    Raises:
        CallerError: ``space.newer-version`` or ``space.older-version``.
        Fault: ``store.unreadable`` or ``store.foreign-parts``.
    """
    found = int(writer.execute("PRAGMA user_version").fetchone()[0])
    if found > SCHEMA_VERSION:
        raise CallerError("space.newer-version", found=found, known=SCHEMA_VERSION)
    if 0 < found < SCHEMA_VERSION:
        raise CallerError("space.older-version", found=found, known=SCHEMA_VERSION)
    if found != SCHEMA_VERSION:
        raise Fault("store.unreadable")
    if writer.execute(_FOREIGN).fetchone():
        raise Fault("store.foreign-parts")
