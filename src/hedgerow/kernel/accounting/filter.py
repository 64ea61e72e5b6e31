"""The privacy filter: whether the next use still fits, decided on exact values only.

Analysts choose each query after seeing earlier answers, and with it the epsilon they spend, so
plain composition theorems are not enough. The sums below are filters: stopping before the sum
passes the limit is safe under fully adaptive choice.

* Pure: the sum of epsilons (Rogers, Roth, Ullman, Vadhan 2016, "Privacy odometers and filters").
* zCDP: the sum of rhos, up to the largest rho whose bound stays within (epsilon, delta)
  (Feldman and Zrnic 2021, "Individual privacy accounting via a Renyi filter"; Whitehouse,
  Ramdas, Rogers, Wu 2023, "Fully adaptive composition in differential privacy").

A run is admitted when either sum allows it. That is one filter, not two: where every event is
pure and the epsilons add up to at most epsilon, the loss never passes epsilon; every other run
that is admitted is one the zCDP filter admits throughout, and those pass epsilon with chance at
most the limit's tail in all. So the chances do not add.

Events with a chance of their own are admitted while those chances add up to no more than the part of
delta that the limit keeps for them (``own``); the tail is the rest. Both are fixed before the first
event, so that the loss passes epsilon with a chance of at most own and tail together: delta
(Whitehouse et al. 2023, the filter of approximate zCDP).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction

from hedgerow.kernel.accounting.composition import Composition, compose
from hedgerow.kernel.accounting.conversion import rho_within, square_root_down, zcdp_epsilon
from hedgerow.model.budget import Limit, NonPrivateEvent, PrivacyEvent, PureEvent


def admits(limit: Limit, spent: Iterable[PrivacyEvent] | Composition, new: PrivacyEvent) -> bool:
    """Decide whether one more event fits the limit.

    Args:
        limit: What may be spent in all.
        spent: What was spent before: events in any order, or their composition.
        new: The event that would happen.

    Returns:
        Whether it may. A release without differential privacy fits unless the limit is for
        differential privacy only; it uses up no epsilon and is named ever after.

    Guarantee: all admitted events together lose at most ``limit.epsilon`` but for a chance of
        ``limit.delta``, however the events were chosen.
    """
    total = spent if isinstance(spent, Composition) else compose(spent)
    if isinstance(new, NonPrivateEvent):
        return not limit.dp_only
    return _fits(limit, total.plus(new))


def remaining(limit: Limit, spent: Iterable[PrivacyEvent] | Composition) -> Fraction:
    """Find the epsilon of a pure event that is sure to fit.

    Args:
        limit: What may be spent in all.
        spent: What was spent before: events in any order, or their composition.

    Returns:
        An exact epsilon, 0 or more, rounded down; 0 when nothing fits.
    """
    total = spent if isinstance(spent, Composition) else compose(spent)
    options = [limit.epsilon - total.pure] if total.rho == 0 else []
    if limit.tail > 0:
        left = rho_within(limit.epsilon, limit.tail) - total.rho - total.pure_rho
        options.append(square_root_down(2 * left))
    best = max([Fraction(0), *options])
    return best if best == 0 or _fits(limit, total.plus(PureEvent(best))) else Fraction(0)


def admitted_more(
    limit: Limit, spent: Iterable[PrivacyEvent] | Composition, new: PrivacyEvent, most: int = 10**18
) -> int:
    """Count how many more of one event would be admitted, one after the other.

    Args:
        limit: What may be spent in all.
        spent: What was spent before: events in any order, or their composition.
        new: The event that would be repeated; one with a privacy loss.
        most: The count is not followed beyond this.

    Returns:
        Exactly how many: so many are each admitted and one more is not.
    """
    total = spent if isinstance(spent, Composition) else compose(spent)
    return most_that(lambda count: _fits(limit, total.plus(new, count)), most)


def most_that(fits: Callable[[int], bool], most: int) -> int:
    """Find the largest count that fits, where whatever is below one that fits does too.

    Args:
        fits: Whether a count of 1 or more fits.
        most: Where to stop.

    Returns:
        The count, 0 when not even one fits.
    """
    low, high = 0, 1
    while high <= most and fits(high):
        low, high = high, high * 2
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _fits(limit: Limit, total: Composition) -> bool:
    if total.delta > limit.own:
        return False
    if total.rho == 0 and total.pure <= limit.epsilon:
        return True
    if limit.tail == 0:
        return False
    return zcdp_epsilon(total.rho + total.pure_rho, limit.tail) <= limit.epsilon
