"""Restoring a workspace: built aside, checked, erasures repeated, spending charged, and only then named."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from hedgerow.adapters.keys import durable
from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.app.backup.folder import (
    ERASURES,
    KEEPER,
    TABLES,
    BoundedSink,
    HashingSink,
    read_small,
    settle,
)
from hedgerow.app.backup.making import KEEPER_LABEL, LABELS
from hedgerow.app.backup.manifest import Manifest, check_signature, choose
from hedgerow.app.backup.staging import staged
from hedgerow.app.keyplaces import KEYS, TOKEN
from hedgerow.app.outside import read_outside
from hedgerow.app.places import DATABASE, Found, declare, mark, split
from hedgerow.app.workspace import Opened, note_schema, open_
from hedgerow.kernel.hybrid import Opener, open_stream
from hedgerow.kernel.merkle import open_document
from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.ports import Clock, Store
from hedgerow.model.records import Dataset, Record, Setting, Witness
from hedgerow.model.uses import Actor, Json
from hedgerow.spine.backup import DATA_KINDS, KEY_KINDS, ErasureList, Listed, about
from hedgerow.spine.outside import OutsideHead
from hedgerow.spine.recordstream import RecordStream

FILES_SETTING = "files"
_PIECE_BYTES = 1 << 20
_KEEPERS = {KEYS: KEYS, TOKEN: TOKEN}
_KEEPER_BYTES = 3 << 19
_NOT_AS_WRITTEN = (
    "sealed.not-one",
    "sealed.header-damaged",
    "sealed.changed",
    "sealed.truncated",
    "sealed.appended",
)
Ask = Callable[[bool], str | None]
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What shall be restored, to where, and what is known of the time after the backup.

    Args:
        source: The folder of the data set.
        target: The workspace to be; nothing may be there.
        identity: Opens what was sealed.
        passphrase: That of the key file, or the token's PIN; told whether one is needed.
        keys_source: The folder of the key set; ``keys`` in the source when none.
        backup: Which backup; the newest when none.
        erasures: Further lists of erasures.
        nobody_since: An officer's statement that nobody was erased after what the lists know.
        head: The head kept outside.
        trust: The fingerprint of the journal's key, as ``init`` printed it.
        is_thorough: Open every page and every field.
        database: The address of the database of PostgreSQL that shall hold the records; a file in the
            target does when none.
    """

    source: Path
    target: Path
    identity: Opener = field(repr=False)
    passphrase: Ask = field(repr=False)
    keys_source: Path | None = None
    backup: str | None = None
    erasures: tuple[Path, ...] = ()
    nobody_since: str | None = None
    head: Path | None = None
    trust: str | None = None
    is_thorough: bool = False
    database: str | None = None


def restore(wish: Wish, actor: Actor, progress: Told, *, clock: Clock | None = None) -> dict[str, Json]:
    """Restore a workspace from a backup.

    Args:
        wish: What, to where, and with what knowledge.
        actor: Who restores, by the policies in the backup.
        progress: Told each step.
        clock: The time; the system's when not given.

    Returns:
        ``backup``, ``made``, ``entries``, ``checks``, ``repeated``, ``erasures_known_until``, ``spending``
        and ``charged``.

    Raises:
        CallerError: ``backup.*``, ``restore.*``, ``sealed.*`` or ``keys.*``; nothing is left behind.
        Refused: By a policy in the backup.
        Fault: As above, ``journal.*``, ``ledger.*`` or ``records.differ``; nothing is left behind.
    """
    manifest = choose(wish.source, wish.backup)
    check_signature(manifest, wish.trust)
    with staged(wish.target) as staging:
        progress("opening the key set")
        _key_file(wish, staging)
        with _records(wish, manifest, staging) as store:
            _lay_out(wish, manifest, staging, store, progress)
            opened = _opened(wish, manifest, Found(staging, store, None), clock)
            done = _settled(wish, manifest, opened, actor, progress)
            store.scrub()
            if wish.database is None:
                store.close()
            _named(staging, wish.target)
            if wish.database is not None:
                declare(store, wish.target.resolve())
    return done


