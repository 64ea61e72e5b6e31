"""The journal: every act is a leaf of a Merkle log, written in the act's own transaction."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from hedgerow.kernel.envelope import commit, open_sealed, seal
from hedgerow.kernel.merkle import Frontier, leaf_hash, leaf_hashes, open_checkpoint, root_of
from hedgerow.model.canonical import canonical, timestamp
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.keys import Binding
from hedgerow.model.ports import Clock, Reader, Transaction
from hedgerow.model.records import Commitment, JournalEntry, JournalHead, Setting
from hedgerow.model.uses import Actor, Json
from hedgerow.spine.attest import Attestor, is_mark
from hedgerow.spine.entries import entry_of, parse_entry

_PAGE = 4096
FORMAT = 1
_SALT_BYTES = 32
# How often the frontier is kept, so that a reading near the end need not begin at the first entry.
_STEP = 256
_KEPT = "journal.frontier."


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


@dataclass(slots=True)
class Gathered:
    """What one transaction has appended so far, to be signed once at its end.

    Args:
        tx: The transaction.
        frontier: The log with those entries; none before the first.
        last: The newest entry that no checkpoint was signed for yet; none when there is none.
        leaf: The leaf hash of that entry.
        has_grown: Whether anything was appended.
    """

    tx: Transaction
    frontier: Frontier | None = None
    last: int | None = None
    leaf: bytes = b""
    has_grown: bool = False


class Journal:
    """Appends entries and signs the head.

    Guarantee: an entry is in the log exactly when the transaction it was written in is durable;
    altering, dropping, reordering or truncating entries changes a root that was signed.
    Source: RFC 6962 section 2.1; C2SP tlog-checkpoint.
    """

    def __init__(self, attestor: Attestor, tenant: str, clock: Clock) -> None:
        self._attestor = attestor
        self.tenant = tenant
        self._clock = clock
        self._gathered: Gathered | None = None
        self._believed: JournalHead | None = None

    @contextmanager
    def gathering(self, tx: Transaction) -> Iterator[Gathered]:
        """Sign one checkpoint for all entries of a transaction, at its end.

        The store serialises the transactions of a process, so that there is one at a time.
        """
        gathered = self._gathered = Gathered(tx)
        try:
            yield gathered
            self._seal(gathered)
        finally:
            self._gathered = None

    def _seal(self, gathered: Gathered) -> None:
        """Sign the head over the entries gathered so far and store it with the newest of them."""
        if gathered.last is None or gathered.frontier is None:
            return
        frontier, tx = gathered.frontier, gathered.tx
        checkpoint = self._attestor.checkpoint(frontier.size, frontier.root())
        tx.set_field(JournalEntry, "checkpoint", {(gathered.last,): checkpoint})
        self._believed = JournalHead(0, frontier.to_bytes(), checkpoint)
        tx.put(self._believed)
        gathered.last = None

    def _gathered_in(self, reader: Reader) -> Gathered | None:
        gathered = self._gathered
        return gathered if gathered is not None and gathered.tx is reader else None

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
        salts = [secrets.token_bytes(_SALT_BYTES) for _ in about]
        commitments = [
            commit(salt, _subject_bytes(p.number)).hex() for salt, p in zip(salts, about, strict=True)
        ]
        index = self._write(tx, action, actor, [facts], {"about": commitments} if about else {})
        if about:
            tx.add(
                Commitment(p.number, index, seal(p.key, salt, self._binding(p.number, index)))
                for salt, p in zip(salts, about, strict=True)
            )
        return index

    def append_many(
        self, tx: Transaction, action: str, actor: Actor, each: Sequence[Mapping[str, Json]]
    ) -> range:
        """Write an entry for each of many acts of one kind that are committed together.

        Args:
            tx: Their transaction.
            action: What happened.
            actor: Who acted.
            each: The facts of each, canonical JSON without anything of a person; at least one.

        Returns:
            The indexes of the entries.
        """
        first = self._write(tx, action, actor, each, {})
        return range(first, first + len(each))

    def _write(
        self,
        tx: Transaction,
        action: str,
        actor: Actor,
        each: Sequence[Mapping[str, Json]],
        more: Mapping[str, Json],
    ) -> int:
        frontier = self._signed_state(tx)
        first, made, leaf = frontier.size, [], b""
        told: dict[str, Json] = {
            **more,
            "format": FORMAT,
            "time": timestamp(self._clock.now()),
            "action": action,
            "actor": actor.as_json(),
        }
        for index, facts in enumerate(each, first):
            body = canonical({**told, "index": index, "facts": dict(facts)})
            leaf = leaf_hash(body)
            frontier.append(leaf)
            # Until the group is signed, and for good on all but its last, a mark that only the key makes.
            made.append(JournalEntry(index, body, self._attestor.mark(index, leaf)))
            if frontier.size % _STEP == 0:
                kept = base64.b64encode(frontier.to_bytes()).decode("ascii")
                tx.put(Setting(f"{_KEPT}{frontier.size}", kept))
        tx.add(made)
        gathered = self._gathered_in(tx)
        here = gathered or Gathered(tx)
        here.frontier, here.last, here.leaf, here.has_grown = frontier, frontier.size - 1, leaf, True
        if gathered is None:
            self._seal(here)
        return first

    def _binding(self, number: int, index: int) -> Binding:
        return Binding(self.tenant, "journal-salt", number, str(index), FORMAT)

    def _state(self, reader: Reader) -> tuple[JournalHead | None, Frontier]:
        gathered = self._gathered_in(reader)
        if gathered is not None and gathered.frontier is not None and gathered.last is not None:
            return None, gathered.frontier
        head = reader.get(JournalHead, 0)
        return head, Frontier.from_bytes(head.frontier) if head else Frontier()

    def _signed_state(self, reader: Reader) -> Frontier:
        """Read what the log grows from, and hold it against the signature of its head.

        Raises:
            Fault: ``journal.frontier-malformed`` or ``journal.bad-signature``.
        """
        head, frontier = self._state(reader)
        if head is None or head == self._believed:
            return frontier
        signed = open_checkpoint(head.checkpoint, self._attestor.verifier)
        if (frontier.size, frontier.root()) != (signed.size, signed.root):
            raise Fault("journal.frontier-malformed", reason="it is not the one of the signed head")
        self._believed = head
        return frontier

    def head(self, reader: Reader) -> Head:
        """Read the signed head."""
        gathered = self._gathered_in(reader)
        if gathered is not None:
            self._seal(gathered)
        head, frontier = self._state(reader)
        text = head.checkpoint if head else self._attestor.checkpoint(0, frontier.root())
        return Head(frontier.size, frontier.root(), text)

    def root_at(self, reader: Reader, size: int) -> bytes:
        """Tell the root the log had at a size up to its own.

        Raises:
            Fault: ``journal.altered`` when the entries before are not all there.
        """
        if size == 0:
            return Frontier().root()
        entry = reader.get(JournalEntry, size - 1)
        if entry is not None and not is_mark(entry.checkpoint):
            return open_checkpoint(entry.checkpoint, self._attestor.verifier).root
        frontier = Frontier()
        for held in self.entries(reader):
            if frontier.size == size:
                break
            frontier.append(leaf_hash(held.body))
        if frontier.size < size:
            raise Fault("journal.altered", index=frontier.size)
        return frontier.root()

    def entries(self, reader: Reader, start: int = 0) -> Iterator[JournalEntry]:
        """Read the entries from an index on in order, a page at a time."""
        for page in self._pages(reader, start):
            yield from page

    def _pages(self, reader: Reader, start: int = 0) -> Iterator[list[JournalEntry]]:
        after: tuple[object, ...] | None = (start - 1,) if start else None
        while page := reader.page(JournalEntry, after, _PAGE):
            yield page
            after = (page[-1].index,)

    def leaf(self, reader: Reader, index: int) -> bytes:
        """Compute the leaf hash of one entry.

        Raises:
            Fault: ``journal.altered`` when there is no such entry.
        """
        gathered = self._gathered_in(reader)
        if gathered is not None and gathered.last == index:
            return gathered.leaf
        entry = reader.get(JournalEntry, index)
        if entry is None:
            raise Fault("journal.altered", index=index)
        return leaf_hash(entry.body)

    def bodies(self, reader: Reader) -> list[bytes]:
        """Read every entry's bytes, in order."""
        return [entry.body for entry in reader.find(JournalEntry)]

    def proven(self, reader: Reader, first: int, *actions: str) -> list[Mapping[str, Json]]:
        """Read the entries that something is decided by: each is one that the signed head was signed over.

        Args:
            reader: A view.
            first: The index to begin at, 0 or more.
            actions: Keep these alone; all where none is named.

        Returns:
            The entries kept, in order, read.

        Raises:
            Fault: ``journal.altered`` and the others of ``verify`` when a row from there to the end is
                changed, replaced, left out, added or moved.

        Cost:
            A row and a hash for each entry from ``first`` on and at most 255 before; in a journal of an
            older version, whose frontiers were not kept, for each entry of the journal.
        """
        signed = self._signed_state(reader)
        if first >= signed.size:
            newest = reader.newest(JournalEntry)
            if newest is not None and newest.index >= signed.size:
                self.verify(reader)
                raise Fault("journal.altered", index=signed.size)
            return []
        for begin in (self._kept(reader, first), Frontier()):
            found = self._replayed(reader, begin, first, actions)
            if (begin.size, begin.root()) == (signed.size, signed.root()):
                return _of(actions, found)
        self.verify(reader)
        raise Fault("journal.altered", index=first)

    def signed_state(self, reader: Reader) -> tuple[int, bytes]:
        """Read the size and the frontier (bytes) that the signed head was signed over.

        Raises:
            Fault: ``journal.frontier-malformed`` or ``journal.bad-signature``.
        """
        frontier = self._signed_state(reader)
        return frontier.size, frontier.to_bytes()

    def proven_after(
        self, reader: Reader, begin: bytes, *actions: str
    ) -> tuple[list[Mapping[str, Json]], int, bytes] | None:
        """Read the entries after a state of the log that was proven before, as ``proven`` does.

        Args:
            reader: A view.
            begin: The frontier of that state.
            actions: Keep these alone.

        Returns:
            The entries kept, in order, and the size and frontier now; none where the signed log is not that
            state and the rows after it.
        """
        grown, signed = Frontier.from_bytes(begin), self._signed_state(reader)
        if signed.to_bytes() == begin:
            return [], signed.size, begin
        if grown.size > signed.size:
            return None
        found = self._replayed(reader, grown, grown.size, actions)
        is_signed = (grown.size, grown.root()) == (signed.size, signed.root())
        return (_of(actions, found), signed.size, signed.to_bytes()) if is_signed else None

    def _kept(self, reader: Reader, size: int) -> Frontier:
        """Find a frontier kept before a size; it is as good as the root that is read from it in the end."""
        held = reader.get(Setting, f"{_KEPT}{size // _STEP * _STEP}")
        try:
            kept = Frontier() if held is None else Frontier.from_bytes(base64.b64decode(held.value))
        except (ValueError, Fault):
            return Frontier()
        # A later one fits the root as well, and would leave out the entries between.
        return kept if kept.size <= size else Frontier()

    def _replayed(self, reader: Reader, begin: Frontier, first: int, actions: Sequence[str]) -> list[bytes]:
        """Let a frontier grow by the entries after it; give those that may be asked for, unread as yet."""
        found: list[bytes] = []
        names = [action.encode() for action in actions]
        for page in self._pages(reader, begin.size):
            begin.extend(leaf_hashes([each.body for each in page]))
            for at, record in enumerate(page, begin.size - len(page)):
                if at >= first and (not names or any(name in record.body for name in names)):
                    found.append(record.body)
        return found

    def erased_since(self, reader: Reader, dataset: str, entry: int) -> bool:
        """Tell whether somebody in a data set was erased after an entry was written."""
        erasures = self._since(reader, "subject.erase", entry)
        return any(dataset in cast("Sequence[str]", facts["datasets"]) for facts in erasures)

    def dropped_since(self, reader: Reader, dataset: str, entry: int) -> bool:
        """Tell whether a data set was dropped after an entry was written."""
        return any(facts["dataset"] == dataset for facts in self._since(reader, "dataset.drop", entry))

    def _since(self, reader: Reader, action: str, entry: int) -> list[Mapping[str, Json]]:
        return [cast("Mapping[str, Json]", e["facts"]) for e in self.proven(reader, entry + 1, action)]

    def verify(self, reader: Reader, sizes: Sequence[int] = ()) -> dict[int, bytes]:
        """Check every entry against the signed head, in one pass that keeps no entry.

        Args:
            reader: A view.
            sizes: Earlier sizes of which the root is wanted; those past the end are left out.

        Returns:
            The roots the log had at these sizes, and at its own.

        Raises:
            Fault: ``journal.altered``, ``journal.truncated`` or ``journal.unsigned-tail`` with the first
                bad index; ``journal.bad-signature`` when the head itself is not signed by this key;
                ``journal.frontier-malformed`` when what the next head grows from is not its own.
        """
        head = self.head(reader)
        signed = open_checkpoint(head.checkpoint, self._attestor.verifier)
        frontier, roots, in_place = Frontier(), {}, True
        wanted = sorted(set(sizes), reverse=True)
        for page in self._pages(reader):
            in_place = in_place and [each.index for each in page] == list(
                range(frontier.size, frontier.size + len(page))
            )
            start, hashes = frontier.size, leaf_hashes([each.body for each in page])
            while wanted and wanted[-1] <= start + len(hashes):
                size = wanted.pop()
                frontier.extend(hashes[frontier.size - start : size - start])
                roots[size] = frontier.root()
            frontier.extend(hashes[frontier.size - start :])
        roots[frontier.size] = frontier.root()
        if in_place and (frontier.size, roots[frontier.size]) == (signed.size, signed.root):
            if (head.size, head.root) != (signed.size, signed.root):
                # The next entry would be signed on top of it.
                raise Fault("journal.frontier-malformed", reason="it is not the one of the signed head")
            return roots
        bad = self._first_bad(reader)
        if bad < min(frontier.size, signed.size):
            raise Fault("journal.altered", index=bad)
        if frontier.size < signed.size:
            raise Fault("journal.truncated", signed=signed.size, size=frontier.size, index=frontier.size)
        raise Fault("journal.unsigned-tail", signed=signed.size, size=frontier.size, index=signed.size)

    def _first_bad(self, reader: Reader) -> int:
        """Search for the first entry that what was stored with it no longer fits.

        A head that was signed with an entry fits all before it or, once one of them is wrong, never
        again, so that halving over the signed heads finds the commit; in it each entry but the last
        has a mark of its own.
        """
        hashes: list[bytes] = []
        signed: list[int] = []
        for at, entry in enumerate(self.entries(reader)):
            hashes.append(leaf_hash(entry.body))
            if not is_mark(entry.checkpoint):
                signed.append(at)
        good, bad = 0, len(signed)
        while good < bad:
            middle = (good + bad) // 2
            if self._fits(reader, signed[middle], hashes):
                good = middle + 1
            else:
                bad = middle
        start = signed[good - 1] + 1 if good else 0
        end = signed[good] if good < len(signed) else len(hashes)
        return self._first_unmarked(reader, start, end, hashes)

    def _first_unmarked(self, reader: Reader, start: int, end: int, hashes: Sequence[bytes]) -> int:
        """Find the first entry of a commit whose mark does not fit; its last, which has none, if all do."""
        for at, entry in enumerate(self.entries(reader)):
            if start <= at < end:
                mark = self._attestor.mark(at, hashes[at])
                if entry.index != at or not secrets.compare_digest(entry.checkpoint, mark):
                    return at
        return end

    def _fits(self, reader: Reader, at: int, hashes: Sequence[bytes]) -> bool:
        entry = reader.get(JournalEntry, at)
        try:
            signed = None if entry is None else open_checkpoint(entry.checkpoint, self._attestor.verifier)
        except HedgerowError:
            return False
        return signed is not None and signed.size == at + 1 and signed.root == root_of(hashes[: at + 1])

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
            parsed = entry_of(entry)
            if commit(salt, _subject_bytes(person.number)).hex() in cast(
                "list[str]", parsed.get("about", [])
            ):
                found.append(parsed)
        return found


def _subject_bytes(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _of(actions: Sequence[str], bodies: Sequence[bytes]) -> list[Mapping[str, Json]]:
    """Read entries that were proven, and keep those of some actions; all where none is named."""
    return [entry for entry in map(parse_entry, bodies) if not actions or entry["action"] in actions]
