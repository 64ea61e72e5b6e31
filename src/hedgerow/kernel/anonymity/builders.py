"""Hierarchies by declared choices: intervals of given widths, calendar steps, redaction, ordered groups.

Unlike those that fit themselves to values, these disclose what is declared and nothing else of the
values: bounds, widths and steps are the caller's, and a value outside them is refused. What is refused
is named by its column, never by its value.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

from hedgerow.kernel.anonymity.hierarchies import Number, canonical, exact_number, from_rows
from hedgerow.model.anonymity import ANY_VALUE, Hierarchy
from hedgerow.model.errors import CallerError

MOST_VALUES = 1_000_000
"""Whole numbers that a declared range is written out for at most."""

_UNNAMED = "the column"


def intervals(
    *,
    lower: Number,
    upper: Number,
    widths: Sequence[Number],
    values: Iterable[Number] | None = None,
    column: str = _UNNAMED,
) -> Hierarchy:
    """Build intervals of declared widths, one width per level, from a declared lower bound on.

    Args:
        lower: Declared lower bound, where the first interval of each level starts.
        upper: Declared upper bound, above it; it lies in no interval itself.
        widths: Width per level, finest first: above 0, each a whole multiple of the one before and larger.
        values: The domain, all within the bounds; without it all whole numbers within them, so that the
            hierarchy tells nothing of the data.
        column: What errors call the column.

    Returns:
        The hierarchy, ``*`` on top; whole numbers read ``20-24``, others ``[0.5, 1.0)``; the last interval
        of a level ends at the upper bound.

    Raises:
        CallerError: ``hierarchy.not-a-number``, ``hierarchy.bad-widths`` or ``hierarchy.outside-bounds``.
    """
    low, high = exact_number(lower), exact_number(upper)
    steps = [exact_number(width) for width in widths]
    if low >= high or (values is None and high - low > MOST_VALUES):
        raise CallerError("hierarchy.bad-bounds", column=column, limit=MOST_VALUES)
    is_nested = all(coarse > fine and (coarse / fine).denominator == 1 for fine, coarse in pairwise(steps))
    if not steps or min(steps) <= 0 or not is_nested:
        raise CallerError("hierarchy.bad-widths", column=column)
    known = _each(range(-(-low // 1), -(-high // 1)) if values is None else values)
    exact = [exact_number(value) for value in known]
    if any(not low <= value < high for value in exact):
        raise CallerError("hierarchy.outside-bounds", column=column)
    is_whole = all(value.denominator == 1 for value in (low, high, *steps, *exact))
    rows = [
        [canonical(value), *(_interval(place, low, high, width, is_whole=is_whole) for width in steps)]
        for value, place in zip(known, exact, strict=True)
    ]
    return _built(rows)


def _interval(value: Fraction, low: Fraction, high: Fraction, width: Fraction, *, is_whole: bool) -> str:
    start = low + (value - low) // width * width
    end = min(start + width, high)
    if not is_whole:
        return f"[{_decimal(start)}, {_decimal(end)})"
    last = end - 1
    if start == last:
        return str(start)
    return f"{start}-{last}" if start >= 0 else f"{start} to {last}"


def _decimal(value: Fraction) -> str:
    scaled, places = value, 0
    while scaled.denominator != 1 and places < 30:  # noqa: PLR2004 - thirds never end
        scaled, places = scaled * 10, places + 1
    if scaled.denominator != 1:
        return str(value)
    digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if value < 0 else text


def calendar(
    values: Iterable[object],
    *,
    steps: Sequence[str] = ("month", "quarter", "year", "decade"),
    lower: dt.date | None = None,
    upper: dt.date | None = None,
    column: str = _UNNAMED,
) -> Hierarchy:
    """Build calendar steps of choice.

    Args:
        values: Dates, timestamps or ISO texts.
        steps: Of ``day``, ``week``, ``month``, ``quarter``, ``year`` and ``decade``, finest first. Weeks are
            those of ISO 8601, so they do not go with months or quarters, and years above them are
            the years that weeks belong to.
        lower: First day declared; none leaves it open.
        upper: Last day declared; none leaves it open.
        column: What errors call the column.

    Returns:
        The hierarchy, its labels such as 2024-03-17, 2024-W11, 2024-03, 2024-Q1, 2024 and 2020s.

    Raises:
        CallerError: ``hierarchy.bad-steps``, ``hierarchy.not-a-date`` or ``hierarchy.outside-bounds``.
    """
    order = list(_CALENDAR)
    places = [order.index(step) if step in _CALENDAR else -1 for step in steps]
    is_mixed = "week" in steps and ("month" in steps or "quarter" in steps)
    if not steps or -1 in places or is_mixed or places != sorted(set(places)):
        raise CallerError("hierarchy.bad-steps", column=column, known=", ".join(order))
    known = _each(values)
    days = [_day(value) for value in known]
    if any((lower is not None and day < lower) or (upper is not None and day > upper) for day in days):
        raise CallerError("hierarchy.outside-bounds", column=column)
    show = [_WEEKLY.get(step, _CALENDAR[step]) if "week" in steps else _CALENDAR[step] for step in steps]
    return _built(
        [[canonical(value), *(each(day) for each in show)] for value, day in zip(known, days, strict=True)]
    )


_CALENDAR: dict[str, Callable[[dt.date], str]] = {
    "day": lambda day: day.isoformat(),
    "week": lambda day: f"{day.isocalendar().year:04}-W{day.isocalendar().week:02}",
    "month": lambda day: f"{day.year:04}-{day.month:02}",
    "quarter": lambda day: f"{day.year:04}-Q{(day.month + 2) // 3}",
    "year": lambda day: f"{day.year:04}",
    "decade": lambda day: f"{day.year // 10 * 10:04}s",
}
# The first days of January may belong to the last week of the year before.
_WEEKLY: dict[str, Callable[[dt.date], str]] = {
    "year": lambda day: f"{day.isocalendar().year:04}",
    "decade": lambda day: f"{day.isocalendar().year // 10 * 10:04}s",
}


def _day(value: object) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.datetime.fromisoformat(str(value)).date()
    except ValueError:
        raise CallerError("hierarchy.not-a-date") from None


def redaction(
    values: Iterable[object],
    *,
    side: str = "right",
    align: str = "left",
    character: str = "*",
    stride: int = 1,
    column: str = _UNNAMED,
) -> Hierarchy:
    """Build the hierarchy of codes by redacting characters from one side.

    Args:
        values: The codes.
        side: Where redaction starts, ``right`` or ``left``.
        align: Where codes of different length are aligned, ``left`` or ``right``; from level 1 on they are
            filled up with the character on the other side, so that no label tells a length.
        character: What stands for a redacted character: one character that is no letter or digit.
        stride: Characters more per level, at least 1.
        column: What errors call the column.

    Returns:
        The hierarchy, such as 12345, 1234*, 123**, 12***, 1****, ``*``.

    Raises:
        CallerError: ``hierarchy.bad-redaction``.
    """
    is_mark = len(character) == 1 and character.isprintable() and not character.isalnum()
    if {side, align} - {"left", "right"} or not is_mark or stride < 1:
        raise CallerError("hierarchy.bad-redaction", column=column)
    texts = [canonical(value) for value in _each(values)]
    longest = max(map(len, texts), default=0)
    fill = str.ljust if align == "left" else str.rjust
    filled = [fill(text, longest, character) for text in texts]
    rows = []
    for text, whole in zip(texts, filled, strict=True):
        hidden = range(stride, longest, stride)
        levels = [
            whole[: longest - cut] + character * cut if side == "right" else character * cut + whole[cut:]
            for cut in hidden
        ]
        rows.append([text, *levels])
    return _built(rows)


def ordered(values: Sequence[object], *, fan_outs: Sequence[int], column: str = _UNNAMED) -> Hierarchy:
    """Build groups of neighbours in a declared order, such as school grades or income bands.

    Args:
        values: The domain in its order, each once; what is in it and its order are declared, not observed.
        fan_outs: How many groups of the level below are joined, per level, each at least 2; the last
            group of a level may have fewer.
        column: What errors call the column.

    Returns:
        The hierarchy, ``*`` on top; a group reads ``first to last``.

    Raises:
        CallerError: ``hierarchy.bad-fan-outs`` or ``hierarchy.repeated-value``.
    """
    if not fan_outs or any(isinstance(one, bool) or one < 2 for one in fan_outs):  # noqa: PLR2004
        raise CallerError("hierarchy.bad-fan-outs", column=column)
    texts = [canonical(value) for value in values]
    rows = [[text] for text in texts]
    size = 1
    for fan_out in fan_outs:
        size *= fan_out
        for place, row in enumerate(rows):
            members = texts[place // size * size : (place // size + 1) * size]
            row.append(members[0] if len(members) == 1 else f"{members[0]} to {members[-1]}")
    return _built(rows)


def to_rows(hierarchy: Hierarchy) -> list[list[str]]:
    """Write a hierarchy as the table it is read from.

    Args:
        hierarchy: The hierarchy.

    Returns:
        One row per value: value, level 1, ..., ``*``. ``from_rows`` of it is the hierarchy again.
    """
    return [
        [
            value,
            *(names[groups[place]] for groups, names in zip(hierarchy.maps, hierarchy.labels, strict=True)),
        ]
        for place, value in enumerate(hierarchy.values)
    ]


def _each(values: Iterable[object]) -> list[object]:
    """Each value once, missing ones left out, in a stable order."""
    return list({canonical(value): value for value in values if value is not None}.values())


def _built(rows: list[list[str]]) -> Hierarchy:
    """Put ``*`` on top. Every declared level stays, whatever the values: their number is declared too."""
    if not rows:
        return Hierarchy((), ((),), ((),))
    return from_rows([*row, ANY_VALUE] for row in rows)
