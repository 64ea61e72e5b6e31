"""What backups leave in the workspace: which were made, and what a restore of an older one must repeat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from hedgerow.model.records.base import Record


@dataclass(frozen=True, slots=True)
class Backup(Record):
    """A backup that was begun; written before anything of it is, so that none is unknown.

    Args:
        id: A random name.
        made: When.
        entry: The journal entry of its beginning.
        keys_until: The last day of its key set (ISO date).
        place: The folder of its data set.
        keys_place: The folder of its key set.
        backend: The kind of key backend; with ``file`` a copy of the key file lies beside the key set.
        epochs: The master-key epochs its key set lies under, with commas between.
        keys_gone: When its key set was destroyed; empty while it is there or out of reach.
    """

    TABLE: ClassVar[str] = "backups"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    made: str
    entry: int
    keys_until: str
    place: str
    keys_place: str
    backend: str
    epochs: str
    keys_gone: str = ""


@dataclass(frozen=True, slots=True)
class Forgotten(Record):
    """An erasure of a person, or the drop of a data set, that a restore of an older backup repeats.

    Args:
        entry: Its journal entry.
        lookup: The keyed hash of the person's source id; empty for a data set.
        dataset: The data set; empty for a person.
        time: When.
        until: The last day it is kept (ISO date).
        certificate: The certificate of erasure; empty for a data set.
    """

    TABLE: ClassVar[str] = "forgotten"
    KEY: ClassVar[tuple[str, ...]] = ("entry",)
    entry: int
    lookup: bytes = field(repr=False)
    dataset: str
    time: str
    until: str
    certificate: str
