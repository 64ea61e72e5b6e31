"""The write-ahead log of SQLite, emptied so that removed pages go."""

from __future__ import annotations

import sqlite3
from contextlib import suppress


def empty(writer: sqlite3.Connection, wait_s: float, *, durable: bool) -> None:
    """Fold the log into the file, empty it, and begin the next where nobody is in the way.

    Args:
        writer: Outside of any transaction.
        wait_s: How long it waits for others, in seconds.
        durable: Whether its commits are synchronous FULL.
    """
    is_busy = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if durable and not is_busy:
        begin(writer, wait_s)


def begin(writer: sqlite3.Connection, wait_s: float) -> None:
    """Begin an emptied log with the first page, which holds no row.

    SQLite forces the head of a log to the disk by itself before the first commit in it: whoever commits next
    would wait for the disk twice.

    Args:
        writer: Synchronous FULL, as it is again afterwards.
        wait_s: How long it waits for others afterwards, in seconds; here it does not.
    """
    version = int(writer.execute("PRAGMA user_version").fetchone()[0])
    try:
        # The head is forced all the same; whether the page is there after a loss of power is all one.
        writer.execute("PRAGMA synchronous=NORMAL")
        writer.execute("PRAGMA busy_timeout=0")
        with suppress(sqlite3.OperationalError):  # somebody else began it; the next commit says the rest
            writer.execute(f"PRAGMA user_version={version}")
    finally:
        writer.execute(f"PRAGMA busy_timeout={int(wait_s * 1000)}")
        writer.execute("PRAGMA synchronous=FULL")
