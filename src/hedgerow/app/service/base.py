"""What every part of the service stands on."""

from __future__ import annotations

from collections.abc import Callable

from hedgerow.app.wiring import Spine
from hedgerow.model.errors import CallerError
from hedgerow.model.ports import Transaction
from hedgerow.model.records import Dataset
from hedgerow.model.uses import Actor, DatasetView, Json, Receipt

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

    def _note(self, tx: Transaction, action: str, facts: dict[str, Json]) -> int:
        return self.spine.journal.append(tx, action, self.actor, facts)


def need_purpose(purpose: str | None) -> str:
    """Refuse a use without a purpose.

    Raises:
        CallerError: ``purpose.missing``.
    """
    if not purpose:
        raise CallerError("purpose.missing")
    return purpose


def receipt_json(receipt: Receipt) -> dict[str, Json]:
    """Render what a caller keeps of a use, apart from the result."""
    return {
        "request_id": receipt.request_id,
        "entry": receipt.entry,
        "checkpoint": receipt.checkpoint,
        "fingerprint": receipt.fingerprint,
        "budget": dict(receipt.left),
        "replayed": receipt.replayed,
    }


def columns_json(view: DatasetView) -> list[Json]:
    """Render the columns of a data set; no value and no count."""
    return [
        {"name": c.name, "type": c.type, "role": c.role, "category": c.category, "in_vault": c.in_vault}
        for c in view.columns
    ]
