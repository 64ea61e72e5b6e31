"""The ledger: privacy-loss events, debited before data is opened, never given back."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import cast

from hedgerow.kernel.accounting import (
    Composition,
    admits,
    admitted_more,
    compose,
    epsilon_of,
    remaining,
)
from hedgerow.model.budget import (
    ApproximateEvent,
    LaplaceEvent,
    Limit,
    NonPrivateEvent,
    PrivacyEvent,
    PureEvent,
    SampledGaussianEvent,
    ZcdpEvent,
    show_chance,
    show_exact,
    show_left,
)
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import Fault, Refused
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
    delta: Fraction = Fraction(0)
    pure_rho: Fraction | None = None
    spent_delta: Fraction = Fraction(0)

    @property
    def spent(self) -> Composition:
        """The totals; composition is additive, so they stand for all charges."""
        return _totals(self.spent_epsilon, self.pure_rho, self.spent_rho, self.spent_delta)

    @property
    def allowed(self) -> Limit | None:
        """What may be spent in all; none when nothing was allocated."""
        return None if self.limit is None else limit_of(self.limit, self.delta)

    def admits(self, event: PrivacyEvent) -> bool:
        """Tell whether one more event stays within the limit (exact)."""
        if isinstance(event, NonPrivateEvent):
            return True
        if self.unknown_since:
            return False
        return self.allowed is not None and admits(self.allowed, self.spent, event)

    def more(self, event: PrivacyEvent) -> int:
        """Count how many more of one event would be admitted, one after the other (exact)."""
        if self.unknown_since or self.allowed is None:
            return 0
        return admitted_more(self.allowed, self.spent, event)

    @property
    def left(self) -> Fraction:
        """The epsilon of a pure use that still fits; zero without a limit, or when spending is not known."""
        if self.unknown_since or self.allowed is None:
            return Fraction(0)
        return remaining(self.allowed, self.spent)

    def without_delta(self) -> dict[str, object]:
        """Tell whose limit lacks a delta, for the next step."""
        is_all = (self.dataset, self.purpose) == POPULATION
        return {
            "whose": "the population" if is_all else f"{self.dataset} for {self.purpose}",
            "account": "--population"
            if is_all
            else f"{shlex.quote(self.dataset)} --purpose {shlex.quote(self.purpose)}",
            "limit": show_exact(self.limit or Fraction(0)),
        }

    @property
    def bound(self) -> Fraction:
        """What was spent at most, in epsilon at the limit's delta; see ``bound_of``."""
        return bound_of(self.spent, self.delta)

    def as_json(self) -> dict[str, Json]:
        """Render for people: spending rounded up, what is left rounded down."""
        limit = self.limit or Fraction(0)
        return {
            "dataset": self.dataset,
            "purpose": self.purpose,
            "limit": show_exact(limit),
            "spent": show_exact(self.bound),
            "left": show_left(self.left),
            "apart_from": list(self.apart),
            **({"delta": show_chance(self.delta)} if self.delta else {}),
            **({"delta_spent": show_chance(self.spent_delta)} if self.spent_delta else {}),
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
            if isinstance(event, ZcdpEvent | ApproximateEvent) and not standing.delta:
                return "budget.no-delta", standing.without_delta()
            if not standing.admits(event):
                return code, {**names, "left": show_left(standing.left), "cost": cost_text(event)}
        return None

    def more(self, event: PrivacyEvent) -> int:
        """Count how many more of one event both accounts would admit, one after the other (exact)."""
        return min(self.own.more(event), self.population.more(event))


def cost_text(event: PrivacyEvent | None) -> str:
    """Render an event's cost in words."""
    match event:
        case ApproximateEvent(event=inner, delta=delta):
            return f"{cost_text(inner)}, delta {show_chance(delta)}"
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
        case LaplaceEvent(parts=parts):
            return {"laplace": ",".join(f"{n}:{e.numerator}/{e.denominator}" for n, e in parts)}
        case SampledGaussianEvent(epsilon=epsilon, rate=rate, variance=variance, steps=steps):
            return {"sampled-gaussian": f"{exact(epsilon)},{exact(rate)},{exact(variance)},{steps}"}
        case ApproximateEvent(event=inner, delta=delta):
            return {"approximate": f"{exact(delta)} {event_text(inner)}"}
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

    def allocate(
        self, tx: Transaction, dataset: str, purpose: str, allowed: Fraction | Limit, actor: Actor
    ) -> None:
        """Set a limit; what was already spent stays debited.

        Args:
            tx: The transaction.
            dataset: The data set, ``*`` for the population.
            purpose: The purpose, ``*`` for the population.
            allowed: The epsilon, or a limit with a delta.
            actor: Who sets it.
        """
        limit = allowed if isinstance(allowed, Limit) else Limit(allowed)
        now = timestamp(self._clock.now())
        made = Allocation(dataset, purpose, exact(limit.epsilon), actor.acting_as, now, exact(limit.delta))
        tx.put(made)
        account = tx.get(Account, dataset, purpose)
        if limit.delta and account is not None and not account.pure_rho:
            # Kept from now on: what was charged before schema 3 is counted once.
            total = compose(self.history(tx, dataset, purpose))
            tx.put(replace(account, pure_rho=str(total.pure_rho)))

    def standing(self, reader: Reader, dataset: str, purpose: str) -> Standing:
        """Read one account."""
        allocation = reader.get(Allocation, dataset, purpose)
        account = reader.get(Account, dataset, purpose) or _new(dataset, purpose)
        unknown = reader.get(Setting, UNKNOWN)
        return Standing(
            dataset,
            purpose,
            Fraction(allocation.epsilon) if allocation else None,
            Fraction(account.epsilon),
            Fraction(account.rho),
            tuple(filter(None, account.apart.split(","))),
            unknown.value if unknown else "",
            Fraction(allocation.delta) if allocation else Fraction(0),
            Fraction(account.pure_rho) if account.pure_rho else None,
            Fraction(account.delta),
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
        account = tx.get(Account, *where) or _new(*where)
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

    def history(self, reader: Reader, dataset: str, purpose: str) -> list[PrivacyEvent]:
        """List the events an account was debited with; those of the population are all there are."""
        where = {} if (dataset, purpose) == POPULATION else {"dataset": dataset, "purpose": purpose}
        return [read_event(charge.event) for charge in reader.find(Charge, **where)]

    def recount(self, reader: Reader) -> Mapping[tuple[str, str], Account]:
        """Fold every charge anew, to be compared with the running totals."""
        totals: dict[tuple[str, str], Account] = {}
        for charge in reader.find(Charge):
            event = read_event(charge.event)
            for where in debited((charge.dataset, charge.purpose)):
                totals[where] = _after(totals.get(where, _new(*where)), event)
        return totals


def debited(account: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """List the accounts a charge debits: its own and the population, or the population alone."""
    return (account,) if account == POPULATION else (account, POPULATION)


def limit_of(epsilon: Fraction, delta: Fraction) -> Limit:
    """Make the limit of an account: half of its delta is for charges with a chance of their own."""
    return Limit(epsilon, delta, own=delta / 2)


def _totals(epsilon: Fraction, pure_rho: Fraction | None, rho: Fraction, delta: Fraction) -> Composition:
    """Compose totals; where the zCDP of pure charges was not kept, all count as one, which is never less."""
    return Composition(epsilon, epsilon**2 / 2 if pure_rho is None else pure_rho, rho, delta=delta)


def totals_of(account: Account | None) -> Composition:
    """Read what an account was charged in all; nothing where there is none."""
    if account is None:
        return Composition()
    pure_rho = Fraction(account.pure_rho) if account.pure_rho else None
    return _totals(Fraction(account.epsilon), pure_rho, Fraction(account.rho), Fraction(account.delta))


def bound_of(spent: Composition, delta: Fraction) -> Fraction:
    """Bound what was spent, in epsilon at the delta of a limit; zCDP charges have no such bound without one.

    Half of that delta is the charges' own, whatever they used of it so far.
    """
    found = epsilon_of(replace(spent, delta=Fraction(0)), delta / 2)
    return spent.pure if found is None else found


def _new(dataset: str, purpose: str) -> Account:
    return Account(dataset, purpose, "0", "0", "", "0")


def _after(account: Account, event: PrivacyEvent) -> Account:
    if isinstance(event, NonPrivateEvent):
        return replace(account, apart=",".join(filter(None, (account.apart, event.release))))
    before = Composition(
        Fraction(account.epsilon),
        Fraction(account.pure_rho or 0),
        Fraction(account.rho),
        delta=Fraction(account.delta),
    )
    total = before.plus(event)
    pure_rho = str(total.pure_rho) if account.pure_rho else ""
    return replace(
        account, epsilon=str(total.pure), rho=str(total.rho), pure_rho=pure_rho, delta=str(total.delta)
    )


def is_fold(kept: Account | None, counted: Account | None) -> bool:
    """Tell whether an account is the fold of its charges; what it does not keep need not be.

    Args:
        kept: The account, if there is one.
        counted: Its charges folded anew, if there are any.

    Returns:
        Whether it is.
    """
    if kept is not None and counted is not None and not kept.pure_rho:
        return kept == replace(counted, pure_rho="")
    return kept == counted


def exact(value: Fraction) -> str:
    """Write an exact value as records and the journal keep it."""
    return f"{value.numerator}/{value.denominator}"


def event_text(event: PrivacyEvent) -> str:
    """Write an event as a charge keeps it."""
    ((kind, value),) = event_json(event).items()
    return f"{kind} {value}"


def read_told(cost: Json) -> PrivacyEvent:
    """Read an event as ``event_json`` writes it."""
    ((kind, value),) = cast("Mapping[str, str]", cost).items()
    return read_event(f"{kind} {value}")


def read_event(text: str) -> PrivacyEvent:
    """Read an event as a charge keeps it.

    Raises:
        Fault: ``ledger.unknown-event`` for a kind that a later version wrote.
    """
    kind, _, value = text.partition(" ")
    if kind == "pure":
        return PureEvent(Fraction(value))
    if kind == "zcdp":
        return ZcdpEvent(Fraction(value))
    if kind == "laplace":
        parts = (part.split(":") for part in value.split(","))
        return LaplaceEvent.of((int(steps), Fraction(epsilon)) for steps, epsilon in parts)
    if kind == "non-private":
        return NonPrivateEvent(value)
    if kind == "sampled-gaussian":
        epsilon, rate, variance, steps = value.split(",")
        return SampledGaussianEvent(Fraction(epsilon), Fraction(rate), Fraction(variance), int(steps))
    if kind == "approximate":
        delta, _, inner = value.partition(" ")
        event = read_event(inner)
        if isinstance(event, PureEvent | ZcdpEvent):
            return ApproximateEvent(event, Fraction(delta))
    raise Fault("ledger.unknown-event")
