"""Lines of a workspace: what was restored from a backup is a new one, and does not speak for the old.

Both hold the same keys and the same name. What tells them apart is in the journal alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from hedgerow.model.ports import Reader
from hedgerow.model.uses import Json
from hedgerow.spine.journal import Journal, parse_entry

RESTORED, BACKUP = "space.restored", "space.backup"


def line_of(reader: Reader, journal: Journal) -> str:
    """Name the line: empty for a workspace that was never restored.

    Args:
        reader: A view.
        journal: Is checked whole first; an entry is believed only then.

    Raises:
        Fault: ``journal.*``.
    """
    index, facts = _last(reader, journal, RESTORED)
    return str(facts.get("line") or index) if index is not None else ""


def sealed_for(reader: Reader, journal: Journal) -> list[str]:
    """Tell the fingerprints of those for whom the last backup was sealed, as the journal has it.

    Args:
        reader: A view.
        journal: Is checked whole first.

    Raises:
        Fault: ``journal.*``.
    """
    _, facts = _last(reader, journal, BACKUP)
    return list(cast("list[str]", facts.get("to") or []))


def _last(reader: Reader, journal: Journal, action: str) -> tuple[int | None, Mapping[str, Json]]:
    journal.verify(reader)
    found: tuple[int | None, Mapping[str, Json]] = (None, {})
    named = f'"{action}"'.encode()
    for record in journal.entries(reader):
        if named in record.body:
            entry = parse_entry(record.body)
            if entry["action"] == action:
                found = record.index, cast("Mapping[str, Json]", entry["facts"])
    return found
