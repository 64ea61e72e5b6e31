"""What a run of privacy events adds up to, exactly and in any order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from hedgerow.kernel.accounting.conversion import zcdp_epsilon
from hedgerow.model.budget import (
    ApproximateEvent,
    LaplaceEvent,
    NonPrivateEvent,
    PrivacyEvent,
    PureEvent,
    ZcdpEvent,
)


@dataclass(frozen=True, slots=True)
class Composition:
    """Totals of a run of events; enough to decide on the next one.

    Args:
        pure: Sum of the epsilons of pure events.
        pure_rho: What those events cost as zCDP: the sum of ``epsilon**2 / 2``.
        rho: Sum of the rhos of zCDP events.
        releases: Releases without differential privacy, by name; every epsilon reads apart
            from them.
        delta: Sum of the chances that events have of their own to lose more than they count for.
    """

    pure: Fraction = Fraction(0)
    pure_rho: Fraction = Fraction(0)
    rho: Fraction = Fraction(0)
    releases: frozenset[str] = frozenset()
    delta: Fraction = Fraction(0)

    def plus(self, event: PrivacyEvent, times: int = 1) -> Composition:
        """Add an event.

        Args:
            event: What happened.
            times: How often, 1 or more.

        Returns:
            The new totals.

        Raises:
            ValueError: When its loss is negative: nothing is ever given back.
        """
        match event:
            case PureEvent(epsilon=epsilon):
                _not_negative(epsilon)
                # Vectors with noise of their own are mechanisms one after the other.
                parts = [each for _, each in event.parts] if isinstance(event, LaplaceEvent) else [epsilon]
                rho = sum((each**2 / 2 for each in parts), Fraction(0))
                return replace(self, pure=self.pure + times * epsilon, pure_rho=self.pure_rho + times * rho)
            case ZcdpEvent(rho=rho):
                _not_negative(rho)
                return replace(self, rho=self.rho + times * rho)
            case ApproximateEvent(event=inner, delta=delta):
                return replace(self.plus(inner, times), delta=self.delta + times * delta)
            case NonPrivateEvent(release=release):
                return replace(self, releases=self.releases | {release})


def _not_negative(loss: Fraction) -> None:
    if loss < 0:
        raise ValueError("a privacy loss is never negative")


def compose(events: Iterable[PrivacyEvent]) -> Composition:
    """Add up events.

    Args:
        events: What happened, in any order.

    Returns:
        The totals.

    Source: pure events add up by basic composition (Dwork et al. 2006); zCDP events add up, and
        a pure event of ``epsilon`` is one of ``rho = epsilon**2 / 2`` (Bun and Steinke 2016,
        Lemma 1.7 and Proposition 1.4). Chances of events' own add up beside either (Lemma 8.2 there).
    """
    total = Composition()
    for event in events:
        total = total.plus(event)
    return total


def epsilon_of(total: Composition, delta: Fraction = Fraction(0)) -> Fraction | None:
    """Bound the epsilon of what was spent, for showing.

    Args:
        total: What was spent.
        delta: Chance of a larger loss, in [0, 1); that of events' own is a part of it.

    Returns:
        An exact upper bound, or none when no finite one exists: zCDP events at delta 0, or events whose own
        chances come to more. Where two bounds hold, the smaller. Releases without differential privacy are
        not in it.
    """
    tail = delta - total.delta
    bounds = [total.pure] if total.rho == 0 and tail >= 0 else []
    if tail > 0:
        bounds.append(zcdp_epsilon(total.rho + total.pure_rho, tail))
    return min(bounds) if bounds else None
