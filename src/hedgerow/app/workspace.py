"""A workspace on disk: where its parts lie, how it is made and opened."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import resources
from pathlib import Path

from hedgerow.adapters.files import DirectoryShelf, MemoryShelf
from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.app.clock import SystemClock
from hedgerow.app.deferred import deferred
from hedgerow.app.keyplaces import KEYS, TOKEN, Place, Secrets, make, open_keys
from hedgerow.app.wiring import Spine, wire
from hedgerow.kernel.envelope import new_key
from hedgerow.model.canonical import digest, timestamp
from hedgerow.model.engine import Engine, Shelf
from hedgerow.model.errors import CallerError, HedgerowError
from hedgerow.model.keys import KeyBackend
from hedgerow.model.ports import Clock, Store
from hedgerow.model.records import Allocation, PolicyText, Principal, Setting, WrappedSecret
from hedgerow.model.uses import Actor, Json
from hedgerow.model.words import Role
from hedgerow.spine.attest import new_attestation_key
from hedgerow.spine.facts import OWNER
from hedgerow.spine.keyring import secret_key
from hedgerow.spine.ledger import DEFAULT_POPULATION_EPSILON, POPULATION

DATABASE, TABLES = "hedgerow.db", "tables"
PASSPHRASE_VARIABLE, SPACE_VARIABLE = "HEDGEROW_PASSPHRASE", "HEDGEROW_SPACE"


@dataclass(frozen=True, slots=True)
class Durability:
    """Whether writes are forced to the disk; off only in the crash test that shows why."""

    sync: bool = True


def create(
    directory: Path, passphrase: str | None, *, clock: Clock | None = None, keys: Place | None = None
) -> None:
    """Make a workspace.

    Args:
        directory: A directory that does not exist yet or is empty.
        passphrase: What seals the key file, or none for an unsealed one.
        clock: The time; the system's when not given.
        keys: Where the keys are kept; in a key file under the passphrase when not given.

    Raises:
        CallerError: ``space.exists`` or ``space.not-empty``, or ``keys.*``; nothing is written then.
    """
    directory = directory.resolve()
    made = not directory.exists()
    if (directory / DATABASE).exists():
        raise CallerError("space.exists", space=directory)
    if not made and (not directory.is_dir() or any(directory.iterdir())):
        raise CallerError(_why_not_empty(directory), space=directory)
    changed = [directory, *_up_to_existing(directory)]
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
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
        # Last under its own name: a workspace without its database is none.
        store = SqliteStore(directory / (DATABASE + ".new"), create=True)
        populate(store, backend, clock or SystemClock(), tenant=tenant)
        store.scrub()
        store.close()
        (directory / (DATABASE + ".new")).rename(directory / DATABASE)
        for folder in changed:
            _settle(folder)
    except BaseException:
        with suppress(HedgerowError):
            backend.retire()
        for part in directory.iterdir():
            shutil.rmtree(part, ignore_errors=True) if part.is_dir() else part.unlink(missing_ok=True)
        if made:
            directory.rmdir()
        raise


def _why_not_empty(directory: Path) -> str:
    """Tell an init that was cut off, which left nothing but its own parts, from a directory in use."""
    left = {path.name for path in directory.iterdir()} if directory.is_dir() else {""}
    own = {KEYS, TOKEN, TABLES, *(DATABASE + ".new" + end for end in ("", "-wal", "-shm"))}
    return "space.unfinished" if left <= own else "space.not-empty"


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


def _exact(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def default_policies() -> str:
    """Read the policies a new workspace starts with."""
    return resources.files("hedgerow.app").joinpath("policies/default.cedar").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Opened:
    """An open workspace.

    Args:
        directory: Where it lies.
        store: Its records.
        spine: The rooms, wired.
        warnings: What the operator should know, in plain words.
    """

    directory: Path = field(repr=False)
    store: SqliteStore
    spine: Spine
    warnings: tuple[str, ...]


def open_(
    directory: Path,
    passphrase: Callable[[bool], str | None],
    *,
    clock: Clock | None = None,
    durability: Durability | None = None,
    new_passphrase: Callable[[bool], str | None] = lambda _: None,
) -> Opened:
    """Open a workspace.

    Args:
        directory: Where it lies.
        passphrase: Told whether the key file is sealed; gives the PIN where the keys are in a token.
            A passphrase given for an unsealed file is refused by the backend: somebody may have put
            that file there.
        clock: The time; the system's when not given.
        durability: Whether writes are forced to the disk.
        new_passphrase: As ``passphrase``, for the place that a move of the keys was cut off to.

    Raises:
        CallerError: ``space.missing``, ``space.newer-version``, ``keys.*``.
        Fault: When it cannot be read.
    """
    database, sync = directory / DATABASE, (durability or Durability()).sync
    if not database.is_file():
        raise CallerError("space.missing", space=directory)
    store = SqliteStore(database, durable=sync)
    try:
        backend, unused = open_keys(directory, store, Secrets(passphrase, new_passphrase))
        shelf = DirectoryShelf(directory / TABLES, sync=sync)
        spine = wire(store, backend, _engine(shelf), shelf, clock or SystemClock())
    except BaseException:
        store.close()
        raise
    return Opened(directory, store, spine, (*backend.warnings, *unused))
