"""How accounts stand: a limit, what was charged, what still fits; pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from hedgerow.kernel.accounting import Composition, admits, admitted_more, epsilon_of, remaining
from hedgerow.model.budget import (
    ApproximateEvent,
    Limit,
    NonPrivateEvent,
    PrivacyEvent,
    PureEvent,
    ZcdpEvent,
    show_chance,
    show_exact,
    show_left,
)
from hedgerow.model.periods import Period
from hedgerow.model.records import Account
from hedgerow.model.uses import Json

POPULATION = ("*", "*")


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
    period: Period | None = None

    @property
    def spent(self) -> Composition:
        """The totals; composition is additive, so they stand for all charges."""
        return totals_from(self.spent_epsilon, self.pure_rho, self.spent_rho, self.spent_delta)

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

    @property
    def own_left(self) -> Fraction:
        """The chance that is left for uses with a chance of their own; zero without a limit."""
        return max(Fraction(0), self.delta / 2 - self.spent_delta)

    def after(self, event: PrivacyEvent) -> Fraction:
        """The epsilon of a pure use that would still fit after an event; zero where that does not fit."""
        if self.allowed is None or not self.admits(event):
            return Fraction(0)
        return remaining(self.allowed, self.spent.plus(event))

    def named(self) -> dict[str, object]:
        """Tell whose limit it is, for the next step: the words of the command that sets it, and its value."""
        is_all = (self.dataset, self.purpose) == POPULATION
        days = "" if self.period is None else _option(self.period)
        account = f"{shlex.quote(self.dataset)} --purpose {shlex.quote(self.purpose)}"
        return {
            "whose": "the population" if is_all else f"{self.dataset} for {self.purpose}",
            "account": ("--population" if is_all else account) + days,
            "beside": f" --delta {show_chance(self.delta)}" if self.delta else "",
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
            **({} if self.period is None else _told(self.period)),
        }


@dataclass(frozen=True, slots=True)
class Balance:
    """The accounts a use debits: its data sets for its purpose, the population, and their periods of now.

    ``own`` is that of its first data set, ``others`` those of further ones, ``ancestors`` those of data sets
    that these come from: nobody who may use the former is told of them.
    """

    own: Standing
    population: Standing
    periods: tuple[Standing, ...] = ()
    others: tuple[Standing, ...] = ()
    ancestors: tuple[Standing, ...] = ()

    @property
    def accounts(self) -> tuple[Standing, ...]:
        """The accounts of its data sets, the first one first."""
        return (self.own, *self.others)

    @property
    def tightest(self) -> Standing:
        """The account of a data set with the least left; the first of equals."""
        return min(self.accounts, key=lambda each: each.left)

    def refusal(self, event: PrivacyEvent) -> tuple[str, dict[str, object]] | None:
        """Say why an event is not admitted, or none when it is."""
        if isinstance(event, NonPrivateEvent):
            return None
        for account in self.accounts:
            if account.limit is None:
                return "budget.unallocated", _names(account)
            if account.unknown_since:
                return "budget.unknown", {**_names(account), "since": account.unknown_since}
        if any(not each.admits(event) for each in self.ancestors):
            return "budget.derived", {**_names(self.own), "cost": cost_text(event)}
        for standing, code in self._in_order():
            names = _names(self.own if standing is self.population else standing)
            if _lacks_delta(standing, event):
                return "budget.no-delta", standing.named()
            if standing.admits(event):
                continue
            told = {**standing.named(), "cost": cost_text(event)}
            if isinstance(event, ApproximateEvent) and event.delta > standing.own_left:
                return "budget.delta-exhausted", {**told, "left": show_chance(standing.own_left)}
            whose = names if standing.period is None else _named(standing, standing.period)
            return code, {**told, **whose, "left": show_left(standing.left)}
        return None

    @property
    def has_delta(self) -> bool:
        """Whether every account that there is has a delta, as Gaussian noise needs."""
        every = (*self.accounts, *self.ancestors, self.population, *self.periods)
        return all(each.delta for each in every if each.limit is not None)

    def _in_order(self) -> Iterator[tuple[Standing, str]]:
        """List what must admit an event; where the population alone is charged, it is its own account."""
        if (self.own.dataset, self.own.purpose) != POPULATION:
            for account in self.accounts:
                yield account, "budget.exhausted"
        yield self.population, "budget.population-exhausted"
        for standing in self.periods:
            yield standing, "budget.period-exhausted"

    def more(self, event: PrivacyEvent) -> int:
        """Count how many more of one event all of them would admit, one after the other, in these periods."""
        accounts = (*self.accounts, *self.ancestors, self.population, *self.periods)
        return min(each.more(event) for each in accounts)


def _names(standing: Standing) -> dict[str, object]:
    return {"dataset": standing.dataset, "purpose": standing.purpose}


def _lacks_delta(standing: Standing, event: PrivacyEvent) -> bool:
    return isinstance(event, ZcdpEvent | ApproximateEvent) and not standing.delta


def _option(period: Period) -> str:
    """Write the options that name a period."""
    if period.every:
        return f" --every {period.every}"
    if ".." in period.name:
        return f" --from {period.starts.isoformat()} --until {period.ends.isoformat()}"
    return f" --period {period.name}"


def _told(period: Period) -> dict[str, Json]:
    days: dict[str, Json] = {"from": period.starts.isoformat(), "until": period.ends.isoformat()}
    return {"period": period.name, **days, **({"every": period.every} if period.every else {})}


def _named(standing: Standing, period: Period) -> dict[str, object]:
    is_population = (standing.dataset, standing.purpose) == POPULATION
    whose = "The population" if is_population else f"{standing.dataset} for {standing.purpose}"
    return {"whose": whose, "period": period.name, "until": period.ends.isoformat()}


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


def limit_of(epsilon: Fraction, delta: Fraction) -> Limit:
    """Make the limit of an account: half of its delta is for charges with a chance of their own."""
    return Limit(epsilon, delta, own=delta / 2)


def totals_from(epsilon: Fraction, pure_rho: Fraction | None, rho: Fraction, delta: Fraction) -> Composition:
    """Compose totals; where the zCDP of pure charges was not kept, all count as one, which is never less."""
    return Composition(epsilon, epsilon**2 / 2 if pure_rho is None else pure_rho, rho, delta=delta)


def bound_of(spent: Composition, delta: Fraction) -> Fraction:
    """Bound what was spent, in epsilon at the delta of a limit; zCDP charges have no such bound without one.

    Half of that delta is the charges' own, whatever they used of it so far.
    """
    found = epsilon_of(replace(spent, delta=Fraction(0)), delta / 2)
    return spent.pure if found is None else found


def standing_of(
    account: Account, limit: tuple[str, str] | None, unknown: str = "", period: Period | None = None
) -> Standing:
    """Read how an account stands against a limit.

    Args:
        account: What was charged.
        limit: Its epsilon and delta, exact; none where nothing is allowed.
        unknown: Since when spending is not known; empty where it is.
        period: Of which period, if not of all time.
    """
    epsilon, delta = limit or ("0", "0")
    return Standing(
        account.dataset,
        account.purpose,
        None if limit is None else Fraction(epsilon),
        Fraction(account.epsilon),
        Fraction(account.rho),
        tuple(filter(None, account.apart.split(","))),
        unknown,
        Fraction(delta),
        Fraction(account.pure_rho) if account.pure_rho else None,
        Fraction(account.delta),
        period,
    )