@contextmanager
def _records(wish: Wish, manifest: Manifest, staging: Path) -> Iterator[Store]:
    """Give an empty store for the records; whatever ends badly leaves none in a database."""
    if wish.database is None:
        store: Store = SqliteStore(staging / DATABASE, create=True, durable=False)
        try:
            yield store
        finally:
            store.close()
        return
    from hedgerow.adapters.store.postgres import PostgresStore

    tenant, (url, named) = str(manifest.told["tenant"]), split(wish.database)
    if named:
        raise CallerError("space.tenant-named")
    PostgresStore.check(url)
    mark(staging, tenant)
    store = PostgresStore.create(url, tenant)
    try:
        yield store
    except BaseException:
        PostgresStore.discard(url, tenant)
        raise
    finally:
        store.close()


def _named(staging: Path, target: Path) -> None:
    """Give what was built its name, once all of it is on the disk."""
    _forced(staging)
    try:
        staging.rename(target)
    except OSError:
        raise CallerError("restore.target", space=target) from None
    settle(target.parent)


def _lay_out(wish: Wish, manifest: Manifest, staging: Path, store: Store, progress: Told) -> None:
    """Write records and table files as the backup holds them."""
    tenant, keys_source = str(manifest.told["tenant"]), _keys_source(wish)
    for part, folder, kinds in (("keys", keys_source, KEY_KINDS), ("data", wish.source, DATA_KINDS)):
        progress(f"reading the {part} set")
        _load(wish, manifest, store, folder, part, kinds, tenant)
    with store.write() as tx:
        tx.remove(Setting, name=FILES_SETTING)  # where the files of a workspace in a database lay
    store.scrub()
    tables = staging / TABLES
    tables.mkdir(mode=0o700)
    names = [name for name in manifest.files if name.startswith(TABLES + "/")]
    for place, name in enumerate(names, 1):
        progress(f"table file {place} of {len(names)}")
        _copy(manifest, wish.source, name, tables)


def _keys_source(wish: Wish) -> Path:
    return wish.keys_source or wish.source / "keys"


def _key_file(wish: Wish, staging: Path) -> None:
    folder = _keys_source(wish)
    content = BoundedSink(_KEEPER_BYTES)
    try:
        with (folder / KEEPER).open("rb") as sealed:
            open_stream(sealed, cast("BinaryIO", content), wish.identity, label=KEEPER_LABEL)
        told = json.loads(content.content())
        name, raw = _KEEPERS[told["name"]], base64.b64decode(told["content"], validate=True)
    except OSError:
        raise CallerError("backup.keys-missing", path=folder) from None
    except (HedgerowError, ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, HedgerowError) and error.code not in _NOT_AS_WRITTEN:
            raise
        raise Fault("backup.damaged", part=folder / KEEPER) from None
    durable.write_new(staging / name, raw)


class _HashingSource(io.RawIOBase):
    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source, self._hash, self.size = source, hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(size)
        self._hash.update(piece)
        self.size += len(piece)
        return piece

    def told(self) -> tuple[int, str]:
        return self.size, self._hash.hexdigest()


def _load(
    wish: Wish,
    manifest: Manifest,
    store: Store,
    folder: Path,
    part: str,
    kinds: Sequence[type[Record]],
    tenant: str,
) -> None:
    name = f"{part}-{manifest.backup}.sealed"

    def take(records: list[Record]) -> None:
        try:
            with store.write() as tx:
                tx.add(records)
        except (ValueError, OverflowError):
            raise Fault("backup.damaged", part=part) from None
        except Fault as error:
            if error.code != "store.conflict":
                raise
            raise Fault("backup.damaged", part=part) from None

    stream = RecordStream(about(tenant, manifest.backup, part), kinds, take)
    try:
        handle = (folder / name).open("rb")
    except OSError:
        if part == "keys":
            raise CallerError("backup.keys-missing", path=folder) from None
        raise Fault("backup.unreadable", path=name) from None
    with handle:
        # Twice: nothing is opened that the manifest does not name, nor another file put there meanwhile.
        source = _HashingSource(cast("BinaryIO", handle))
        while source.read(_PIECE_BYTES):
            pass
        if manifest.files.get(name) != source.told():
            raise Fault("backup.damaged", part=part)
        handle.seek(0)
        source = _HashingSource(cast("BinaryIO", handle))
        open_stream(cast("BinaryIO", source), cast("BinaryIO", stream), wish.identity, label=LABELS[part])
    stream.finish()
    if manifest.files.get(name) != source.told():
        raise Fault("backup.damaged", part=part)


