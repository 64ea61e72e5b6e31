"""What a session addresses by name: a person, or a run that is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hedgerow.app.calls import called
from hedgerow.model.uses import Json

if TYPE_CHECKING:
    from hedgerow.app.space import Session


class SubjectHandle:
    """One person, by source id."""

    def __init__(self, session: Session, ref: str) -> None:
        self._session, self._ref = session, ref

    def __repr__(self) -> str:
        """Never name the person."""
        return "SubjectHandle()"

    @called("read")
    def read(
        self, fields: Sequence[str], *, purpose: str | None = None, dataset: str | None = None
    ) -> dict[str, Json]:
        """Read named fields through the gate."""
        return self._session.service.read_subject(
            self._ref, fields, purpose=purpose or self._session.purpose, dataset=dataset
        )

    def show(self) -> dict[str, Json]:
        """Show what is held, why, and every use."""
        return self._session.service.show_subject(self._ref)

    def export(self) -> dict[str, Json]:
        """Give everything held as plain values."""
        return self._session.service.export_subject(self._ref)


class RunHandle:
    """A threshold watch or a running count, by its name; it was paid for when it was opened.

    Args:
        session: Who acts.
        kind: ``"watch"`` or ``"running"``.
        name: Its name.
    """

    def __init__(self, session: Session, kind: str, name: str) -> None:
        self._session, self.kind, self.name = session, kind, name

    def __repr__(self) -> str:
        """Name it."""
        return f"RunHandle({self.kind} {self.name})"

    def ask(self, sql: str, *, request_id: str | None = None) -> dict[str, Json]:
        """Ask a watch whether a count or sum reaches its threshold; see ``Service.step_run``."""
        return self._session.service.step_run(self.kind, self.name, {"sql": sql}, request_id)

    def advance(self, *, request_id: str | None = None) -> dict[str, Json]:
        """Add the rows that arrived to a running count and tell the total; see ``Service.step_run``."""
        return self._session.service.step_run(self.kind, self.name, {}, request_id)

    def show(self) -> dict[str, Json]:
        """Show what it was opened with, and all that it told so far, at no cost."""
        return self._session.service.show_run(self.kind, self.name)

    def close(self) -> dict[str, Json]:
        """End it; what was paid stays spent."""
        return self._session.service.close_run(self.kind, self.name)
