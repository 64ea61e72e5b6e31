"""Adding up privacy loss exactly, and the filter that admits or refuses the next use."""

from __future__ import annotations

from hedgerow.kernel.accounting.bounds import Bounds, bounds_of, pld_more
from hedgerow.kernel.accounting.budget import Budget
from hedgerow.kernel.accounting.composition import Composition, compose, epsilon_of
from hedgerow.kernel.accounting.conversion import rho_within, zcdp_epsilon
from hedgerow.kernel.accounting.filter import admits, admitted_more, remaining
from hedgerow.kernel.accounting.groups import times

__all__ = [
    "Bounds",
    "Budget",
    "Composition",
    "admits",
    "admitted_more",
    "bounds_of",
    "compose",
    "epsilon_of",
    "pld_more",
    "remaining",
    "rho_within",
    "times",
    "zcdp_epsilon",
]
