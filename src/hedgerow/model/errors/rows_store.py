"""Errors of a store on a database server, and of packages that are not installed."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault

ROWS: tuple[ErrorRow, ...] = (
    fault(
        "extra.missing",
        "{what} needs packages that are not installed.",
        "Install them with `pip install 'hedgerow[{extra}]'`; in a clone with `pip install -e '.[{extra}]'`.",
        exit_code=7,
        status=409,
    ),
    caller(
        "store.url",
        "That is no address of a PostgreSQL database.",
        "Write postgresql://ROLE@HOST/DATABASE.",
    ),
    caller(
        "store.password-in-url",
        "A database address with a password in it is refused: other programs could read it.",
        "Leave it out; put it in ~/.pgpass, in the file that PGPASSFILE names, or in PGPASSWORD.",
    ),
    caller(
        "store.text",
        "A text for {table} holds a character that this database cannot keep: NUL, or half of a pair.",
        "Take that character out and repeat the command.",
    ),
    caller(
        "store.not-set-up",
        "This database holds no tables of Hedgerow.",
        "Set it up once as the owner of the database: `hedgerow upgrade --space "
        "postgresql://OWNER@HOST/DATABASE --application ROLE --yes`; then repeat the command.",
    ),
    caller(
        "store.older-schema",
        "This database has schema {found}; this Hedgerow needs {known}.",
        "Bring it forward as its owner: `hedgerow upgrade --space postgresql://OWNER@HOST/DATABASE --yes`; "
        "then repeat the command.",
    ),
    caller(
        "store.tenant-exists",
        "The database already holds the tenant {tenant}; nothing was changed.",
        "Open the workspace that is there, or restore into another, empty database. Its owner sets that up: "
        "`hedgerow upgrade --space postgresql://OWNER@HOST/OTHER --application ROLE --yes`; then repeat the "
        "command with --space postgresql://ROLE@HOST/OTHER.",
        status=409,
    ),
    caller(
        "store.tenant-unknown",
        "The database holds no tenant {tenant}.",
        "Check the name, or make the workspace first.",
        status=404,
    ),
    caller(
        "store.unfit",
        "This database cannot hold a workspace: {why}.",
        "Use a database in UTF8 on PostgreSQL 15 or newer.",
    ),
    fault(
        "store.unguarded",
        "The wall between tenants does not bind here: {why}.",
        "Use a role that neither owns the tables nor passes row-level security. As the owner let one in: "
        "`hedgerow upgrade --space postgresql://OWNER@HOST/DATABASE --application ROLE --yes`.",
    ),
    fault(
        "store.wall-down",
        "The wall between tenants is down: row-level security is off, or not forced, on {tables}.",
        "`hedgerow upgrade` does not put it up again. Run as the owner of the database, in psql: "
        "{statements} Then find out who took it down, and whether records of other workspaces were read.",
    ),
    fault(
        "store.foreign-parts",
        "The database has triggers or views that Hedgerow did not make; nothing was opened.",
        "They may keep what was erased: find out who made them, and restore the workspace from a backup.",
        exit_code=6,
    ),
    fault(
        "store.denied",
        "The database does not let this role do that; nothing was written.",
        "As the owner of the database let this role in: `hedgerow upgrade --space "
        "postgresql://OWNER@HOST/DATABASE --application ROLE --yes`; then repeat the command.",
    ),
    fault(
        "store.unreachable",
        "The database server cannot be reached, or ended the connection.",
        "Check the address and that it runs, then repeat the command; what it had begun with --request-id "
        "goes on under the same one.",
        status=503,
    ),
)
