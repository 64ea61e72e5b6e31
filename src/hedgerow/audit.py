"""Audits of finished releases on data frames: risk, attacks with a control group, what they leave open."""

from __future__ import annotations

from hedgerow.model.auditing import AttackOutcome, Candidates, Reidentification, ReleaseAudit
from hedgerow.techniques.audit.library import audit_release

__all__ = ["AttackOutcome", "Candidates", "Reidentification", "ReleaseAudit", "audit_release"]
