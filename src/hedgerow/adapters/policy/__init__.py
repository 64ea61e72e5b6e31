"""Policies as Cedar text: parsed, compiled where they can be, and decided by Cedar where they cannot."""

from __future__ import annotations

from hedgerow.adapters.policy.cedar import CedarPolicies
from hedgerow.adapters.policy.engine import PolicyEngine, load_policies

__all__ = ["CedarPolicies", "PolicyEngine", "load_policies"]
