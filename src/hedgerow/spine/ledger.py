"""The ledger: privacy-loss events, debited before data is opened, never given back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from hedgerow.kernel.accounting import admits
from hedgerow.model.budget import (
    Limit,
    NonPrivateEvent,
    PrivacyEvent,
    PureEvent,
    ZcdpEvent,
    show_exact,
    show_left,
)
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import Refused
from hedgerow.model.ports import Clock, Reader, Transaction
from hedgerow.model.records import Account, Allocation, Charge, Setting
from hedgerow.model.uses import Actor, Json

POPULATION = ("*", "*")
UNKNOWN = "ledger.unknown"
"""The setting that says since when spending is not known (a time), after a restore; empty once it is."""
DEFAULT_POPULATION_EPSILON = Fraction(10)


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's limit and what was debited from it; no limit means nothing may be spent.

    Where spending is not known, after a restore, it counts as all spent.
    """

    dataset: str
    purpose: str
    limit: Fraction | None
    spent_epsilon: Fraction
    spent_rho: Fraction
    apart: tuple[str, ...]
    unknown_since: str = ""

    def events(self) -> list[PrivacyEvent]:
        """The totals as events; composition is additive, so they stand for all charges."""
        return [PureEvent(self.spent_epsilon), ZcdpEvent(self.spent_rho)]

    def admits(self, event: PrivacyEvent) -> bool:
        """Tell whether one more event stays within the limit (exact)."""
        if isinstance(event, NonPrivateEvent):
            return True
        if self.unknown_since:
            return False
        return self.limit is not None and admits(Limit(self.limit, Fraction(0)), self.events(), event)

    @property
    def left(self) -> Fraction:
        """What is left in epsilon; zero when there is no limit, or spending is not known."""
        if self.unknown_since:
            return Fraction(0)
        return max(Fraction(0), (self.limit or Fraction(0)) - self.spent_epsilon)

    def as_json(self) -> dict[str, Json]:
        """Render for people: spending rounded up, what is left rounded down."""
        limit = self.limit or Fraction(0)
        return {
            "dataset": self.dataset,
            "purpose": self.purpose,
            "limit": show_exact(limit),
            "spent": show_exact(self.spent_epsilon),
            "left": show_left(self.left),
            "apart_from": list(self.apart),
            **({"unknown_since": self.unknown_since} if self.unknown_since else {}),
        }


@dataclass(frozen=True, slots=True)
class Balance:
    """The two accounts a use debits: its data set and purpose, and the population."""

    own: Standing
    population: Standing

    def refusal(self, event: PrivacyEvent) -> tuple[str, dict[str, object]] | None:
        """Say why an event is not admitted, or none when it is."""
        if isinstance(event, NonPrivateEvent):
            return None
        names: dict[str, object] = {"dataset": self.own.dataset, "purpose": self.own.purpose}
        if self.own.limit is None:
            return "budget.unallocated", names
        if self.own.unknown_since:
            return "budget.unknown", {**names, "since": self.own.unknown_since}
        for standing, code in (
            (self.own, "budget.exhausted"),
            (self.population, "budget.population-exhausted"),
        ):
            if not standing.admits(event):
                return code, {**names, "left": show_left(standing.left), "cost": cost_text(event)}
        return None


def cost_text(event: PrivacyEvent | None) -> str:
    """Render an event's cost in words."""
    match event:
        case PureEvent(epsilon=epsilon):
            return f"epsilon {show_exact(epsilon)}"
        case ZcdpEvent(rho=rho):
            return f"rho {show_exact(rho)}"
        case NonPrivateEvent(release=release):
            return f"not private: release {release}"
        case None:
            return "nothing"


def event_json(event: PrivacyEvent) -> dict[str, Json]:
    """Write an event exactly."""
    match event:
        case PureEvent(epsilon=epsilon):
            return {"pure": f"{epsilon.numerator}/{epsilon.denominator}"}
        case ZcdpEvent(rho=rho):
            return {"zcdp": f"{rho.numerator}/{rho.denominator}"}
        case NonPrivateEvent(release=release):
            return {"non-private": release}


