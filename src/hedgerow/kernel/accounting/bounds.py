"""The same history bounded in three ways, side by side; only the exact sums ever decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from hedgerow.kernel.accounting.composition import Composition, compose
from hedgerow.kernel.accounting.conversion import zcdp_epsilon
from hedgerow.kernel.accounting.filter import most_that
from hedgerow.kernel.accounting.mechanisms import Mechanism, mechanisms_of, sampled_of, step_of
from hedgerow.kernel.accounting.pld import pld_epsilon
from hedgerow.model.budget import ApproximateEvent, PrivacyEvent, SampledGaussianEvent

_MOST_LOOKED_AHEAD = 10**6
_GRID = 1e-4
_ROUGHLY = 20_000
# The share of delta that is kept for noise being drawn and not real, and the largest epsilon it is looked at.
_KEPT = Fraction(1, 2**20)
_LARGEST = 100


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a history cost at most, by accountant.

    Args:
        total: The exact sums; what the filter decides on.
        delta: The chance of a larger loss that ``zcdp`` and ``pld`` speak of.
        zcdp: By zero-concentrated privacy, proven for any choice of what to ask next; none where the events
            have larger chances of their own.
        pld: By privacy loss distributions, had all been fixed beforehand; none likewise. Sampled Gaussian
            runs are bounded by their noise, so that they need no chance of their own. Without such, never
            above the sum, or zCDP.
    """

    total: Composition
    delta: Fraction
    zcdp: Fraction | None
    pld: Fraction | None


def bounds_of(events: Iterable[PrivacyEvent], delta: Fraction) -> Bounds:
    """Account a history anew.

    Args:
        events: What happened, in any order.
        delta: Chance of a larger loss, in (0, 1).

    Returns:
        The bounds. Releases without differential privacy are in none of them.

    Raises:
        Fault: ``extra.missing`` without dp-accounting.
    """
    history = tuple(events)
    total = compose(history)
    rest = delta - total.delta
    pld = _by_pld(Counter(history), delta)
    if rest <= 0:
        return Bounds(total, delta, None, pld)
    return Bounds(total, delta, zcdp_epsilon(total.rho + total.pure_rho, rest), pld)


def _by_pld(history: Counter[PrivacyEvent], delta: Fraction, grid: float = _GRID) -> Fraction | None:
    """Bound a history by PLD: by what is charged of it, and by the noise of sampled Gaussian runs."""
    total = Composition()
    for event, count in history.items():
        total = total.plus(event, count)
    as_charged = _of_charges(history, total, delta - total.delta, grid)
    of_noise = _of_noise(history, total, delta, grid) if any(map(sampled_of, history)) else None
    found = [bound for bound in (as_charged, of_noise) if bound is not None]
    return min(found) if found else None


def _of_charges(
    history: Mapping[PrivacyEvent, int], total: Composition, delta: Fraction, grid: float
) -> Fraction | None:
    """Bound by PLD what is pure; of zCDP events no PLD is known, so they take half of delta of their own."""
    if delta <= 0:
        return None
    runs = _runs(history)
    if total.rho == 0:
        found = pld_epsilon(runs, delta, grid)
        # The grid may cost a little; the sum and zCDP are bounds as well.
        proven = min(total.pure, zcdp_epsilon(total.pure_rho, delta))
        return proven if found is None else min(found, proven)
    half = delta / 2
    found = pld_epsilon(runs, half, grid)
    pure = total.pure if found is None else min(found, total.pure)
    return pure + zcdp_epsilon(total.rho, half)


def _of_noise(
    history: Mapping[PrivacyEvent, int], total: Composition, delta: Fraction, grid: float
) -> Fraction | None:
    """Bound sampled Gaussian runs by their noise: they need no chance of their own but for their distance.

    A share of delta is kept for the distance; where that does not cover it, this is no bound.
    """
    runs = _runs({event: count for event, count in history.items() if sampled_of(event) is None})
    own, distance = total.delta, Fraction(0)
    for event, count in history.items():
        if isinstance(event, ApproximateEvent) and isinstance(event.event, SampledGaussianEvent):
            runs[step_of(event.event)] += event.event.steps * count
            own -= event.delta * count
            distance += event.event.distance * count
    left = (delta - own) * (1 - _KEPT)
    if left <= 0:
        return None
    found = pld_epsilon(runs, left / 2 if total.rho else left, grid)
    if found is None:
        return None
    found += zcdp_epsilon(total.rho, left / 2) if total.rho else 0
    # Three is more than e.
    grown = distance * (1 + 3 ** min(ceil(found), _LARGEST))
    return found if found < _LARGEST and grown <= (delta - own) * _KEPT else None


def _runs(events: Mapping[PrivacyEvent, int]) -> Counter[Mechanism]:
    runs: Counter[Mechanism] = Counter()
    for event, count in events.items():
        for each in mechanisms_of(event):
            runs[each] += count
    return runs


def pld_more(limit: Fraction, events: Iterable[PrivacyEvent], event: PrivacyEvent, delta: Fraction) -> int:
    """Count how many more of an event would stay within a limit if PLD decided, which it does not.

    Args:
        limit: The epsilon that may be spent in all.
        events: What was spent before.
        event: What would be repeated.
        delta: Chance of a larger loss, in (0, 1).

    Returns:
        The count, at most a million.
    """
    history = Counter(events)
    grid = max(_GRID, float(limit / _ROUGHLY))

    def fits(count: int) -> bool:
        found = _by_pld(history + Counter({event: count}), delta, grid)
        return found is not None and found <= limit

    return most_that(fits, _MOST_LOOKED_AHEAD)
