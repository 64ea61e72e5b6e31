"""Approvals: what somebody asked for that somebody else must grant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from hedgerow.model.records.base import Record


@dataclass(frozen=True, slots=True)
class Approval(Record):
    """A request for approval and what became of it.

    Args:
        id: A random name.
        act: What was asked for: an action of the policies, or an act that always needs it.
        dataset: The data set it is about; empty for none.
        purpose: The purpose; empty for none.
        binding: Hash of exactly what was asked: who, what, why, on which versions.
        summary: The same for people to read (canonical JSON without anything of a person).
        words: What the caller wrote for it (canonical JSON); gone once it was used or is over.
        needs: Who must grant it (canonical JSON: role, how many).
        requested_by: The principal that asked.
        requested_login: Whoever was authenticated then.
        requested: When.
        expires: Until when it may be decided and used.
        state: ``"pending"``, ``"granted"``, ``"denied"``, ``"used"`` or ``"expired"``.
        asked_entry: The journal entry of the request.
        entry: The journal entry of the latest change.
        votes: Who granted or denied it (canonical JSON: principal, authenticated, time).
        decided: When the last decision fell; empty before.
        reason: What the last who decided gave as reason.
    """

    TABLE: ClassVar[str] = "approvals"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("binding",), ("state",))
    id: str
    act: str
    dataset: str
    purpose: str
    binding: str
    summary: str
    words: str = field(repr=False)
    needs: str
    requested_by: str
    requested_login: str
    requested: str
    expires: str
    state: str
    asked_entry: int
    entry: int
    votes: str = "[]"
    decided: str = ""
    reason: str = ""
