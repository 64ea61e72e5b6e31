"""Tiling: the journal as static files that anyone can fetch, prove and watch."""

from __future__ import annotations

from pathlib import Path

from hedgerow.app.outputs import check_outside
from hedgerow.app.service.base import Part, Progress, quiet
from hedgerow.app.tiles import TileFolder
from hedgerow.kernel.merkle import open_checkpoint
from hedgerow.kernel.merkle.tiles import TileBuilder
from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.ports import Reader
from hedgerow.model.uses import Json


class Tiling(Part):
    """The journal in the layout of C2SP tlog-tiles."""

    def tiles(self, out: Path, progress: Progress = quiet) -> dict[str, Json]:
        """Write the journal as tiles into a folder, or add to it what is new.

        Args:
            out: The folder: new, empty, or written by this before.
            progress: Told the step that is running.

        Returns:
            The path, how many entries the tiles hold, how many of them are new, the files written, and
            how many bundles were left out for an entry too long for one.

        Raises:
            CallerError: ``out.exists``, ``out.in-workspace``, ``out.unwritable``.
            Fault: ``tiles.differ`` when the folder holds another log, ``journal.*``.
        """
        self._require("evidence.export")
        try:
            check_outside(out, out)
        except OSError:
            raise CallerError("out.unwritable", out=out) from None
        folder = TileFolder(out)
        with self.spine.store.write() as tx:
            self._note(tx, "journal.tiles", {})
        with self.spine.store.read() as reader:
            size, root = self._before(folder, reader, out)
            builder = TileBuilder(size, folder.read)
            progress("writing tiles")
            bodies = (each.body for each in self.spine.journal.entries(reader, start=builder.size))
            written = folder.grow(builder, bodies, size, root)
            head = self.spine.journal.head(reader)
            if (builder.size, builder.root()) != (head.size, head.root):
                raise Fault("journal.root-differs", size=builder.size)
            folder.seal(self.spine.second_key.exported(reader, head.checkpoint))
        return {"out": str(out), "entries": head.size, "new": head.size - size, "files": written,
                "left_out": len(builder.left_out)}  # fmt: skip

    def _before(self, folder: TileFolder, reader: Reader, out: Path) -> tuple[int, bytes]:
        """Tell up to which head there are tiles; it must be one of this journal."""
        note = folder.checkpoint()
        if not note:
            return 0, b""
        try:
            then = open_checkpoint(note, self.spine.attestor.verifier)
        except HedgerowError:
            raise Fault("tiles.differ", path=out, size="some") from None
        now = self.spine.journal.head(reader).size
        if then.size > now or self.spine.journal.root_at(reader, then.size) != then.root:
            raise Fault("tiles.differ", path=out, size=then.size)
        return then.size, then.root
