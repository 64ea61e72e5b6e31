"""Reckoning: what a budget still holds, and what its history cost by other accountants; nothing is spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import cast

from hedgerow.app.service.base import Part, need_purpose
from hedgerow.kernel.accounting import Bounds, bounds_of, pld_more, zcdp_epsilon
from hedgerow.kernel.accounting.mechanisms import sampled_of
from hedgerow.model.budget import (
    ApproximateEvent,
    LaplaceEvent,
    NonPrivateEvent,
    PrivacyEvent,
    PureEvent,
    ZcdpEvent,
    show_chance,
    show_exact,
    show_left,
)
from hedgerow.model.errors import Refused
from hedgerow.model.periods import Period
from hedgerow.model.ports import Reader
from hedgerow.model.records import Account, Allocation
from hedgerow.model.uses import Json
from hedgerow.model.words import ColumnType
from hedgerow.spine.balance import POPULATION, Balance, Standing
from hedgerow.spine.ledger import read_event
from hedgerow.spine.periods import charges_in

Where = tuple[str, str]
_ZCDP = "zCDP (Bun and Steinke)"
DECIDES = "The sum of epsilons decides what is admitted: it holds whatever is asked next."
DECIDES_AT_DELTA = (
    "The smaller of the sum and of zCDP at half the limit's delta decides: it holds whatever is asked next, "
    "but for that chance; the other half is for charges with a chance of their own."
)
REPORTS = (
    "What is marked a report: what was spent costs no more than they say but for a chance of delta, PLD had "
    "every use been fixed beforehand. They admit nothing."
)
_SAMPLED = "Gaussian noise on samples of the people"
_TURNED = (
    "take note before it is spent: after the first use of a rho a limit is reckoned by zCDP alone, by which "
    "one query of an epsilon above {left_after} fits no more, however small the rho was"
)
_KINDS: tuple[tuple[str, type[PrivacyEvent]], ...] = (
    ("discrete Laplace noise", LaplaceEvent),
    ("pure, noise not recorded", PureEvent),
    ("zCDP", ZcdpEvent),
    ("with a chance of its own", ApproximateEvent),
    ("without differential privacy", NonPrivateEvent),
)


class Reckoning(Part):
    """Reports and forecasts of the ledger."""

    def reaccount(self, dataset: str | None, purpose: str | None, delta: Fraction) -> dict[str, Json]:
        """Account every stored charge of a budget anew, by each accountant.

        Args:
            dataset: The data set, or none with no purpose for the population.
            purpose: The purpose.
            delta: Chance of a larger loss, in (0, 1).

        Returns:
            ``charges`` by kind, and for each accountant the epsilon it finds and whether it decides.

        Raises:
            Fault: ``extra.missing`` without dp-accounting.
            Refused: ``budget.unallocated``, or by policy.
        """
        self._require("budget.show", dataset)
        with self.spine.store.read() as reader:
            where = self._known(reader, dataset, purpose)
            standing = self.spine.ledger.standing(reader, *where)
            history = self.spine.ledger.history(reader, *where)
            account = self._split(reader, standing.as_json(), "budget.show", dataset)
        bounds = bounds_of(history, delta)
        return {
            **account,
            "at_delta": show_chance(delta),
            "charges": _counted(history),
            "accountants": _accountants(bounds, standing.delta / 2),
            "meaning": [DECIDES_AT_DELTA if standing.delta else DECIDES, REPORTS],
        }

    def bounded(self, accounts: Sequence[Mapping[str, Json]], delta: Fraction) -> list[dict[str, Json]]:
        """Add to each account what PLD says was spent.

        Args:
            accounts: As ``budgets`` shows them.
            delta: Chance of a larger loss, in (0, 1).

        Returns:
            The accounts, each with ``pld`` and ``at_delta``.

        Raises:
            Fault: ``extra.missing`` without dp-accounting.
        """
        accounts = [each for each in accounts if "survey" not in each]
        with self.spine.store.read() as reader:
            found = [self._history(reader, each) for each in accounts]
        return [
            {**account, "pld": _shown(bounds_of(history, delta).pld), "at_delta": show_chance(delta)}
            for account, history in zip(accounts, found, strict=True)
        ]

    def _history(self, reader: Reader, account: Mapping[str, Json]) -> list[PrivacyEvent]:
        """List what an account was charged, or a period of it."""
        where = str(account["dataset"]), str(account["purpose"])
        if "period" not in account:
            return self.spine.ledger.history(reader, *where)
        first, last = (date.fromisoformat(str(account[name])) for name in ("from", "until"))
        (charges,) = charges_in(reader, where, [Period(str(account["period"]), first, last)])
        return [read_event(charge.event) for charge in charges]

    def forecast(
        self,
        dataset: str,
        purpose: str | None,
        epsilon: Fraction,
        delta: Fraction | None = None,
        unit: str | None = None,
    ) -> dict[str, Json]:
        """Tell how many more queries of an epsilon a budget admits.

        Args:
            dataset: The data set.
            purpose: The purpose.
            epsilon: What each query would cost, exact.
            delta: Chance of a larger loss in (0, 1), to see what PLD would say; none leaves it out.
            unit: The privacy unit that the epsilon is of, if that is no person.

        Returns:
            ``queries_left``: so many are admitted, one after the other, and one more is not, while nobody
            else spends; ``holds_back``: the budget that ends first; and ``pld``.

        Raises:
            Fault: ``extra.missing`` without dp-accounting where delta is given.
            Refused: ``budget.unallocated``, ``budget.unknown``, or by policy.
        """
        self._require("budget.show", dataset)
        with self.spine.store.read() as reader:
            where = self._known(reader, dataset, need_purpose(purpose))
            event = PureEvent(epsilon * self._of_person(reader, dataset, unit))
            balance = self.spine.ledger.balance(reader, *where)
            refusal = balance.refusal(event)
            if refusal is not None and refusal[0] in ("budget.unallocated", "budget.unknown"):
                raise Refused(refusal[0], **refusal[1])
            histories = [self.spine.ledger.history(reader, *each) for each in (where, POPULATION)]
        told: dict[str, Json] = {"dataset": where[0], "purpose": where[1], "epsilon": show_exact(epsilon, 12)}
        told |= forecast_of(balance, event)
        if delta is not None:
            told["pld"] = _by_pld(balance, histories, event, delta)
        return told

    def _of_person(self, reader: Reader, dataset: str, unit: str | None) -> Fraction:
        """Tell how many times the loss of a unit a person loses at most.

        Raises:
            Refused: ``dp.unit-undeclared``.
        """
        from hedgerow.techniques.dp_query.units import bound_units, unit_of

        if unit is None:
            return Fraction(1)
        view = self.spine.catalog.require_dataset(reader, dataset)
        kinds = {column.name: ColumnType(column.type) for column in view.columns}
        _, bound = bound_units(view.declaration, unit_of(unit), dataset, kinds)
        return Fraction(1) if bound is None else bound.times

    def _known(self, reader: Reader, dataset: str | None, purpose: str | None) -> Where:
        """Find an account that is there.

        Raises:
            CallerError: ``purpose.missing``.
            Refused: ``dataset.*``, ``purpose.unknown``, ``budget.unallocated``.
        """
        if dataset is None:
            return POPULATION
        where = dataset, need_purpose(purpose)
        if not self.spine.catalog.dropped(reader, dataset):
            self.spine.catalog.require_dataset(reader, dataset)
        if reader.get(Allocation, *where) is None and reader.get(Account, *where) is None:
            self.spine.catalog.require_purpose(reader, where[1])
            raise Refused("budget.unallocated", dataset=dataset, purpose=where[1])
        return where


def forecast_of(balance: Balance, event: PrivacyEvent) -> dict[str, Json]:
    """Tell how many more of an event all accounts admit, and which of them ends first."""
    own, everybody = min(each.more(event) for each in balance.accounts), balance.population.more(event)
    accounts = (*balance.accounts, balance.population)
    above = min((each.more(event) for each in balance.ancestors), default=own)
    told: dict[str, Json] = {
        "queries_left": min(own, everybody),
        "holds_back": "purpose" if own <= everybody else "population",
        "left": show_left(balance.tightest.left),
        "population_left": show_left(balance.population.left),
        "left_after": show_left(min(each.after(event) for each in (*accounts, *balance.ancestors))),
    }
    if above < min(own, everybody):
        told |= {"queries_left": above, "holds_back": "what it is derived from"}
    if balance.others:
        told["accounts"] = [{**each.as_json(), "queries_left": each.more(event)} for each in accounts]
    if _turns(balance, event):
        told["turns"] = True
    if not balance.periods:
        return told
    counts = [each.more(event) for each in balance.periods]
    if min(counts) < min(own, everybody, above):
        told |= {"queries_left": min(counts), "holds_back": "period"}
    told["periods"] = [
        {**each.as_json(), "queries_left": count} for each, count in zip(balance.periods, counts, strict=True)
    ]
    return told


def _turns(balance: Balance, event: PrivacyEvent) -> bool:
    """Whether an event is the first after which sums of epsilons decide no more."""
    inner = event.event if isinstance(event, ApproximateEvent) else event
    return isinstance(inner, ZcdpEvent) and any(
        each.spent.rho == 0 and each.admits(event) for each in (balance.own, balance.population)
    )


def forecast_text(told: Mapping[str, Json], one: str = "query", more: str = "") -> str:
    """Say a forecast in a sentence.

    Args:
        told: What ``forecast_of`` gave.
        one: What is asked for.
        more: The same for several; with an ``s`` when not given.
    """
    count = cast("int", told["queries_left"])
    left = f"epsilon {told['left']} is left for the purpose"
    accounts = cast("Sequence[Mapping[str, str]]", told.get("accounts", ()))
    each_left = [f"{a['left']} of {a['dataset']}" for a in accounts if a["dataset"] != POPULATION[0]]
    if each_left:
        left = f"epsilon {' and '.join(each_left)} is left for the purpose"
    left += f", {told['population_left']} for the population"
    for each in cast("Sequence[Mapping[str, str]]", told.get("periods", ())):
        whose = "of the population " if each["dataset"] == POPULATION[0] else ""
        left += f", {each['left']} {whose}in {each['period']} (until {each['until']})"
    if told["holds_back"] == "what it is derived from":
        left += "; what the data set is derived from holds less"
    if count == 0:
        return f"no such {one} is left: {left}"
    plural = more or ("queries" if one == "query" else f"{one}s")
    after = f"after one, epsilon {told['left_after']} for one query"
    turned = f"; {_TURNED.format(**told)}" if told.get("turns") else ""
    return f"about {count:,} such {one if count == 1 else plural} left: {left}; {after}{turned}"


def _by_pld(
    balance: Balance, histories: Sequence[Sequence[PrivacyEvent]], event: PrivacyEvent, delta: Fraction
) -> dict[str, Json]:
    """Say what PLD would admit of both accounts; what it says admits nothing."""
    standings: tuple[Standing, ...] = (balance.own, balance.population)
    limits = [standing.limit or Fraction(0) for standing in standings]
    counts = [
        pld_more(limit, history, event, delta) for limit, history in zip(limits, histories, strict=True)
    ]
    return {"delta": show_chance(delta), "queries": min(counts)}


def _counted(history: Sequence[PrivacyEvent]) -> dict[str, Json]:
    kinds = Counter(_kind(event) for event in history)
    return {name: kinds[name] for name in (_SAMPLED, *(name for name, _ in _KINDS)) if kinds[name]}


def _kind(event: PrivacyEvent) -> str:
    if sampled_of(event) is not None:
        return _SAMPLED
    return next(name for name, kind in _KINDS if isinstance(event, kind))


def _accountants(bounds: Bounds, decided_at: Fraction) -> list[Json]:
    """List what each accountant finds; a limit with a delta is decided by zCDP at its tail too."""
    total, rho = bounds.total, bounds.total.rho + bounds.total.pure_rho
    sums = show_exact(total.pure) if total.rho == 0 else None
    found = [_found("sum of epsilons", sums, total.delta, decides=True)]
    if decided_at:
        decided = show_exact(zcdp_epsilon(rho, decided_at))
        found.append(_found(_ZCDP, decided, decided_at + total.delta, decides=True))
    if decided_at + total.delta != bounds.delta:
        found.append(_found(_ZCDP, _shown(bounds.zcdp), bounds.delta, decides=False))
    return [*found, _found("PLD (dp-accounting)", _shown(bounds.pld), bounds.delta, decides=False)]


def _shown(bound: Fraction | None) -> str | None:
    """Render a bound, where there is one at all."""
    return None if bound is None else show_exact(bound)


def _found(name: str, epsilon: str | None, delta: Fraction, *, decides: bool) -> Json:
    return {"name": name, "epsilon": epsilon, "delta": show_chance(delta), "decides": decides}
