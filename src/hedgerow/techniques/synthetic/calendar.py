"""Bins by the calendar between two days or seconds: hours, days, weeks, months, quarters or years."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import takewhile

DAY, HOUR, MINUTE = 86_400, 3_600, 60
_EPOCH = date(1970, 1, 1)
# Day 0 was a Thursday: the Mondays lie four days after each multiple of seven.
_MONDAY = 4
_YEARS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
_WITHIN_DAYS = {"hour": HOUR, "minute": MINUTE}
_MONTHS = {"month": 1, "quarter": 3}
Starts = Callable[[int, int], Iterator[int]]


def day_of(moment: date) -> int:
    """Tell how many days lie between 1970-01-01 and a day."""
    return moment.toordinal() - _EPOCH.toordinal()


def second_of(moment: datetime) -> int:
    """Tell how many seconds lie between the start of 1970 and a point in time."""
    return (moment - datetime(1970, 1, 1)) // timedelta(seconds=1)  # noqa: DTZ001 - both are of UTC


def finest(lower: int, upper: int, per_day: int, most: int) -> str:
    """Choose the finest unit of the calendar that cuts a span into few enough bins.

    Args:
        lower: The first step.
        upper: The last step.
        per_day: Steps of a day: 1, or 86,400.
        most: Bins at most, 2 or more.

    Returns:
        The unit, for :func:`starts_of`.
    """
    names = ["minute", "hour"] if per_day > 1 else []
    names += ["day", "week", *_MONTHS, *(_years(each) for each in _YEARS)]
    return next(name for name in names if len(_cuts(lower, upper, per_day, name, most)) < most)


def starts_of(lower: int, upper: int, per_day: int, unit: str) -> list[int]:
    """Tell the first step of each bin, and last the step after the upper bound.

    Args:
        lower: The first step.
        upper: The last step.
        per_day: Steps of a day.
        unit: What :func:`finest` chose.
    """
    return [lower, *_cuts(lower, upper, per_day, unit), upper + 1]


def _years(count: int) -> str:
    return "year" if count == 1 else f"{count} years"


def _cuts(lower: int, upper: int, per_day: int, unit: str, most: int | None = None) -> list[int]:
    """List the first steps of units after the lower bound, up to the upper; no more than are asked for."""
    found: list[int] = []
    for step in takewhile(lambda step: step <= upper, _units(lower, per_day, unit)):
        if step > lower:
            found.append(step)
        if most is not None and len(found) >= most:
            break
    return found


def _units(lower: int, per_day: int, unit: str) -> Iterator[int]:
    """Walk over the first steps of units, from the one that holds the lower bound."""
    if unit in _WITHIN_DAYS:
        yield from _every(_WITHIN_DAYS[unit] * per_day // DAY, 0, lower)
    elif unit in ("day", "week"):
        yield from _every(per_day * (1 if unit == "day" else 7), _MONDAY * per_day * (unit == "week"), lower)
    else:
        yield from (day * per_day for day in _months(lower // per_day, unit))


def _every(size: int, offset: int, lower: int) -> Iterator[int]:
    step = (lower - offset) // size * size + offset
    while True:
        yield step
        step += size


def _months(day: int, unit: str) -> Iterator[int]:
    """Walk over the first days of months, quarters or so many years; to the end of the calendar."""
    first = date.fromordinal(day + _EPOCH.toordinal())
    months = _MONTHS.get(unit) or 12 * (1 if unit == "year" else int(unit.split(maxsplit=1)[0]))
    at = (first.year * 12 + first.month - 1) // months * months
    while at < (date.max.year + 1) * 12:
        if at >= 12:  # noqa: PLR2004 - the calendar begins with the year 1
            yield day_of(date(at // 12, at % 12 + 1, 1))
        at += months


def label_of(first: int, last: int, per_day: int, unit: str) -> str:
    """Name a bin: a whole month, quarter, year or day by its name, anything else by its first and last step.

    Args:
        first: Its first step.
        last: Its last step.
        per_day: Steps of a day.
        unit: What :func:`finest` chose.
    """
    begins = list(takewhile(lambda step: step <= last + 1, _units(first, per_day, unit)))
    day = date.fromordinal(first // per_day + _EPOCH.toordinal())
    is_whole = begins == [first, last + 1]
    names = {"month": f"{day:%Y-%m}", "quarter": f"{day:%Y} Q{(day.month + 2) // 3}", "year": f"{day:%Y}"}
    if is_whole and unit in names:
        return names[unit]
    if is_whole and unit == "day":
        return day.isoformat()
    if first % per_day == 0 == (last + 1) % per_day:
        first, last, per_day = first // per_day, last // per_day, 1
    shown = [show_step(step, per_day) for step in (first, last)]
    return shown[0] if first == last else f"{shown[0]} to {shown[1]}"


def show_step(step: int, per_day: int) -> str:
    """Write a step as the day, or the second, it stands for."""
    if per_day == 1:
        return date.fromordinal(step + _EPOCH.toordinal()).isoformat()
    moment = datetime(1970, 1, 1) + timedelta(seconds=step)  # noqa: DTZ001 - of UTC
    return moment.isoformat(" ")
