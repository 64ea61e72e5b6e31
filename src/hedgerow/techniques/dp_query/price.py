"""What a whole answer may cost, and how it is split over what the answer needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from hedgerow.kernel.accounting.conversion import square_root_down
from hedgerow.model.budget import (
    ApproximateEvent,
    LaplaceEvent,
    PureEvent,
    ZcdpEvent,
    checked_epsilon,
    parse_delta,
    show_exact,
)
from hedgerow.model.errors import CallerError

Cost: TypeAlias = "PureEvent | ZcdpEvent | ApproximateEvent"


@dataclass(frozen=True, slots=True)
class Price:
    """What a whole answer may cost: an epsilon, or a rho where its noise is Gaussian.

    Args:
        epsilon: Pure privacy loss, exact; the noise is discrete Laplace then.
        rho: Zero-concentrated privacy loss, exact; the noise is discrete Gaussian then.
        delta: The chance that keys found in the data tell more; none where no keys are to be found.

    Raises:
        CallerError: ``dp.one-price`` unless exactly one of them is given.
    """

    epsilon: Fraction | None = None
    rho: Fraction | None = None
    delta: Fraction | None = None

    def __post_init__(self) -> None:
        """Refuse both and neither."""
        if (self.epsilon is None) == (self.rho is None):
            raise CallerError("dp.one-price")

    @classmethod
    def of(cls, epsilon: object = None, rho: object = None, delta: object = None) -> Price:
        """Read a price as a caller gives it, exactly.

        Args:
            epsilon: Text, a whole number, a ``Decimal``, a ``Fraction``, or a float, which means the decimal
                it prints as; or none.
            rho: The same.
            delta: The same, below 1; or none.

        Raises:
            CallerError: ``dp.one-price``, ``budget.not-a-number``, ``budget.bad-delta``.
        """
        return cls(
            None if epsilon is None else checked_epsilon(epsilon),
            None if rho is None else checked_epsilon(rho, "rho"),
            None if delta is None else parse_delta(_decimal(delta), "discover_keys"),
        )

    @property
    def loss(self) -> Fraction:
        """The epsilon or the rho."""
        return self.epsilon if self.epsilon is not None else self.rho or Fraction(0)

    @property
    def name(self) -> str:
        """``epsilon`` or ``rho``."""
        return "rho" if self.epsilon is None else "epsilon"

    @property
    def text(self) -> str:
        """The loss, rounded up."""
        return show_exact(self.loss, 12)

    def share(self, of: int) -> Price:
        """Take one of several equal, exact shares."""
        return replace(self, **{self.name: self.loss / of})

    @property
    def choice_epsilon(self) -> Fraction:
        """The epsilon of a private choice at this price.

        Source: a mechanism of epsilon is one of ``rho = epsilon**2 / 2`` (Bun and Steinke 2016, proposition
            1.4); the root is rounded down.
        """
        return self.epsilon if self.epsilon is not None else square_root_down(2 * self.loss)

    def without_delta(self) -> Price:
        """Take the loss alone."""
        return replace(self, delta=None)

    def event(self, parts: Iterable[tuple[int, Fraction]]) -> Cost:
        """Tell what the ledger is charged with.

        Args:
            parts: Of each vector with Laplace noise the most one person moves it, and its epsilon; empty
                where other mechanisms are in it.
        """
        known = tuple(parts)
        loss = LaplaceEvent.of(known) if known else PureEvent(self.loss)
        event = loss if self.rho is None else ZcdpEvent(self.rho)
        return event if self.delta is None else ApproximateEvent(event, self.delta)

    @classmethod
    def told(cls, cost: Cost) -> Price:
        """Read the price that a charge stands for."""
        match cost:
            case ApproximateEvent(event=inner, delta=delta):
                return replace(cls.told(inner), delta=delta)
            case ZcdpEvent(rho=rho):
                return cls(rho=rho)
            case PureEvent(epsilon=epsilon):
                return cls(epsilon=epsilon)


def _decimal(value: object) -> str:
    """Write a number from Python as a decimal; a fraction that is none stays as it is, and is refused."""
    return (
        format(Decimal(value.numerator) / value.denominator, "f")
        if isinstance(value, Fraction)
        else str(value)
    )
