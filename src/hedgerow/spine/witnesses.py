"""Witnesses: places outside the workspace that follow the head of the journal and what was spent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.ports import Clock, HeadSink, Reader, Store, Transaction
from hedgerow.model.records import Account, Witness
from hedgerow.spine.attest import Attestor
from hedgerow.spine.followed import followed
from hedgerow.spine.journal import Journal
from hedgerow.spine.outside import (
    OutsideHead,
    OutsideState,
    compare_outside,
    make_outside,
    open_outside,
    why_unreadable,
)

OpenSink = Callable[[str], HeadSink]
_SOUND = (OutsideState.CURRENT, OutsideState.BEHIND)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found at a witness.

    Args:
        witness: Which.
        outside: What it holds, or none when that could not be read.
        size: Number of entries of the journal.
        problem: What is wrong, or none; as a fault that can be raised.
    """

    witness: Witness
    outside: OutsideHead | None
    size: int
    problem: Fault | None

    @property
    def lag(self) -> int | None:
        """How many entries the witness has not seen; none when it could not be read."""
        return None if self.outside is None else max(0, self.size - self.outside.size)

    @property
    def state(self) -> str:
        """One word: ``current``, ``behind`` or what is wrong."""
        if self.problem is not None:
            return self.problem.code.partition(".")[2]
        return "behind" if self.lag else "current"


