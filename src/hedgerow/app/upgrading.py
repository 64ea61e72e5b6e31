"""Upgrading: a workspace of an earlier Hedgerow brought forward, and databases set up for workspaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from hedgerow.adapters.store import sqlite_schema
from hedgerow.adapters.store.history import step, tables_of
from hedgerow.app.places import DATABASE, Where, check_records, is_address, split
from hedgerow.model.errors import CallerError
from hedgerow.model.records import SCHEMA_VERSION
from hedgerow.model.uses import Json

Progress = Callable[[str], None]


def plan_upgrade(where: Where, application: str | None) -> dict[str, Json]:
    """Show what an upgrade would do; nothing is done.

    Args:
        where: The directory of a workspace, or the address of a database as its owner opens it.
        application: The role of a database that shall be let in.

    Returns:
        ``store``, ``found`` and ``needed`` schema, ``adds`` (tables), ``statements`` (how many), ``lets_in``
        (roles), ``copy`` (kept until all was verified) and ``nothing_to_do``.

    Raises:
        CallerError: ``space.*``, ``store.*``, ``upgrade.*``.
        Fault: When it cannot be read.
    """
    if is_address(where):
        return _plan_database(str(where), application)
    if application is not None:
        raise CallerError("upgrade.role-of-no-database")
    before = sqlite_schema.standing(_file(Path(where)))
    return {
        "store": "sqlite",
        **_steps(before.found),
        "lets_in": [],
        "copy": str(before.copy),
        "nothing_to_do": before.found == SCHEMA_VERSION and not before.is_left,
    }


def _plan_database(address: str, application: str | None) -> dict[str, Json]:
    url, _ = split(address)
    from hedgerow.adapters.store.postgres_schema import standing_of

    before = standing_of(url)
    if application is None and not before.roles:
        raise CallerError("upgrade.role-needed")
    lets_in = [application] if application is not None and application not in before.roles else []
    return {
        "store": "postgresql",
        **_steps(before.found),
        "lets_in": cast("Json", lets_in),
        "copy": None,
        "nothing_to_do": before.found == SCHEMA_VERSION and not lets_in,
    }


def _steps(found: int) -> dict[str, Json]:
    old = set(tables_of(found))
    return {
        "found": found,
        "needed": SCHEMA_VERSION,
        "adds": sorted(set(tables_of(SCHEMA_VERSION)) - old),
        "statements": sum(len(step(number).sqlite) for number in range(found + 1, SCHEMA_VERSION + 1)),
    }


def upgrade(where: Where, application: str | None, progress: Progress) -> dict[str, Json]:
    """Set a database up or bring records forward; what was cut off goes on with the same call.

    Args:
        where: As for ``plan_upgrade``.
        application: As for ``plan_upgrade``.
        progress: Told each part of the work.

    Returns:
        As ``plan_upgrade``.

    Raises:
        CallerError: As ``plan_upgrade``.
        Fault: As ``plan_upgrade``, and ``upgrade.unverified``, ``store.denied``, ``store.unguarded``; nothing
            was changed then.
    """
    plan = plan_upgrade(where, application)
    if plan["nothing_to_do"]:
        return plan
    if plan["store"] == "sqlite":
        sqlite_schema.migrate(_file(Path(where)), progress)
        return plan
    from hedgerow.adapters.store.postgres_schema import set_up

    progress("changing the tables")
    set_up(split(str(where))[0], application)
    return plan


def _file(directory: Path) -> Path:
    check_records(directory)
    return directory / DATABASE
