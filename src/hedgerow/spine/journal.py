"""The journal: every act is a leaf of a Merkle log, written in the act's own transaction."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from hedgerow.kernel.envelope import commit, open_sealed, seal
from hedgerow.kernel.merkle import Frontier, leaf_hash, open_checkpoint, root_of
from hedgerow.model.canonical import canonical, timestamp
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.keys import Binding
from hedgerow.model.ports import Clock, Reader, Transaction
from hedgerow.model.records import Commitment, JournalEntry, JournalHead
from hedgerow.model.uses import Actor, Json
from hedgerow.spine.attest import Attestor

FORMAT = 1
_SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class About:
    """A person an entry is about: the internal number and the person's key."""

    number: int
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Head:
    """The signed state of the journal."""

    size: int
    root: bytes
    checkpoint: str

    @property
    def root_text(self) -> str:
        """The root as a checkpoint writes it (base64)."""
        return base64.b64encode(self.root).decode("ascii")


class Journal:
    """Appends entries and signs the head.

    Guarantee: an entry is in the log exactly when the transaction it was written in is durable;
    altering, dropping, reordering or truncating entries changes a root that was signed.
    Source: RFC 6962 section 2.1; C2SP tlog-checkpoint.
    """

    def __init__(self, attestor: Attestor, tenant: str, clock: Clock) -> None:
        self._attestor = attestor
        self._tenant = tenant
        self._clock = clock

    def append(
        self,
        tx: Transaction,
        action: str,
        actor: Actor,
        facts: Mapping[str, Json],
        about: Sequence[About] = (),
    ) -> int:
        """Write one entry.

        Args:
            tx: The transaction of the act itself.
            action: What happened, for example ``"use.intend"``.
            actor: Who acted.
            facts: Canonical JSON without anything of a person.
            about: The people a single-person act is about; each leaves a salted commitment
                whose opening is sealed under that person's key.

        Returns:
            The index of the entry.
        """
        _, frontier = self._state(tx)
        index = frontier.size
        salts = [secrets.token_bytes(_SALT_BYTES) for _ in about]
        entry: dict[str, Json] = {
            "format": FORMAT,
            "index": index,
            "time": timestamp(self._clock.now()),
            "action": action,
            "actor": actor.as_json(),
            "facts": dict(facts),
        }
        if about:
            entry["about"] = [
                commit(salt, _subject_bytes(p.number)).hex() for salt, p in zip(salts, about, strict=True)
            ]
        body = canonical(entry)
        frontier.append(leaf_hash(body))
        checkpoint = self._attestor.checkpoint(frontier.size, frontier.root())
        tx.add([JournalEntry(index, body, checkpoint)])
        tx.add(
            Commitment(p.number, index, seal(p.key, salt, self._binding(p.number, index)))
            for salt, p in zip(salts, about, strict=True)
        )
        tx.put(JournalHead(0, frontier.to_bytes(), checkpoint))
        return index

    def _binding(self, number: int, index: int) -> Binding:
        return Binding(self._tenant, "journal-salt", number, str(index), FORMAT)

    def _state(self, reader: Reader) -> tuple[JournalHead | None, Frontier]:
        head = reader.get(JournalHead, 0)
        return head, Frontier.from_bytes(head.frontier) if head else Frontier()

    def head(self, reader: Reader) -> Head:
        """Read the signed head."""
        head, frontier = self._state(reader)
        text = head.checkpoint if head else self._attestor.checkpoint(0, frontier.root())
        return Head(frontier.size, frontier.root(), text)

    def leaf(self, reader: Reader, index: int) -> bytes:
        """Compute the leaf hash of one entry.

        Raises:
            Fault: ``journal.altered`` when there is no such entry.
        """
        entry = reader.get(JournalEntry, index)
        if entry is None:
            raise Fault("journal.altered", index=index)
        return leaf_hash(entry.body)

    def bodies(self, reader: Reader) -> list[bytes]:
        """Read every entry's bytes, in order."""
        return [entry.body for entry in reader.find(JournalEntry)]

    def erased_since(self, reader: Reader, dataset: str, entry: int) -> bool:
        """Tell whether somebody in a data set was erased after an entry was written."""
        erasures = self._since(reader, "subject.erase", entry)
        return any(dataset in cast("Sequence[str]", facts["datasets"]) for facts in erasures)

    def dropped_since(self, reader: Reader, dataset: str, entry: int) -> bool:
        """Tell whether a data set was dropped after an entry was written."""
        return any(facts["dataset"] == dataset for facts in self._since(reader, "dataset.drop", entry))

    def _since(self, reader: Reader, action: str, entry: int) -> list[Mapping[str, Json]]:
        later = list(range(entry + 1, self.head(reader).size))
        entries = [parse_entry(record.body) for record in reader.find_any(JournalEntry, "index", later)]
        return [cast("Mapping[str, Json]", e["facts"]) for e in entries if e["action"] == action]

    def verify(self, reader: Reader) -> list[bytes]:
        """Check every entry against the signed head.

        Returns:
            The leaf hashes, recomputed.

        Raises:
            Fault: ``journal.altered``, ``journal.truncated`` or ``journal.unsigned-tail`` with the first
                bad index; ``journal.bad-signature`` when the head itself is not signed by this key;
                ``journal.frontier-malformed`` when what the next head grows from is not its own.
        """
        entries, head = reader.find(JournalEntry), self.head(reader)
        signed = open_checkpoint(head.checkpoint, self._attestor.verifier)
        hashes = [leaf_hash(entry.body) for entry in entries]
        in_place = all(entry.index == at for at, entry in enumerate(entries))
        if in_place and len(hashes) == signed.size and root_of(hashes) == signed.root:
            if (head.size, head.root) != (signed.size, signed.root):
                # The next entry would be signed on top of it.
                raise Fault("journal.frontier-malformed", reason="it is not the one of the signed head")
            return hashes
        bad = self._first_bad(entries, hashes)
        if bad < min(len(entries), signed.size):
            raise Fault("journal.altered", index=bad)
        if len(entries) < signed.size:
            raise Fault("journal.truncated", signed=signed.size, size=len(entries), index=len(entries))
        raise Fault("journal.unsigned-tail", signed=signed.size, size=len(entries), index=signed.size)

    def _first_bad(self, entries: Sequence[JournalEntry], hashes: Sequence[bytes]) -> int:
        """Search for the first entry whose signed head no longer fits what precedes it.

        Once an entry is wrong, no later head fits, so that halving finds the first one.
        """
        good, bad = 0, len(entries)
        while good < bad:
            middle = (good + bad) // 2
            if self._fits(entries[middle], middle, hashes):
                good = middle + 1
            else:
                bad = middle
        return good

    def _fits(self, entry: JournalEntry, at: int, hashes: Sequence[bytes]) -> bool:
        try:
            signed = open_checkpoint(entry.checkpoint, self._attestor.verifier)
        except HedgerowError:
            return False
        return entry.index == at and signed.size == at + 1 and signed.root == root_of(hashes[: at + 1])

    def entries_about(self, reader: Reader, person: About) -> list[Mapping[str, Json]]:
        """Read the entries about one person, each opening checked against the leaf.

        Args:
            reader: A view.
            person: The person and key.

        Returns:
            The entries in order.
        """
        found: list[Mapping[str, Json]] = []
        for opening in reader.find(Commitment, number=person.number):
            entry = reader.get(JournalEntry, opening.entry)
            salt = open_sealed(person.key, opening.sealed, self._binding(person.number, opening.entry))
            if entry is None:
                continue
            parsed = parse_entry(entry.body)
            if commit(salt, _subject_bytes(person.number)).hex() in cast(
                "list[str]", parsed.get("about", [])
            ):
                found.append(parsed)
        return found


def _subject_bytes(number: int) -> bytes:
    return number.to_bytes(8, "big")


def parse_entry(body: bytes) -> Mapping[str, Json]:
    """Read an entry's JSON."""
    return cast("Mapping[str, Json]", json.loads(body))