class Witnesses:
    """Keeps the head outside after each commit, and heeds what the outside says.

    Args:
        store: The records, without a follower of its own.
        journal: Whose head is kept.
        attestor: Signs the statements.
        clock: The time.
        open_sink: Opens a place by its text.

    Guarantee: a place is written only when it holds what this journal grew from; a head that is
    ahead, forked, older than known or forged is never overwritten.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        attestor: Attestor,
        clock: Clock,
        open_sink: OpenSink,
    ) -> None:
        self._store = store
        self._journal = journal
        self._attestor = attestor
        self._clock = clock
        self._open_sink = open_sink
        self._lock = threading.Lock()
        self._held: dict[str, tuple[int, bytes]] = {}
        self._problems: dict[str, Fault] = {}
        self._is_held_back = False

    def add(self, tx: Transaction, name: str, place: str, *, required: bool) -> None:
        """Name a place; it must be empty or hold a head that this journal grew from.

        Args:
            tx: The transaction of the act.
            name: The name.
            place: What opens it.
            required: Whether no answer leaves before it has acknowledged.

        Raises:
            CallerError: ``witness.exists``.
            Fault: ``witness.*`` when the place holds something else or cannot be used.
        """
        if tx.get(Witness, name) is not None:
            raise CallerError("witness.exists", name=name)
        witness = Witness(name, place, required, 0, timestamp(self._clock.now()))
        seen = self._look(tx, witness, self._open_sink(place), may_be_empty=True)
        if seen.problem is not None:
            raise seen.problem
        tx.add([witness])

    def remove(self, tx: Transaction, name: str) -> Witness:
        """Forget a place; what it holds stays there.

        Raises:
            CallerError: ``witness.unknown``.
        """
        found = tx.get(Witness, name)
        if found is None:
            raise CallerError("witness.unknown", name=name)
        tx.remove(Witness, name=name)
        self._held.pop(name, None)
        return found

    def remember(self, tx: Transaction) -> bool:
        """Record, in a transaction that is made anyway, what the witnesses are known to hold.

        Returns:
            Whether there is any witness.
        """
        found = tx.find(Witness)
        for witness in found:
            size = self._held.get(witness.name, (0, b""))[0]
            if size > witness.size:
                tx.put(replace(witness, size=size))
        return bool(found)

    def hold_back(self) -> None:
        """Follow no more in this program: what it works on was not checked yet, or is given up."""
        self._is_held_back = True

    def follow(self) -> None:
        """Bring every witness up to the head; what fails is kept as a problem, nothing is raised."""
        if self._is_held_back:
            return
        with self._store.read() as reader:
            names = [witness.name for witness in reader.find(Witness)]
        with self._lock:
            self._problems = {name: found for name in names if (found := self._bring(name)) is not None}

    def warnings(self) -> tuple[str, ...]:
        """Say what went wrong when the witnesses last followed."""
        return tuple(problem.message for problem in self._problems.values())

    def _bring(self, name: str) -> Fault | None:
        """Write the newest head to one place, unless that holds what it must not lose."""
        with self._store.read() as reader:
            witness = reader.get(Witness, name)
        if witness is None:
            return None
        sink = self._open_sink(witness.place)
        try:
            # Read only now: whoever wrote the place before had committed before.
            with sink.alone(), self._store.read() as reader:
                seen = self._look(reader, witness, sink, may_be_empty=not self._known(witness))
                if seen.problem is not None:
                    return seen.problem
                if seen.lag != 0:
                    self._write(reader, witness, sink, seen.outside)
        except Fault as error:
            return _unreachable(witness, error)
        return None

    def _write(self, reader: Reader, witness: Witness, sink: HeadSink, before: OutsideHead | None) -> None:
        told = followed(reader, self._journal, self._attestor, before)
        head = self._journal.head(reader)
        now = timestamp(self._clock.now())
        content = make_outside(
            self._attestor, self._journal.tenant, head.checkpoint, reader.find(Account), now, told.erasures,
            told.line, told.unknown_since,
        )  # fmt: skip
        sink.write(content)
        self._held[witness.name] = head.size, content

    def _known(self, witness: Witness) -> int:
        return max(witness.size, self._held.get(witness.name, (0, b""))[0])

    def look(self, reader: Reader) -> list[Seen]:
        """Read every witness and compare it with the journal; nothing is written.

        Args:
            reader: A view of the records.
        """
        found = []
        for witness in reader.find(Witness):
            sink = self._open_sink(witness.place)
            found.append(self._look(reader, witness, sink, may_be_empty=False))
        return found

    def _look(self, reader: Reader, witness: Witness, sink: HeadSink, *, may_be_empty: bool) -> Seen:
        size = self._journal.head(reader).size
        try:
            stored = sink.read()
        except Fault as error:
            return Seen(witness, None, size, _unreachable(witness, error))
        if stored is None:
            missing = None if may_be_empty else Fault(
                "witness.unreachable", name=witness.name, reason="its file is gone"
            )  # fmt: skip
            return Seen(witness, None, size, missing)
        try:
            outside = open_outside(stored, self._attestor.origin, self._attestor.verifier)
        except HedgerowError as error:
            forged = Fault("witness.forged", name=witness.name, reason=why_unreadable(error))
            return Seen(witness, None, size, forged)
        known = self._known(witness)
        state = compare_outside(outside, size, lambda at: self._journal.root_at(reader, at), known)
        if state in _SOUND:
            self._held[witness.name] = max(outside.size, known), stored
            return Seen(witness, outside, size, None)
        return Seen(witness, outside, size, _contradiction(state, witness.name, outside.size, size, known))

    def before_spending(self, reader: Reader) -> None:
        """Stop a use that spends where the outside says that this is no longer the workspace it was.

        Args:
            reader: The transaction in which the budget would be debited.

        Raises:
            Fault: ``witness.ahead`` or ``witness.forked`` from any witness; any other problem of a
                required one. Nothing is debited then.
        """
        for seen in self.look(reader):
            if seen.problem is not None and (seen.witness.required or _denies(seen.problem)):
                raise seen.problem

    def require_acknowledged(self) -> None:
        """Stop an answer from leaving until every required witness holds the newest head.

        Raises:
            Fault: ``witness.*`` of the first required one that does not; what was spent stays spent.
        """
        if not self._problems:  # all of them followed the commit that this answer rests on
            return
        with self._store.read() as reader:
            required = [witness.name for witness in reader.find(Witness) if witness.required]
        for name in required:
            if name not in self._problems:
                continue
            with self._lock:
                problem = self._bring(name)
            if problem is not None:
                raise problem
            self._problems.pop(name, None)

    def require_sound(self, reader: Reader) -> list[Seen]:
        """Stop where a witness holds what contradicts the journal or its own past.

        Raises:
            Fault: ``witness.ahead``, ``witness.forked``, ``witness.older`` or ``witness.forged``.
        """
        found = self.look(reader)
        for seen in found:
            if seen.problem is not None and seen.problem.code != "witness.unreachable":
                raise seen.problem
        return found


def _contradiction(state: OutsideState, name: str, outside: int, size: int, known: int) -> Fault:
    if state is OutsideState.AHEAD:
        return Fault("witness.ahead", name=name, outside=outside, size=size)
    if state is OutsideState.FORKED:
        return Fault("witness.forked", name=name, outside=outside)
    return Fault("witness.older", name=name, outside=outside, known=known)


def _denies(problem: Fault) -> bool:
    return problem.code in ("witness.ahead", "witness.forked")


def _unreachable(witness: Witness, error: Fault) -> Fault:
    reason = str(error.details.get("reason", error.message))
    return Fault("witness.unreachable", name=witness.name, reason=reason)
