"""Set-up of a database by its owner: the revisions run forward, and a role is let in.

All of it is one transaction: a set-up that fails leaves the database as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hedgerow.adapters.store.postgres_link import Session, connect, error_of
from hedgerow.adapters.store.postgres_shape import (
    SCHEMA,
    TENANTS,
    VERSIONS,
    check_guarded,
    shape_of,
    standing,
)
from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.records import ALL_RECORDS, SCHEMA_VERSION

if TYPE_CHECKING:
    import psycopg

REVISIONS = Path(__file__).parent / "revisions"
_ROLE = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_ADMITTED = f"""
    SELECT DISTINCT rolname::text FROM pg_catalog.pg_class c, aclexplode(c.relacl) a
      JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
     WHERE c.oid = '{TENANTS}'::regclass AND a.grantee <> c.relowner AND a.privilege_type = 'INSERT'
     ORDER BY 1"""
# One number for all of Hedgerow: two set-ups of a database wait for each other.
_SET_UP_LOCK = 0x6865646765726F77


@dataclass(frozen=True, slots=True)
class Standing:
    """How a database stands to the schema of this Hedgerow.

    Args:
        found: Its schema; 0 where it was not set up.
        roles: The roles that are let in.
    """

    found: int
    roles: tuple[str, ...]


def standing_of(url: str) -> Standing:
    """Look at a database as its owner and change nothing.

    Args:
        url: A checked address.

    Raises:
        CallerError: ``space.newer-version``, ``store.unfit``.
        Fault: ``extra.missing``, ``store.unreachable``.
    """
    session = Session(url)
    try:
        is_there = session.run(f"SELECT to_regclass('{SCHEMA}.{VERSIONS}') IS NOT NULL".encode())[0][0][0]
        if not is_there:
            return Standing(0, ())
        text = f'SELECT coalesce(max(version_num::int), 0)::int8 FROM "{SCHEMA}".{VERSIONS}'
        found = int(str(session.run(text.encode())[0][0][0]))
        roles = tuple(str(row[0]) for row in session.run(_ADMITTED.encode())[0])
    finally:
        session.close()
    _check_known(found)
    return Standing(found, roles)


def _check_known(found: int) -> None:
    if found > SCHEMA_VERSION:
        raise CallerError("space.newer-version", found=found, known=SCHEMA_VERSION)


def set_up(url: str, application: str | None, *, revisions: tuple[Path, ...] = ()) -> None:
    """Run the revisions that are missing and grant roles the use of the tables.

    Args:
        url: A checked address for the owner.
        application: A role that stores are opened with, besides those that are let in already.
        revisions: Further folders of revisions.

    Raises:
        CallerError: ``space.newer-version``, ``store.unfit``, ``name.malformed``.
        Fault: ``extra.missing``, ``store.unguarded``, ``store.wall-down``, ``store.denied``,
            ``store.role-not-made``.
    """
    if application is not None and not _ROLE.fullmatch(application):
        raise CallerError("name.malformed", what="role")
    try:
        import alembic.command
        import sqlalchemy
    except ImportError:
        raise Fault("extra.missing", what="PostgreSQL", extra="postgres") from None

    def link() -> psycopg.Connection[Any]:
        return connect(url, autocommit=False)

    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=link, poolclass=sqlalchemy.pool.NullPool, use_native_hstore=False
    )
    failure: HedgerowError
    try:
        with engine.begin() as connection:
            _prepare(connection)
            alembic.command.upgrade(_config(connection, revisions), "head")
            admitted = [row[0] for row in connection.exec_driver_sql(_ADMITTED)]
            for role in dict.fromkeys([*admitted, *([application] if application else [])]):
                _admit(connection, role)
    except sqlalchemy.exc.DBAPIError as error:
        failure = error_of(error.orig or error, "")
    else:
        return
    raise failure


def _prepare(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy is known in the full environment only
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SET_UP_LOCK})")
    if connection.exec_driver_sql(f"SELECT to_regclass('{SCHEMA}.{VERSIONS}')").scalar() is None:
        connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{SCHEMA}"')
        return
    text = f'SELECT coalesce(max(version_num::int), 0) FROM "{SCHEMA}".{VERSIONS}'
    _check_known(int(connection.exec_driver_sql(text).scalar()))


def _config(connection: Any, further: tuple[Path, ...]) -> Any:  # noqa: ANN401 - as above
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    places = "\n".join(str(place) for place in (REVISIONS / "versions", *further))
    for name, value in {
        "script_location": str(REVISIONS),
        "version_locations": places,
        "path_separator": "newline",
    }.items():
        config.set_main_option(name, value.replace("%", "%%"))
    return config


def _admit(connection: Any, application: str) -> None:  # noqa: ANN401 - as above
    """Let the role use the tables, after making sure that the wall binds it."""
    run = connection.exec_driver_sql
    if run(f"SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = '{application}'").scalar() is None:
        may = "SELECT rolcreaterole OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
        if not run(may).scalar():
            raise Fault("store.role-not-made", role=application)
        run(f'CREATE ROLE "{application}" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS')
    check_guarded(run(standing(f"'{application}'")).one())
    for statement in _grants(application):
        run(statement)


def _grants(application: str) -> Iterator[str]:
    role = f'"{application}"'
    yield f'GRANT USAGE ON SCHEMA "{SCHEMA}" TO {role}'
    yield f'GRANT SELECT ON "{SCHEMA}".{VERSIONS} TO {role}'
    for table in (TENANTS, *(shape_of(kind).table for kind in ALL_RECORDS)):
        # TRUNCATE and REFERENCES would reach past the wall.
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}"
