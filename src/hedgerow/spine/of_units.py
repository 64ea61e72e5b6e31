"""What an account was charged for uses whose privacy unit is no person, and what those cost the unit."""

from __future__ import annotations

from dataclasses import dataclass

from hedgerow.kernel.accounting import Composition
from hedgerow.model.budget import show_exact
from hedgerow.model.ports import Reader
from hedgerow.model.records import Charge
from hedgerow.model.uses import Json
from hedgerow.spine.balance import POPULATION
from hedgerow.spine.ledger import read_event


@dataclass(frozen=True, slots=True)
class OfUnit:
    """Charges of one account for uses by one unit.

    Args:
        unit: The unit.
        uses: How many.
        loss: What these uses alone cost one of it.
        charged: What people were charged for them.
    """

    unit: str
    uses: int
    loss: Composition
    charged: Composition

    def as_json(self) -> dict[str, Json]:
        """Render for people, rounded up."""
        told: dict[str, Json] = {"unit": self.unit, "uses": self.uses}
        for name, total in (("loss", self.loss), ("charged", self.charged)):
            told[name] = _said(total)
        return told


def of_units(reader: Reader, where: tuple[str, str]) -> list[OfUnit]:
    """List what an account was charged for units that are no persons, by unit.

    Args:
        reader: A view.
        where: The account.

    Cost:
        The charges of the account.
    """
    named = {} if where == POPULATION else {"dataset": where[0], "purpose": where[1]}
    found: dict[str, OfUnit] = {}
    for charge in reader.find(Charge, **named):
        unit, _, loss = charge.unit.partition(" ")
        # The population is debited once by a use of several data sets.
        if unit and not (charge.shared and where == POPULATION):
            one = found.get(unit, OfUnit(unit, 0, Composition(), Composition()))
            lost, charged = one.loss.plus(read_event(loss)), one.charged.plus(read_event(charge.event))
            found[unit] = OfUnit(unit, one.uses + 1, lost, charged)
    return [found[unit] for unit in sorted(found)]


def _said(total: Composition) -> str:
    """Write a sum of losses."""
    parts = [f"epsilon {show_exact(total.pure)}"] if total.pure else []
    parts += [f"rho {show_exact(total.rho)}"] if total.rho else []
    return ", ".join(parts)
