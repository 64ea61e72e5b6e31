"""A workspace on disk: where its parts lie, how it is made and opened."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from hedgerow.adapters.files import DirectoryShelf, MemoryShelf
from hedgerow.adapters.keys.moving import House
from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.app.builtin import default_policies
from hedgerow.app.clock import SystemClock
from hedgerow.app.deferred import deferred
from hedgerow.app.keyplaces import KEYS, TOKEN, Place, Secrets, make, open_keys
from hedgerow.app.places import DATABASE, SCRATCH, TABLES, TENANT, Found, Where, declare, find, mark, split
from hedgerow.app.wiring import Spine, wire
from hedgerow.kernel.envelope import new_key
from hedgerow.model.canonical import digest, timestamp
from hedgerow.model.engine import Engine, ScanningEngine, Shelf
from hedgerow.model.errors import CallerError, HedgerowError
from hedgerow.model.keys import KeyBackend
from hedgerow.model.ports import Clock, Store
from hedgerow.model.records import (
    SCHEMA_VERSION,
    Allocation,
    PolicyText,
    Principal,
    Setting,
    WrappedSecret,
)
from hedgerow.model.uses import Actor, Json
from hedgerow.model.words import Role
from hedgerow.spine.attest import new_attestation_key
from hedgerow.spine.balance import POPULATION
from hedgerow.spine.facts import OWNER
from hedgerow.spine.keyring import secret_key
from hedgerow.spine.ledger import DEFAULT_POPULATION_EPSILON

PASSPHRASE_VARIABLE, SPACE_VARIABLE = "HEDGEROW_PASSPHRASE", "HEDGEROW_SPACE"
_SCHEMA = "schema"


@dataclass(frozen=True, slots=True)
class Durability:
    """Whether writes are forced to the disk; off only in the crash test that shows why."""

    sync: bool = True


def create(
    directory: Path,
    passphrase: str | None,
    *,
    clock: Clock | None = None,
    keys: Place | None = None,
    database: str | None = None,
) -> str:
    """Make a workspace.

    Args:
        directory: A directory that does not exist yet or is empty.
        passphrase: What seals the key file, or none for an unsealed one.
        clock: The time; the system's when not given.
        keys: Where the keys are kept; in a key file under the passphrase when not given.
        database: The address of the database of PostgreSQL that shall hold the records; a file in the
            directory does when not given.

    Returns:
        What names the workspace: its directory, or the address with the tenant's name at its end.

    Raises:
        CallerError: As ``check_free``, or ``keys.*``; nothing is written then.
    """
    directory = directory.resolve()
    check_free(directory, is_files=database is not None)
    made = not directory.exists()
    url = None if database is None else _reached(database)
    changed = [directory, *_up_to_existing(directory)]
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    except OSError:
        raise CallerError("out.unwritable", out=directory) from None
    tenant = "w-" + secrets.token_hex(8)
    try:
        # The key file is made exclusively: whoever makes it owns the rest, and only that is undone.
        backend = make(keys or Place("file", secret=lambda: passphrase), directory, tenant)
    except BaseException:
        if made:
            with suppress(OSError):
                directory.rmdir()
        raise
    try:
        DirectoryShelf(directory / TABLES)
        if url is None:
            _create_beside(directory, tenant, backend, clock or SystemClock())
        else:
            mark(directory, tenant)
        for folder in changed:
            _settle(folder)
        if url is not None:
            _create_in(url, directory, tenant, backend, clock or SystemClock())
    except BaseException:
        _undo(directory, backend, made=made)
        raise
    return str(directory) if url is None else f"{url}#{tenant}"


def _reached(database: str) -> str:
    """Make sure of a database before anything is made, and give its address."""
    url, named = split(database)
    if named:
        raise CallerError("space.tenant-named")
    from hedgerow.adapters.store.postgres import PostgresStore

    PostgresStore.check(url)
    return url


def _undo(directory: Path, backend: House, *, made: bool) -> None:
    """Take away what an init that failed has made."""
    with suppress(HedgerowError):
        backend.retire()
    for part in directory.iterdir():
        shutil.rmtree(part, ignore_errors=True) if part.is_dir() else part.unlink(missing_ok=True)
    if made:
        directory.rmdir()


def _create_beside(directory: Path, tenant: str, backend: KeyBackend, clock: Clock) -> None:
    """Make the records in a file; last under its own name: a workspace without its database is none."""
    store = SqliteStore(directory / (DATABASE + ".new"), create=True)
    populate(store, backend, clock, tenant=tenant)
    store.scrub()
    store.close()
    (directory / (DATABASE + ".new")).rename(directory / DATABASE)


def _create_in(url: str, directory: Path, tenant: str, backend: KeyBackend, clock: Clock) -> None:
    """Make the records of a new workspace in a database; what fails leaves none there."""
    from hedgerow.adapters.store.postgres import PostgresStore

    store = PostgresStore.create(url, tenant)
    try:
        populate(store, backend, clock, tenant=tenant)
        declare(store, directory)
    except BaseException:
        PostgresStore.discard(url, tenant)
        raise
    finally:
        store.close()


def check_free(directory: Path, *, is_files: bool) -> None:
    """Refuse a directory that no workspace can be made in, saying what it seems to be.

    Args:
        directory: Where it shall be made.
        is_files: Whether its files alone shall lie there, its records in a database.

    Raises:
        CallerError: ``space.exists``, ``space.in-database``, ``space.keys-stand``, ``space.unfinished`` or
            ``space.not-empty``.
    """
    if (directory / DATABASE).exists():
        raise CallerError("space.exists", space=directory)
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return
    url = "postgresql://ROLE@HOST/DATABASE --files "
    again = f"hedgerow init {url if is_files else ''}DIR"
    raise CallerError(_why_not_empty(directory), space=directory, again=again)


def _why_not_empty(directory: Path) -> str:
    """Tell files of a workspace in a database, keys in use, and an init that was cut off from other files."""
    left = {path.name for path in directory.iterdir()} if directory.is_dir() else {""}
    if TENANT in left:
        return "space.in-database"
    if not left & {KEYS, TOKEN}:
        return "space.not-empty"
    own = {KEYS, TOKEN, TABLES, *(DATABASE + ".new" + end for end in ("", "-wal", "-shm"))}
    has_tables = TABLES in left and any((directory / TABLES).iterdir())
    return "space.unfinished" if left <= own and not has_tables else "space.keys-stand"


def _up_to_existing(directory: Path) -> list[Path]:
    """List the folders above that get a new entry: all that are made, and the one they are made in."""
    above = list(directory.absolute().parents)
    return above[: next(place for place, folder in enumerate(above) if folder.exists()) + 1]


def _settle(folder: Path) -> None:
    """Force a folder's names to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def populate(store: Store, backend: KeyBackend, clock: Clock, *, tenant: str | None = None) -> None:
    """Write what every new workspace starts with.

    Args:
        store: An empty store.
        backend: Wraps the workspace's secrets.
        clock: The time.
        tenant: The workspace's id; random when not given.
    """
    tenant = tenant or "w-" + secrets.token_hex(8)
    now = timestamp(clock.now())
    epsilon = DEFAULT_POPULATION_EPSILON
    with store.write() as tx:
        tx.put(Setting("tenant", tenant))
        tx.put(Setting("created", now))
        tx.put(Setting(_SCHEMA, str(SCHEMA_VERSION)))
        for name, secret in (("index-key", new_key()), ("journal-key", new_attestation_key())):
            tx.put(WrappedSecret(name, backend.wrap(secret, secret_key(tenant, name))))
        roles = ",".join(sorted([OWNER, *(role.value for role in Role)]))
        tx.put(Principal(OWNER, roles, now))
        tx.put(PolicyText(1, default_policies(), OWNER, now))
        tx.put(Allocation(*POPULATION, _exact(epsilon), OWNER, now))
    shelf = MemoryShelf()
    spine = wire(store, backend, _engine(shelf), shelf, clock)
    with store.write() as tx:
        facts: dict[str, Json] = {
            "fingerprint": spine.attestor.fingerprint,
            "population_epsilon": _exact(epsilon),
            "policy": digest(default_policies()),
            "owner": OWNER,
            "roles": roles.split(","),
        }
        spine.journal.append(tx, "space.init", Actor(OWNER, OWNER), facts)


