"""Adding up privacy loss exactly, and the filter that admits or refuses the next use."""

from __future__ import annotations

from hedgerow.kernel.accounting.budget import Budget
from hedgerow.kernel.accounting.composition import Composition, compose, epsilon_of
from hedgerow.kernel.accounting.conversion import rho_within, zcdp_epsilon
from hedgerow.kernel.accounting.filter import admits, remaining

__all__ = [
    "Budget",
    "Composition",
    "admits",
    "compose",
    "epsilon_of",
    "remaining",
    "rho_within",
    "zcdp_epsilon",
]