def _copy(manifest: Manifest, source: Path, name: str, tables: Path) -> None:
    own = name.removeprefix(TABLES + "/")
    if not own.isalnum():
        raise Fault("backup.damaged", part="manifest")
    try:
        with (source / TABLES / own).open("rb") as stream, (tables / own).open("xb") as out:
            (tables / own).chmod(0o600)
            sink = HashingSink(cast("BinaryIO", out))
            while piece := stream.read(_PIECE_BYTES):
                sink.write(piece)
    except FileNotFoundError:
        raise Fault("backup.damaged", part="table files") from None
    except OSError as error:
        raise Fault("backup.unwritable", path=tables, reason=error.strerror) from None
    told = sink.told(name)
    if (told["bytes"], told["sha256"]) != manifest.files[name]:
        raise Fault("backup.damaged", part="table files")


def _opened(wish: Wish, manifest: Manifest, found: Found, clock: Clock | None) -> Opened:
    """Open what was laid out, where every key in it lies under a master key that is held.

    Raises:
        CallerError: ``backup.keys-ended``: the key file is one of after the end of an epoch.
    """
    try:
        opened = open_(found, wish.passphrase, clock=clock, is_restoring=True)
    except Fault as error:
        if error.code != "keys.epoch-destroyed":
            raise
        raise CallerError("backup.keys-ended", backup=manifest.backup) from None
    with found.store.read() as reader:
        survey = opened.spine.epochs.survey(reader)
    held = {epoch.id for epoch in survey.epochs if epoch.destroyed is None}
    # Cut off in the middle, a change of epoch leaves some keys under the one and some under the other.
    if not survey.records.keys() <= held:
        raise CallerError("backup.keys-ended", backup=manifest.backup)
    return opened


def _settled(wish: Wish, manifest: Manifest, opened: Opened, actor: Actor, progress: Told) -> dict[str, Json]:
    """Check, repeat and charge; the workspace is worth a name once this returns."""
    spine = opened.spine
    _check_signed(manifest, opened)
    spine.gate.require(actor, "space.restore")
    progress("checking journal and ledger")
    entries = spine.restoring.check(str(manifest.told["checkpoint"]))
    if spine.tables.missing(spine.store):
        raise Fault("backup.damaged", part="table files")
    head = _head(wish, manifest, opened)
    lists = _lists(wish, manifest, opened)
    with spine.store.read() as reader:
        witnesses = [each.name for each in reader.find(Witness)]
    newest = _known_until(wish, manifest, lists, head, opened, actor)
    later = _later(lists, manifest.size)
    facts: dict[str, Json] = {
        "backup": manifest.backup,
        "made": str(manifest.told["made"]),
        "size": manifest.size,
        "root": str(manifest.told["root"]),
        "erasures_known_until": newest,
        "stated": wish.nobody_since or "",
        "head": head.size if head else None,
    }
    is_known = head is not None and not head.unknown_since
    cosigns_anew = spine.restoring.begin(actor, facts, is_known=is_known)
    note_schema(spine)
    people, datasets = spine.restoring.repeat(later, actor, progress)
    spine.restoring.unreadable(later, people, spine.tables.engine)
    charged = spine.restoring.charge(head, actor) if head is not None else []
    spine.restoring.check_after()
    checks = _checked(wish, manifest, opened, entries, len(later), progress)
    return {
        "backup": manifest.backup,
        "made": str(manifest.told["made"]),
        "entries": entries,
        "fingerprint": spine.attestor.fingerprint,
        "erasures_known_until": newest,
        "later_erasures": len(later),
        "repeated": len(people) + datasets,
        "spending": "replayed" if is_known else "unknown",
        "charged": cast("Json", charged),
        "head": {"entries": head.size, "time": head.time} if head else None,
        # A witness is told before a list is written, so that this was not its newest head.
        "head_is_old": head is not None and any(each.size > head.size for each in lists),
        "witnesses_left": cast("Json", witnesses),
        "cosigns_anew": cosigns_anew,
        "checks": cast("Json", checks),
    }


def _check_signed(manifest: Manifest, opened: Opened) -> None:
    """Check that the journal restored is the one whose key signed the manifest."""
    attestor, told = opened.spine.attestor, manifest.told
    if told["tenant"] != opened.spine.tenant or told["fingerprint"] != attestor.fingerprint:
        raise Fault("backup.foreign")
    try:
        open_document(manifest.raw, attestor.origin, attestor.verifier)
    except HedgerowError:
        raise Fault("backup.changed") from None


