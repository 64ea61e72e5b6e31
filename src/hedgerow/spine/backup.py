"""Backups: what one holds, which were made, and the list of erasures that a restore must repeat."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, cast

from hedgerow.kernel.merkle import VerifierKey, open_document, sign_document
from hedgerow.model.canonical import digest, timestamp
from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.ports import Clock, Reader, Store, Transaction
from hedgerow.model.records import ALL_RECORDS, Backup, Bucket, Forgotten, Record, Setting, Tombstone
from hedgerow.model.uses import Actor, Json
from hedgerow.spine.attest import Attestor
from hedgerow.spine.departed import EXPIRE, Departed
from hedgerow.spine.forgotten import checked, is_line_of, known_by, known_erasures, line_json
from hedgerow.spine.hearing import Hearing
from hedgerow.spine.journal import Head, Journal
from hedgerow.spine.keyring import WRAPPING, Keyring
from hedgerow.spine.recordstream import frames

MANIFEST, ERASURES = "hedgerow/backup/v1", "hedgerow/erasures/v1"
TOLD = "backup.told"
KEY_KINDS: tuple[type[Record], ...] = WRAPPING
DATA_KINDS: tuple[type[Record], ...] = tuple(kind for kind in ALL_RECORDS if kind not in WRAPPING)


@dataclass(frozen=True, slots=True)
class Listed:
    """An erasure or a drop as the list of a backup's folder tells it.

    Args:
        entry: Its journal entry.
        lookup: The keyed hash of the person's source id; empty for a data set.
        dataset: The data set; empty for a person.
        time: When.
        until: The last day its tombstone is kept.
        certificate: The certificate of erasure.
    """

    entry: int
    lookup: bytes
    dataset: str
    time: str
    until: str
    certificate: str

    def as_json(self) -> dict[str, Json]:
        """Write it as the list has it."""
        return line_json(
            Forgotten(self.entry, self.lookup, self.dataset, self.time, self.until, self.certificate)
        )


@dataclass(frozen=True, slots=True)
class ErasureList:
    """A list of erasures whose signature holds.

    Args:
        time: When it was written.
        size: Entries of the journal then: what came later it cannot know.
        known: The hash of what it tells of its own journal, as the head kept outside has it.
        backups: The backups that had been begun then.
        own: How many lines are of its own journal.
        erased: What it tells: its own first, then those of other lines of the workspace.
        line: The line of the workspace that wrote it; none where an older version did, which does not tell.
    """

    time: str
    size: int
    known: str
    backups: frozenset[str]
    own: int
    erased: tuple[Listed, ...]
    line: str | None = None

    def known_at(self, size: int) -> list[str]:
        """Hash what it tells, and what it told of the journal at a size that it reaches."""
        own = self.erased[: self.own]
        whole = known_by(each.as_json() for each in own)
        if self.size < size:
            return [whole]
        return [whole, known_by(each.as_json() for each in own if each.entry < size)]


class Backups:
    """Begins backups, gives their content and remembers them.

    Guarantee: a backup is in the records before any of it is written; its two parts and the head are of one
    moment; no master key is in either part.

    Args:
        store: The records.
        keyring: Names the epochs.
        journal: Tells of each backup.
        attestor: Signs manifests and lists.
        clock: The time.
        hearing: Tells what the journal tells.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        journal: Journal,
        attestor: Attestor,
        clock: Clock,
        hearing: Hearing,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._journal = journal
        self._attestor = attestor
        self._clock = clock
        self._hearing = hearing

    def begin(
        self, actor: Actor, place: str, keys_place: str, keep_keys: timedelta, to: Sequence[str]
    ) -> Backup:
        """Write down that a backup begins, before any of it is written.

        Args:
            actor: Who makes it.
            place: The folder of its data set.
            keys_place: The folder of its key set.
            keep_keys: How long the key set is kept.
            to: Fingerprints of those it is sealed for.
        """
        moment = self._clock.now()
        name, until = "b-" + secrets.token_hex(8), (moment + keep_keys).date().isoformat()
        backend, made = self._keyring.backend, timestamp(moment)
        with self._store.write() as tx:
            epochs = self._keyring.held(tx)
            facts: dict[str, Json] = {
                "backup": name,
                "keys_until": until,
                "to": list(to),
                "epochs": cast("Json", epochs),
                "made": made,
                "backend": backend.name,
                "place": digest(place),
                "keys_place": digest(keys_place),
            }
            entry = self._journal.append(tx, "space.backup", actor, facts)
            record = Backup(name, made, entry, until, place, keys_place, backend.name, ",".join(epochs))
            tx.add([record])
        return record

    def part(self, reader: Reader, backup: Backup, part: str) -> Iterator[bytes]:
        """Give one part of a backup as a stream.

        Args:
            reader: The one view that both parts are read from.
            backup: The backup.
            part: ``"data"`` or ``"keys"``.
        """
        kinds = KEY_KINDS if part == "keys" else DATA_KINDS
        return frames(reader, kinds, self.about(backup.id, part))

    def about(self, backup: str, part: str) -> dict[str, Json]:
        """Say what a part's stream belongs to."""
        return about(self._keyring.tenant, backup, part)

    def table_files(self, reader: Reader) -> list[str]:
        """Name the table files of the current versions."""
        return sorted({str(name) for name in reader.values(Bucket, "file")})

    def head(self, reader: Reader) -> Head:
        """Read the head of the journal that belongs to the parts."""
        return self._journal.head(reader)

    def manifest(self, head: Head, backup: Backup, files: Sequence[Mapping[str, Json]]) -> bytes:
        """Write the signed manifest of a backup; it is written last, and without it there is no backup.

        Args:
            head: The head of the view that its parts were read from.
            backup: The backup.
            files: ``name``, ``bytes`` and ``sha256`` of each file.
        """
        attestor = self._attestor
        body: dict[str, object] = {
            "format": MANIFEST,
            "backup": backup.id,
            "tenant": self._keyring.tenant,
            "origin": attestor.origin,
            "key": VerifierKey(attestor.origin, attestor.verifier).to_text(),
            "fingerprint": attestor.fingerprint,
            "made": backup.made,
            "keys_until": backup.keys_until,
            "backend": backup.backend,
            "epochs": backup.epochs.split(","),
            "size": head.size,
            "root": head.root_text,
            "checkpoint": head.checkpoint,
            "files": [dict(each) for each in files],
        }
        return sign_document(body, attestor.origin, attestor.signer)

    def erasures(self, reader: Reader, beside: bytes = b"") -> bytes:
        """Write the signed list of erasures and drops, for every folder that holds a backup.

        Args:
            reader: A view.
            beside: The list that it replaces. What that tells beyond this one is kept: it is of another
                line, one that was restored from an earlier backup or that this one was restored from.

        Raises:
            Fault: ``journal.*``, or ``records.differ`` where it would not be what the journal tells.
        """
        attestor, told = self._attestor, self._heard(reader)
        own = [line_json(line) for line in checked(reader, told, attestor)]
        body: dict[str, object] = {
            "format": ERASURES,
            "tenant": self._keyring.tenant,
            "origin": attestor.origin,
            "fingerprint": attestor.fingerprint,
            "time": timestamp(self._clock.now()),
            "size": self._journal.head(reader).size,
            "known": known_by(own),
            "backups": sorted(told.backups),
            "own": len(own),
            "line": told.line,
            "erased": [*own, *self._told_beside(beside, own)],
        }
        return sign_document(body, attestor.origin, attestor.signer)

    def _told_beside(self, beside: bytes, own: Sequence[Mapping[str, Json]]) -> list[dict[str, object]]:
        """Find what a list of this workspace tells of others than ours, unless its time is over."""
        try:
            told = self._signed(beside)
            listed = [cast("dict[str, object]", each) for each in _list(told["erased"]) if _listed(each)]
        except (HedgerowError, KeyError, TypeError, ValueError):
            return []
        known = newest_told(own)
        today = self._clock.now().date().isoformat()
        return [each for each in listed if str(each["until"]) >= today and not is_told_in(known, each)]

    def of_others(self, reader: Reader, raw: bytes) -> list[Listed]:
        """Read from a list that ``erasures`` wrote whom other lines erased and this one has to.

        Args:
            reader: A view.
            raw: The list.

        Returns:
            Nobody where this workspace was never restored: the other line is a drill of it then.
        """
        told = json.loads(raw)
        if not self._heard(reader).line:
            return []
        return [_listed(each) for each in told["erased"][told["own"] :]]

    def read_erasures(self, raw: bytes, backup: str, size: int) -> ErasureList:
        """Read a list of erasures for a backup.

        Args:
            raw: The file.
            backup: The backup that is restored.
            size: Entries of the journal in it.

        Raises:
            CallerError: ``backup.list-older`` when the list was written before the backup.
            Fault: ``backup.list-foreign`` or ``backup.list-changed``.
        """
        told = self._signed(raw)
        try:
            found = ErasureList(
                str(told["time"]), _whole(told["size"]), str(told["known"]),
                frozenset(map(str, _list(told["backups"]))),
                _whole(told["own"]),
                tuple(_listed(each) for each in _list(told["erased"])),
                str(told["line"]) if "line" in told else None,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError):
            raise Fault("backup.list-changed") from None
        if found.known != found.known_at(0)[0]:
            raise Fault("backup.list-changed")
        if told.get("tenant") != self._keyring.tenant or told.get("format") != ERASURES:
            raise Fault("backup.list-foreign")
        if found.size < size:
            raise CallerError("backup.list-older", time=found.time)
        # Of another line of the same workspace, one that was restored from an earlier backup.
        if backup not in found.backups:
            raise Fault("backup.list-foreign")
        return found

    def _signed(self, raw: bytes) -> dict[str, object]:
        attestor = self._attestor
        try:
            told = json.loads(raw)
            is_own = told["fingerprint"] == attestor.fingerprint and told["origin"] == attestor.origin
        except (ValueError, TypeError, KeyError, RecursionError):
            raise Fault("backup.list-changed") from None
        if not is_own:
            raise Fault("backup.list-foreign")
        try:
            return open_document(raw, attestor.origin, attestor.verifier)
        except HedgerowError:
            raise Fault("backup.list-changed") from None

    def outstanding(self, reader: Reader) -> list[Backup]:
        """List the backups whose key set is not known to be destroyed, by the verified journal.

        Their places are those of the records where the journal says the same, else nowhere.

        Raises:
            Fault: ``journal.*`` when the journal is not the signed one.
        """
        held = {backup.id: backup for backup in reader.find(Backup)}
        told = self._heard(reader).backups.values()
        return [each.found(held.get(each.backup.id)) for each in told if not each.backup.keys_gone]

    def line(self, reader: Reader) -> str:
        """Name the line of the workspace, by the verified journal: empty where it was never restored.

        Raises:
            Fault: ``journal.*`` when the journal is not the signed one.
        """
        return self._heard(reader).line

    def sealed_for(self, reader: Reader) -> list[str]:
        """Tell the fingerprints of those for whom the last backup was sealed, by the verified journal.

        Raises:
            Fault: ``journal.*`` when the journal is not the signed one.
        """
        return list(self._heard(reader).sealed_for)

    def _heard(self, reader: Reader) -> Departed:
        return self._hearing.told(reader)

    def has_heard_much(self) -> bool:
        """Tell whether what the journal told last is worth keeping: the next need not read it again."""
        return self._hearing.is_due()

    def keep_heard(self, tx: Transaction) -> None:
        """Keep it, where it is."""
        self._hearing.keep(tx)

    def is_due(self, reader: Reader, today: date) -> bool:
        """Tell by the records alone, as each opening asks, whether some key set may be over."""
        held = reader.find(Backup)
        return any(not each.keys_gone and each.keys_until < today.isoformat() for each in held)

    def expired(self, reader: Reader, today: date) -> list[Backup]:
        """List those of them whose last day is over."""
        return [backup for backup in self.outstanding(reader) if backup.keys_until < today.isoformat()]

    def untold(self, reader: Reader) -> bool:
        """Tell whether an erasure was not told in every folder with backups."""
        if all(backup.keys_gone for backup in reader.find(Backup)):
            return False
        told = reader.get(Setting, TOLD)
        return (told.value if told is not None else "") != known_erasures(reader)

    def note_told(self, tx: Transaction, known: str) -> None:
        """Remember which erasures every folder was told."""
        tx.put(Setting(TOLD, known))

    def expire(self, tx: Transaction, actor: Actor) -> int:
        """Forget erasures whose time is over by the journal, of data sets and of people collected again.

        Returns:
            How many.
        """
        today = self._clock.now().date().isoformat()
        stones = set(tx.values(Tombstone, "certificate"))
        over = [each for each in tx.find(Forgotten) if each.until < today and each.certificate not in stones]
        if not over:
            return 0
        try:
            told = self._heard(tx).erasures
        except Fault:
            return 0  # the audit says what is wrong; nothing is forgotten meanwhile
        gone = [
            each.entry
            for each in over
            if each.entry in told and is_line_of(told[each.entry], each, self._attestor)
        ]
        if gone:
            self._journal.append(tx, EXPIRE, actor, {"entries": cast("Json", gone)})
        return sum(tx.remove(Forgotten, entry=entry) for entry in gone)

    def note_gone(self, tx: Transaction, actor: Actor, backups: Sequence[Backup], why: str) -> None:
        """Remember that key sets were destroyed."""
        if not backups:
            return
        facts: dict[str, Json] = {"backups": [backup.id for backup in backups], "why": why}
        self._journal.append(tx, "backup.prune", actor, facts)
        now = timestamp(self._clock.now())
        for backup in backups:
            tx.put(replace(backup, keys_gone=now))


def newest_told(lines: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Tell of each person and data set of a list when it was erased or dropped last."""
    newest: dict[tuple[str, str], str] = {}
    for each in lines:
        what = str(each["lookup"]), str(each["dataset"])
        newest[what] = max(newest.get(what, ""), str(each["time"]))
    return newest


def is_told_in(newest: Mapping[tuple[str, str], str], line: Mapping[str, Any]) -> bool:
    """Tell whether a list tells an erasure, or a later one of the same: who came again may go again."""
    return newest.get((str(line["lookup"]), str(line["dataset"])), "") >= str(line["time"])


def about(tenant: str, backup: str, part: str) -> dict[str, Json]:
    """Say what a part's stream belongs to."""
    return {"tenant": tenant, "backup": backup, "part": part}


def _listed(told: object) -> Listed:
    if not isinstance(told, dict):
        raise TypeError
    lookup, dataset = bytes.fromhex(told["lookup"]), str(told["dataset"])
    if bool(lookup) == bool(dataset):
        raise ValueError
    return Listed(
        _whole(told["entry"]),
        lookup,
        dataset,
        str(told["time"]),
        str(told["until"]),
        str(told["certificate"]),
    )


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError
    return value
