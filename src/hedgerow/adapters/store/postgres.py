"""The store for many workers: PostgreSQL 15 or newer, tenants apart by a second wall.

The tables belong to an owner role; the program runs as an application role that neither owns them
nor passes row-level security, and names its tenant in each transaction. Both are checked at opening.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar, cast

from hedgerow.adapters.store.postgres_link import Session, check_url
from hedgerow.adapters.store.postgres_shape import (
    SCHEMA,
    TENANTS,
    VERSIONS,
    check_guarded,
    shape_of,
    standing,
)
from hedgerow.adapters.store.postgres_view import PostgresView
from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.records import ALL_RECORDS, SCHEMA_VERSION

T = TypeVar("T")
_WAIT_S = 30.0
# What a connection says that was cut while it lay idle.
_STALE = ("store.unreachable", "store.closed")
_TENANT = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_NAME_TENANT = "SELECT pg_catalog.set_config('hedgerow.tenant', '{tenant}', true);"
# Whatever the role's settings say: names mean those of the server, and a commit waits for its own disk.
_NAMES = "SET LOCAL search_path = pg_catalog;"
_DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off';"
)


class PostgresStore:
    """One tenant's records in a database; a connection for each read and write that is under way.

    Args:
        url: ``postgresql://ROLE@HOST/DATABASE`` without a password.
        tenant: Whose records; made by ``create``.

    Raises:
        CallerError: ``store.url``, ``store.password-in-url``, ``store.not-set-up``, ``store.tenant-unknown``,
            ``space.newer-version``, ``store.older-schema``.
        Fault: ``extra.missing``, ``store.unreachable``, ``store.unguarded``, ``store.wall-down``.

    Guarantee: writes of all processes to a tenant are serialised by a lock of the server; the role
    is bound by row-level security, which shows a transaction no row of another tenant.
    """

    remnants = (
        "old rows in the files of the database server, its write-ahead log, replicas, archives and "
        "base backups"
    )

    def __init__(self, url: str, tenant: str) -> None:
        _check_tenant(tenant)
        check_url(url)
        self._url = url
        self._tenant = tenant
        self._local = threading.local()
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._idle: list[Session] = []
        self._is_closed = False
        named = _NAME_TENANT.format(tenant=tenant)
        self._begin_read = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;{_NAMES}{named}".encode()
        self._begin_write = _begin_write(tenant)
        session = Session(url)
        try:
            _check_standing(session)
            _check_schema(session)
            self._mark(session)
        except BaseException:
            session.close()
            raise
        self._idle.append(session)

    @classmethod
    def create(cls, url: str, tenant: str) -> PostgresStore:
        """Add a tenant to a database that was set up, and open its empty store.

        Args:
            url: An address of the database for the application role.
            tenant: 1 to 63 lower-case letters, digits, - and _, starting with a letter.

        Raises:
            CallerError: ``store.tenant-exists``, and as opening does.
            Fault: As opening does.
        """
        _check_tenant(tenant)
        check_url(url)
        session = Session(url)
        try:
            _check_standing(session)
            _check_schema(session)
            session.script(_begin_write(tenant))
            text = f"INSERT INTO {TENANTS} (tenant) VALUES (%b) ON CONFLICT DO NOTHING".encode()
            if session.run(text, (tenant,))[1] == 0:
                raise CallerError("store.tenant-exists", tenant=tenant)
            session.script(b"COMMIT")
        finally:
            session.close()
        return cls(url, tenant)

    @staticmethod
    def discard(url: str, tenant: str) -> None:
        """Take a tenant and all its records away, for one whose making failed half-way.

        Args:
            url: An address of the database for the application role.
            tenant: Whose records; one that is not there is no error.
        """
        _check_tenant(tenant)
        check_url(url)
        session = Session(url)
        try:
            _check_standing(session)
            _check_schema(session)
            session.script(_begin_write(tenant))
            for table in (*(shape_of(kind).table for kind in ALL_RECORDS), TENANTS):
                session.run(f"DELETE FROM {table} WHERE tenant = %b".encode(), (tenant,))
            session.script(b"COMMIT")
        finally:
            session.close()

    @staticmethod
    def check(url: str) -> None:
        """Make sure that stores can be opened and made in a database.

        Raises:
            CallerError: As opening does.
            Fault: As opening does.
        """
        check_url(url)
        session = Session(url)
        try:
            _check_standing(session)
            _check_schema(session)
        finally:
            session.close()

    @staticmethod
    def tenants(url: str) -> list[str]:
        """List the tenants of a database; none when it was not set up.

        Their names, and nothing else of them, can be seen without naming one.
        """
        check_url(url)
        session = Session(url)
        try:
            if not _is_set_up(session):
                return []
            rows, _ = session.run(f"SELECT tenant FROM {TENANTS} ORDER BY tenant".encode())
            return [cast("str", name) for (name,) in rows]
        finally:
            session.close()

    @staticmethod
    def set_up(url: str, application: str) -> None:
        """Make the tables, or bring those of an earlier schema forward, and let a role use them.

        Args:
            url: An address of the database for the role that shall own the tables.
            application: The role that stores are opened with; made when it is not there.

        Raises:
            CallerError: ``space.newer-version``, ``store.unfit``, ``store.url``, ``store.password-in-url``.
            Fault: ``store.unguarded`` or ``store.wall-down`` when that role would not be bound,
                ``store.denied`` when the owner may not make it.
        """
        from hedgerow.adapters.store.postgres_schema import set_up

        check_url(url)
        set_up(url, application)

    def _lend(self) -> tuple[Session, bool]:
        """Give a connection, and whether it was used before."""
        with self._guard:
            if self._is_closed:
                raise Fault("store.closed")
            if self._idle:
                return self._idle.pop(), True
        return Session(self._url), False

    def _give_back(self, session: Session) -> None:
        with self._guard:
            if session.is_idle and not self._is_closed:
                self._idle.append(session)
                return
        session.close()

    def _attempt(self, step: Callable[[Session], T]) -> tuple[Session, T]:
        """Take a first step over a connection; one that went stale while idle is replaced once."""
        session, was_used = self._lend()
        try:
            return session, step(session)
        except BaseException as error:
            session.close()
            if not was_used or getattr(error, "code", "") not in _STALE:
                raise
        session = Session(self._url)
        try:
            return session, step(session)
        except BaseException:
            session.close()
            raise

    def _begin(self, text: bytes) -> Session:
        return self._attempt(lambda session: session.script(text))[0]

    @contextmanager
    def read(self) -> Iterator[PostgresView]:
        """Open a consistent view; one opened inside another of the same thread is the same view."""
        view = getattr(self._local, "view", None)
        if view is not None:
            yield view
            return
        session = self._begin(self._begin_read)
        self._local.view = view = PostgresView(session, self._tenant)
        try:
            yield view
        finally:
            self._local.view = None
            self._end(session, b"COMMIT")

    def _end(self, session: Session, text: bytes) -> None:
        """End a transaction of which nothing is to be kept; a connection that cannot is closed."""
        with suppress(HedgerowError):
            session.script(text)
        self._give_back(session)

    @contextmanager
    def write(self) -> Iterator[PostgresView]:
        """Open a serialised transaction, durable when the context ends without an error."""
        if getattr(self._local, "is_writing", False):
            raise Fault("store.unreadable")
        if not self._turn.acquire(timeout=_WAIT_S):
            raise Fault("store.busy")
        try:
            self._local.is_writing = True
            with self._transaction() as view:
                yield view
        finally:
            self._local.is_writing = False
            self._turn.release()

    @contextmanager
    def _transaction(self) -> Iterator[PostgresView]:
        session = self._begin(self._begin_write)
        view = PostgresView(session, self._tenant)
        try:
            yield view
            self._commit(session, view)
        except BaseException:
            self._end(session, b"ROLLBACK")
            raise
        self._give_back(session)

    def _commit(self, session: Session, view: PostgresView) -> None:
        # The server answers the commit of a failed transaction with a quiet rollback.
        if session.has_failed:
            raise view.failure or Fault("store.unreadable")
        mark = f"UPDATE {TENANTS} SET mark = gen_random_uuid() WHERE tenant = '{self._tenant}';"
        session.script(f"{mark if view.has_changed else ''}COMMIT".encode())

    def stamp(self) -> object:
        """Tell the mark that every transaction with a change renews: random, so that a restore shows too."""
        session, mark = self._attempt(self._mark)
        self._give_back(session)
        return mark

    def _mark(self, session: Session) -> object:
        rows, _ = session.run(f"SELECT mark FROM {TENANTS} WHERE tenant = %b".encode(), (self._tenant,))
        if not rows:
            raise CallerError("store.tenant-unknown", tenant=self._tenant)
        return rows[0][0]

    def scrub(self) -> None:
        """Push changes out of the server's memory where the role may; removed bytes stay for a time.

        PostgreSQL keeps old rows in its files until vacuum has run and the page was used again, and in
        its write-ahead log, replicas and archives for as long as those are kept; no statement takes
        them out. That is what key epochs are for: once the master key of an epoch is destroyed, what
        lingers opens with no key. A role with ``pg_checkpoint`` makes a checkpoint, after which older
        log files may be reused; for any other this does nothing.
        """
        session, _ = self._attempt(_checkpoint)
        self._give_back(session)

    def close(self) -> None:
        """Close every connection; those in use as soon as they are given back."""
        with self._guard:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()


def _check_tenant(tenant: str) -> None:
    # It stands in the text of statements: nothing but such a name may.
    if not _TENANT.fullmatch(tenant):
        raise CallerError("name.malformed", what="tenant")


def _begin_write(tenant: str) -> bytes:
    """Give the statements that begin a write; the lock is taken before anything is read."""
    digest = hashlib.sha256(b"hedgerow tenant " + tenant.encode()).digest()
    lock = int.from_bytes(digest[:8], "big", signed=True)
    named = _NAME_TENANT.format(tenant=tenant)
    return (
        f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;{_NAMES}{_DURABLE}{named}"
        f"SET LOCAL lock_timeout = {round(_WAIT_S * 1000)};SELECT pg_advisory_xact_lock({lock})"
    ).encode()


def _checkpoint(session: Session) -> None:
    if session.run(b"SELECT pg_catalog.pg_has_role('pg_checkpoint', 'USAGE')")[0][0][0]:
        session.script(b"CHECKPOINT")


def _is_set_up(session: Session) -> bool:
    return session.run(f"SELECT to_regclass('{SCHEMA}.{VERSIONS}') IS NOT NULL".encode())[0][0][0] is True


def _check_schema(session: Session) -> None:
    rows, _ = session.run(f'SELECT version_num FROM "{SCHEMA}".{VERSIONS}'.encode())
    found = int(cast("str", rows[0][0])) if rows else 0
    if found > SCHEMA_VERSION:
        raise CallerError("space.newer-version", found=found, known=SCHEMA_VERSION)
    if found < SCHEMA_VERSION:
        raise CallerError("store.older-schema", found=found, known=SCHEMA_VERSION)


def _check_standing(session: Session) -> None:
    """Refuse a role that row-level security does not bind, and tables without it."""
    if not _is_set_up(session):
        raise CallerError("store.not-set-up")
    # No function of the owner answers in the place of the server's, whatever the database is set to.
    session.script(b"SET search_path = pg_catalog")
    check_guarded(session.run(standing("session_user").encode())[0][0])
