"""Decide accesses by a compiled index of policies, with the meaning Cedar gives them."""

from __future__ import annotations

from hedgerow.kernel.policy.index import CompiledPolicies

__all__ = ["CompiledPolicies"]