def _engine(shelf: Shelf) -> Engine:
    def build() -> Engine:
        from hedgerow.adapters.engines import DuckEngine

        return DuckEngine(shelf)

    return deferred(build)


def _spark(shelf: Shelf, scratch: Path) -> ScanningEngine:
    def build() -> ScanningEngine:
        from hedgerow.adapters.engines.spark import SparkEngine

        return SparkEngine(shelf, scratch)

    return deferred(build)


def _exact(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


@dataclass(frozen=True, slots=True)
class Opened:
    """An open workspace.

    Args:
        directory: Where its files lie.
        store: Its records.
        spine: The rooms, wired.
        warnings: What the operator should know, in plain words.
    """

    directory: Path = field(repr=False)
    store: Store
    spine: Spine
    warnings: tuple[str, ...]


def open_(
    where: Where | Found,
    passphrase: Callable[[bool], str | None],
    *,
    clock: Clock | None = None,
    durability: Durability | None = None,
    new_passphrase: Callable[[bool], str | None] = lambda _: None,
    is_restoring: bool = False,
) -> Opened:
    """Open a workspace.

    Args:
        where: Its directory, the address of its database, or what ``find`` found.
        passphrase: Told whether the key file is sealed; gives the PIN where the keys are in a token.
            A passphrase given for an unsealed file is refused by the backend: somebody may have put
            that file there.
        clock: The time; the system's when not given.
        durability: Whether writes are forced to the disk.
        new_passphrase: As ``passphrase``, for the place that a move of the keys was cut off to.
        is_restoring: Whether nothing of it was checked yet: nothing is written then, inside or outside.

    Raises:
        CallerError: ``space.missing``, ``space.newer-version``, ``keys.*``.
        Fault: When it cannot be read.
    """
    sync = (durability or Durability()).sync
    found = where if isinstance(where, Found) else find(where, sync=sync)
    store = found.store
    try:
        backend, unused = open_keys(found.directory, store, Secrets(passphrase, new_passphrase))
        shelf = DirectoryShelf(found.directory / TABLES, sync=sync)
        spine = wire(store, backend, _engine(shelf), shelf, clock or SystemClock())
        spine.tables.compute_by("spark", _spark(shelf, found.directory / SCRATCH))
        if is_restoring:
            # Of a refusal too, which the journal keeps, no witness of the original hears.
            spine.witnesses.hold_back()
        else:
            note_schema(spine)
            # Whoever was cut off between a commit and its witnesses left them behind.
            spine.witnesses.follow()
    except BaseException:
        store.close()
        raise
    return Opened(found.directory, store, spine, (*backend.warnings, *unused, *spine.witnesses.warnings()))


def note_schema(spine: Spine) -> None:
    """Say in the journal that the records were brought forward, when they are first opened after it.

    Args:
        spine: The wired rooms.
    """
    with spine.store.read() as reader:
        told = reader.get(Setting, _SCHEMA)
    # Schema 1 did not say so.
    before = int(told.value) if told is not None else 1
    if before == SCHEMA_VERSION:
        return
    with spine.store.write() as tx:
        if tx.get(Setting, _SCHEMA) == told:
            facts: dict[str, Json] = {"from": before, "to": SCHEMA_VERSION}
            spine.journal.append(tx, "space.upgrade", Actor(OWNER, OWNER), facts)
            tx.put(Setting(_SCHEMA, str(SCHEMA_VERSION)))
