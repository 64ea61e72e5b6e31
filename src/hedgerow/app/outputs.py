"""Files that commands write: refused before anything is spent, never half there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hedgerow.app.places import DATABASE, marked
from hedgerow.model.errors import CallerError

# Characters, of which a file system counts bytes.
_NAME_KEPT = 40


def check_out(out: Path, *, force: bool) -> None:
    """Refuse an output path before anything is spent.

    Raises:
        CallerError: ``out.exists``, or what ``check_place`` raises.
    """
    check_place(out)
    if os.path.lexists(out) and (not force or out.is_dir()):
        raise CallerError("out.exists", out=out)


def check_place(out: Path) -> None:
    """Refuse an output path that no file can be written beside, or that lies in a workspace.

    Raises:
        CallerError: ``out.no-directory``, ``out.in-workspace``, ``out.unwritable``, and ``out.exists``
            for a folder without a name of its own, as ``..``.
    """
    if out.name in ("", ".."):
        raise CallerError("out.exists", out=out)
    try:
        if not out.parent.is_dir():
            raise CallerError("out.no-directory", out=out)
        check_outside(out, out.parent)
        with suppress(FileNotFoundError):
            out.lstat()  # a name that is too long shows here
        tried = beside(out)
        tried.touch(mode=0o600, exist_ok=False)
        tried.unlink()
    except OSError:
        raise CallerError("out.unwritable", out=out) from None


def check_outside(out: Path, folder: Path) -> None:
    """Refuse an output in a workspace: any, not only the one in use.

    A key file that is replaced cannot be had again.

    Args:
        out: What was named.
        folder: The folder that files would be written in.

    Raises:
        CallerError: ``out.in-workspace``.
        OSError: The path cannot be followed.
    """
    folder = folder.resolve()
    databases = [above / DATABASE for above in (folder, *folder.parents)]
    is_workspace = any(os.path.isfile(each) for each in databases)  # noqa: PTH113 - quiet about folders not ours
    if is_workspace or any(marked(above) for above in (folder, *folder.parents)):
        raise CallerError("out.in-workspace", out=out)


def beside(out: Path) -> Path:
    """Name a path beside an output, for what has not got its name yet."""
    return out.with_name(f".{out.name[:_NAME_KEPT]}.{secrets.token_hex(4)}")


def write_out(out: Path, content: bytes, *, force: bool) -> None:
    """Write a file whole or not at all, readable by its owner only.

    Raises:
        CallerError: ``out.exists`` when it appeared meanwhile, ``out.unwritable``.
    """
    with writing_out(out, force=force) as stream:
        stream.write(content)


@contextmanager
def writing_out(out: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Write a file piece by piece; it gets its name once the block ends well, else nothing is left.

    Raises:
        CallerError: ``out.exists`` when it appeared meanwhile, ``out.unwritable``.
    """
    part = beside(out)
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if force:
            part.replace(out)
        else:
            _name_new(part, out)
    except FileExistsError:
        raise CallerError("out.exists", out=out) from None
    except OSError:
        raise CallerError("out.unwritable", out=out) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_together(contents: Mapping[Path, bytes], *, force: bool) -> None:
    """Write several files, all of them or none, each readable by its owner only.

    Args:
        contents: What each path is to hold; the paths differ.
        force: Overwrite what is there; it is put back where one of the others cannot be written.

    Raises:
        CallerError: ``out.exists`` when one appeared meanwhile, ``out.unwritable``; nothing is left then.
    """
    parts = {out: beside(out) for out in contents}
    older, named = {out: beside(out) for out in contents}, list[Path]()
    out = next(iter(contents))
    try:
        for out, content in contents.items():
            write_out(parts[out], content, force=False)
        for out in contents:
            if force and os.path.lexists(out):
                out.rename(older[out])
            named.append(out)
            _name_new(parts[out], out)
    except (OSError, CallerError) as error:
        # One that somebody else wrote meanwhile is not ours to take away.
        is_there = isinstance(error, FileExistsError)
        _put_back(named[:-1] if is_there else named, parts, older)
        raise CallerError("out.exists" if is_there else "out.unwritable", out=out) from None
    finally:
        for spare in (*parts.values(), *older.values()):
            with suppress(OSError):
                spare.unlink(missing_ok=True)


def _put_back(named: Sequence[Path], parts: Mapping[Path, Path], older: Mapping[Path, Path]) -> None:
    """Take away what got its name, and give the older files theirs again."""
    for out in named:
        with suppress(OSError):
            out.unlink(missing_ok=True)
    for out in parts:
        with suppress(OSError):
            if os.path.lexists(older[out]) and not os.path.lexists(out):
                older[out].rename(out)


def _name_new(part: Path, out: Path) -> None:
    """Give a finished file a name that nothing has yet."""
    try:
        os.link(part, out)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has links: there an empty file takes the name before the full one does.
        out.touch(mode=0o600, exist_ok=False)
        try:
            part.replace(out)
        except OSError:
            out.unlink(missing_ok=True)
            raise
