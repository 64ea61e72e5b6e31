"""Periods of a budget: a year, quarter or month of the calendar, or from one day to another, in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

from hedgerow.model.errors import CallerError

YEAR, QUARTER, MONTH = "year", "quarter", "month"
EVERY = (YEAR, QUARTER, MONTH)
_MONTHS = {YEAR: 12, QUARTER: 3, MONTH: 1}
_WRITTEN = re.compile(r"(?a)(\d{4})(?:-Q([1-4])|-(\d{2}))?\Z")
_EVERY = "every "


@dataclass(frozen=True, slots=True)
class Period:
    """Some days in a row, both ends included.

    Args:
        name: How people call it, such as ``"2026-Q4"``.
        starts: The first day.
        ends: The last day.
        every: Of which kind it comes anew, where its limit is one of each year, quarter or month.
    """

    name: str
    starts: date
    ends: date
    every: str = ""

    def holds(self, day: date) -> bool:
        """Tell whether a day lies in it."""
        return self.starts <= day <= self.ends


def calendar_period(kind: str, day: date) -> Period:
    """Tell the year, quarter or month that a day lies in.

    Args:
        kind: One of ``EVERY``.
        day: The day.
    """
    months = _MONTHS[kind]
    first = (day.month - 1) // months
    starts = date(day.year, first * months + 1, 1)
    names = {YEAR: f"{day.year:04}", QUARTER: f"{day.year:04}-Q{first + 1}"}
    return Period(names.get(kind, f"{day.year:04}-{day.month:02}"), starts, _last(starts, months))


def _last(starts: date, months: int) -> date:
    after = starts.month - 1 + months
    if starts.year + after // 12 > date.max.year:
        return date.max
    return date(starts.year + after // 12, after % 12 + 1, 1) - timedelta(days=1)


def parse_period(text: str) -> Period:
    """Read a year (``2026``), a quarter (``2026-Q4``) or a month (``2026-10``).

    Raises:
        CallerError: ``budget.no-period``.
    """
    found = _WRITTEN.match(text)
    year, quarter, month = found.groups() if found else ("0", None, None)
    try:
        if quarter:
            return calendar_period(QUARTER, date(int(year), int(quarter) * 3, 1))
        return calendar_period(MONTH if month else YEAR, date(int(year), int(month or 1), 1))
    except ValueError:
        raise CallerError("budget.no-period") from None


def between(starts: date, ends: date) -> Period:
    """Make the period from one day to another.

    Raises:
        CallerError: ``budget.no-period`` when it ends before it starts.
    """
    if ends < starts:
        raise CallerError("budget.no-period")
    return Period(f"{starts.isoformat()}..{ends.isoformat()}", starts, ends)


def rule_of(period: Period | str) -> tuple[str, str, str]:
    """Write what a limit is for, as records and the journal keep it.

    Args:
        period: A period, or a kind of ``EVERY``: each year, quarter or month anew.

    Returns:
        Its name, and its first and last day; empty for each of a kind.
    """
    if isinstance(period, Period):
        return period.name, period.starts.isoformat(), period.ends.isoformat()
    return f"{_EVERY}{period}", "", ""


def period_at(rule: tuple[str, str, str], day: date) -> Period | None:
    """Tell the period of a rule that a day lies in; none where it lies in none.

    Args:
        rule: What ``rule_of`` wrote.
        day: The day.
    """
    name, starts, ends = rule
    if name.startswith(_EVERY):
        kind = name.removeprefix(_EVERY)
        return replace(calendar_period(kind, day), every=kind)
    period = Period(name, date.fromisoformat(starts), date.fromisoformat(ends))
    return period if period.holds(day) else None
