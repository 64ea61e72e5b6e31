"""What the journal, once verified, tells of copies outside and of erasures that a restore must repeat.

Records beside it can be changed by whoever writes to the database; what is certified, signed or destroyed
goes by this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from hedgerow.model.canonical import digest
from hedgerow.model.ports import Reader
from hedgerow.model.records import Backup
from hedgerow.model.uses import Json
from hedgerow.spine.journal import Journal, parse_entry

ERASE, KNOWN, DROP, EXPIRE = "subject.erase", "erasure.known", "dataset.drop", "erasure.expire"
BACKUP, PRUNE, ESCROW = "space.backup", "backup.prune", "keys.escrow"
# Leads nowhere: a place that is not the one in the journal is not written to, nor said to be reached.
NOWHERE = "/dev/null"
Facts = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ToldBackup:
    """A backup as its journal entries tell it.

    Args:
        backup: What the record must say; its two places are hashes here.
    """

    backup: Backup

    def is_told_by(self, record: Backup) -> bool:
        """Tell whether a record says the same."""
        return self.backup == replace(
            record,
            place=digest(record.place),
            keys_place=digest(record.keys_place),
            keys_gone="gone" if record.keys_gone else "",
        )

    def found(self, record: Backup | None) -> Backup:
        """Give the backup with the places of a record, as far as they are those of the journal."""
        places = ("", "") if record is None else (record.place, record.keys_place)
        hashes = (self.backup.place, self.backup.keys_place)
        place, keys_place = (
            said if digest(said) == told else NOWHERE for said, told in zip(places, hashes, strict=True)
        )
        return replace(self.backup, place=place, keys_place=keys_place)


@dataclass(frozen=True, slots=True)
class ToldEscrow:
    """Master keys that left, sealed: when, of which epochs and for whom."""

    when: str
    epochs: tuple[str, ...]
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToldErasure:
    """An erasure or a drop as its journal entry tells it.

    Args:
        entry: The entry.
        dataset: The data set; empty for a person.
        certificate: The certificate of erasure; empty for a data set.
        time: When a data set was dropped; empty for a person.
        until: The last day it is kept.
        bound: What only the journal's key makes of the person's line; empty for a data set.
    """

    entry: int
    dataset: str
    certificate: str
    time: str
    until: str
    bound: str


@dataclass(slots=True)
class Departed:
    """Backups by name, escrows in order, and erasures by entry.

    Entries of older versions tell less of an erasure; ``older`` holds the certificates of those.
    """

    backups: dict[str, ToldBackup] = field(default_factory=dict)
    escrows: list[ToldEscrow] = field(default_factory=list)
    erasures: dict[int, ToldErasure] = field(default_factory=dict)
    older: dict[int, str] = field(default_factory=dict)

    def heed(self, entry: Facts) -> None:
        """Take one entry in, in the order of the journal."""
        facts, index = cast("Facts", entry["facts"]), cast("int", entry["index"])
        match entry["action"]:
            case "space.backup":
                self._begun(facts, index)
            case "backup.prune":
                for name in cast("list[str]", facts["backups"]):
                    told = self.backups[name]
                    self.backups[name] = replace(told, backup=replace(told.backup, keys_gone="gone"))
            case "keys.escrow":
                epochs, named = (tuple(cast("list[str]", facts[name])) for name in ("epochs", "for"))
                self.escrows.append(ToldEscrow(str(entry["time"]), epochs, named))
            case "subject.erase" | "erasure.known" | "dataset.drop":
                self._erased(facts, index)
            case "erasure.expire":
                for over in cast("list[int]", facts["entries"]):
                    self.erasures.pop(over, None)
                    self.older.pop(over, None)
            case _:
                pass

    def _begun(self, facts: Facts, index: int) -> None:
        name = str(facts["backup"])
        texts = {key: str(facts[key]) for key in ("made", "keys_until", "place", "keys_place", "backend")}
        epochs = ",".join(cast("list[str]", facts["epochs"]))
        self.backups[name] = ToldBackup(Backup(id=name, entry=index, epochs=epochs, **texts))

    def _erased(self, facts: Facts, index: int) -> None:
        certificate = str(facts.get("certificate", ""))
        if "until" not in facts:
            self.older[index] = certificate
            return
        is_person = bool(certificate)
        self.erasures[index] = ToldErasure(
            index, "" if is_person else str(facts["dataset"]), certificate,
            "" if is_person else str(facts["dropped"]), str(facts["until"]),
            str(facts["line"]) if is_person else "",
        )  # fmt: skip


_HEEDED = (ERASE, KNOWN, DROP, EXPIRE, BACKUP, PRUNE, ESCROW)
_ERASING = tuple(f'"action":"{action}"'.encode() for action in (ERASE, KNOWN, DROP, EXPIRE))
_MARKS = tuple(f'"action":"{action}"'.encode() for action in _HEEDED)


def changes_erasures(body: bytes) -> bool:
    """Tell whether an entry may change the list of erasures."""
    return any(mark in body for mark in _ERASING)


def told_by_bodies(bodies: Iterable[bytes]) -> Departed:
    """Read entries as a story of what left."""
    told = Departed()
    for body in bodies:
        if any(mark in body for mark in _MARKS):
            told.heed(parse_entry(body))
    return told


def heard(reader: Reader, journal: Journal) -> Departed:
    """Verify the journal, and read what it tells in the same view.

    Args:
        reader: A view; what is told is true for it.
        journal: The journal.

    Raises:
        Fault: ``journal.*`` when it is not the signed one.
    """
    journal.verify(reader)
    return told_by_bodies(_bodies(reader, journal))


def _bodies(reader: Reader, journal: Journal) -> Iterator[bytes]:
    return (entry.body for entry in journal.entries(reader))
