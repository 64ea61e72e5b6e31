"""What discovery says about a column, without ever showing a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hedgerow.model.words import ColumnRole

__all__ = ["ColumnFinding", "as_dict", "findings_as_json"]


@dataclass(frozen=True, slots=True)
class ColumnFinding:
    """What a column holds and what that does to the person it is about.

    Args:
        column: The column's name.
        category: What it holds, such as ``"email"`` or ``"row-id"``.
        role: What it does to the person.
        confidence: From 0 to 1; below 0.7 a person should look.
        evidence: Masked samples: at most a first character and the structure, never a value.
        reasons: Why, in words about names, shares and shapes, never values.
    """

    column: str
    category: str
    role: ColumnRole
    confidence: float
    evidence: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def needs_review(self) -> bool:
        """Whether a person should look at this column before it is used."""
        return self.confidence < REVIEW_BELOW or self.category == "free-text"


REVIEW_BELOW = 0.7


def as_dict(finding: ColumnFinding) -> dict[str, object]:
    """Render a finding as plain values for JSON.

    Args:
        finding: A finding.

    Returns:
        ``column``, ``category``, ``role``, ``confidence``, ``needs_review``, ``evidence`` and
        ``reasons``.
    """
    return {
        "column": finding.column,
        "category": finding.category,
        "role": finding.role.value,
        "confidence": finding.confidence,
        "needs_review": finding.needs_review,
        "evidence": list(finding.evidence),
        "reasons": list(finding.reasons),
    }


def findings_as_json(findings: Iterable[ColumnFinding]) -> list[dict[str, object]]:
    """Render findings in order as plain values for JSON.

    Args:
        findings: Findings.

    Returns:
        One dictionary for each.
    """
    return [as_dict(finding) for finding in findings]
