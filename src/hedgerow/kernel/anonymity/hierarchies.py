"""Generalisation hierarchies: read from tables, or built for numbers, dates, codes and categories.

What a built hierarchy discloses: it is made from the values given, so where these are observed
and not declared, released labels tell the rough range of the column (a step of 1, 2 or 5 times a
power of ten, interval ends rounded outward to whole steps), the length of its longest code, and
nothing else; a label leaves only when a released class carries it. Give declared bounds, steps
or domains where even that is too much.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from hedgerow.model.anonymity import ANY_VALUE, Hierarchy
from hedgerow.model.errors import CallerError

Number: TypeAlias = "int | float | Decimal | Fraction"

_TARGET_INTERVALS = 16
_MOST_CODE_STEPS = 6
# What errors call a hierarchy; whoever read it from a file names the file instead.
_UNNAMED = "the hierarchy"


def canonical(value: object) -> str:
    """Write a value as the text by which hierarchies know it.

    Args:
        value: A value that is not missing.

    Returns:
        ISO 8601 for dates and times, ``true`` or ``false`` for booleans, else its plain text.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):  # a datetime is a date too
        return value.isoformat()
    return str(value)


def from_rows(rows: Iterable[Sequence[str]]) -> Hierarchy:
    """Read a hierarchy table.

    Args:
        rows: One row per value: value, level 1, level 2, up to the coarsest; a last level of one
            group is ``*`` whatever its name, and is added where there is none.

    Returns:
        The hierarchy.

    Raises:
        CallerError: ``hierarchy.empty``, ``hierarchy.ragged``, ``hierarchy.repeated-value`` or
            ``hierarchy.not-nested``; rows are counted from 1.
    """
    table = [tuple(cell.strip() for cell in row) for row in rows]
    if not table or not table[0]:
        raise CallerError("hierarchy.empty", hierarchy=_UNNAMED)
    width, seen = len(table[0]), set[str]()
    for number, row in enumerate(table, 1):
        if len(row) != width:
            raise CallerError(
                "hierarchy.ragged", hierarchy=_UNNAMED, row=number, cells=len(row), expected=width
            )
        if row[0] in seen:
            raise CallerError("hierarchy.repeated-value", hierarchy=_UNNAMED, row=number)
        seen.add(row[0])
    columns = list(zip(*table, strict=True))
    has_top = width > 1 and len(set(columns[-1])) == 1
    return _from_columns(columns[:-1] if has_top else columns)


def from_text(text: str, delimiter: str = ";") -> Hierarchy:
    """Read a hierarchy from delimited text, one value per line; blank lines are skipped.

    Args:
        text: Lines such as ``39;35-39;30-39;*``.
        delimiter: What stands between levels.

    Returns:
        The hierarchy.

    Raises:
        CallerError: As ``from_rows``.
    """
    return from_rows(line.split(delimiter) for line in text.lstrip("\ufeff").splitlines() if line.strip())


def categories(values: Iterable[object]) -> Hierarchy:
    """Build the hierarchy of a column without structure: the value, then ``*``.

    Args:
        values: The domain; missing values are left out, repetitions joined.

    Returns:
        A hierarchy of two levels.
    """
    return _built([canonical(value) for value in _domain(values)], [])


def codes(values: Iterable[object]) -> Hierarchy:
    """Build the hierarchy of codes such as postcodes: characters redacted from the right.

    Args:
        values: The domain; codes are aligned at the left. Long codes lose several characters a level.

    Returns:
        A hierarchy of at most seven levels, such as 12345, 1234*, 123**, 12***, 1****, ``*``.
    """
    texts = [canonical(value) for value in _domain(values)]
    longest = max((len(text) for text in texts), default=0)
    stride = max(1, math.ceil(longest / _MOST_CODE_STEPS))
    cuts = range(stride, longest, stride)
    return _built(texts, [[text[: longest - cut] + "*" * cut for text in texts] for cut in cuts])


