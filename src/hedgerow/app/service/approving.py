"""Approving: what waits for somebody else's word, and giving it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from hedgerow.app.service.base import Part
from hedgerow.model.errors import CallerError
from hedgerow.model.ports import Reader
from hedgerow.model.records import Approval
from hedgerow.model.uses import Json
from hedgerow.spine.approvals import LIST
from hedgerow.spine.approving import OPEN, needs_of, votes_of


class Approving(Part):
    """One asks, another grants or denies."""

    def approvals(self, *, is_all: bool = False) -> list[dict[str, Json]]:
        """List the requests for approval: one's own, and for who may list approvals everybody's.

        Args:
            is_all: Also those that were used, denied or expired.

        Returns:
            Each as ``approval`` gives it, oldest first.
        """
        self._require_somebody()
        with self.spine.store.read() as reader:
            found = [self._approval(reader, each) for each in reader.find(Approval) if self._may_see(each)]
        kept = [each for each in found if is_all or each["state"] in OPEN]
        return sorted(kept, key=lambda each: cast("int", each["asked_entry"]))

    def approval(self, name: str) -> dict[str, Json]:
        """Show one request for approval.

        Returns:
            ``id``, ``act``, ``dataset``, ``purpose``, ``state``, ``requested_by``, ``requested``,
            ``expires``, ``needs`` (role and people), ``votes`` (who and when), ``decided``, ``reason``,
            ``asked`` (what exactly), ``words`` (what the caller wrote for it, until it was used or is
            over) and the journal entries ``asked_entry`` and ``entry``.

        Raises:
            CallerError: ``approval.unknown``.
        """
        self._require_somebody()
        with self.spine.store.read() as reader:
            found = reader.get(Approval, name)
            if found is None or not self._may_see(found):
                raise CallerError("approval.unknown", approval=name)
            return self._approval(reader, found)

    def decide(self, name: str, *, is_granted: bool, reason: str = "") -> dict[str, Json]:
        """Grant or deny a request for approval; see ``Approvals.decide``.

        Returns:
            As ``approval`` gives it.
        """
        decided = self.spine.approvals.decide(self.actor, name, is_granted=is_granted, reason=reason)
        with self.spine.store.read() as reader:
            return self._approval(reader, decided)

    def _require_somebody(self) -> None:
        """Refuse whoever is no principal; all others see at least what they asked for themselves."""
        error = self.spine.gate.explain_act(self.actor, LIST)
        if error is not None and error.code.startswith("principal."):
            self._require(LIST)

    def _may_see(self, record: Approval) -> bool:
        is_own = record.requested_by == self.actor.acting_as
        return is_own or self._permits(LIST, record.dataset or None)

    def _seen(self, asked: Mapping[str, Json]) -> Mapping[str, Json]:
        """Leave out the accounts of data sets whose budgets the actor may not see."""
        if "accounts" not in asked:
            return asked
        rows = cast("list[Mapping[str, Json]]", asked["accounts"])
        names = [(str(row["account"]).partition(":")[0], row) for row in rows]
        return {**asked, "accounts": [
            row for name, row in names if row["account"] == "population" or self._permits("budget.show", name)
        ]}  # fmt: skip

    def _approval(self, reader: Reader, record: Approval) -> dict[str, Json]:
        return {
            "id": record.id,
            "act": record.act,
            "dataset": record.dataset or None,
            "purpose": record.purpose or None,
            "state": self.spine.approvals.state(reader, record),
            "requested_by": record.requested_by,
            "requested": record.requested,
            "expires": record.expires,
            "needs": [{"role": need.role, "people": need.people} for need in needs_of(record)],
            "votes": [{"by": vote["as"], "time": vote["time"]} for vote in votes_of(record)],
            "decided": record.decided or None,
            "reason": record.reason or None,
            "asked": self._seen(cast("Mapping[str, Json]", json.loads(record.summary))),
            "words": cast("Mapping[str, Json]", json.loads(record.words)),
            "asked_entry": record.asked_entry,
            "entry": record.entry,
        }
