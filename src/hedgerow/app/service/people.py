"""People: what a data subject may ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hedgerow.app.service.base import Part, naming_finder, need_purpose
from hedgerow.model.uses import Json
from hedgerow.spine.tokens import shown_secret


class People(Part):
    """The person sees, takes along, leaves."""

    def show_subject(self, ref: str) -> dict[str, Json]:
        """Show what is held of a person, why, and every use of it, under an assumed name."""
        with naming_finder(ref):
            known = self._source_id(ref)
            shown = self.spine.rights.show(known, self.actor)
        return {"assumed_name": self.assumed_name(ref), **shown}

    def assumed_name(self, ref: str) -> str:
        """Invent the name by which a person is shown, marked as assumed; the true one stays in the vault.

        Raises:
            Refused: By policy, or ``subject.erased``.
            CallerError: ``subject.unknown``.
        """
        from hedgerow.app.report.assumed import assumed_name

        self._require("subject.show")
        with naming_finder(ref):
            known = self._source_id(ref)
            with self.spine.store.read() as reader:
                person = self.spine.rights.person(reader, known, self.actor, "subject.show")
        return assumed_name(shown_secret(person, self.spine.tenant))

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
