"""Restating: what each account comes to when an officer states what was spent before a restore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hedgerow.model.budget import ApproximateEvent, Limit, PureEvent, show_exact
from hedgerow.model.errors import CallerError
from hedgerow.model.ports import Reader
from hedgerow.model.records import Account, Allocation, DatasetPurpose
from hedgerow.model.uses import Json
from hedgerow.model.words import near
from hedgerow.spine.balance import POPULATION, bound_of, limit_of
from hedgerow.spine.ledger import totals_of

Where = tuple[str, str]
UNNAMED = (
    "An account that is not named counts as spent to its limit, and the population counts what all come to."
)


@dataclass(frozen=True, slots=True)
class Restated:
    """One account, before a statement and after it.

    Args:
        where: The account.
        known: What the ledger has, in epsilon at the limit's delta.
        said: What was stated, or none where the account is not named.
        charge: What it is charged beyond what the ledger has; the population apart from what its accounts
            are charged.
        result: What it comes to.
    """

    where: Where
    known: Fraction
    said: Fraction | None
    charge: Fraction
    result: Fraction

    def as_json(self) -> dict[str, Json]:
        """Render it in decimals, rounded up."""
        return {
            "account": account_name(self.where),
            "in_ledger": show_exact(self.known),
            "stated": None if self.said is None else show_exact(self.said),
            "resulting": show_exact(self.result),
        }


def account_name(where: Where) -> str:
    """Name an account as ``--spent`` takes it."""
    return "population" if where == POPULATION else ":".join(where)


def restated(reader: Reader, spent: Mapping[Where, Fraction]) -> list[Restated]:
    """Work out what each account comes to; the population stands last.

    What an account is charged the population is charged too, as for every use: it comes to no less than
    that, whatever was stated for it.

    Args:
        reader: A view.
        spent: What each account has spent in all; one that is not named counts as spent to its limit.

    Raises:
        CallerError: ``budget.spent-less`` when the ledger has more of an account already.
    """
    limits = {
        (a.dataset, a.purpose): Limit(Fraction(a.epsilon), Fraction(a.delta)) for a in reader.find(Allocation)
    }
    found: list[Restated] = []
    for where in [*sorted({*limits, *spent} - {POPULATION}), POPULATION]:
        limit, said = limits.get(where, Limit(Fraction(0))), spent.get(where)
        total = totals_of(reader.get(Account, *where))
        known = bound_of(total, limit.delta)
        if said is not None and said < known and where != POPULATION:
            raise CallerError("budget.spent-less", dataset=where[0])
        for each in found if where == POPULATION else ():
            total = total.plus(PureEvent(each.charge))
        charge = _charge(limit, said, bound_of(total, limit.delta))
        result = bound_of(total.plus(PureEvent(charge)), limit.delta)
        found.append(Restated(where, known, said, charge, result))
    return found


def own_chances(reader: Reader) -> list[tuple[Where, ApproximateEvent]]:
    """Tell what to charge so that each account's part of delta for charges' own counts as used up.

    A statement says epsilons; what was spent of such chances since is not known.
    """
    found = []
    for each in reader.find(Allocation):
        where = (each.dataset, each.purpose)
        left = (
            limit_of(Fraction(each.epsilon), Fraction(each.delta)).own
            - totals_of(reader.get(Account, *where)).delta
        )
        if left > 0:
            found.append((where, ApproximateEvent(PureEvent(Fraction(0)), left)))
    return found


def _charge(limit: Limit, said: Fraction | None, reached: Fraction) -> Fraction:
    """Say what to charge so that an account comes to what was stated, or to its limit.

    At a delta bounds do not add up, so what is lacking is not known: what was stated is charged whole, as one
    event. For a limit that alone leaves nothing, as no delta of a limit is above 0.01.
    """
    wanted = limit.epsilon if said is None else said
    if not limit.delta:
        return max(Fraction(0), wanted - reached)
    return Fraction(0) if said is not None and said <= reached else wanted


def check_accounts(reader: Reader, named: Sequence[Where], shown: Sequence[str] | None = None) -> None:
    """Refuse an account that there is not: what is charged to it would be gone for nothing.

    Args:
        reader: A view.
        named: The accounts of a statement.
        shown: Data sets that may be named to whoever states; none for all.

    Raises:
        CallerError: ``budget.no-account``, with those of a like name.
    """
    held: list[Allocation | Account | DatasetPurpose] = [
        *reader.find(Allocation),
        *reader.find(Account),
        *reader.find(DatasetPurpose),
    ]
    known = {(each.dataset, each.purpose) for each in held} | {POPULATION}
    for where in named:
        if where not in known:
            offered = [each for each in known if shown is None or each[0] in shown or each == POPULATION]
            meant = near(account_name(where), [account_name(each) for each in offered])
            raise CallerError("budget.no-account", account=account_name(where), near=meant and meant + " ")
