"""A budget as a value: spending gives a new one, and nothing is ever given back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from hedgerow.kernel.accounting.composition import Composition
from hedgerow.kernel.accounting.filter import admits, remaining
from hedgerow.model.budget import (
    ApproximateEvent,
    Limit,
    PrivacyEvent,
    PureEvent,
    ZcdpEvent,
    checked_epsilon,
    show_chance,
    show_exact,
    show_left,
)
from hedgerow.model.calls import LOSS, Fit, door, kind
from hedgerow.model.errors import CallerError, Refused

_CHANCE = Fit("a chance such as 1e-6", "'1e-6'", LOSS.fits)
_UNIT = kind("person, household or person-day", "'person'", str)
_OF = {
    "epsilon": Fit("a number or a decimal as text", "4", LOSS.fits),
    "delta": _CHANCE,
    "own": _CHANCE,
    "unit": _UNIT,
}
_EVENTS = kind("an event, what a use loses", "PureEvent(Fraction(1))", PureEvent, ZcdpEvent, ApproximateEvent)
_SPENT = {"event": _EVENTS, "unit": _UNIT}


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit and what was spent of it, for use without a ledger.

    Args:
        limit: What may be spent in all.
        spent: What was spent.
        unit: The privacy unit it is of. Losses of different units never add up, so it takes no others.
    """

    limit: Limit
    spent: Composition = field(default_factory=Composition)
    unit: str = "person"

    @classmethod
    @door("dp.Budget.of", _OF)
    def of(
        cls,
        epsilon: str | float | Decimal | Fraction,
        delta: str | Fraction = "0",
        own: str | Fraction = "0",
        unit: str = "person",
    ) -> Budget:
        """Open a budget.

        Args:
            epsilon: Privacy loss allowed in all; text or a float means the decimal it shows.
            delta: Chance of a larger loss, in [0, 1).
            own: The part of it that is kept for uses with a chance of their own, as keys found in the data.
            unit: The privacy unit: ``person``, ``household`` or ``person-day``.

        Returns:
            The whole budget, nothing spent.

        Raises:
            CallerError: ``budget.not-a-number`` or ``budget.bad-limit``.
        """
        try:
            chance, kept = Fraction(delta), Fraction(own)
        except (ValueError, TypeError, ZeroDivisionError):
            raise CallerError("budget.bad-limit") from None
        return cls(Limit(checked_epsilon(epsilon), chance, own=kept), unit=unit)

    @property
    def left(self) -> Fraction:
        """The epsilon of a pure event that is sure to fit, exact, rounded down."""
        return remaining(self.limit, self.spent)

    @door("spend", _SPENT)
    def spend(self, event: PrivacyEvent, unit: str = "person") -> Budget:
        """Take an event off the budget.

        Args:
            event: What will happen.
            unit: The privacy unit it is a loss of.

        Returns:
            The budget that is left.

        Raises:
            Refused: ``dp.budget-exhausted`` when it does not fit; ``dp.budget-no-delta`` for Gaussian noise
                where the limit has no delta.
        """
        if unit != self.unit:
            raise Refused("dp.budget-other-unit", unit=unit, own=self.unit)
        if isinstance(event, ZcdpEvent) and not self.limit.delta:
            raise Refused("dp.budget-no-delta")
        if isinstance(event, ApproximateEvent) and self.spent.delta + event.delta > self.limit.own:
            raise Refused("dp.budget-no-own-delta", delta=show_chance(event.delta))
        if not admits(self.limit, self.spent, event):
            raise Refused(
                "dp.budget-exhausted",
                cost=_cost(event),
                left=show_left(self.left),
                total=show_exact(self.limit.epsilon),
            )
        return replace(self, spent=self.spent.plus(event))


def _cost(event: PrivacyEvent) -> str:
    match event:
        case PureEvent(epsilon=epsilon):
            return f"epsilon {show_exact(epsilon, 12)}"
        case ZcdpEvent(rho=rho):
            return f"rho {show_exact(rho, 12)}"
        case ApproximateEvent(event=inner, delta=delta):
            return f"{_cost(inner)} and delta {show_chance(delta)}"
    return "more than any epsilon"
