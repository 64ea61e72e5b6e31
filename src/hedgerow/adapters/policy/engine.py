"""One set of policies, answered by the compiled index where it can be and by Cedar where it cannot."""

from __future__ import annotations

from collections.abc import Mapping

from hedgerow.adapters.policy.cedar import CedarPolicies
from hedgerow.adapters.policy.compiler import OutsideSubsetError
from hedgerow.model.policy import Access, Entity, PolicyNote, Verdict


class PolicyEngine:
    """Decides accesses; made by ``load_policies``.

    Args:
        cedar: The policies.
    """

    def __init__(self, cedar: CedarPolicies) -> None:
        self.cedar = cedar
        compiled = cedar.compile()
        if isinstance(compiled, OutsideSubsetError):
            self.outside: str | None = str(compiled)
            self.decide = cedar.decide
        else:
            self.outside = None
            self.decide = compiled.decide

    @property
    def text(self) -> str:
        """The Cedar text the policies came from."""
        return self.cedar.text

    @property
    def is_compiled(self) -> bool:
        """Whether the compiled index answers; else Cedar does, more slowly and with the same verdicts."""
        return self.outside is None

    def named(self) -> tuple[tuple[int, Entity], ...]:
        """List the things that policies name, each with the line on which the policy starts."""
        return self.cedar.named()

    def notes(self) -> Mapping[str, PolicyNote]:
        """List the policies by id, each with its effect and reason."""
        return self.cedar.notes()

    def check(self, access: Access) -> Verdict:
        """Ask Cedar itself, whatever answers otherwise.

        Args:
            access: Who asks to do what to which thing.

        Returns:
            Cedar's verdict.
        """
        return self.cedar.decide(access)


def load_policies(text: str) -> PolicyEngine:
    """Read policies and make them ready to decide.

    Args:
        text: Cedar policies, each with an ``@id`` of its own; at most 1 MiB.

    Returns:
        The engine.

    Raises:
        CallerError: ``policy.malformed``, ``policy.unnamed``, ``policy.twice``, ``policy.template``,
            ``policy.approval`` or ``policy.too-large``.
    """
    return PolicyEngine(CedarPolicies.parse(text))
