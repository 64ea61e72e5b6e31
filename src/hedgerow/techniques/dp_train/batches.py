"""Steps that see a random part of the people: how many, whom, and how much noise they need."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

from hedgerow.model.errors import CallerError, Fault
from hedgerow.techniques.dp_train.paying import Wish

# Whole orders only: for these the moments of a discrete Gaussian between whole shifts are those of the
# continuous one, exactly, so what is proven of the sampled Gaussian holds for whole numbers too (ADR 23).
_ORDERS = (*range(2, 65), 80, 96, 128, 192, 256, 512, 1024)
_HALVINGS = 20
_MULTIPLIER_MOST = 1e9
_SAFE = 1 + 1e-6


@lru_cache(maxsize=64)
def batch_rho(wish: Wish, chance: Fraction, steps: int) -> Fraction:
    """Find what a step may cost those who are in it, when nobody knows who is.

    Args:
        wish: What the run may cost in all.
        chance: The chance with which each person takes part in a step, alone.
        steps: How many steps there are.

    Returns:
        Rho of the Gaussian of one step, exact, rounded down.

    Raises:
        Fault: ``extra.missing`` without the extra ``dp``.
        CallerError: ``learn.bad-parameter`` when no noise is enough.

    Guarantee: steps of that rho, sampled so, lose at most epsilon but for the main part of delta.
    Source: Mironov, Talwar, Zhang 2019, "Renyi differential privacy of the sampled Gaussian mechanism";
        bounded by dp-accounting for adding or removing one person.
    """
    low, high = 1e-3, 1.0
    while not _fits(wish, chance, steps, high):
        low, high = high, high * 2
        if high > _MULTIPLIER_MOST:
            raise CallerError("learn.bad-parameter", parameter="epsilon", advice="Give a larger one.")
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if _fits(wish, chance, steps, middle) else (middle, high)
    return 1 / (2 * Fraction(high * _SAFE) ** 2)


def _fits(wish: Wish, chance: Fraction, steps: int, multiplier: float) -> bool:
    """Tell whether noise of so many times the bound stays within the wish."""
    events, rdp = _accounting()
    accountant = rdp.RdpAccountant(list(_ORDERS))
    step = events.PoissonSampledDpEvent(float(chance), events.GaussianDpEvent(multiplier))
    accountant.compose(events.SelfComposedDpEvent(step, steps))
    return bool(accountant.get_epsilon(float(wish.main_delta) / _SAFE) * _SAFE <= float(wish.epsilon))


def _accounting() -> tuple[Any, Any]:
    try:
        from dp_accounting import dp_event, rdp
    except ImportError:
        raise Fault("extra.missing", what="Training by batches", extra="dp") from None
    return dp_event, rdp
