"""Surrogates: invented values of the same sort, the same for the same person within a scope."""

from __future__ import annotations

from hedgerow.kernel.tokens.surrogates.making import SURROGATE_KINDS, check_surrogate, surrogates
from hedgerow.kernel.tokens.surrogates.words import LOCALES

__all__ = ["LOCALES", "SURROGATE_KINDS", "check_surrogate", "surrogates"]
