"""Errors of finding a workspace, its records and its files, and of bringing an older one forward."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "space.in-database",
        "At {space} lie the files of a workspace whose records are in a PostgreSQL database.",
        "Name the database: --space postgresql://ROLE@HOST/DATABASE, or the same in HEDGEROW_SPACE.",
    ),
    caller(
        "space.none-in-database",
        "This database holds no workspace.",
        "Make one with `hedgerow init postgresql://ROLE@HOST/DATABASE --files DIR`.",
        status=404,
    ),
    caller(
        "space.several",
        "This database holds several workspaces: {names}.",
        "Name one at the end of the address: --space 'postgresql://ROLE@HOST/DATABASE#{first}'.",
    ),
    caller(
        "space.unfinished-in-database",
        "The workspace {tenant} in this database was never finished: an init was cut off, or runs now.",
        "If none runs, nothing is in it: make another with "
        "`hedgerow init postgresql://ROLE@HOST/DATABASE --files DIR`.",
    ),
    caller(
        "space.files-needed",
        "A workspace in a database needs a directory for its key file and its table files.",
        "Name one that every machine which uses the workspace reaches: add --files DIR.",
    ),
    caller(
        "space.files-of-no-database",
        "--files belongs to a workspace in a database; a workspace in a directory holds its own files.",
        "Leave --files out, or name a database: `hedgerow init postgresql://ROLE@HOST/DATABASE --files DIR`.",
    ),
    caller(
        "space.tenant-named",
        "A new workspace gets its name by itself; this address names one already.",
        "Leave out the # and what follows it.",
    ),
    caller(
        "space.files-missing",
        "The files of this workspace, its keys among them, are not at {files}: there is no such directory.",
        "Mount the directory there, or say where it is: `export HEDGEROW_FILES=DIR`.",
    ),
    caller(
        "space.files-foreign",
        "{files} does not hold the files of the workspace {tenant}; nothing was changed.",
        "Say where they are: `export HEDGEROW_FILES=DIR`; the file `tenant` in that directory says {tenant}.",
    ),
    fault(
        "space.foreign-records",
        "The records under {tenant} in this database are those of another workspace.",
        "Stop using it and restore the database from a backup; somebody copied records between workspaces.",
        exit_code=6,
    ),
    caller(
        "space.older-version",
        "This workspace has schema {found}; this Hedgerow needs {known}.",
        "Bring it forward with `hedgerow upgrade --yes`, naming it by --space or HEDGEROW_SPACE as here.",
    ),
    caller(
        "upgrade.role-needed",
        "The database lets no role in yet, and none was named.",
        "Name the role that the program shall use: `hedgerow upgrade --application ROLE --yes`.",
    ),
    caller(
        "upgrade.role-of-no-database",
        "--application belongs to a database of PostgreSQL; this workspace is in a directory.",
        "Leave --application out.",
    ),
    fault(
        "upgrade.in-use",
        "Another process has the workspace open; nothing was changed.",
        "Stop every process that uses it, then repeat the command.",
        status=503,
    ),
    fault(
        "upgrade.unverified",
        "The records do not read the same after the change; the workspace was left as it was.",
        "Run `hedgerow doctor` with the Hedgerow that made it, restore a backup if it complains, and repeat.",
        exit_code=6,
    ),
)