def numbers(
    values: Iterable[Number],
    *,
    step: Number | None = None,
    lower: Number | None = None,
    upper: Number | None = None,
) -> Hierarchy:
    """Build the hierarchy of a number: intervals of one step, two, four and so on, then ``*``.

    Interval ends are whole multiples of their width, so that each level joins whole intervals of
    the one below. Declared bounds clip: what lies beyond them becomes one open interval.

    Args:
        values: The domain, finite.
        step: Width of the finest intervals, above 0; without it the least of 1, 2 or 5 times a
            power of ten that makes at most sixteen intervals (at least 1 for whole numbers).
        lower: Declared lower bound; smaller values become ``<lower`` from level 1 on.
        upper: Declared upper bound; values from it on become ``>=upper`` from level 1 on.

    Returns:
        The hierarchy; whole numbers read ``20-24``, others ``[0.5, 1.0)``.

    Raises:
        CallerError: ``hierarchy.not-a-number`` for a value, step or bound out of range.
    """
    known = list(_domain(values))
    exact = [exact_number(value) for value in known]
    low, high = _exact_or_none(lower), _exact_or_none(upper)
    if low is not None and high is not None and low >= high:
        raise CallerError("hierarchy.not-a-number")
    if not known:
        return _built([], [])
    bottom = min(exact) if low is None else low
    span = (max(exact) if high is None else high) - bottom
    whole = all(value.denominator == 1 for value in exact)
    width = exact_number(step) if step is not None else _round_step(span, whole=whole)
    if width <= 0:
        raise CallerError("hierarchy.not-a-number")
    places = [_place(value, width, low, high) for value in exact]
    levels: list[list[str]] = []
    while not levels or width < span:
        label = _Intervals(width, low, high, whole=whole)
        levels.append([label[place] for place in places])
        places = [place if isinstance(place, str) else place >> 1 for place in places]
        width *= 2
    return _built([canonical(value) for value in known], levels)


def dates(values: Iterable[object]) -> Hierarchy:
    """Build the hierarchy of dates: day, month, quarter, year, decade, ``*``.

    Args:
        values: Dates, timestamps (whose first level above the exact time is the day) or ISO texts.

    Returns:
        The hierarchy, its labels such as 2024-03-17, 2024-03, 2024-Q1, 2024, 2020s.

    Raises:
        CallerError: ``hierarchy.not-a-date`` for any other value.
    """
    known = list(_domain(values))
    days = [_day(value) for value in known]
    texts = [canonical(value) for value in known]
    steps = [[show(day) for day in days] for show in _DATE_STEPS]
    return _built(texts, steps if steps[0] != texts else steps[1:])


def is_date_text(text: str) -> bool:
    """Tell whether a text is an ISO date, such as ``2024-03-17``."""
    try:
        return len(text) == len("2024-03-17") and dt.date.fromisoformat(text) is not None
    except ValueError:
        return False


_DATE_STEPS: tuple[Callable[[dt.date], str], ...] = (
    lambda day: f"{day.year:04}-{day.month:02}-{day.day:02}",
    lambda day: f"{day.year:04}-{day.month:02}",
    lambda day: f"{day.year:04}-Q{(day.month + 2) // 3}",
    lambda day: f"{day.year:04}",
    lambda day: f"{day.year // 10 * 10:04}s",
)


def _domain(values: Iterable[object]) -> Iterable[object]:
    """Each value once, missing ones left out, in a stable order."""
    return {canonical(value): value for value in values if value is not None}.values()


def _day(value: object) -> dt.date:
    try:
        return value if isinstance(value, dt.date) else dt.datetime.fromisoformat(str(value))
    except ValueError:
        raise CallerError("hierarchy.not-a-date") from None


