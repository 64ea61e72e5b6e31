"""The same history bounded in three ways, side by side; only the exact sums ever decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hedgerow.kernel.accounting.composition import Composition, compose
from hedgerow.kernel.accounting.conversion import zcdp_epsilon
from hedgerow.kernel.accounting.filter import most_that
from hedgerow.kernel.accounting.mechanisms import Mechanism, mechanisms_of
from hedgerow.kernel.accounting.pld import pld_epsilon
from hedgerow.model.budget import PrivacyEvent

_MOST_LOOKED_AHEAD = 10**6
_GRID = 1e-4
_ROUGHLY = 20_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a history cost at most, by accountant.

    Args:
        total: The exact sums; what the filter decides on.
        delta: The chance of a larger loss that ``zcdp`` and ``pld`` speak of.
        zcdp: By zero-concentrated privacy, proven for any choice of what to ask next; none where the events
            have larger chances of their own.
        pld: By privacy loss distributions, had all been fixed beforehand; never above the sum, or zCDP; none
            likewise.
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
    if rest <= 0:
        return Bounds(total, delta, None, None)
    pld = _by_pld(_runs(history), total, rest)
    return Bounds(total, delta, zcdp_epsilon(total.rho + total.pure_rho, rest), pld)


def _runs(events: Sequence[PrivacyEvent]) -> Counter[Mechanism]:
    return Counter(each for event in events for each in mechanisms_of(event))


def _by_pld(runs: Counter[Mechanism], total: Composition, delta: Fraction, grid: float = _GRID) -> Fraction:
    """Bound by PLD what is pure; of zCDP events no PLD is known, so they take half of delta of their own."""
    if total.rho == 0:
        found = pld_epsilon(runs, delta, grid)
        # The grid may cost a little; the sum and zCDP are bounds as well.
        proven = min(total.pure, zcdp_epsilon(total.pure_rho, delta))
        return proven if found is None else min(found, proven)
    half = delta / 2
    found = pld_epsilon(runs, half, grid)
    pure = total.pure if found is None else min(found, total.pure)
    return pure + zcdp_epsilon(total.rho, half)


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
    history = tuple(events)
    grid = max(_GRID, float(limit / _ROUGHLY))

    def fits(count: int) -> bool:
        total = compose(history).plus(event, count)
        rest = delta - total.delta
        runs = _runs(history)
        for each in mechanisms_of(event):
            runs[each] += count
        return rest > 0 and _by_pld(runs, total, rest, grid) <= limit

    return most_that(fits, _MOST_LOOKED_AHEAD)
