"""Where a workspace is: a directory, or a database of PostgreSQL and the directory of its files.

The directory of a workspace in a database holds the key file and the table files; all processes share it.
It names its tenant in the file ``tenant``, the tenant's settings name the directory, and both must agree.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.ports import Store
from hedgerow.model.records import Setting

if TYPE_CHECKING:
    from hedgerow.adapters.store.postgres import PostgresStore

DATABASE, TABLES, TENANT, SCRATCH = "hedgerow.db", "tables", "tenant", "scratch"
FILES_VARIABLE = "HEDGEROW_FILES"
_FILES = "files"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}\n?")
_LONGEST_NAME = 64

Where = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Found:
    """A workspace that was found, its records open and its keys not.

    Args:
        directory: Where its key file and table files lie.
        store: Its records.
        tenant: What the database calls it; none in a directory of its own.
    """

    directory: Path = field(repr=False)
    store: Store = field(repr=False)
    tenant: str | None


def is_address(where: Where) -> bool:
    """Tell the address of a database from the path of a directory."""
    return isinstance(where, str) and "://" in where


def find(where: Where, *, sync: bool = True) -> Found:
    """Find a workspace and open its records.

    Args:
        where: Its directory, or ``postgresql://ROLE@HOST/DATABASE``, with ``#TENANT`` at its end where the
            database holds several.
        sync: Whether SQLite forces writes to the disk.

    Raises:
        CallerError: ``space.*`` or ``store.*``; nothing was changed.
        Fault: When it cannot be read.
    """
    if is_address(where):
        return _in_database(str(where))
    directory = Path(where)
    check_records(directory)
    return Found(directory, SqliteStore(directory / DATABASE, durable=sync), None)


def check_records(directory: Path) -> None:
    """Make sure that a directory holds the records of a workspace, and that they may be read.

    Raises:
        CallerError: ``space.missing``, ``space.in-database`` or ``space.records-gone``.
        Fault: ``store.closed-off``.
    """
    from hedgerow.app.keyplaces import KEYS, TOKEN

    path = directory / DATABASE
    try:
        if path.is_file():
            if not os.access(path, os.R_OK):
                raise Fault("store.closed-off", path=path)
            return
        left = any((directory / name).is_file() for name in (KEYS, TOKEN))
    except PermissionError:
        raise Fault("store.closed-off", path=directory) from None
    if marked(directory) is not None:
        raise CallerError("space.in-database", space=directory)
    raise CallerError("space.records-gone" if left else "space.missing", space=directory)


def _in_database(address: str) -> Found:
    url, named = split(address)
    from hedgerow.adapters.store.postgres import PostgresStore

    given = os.environ.get(FILES_VARIABLE)
    by_files = marked(Path(given)) if given else None
    tenant = named or by_files or _only(url, given)
    store = PostgresStore(url, tenant)
    try:
        return Found(_directory(store, tenant, given), store, tenant)
    except BaseException:
        store.close()
        raise


def split(address: str) -> tuple[str, str]:
    """Take the tenant's name off an address of a database.

    Returns:
        The address for the driver, and the tenant; empty where none is named.

    Raises:
        CallerError: ``store.url``, ``store.password-in-url``.
        Fault: ``extra.missing``.
    """
    from hedgerow.adapters.store.postgres_link import check_url

    url, _, named = address.partition("#")
    check_url(url)
    return url, named


def _only(url: str, files: str | None) -> str:
    """Take the one tenant of a database.

    Raises:
        CallerError: ``store.not-set-up``, ``space.none-in-database`` or ``space.several``;
            ``space.files-missing`` where the files that would tell which are not there.
    """
    from hedgerow.adapters.store.postgres import PostgresStore

    PostgresStore.check(url)
    names = PostgresStore.tenants(url)
    if len(names) > 1:
        names = [name for name in names if _is_whole(url, name)]
    if not names:
        raise CallerError("space.none-in-database")
    if len(names) > 1 and files and not Path(files).is_dir():
        raise CallerError("space.files-missing", files=files)
    if len(names) > 1:
        raise CallerError("space.several", names=", ".join(names), first=names[0])
    return names[0]


def _is_whole(url: str, tenant: str) -> bool:
    from hedgerow.adapters.store.postgres import PostgresStore

    store = PostgresStore(url, tenant)
    try:
        with store.read() as reader:
            return reader.get(Setting, _FILES) is not None
    finally:
        store.close()


def _directory(store: PostgresStore, tenant: str, given: str | None) -> Path:
    """Find the directory of a tenant's files and make sure that both mean each other."""
    with store.read() as reader:
        own, files = reader.get(Setting, "tenant"), reader.get(Setting, _FILES)
    if own is not None and own.value != tenant:
        # Whole tables were copied over from another tenant.
        raise Fault("space.foreign-records", tenant=tenant)
    if own is None or (files is None and given is None):
        raise CallerError("space.unfinished-in-database", tenant=tenant)
    directory = Path(given) if given else Path(files.value if files else "")
    if not directory.is_dir():
        raise CallerError("space.files-missing", files=directory)
    if marked(directory) != tenant:
        raise CallerError("space.files-foreign", files=directory, tenant=tenant)
    return directory


def marked(directory: Path) -> str | None:
    """Read which tenant's files lie in a directory; none where it does not say."""
    try:
        with (directory / TENANT).open(encoding="ascii") as stream:
            text = stream.read(_LONGEST_NAME + 1)
    except (OSError, UnicodeDecodeError):
        return None
    return text.removesuffix("\n") if _NAME.fullmatch(text) else None


def mark(directory: Path, tenant: str) -> None:
    """Say in a directory whose files lie there; durable once the directory itself is synced."""
    handle = os.open(directory / TENANT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(f"{tenant}\n")
        stream.flush()
        os.fsync(stream.fileno())


def declare(store: Store, directory: Path) -> None:
    """Write down where the files lie, as the last part of making a workspace in a database."""
    with store.write() as tx:
        tx.put(Setting(_FILES, str(directory)))
