"""People: what a data subject may ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hedgerow.app.service.base import Part, need_purpose
from hedgerow.model.uses import Json


class People(Part):
    """The person sees, takes along, leaves."""

    def show_subject(self, ref: str) -> dict[str, Json]:
        """Show what is held of a person, why, and every use of it."""
        return self.spine.rights.show(ref, self.actor)

    def export_subject(self, ref: str) -> dict[str, Json]:
        """Give everything held of a person as plain values."""
        return self.spine.rights.export(ref, self.actor)

    def plan_erasure(self, ref: str) -> dict[str, Json]:
        """Show what an erasure would remove."""
        return self.spine.rights.plan_erasure(ref, self.actor)

    def erase_subject(self, ref: str) -> Mapping[str, Json]:
        """Erase a person and give the signed certificate."""
        return self.spine.rights.erase(ref, self.actor)

    def read_subject(
        self, ref: str, fields: Sequence[str], *, purpose: str | None, dataset: str | None = None
    ) -> dict[str, Json]:
        """Read named fields of one person for a purpose, through the gate."""
        receipt = self.spine.rights.read(ref, list(fields), need_purpose(purpose), self.actor, dataset)
        return {**receipt.release.payload, "receipt": self._receipt(receipt, "subject.read", dataset)}
