"""Witnessing: where the head of the journal is kept outside the workspace."""

from __future__ import annotations

import os
from pathlib import Path

from hedgerow.adapters.witness import FileSink
from hedgerow.app.service.base import Part
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.uses import Json
from hedgerow.model.words import many
from hedgerow.spine.catalog import check_name
from hedgerow.spine.witnesses import Seen


class Witnessing(Part):
    """The operator's care for the witnesses."""

    def add_witness(self, name: str, path: Path, space: Path, *, required: bool = False) -> dict[str, Json]:
        """Keep the head in a file outside the workspace from now on; it is written at once.

        Args:
            name: A name for it.
            path: The file: new, or one that follows this journal already.
            space: The directory of the workspace.
            required: Whether no answer leaves before it holds the newest head.

        Returns:
            The witness, as ``witnesses`` lists it.

        Raises:
            CallerError: ``name.malformed``, ``witness.exists``, ``witness.inside``, ``witness.not-plain``.
            Fault: ``witness.*`` when the file holds what this journal did not write, or something newer.
        """
        self._require("journal.witness")
        check_name(name, "witness")
        place = _outside_of(space, path)
        with self.spine.store.write() as tx:
            self.spine.witnesses.add(tx, name, str(place), required=required)
            self._note(tx, "witness.add", {"witness": name, "required": required})
        return next(each for each in self.witnesses() if each["name"] == name)

    def remove_witness(self, name: str) -> dict[str, Json]:
        """Follow a witness no longer; its file stays as it is.

        Raises:
            CallerError: ``witness.unknown``.
        """
        self._require("journal.witness")
        with self.spine.store.write() as tx:
            removed = self.spine.witnesses.remove(tx, name)
            entry = self._note(tx, "witness.remove", {"witness": name})
        return {"name": name, "place": removed.place, "entry": entry}

    def witnesses(self) -> list[dict[str, Json]]:
        """List the witnesses with what they hold, how far behind they are, and what is wrong."""
        self._require("journal.head")
        with self.spine.store.read() as reader:
            return [seen_json(seen) for seen in self.spine.witnesses.look(reader)]


def seen_json(seen: Seen) -> dict[str, Json]:
    """Render what was found at a witness."""
    outside, problem = seen.outside, seen.problem
    return {
        "name": seen.witness.name,
        "place": seen.witness.place,
        "required": seen.witness.required,
        "state": seen.state,
        "size": outside.size if outside is not None else None,
        "time": outside.time if outside is not None else None,
        "lag": seen.lag,
        "problem": problem.message if problem is not None else None,
        "next_step": problem.next_step if problem is not None else None,
    }


def told_of(seen: Seen) -> str:
    """Say what was found at a witness in one line."""
    if seen.problem is not None:
        return f"{seen.problem.message} {seen.problem.next_step}"
    lag = f", {many(seen.lag, 'entry', 'entries')} behind" if seen.lag else ""
    held = many(seen.outside.size, "entry", "entries") if seen.outside is not None else "nothing yet"
    return f"holds the head of {held}{lag}"


def _outside_of(space: Path, path: Path) -> Path:
    """Find where a file really lies, and refuse a place that would be rolled back with the workspace.

    Raises:
        CallerError: ``witness.inside``, ``witness.not-plain``.
    """
    folder = path.absolute().parent.resolve()
    if not folder.is_dir():
        raise CallerError("witness.not-plain", path=path, reason="its folder does not exist")
    place = folder / path.name
    if place.is_symlink() or (place.exists() and not place.is_file()):
        raise CallerError("witness.not-plain", path=path, reason="a link, folder or device stands there")
    if place.is_relative_to(space.resolve()):
        raise CallerError("witness.inside", path=path)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CallerError("witness.not-plain", path=path, reason="Permission denied")
    try:
        with FileSink(str(place)).alone():
            return place
    except Fault as error:
        raise CallerError("witness.not-plain", path=path, reason=error.details["reason"]) from None
