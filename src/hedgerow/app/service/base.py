"""What every part of the service stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

from hedgerow.app.wiring import Spine
from hedgerow.model.budget import NonPrivateEvent
from hedgerow.model.errors import CallerError
from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import Charge, Dataset, Released
from hedgerow.model.uses import Actor, DatasetView, Json, Receipt
from hedgerow.spine.finding import HANDLE_PREFIX
from hedgerow.spine.forgotten import known_erasures
from hedgerow.spine.ledger import event_text

Progress = Callable[[str], None]


def quiet(_: str) -> None:
    """Tell nobody."""


class Part:
    """A part of the service: the rooms and who acts.

    Args:
        spine: The wired rooms.
        actor: Who acts in every method.
    """

    def __init__(self, spine: Spine, actor: Actor) -> None:
        self.spine = spine
        self.actor = actor
        self.unreached: list[str] = []
        """Folders with backups that the last list of erasures could not be written to."""

    def __repr__(self) -> str:
        """Name the actor."""
        return f"{type(self).__name__}(as {self.actor.acting_as})"

    def _require(self, action: str, dataset: str | None = None) -> None:
        self.spine.gate.require(self.actor, action, dataset)

    def _permits(self, action: str, dataset: str | None = None) -> bool:
        return self.spine.gate.permits(self.actor, action, dataset)

    def _permits_everywhere(self, action: str, dataset: str) -> bool:
        """Tell whether an act would be admitted on a data set and on every other one, dropped ones too."""
        with self.spine.store.read() as reader:
            names = {record.name for record in reader.find(Dataset)}
        return all(self._permits(action, name) for name in sorted(names | {dataset}))

    def _source_id(self, ref: str) -> str:
        """Turn what `subject find` named a person by into the source id; any other reference stays."""
        with self.spine.store.read() as reader:
            return self.spine.finding.source_id(reader, ref, self.actor)

    def _note(self, tx: Transaction, action: str, facts: dict[str, Json]) -> int:
        return self.spine.journal.append(tx, action, self.actor, facts)

    def _spread_erasures(self) -> list[str]:
        """Write the list of erasures into every folder with backups, and remember whether all have it.

        Returns:
            The folders out of reach.
        """
        backups = self.spine.backups
        with self.spine.store.read() as reader:
            is_due = bool(backups.outstanding(reader))
            known = known_erasures(reader) if is_due else ""
        missed: list[str] = []
        if is_due:
            from hedgerow.app.backup.making import tell_erasures

            missed = self.unreached = tell_erasures(self.spine)
        is_told = is_due and not missed
        if is_told or backups.has_heard_much():
            with self.spine.store.write() as tx:
                backups.keep_heard(tx)
                if is_told:
                    backups.note_told(tx, known)
        return missed

    def of_another_line(self, places: list[str]) -> set[str]:
        """Pick the folders that belong to the workspace that this one was restored from."""
        from hedgerow.app.service.copies import of_another_line

        return of_another_line(self.spine, places) if places else set()

    def _receipt(self, receipt: Receipt, action: str, dataset: str | None) -> dict[str, Json]:
        """Render what a caller keeps of a use, apart from the result."""
        with self.spine.store.read() as reader:
            budget: dict[str, Json] = {}
            for name, account in receipt.left.items():
                if isinstance(account, Sequence):
                    # Further data sets of the use, each with its own releases.
                    each = [cast("Mapping[str, Json]", one) for one in account]
                    budget[name] = [self._split(reader, one, action, str(one["dataset"])) for one in each]
                else:
                    of_one = cast("Mapping[str, Json]", account)
                    budget[name] = self._split(reader, of_one, action, dataset)
        return {
            "request_id": receipt.request_id,
            "entry": receipt.entry,
            "checkpoint": receipt.checkpoint,
            "fingerprint": receipt.fingerprint,
            "budget": budget,
            "replayed": receipt.replayed,
            "from": receipt.origin,
        }

    def _split(
        self, reader: Reader, account: Mapping[str, Json], action: str, dataset: str | None = None
    ) -> dict[str, Json]:
        """Tell an account's releases that left from those that were debited and never did.

        Args:
            reader: A view.
            account: As ``Standing.as_json`` renders it.
            action: What the actor does; releases of a data set where that is not permitted are left out.
            dataset: The data set whose own releases are always shown.
        """
        names = cast("list[str]", account["apart_from"])
        left = {r.id: r.dataset for r in reader.find_any(Released, "id", names)}
        charged = {event_text(NonPrivateEvent(name)): name for name in names if name not in left}
        opened = {
            charged[charge.event]: charge.dataset
            for charge in reader.find_any(Charge, "event", list(charged))
        }
        shown = {
            name: name == dataset or self._permits(action, name)
            for name in sorted({*left.values(), *opened.values()})
        }
        return {
            **account,
            "apart_from": [name for name in names if name in left and shown[left[name]]],
            "opened_only": [name for name in names if name in opened and shown[opened[name]]],
        }


@contextmanager
def naming_finder(ref: str) -> Iterator[None]:
    """Say of a name that a search gave to somebody else whose it is, where nobody is known by it."""
    try:
        yield
    except CallerError as error:
        if error.code == "subject.unknown" and ref.startswith(HANDLE_PREFIX):
            raise CallerError("search.handle-foreign") from None
        raise


def need_purpose(purpose: str | None) -> str:
    """Refuse a use without a purpose.

    Raises:
        CallerError: ``purpose.missing``.
    """
    if not purpose:
        raise CallerError("purpose.missing")
    return purpose


def columns_json(view: DatasetView) -> list[Json]:
    """Render the columns of a data set; no value and no count."""
    return [
        {"name": c.name, "type": c.type, "role": c.role, "category": c.category, "in_vault": c.in_vault}
        for c in view.columns
    ]
