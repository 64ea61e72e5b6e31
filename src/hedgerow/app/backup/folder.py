"""A folder of backups: whose it is, and files that are whole or not there."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import re
import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.uses import Json

MARKER, FORMAT = "hedgerow-backup.json", "hedgerow/backup-folder/v1"
ERASURES, KEEPER, TABLES = "erasures.json", "keyfile.sealed", "tables"
_UNFINISHED = ".unfinished"
_PIECE_BYTES = 1 << 20
_SMALL_BYTES = 1 << 28
_ID = re.compile(r"b-[0-9a-f]{16}", re.ASCII)


def manifest_name(backup: str) -> str:
    """Name the manifest of a backup."""
    return f"manifest-{backup}.json"


def part_name(backup: str, part: str) -> str:
    """Name a part of a backup: ``"data"`` or ``"keys"``."""
    return f"{part}-{backup}.sealed"


def is_backup(text: str) -> bool:
    """Tell whether a text can name a backup."""
    return _ID.fullmatch(text) is not None


class HashingSink(io.RawIOBase):
    """Counts and hashes what is written through it.

    Args:
        sink: Where it goes.
    """

    def __init__(self, sink: BinaryIO) -> None:
        super().__init__()
        self._sink = sink
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def write(self, piece: object) -> int:
        """Write a piece."""
        raw = bytes(cast("bytes", piece))
        self._hash.update(raw)
        self.size += len(raw)
        self._sink.write(raw)
        return len(raw)

    def told(self, name: str) -> dict[str, Json]:
        """Tell the file's entry in a manifest."""
        return {"name": name, "bytes": self.size, "sha256": self._hash.hexdigest()}


class PieceSource(io.RawIOBase):
    """Makes a stream to read of pieces that come one after another."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._held = b""

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read up to a number of bytes; fewer only at the end."""
        gathered, missing = [self._held], size - len(self._held)
        while (size < 0 or missing > 0) and (piece := next(self._pieces, b"")):
            gathered.append(piece)
            missing -= len(piece)
        whole = b"".join(gathered)
        keep = len(whole) if size < 0 else size
        self._held = whole[keep:]
        return whole[:keep]


class BoundedSink(io.RawIOBase):
    """Holds what is written to it, up to a limit.

    Args:
        limit: The most bytes it takes; more raises ``ValueError``.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._held = bytearray()

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def write(self, piece: object) -> int:
        """Take a piece."""
        raw = cast("bytes", piece)
        if len(self._held) + len(raw) > self._limit:
            raise ValueError
        self._held += raw
        return len(raw)

    def content(self) -> bytes:
        """Give what was written."""
        return bytes(self._held)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a folder of backups is.

    Args:
        tenant: The workspace's id.
        key: The fingerprint of its journal's key.
        line: Names its line; asked only where it matters, for it reads the journal.
    """

    tenant: str
    key: str
    line: Callable[[], str]


