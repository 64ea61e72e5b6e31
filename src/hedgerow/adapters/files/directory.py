"""A shelf in a directory: content is on the disk, name and all, before it counts."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hedgerow.adapters.files.names import checked, is_name, new_name
from hedgerow.model.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hedgerow.model.engine import ContentWriter, ReadableFile

_UNFINISHED = ".unfinished"
_LOCK = ".writing"


@contextmanager
def _faults() -> Iterator[None]:
    """Turn an error of the file system into a fault without its path."""
    try:
        yield
    except OSError as error:
        raise Fault("shelf.unwritable", reason=error.strerror or type(error).__name__) from error


class DirectoryShelf:
    """Files in one directory that only its owner may enter.

    Args:
        path: The directory; made when missing, with its parents, mode 0700.
        sync: Whether file and directory are forced to the disk before a name counts. Off only
            to show that a crash then loses files.

    Raises:
        Fault: ``shelf.unwritable`` when the directory cannot be made or entered.
    """

    def __init__(self, path: str | os.PathLike[str], *, sync: bool = True) -> None:
        self._path = Path(path)
        self._sync = sync
        with _faults():
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.chmod(0o700)

    def create(self, write: ContentWriter) -> str:
        """Store a new file: temporary name, sync, rename, sync of the directory.

        Args:
            write: Writes the whole content into the stream it is given.

        Returns:
            The random name, once the content is durable under it.

        Raises:
            Fault: ``shelf.unwritable`` when the disk refuses.
        """
        name = new_name()
        unfinished = self._path / (name + _UNFINISHED)
        try:
            self._fill(unfinished, write)
            with _faults():
                unfinished.rename(self._path / name)
                self._settle()
        except BaseException:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        return name

    def _fill(self, path: Path, write: ContentWriter) -> None:
        with _faults():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as stream:
                write(stream)
                stream.flush()
                if self._sync:
                    os.fsync(stream.fileno())

    def _settle(self) -> None:
        """Force the directory itself to the disk: a rename is durable only then."""
        if not self._sync:
            return
        handle = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def open(self, name: str) -> ReadableFile:
        """Open a file for random reading.

        Args:
            name: A name that ``create`` gave.

        Returns:
            A ``pyarrow`` native file. Not memory-mapped: a truncated map kills the process.

        Raises:
            Fault: ``integrity.bucket-missing``, ``shelf.name`` or ``shelf.unwritable``.
        """
        # Here, so that a command which reads no table does not load it.
        import pyarrow as pa

        path = self._path / checked(name)
        with _faults():
            try:
                return pa.OSFile(str(path), "rb")
            except FileNotFoundError:
                raise Fault("integrity.bucket-missing") from None

    def delete(self, name: str) -> None:
        """Remove a file; a file already gone is no error.

        Nothing waits for the disk: one that comes back after a loss of power is named by nothing, and is
        swept like any other.

        Args:
            name: A name that ``create`` gave.

        Raises:
            Fault: ``shelf.name`` or ``shelf.unwritable``.
        """
        with _faults():
            (self._path / checked(name)).unlink(missing_ok=True)

    def names(self) -> frozenset[str]:
        """List every complete file; a half-written one has no name yet.

        Returns:
            The names.

        Raises:
            Fault: ``shelf.unwritable`` when the directory cannot be read.
        """
        with _faults():
            return frozenset(entry.name for entry in os.scandir(self._path) if is_name(entry.name))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold off sweeping, in every process, while files are written that nothing names yet.

        Raises:
            Fault: ``shelf.unwritable`` when the lock file cannot be opened.
        """
        with self._lock(fcntl.LOCK_SH):
            yield

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Tell whether no process is writing, and keep it so meanwhile; never waits.

        Raises:
            Fault: ``shelf.unwritable`` when the lock file cannot be opened.
        """
        with self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB) as held:
            yield held

    @contextmanager
    def _lock(self, kind: int) -> Iterator[bool]:
        with _faults():
            handle = os.open(self._path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(handle, kind)
                held = True
            except BlockingIOError:
                held = False
            yield held
        finally:
            os.close(handle)

    def sweep(self) -> int:
        """Remove what interrupted writes left; run it only while nobody writes.

        Returns:
            How many leftovers were removed.

        Raises:
            Fault: ``shelf.unwritable`` when one cannot be removed.
        """
        with _faults():
            leftovers = list(self._path.glob("*" + _UNFINISHED))
            for path in leftovers:
                path.unlink(missing_ok=True)
            if leftovers:
                self._settle()
        return len(leftovers)
