"""Where the head of the journal is kept outside the workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hedgerow.model.records.base import Record


@dataclass(frozen=True, slots=True)
class Witness(Record):
    """A place outside that holds the newest head, and the size it is known to have held."""

    TABLE: ClassVar[str] = "witnesses"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    place: str
    required: bool
    size: int
    time: str