class Folder:
    """One folder of a workspace's backups.

    Guarantee: a workspace that was restored, and so is another line, takes none of the original's for its
    own.

    Args:
        path: Where it is.
        owner: The workspace; none for whoever only reads.
    """

    def __init__(self, path: Path, owner: Owner | None = None) -> None:
        self.path = path
        self._owner = owner

    @property
    def is_ours(self) -> bool:
        """Whether it is there and holds backups of this line of this workspace."""
        try:
            return self._whose() == "ours"
        except HedgerowError:
            # Nobody knows whose it is while the journal is not sound.
            return False

    @property
    def is_of_another_line(self) -> bool:
        """Whether it holds backups of this workspace, but of another line."""
        return self._whose() == "another line"

    def _whose(self) -> str:
        told, owner = _marker_of(self.path), self._owner
        if told is None or owner is None:
            return "nobody"
        # One without a key was made before folders named it.
        if told.get("tenant") != owner.tenant or told.get("key", owner.key) != owner.key:
            return "foreign"
        return "ours" if "key" in told and told.get("line") == owner.line() else "another line"

    def prepare(self) -> None:
        """Make the folder, or take one that is empty or holds backups of this workspace.

        Raises:
            CallerError: ``backup.folder-foreign``, ``backup.folder-other-line`` or ``backup.folder-in-use``.
            Fault: ``backup.unwritable``.
        """
        with self._faults():
            whose = self._whose()
            if whose == "foreign":
                raise CallerError("backup.folder-foreign", path=self.path)
            if whose == "another line":
                raise CallerError("backup.folder-other-line", path=self.path, to=shlex.quote(str(self.path)))
            if whose == "nobody" and self.path.exists() and any(map(_is_foreign, self.path.iterdir())):
                raise CallerError("backup.folder-in-use", path=self.path)
            # Each level for the owner alone, whatever the umask; none that is there already is touched.
            for folder in reversed([self.path, *self.path.parents]):
                if not folder.exists():
                    folder.mkdir(mode=0o700, exist_ok=True)
            self.path.chmod(0o700)
            if whose == "nobody":
                self.mark()

    def mark(self) -> None:
        """Say in the folder whose it is."""
        owner = cast("Owner", self._owner)
        told = {"format": FORMAT, "tenant": owner.tenant, "key": owner.key, "line": owner.line()}
        self.put(MARKER, json.dumps(told).encode() + b"\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, so that one backup is made in it at a time.

        Raises:
            Fault: ``backup.busy``.
        """
        with self._faults():
            handle = os.open(self.path / MARKER, os.O_RDWR | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Fault("backup.busy", path=self.path) from None
            yield
        finally:
            os.close(handle)

    def write(self, name: str, fill: Callable[[BinaryIO], None]) -> dict[str, Json]:
        """Write a file so that it stands under its name once it is whole and on the disk.

        Args:
            name: Its name in the folder.
            fill: Writes the content.

        Returns:
            Its entry in a manifest.
        """
        path = self.path / name
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_UNFINISHED}")
        try:
            with self._faults():
                path.parent.mkdir(mode=0o700, exist_ok=True)
                handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as stream, self._faults():
                sink = HashingSink(stream)
                fill(cast("BinaryIO", sink))
                stream.flush()
                os.fsync(stream.fileno())
            with self._faults():
                aside.rename(path)
                settle(path.parent)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        return sink.told(name)

    def put(self, name: str, content: bytes) -> None:
        """Write a small file whole."""

        def fill(sink: BinaryIO) -> None:
            sink.write(content)

        self.write(name, fill)

    def replace(self, name: str, fill: Callable[[BinaryIO], None]) -> None:
        """Write a file in the place of another, and overwrite that one once the new one stands."""
        with self._faults():
            try:
                old = os.open(self.path / name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                old = None
        try:
            self.write(name, fill)
            with self._faults():
                if old is not None and os.fstat(old).st_nlink == 0:
                    blank(old)
        finally:
            if old is not None:
                os.close(old)

    def sweep(self) -> None:
        """Take away what backups that were cut off left half written; hold the folder meanwhile."""
        with self._faults():
            for path in (*self.path.glob(f".*{_UNFINISHED}"), *self.path.glob(f"{TABLES}/.*{_UNFINISHED}")):
                path.unlink(missing_ok=True)

    def wipe(self, name: str) -> None:
        """Overwrite a file and take it away; one that is gone already is no error.

        Raises:
            Fault: ``backup.unwritable``, also where the file has a second name: under that it would stay.
        """
        with self._faults():
            try:
                handle = os.open(self.path / name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                return
            try:
                if os.fstat(handle).st_nlink != 1:
                    reason = f"{name} has another name on its disk; take that away"
                    raise Fault("backup.unwritable", path=self.path, reason=reason)
                blank(handle)
                (self.path / name).unlink()
            finally:
                os.close(handle)
            settle(self.path)

    def manifests(self) -> list[str]:
        """Name the backups that are whole here."""
        with self._faults():
            found = [each.name for each in self.path.glob("manifest-*.json")]
        names = [name.removeprefix("manifest-").removesuffix(".json") for name in found]
        return sorted(name for name in names if is_backup(name))

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Fault("backup.unwritable", path=self.path, reason=reason) from None


def _is_foreign(path: Path) -> bool:
    """Tell other people's files from what a backup that was cut off left half written."""
    return not path.name.endswith(_UNFINISHED)


def _marker_of(path: Path) -> Mapping[str, object] | None:
    """Read what a folder says of itself; nothing where it says nothing."""
    try:
        told = json.loads((path / MARKER).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    return told if told.get("format") == FORMAT else {}


def read_small(path: Path) -> bytes:
    """Read a small file of a backup.

    Raises:
        FileNotFoundError: It is not there.
        OSError: It cannot be read, or is too large.
    """
    with path.open("rb") as stream:
        content = stream.read(_SMALL_BYTES + 1)
    if len(content) > _SMALL_BYTES:
        raise OSError
    return content


def settle(folder: Path) -> None:
    """Force a folder's names to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def blank(handle: int) -> None:
    """Overwrite a file."""
    left, zeros = os.fstat(handle).st_size, bytes(_PIECE_BYTES)
    while left > 0:
        left -= os.write(handle, zeros[: min(left, len(zeros))])
    os.fsync(handle)
