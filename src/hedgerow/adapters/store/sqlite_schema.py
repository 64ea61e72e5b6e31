"""Bringing a database file of SQLite forward: the steps run in one transaction, beside a copy.

Whatever stops it, the file holds the old schema whole or the new one whole; the copy goes once what it holds
was found in the file. The same call goes on with one that was cut off.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hedgerow.adapters.store.history import step, structure
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.records import SCHEMA_VERSION

_WAIT_S = 5.0
_UNFINISHED = ".unfinished"
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a database file stands to the schema of this Hedgerow.

    Args:
        found: Its schema.
        copy: The copy that is, or will be, kept beside it.
        is_left: Whether such a copy lies there, of a change that was cut off.
    """

    found: int
    copy: Path
    is_left: bool


def standing(path: Path) -> Standing:
    """Look at a database file and change nothing.

    Raises:
        CallerError: ``space.newer-version``.
        Fault: ``store.unreadable`` when it holds no workspace, ``upgrade.in-use``.
    """
    with closing(sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)) as connection:
        found = _version(connection)
    if found > SCHEMA_VERSION:
        raise CallerError("space.newer-version", found=found, known=SCHEMA_VERSION)
    left = [each for each in sorted(path.parent.glob(f"{path.name}.schema-*")) if each.suffix != _UNFINISHED]
    copy = left[0] if left else path.with_name(f"{path.name}.schema-{found}")
    return Standing(found, copy, bool(left))


def _version(connection: sqlite3.Connection) -> int:
    try:
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        is_ours = bool(structure(connection))
    except sqlite3.OperationalError as error:
        raise Fault(_code(error)) from None
    except sqlite3.DatabaseError:
        raise Fault("store.unreadable") from None
    if found < 1 or not is_ours:
        raise Fault("store.unreadable")
    return found


def migrate(path: Path, progress: Progress) -> None:
    """Bring a database file forward, while nobody else has it open.

    Args:
        path: The file.
        progress: Told each part of the work.

    Raises:
        CallerError: ``space.newer-version``.
        Fault: ``upgrade.in-use`` when another process has it open, ``store.full``, ``store.read-only``,
            ``store.unreadable``, ``upgrade.unverified``; the file is as it was.
    """
    before = standing(path)
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            if before.found < SCHEMA_VERSION:
                _forward(connection, before, progress)
            progress("checking every page")
            if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise Fault("upgrade.unverified")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            before.copy.unlink(missing_ok=True)
            _settle(path.parent)
    except sqlite3.OperationalError as error:
        raise Fault(_code(error)) from None
    except sqlite3.DatabaseError:
        raise Fault("store.unreadable") from None
    except OSError:
        raise Fault("store.full") from None


def _forward(connection: sqlite3.Connection, before: Standing, progress: Progress) -> None:
    progress("copying the database")
    _copy(connection, before.copy)
    connection.execute("ATTACH ? AS kept", (str(before.copy),))
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(before.found + 1, SCHEMA_VERSION + 1):
            progress(f"changing the tables to schema {number}")
            for statement in step(number).sqlite:
                connection.execute(statement)
        progress("comparing with the copy")
        _compare(connection)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("DETACH kept")


def _copy(connection: sqlite3.Connection, copy: Path) -> None:
    """Copy the whole database; half a copy never has the name of one."""
    unfinished = copy.with_name(copy.name + _UNFINISHED)
    for old in (unfinished, copy):
        old.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(unfinished, isolation_level=None)) as other:
        connection.backup(other)
        other.execute("PRAGMA journal_mode=DELETE")
    handle = os.open(unfinished, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    unfinished.rename(copy)
    _settle(copy.parent)


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _compare(connection: sqlite3.Connection) -> None:
    """Make sure that every record of the copy reads the same now, and that none came or went."""
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM kept.sqlite_schema WHERE type = 'table'")
        if not name.startswith("sqlite_")
    ]
    for table in tables:
        held = connection.execute(f'PRAGMA kept.table_info("{table}")').fetchall()
        names = ", ".join(f'"{row[1]}"' for row in held)
        lost = connection.execute(
            f'SELECT count(*) FROM (SELECT {names} FROM kept."{table}" EXCEPT'
            f' SELECT {names} FROM main."{table}")'
        ).fetchone()[0]
        counts = [
            connection.execute(f'SELECT count(*) FROM {side}."{table}"').fetchone()[0]
            for side in ("kept", "main")
        ]
        if lost or counts[0] != counts[1]:
            raise Fault("upgrade.unverified")


def _code(error: sqlite3.OperationalError) -> str:
    """Name the fault behind an error of SQLite."""
    known = {
        sqlite3.SQLITE_BUSY: "upgrade.in-use",
        sqlite3.SQLITE_LOCKED: "upgrade.in-use",
        sqlite3.SQLITE_FULL: "store.full",
        sqlite3.SQLITE_READONLY: "store.read-only",
    }
    return known.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "store.unreadable")
