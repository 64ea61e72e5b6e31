"""The journal as a folder of tiles: derived from the rows, grown by what is new, thrown away at will."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hedgerow.kernel.merkle.tiles import TileBuilder
from hedgerow.model.errors import CallerError, Fault

CHECKPOINT, TILES = "checkpoint", "tile"
_ASIDE = ".new."
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class TileFolder:
    """Tiles, bundles and the checkpoint under one folder, as a web server gives them out.

    Args:
        out: The folder; new, empty, or one that this wrote.

    Raises:
        CallerError: ``out.exists`` when something else lies there, ``out.unwritable``.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        try:
            held = {each.name for each in out.iterdir()} if out.is_dir() else set()
            held = {name for name in held if not name.startswith(_ASIDE)}  # left by a killed call
            if out.is_symlink() or (out.exists() and not out.is_dir()) or held - {CHECKPOINT, TILES}:
                raise CallerError("out.exists", out=out)
            out.mkdir(mode=0o700, exist_ok=True)
        except OSError:
            raise CallerError("out.unwritable", out=out) from None

    def read(self, name: str) -> bytes:
        """Read a tile or a bundle.

        Raises:
            Fault: ``tiles.malformed`` when it is not there.
        """
        try:
            return (self._out / name).read_bytes()
        except OSError:
            raise Fault("tiles.malformed", name=name, reason="it is missing") from None

    def checkpoint(self) -> str:
        """Read the checkpoint up to which there are tiles; an empty text when there is none."""
        try:
            return (self._out / CHECKPOINT).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def grow(self, builder: TileBuilder, entries: Iterable[bytes], size: int, root: bytes) -> int:
        """Write what the entries add; of those already in tiles the root must come out as it was.

        Args:
            builder: Goes on behind the last full tile.
            entries: The entries from there on.
            size: Number of entries that were in tiles already.
            root: The root over those.

        Returns:
            How many files were written.

        Raises:
            Fault: ``tiles.differ``.
        """
        written = 0
        for entry in entries:
            files = list(builder.add(entry))
            if builder.size == size and builder.root() != root:
                raise Fault("tiles.differ", path=self._out, size=size)
            written += sum(self._write(name, content) for name, content in files)
        return written + sum(self._write(name, content) for name, content in builder.partial())

    def seal(self, checkpoint: str) -> None:
        """Write the checkpoint, last of all: what it signs is there."""
        self._write(CHECKPOINT, checkpoint.encode())

    def _write(self, name: str, content: bytes) -> int:
        """Write a file whole or not at all, and through no link that somebody laid into the folder."""
        *folders, last = name.split("/")
        aside = _ASIDE + secrets.token_hex(8)
        try:
            with self._entered(folders) as folder:
                try:
                    with os.fdopen(os.open(aside, _FILE, 0o600, dir_fd=folder), "wb") as file:
                        file.write(content)
                    os.rename(aside, last, src_dir_fd=folder, dst_dir_fd=folder)
                except BaseException:
                    with suppress(OSError):
                        os.unlink(aside, dir_fd=folder)
                    raise
                # A full tile takes the place of the partial ones before it.
                shutil.rmtree(f"{last}.p", ignore_errors=True, dir_fd=folder)
        except OSError:
            raise CallerError("out.unwritable", out=self._out) from None
        return 1

    @contextmanager
    def _entered(self, folders: Iterable[str]) -> Iterator[int]:
        """Go down level by level; each is made for the owner alone, and none is a link."""
        here = os.open(self._out, _FOLDER)
        try:
            for name in folders:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=here)
                below = os.open(name, _FOLDER, dir_fd=here)
                os.close(here)
                here = below
            yield here
        finally:
            os.close(here)
