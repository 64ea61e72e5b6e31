"""The folder that a restore builds in, beside the target, and what restores that were killed left."""

from __future__ import annotations

import fcntl
import glob
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hedgerow.app.backup.folder import blank
from hedgerow.app.keyplaces import KEYS, TOKEN
from hedgerow.model.errors import CallerError, Fault

_OURS, _RANDOM = ".hedgerow-restoring", "[0-9a-f]" * 16
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Give a new folder beside the target to build in; whatever ends badly leaves neither.

    Args:
        target: The workspace to be.

    Raises:
        CallerError: ``restore.target``, ``out.no-directory`` or ``out.unwritable``.
        Fault: ``restore.busy``.

    Guarantee: nothing that was there before is entered, and only what such a call left is emptied.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CallerError("restore.target", space=target)
    if not target.parent.is_dir():
        raise CallerError("out.no-directory", out=target)
    _clear_left_over(target)
    # Nobody else can have been there before: the name is new, and the folder this call's own.
    staging = target.with_name(f".{target.name}.{secrets.token_hex(8)}.restoring")
    try:
        staging.mkdir(mode=0o700)
        handle = os.open(staging, _FOLDER)
    except OSError:
        raise CallerError("out.unwritable", out=target) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.close(os.open(_OURS, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=handle))
        try:
            yield staging
        except BaseException:
            with suppress(OSError):
                _emptied(handle)
                staging.rmdir()
            raise
        os.unlink(_OURS, dir_fd=handle)
    finally:
        os.close(handle)


def _clear_left_over(target: Path) -> None:
    """Take away what restores that were killed left, and nothing that anybody else put there.

    Raises:
        Fault: ``restore.busy``.
    """
    for path in target.parent.glob(f".{glob.escape(target.name)}.{_RANDOM}.restoring"):
        try:
            handle = os.open(path, _FOLDER)
        except OSError:
            continue
        try:
            if not _is_left_over(handle):
                continue
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Fault("restore.busy", space=target) from None
            with suppress(OSError):
                _emptied(handle)
                path.rmdir()
        finally:
            os.close(handle)


def _is_left_over(handle: int) -> bool:
    """Tell a folder that a restore of this user made: his, closed to all others, and marked or empty."""
    state, names = os.fstat(handle), os.listdir(handle)
    is_own = state.st_uid == os.geteuid() and stat.S_IMODE(state.st_mode) == 0o700  # noqa: PLR2004 - a mode
    return is_own and (not names or _OURS in names)


def _emptied(folder: int) -> None:
    """Empty a folder by its handle, so that no other one can be put in its place; key files are wiped."""
    for name in sorted(os.listdir(folder), key=lambda one: one == _OURS):
        try:
            part = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except IsADirectoryError:
            shutil.rmtree(name, dir_fd=folder)
            continue
        except OSError:
            os.unlink(name, dir_fd=folder)
            continue
        try:
            if any(keys in name for keys in (KEYS, TOKEN)) and stat.S_ISREG(os.fstat(part).st_mode):
                blank(part)
            os.unlink(name, dir_fd=folder)
        finally:
            os.close(part)
