"""Master-key epochs: what lies under each, moving everything to a new one, and ending the old for good."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import cast

from hedgerow.kernel.envelope import epoch_head
from hedgerow.model.canonical import canonical, timestamp
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.keys import EpochState
from hedgerow.model.ports import Clock, Reader, Store, Transaction
from hedgerow.model.records import Certificate, QuarantineBatch, Setting, Subject
from hedgerow.model.uses import Actor, Json
from hedgerow.spine.attest import Attestor
from hedgerow.spine.departed import Departed, heard
from hedgerow.spine.erasure import LEFT_BEFORE, quarantine_caveat
from hedgerow.spine.escrows import escrow_caveat
from hedgerow.spine.forgotten import check_gone
from hedgerow.spine.hearing import Hearing
from hedgerow.spine.indexes import index_caveat
from hedgerow.spine.journal import Journal
from hedgerow.spine.keyring import WRAPPING, Keyring, Wrapping
from hedgerow.spine.requests import Requests

BATCH_ROWS = 20_000
LOGICAL, FINAL = "erasure-certificate", "final-erasure-certificate"
UNKNOWN_EPOCH = ""
_UNFINISHED = "keys.unfinished"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Move:
    """A change of epoch that was begun and has not ended.

    Args:
        leaving: The epochs that everything is moved away from.
        is_ending: Whether their keys shall be destroyed at the end.
        entry: The journal entry of its beginning.
    """

    leaving: tuple[str, ...]
    is_ending: bool
    entry: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What lies under which epoch.

    Args:
        epochs: Every epoch, the destroyed ones too, oldest first.
        records: For each epoch, how many records of each table lie under it; ``UNKNOWN_EPOCH`` stands for
            every epoch that the key backend does not know.
        unfinished: A change that was begun and has not ended.
        logical: Erasures that are not final yet, by certificate.
    """

    epochs: tuple[EpochState, ...]
    records: Mapping[str, Mapping[str, int]]
    unfinished: Move | None
    logical: tuple[str, ...]


def begun_move(reader: Reader) -> Move | None:
    """Find a change of epoch that was begun and has not ended."""
    setting = reader.get(Setting, _UNFINISHED)
    if setting is None or not setting.value:
        return None
    told = json.loads(setting.value)
    return Move(tuple(told["leaving"]), bool(told["is_ending"]), int(told["entry"]))


