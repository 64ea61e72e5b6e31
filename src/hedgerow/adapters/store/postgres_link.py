"""A connection to PostgreSQL: addresses without secrets, and errors without the server's words.

The server's messages quote values of rows, so none of them is ever passed on: each error becomes
one of the store's own, raised where the original is no longer in reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hedgerow.adapters.store.postgres_arrays import register
from hedgerow.model.errors import CallerError, Fault, HedgerowError

if TYPE_CHECKING:
    import psycopg

Row = tuple[object, ...]
OLDEST_SERVER = 150000
_SCHEMES = ("postgresql", "postgres")
_CONNECT_S = 10
_BY_STATE = {
    "25006": "store.read-only",
    "40001": "store.busy",
    "40P01": "store.busy",
    "42501": "store.denied",
    "53100": "store.full",
    "55P03": "store.busy",
    "57014": "store.busy",
}
# Connection exceptions, too little of something, ended by an operator.
_UNREACHABLE = ("08", "28", "53", "57P")
_UNIQUE = "23505"


def driver() -> ModuleType:
    """Import psycopg.

    Raises:
        Fault: ``extra.missing`` (exit 7) without the extra.
    """
    try:
        return import_module("psycopg")
    except ImportError:
        raise Fault("extra.missing", what="PostgreSQL", extra="postgres") from None


def check_url(url: str) -> None:
    """Refuse what is no address of PostgreSQL, and any secret in one.

    Args:
        url: ``postgresql://ROLE@HOST/DATABASE``, with options of libpq after a question mark.

    Raises:
        CallerError: ``store.url`` or ``store.password-in-url``; the address is in neither.
        Fault: ``extra.missing``.
    """
    try:
        parts = urlsplit(url)
        is_secret = parts.password is not None
    except ValueError:
        raise CallerError("store.url") from None
    if parts.scheme not in _SCHEMES:
        raise CallerError("store.url")
    if is_secret:
        raise CallerError("store.password-in-url")
    psycopg = driver()
    try:
        options = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise CallerError("store.url") from None
    if {"password", "sslpassword"} & set(options):
        raise CallerError("store.password-in-url")


def error_of(error: Exception, table: str) -> HedgerowError:
    """Say in the store's words what psycopg said.

    Args:
        error: What psycopg raised; only its kind and code are read.
        table: The table at hand, for a conflict.
    """
    psycopg = driver()
    state = getattr(error, "sqlstate", None) or ""
    if state == _UNIQUE:
        return Fault("store.conflict", table=table)
    if state in _BY_STATE:
        return Fault(_BY_STATE[state])
    if state.startswith(_UNREACHABLE) or (isinstance(error, psycopg.OperationalError) and not state):
        return Fault("store.unreachable")
    if isinstance(error, psycopg.InterfaceError):
        return Fault("store.closed")
    return Fault("store.unreadable")


def connect(url: str, *, autocommit: bool) -> psycopg.Connection[Row]:
    """Open a connection.

    Raises:
        Fault: ``store.unreachable``, or ``store.not-let-in`` where the server answers.
        CallerError: ``store.unfit`` for a server or an encoding that will not do.
    """
    driver()
    import psycopg
    from psycopg.types.numeric import Int8BinaryDumper

    failure: HedgerowError
    try:
        connection = psycopg.connect(
            url,
            autocommit=autocommit,
            client_encoding="UTF8",
            connect_timeout=_CONNECT_S,
            fallback_application_name="hedgerow",
        )
    except psycopg.Error as error:
        failure = error_of(error, "")
        if failure.code == "store.unreachable" and _answers(url):
            failure = Fault("store.not-let-in")
    else:
        try:
            _check_server(connection)
        except BaseException:
            connection.close()
            raise
        # One width for every integer: one prepared statement instead of one for each width.
        connection.adapters.register_dumper(int, Int8BinaryDumper)
        register(connection)
        return connection
    raise failure


def _answers(url: str) -> bool:
    """Tell whether a server takes connections there, whoever asks; the driver has no code for who may not."""
    from psycopg import pq

    options = f"{url}{'&' if '?' in url else '?'}connect_timeout={_CONNECT_S}"
    return bool(pq.PGconn.ping(options.encode()) == pq.Ping.OK)


def _check_server(connection: psycopg.Connection[Row]) -> None:
    """Refuse a server that is too old or a database that does not keep Unicode."""
    version = connection.info.server_version
    if version < OLDEST_SERVER:
        raise CallerError("store.unfit", why=f"the server is PostgreSQL {version // 10000}")
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise CallerError("store.unfit", why=f"its encoding is {encoding}")


class Session:
    """One connection in autocommit; transactions begin and end by statements.

    Args:
        url: An address that was checked.

    Raises:
        Fault: ``store.unreachable``.
        CallerError: ``store.unfit``.
    """

    def __init__(self, url: str) -> None:
        self._driver = driver()
        self._connection = connect(url, autocommit=True)

    def run(self, text: bytes, values: Sequence[object] = (), *, table: str = "") -> tuple[list[Row], int]:
        """Run one statement with bound values; answer its rows and how many it touched."""
        failure: HedgerowError
        try:
            cursor = self._connection.execute(text, values, binary=True)
            return (cursor.fetchall() if cursor.description else []), cursor.rowcount
        except self._driver.Error as error:
            failure = error_of(error, table)
        raise failure

    def script(self, text: bytes) -> None:
        """Run several statements without values in one round trip."""
        failure: HedgerowError
        try:
            self._connection.execute(text)
        except self._driver.Error as error:
            failure = error_of(error, "")
        else:
            return
        raise failure

    @property
    def is_idle(self) -> bool:
        """Whether it is in working order and outside a transaction."""
        idle = self._driver.pq.TransactionStatus.IDLE
        return not self._connection.closed and self._connection.info.transaction_status == idle

    @property
    def has_failed(self) -> bool:
        """Whether a statement failed, so that the transaction can only be undone."""
        failed = self._driver.pq.TransactionStatus.INERROR
        return bool(self._connection.info.transaction_status == failed)

    def close(self) -> None:
        """Close the connection; what was not committed is undone by the server."""
        self._connection.close()
