"""The list of erasures in a folder with backups: replaced by what goes on from it, and by nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from hedgerow.app.backup.folder import ERASURES, Folder, read_small
from hedgerow.app.wiring import Spine
from hedgerow.kernel.merkle import open_document
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.ports import Reader
from hedgerow.spine.backup import Listed, is_told_in, newest_told


def spread(spine: Spine, folder: Folder, reader: Reader) -> None:
    """Put the list into a folder, where it goes on from the one that is there.

    Args:
        spine: Its journal's key signed both.
        folder: Ours.
        reader: A view.

    Raises:
        Fault: ``backup.list-ahead``, ``backup.list-changed`` or ``backup.unwritable``; the old list stands.
    """
    held = _held(spine, folder)
    content = spine.backups.erasures(reader, held or b"")
    if held is None:
        folder.put(ERASURES, content)
        return
    old, new = json.loads(held), json.loads(content)
    if old["size"] <= new["size"] and _goes_on(spine, old, new):
        folder.put(ERASURES, content)
    # Another program of this workspace may have told more meanwhile.
    elif old["size"] < new["size"] or not _goes_on(spine, new, old):
        raise Fault("backup.list-ahead", path=folder.path)


def adopt(spine: Spine, folder: Folder, reader: Reader) -> list[Listed]:
    """Replace the list of the line that a folder belonged to: it is told on, and kept beside.

    Args:
        spine: Its journal's key signed both.
        folder: Of another line of this workspace.
        reader: A view.

    Returns:
        What that line erased and this one did not; nothing where this one was never restored.

    Raises:
        Fault: ``backup.list-changed`` or ``backup.unwritable``.
    """
    held = _held(spine, folder)
    if held is None:
        return []
    folder.put(f"erasures-{hashlib.sha256(held).hexdigest()[:16]}.json", held)
    content = spine.backups.erasures(reader, held)
    folder.put(ERASURES, content)
    return spine.backups.of_others(reader, content)


def _held(spine: Spine, folder: Folder) -> bytes | None:
    """Read the list that is there; it must be signed by this workspace's key."""
    attestor = spine.attestor
    try:
        raw = read_small(folder.path / ERASURES)
        open_document(raw, attestor.origin, attestor.verifier)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Fault("backup.unwritable", path=folder.path, reason=error.strerror or "unreadable") from None
    except HedgerowError:
        raise Fault("backup.list-changed") from None
    return raw


def _goes_on(spine: Spine, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return set(old["backups"]) <= set(new["backups"]) and _tells_all(spine, old, new)


def _tells_all(spine: Spine, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a list tells every erasure of another that is still to be told."""
    today = spine.clock.now().date().isoformat()
    told = newest_told(new["erased"])
    return all(is_told_in(told, each) for each in old["erased"] if each["until"] >= today)
