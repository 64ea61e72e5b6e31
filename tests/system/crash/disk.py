"""The power cut: a tree as it was last forced to the disk, rebuilt from what the preloaded disk recorded."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("disk.c")


def build(folder: Path) -> Path | None:
    """Compile the disk; none where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = folder / "disk.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return library


class Disk:
    """What would survive of a tree.

    Args:
        root: The tree; all that stands there now counts as durable.
        shadow: Where the record is kept, on the same file system.
    """

    def __init__(self, root: Path, shadow: Path) -> None:
        self.root, self.shadow = root, shadow
        for name in ("content", "keep", "names"):
            (shadow / name).mkdir(parents=True)
        for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
            self._record(folder)

    def _record(self, folder: Path) -> None:
        lines = []
        for entry in os.scandir(folder):
            kind = "d" if entry.is_dir() else "f"
            lines.append(f"{kind} {entry.inode()} {entry.name}\n")
            if kind == "f":
                shutil.copyfile(entry.path, self.shadow / "content" / str(entry.inode()))
                os.link(entry.path, self.shadow / "keep" / str(entry.inode()))
        self._names(folder).write_text("".join(lines))

    def _names(self, folder: Path) -> Path:
        inside = folder.relative_to(self.root).as_posix()
        return self.shadow / "names" / ("%" + ("" if inside == "." else inside.replace("/", "%")))

    def cut(self, seed: int | None = None) -> None:
        """Replace the tree by what survives a power cut; its processes are dead by now.

        Args:
            seed: Without one, nothing survives that was not forced. With one, each file's
                content and each directory's names are by chance the forced or the latest
                ones: a disk may write what it never promised.
        """
        draw = random.Random(seed) if seed is not None else None
        after = self.root.with_name(self.root.name + ".after")
        self._rebuild(self.root, after, draw)
        shutil.rmtree(self.root)
        after.rename(self.root)

    def _rebuild(self, folder: Path, after: Path, draw: random.Random | None) -> None:
        after.mkdir(mode=0o700)
        forced = self._names(folder)
        entries = _entries(forced.read_text()) if forced.exists() else {}
        if draw and folder.exists() and draw.random() < 1 / 2:
            entries = {e.name: ("d" if e.is_dir() else "f", e.inode()) for e in os.scandir(folder)}
        for name, (kind, inode) in sorted(entries.items()):
            if kind == "d":
                self._rebuild(folder / name, after / name, draw)
                continue
            content, latest = self.shadow / "content" / str(inode), folder / name
            has_latest = latest.exists() and latest.stat().st_ino == inode
            if has_latest and draw and draw.random() < 1 / 2:
                shutil.copyfile(latest, after / name)
            elif content.exists():
                shutil.copyfile(content, after / name)
            else:
                (after / name).touch()
            (after / name).chmod(0o600)


def _entries(text: str) -> dict[str, tuple[str, int]]:
    parts = (line.split(" ", 2) for line in text.splitlines())
    return {name: (kind, int(inode)) for kind, inode, name in parts}
