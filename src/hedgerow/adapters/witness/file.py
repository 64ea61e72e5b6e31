"""A plain file, best on another disk, that holds the newest head; replaced whole, never through a link."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import secrets
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hedgerow.model.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIMIT_BYTES = 16 << 20
_WAIT_S, _STEP_S = 5.0, 0.02
_ASIDE = "[0-9a-f]" * 16


@contextmanager
def _faults() -> Iterator[None]:
    """Turn an error of the file system into a fault without its path."""
    try:
        yield
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror or type(error).__name__
        raise Fault("sink.unreachable", reason=reason) from None


class FileSink:
    """The head in a file.

    Args:
        path: Where the file is, absolute; its folder must exist.

    Guarantee: a reader finds the old content or the new one, also after a power cut; neither reading
    nor writing follows a link in the place of the file.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other writers of the same folder waiting meanwhile.

        Raises:
            Fault: ``sink.unreachable`` when the folder is not there, or is held for too long.
        """
        with _faults():
            handle = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with _faults():
                _take_turn(handle)
            yield
        finally:
            os.close(handle)

    def read(self) -> bytes | None:
        """Read what is held; none when there is no file.

        Raises:
            Fault: ``sink.unreachable``.
        """
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with _faults():
            try:
                handle = os.open(self._path, flags)
            except FileNotFoundError:
                return None
            with os.fdopen(handle, "rb") as file:
                state = os.fstat(file.fileno())
                if not stat.S_ISREG(state.st_mode) or state.st_size > _LIMIT_BYTES:
                    raise Fault("sink.unreachable", reason="it is no plain file, or too large")
                return file.read(_LIMIT_BYTES)

    def write(self, content: bytes) -> None:
        """Put new content in place of the old, durable with its name.

        Raises:
            Fault: ``sink.unreachable``; the old content stands then.
        """
        aside = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        with _faults():
            if self._path.is_symlink():
                raise OSError(errno.ELOOP, "a link")
            try:
                _fill(aside, content)
                aside.rename(self._path)
            finally:
                aside.unlink(missing_ok=True)
            self._settle()

    def _settle(self) -> None:
        """Take away what a killed writer left, and force the folder to the disk."""
        for left in self._path.parent.glob(f".{glob.escape(self._path.name)}.{_ASIDE}"):
            with suppress(OSError):
                left.unlink()
        handle = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _fill(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _take_turn(handle: int) -> None:
    until = time.monotonic() + _WAIT_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            time.sleep(_STEP_S)
        else:
            return
