"""Limits of a period: narrower ones within the limit of all time, which a charge must fit as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from hedgerow.model.budget import Limit
from hedgerow.model.periods import Period, period_at, rule_of
from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import Charge, PeriodLimit

if TYPE_CHECKING:
    from hedgerow.spine.ledger import Where

ALL = ("*", "*")
Rule = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Within:
    """A limit of a period, and the period itself that counts now."""

    record: PeriodLimit
    period: Period


def put_limit(
    tx: Transaction, where: Where, period: Period | str, limit: Limit, by: tuple[str, str]
) -> PeriodLimit:
    """Set the limit of a period; what was spent in it stays debited.

    Args:
        tx: The transaction.
        where: The account.
        period: The period, or ``"year"``, ``"quarter"`` or ``"month"`` for each.
        limit: The limit.
        by: Who sets it, and when.
    """
    epsilon, delta = (f"{each.numerator}/{each.denominator}" for each in (limit.epsilon, limit.delta))
    record = PeriodLimit(*where, *rule_of(period), epsilon, delta, *by)
    tx.put(record)
    return record


def end_limit(tx: Transaction, where: Where, period: Period | str) -> bool:
    """End the limit of a period; that of all time decides again, and what was spent stays debited.

    Args:
        tx: The transaction.
        where: The account.
        period: As it was set.

    Returns:
        Whether there was one.
    """
    return tx.remove(PeriodLimit, dataset=where[0], purpose=where[1], period=rule_of(period)[0]) > 0


def within(reader: Reader, where: Where, day: date, *, every: bool = False) -> Iterator[Within]:
    """Give the limits of an account that hold on a day.

    Args:
        reader: A view.
        where: The account.
        day: The day.
        every: Also those of other days.
    """
    for record in reader.find(PeriodLimit, dataset=where[0], purpose=where[1]):
        rule = record.period, record.starts, record.ends
        first = date.fromisoformat(record.starts) if record.starts else day
        period = period_at(rule, first if every else day)
        if period is not None:
            yield Within(record, period)


def charges_in(reader: Reader, where: Where, periods: Sequence[Period]) -> Iterator[list[Charge]]:
    """Give for each period the charges of an account that fall in it, by the day of their entry (UTC).

    Args:
        reader: A view.
        where: The account.
        periods: The periods.
    """
    of_account = {} if where == ALL else {"dataset": where[0], "purpose": where[1]}
    charges = reader.find(Charge, **of_account) if periods else []
    if where == ALL:
        # The population is debited once by a use of several data sets.
        charges = [charge for charge in charges if not charge.shared]
    for period in periods:
        # Days as text compare as days do; a charge is dated by the same clock as its entry.
        first, last = period.starts.isoformat(), period.ends.isoformat()
        yield [charge for charge in charges if first <= charge.time[: len(first)] <= last]
