"""Examining: whether the workspace is sound, and what a policy would say of an act."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from hedgerow.app.service.base import Part, Progress, quiet
from hedgerow.app.service.keeping import protection
from hedgerow.model.errors import HedgerowError
from hedgerow.model.uses import Json
from hedgerow.model.words import many

_LEAST_FREE_BYTES = 256 * 1024 * 1024


class Examining(Part):
    """Checks for the operator."""

    def examine(self, directory: Path, progress: Progress = quiet) -> list[dict[str, Json]]:
        """Check keys, permissions, disk, journal and every page of the table files.

        Args:
            directory: Where the workspace lies.
            progress: Told each step; reading the table files takes long where they are large.

        Returns:
            One ``check``, ``ok`` and ``told`` each.
        """
        return [
            self._sealed(),
            self._private(directory),
            self._disk(directory),
            self._log(),
            self._files(progress),
        ]

    def _sealed(self) -> dict[str, Json]:
        described = self.spine.backend.describe()
        sealed, told = self.spine.backend.sealed, protection(described)
        if not sealed:
            told += ": whoever reads keys.json reads everything"
        name = "key token" if described["backend"] == "pkcs11" else "key file"
        return {"check": name, "ok": sealed and "leaving" not in described, "told": told}

    def _private(self, directory: Path) -> dict[str, Json]:
        open_ = [p.name for p in (directory, *directory.iterdir()) if stat.S_IMODE(p.stat().st_mode) & 0o077]
        told = (
            f"others may reach: {', '.join(open_)}; run chmod go-rwx on them"
            if open_
            else "only you can read it"
        )
        return {"check": "permissions", "ok": not open_, "told": told}

    def _disk(self, directory: Path) -> dict[str, Json]:
        free = shutil.disk_usage(directory).free
        told = f"{free // 1_000_000} MB free"
        return {"check": "disk", "ok": free >= _LEAST_FREE_BYTES, "told": told}

    def _log(self) -> dict[str, Json]:
        try:
            with self.spine.store.read() as reader:
                size = len(self.spine.journal.verify(reader))
        except HedgerowError as error:
            return {"check": "journal", "ok": False, "told": error.message}
        told = many(size, "entry fits", "entries fit")
        return {"check": "journal", "ok": True, "told": f"{told} the signed head"}

    def _files(self, progress: Progress) -> dict[str, Json]:
        found = (
            (self.spine.tables.missing(self.spine.store), "missing"),
            (self.spine.tables.damaged(self.spine.store, progress), "damaged"),
        )
        bad = [f"{many(count, 'table file is', 'table files are')} {what}" for count, what in found if count]
        told = f"{'; '.join(bad)}: restore the workspace from a backup" if bad else "all are there and whole"
        return {"check": "table files", "ok": not bad, "told": told}

    def explain_act(self, action: str, dataset: str | None = None) -> dict[str, Json]:
        """Say whether the actor may do an act, without doing it.

        Args:
            action: The action policies speak of.
            dataset: The data set acted on, where it is one.

        Returns:
            ``allowed``, ``reasons``, ``obligations`` and ``plan``, as a decision on a use has them.
        """
        return self.explained(action, self.spine.gate.explain_act(self.actor, action, dataset))

    def explained(self, action: str, error: HedgerowError | None) -> dict[str, Json]:
        """Word an act's decision: permitted, or refused by an error.

        Args:
            action: The action.
            error: What speaks against it, or none.
        """
        reason = (
            {"code": error.code, "text": error.message, "next_step": error.next_step}
            if error
            else {"code": "policy.permitted", "text": f"{action} is permitted", "next_step": ""}
        )
        return {"allowed": error is None, "reasons": [reason], "obligations": [], "plan": {}}
