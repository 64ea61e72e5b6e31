"""The ledger: privacy-loss events, debited before data is opened, never given back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from typing import cast

from hedgerow.kernel.accounting import (
    Composition,
    compose,
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
)
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import Fault, Refused
from hedgerow.model.periods import Period
from hedgerow.model.ports import Clock, Reader, Transaction
from hedgerow.model.records import Account, Allocation, Charge, JournalEntry, PeriodLimit, Setting
from hedgerow.model.uses import Actor, Json
from hedgerow.spine.balance import POPULATION, Balance, Standing, standing_of, totals_from
from hedgerow.spine.derived import ancestors
from hedgerow.spine.entries import moment_of
from hedgerow.spine.periods import charges_in, put_limit, within

Where = tuple[str, str]
UNKNOWN = "ledger.unknown"
"""The setting that says since when spending is not known (a time), after a restore; empty once it is."""
LOCAL = "local.register"
"""What the journal calls a survey with local privacy that is charged to the population."""
DEFAULT_POPULATION_EPSILON = Fraction(10)


def event_json(event: PrivacyEvent) -> dict[str, Json]:
    """Write an event exactly."""
    match event:
        case LaplaceEvent(parts=parts):
            return {"laplace": ",".join(f"{n}:{e.numerator}/{e.denominator}" for n, e in parts)}
        case SampledGaussianEvent():
            told = ",".join(map(exact, (event.epsilon, event.rate, event.variance, event.distance)))
            return {"sampled-gaussian": f"{told},{event.steps}"}
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

    A use of several data sets is debited in full to the purpose of each, and once to the population: it is
    one release, and whoever is in several of them is in it once. So is what they come from (see ``derived``).

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

    def limit_period(
        self, tx: Transaction, where: Where, period: Period | str, limit: Limit, actor: Actor
    ) -> PeriodLimit:
        """Set the limit of a period within the limit of all time.

        Args:
            tx: The transaction.
            where: The account.
            period: The period, or ``"year"``, ``"quarter"`` or ``"month"`` for each.
            limit: The limit.
            actor: Who sets it.

        Raises:
            Refused: ``budget.unallocated`` where the account has no limit of all time.
        """
        if tx.get(Allocation, *where) is None:
            raise Refused("budget.unallocated", dataset=where[0], purpose=where[1])
        return put_limit(tx, where, period, limit, (actor.acting_as, timestamp(self._clock.now())))

    def periods(
        self, reader: Reader, where: Where, day: date | None = None, *, every: bool = False
    ) -> tuple[Standing, ...]:
        """Read what limits of periods hold of an account, and what was charged in each.

        Args:
            reader: A view.
            where: The account.
            day: The day; today by the clock of the workspace where none is given.
            every: Also those of other days.

        Cost:
            The charges of the account, where it has a limit of a period.
        """
        found = list(within(reader, where, day or self._clock.now().date(), every=every))
        unknown = reader.get(Setting, UNKNOWN)
        standings = []
        for each, charges in zip(
            found, charges_in(reader, where, [each.period for each in found]), strict=True
        ):
            total = fresh_account(*where)
            for charge in charges:
                total = after(total, read_event(charge.event))
            limit = each.record.epsilon, each.record.delta
            standings.append(standing_of(total, limit, unknown.value if unknown else "", each.period))
        return tuple(standings)

    def standing(self, reader: Reader, dataset: str, purpose: str) -> Standing:
        """Read one account."""
        allocation = reader.get(Allocation, dataset, purpose)
        account = reader.get(Account, dataset, purpose) or fresh_account(dataset, purpose)
        unknown = reader.get(Setting, UNKNOWN)
        limit = (allocation.epsilon, allocation.delta) if allocation else None
        return standing_of(account, limit, unknown.value if unknown else "")

    def balance(self, reader: Reader, dataset: str, purpose: str, others: Sequence[str] = ()) -> Balance:
        """Read the accounts a use of this data set, of others beside it, and this purpose debits now."""
        accounts = [(name, purpose) for name in (dataset, *others)]
        return self._balance(reader, accounts, self._clock.now().date())

    def _balance(self, reader: Reader, accounts: Sequence[Where], day: date) -> Balance:
        periods = [self.periods(reader, each, day) for each in all_debited(accounts)]
        own, *others = (self.standing(reader, *each) for each in accounts)
        found = tuple(each for held in periods for each in held)
        # Those that hold least back of an ancestor, of all time or of now, stand for it.
        come_from = [
            each
            for where in _come_from(reader, accounts)
            for each in (self.standing(reader, *where), *self.periods(reader, where, day))
        ]
        population = self.standing(reader, *POPULATION)
        return Balance(own, population, found, tuple(others), tuple(come_from))

    def reserve(
        self,
        tx: Transaction,
        request_id: str,
        dataset: str,
        purpose: str,
        event: PrivacyEvent,
        entry: int,
        others: Sequence[str] = (),
        unit: str = "",
    ) -> None:
        """Debit an event to every account concerned, before data is opened.

        Args:
            tx: The transaction; what is debited in it holds for all accounts or for none.
            request_id: Whose use it is.
            dataset: The data set.
            purpose: The purpose.
            event: What is spent.
            entry: The journal entry that tells of it.
            others: Further data sets of the same use, each charged in full, as is each that one of them comes
                from.
            unit: Labels what it is of, where that is no person.

        Raises:
            Refused: ``budget.*`` when a limit of any account would be passed; nothing is debited then.
        """
        day = self._time_of(tx, entry).date()
        accounts = [(name, purpose) for name in (dataset, *others)]
        refusal = self._balance(tx, accounts, day).refusal(event)
        if refusal is not None:
            raise Refused(refusal[0], **refusal[1])
        for place, account in enumerate([*accounts, *_come_from(tx, accounts)]):
            self._charge(tx, request_id, account, event, entry, committed=False, shared=place > 0, unit=unit)

    def charge_unseen(
        self,
        tx: Transaction,
        name: str,
        where: tuple[str, str],
        event: PrivacyEvent,
        entry: int,
        *,
        shared: bool = False,
    ) -> None:
        """Debit what was spent and this ledger never saw, after a restore; no limit holds it back.

        Args:
            tx: The transaction.
            name: What stands in the place of a request id.
            where: The account; the population is debited as well, or alone.
            event: What was spent.
            entry: The journal entry that tells of it.
            shared: Whether the population is left alone: what it was debited with is charged to it apart.
        """
        self._charge(tx, name, where, event, entry, committed=True, shared=shared)

    def _charge(
        self,
        tx: Transaction,
        request: str,
        account: tuple[str, str],
        event: PrivacyEvent,
        entry: int,
        *,
        committed: bool,
        shared: bool = False,
        unit: str = "",
    ) -> None:
        newest = tx.newest(Charge)
        number = newest.number + 1 if newest else 0
        now, body = timestamp(self._time_of(tx, entry)), event_text(event)
        made = Charge(number, request, *account, body, committed=committed, entry=entry, time=now)
        tx.add([replace(made, shared=shared, unit=unit)])
        # The population is debited by the first alone: a person of several data sets is in one release.
        for where in (account,) if shared else debited(account):
            self._debit(tx, where, event)

    def _time_of(self, reader: Reader, entry: int) -> datetime:
        """Date a charge as its entry is, so that both lie in the same period."""
        told = reader.get(JournalEntry, entry)
        return self._clock.now() if told is None else moment_of(told)

    def _debit(self, tx: Transaction, where: tuple[str, str], event: PrivacyEvent) -> None:
        account = tx.get(Account, *where) or fresh_account(*where)
        tx.put(after(account, event))

    def commit(self, tx: Transaction, request_id: str) -> None:
        """Mark a reservation as final; it was debited already."""
        for charge in tx.find(Charge, request=request_id):
            tx.put(replace(charge, committed=True))

    def history(self, reader: Reader, dataset: str, purpose: str) -> list[PrivacyEvent]:
        """List the events an account was debited with; those of the population are each release once."""
        is_all = (dataset, purpose) == POPULATION
        where = {} if is_all else {"dataset": dataset, "purpose": purpose}
        found = reader.find(Charge, **where)
        return [read_event(charge.event) for charge in found if not (is_all and charge.shared)]

    def recount(self, reader: Reader) -> Mapping[tuple[str, str], Account]:
        """Fold every charge anew, to be compared with the running totals."""
        totals: dict[tuple[str, str], Account] = {}
        for charge in reader.find(Charge):
            event, account = read_event(charge.event), (charge.dataset, charge.purpose)
            for where in (account,) if charge.shared else debited(account):
                totals[where] = after(totals.get(where, fresh_account(*where)), event)
        return totals


def _come_from(reader: Reader, accounts: Sequence[Where]) -> list[Where]:
    """List the accounts of what the data sets of a use come from, for its purpose."""
    names = [dataset for dataset, _ in accounts]
    return [(name, accounts[0][1]) for name in ancestors(reader, names)]


def debited(account: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """List the accounts a charge debits: its own and the population, or the population alone."""
    return (account,) if account == POPULATION else (account, POPULATION)


def all_debited(accounts: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """List the accounts a use debits, each once: those of its data sets, and the population."""
    return tuple(dict.fromkeys([*accounts, POPULATION]))


def totals_of(account: Account | None) -> Composition:
    """Read what an account was charged in all; nothing where there is none."""
    if account is None:
        return Composition()
    pure_rho = Fraction(account.pure_rho) if account.pure_rho else None
    return totals_from(Fraction(account.epsilon), pure_rho, Fraction(account.rho), Fraction(account.delta))


def fresh_account(dataset: str, purpose: str) -> Account:
    """Make an account that nothing was charged to."""
    return Account(dataset, purpose, "0", "0", "", "0")


def after(account: Account, event: PrivacyEvent) -> Account:
    """Charge an account with an event."""
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


def added(account: Account, others: Iterable[Account]) -> Account:
    """Add up what accounts of the same name were charged; each keeps the zCDP of its pure charges."""
    for each in others:
        named = ("epsilon", "rho", "pure_rho", "delta")
        sums = {name: str(Fraction(getattr(account, name)) + Fraction(getattr(each, name))) for name in named}
        apart = ",".join(filter(None, (account.apart, each.apart)))
        account = replace(account, **sums, apart=apart)
    return account


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


def unit_told(per_unit: tuple[str, PrivacyEvent] | None) -> dict[str, Json]:
    """Write what a use tells of a unit that is no person; nothing of the person."""
    return {} if per_unit is None else {"unit": {"name": per_unit[0], "loss": event_json(per_unit[1])}}


def unit_text(told: Json) -> str:
    """Write a unit and its loss as a charge keeps them; empty where nothing is told."""
    if not told:
        return ""
    facts = cast("Mapping[str, Json]", told)
    return f"{facts['name']} {event_text(read_told(facts['loss']))}"


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
        *told, steps = value.split(",")
        epsilon, rate, variance, distance = map(Fraction, told)
        return SampledGaussianEvent(epsilon, rate, variance, int(steps), distance)
    if kind == "approximate":
        delta, _, inner = value.partition(" ")
        event = read_event(inner)
        if isinstance(event, PureEvent | ZcdpEvent):
            return ApproximateEvent(event, Fraction(delta))
    raise Fault("ledger.unknown-event")
