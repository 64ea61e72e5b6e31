"""Runs that go on over time: paid when opened, their state sealed and told by the journal step by step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from hedgerow.kernel.envelope import new_key, open_sealed, seal
from hedgerow.model.canonical import canonical, digest
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import Binding
from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import Forgotten, Run, Subject
from hedgerow.model.uses import (
    OPENS,
    SHOWS,
    STEPS,
    Actor,
    Json,
    LeaseVersions,
    Release,
    Running,
    RunState,
    RunView,
    Technique,
    UseRequest,
)
from hedgerow.model.words import is_name
from hedgerow.spine.attest import Attestor
from hedgerow.spine.derived import is_tied_since
from hedgerow.spine.erasure import TOMBSTONE_LIFETIME
from hedgerow.spine.facts import Facts
from hedgerow.spine.forgotten import checked
from hedgerow.spine.hearing import Hearing
from hedgerow.spine.journal import Journal
from hedgerow.spine.keyring import Keyring, run_key

if TYPE_CHECKING:
    from hedgerow.model.engine import IntArray

CLOSE = "run.close"
"""What the journal calls the end of a run on somebody's word."""
DONE, CLOSED = "the last answer it was paid for was given", "it was closed"
_USE = "run 1"
# What is sealed fills whole blocks, so that its length tells less of it.
_BLOCK_BYTES = 1024


def about_run(request: UseRequest, technique: Technique) -> dict[str, Json]:
    """Tell what a use is about to do to a run, for the journal; nothing where it is of none."""
    if not isinstance(technique, Running):
        return {}
    return {"run": {"name": request.run, "does": technique.does}}


def told_of(record: Run) -> dict[str, Json]:
    """Write a run as the journal keeps it: its name, where it stands and hashes of the rest."""
    return {
        "name": record.name,
        "kind": record.kind,
        "dataset": record.dataset,
        "purpose": record.purpose,
        "body": digest([record.body, record.opened_by, record.declaration]),
        "opened": record.opened,
        "until": record.until,
        "step": record.step,
        "through": record.through,
        "closed": record.closed,
        "state": state_of(record),
    }


def state_of(record: Run) -> str:
    """Hash the sealed state, which tells nothing of what is in it."""
    return hashlib.sha256(record.sealed).hexdigest()


def returned(reader: Reader, opened: int) -> IntArray:
    """List who was erased after an entry and is here again, by internal number.

    Args:
        reader: A view.
        opened: The entry.

    Returns:
        A sorted array. What is remembered for it is the list of erasures, which is kept anyhow so that a
        restore repeats them, and longer than any run lasts.
    """
    import numpy as np

    gone = [line.lookup for line in reader.find(Forgotten) if line.lookup and line.entry > opened]
    here = reader.find_any(Subject, "lookup", gone) if gone else []
    return np.array(sorted(subject.number for subject in here), dtype=np.int64)


