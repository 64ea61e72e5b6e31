"""People: what a data subject may ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hedgerow.app.service.base import Part, naming_finder, need_purpose
from hedgerow.model.uses import Json


class People(Part):
    """The person sees, takes along, leaves."""

    def show_subject(self, ref: str) -> dict[str, Json]:
        """Show what is held of a person, why, and every use of it."""
        with naming_finder(ref):
            return self.spine.rights.show(self._source_id(ref), self.actor)

    def export_subject(self, ref: str) -> dict[str, Json]:
        """Give everything held of a person as plain values."""
        with naming_finder(ref):
            return self.spine.rights.export(self._source_id(ref), self.actor)

    def plan_erasure(self, ref: str) -> dict[str, Json]:
        """Show what an erasure would remove."""
        with naming_finder(ref):
            return self.spine.rights.plan_erasure(self._source_id(ref), self.actor)

    def erase_subject(self, ref: str) -> Mapping[str, Json]:
        """Erase a person and give the signed certificate."""
        with naming_finder(ref):
            certificate = self.spine.rights.erase(self._source_id(ref), self.actor)
        self._spread_erasures()
        return certificate

    def read_subject(
        self, ref: str, fields: Sequence[str], *, purpose: str | None, dataset: str | None = None
    ) -> dict[str, Json]:
        """Read named fields of one person for a purpose, through the gate."""
        known, why = self._source_id(ref), need_purpose(purpose)
        with naming_finder(ref):
            receipt = self.spine.rights.read(known, list(fields), why, self.actor, dataset)
        return {**receipt.release.payload, "receipt": self._receipt(receipt, "subject.read", dataset)}
