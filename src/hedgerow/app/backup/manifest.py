"""The manifest of a backup, as it lies in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from hedgerow.app.backup.folder import MARKER, Folder, is_backup, manifest_name, read_small
from hedgerow.kernel.merkle import VerifierKey, fingerprint, open_document
from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.uses import Json
from hedgerow.spine.backup import MANIFEST

_FIELDS = {
    "format", "backup", "tenant", "origin", "key", "fingerprint", "made", "keys_until", "backend", "epochs",
    "size", "root", "checkpoint", "files", "signed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says; its signature is checked once the journal's key is at hand."""

    raw: bytes = field(repr=False)
    told: Mapping[str, Json]
    files: Mapping[str, tuple[int, str]]

    @property
    def backup(self) -> str:
        """The backup's name."""
        return str(self.told["backup"])

    @property
    def size(self) -> int:
        """Entries of the journal in it."""
        return cast("int", self.told["size"])


def choose(source: Path, backup: str | None) -> Manifest:
    """Read the manifest of a backup; nothing it says is proven yet.

    Args:
        source: The folder of the data set.
        backup: Which; the newest when none.

    Raises:
        CallerError: ``backup.none``, ``backup.unknown`` or ``backup.newer``.
        Fault: ``backup.unreadable`` or ``backup.damaged``.
    """
    names = Folder(source).manifests() if source.is_dir() else []
    if not names or not (source / MARKER).is_file():
        raise CallerError("backup.none", path=source)
    if backup is not None and backup not in names:
        raise CallerError("backup.unknown", backup=backup if is_backup(backup) else "of that name")
    wanted = [backup] if backup is not None else names
    found = [_read_manifest(source / manifest_name(name), name) for name in wanted]
    return max(found, key=lambda each: (str(each.told["made"]), each.size))


def check_signature(manifest: Manifest, trust: str | None) -> None:
    """Check that the key which a manifest names signed it, and that it is the one that is trusted.

    It needs nothing but the manifest, so that nothing of a stranger's backup is opened before.

    Args:
        manifest: The manifest.
        trust: The fingerprint of the journal's key; none where nobody knows it.

    Raises:
        Fault: ``backup.changed`` or ``backup.not-trusted``.
    """
    told = manifest.told
    try:
        key = VerifierKey.from_text(str(told["key"]))
        open_document(manifest.raw, str(told["origin"]), key.public_key)
    except HedgerowError:
        raise Fault("backup.changed") from None
    found = fingerprint(key.public_key)
    if (key.name, found) != (told["origin"], told["fingerprint"]):
        raise Fault("backup.changed")
    if trust is not None and trust != found:
        raise Fault("backup.not-trusted", found=found, trusted=trust)


def _read_manifest(path: Path, name: str) -> Manifest:
    try:
        raw = read_small(path)
        told = json.loads(raw)
        _check_form(told, name)
        files = {str(f["name"]): (int(f["bytes"]), str(f["sha256"])) for f in told["files"]}
    except OSError:
        raise Fault("backup.unreadable", path=path.name) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Fault("backup.damaged", part="manifest") from None
    return Manifest(raw, told, files)


def _check_form(told: Mapping[str, object], name: str) -> None:
    form = str(told["format"])
    if form != MANIFEST and form.startswith("hedgerow/backup/v"):
        raise CallerError("backup.newer", found=form, known=MANIFEST)
    if form != MANIFEST or set(told) != _FIELDS or told["backup"] != name or type(told["size"]) is not int:
        raise ValueError
