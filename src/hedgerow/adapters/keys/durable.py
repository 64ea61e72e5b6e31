"""Small files that are written whole or not at all, and outlive a power cut."""

from __future__ import annotations

import fcntl
import glob
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OWNER_ONLY = 0o600
_ASIDE = "[0-9a-f]" * 16


class NotAPlainFileError(OSError):
    """What stands there is a folder, a device or a pipe, or is larger than allowed."""


def read_plain(path: Path, limit_bytes: int) -> tuple[bytes, int]:
    """Read a plain file.

    Args:
        path: Where it is.
        limit_bytes: The most it may hold.

    Returns:
        Its content and its permission bits.

    Raises:
        OSError: It is missing, unreadable, not a plain file or too large.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode) or state.st_size > limit_bytes:
            raise NotAPlainFileError
        return file.read(limit_bytes), stat.S_IMODE(state.st_mode)


def write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, readable by its owner alone.

    Args:
        path: Where it shall stand.
        content: What it shall hold.

    Raises:
        FileExistsError: Something stands there already.
        OSError: It could not be written; nothing is left behind.
    """
    with _written_aside(path, content) as aside:
        os.link(aside, path)
        _sync_folder(path.parent)


def replace_file(path: Path, content: bytes, *, wipe_old: bool) -> None:
    """Replace a file, readable by its owner alone, so that a crash leaves the old or the new one.

    The caller holds the folder's lock; what a killed writer left beside the file is removed.

    Args:
        path: The file to replace; a symbolic link is followed.
        content: What it shall hold.
        wipe_old: Whether to overwrite the old content once the new one stands.

    Raises:
        OSError: It could not be written; the old file stands.
    """
    target = path.resolve()
    old = os.open(target, os.O_RDWR | os.O_CLOEXEC) if wipe_old else None
    try:
        with _written_aside(target, content) as aside:
            aside.rename(target)
            _clear_left_over(target)
            _sync_folder(target.parent)
        if old is not None:
            _wipe(old)
    finally:
        if old is not None:
            os.close(old)


def remove_file(path: Path) -> None:
    """Wipe a file and take it away, so that a crash leaves it whole or gone, never half.

    What a killed call left beside the file is wiped too, so that a second call ends the first.

    Args:
        path: The file; a symbolic link goes with what it leads to. It may be gone already.

    Raises:
        OSError: It could not be removed.
    """
    target = path.resolve()
    with suppress(FileNotFoundError):
        target.rename(target.with_name(f".{target.name}.{secrets.token_hex(8)}"))
        _sync_folder(target.parent)
    for aside in target.parent.glob(f".{glob.escape(target.name)}.{_ASIDE}"):
        handle = os.open(aside, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _wipe(handle, links=1)
            aside.unlink()
        finally:
            os.close(handle)
    if path.is_symlink():
        path.unlink()
    _sync_folder(path.parent)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold a folder's advisory lock, so that writers take turns."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _written_aside(path: Path, content: bytes) -> Iterator[Path]:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, OWNER_ONLY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield aside
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()


def _clear_left_over(path: Path) -> None:
    # A killed writer leaves its file aside, with keys in it that may be destroyed later.
    for aside in path.parent.glob(f".{glob.escape(path.name)}.{_ASIDE}"):
        with suppress(OSError):
            handle = os.open(aside, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            aside.unlink()
            _wipe(handle)
            os.close(handle)


def _wipe(handle: int, links: int = 0) -> None:
    # Best effort, for file systems that write in place; a hard link is someone's backup and is left alone.
    state = os.fstat(handle)
    if state.st_nlink == links:
        with suppress(OSError):
            os.pwrite(handle, bytes(state.st_size), 0)
            os.fsync(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