def exact_number(value: object) -> Fraction:
    """Read a number exactly.

    Args:
        value: A finite number; a float stands for the decimal that it prints as, so that 0.1 is a tenth.

    Returns:
        The number.

    Raises:
        CallerError: ``hierarchy.not-a-number``.
    """
    try:
        if isinstance(value, int | float | Decimal | Fraction):
            return Fraction(str(value)) if isinstance(value, float) else Fraction(value)
    except (ValueError, OverflowError):
        pass
    raise CallerError("hierarchy.not-a-number") from None


def _exact_or_none(value: Number | None) -> Fraction | None:
    return None if value is None else exact_number(value)


def _round_step(span: Fraction, *, whole: bool) -> Fraction:
    """The least of 1, 2 or 5 times a power of ten that cuts the span into few enough intervals."""
    if span <= 0:
        return Fraction(1)
    wanted = span / _TARGET_INTERVALS
    decade = Fraction(10) ** math.floor(math.log10(wanted))
    while decade > wanted:
        decade /= 10
    step = next(decade * factor for factor in (1, 2, 5, 10, 20) if decade * factor >= wanted)
    return max(step, Fraction(1)) if whole else step


def _place(value: Fraction, width: Fraction, low: Fraction | None, high: Fraction | None) -> int | str:
    """Number of the interval that holds a value, or the label of an open end."""
    if low is not None and value < low:
        return f"<{_plain(low)}"
    if high is not None and value >= high:
        return f">={_plain(high)}"
    return value // width


class _Intervals(dict["int | str", str]):
    """The label of each interval of one width, written when first met."""

    def __init__(self, width: Fraction, low: Fraction | None, high: Fraction | None, *, whole: bool) -> None:
        super().__init__()
        self.width, self.low, self.high, self.whole = width, low, high, whole

    def __missing__(self, place: int | str) -> str:
        self[place] = place if isinstance(place, str) else self._written(place * self.width)
        return self[place]

    def _written(self, start: Fraction) -> str:
        end = start + self.width
        start = start if self.low is None else max(start, self.low)
        end = end if self.high is None else min(end, self.high)
        if self.whole and start.denominator == 1 and end.denominator == 1:
            return f"{start}-{end - 1}" if start >= 0 else f"{start} to {end - 1}"
        return f"[{_plain(start)}, {_plain(end)})"


def _plain(value: Fraction) -> str:
    """An exact decimal where there is one, else a ratio."""
    rest = value.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if rest != 1:
        return str(value)
    return format(Decimal(value.numerator) / Decimal(value.denominator), "f")


def _built(values: list[str], levels: list[list[str]]) -> Hierarchy:
    """Join levels that add nothing and put ``*`` on top."""
    columns: list[tuple[str, ...]] = [tuple(values)]
    for level in levels:
        if len(set(level)) < len(set(columns[-1])):
            columns.append(tuple(level))
    return _from_columns(columns)


def _from_columns(columns: Sequence[tuple[str, ...]]) -> Hierarchy:
    if len(columns) == 1 or set(columns[-1]) != {ANY_VALUE}:
        columns = [*columns, (ANY_VALUE,) * len(columns[0])]
    maps: list[tuple[int, ...]] = []
    labels: list[tuple[str, ...]] = []
    below: Sequence[int] = range(len(columns[0]))
    for level, column in enumerate(columns[1:], 1):
        names = {name: index for index, name in enumerate(dict.fromkeys(column))}
        groups = tuple(names[name] for name in column)
        _check_nested(below, groups, level)
        maps.append(groups)
        labels.append(tuple(names))
        below = groups
    return Hierarchy(tuple(columns[0]), tuple(maps), tuple(labels))


def _check_nested(below: Sequence[int], groups: Sequence[int], level: int) -> None:
    parent: dict[int, int] = {}
    for row, (child, group) in enumerate(zip(below, groups, strict=True), 1):
        if parent.setdefault(child, group) != group:
            raise CallerError("hierarchy.not-nested", hierarchy=_UNNAMED, level=level, row=row)
