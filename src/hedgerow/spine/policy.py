"""The policies in force: text under version control, compiled once per version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hedgerow.model.canonical import digest, timestamp
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.policy import Access, Verdict
from hedgerow.model.ports import Clock, Reader, Transaction
from hedgerow.model.records import PolicyText, Principal
from hedgerow.model.uses import Actor


class Decider(Protocol):
    """Something that answers accesses: compiled policies."""

    def decide(self, access: Access) -> Verdict:
        """Answer one access."""
        ...


class Policies:
    """Keeps every version of the policy text and answers by the newest.

    Args:
        compile_text: Turns Cedar text into a decider; raises ``CallerError`` when malformed.
        clock: The time.
    """

    def __init__(self, compile_text: Callable[[str], Decider], clock: Clock) -> None:
        self._compile = compile_text
        self._clock = clock
        self._compiled: tuple[int, Decider, str] | None = None

    def newest(self, reader: Reader) -> PolicyText:
        """Read the version in force.

        Raises:
            Fault: ``policy.missing`` when the workspace has none: nothing is allowed then.
        """
        found = reader.newest(PolicyText)
        if found is None:
            raise Fault("policy.missing")
        return found

    def history(self, reader: Reader) -> list[PolicyText]:
        """Read every version, oldest first."""
        return reader.find(PolicyText)

    def apply(self, tx: Transaction, text: str, actor: Actor) -> int:
        """Put a new version in force after it compiles.

        Returns:
            Its version.
        """
        self._keep_a_way_back(tx, self._compile(text))
        newest = tx.newest(PolicyText)
        version = newest.version + 1 if newest else 1
        tx.add([PolicyText(version, text, actor.acting_as, timestamp(self._clock.now()))])
        return version

    def _keep_a_way_back(self, tx: Transaction, decider: Decider) -> None:
        """Refuse policies under which nobody could ever apply others.

        Raises:
            CallerError: ``policy.locks-out``.
        """
        for principal in tx.find(Principal):
            access = Access(principal.name, principal.role_set, "policy.apply", "Workspace", "this", {})
            if not principal.disabled and decider.decide(access).allowed:
                return
        raise CallerError("policy.locks-out")

    def in_force(self, reader: Reader) -> tuple[int, Decider]:
        """Give the decider of the newest version and that version."""
        return self.standing(reader)[:2]

    def standing(self, reader: Reader) -> tuple[int, Decider, str]:
        """Give the newest version, its decider, and the hash of the text that was compiled."""
        newest = self.newest(reader)
        # Held in a local: another thread with an older view may replace the shared one meanwhile.
        compiled = self._compiled
        if compiled is None or compiled[0] != newest.version:
            compiled = self._compiled = (newest.version, self._compile(newest.text), digest(newest.text))
        return compiled
