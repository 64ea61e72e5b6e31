"""Making a backup beside running programs, and destroying key sets whose time is over."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import BinaryIO, cast

from hedgerow.adapters.keys import durable
from hedgerow.adapters.keys.keyfile import FILE_LIMIT_BYTES
from hedgerow.app.backup.folder import (
    KEEPER,
    TABLES,
    Folder,
    HashingSink,
    Owner,
    PieceSource,
    is_backup,
    manifest_name,
    part_name,
)
from hedgerow.app.backup.lists import adopt, spread
from hedgerow.app.keyplaces import KEYS, TOKEN
from hedgerow.app.wiring import Spine
from hedgerow.kernel.hybrid import Receiver, Recipient, seal_stream
from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.records import Backup, Setting
from hedgerow.model.uses import Actor, Json

KEEP_DAYS = 30
RECIPIENTS = "backup.recipients"
DATA_LABEL, KEYS_LABEL, KEEPER_LABEL = "backup-data", "backup-keys", "backup-keyfile"
LABELS = {"data": DATA_LABEL, "keys": KEYS_LABEL}
_PIECE_BYTES = 1 << 20
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a backup goes, for whom it is sealed and how long its key set is kept.

    Args:
        place: The folder of its data set.
        keys_place: The folder of its key set.
        recipients: Those who can open it.
        keep_keys: How long the key set is kept.
        adopts: Whether folders of another line of this workspace become this one's.
    """

    place: Path
    keys_place: Path
    recipients: Sequence[Recipient]
    keep_keys: timedelta
    adopts: bool = False


def make(spine: Spine, directory: Path, actor: Actor, to: Destination, progress: Told) -> dict[str, Json]:
    """Make a backup of a workspace that others may be using.

    Args:
        spine: The wired rooms.
        directory: Where the workspace lies.
        actor: Who makes it.
        to: Where it goes.
        progress: Told each step.

    Returns:
        ``backup``, ``made``, ``keys_until``, ``entries``, ``recipients`` (fingerprints), ``files_new``,
        ``files_kept`` and ``bytes``.

    Raises:
        CallerError: ``backup.folder-*``, or a recipient that is none.
        Fault: ``backup.unwritable``, ``backup.busy`` or ``backup.overtaken``; there is no backup then.
    """
    place, keys_place = _folders(spine, directory, actor, to, progress)
    with place.locked(), keys_place.locked():
        place.sweep()
        keys_place.sweep()
        named = [each.fingerprint for each in to.recipients]
        backup = spine.backups.begin(actor, str(place.path), str(keys_place.path), to.keep_keys, named)
        _remember(spine, to.recipients)
        try:
            done = _written(spine, directory, backup, place, keys_place, to.recipients, progress)
            return {**done, "recipients": cast("Json", named)}
        except BaseException:
            keys_place.wipe(part_name(backup.id, "keys"))
            place.wipe(part_name(backup.id, "data"))
            raise


def _remember(spine: Spine, recipients: Sequence[Recipient]) -> None:
    """Remember their keys for the next time; who they are is in the journal since the backup began."""
    texts = json.dumps([each.text for each in recipients])
    with spine.store.read() as reader:
        held = reader.get(Setting, RECIPIENTS)
    if held is None or held.value != texts:
        with spine.store.write() as tx:
            tx.put(Setting(RECIPIENTS, texts))


def owner_of(spine: Spine) -> Owner:
    """Tell which folders of backups are this workspace's."""

    @cache
    def line() -> str:
        with spine.store.read() as reader:
            return spine.backups.line(reader)

    return Owner(spine.tenant, spine.attestor.fingerprint, line)


def _folders(
    spine: Spine, directory: Path, actor: Actor, to: Destination, progress: Told
) -> tuple[Folder, Folder]:
    home = directory.resolve()
    for path in (to.place, to.keys_place):
        if home in (path.resolve(), *path.resolve().parents):
            raise CallerError("backup.inside", path=path)
    if to.place.resolve() == to.keys_place.resolve():
        raise CallerError("backup.not-apart", path=to.place)
    owner = owner_of(spine)
    place, keys_place = (Folder(path.resolve(), owner) for path in (to.place, to.keys_place))
    if to.adopts:
        take_over(spine, actor, place, keys_place, progress)
    place.prepare()
    keys_place.prepare()
    return place, keys_place


def take_over(spine: Spine, actor: Actor, place: Folder, keys_place: Folder, progress: Told) -> None:
    """Make folders of another line this one's, the list of erasures first: nothing it tells is lost.

    Whom that line erased, this one erases too.

    Args:
        spine: The wired rooms.
        actor: Who does it.
        place: The folder of a data set.
        keys_place: The folder of its key set.
        progress: Told each erasure that is repeated.
    """
    taken = [folder for folder in (place, keys_place) if folder.is_of_another_line]
    if place in taken:
        with spine.store.read() as reader:
            erased = adopt(spine, place, reader)
            later = [each for each in erased if not spine.restoring.came_after(reader, each)]
        spine.restoring.repeat(later, actor, progress)
    if taken:
        with spine.store.write() as tx:
            spine.journal.append(tx, "backup.adopt", actor, {"folders": len(taken)})
    for folder in taken:
        folder.mark()


