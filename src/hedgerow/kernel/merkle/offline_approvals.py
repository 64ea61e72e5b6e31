"""The part of the offline verifier that checks approvals; a bundle's verify.py holds all in one file.

Nothing of Hedgerow is imported here either. The rules are those of ``specs/approval.md``.
"""

from __future__ import annotations

# In a bundle what follows stands in verify.py.
import json
from typing import Any

MOST_TOLD = 20
MALFORMED = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Approvals:
    """What the entries tell of approvals: each is granted by somebody else, and used once, in time."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._asked: dict[str, dict[str, Any]] = {}
        self._state: dict[str, str] = {}

    def look(self, index: int, entry: bytes) -> None:
        """Hold one entry against those before it."""
        if not (b'"approval' in entry or b'"token.open"' in entry) or len(self.problems) >= MOST_TOLD:
            return
        try:
            wrong = self._wrong(json.loads(entry))
        except MALFORMED:
            wrong = "it is malformed"
        if wrong:
            self.problems.append(f"entry {index} breaks the rules of approvals: {wrong}")

    def _wrong(self, entry: dict[str, Any]) -> str | None:
        action, facts = entry["action"], entry["facts"]
        name = facts.get("approval")
        before = self._state.get(name)
        if action == "approval.request":
            self._asked[name], self._state[name] = entry, "pending"
            return "it was asked for before" if before else None
        if action == "token.open" or (action in ("use.intend", "use.stored") and name is not None):
            self._state[name] = "named"
            return None if before == "use" else "the use names no approval of its own"
        if not action.startswith("approval."):
            return None
        self._state[name] = facts["state"] if action == "approval.grant" else action.removeprefix("approval.")
        return self._step(action, entry, before, self._asked.get(name))

    def _step(
        self, action: str, entry: dict[str, Any], before: str | None, asked: dict[str, Any] | None
    ) -> str | None:
        if asked is None or before not in ("pending", "granted"):
            return f"it was {before or 'not asked for'} before"
        who, other = entry["actor"], asked["actor"]
        if action == "approval.grant":
            if before != "pending":
                return "it was granted before"
            is_other = who["as"] not in (other["as"], other["by"]) and other["as"] != who["by"]
            return None if is_other else "whoever asked for it granted it"
        if action != "approval.use":
            return None
        if before != "granted":
            return "it is used and was not granted"
        if who != other:
            return "somebody else asked for it"
        return None if entry["time"] < asked["facts"]["expires"] else "it is used after its time"