class Epochs:
    """Moves every wrapped key to a new epoch, online, and destroys the old.

    Guarantee: an epoch's key is destroyed only after a transaction has found nothing under it, and
    nothing can come under it afterwards; a move that was cut off goes on where it was.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        journal: Journal,
        attestor: Attestor,
        requests: Requests,
        clock: Clock,
        hearing: Hearing,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._journal = journal
        self._attestor = attestor
        self._requests = requests
        self._clock = clock
        self._hearing = hearing

    def survey(self, reader: Reader) -> Survey:
        """Tell what lies under which epoch."""
        epochs, found = self._keyring.backend.epochs(), dict[str, Counter[str]]()
        for kind in WRAPPING:
            left = reader.count(kind)
            # What is destroyed comes last: nothing should lie there, and then nobody counts it.
            for epoch in sorted(epochs, key=lambda each: each.destroyed is not None):
                many = _lying_under(reader, kind, epoch.id) if left else 0
                left -= many
                if many:
                    found.setdefault(epoch.id, Counter())[kind.TABLE] += many
            # Some records hold nothing wrapped; what is left then lies under a key nobody here knows.
            if left and (strange := left - reader.count(kind, wrapped=None)):
                found.setdefault(UNKNOWN_EPOCH, Counter())[kind.TABLE] += strange
        logical = tuple(body["certificate"] for body in self._pending(reader))
        return Survey(epochs, found, self.unfinished(reader), cast("tuple[str, ...]", logical))

    def pending(self, reader: Reader) -> list[dict[str, Json]]:
        """List what the certificates say of erasures that are not final."""
        return self._pending(reader)

    def unfinished(self, reader: Reader) -> Move | None:
        """Find a change that was begun and has not ended."""
        return begun_move(reader)

    def move(
        self,
        actor: Actor,
        *,
        is_ending: bool,
        progress: Progress | None = None,
        destroy_copies: Callable[[], None] = lambda: None,
    ) -> dict[str, Json]:
        """Wrap everything under a new epoch; then, when asked, destroy the keys of all older ones.

        Goes on with a change that was cut off instead of beginning another.

        Args:
            actor: Who asked.
            is_ending: Destroy the older keys, which makes the erasures so far final.
            progress: Told how many records were looked at, and of how many.
            destroy_copies: Destroys the copies of the older keys in backups, as far as they are in reach.

        Returns:
            The new epoch, how many records moved, the epochs destroyed and the certificates made.

        Raises:
            Fault: ``table.not-as-told`` or ``quarantine.altered`` where keys shall end and table files or
                waiting rows are not those the journal told last: they may be of somebody erased.
        """
        move = self._begin(actor, is_ending=is_ending)
        moved = self._rewrap(progress)
        destroyed: list[str] = []
        certificates: list[str] = []
        if move.is_ending:
            self._check_empty(move, actor)
            destroyed = self._destroy(move)
            destroy_copies()
        self._store.scrub()
        with self._store.write() as tx:
            if move.is_ending:
                certificates = self._finish(tx, actor, destroyed)
            tx.put(Setting(_UNFINISHED, ""))
        return {
            "epoch": self._keyring.backend.current_epoch(),
            "moved": moved,
            "destroyed": cast("Json", destroyed),
            "final": cast("Json", certificates),
        }

    def _begin(self, actor: Actor, *, is_ending: bool) -> Move:
        with self._store.read() as reader:
            begun = self.unfinished(reader)
            self._require_told(reader, is_ending=is_ending)
        if begun is not None and begun.is_ending >= is_ending:
            return begun
        backend = self._keyring.backend
        leaving = tuple(e.id for e in backend.epochs() if e.destroyed is None)
        kept_in = backend.name
        if begun is None:
            backend.new_epoch()
        else:
            leaving = begun.leaving
        with self._store.write() as tx:
            facts: dict[str, Json] = {
                "epoch": backend.current_epoch(),
                "leaving": list(leaving),
                "destroys": is_ending,
            }
            if backend.name != kept_in:
                facts["moves"] = [kept_in, backend.name]
            entry = self._journal.append(tx, "keys.epoch" if is_ending else "keys.rotate", actor, facts)
            tx.put(self._keyring.tell())
            told = {"leaving": list(leaving), "is_ending": is_ending, "entry": entry}
            tx.put(Setting(_UNFINISHED, json.dumps(told)))
        return Move(leaving, is_ending, entry)

    def _rewrap(self, progress: Progress | None) -> int:
        with self._store.read() as reader:
            total = sum(reader.count(kind) for kind in WRAPPING)
        seen = moved = 0
        for kind in WRAPPING:
            for looked_at, changed in self._batches(kind):
                seen, moved = seen + looked_at, moved + changed
                if progress is not None:
                    progress(min(seen, total), total)
        return moved

    def _batches(self, kind: type[Wrapping]) -> Iterator[tuple[int, int]]:
        """Move one kind of record, a transaction for each batch, so that others work in between."""
        if kind is Subject:
            yield from self._people_batches()
            return
        after: tuple[object, ...] | None = None
        while True:
            with self._store.write() as tx:
                page = tx.page(kind, after, BATCH_ROWS)
                if not page:
                    return
                keys, moved = _keys(page), self._keyring.moved(page)
                fresh = {keys[place]: new for place, new in moved.items()}
                tx.set_field(kind, "wrapped", fresh)
                after = keys[-1]
            yield len(page), len(fresh)

    def _people_batches(self) -> Iterator[tuple[int, int]]:
        """Move the keys of people as ``_batches`` does, as columns: a record for each would cost more."""
        after: tuple[object, ...] | None = None
        while True:
            with self._store.write() as tx:
                page = cast(
                    "list[tuple[int, bytes]]",
                    tx.rows_page(Subject, ("number", "wrapped"), after, BATCH_ROWS),
                )
                if not page:
                    return
                fresh = self._keyring.moved_people(page)
                tx.set_rows(Subject, "wrapped", fresh)
                after = (page[-1][0],)
            yield len(page), len(fresh)

    def _check_empty(self, move: Move, actor: Actor) -> None:
        """Say in the journal what is about to be destroyed, once nothing lies under it any more."""
        with self._store.write() as tx:
            if any(_lying_under(tx, kind, epoch) for kind in WRAPPING for epoch in move.leaving):
                raise Fault("keys.epoch-in-use")
            # What an erasure did not see must not outlive the key under which it would be final.
            self._requests.withdraw_overtaken(tx)
            # A changed certificate stops it while nothing is destroyed yet; so do rows and people put back.
            if self._pending(tx):
                self._check_gone(tx)
            self._require_told(tx, is_ending=True)
            self._journal.append(tx, "keys.destroy", actor, {"epochs": list(move.leaving)})

    def _require_told(self, reader: Reader, *, is_ending: bool) -> None:
        if is_ending:
            standing = self._hearing.told(reader).standing
            standing.require_files(reader)
            standing.require_waiting(reader)

    def _check_gone(self, reader: Reader) -> None:
        """Check that no key of somebody who was erased is among those that were moved on."""
        told = self._journal.proven(reader, 0, "subject.erase")
        erased = {str(cast("Mapping[str, Json]", entry["facts"]).get("number")) for entry in told}
        check_gone(self._attestor, reader.numbers(Subject, "number").tolist(), erased)

    def _destroy(self, move: Move) -> list[str]:
        backend = self._keyring.backend
        for epoch in backend.epochs():
            if epoch.id in move.leaving and epoch.destroyed is None:
                backend.destroy_epoch(epoch.id)
        return [epoch.id for epoch in backend.epochs() if epoch.id in move.leaving]

    def _pending(self, reader: Reader) -> list[dict[str, Json]]:
        """List what the certificates say of erasures that are not final."""
        certificates = reader.find(Certificate)
        final = {self._signed(c)["erasure"] for c in certificates if c.kind == FINAL}
        logical = [self._signed(c) for c in certificates if c.kind == LOGICAL]
        return [body for body in logical if body["certificate"] not in final]

    def _signed(self, certificate: Certificate) -> dict[str, Json]:
        """Read what a certificate says: what is certified next rests on it.

        Raises:
            Fault: ``records.differ`` where it is not the one that was signed under this name.
        """
        try:
            told = self._attestor.open_certificate(certificate.body.encode())
        except HedgerowError:
            raise Fault("records.differ", kind="certificates") from None
        body = cast("dict[str, Json]", told["body"])
        if (told["kind"], body["certificate"]) != (certificate.kind, certificate.id):
            raise Fault("records.differ", kind="certificates")
        return body

    def _finish(self, tx: Transaction, actor: Actor, destroyed: Sequence[str]) -> list[str]:
        """State for each erasure whose every epoch is destroyed that it is final."""
        gone = {e.id: e for e in self._keyring.backend.epochs() if e.destroyed is not None}
        ready = [body for body in self._pending(tx) if gone.keys() >= set(cast("list[str]", body["epochs"]))]
        names = ["c-" + secrets.token_hex(8) for _ in ready]
        final = {str(body["certificate"]): name for name, body in zip(names, ready, strict=True)}
        facts: dict[str, Json] = {"epochs": list(destroyed), "final": cast("Json", final)}
        entry = self._journal.append(tx, "keys.destroyed", actor, facts)
        not_covered: list[Json] = [LEFT_BEFORE.replace("here", "in the certificate of erasure")]
        not_covered += quarantine_caveat(tx.find(QuarantineBatch))
        told_by_journal = heard(tx, self._journal)
        not_covered += backups_caveat(told_by_journal, set(destroyed))
        leaf, now = self._journal.leaf(tx, entry), timestamp(self._clock.now())
        for name, erased in zip(names, ready, strict=True):
            copies = escrow_caveat(told_by_journal, cast("list[str]", erased["epochs"]))
            told = [*not_covered, *index_caveat(tx, told_by_journal.indexes, erased), *copies]
            body = self._final(name, erased, gone, entry) | {"not_covered": told}
            signed = canonical(self._attestor.certificate(FINAL, body, entry, leaf)).decode()
            tx.add([Certificate(name, FINAL, signed, now)])
        return names

    def _final(
        self, name: str, erased: Mapping[str, Json], gone: Mapping[str, EpochState], entry: int
    ) -> dict[str, Json]:
        backend = self._keyring.backend
        epochs = cast("list[str]", erased["epochs"])
        resting_on = dict.fromkeys(gone[epoch].assuming or backend.assuming for epoch in epochs)
        return {
            "certificate": name,
            "erasure": erased["certificate"],
            "state": "final",
            "erased": erased["erased"],
            "backend": backend.name,
            "epochs_destroyed": [{"epoch": epoch, "destroyed": gone[epoch].destroyed} for epoch in epochs],
            "assuming": "; ".join(resting_on) or backend.assuming,
            "journal_entry": entry,
        }


def backups_caveat(told: Departed, destroyed: set[str]) -> list[str]:
    """Say which backups may still hold a copy of the key file with destroyed keys, and until when.

    Of a token no key is in any backup; what lies under its destroyed keys opens with nothing.
    """
    return [
        f"the key set of backup {each.id} with the key file of its time, until {each.keys_until} at most"
        for each in (backup.backup for backup in told.backups.values())
        if not each.keys_gone and each.backend == "file" and destroyed & set(each.epochs.split(","))
    ]


def _lying_under(reader: Reader, kind: type[Wrapping], epoch: str) -> int:
    return reader.count_starting(kind, "wrapped", epoch_head(epoch))


def _keys(records: Sequence[Wrapping]) -> list[tuple[object, ...]]:
    names = records[0].KEY
    columns = (map(attrgetter(name), records) for name in names)
    return list(zip(*columns, strict=True))