def _head(wish: Wish, manifest: Manifest, opened: Opened) -> OutsideHead | None:
    if wish.head is None:
        return None
    head = read_outside(wish.head, opened.spine.attestor)
    if head.size < manifest.size:
        raise CallerError("restore.head-older", size=head.size, entries=manifest.size)
    if head.size == manifest.size and base64.b64encode(head.root).decode() != manifest.told["root"]:
        raise Fault("backup.other-head")
    return head


def _lists(wish: Wish, manifest: Manifest, opened: Opened) -> list[ErasureList]:
    """Read the list beside the backup and all that were named; each must be of this workspace."""
    found, beside = [], wish.source / ERASURES
    for path in (*wish.erasures, *([beside] if beside.is_file() else [])):
        try:
            raw = read_small(path)
        except OSError:
            raise CallerError("file.missing", path=path) from None
        try:
            found.append(opened.spine.backups.read_erasures(raw, manifest.backup, manifest.size))
        except HedgerowError as error:
            # One that lies there by itself and knows nothing of this backup is as none.
            if path != beside or error.code != "backup.list-older":
                raise
    return found


def _known_until(
    wish: Wish,
    manifest: Manifest,
    lists: Sequence[ErasureList],
    head: OutsideHead | None,
    opened: Opened,
    actor: Actor,
) -> str:
    """Tell until when erasures are known; refuse where that is not long enough and nobody answers for it."""
    newest = max(lists, key=lambda each: each.size, default=None)
    if wish.nobody_since is not None:
        if head is not None and not opened.spine.restoring.is_told(lists, head):
            raise CallerError("restore.head-tells-more", time=head.time)
        opened.spine.gate.require(actor, "erasure.state")
    elif newest is None or not _is_enough(lists, manifest, head, opened):
        since = newest.time if newest is not None else manifest.told["made"]
        raise CallerError("restore.erasures-unknown", since=since)
    return newest.time if newest is not None else str(manifest.told["made"])


def _is_enough(
    lists: Sequence[ErasureList], manifest: Manifest, head: OutsideHead | None, opened: Opened
) -> bool:
    """Tell whether the lists reach beyond the backup, and tell what the head kept outside was signed over.

    Those of another line, one that was restored from a backup, say nothing of what became of this one.
    """
    with opened.spine.store.read() as reader:
        lines = (opened.spine.backups.line(reader), None)
    own = [each for each in lists if each.line in lines]
    if head is None:
        return max((each.size for each in own), default=0) > manifest.size
    return head.line in lines and opened.spine.restoring.is_told(own, head)


def _later(lists: Sequence[ErasureList], size: int) -> list[Listed]:
    """Join the lists: each person and data set once, of what came after the backup."""
    joined: dict[tuple[bytes, str], Listed] = {}
    for each in (one for told in lists for one in told.erased if one.entry >= size):
        known = joined.get((each.lookup, each.dataset))
        if known is None or known.entry < each.entry:
            joined[each.lookup, each.dataset] = each
    return list(joined.values())


def _checked(
    wish: Wish, manifest: Manifest, opened: Opened, entries: int, later: int, progress: Told
) -> list[dict[str, Json]]:
    spine = opened.spine
    with spine.store.read() as reader:
        datasets = [record.name for record in reader.find(Dataset) if not record.dropped]
    rows: list[tuple[str, str]] = [
        (
            "manifest",
            f"signed by {spine.attestor.fingerprint}; {len(manifest.files)} files are what it names",
        ),
        ("journal", f"{entries:,} entries fit the head of the backup"),
        ("ledger", "every account is the sum of its journaled charges"),
        ("data sets", f"{len(datasets)}, with the versions and lawful bases that the journal tells"),
        ("erasures", f"{later} of after the backup; nothing of these people is left"),
    ]
    if wish.is_thorough:
        bad = spine.tables.damaged(spine.store, progress)
        if bad:
            raise Fault("backup.damaged", part="table files")
        fields = spine.restoring.open_fields(progress)
        rows.append(("table files", "every page opens with the keys restored"))
        rows.append(("vault", f"{fields:,} sealed fields open with the keys restored"))
    return [{"check": name, "ok": True, "told": told} for name, told in rows]


def _forced(folder: Path) -> None:
    """Force every file and name below a folder to the disk."""
    for path in (*folder.rglob("*"), folder):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