def _written(
    spine: Spine,
    directory: Path,
    backup: Backup,
    place: Folder,
    keys_place: Folder,
    recipients: Sequence[Receiver],
    progress: Told,
) -> dict[str, Json]:
    # Before the records are read: no file that they name goes while it is copied.
    with spine.tables.reading():
        files = []
        with spine.store.read() as reader:
            for part, folder in (("keys", keys_place), ("data", place)):
                progress(f"sealing the {part} set")
                stream = spine.backups.part(reader, backup, part)
                files.append(_sealed(folder, part_name(backup.id, part), stream, recipients, LABELS[part]))
            tables, head = spine.backups.table_files(reader), spine.backups.head(reader)
        # An erasure made meanwhile could not empty the log behind that view.
        spine.store.scrub()
        # After them: it holds every key that they lie under.
        _keep_key_file(keys_place, directory, recipients)
        copied, new = _copied(spine, place, tables, progress)
        _check_epochs(spine, backup)
        content = spine.backups.manifest(head, backup, [*files, *copied])
    place.put(manifest_name(backup.id), content)
    return {
        "backup": backup.id,
        "made": backup.made,
        "keys_until": backup.keys_until,
        "entries": head.size,
        "place": str(place.path),
        "keys_place": str(keys_place.path),
        "files_new": new,
        "files_kept": len(tables) - new,
        "bytes": sum(cast("int", each["bytes"]) for each in (*files, *copied)),
    }


def _sealed(
    folder: Folder, name: str, stream: Iterator[bytes], recipients: Sequence[Receiver], label: str
) -> dict[str, Json]:
    source = cast("BinaryIO", PieceSource(stream))
    return folder.write(name, lambda sink: seal_stream(source, sink, recipients, label=label))


def _keep_key_file(folder: Folder, directory: Path, recipients: Sequence[Receiver]) -> None:
    """Keep what opens the key set: the key file in force, once in a folder, never an older one beside it.

    The one before stays until the new one stands: the backups that are there open with nothing else.
    """
    names = [name for name in (KEYS, TOKEN) if (directory / name).exists()]
    if len(names) != 1:
        raise CallerError("backup.keys-moving")
    content, _ = durable.read_plain(directory / names[0], FILE_LIMIT_BYTES)
    told = {"name": names[0], "content": base64.b64encode(content).decode()}
    source = cast("BinaryIO", PieceSource(iter([json.dumps(told).encode()])))
    folder.replace(KEEPER, lambda sink: seal_stream(source, sink, recipients, label=KEEPER_LABEL))


def _copied(
    spine: Spine, place: Folder, names: Sequence[str], progress: Told
) -> tuple[list[dict[str, Json]], int]:
    """Copy the table files that are not there yet; they are encrypted, and never change under a name."""
    told, new = [], 0
    for number, name in enumerate(names, 1):
        progress(f"table file {number} of {len(names)}")
        there = place.path / TABLES / name
        with spine.tables.sealed_file(name) as source:
            size = source.size()
            if there.is_file() and there.stat().st_size == size:
                own = _told(source, f"{TABLES}/{name}")
                source.seek(0)
                if own == _told_there(there, f"{TABLES}/{name}"):
                    told.append(own)
                    continue
            new += 1
            told.append(place.write(f"{TABLES}/{name}", lambda sink, source=source: _pour(source, sink)))  # type: ignore[misc]
    return told, new


def _told(source: BinaryIO, name: str) -> dict[str, Json]:
    sink = HashingSink(cast("BinaryIO", _Nowhere()))
    _pour(source, cast("BinaryIO", sink))
    return sink.told(name)


def _told_there(path: Path, name: str) -> dict[str, Json] | None:
    """Hash what is there; nothing where it cannot be read, and it is written anew then."""
    try:
        with path.open("rb") as source:
            return _told(source, name)
    except OSError:
        return None


class _Nowhere:
    def write(self, piece: bytes) -> int:
        return len(piece)


def _pour(source: BinaryIO, sink: BinaryIO) -> None:
    while piece := source.read(_PIECE_BYTES):
        sink.write(piece)


def _check_epochs(spine: Spine, backup: Backup) -> None:
    """Refuse a backup whose keys another program ended meanwhile: nothing would open it."""
    spine.backend.refresh()
    held = {epoch.id for epoch in spine.backend.epochs() if epoch.destroyed is None}
    if not set(backup.epochs.split(",")) <= held:
        raise Fault("backup.overtaken")


def tell_erasures(spine: Spine) -> list[str]:
    """Write the list of erasures into every folder that holds a backup of this workspace.

    Returns:
        The folders that could not be reached.
    """
    with spine.store.read() as reader:
        places = sorted({each.place for each in spine.backups.outstanding(reader)})
        missed, owner = [], owner_of(spine)
        for path in places:
            folder = Folder(Path(path), owner)
            try:
                if not folder.is_ours:
                    raise Fault("backup.unwritable", path=path, reason="it is not there")
                spread(spine, folder, reader)
            except HedgerowError:
                missed.append(path)
    return missed


def destroy_keys(spine: Spine, backups: Sequence[Backup]) -> tuple[list[Backup], list[Backup]]:
    """Destroy key sets, and with the last of a folder the key file beside them.

    Args:
        spine: The wired rooms.
        backups: Whose key sets.

    Returns:
        Those whose key set is gone, and those out of reach.
    """
    with spine.store.read() as reader:
        outstanding = spine.backups.outstanding(reader)
    gone, missed, owner = [], [], owner_of(spine)
    for backup in backups:
        folder = Folder(Path(backup.keys_place), owner)
        try:
            if not (folder.is_ours and is_backup(backup.id)):
                raise Fault("backup.unwritable", path=folder.path, reason="it is not there")
            folder.wipe(part_name(backup.id, "keys"))
        except HedgerowError:
            missed.append(backup)
            continue
        gone.append(backup)
    left = {each.keys_place for each in outstanding if each not in gone}
    for path in {each.keys_place for each in gone} - left:
        try:
            Folder(Path(path), owner).wipe(KEEPER)
        except HedgerowError:
            missed += [each for each in gone if each.keys_place == path]
    return [each for each in gone if each not in missed], missed