class Ledger:
    """Debits each charge to the data set's purpose and to the population in one transaction.

    Guarantee: the sum of all charges ever reserved never exceeds a limit that was in force;
    a reservation is durable before data is opened and is never returned.
    Source: Rogers, Roth, Ullman and Vadhan 2016 (filter for pure budgets: plain sums).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def allocate(self, tx: Transaction, dataset: str, purpose: str, epsilon: Fraction, actor: Actor) -> None:
        """Set a limit; what was already spent stays debited."""
        text = f"{epsilon.numerator}/{epsilon.denominator}"
        tx.put(Allocation(dataset, purpose, text, actor.acting_as, timestamp(self._clock.now())))

    def standing(self, reader: Reader, dataset: str, purpose: str) -> Standing:
        """Read one account."""
        allocation = reader.get(Allocation, dataset, purpose)
        account = reader.get(Account, dataset, purpose) or Account(dataset, purpose, "0", "0", "")
        unknown = reader.get(Setting, UNKNOWN)
        return Standing(
            dataset,
            purpose,
            Fraction(allocation.epsilon) if allocation else None,
            Fraction(account.epsilon),
            Fraction(account.rho),
            tuple(filter(None, account.apart.split(","))),
            unknown.value if unknown else "",
        )

    def balance(self, reader: Reader, dataset: str, purpose: str) -> Balance:
        """Read the two accounts a use of this data set and purpose debits."""
        return Balance(self.standing(reader, dataset, purpose), self.standing(reader, *POPULATION))

    def reserve(
        self, tx: Transaction, request_id: str, dataset: str, purpose: str, event: PrivacyEvent, entry: int
    ) -> None:
        """Debit an event, before data is opened.

        Raises:
            Refused: ``budget.*`` when a limit would be passed; nothing is debited then.
        """
        refusal = self.balance(tx, dataset, purpose).refusal(event)
        if refusal is not None:
            raise Refused(refusal[0], **refusal[1])
        self._charge(tx, request_id, (dataset, purpose), event, entry, committed=False)

    def charge_unseen(
        self, tx: Transaction, name: str, where: tuple[str, str], event: PrivacyEvent, entry: int
    ) -> None:
        """Debit what was spent and this ledger never saw, after a restore; no limit holds it back.

        Args:
            tx: The transaction.
            name: What stands in the place of a request id.
            where: The account; the population is debited as well, or alone.
            event: What was spent.
            entry: The journal entry that tells of it.
        """
        self._charge(tx, name, where, event, entry, committed=True)

    def _charge(
        self,
        tx: Transaction,
        request: str,
        account: tuple[str, str],
        event: PrivacyEvent,
        entry: int,
        *,
        committed: bool,
    ) -> None:
        newest = tx.newest(Charge)
        number = newest.number + 1 if newest else 0
        now, body = timestamp(self._clock.now()), event_text(event)
        tx.add([Charge(number, request, *account, body, committed=committed, entry=entry, time=now)])
        for where in debited(account):
            self._debit(tx, where, event)

    def _debit(self, tx: Transaction, where: tuple[str, str], event: PrivacyEvent) -> None:
        account = tx.get(Account, *where) or Account(*where, "0", "0", "")
        tx.put(_after(account, event))

    def commit(self, tx: Transaction, request_id: str) -> None:
        """Mark a reservation as final; it was debited already."""
        for charge in tx.find(Charge, request=request_id):
            tx.put(
                Charge(
                    charge.number, charge.request, charge.dataset, charge.purpose, charge.event,
                    committed=True, entry=charge.entry, time=charge.time,
                )
            )  # fmt: skip

    def recount(self, reader: Reader) -> Mapping[tuple[str, str], Account]:
        """Fold every charge anew, to be compared with the running totals."""
        totals: dict[tuple[str, str], Account] = {}
        for charge in reader.find(Charge):
            event = read_event(charge.event)
            for where in debited((charge.dataset, charge.purpose)):
                totals[where] = _after(totals.get(where, Account(*where, "0", "0", "")), event)
        return totals


def debited(account: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """List the accounts a charge debits: its own and the population, or the population alone."""
    return (account,) if account == POPULATION else (account, POPULATION)


def _after(account: Account, event: PrivacyEvent) -> Account:
    epsilon, rho, apart = Fraction(account.epsilon), Fraction(account.rho), account.apart
    match event:
        case PureEvent(epsilon=more):
            epsilon += more
        case ZcdpEvent(rho=more):
            rho += more
        case NonPrivateEvent(release=release):
            apart = ",".join(filter(None, (apart, release)))
    return Account(account.dataset, account.purpose, str(epsilon), str(rho), apart)


def event_text(event: PrivacyEvent) -> str:
    """Write an event as a charge keeps it."""
    ((kind, value),) = event_json(event).items()
    return f"{kind} {value}"


def read_told(cost: Json) -> PrivacyEvent:
    """Read an event as ``event_json`` writes it."""
    ((kind, value),) = cast("Mapping[str, str]", cost).items()
    return read_event(f"{kind} {value}")


def read_event(text: str) -> PrivacyEvent:
    """Read an event as a charge keeps it."""
    kind, _, value = text.partition(" ")
    if kind == "pure":
        return PureEvent(Fraction(value))
    if kind == "zcdp":
        return ZcdpEvent(Fraction(value))
    return NonPrivateEvent(value)
