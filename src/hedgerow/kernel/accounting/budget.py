"""A budget as a value: spending gives a new one, and nothing is ever given back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from hedgerow.kernel.accounting.composition import Composition
from hedgerow.kernel.accounting.filter import admits, remaining
from hedgerow.model.budget import Limit, PrivacyEvent, PureEvent, checked_epsilon, show_exact, show_left
from hedgerow.model.errors import CallerError, Refused


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit and what was spent of it, for use without a ledger.

    Args:
        limit: What may be spent in all.
        spent: What was spent.
    """

    limit: Limit
    spent: Composition = field(default_factory=Composition)

    @classmethod
    def of(cls, epsilon: str | float | Decimal | Fraction, delta: str | Fraction = "0") -> Budget:
        """Open a budget.

        Args:
            epsilon: Privacy loss allowed in all; text or a float means the decimal it shows.
            delta: Chance of a larger loss, in [0, 1).

        Returns:
            The whole budget, nothing spent.

        Raises:
            CallerError: ``budget.not-a-number`` or ``budget.bad-limit``.
        """
        try:
            chance = Fraction(delta)
        except (ValueError, TypeError, ZeroDivisionError):
            raise CallerError("budget.bad-limit") from None
        return cls(Limit(checked_epsilon(epsilon), chance))

    @property
    def left(self) -> Fraction:
        """The epsilon of a pure event that is sure to fit, exact, rounded down."""
        return remaining(self.limit, self.spent)

    def spend(self, event: PrivacyEvent) -> Budget:
        """Take an event off the budget.

        Args:
            event: What will happen.

        Returns:
            The budget that is left.

        Raises:
            Refused: ``dp.budget-exhausted`` when it does not fit.
        """
        if not admits(self.limit, self.spent, event):
            raise Refused(
                "dp.budget-exhausted",
                cost=show_exact(event.epsilon, 12) if isinstance(event, PureEvent) else "more than any",
                left=show_left(self.left),
                total=show_exact(self.limit.epsilon),
            )
        return replace(self, spent=self.spent.plus(event))
