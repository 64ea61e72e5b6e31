"""What the journal, once verified, tells of copies outside and of erasures that a restore must repeat.

Records beside it can be changed by whoever writes to the database; what is certified, signed or destroyed
goes by this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, replace
from typing import Any, cast

from hedgerow.model.canonical import digest
from hedgerow.model.ports import Reader
from hedgerow.model.records import Backup
from hedgerow.model.uses import Json
from hedgerow.spine.entries import parse_entry
from hedgerow.spine.journal import Journal
from hedgerow.spine.standing import Standing

ERASE, KNOWN, DROP, EXPIRE = "subject.erase", "erasure.known", "dataset.drop", "erasure.expire"
BACKUP, PRUNE, ESCROW, RESTORED = "space.backup", "backup.prune", "keys.escrow", "space.restored"
INDEX = "dataset.index"
COLLECT, DISCARD, EXPIRED = "collect", "quarantine.discard", "quarantine.expire"
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

    Entries of older versions tell less of an erasure; ``older`` holds the certificates of those. ``line``
    names the line of the workspace: empty for one that was never restored. What was restored from a backup
    is a new one, and does not speak for the old: both hold the same keys and the same name, and the journal
    alone tells them apart. ``sealed_for`` has the fingerprints of those for whom the last backup was sealed.
    ``indexes`` tells of each version of a search index, by data set, column and version, when it was made.
    ``standing`` has what is there to go on from: table files and waiting rows.
    """

    backups: dict[str, ToldBackup] = field(default_factory=dict)
    escrows: list[ToldEscrow] = field(default_factory=list)
    erasures: dict[int, ToldErasure] = field(default_factory=dict)
    older: dict[int, str] = field(default_factory=dict)
    line: str = ""
    sealed_for: tuple[str, ...] = ()
    indexes: dict[tuple[str, str, int], str] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)

    def with_more(self, entries: Sequence[Facts]) -> Departed:
        """Give what is told once further entries are heard, in the order of the journal."""
        if not entries:
            return self
        more = Departed(
            dict(self.backups), list(self.escrows), dict(self.erasures), dict(self.older), self.line,
            self.sealed_for, dict(self.indexes), self.standing.copy(),
        )  # fmt: skip
        for entry in entries:
            more.heed(entry)
        return more

    def as_json(self) -> dict[str, Json]:
        """Write it down, to be read on from."""
        return {
            "backups": [cast("Json", asdict(each.backup)) for each in self.backups.values()],
            "escrows": [[each.when, list(each.epochs), list(each.recipients)] for each in self.escrows],
            "erasures": [list(astuple(each)) for each in self.erasures.values()],
            "older": [[entry, certificate] for entry, certificate in self.older.items()],
            "line": self.line,
            "sealed_for": list(self.sealed_for),
            "indexes": [[*key, made] for key, made in self.indexes.items()],
            "standing": self.standing.as_json(),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Departed:
        """Read what ``as_json`` wrote."""
        return cls(
            {each["id"]: ToldBackup(Backup(**each)) for each in told["backups"]},
            [ToldEscrow(when, tuple(epochs), tuple(named)) for when, epochs, named in told["escrows"]],
            {each[0]: ToldErasure(*each) for each in told["erasures"]},
            dict(told["older"]),
            told["line"],
            tuple(told["sealed_for"]),
            {(dataset, column, version): made for dataset, column, version, made in told["indexes"]},
            Standing.from_json(told["standing"]),
        )

    def heed(self, entry: Facts) -> None:
        """Take one entry in, in the order of the journal."""
        self.standing.heed(entry)
        facts, index = cast("Facts", entry["facts"]), cast("int", entry["index"])
        match entry["action"]:
            case "space.backup":
                self._begun(facts, index)
            case "backup.prune":
                for name in cast("list[str]", facts["backups"]):
                    told = self.backups[name]
                    self.backups[name] = replace(told, backup=replace(told.backup, keys_gone="gone"))
            case "space.restored":
                self.line = str(facts.get("line") or index)
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
                self._indexed(str(entry["action"]), facts, str(entry["time"]))

    def _indexed(self, action: str, facts: Facts, time: str) -> None:
        if not action.startswith(INDEX):
            return
        dataset, column = str(facts["dataset"]), str(facts["column"])
        if action == INDEX:
            self.indexes[dataset, column, cast("int", facts["version"])] = time
            return
        key = (dataset, column, cast("int", facts.get("version") or 0))
        made = self.indexes.get(key, time)
        self._unindexed(dataset, column)
        if action == f"{INDEX}.built":
            self.indexes[key] = made

    def _unindexed(self, dataset: str, column: str | None) -> None:
        for key in [key for key in self.indexes if key[0] == dataset and column in (None, key[1])]:
            del self.indexes[key]

    def _begun(self, facts: Facts, index: int) -> None:
        name = str(facts["backup"])
        texts = {key: str(facts[key]) for key in ("made", "keys_until", "place", "keys_place", "backend")}
        epochs = ",".join(cast("list[str]", facts["epochs"]))
        self.backups[name] = ToldBackup(Backup(id=name, entry=index, epochs=epochs, **texts))
        self.sealed_for = tuple(cast("list[str]", facts.get("to") or []))

    def _erased(self, facts: Facts, index: int) -> None:
        certificate = str(facts.get("certificate", ""))
        if not certificate:
            self._unindexed(str(facts["dataset"]), None)
        if "until" not in facts:
            self.older[index] = certificate
            return
        is_person = bool(certificate)
        self.erasures[index] = ToldErasure(
            index, "" if is_person else str(facts["dataset"]), certificate,
            "" if is_person else str(facts["dropped"]), str(facts["until"]),
            str(facts["line"]) if is_person else "",
        )  # fmt: skip


HEEDED = (
    ERASE, KNOWN, DROP, EXPIRE, BACKUP, PRUNE, ESCROW, RESTORED,
    INDEX, f"{INDEX}.built", f"{INDEX}.drop", f"{INDEX}.refuse", COLLECT, DISCARD, EXPIRED,
)  # fmt: skip
_MARKS = tuple(f'"action":"{action}"'.encode() for action in HEEDED)


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