class Runs:
    """Keeps what runs carry on.

    Guarantee: a run is opened once, by a use that was charged its whole cost before; each step is taken from
    the state that the journal tells of last, so that an older one that was put back, by whomever, is
    refused; no step is taken once the run is over, its bounds were declared anew, the workspace was restored,
    its data set was said to come from others that it was not charged to, or as long after its opening as
    erasures are remembered. A state opens only beside the name, data set, purpose, opening and step it was
    sealed with.

    Args:
        keyring: Wraps the keys of states.
        attestor: Its key binds what a record says.
        journal: Tells each step.
        hearing: Tells which rows arrived, and who was erased.
    """

    def __init__(self, keyring: Keyring, attestor: Attestor, journal: Journal, hearing: Hearing) -> None:
        self._keyring = keyring
        self._attestor = attestor
        self._journal = journal
        self._hearing = hearing
        self._tenant = keyring.tenant

    def known(
        self, reader: Reader, request: UseRequest, technique: Technique, facts: Facts, *, replayed: bool
    ) -> Facts:
        """Tell a decision what there is of the run it is about, or what speaks against it.

        Args:
            reader: A view.
            request: The wish.
            technique: What it is done with.
            facts: Everything else.
            replayed: Whether an answer that is stored already is asked for: nothing is opened then.

        Raises:
            CallerError: ``name.malformed``.
            Fault: ``run.rolled-back``, ``records.differ`` or ``table.not-as-told`` where a record was put
                back or changed beside the product.
        """
        if not isinstance(technique, Running):
            return facts
        running: Running = technique
        if not is_name(request.run):
            raise CallerError("name.malformed", what="run")
        record = reader.get(Run, request.run)
        doing = SHOWS if replayed else running.does
        against = self._against(reader, request, running.kind, doing, record, facts)
        if against is not None or facts.dataset is None:
            return replace(facts, against=against)
        return replace(facts, dataset=replace(facts.dataset, run=_view(request.run, record)))

    def _against(
        self, reader: Reader, request: UseRequest, kind: str, doing: str, record: Run | None, facts: Facts
    ) -> tuple[str, Mapping[str, object]] | None:
        names: dict[str, object] = {"run": request.run, "dataset": request.dataset}
        if doing == OPENS:
            told = None if record is None else record.kind
            return None if record is None else ("run.exists", {**names, "kind": told})
        if record is None or (record.dataset, record.purpose) != (request.dataset, request.purpose):
            return "run.unknown", names
        if kind not in ("", record.kind):
            return "run.other-kind", names
        names["kind"] = record.kind
        is_restored = self._prove(reader, record)
        if doing != STEPS:
            return None
        if record.closed:
            return "run.over", {**names, "why": record.closed}
        if record.until < facts.today.isoformat():
            return "run.over", {**names, "why": f"it lasted until {record.until}"}
        if is_restored:
            return "run.restored", names
        if facts.dataset is not None and facts.dataset.declaration.version != record.declaration:
            return "run.bounds-changed", names
        if is_tied_since(reader, record.dataset, record.opened):
            return "run.other-sources", names
        self._prove_rows(reader, record)
        return None

    def _prove(self, reader: Reader, record: Run) -> bool:
        """Hold a record against the journal; tell whether the workspace was restored since.

        Raises:
            Fault: ``run.rolled-back`` where the journal told another state last.
        """
        told = self._journal.proven(reader, record.entry, "use.done", CLOSE, "dataset.drop", "space.restored")
        first = told[0] if told and told[0]["index"] == record.entry else None
        if first is None or _run_in(first) != told_of(record):
            raise Fault("run.rolled-back")
        for entry in told[1:]:
            facts = cast("Mapping[str, Json]", entry["facts"])
            is_later = (_run_in(entry) or {}).get("name") == record.name
            if is_later or (entry["action"] == "dataset.drop" and facts["dataset"] == record.dataset):
                raise Fault("run.rolled-back")
        return any(entry["action"] == "space.restored" for entry in told)

    def _prove_rows(self, reader: Reader, record: Run) -> None:
        """Hold what a step goes by against the journal: when rows arrived, and who was erased."""
        told = self._hearing.told(reader)
        told.standing.require_files(reader, [record.dataset])
        checked(reader, told, self._attestor)

    def carried(self, reader: Reader, view: RunView) -> RunState:
        """Open the state of a run for the lease of a use.

        Args:
            reader: A view.
            view: The run as it was when the use was admitted.

        Raises:
            Fault: ``run.rolled-back`` where the record is another now.
        """
        record = reader.get(Run, view.name)
        if record is None or state_of(record) != view.state:
            raise Fault("run.rolled-back")
        return self._opened(record)

    def is_moved(self, reader: Reader, facts: Facts, release: Release) -> bool:
        """Tell whether another step was taken, or the name given, since a use was admitted."""
        view = facts.dataset.run if facts.dataset is not None else None
        if release.run is None or view is None:
            return False
        record = reader.get(Run, view.name)
        return record is not None if view.step < 0 else record is None or state_of(record) != view.state

    def stepped(
        self,
        tx: Transaction,
        request: UseRequest,
        technique: Technique,
        facts: Facts,
        release: Release,
        versions: LeaseVersions,
        intent: int,
    ) -> Run | None:
        """Make the record of a run that was opened or went a step; the journal is told of it next.

        Args:
            tx: The transaction that makes the step durable.
            request: The use.
            technique: What it was done with.
            facts: What it rested on.
            release: What leaves, with what is carried on.
            versions: What was read.
            intent: The entry the use began with.

        Returns:
            The record; none where no run was opened or went a step.
        """
        state = release.run
        if state is None:
            return None
        record = tx.get(Run, request.run)
        if record is None:
            record = self._opening(request, cast("Running", technique).kind, facts, state, intent)
        else:
            record = replace(record, step=record.step + 1, through=versions.dataset)
        if state.is_over:
            record, state = replace(record, closed=DONE), replace(state, secret="")
        return self._sealed(tx, record, state)

    def _opening(
        self,
        request: UseRequest,
        kind: str,
        facts: Facts,
        state: RunState,
        intent: int,
    ) -> Run:
        since = cast("int", state.body.get("since") or 0)
        declared = facts.dataset.declaration.version if facts.dataset is not None else 0
        until = facts.today + TOMBSTONE_LIFETIME
        return Run(
            request.run, kind, request.dataset, request.purpose, canonical(dict(state.body)).decode(),
            request.actor.acting_as, intent, declared, until.isoformat(), 0, since, entry=-1,
        )  # fmt: skip

    def keep(self, tx: Transaction, record: Run | None, entry: int) -> None:
        """Store a run, if there is one, with the entry that tells of it."""
        if record is not None:
            tx.put(replace(record, entry=entry))

    def close(self, tx: Transaction, actor: Actor, name: str) -> int:
        """End a run: the state of its mechanism is destroyed; what it told stays.

        Args:
            tx: The transaction.
            actor: Who ends it.
            name: The run.

        Returns:
            The journal entry.

        Raises:
            CallerError: ``run.unknown``.
            Refused: ``run.over``.
            Fault: ``run.rolled-back``.
        """
        record = tx.get(Run, name)
        if record is None:
            raise CallerError("run.unknown")
        self._prove(tx, record)
        state = self._opened(record)
        closed = record.closed or CLOSED
        made = self._sealed(tx, replace(record, closed=closed), replace(state, secret=""))
        told: dict[str, Json] = {"dataset": record.dataset, "purpose": record.purpose, "run": told_of(made)}
        entry = self._journal.append(tx, CLOSE, actor, told)
        self.keep(tx, made, entry)
        return entry

    def _sealed(self, tx: Transaction, record: Run, state: RunState) -> Run:
        key = new_key()
        body = canonical({"secret": state.secret, "shown": list(state.shown)})
        body += b" " * (-len(body) % _BLOCK_BYTES)
        wrapped = self._keyring.backend.wrap(key, run_key(self._tenant, record.name))
        made = replace(record, sealed=seal(key, body, self._bound(record)), wrapped=wrapped)
        [kept] = self._keyring.current(tx, [made])
        return kept

    def _opened(self, record: Run) -> RunState:
        key = self._keyring.backend.unwrap(record.wrapped, run_key(self._tenant, record.name))
        held = json.loads(open_sealed(key, record.sealed, self._bound(record)))
        return RunState(str(held["secret"]), tuple(held["shown"]))

    def _bound(self, record: Run) -> Binding:
        """Bind all that is decided by: also whoever writes to the database cannot make another."""
        told = (
            self._tenant, record.name, record.kind, record.dataset, record.purpose, record.body,
            record.opened_by, str(record.opened), str(record.declaration), record.until,
            str(record.through), record.closed,
        )  # fmt: skip
        tag = self._attestor.bind(_USE, told)
        return Binding(self._tenant, "run", record.name, f"{record.dataset} {tag}", record.step)


def _view(name: str, record: Run | None) -> RunView:
    if record is None:
        return RunView(name)
    return RunView(
        name,
        cast("Mapping[str, Json]", json.loads(record.body)),
        record.step,
        record.through,
        record.opened,
        state_of(record),
    )


def _run_in(entry: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """Read what an entry tells of a run, if anything."""
    return cast("Mapping[str, Json] | None", cast("Mapping[str, Json]", entry["facts"]).get("run"))
