"""Reading the report's values: what is missing, hidden or malformed never breaks the page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TypeAlias

from hedgerow.app.report.markup import Markup, clip, join, tag
from hedgerow.model.uses import Json

Entry: TypeAlias = Mapping[str, Json]

HIDDEN = "not shown to this role"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RATIO = re.compile(r"(\d{1,30})/(\d{1,30})", re.ASCII)
_TEXT_MAX = 64
_POWER_MIN, _POWER_MAX = -40, 15


def entries(value: object) -> list[Entry]:
    """Take the mappings of a list; anything else counts as none."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [item for item in value if isinstance(item, Mapping)]


def part(entry: Entry, key: str) -> Entry:
    """Take a mapping inside another; empty when there is none."""
    value = entry.get(key)
    return value if isinstance(value, Mapping) else {}


def texts(value: object) -> list[str]:
    """Take a list of texts; one text stands for a list of it."""
    if isinstance(value, str):
        return [value] if value else []
    return [str(item) for item in value] if isinstance(value, Sequence) else []


def text(entry: Entry, key: str) -> str:
    """Take a text; empty when there is none."""
    value = entry.get(key)
    return "" if value is None else str(value)


def whole(entry: Entry, key: str) -> int | None:
    """Take a whole number of at least zero; none when it is hidden or malformed."""
    value = entry.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def counted(number: int | None) -> str:
    """Write a count, or say that this role may not see it."""
    return HIDDEN if number is None else f"{number:,}"


def exact(value: object) -> Fraction | None:
    """Read a number of at least zero exactly.

    Args:
        value: Decimal text, ``"1/5"``, a whole number, or a float, which means the decimal
            that it prints as.

    Returns:
        The value; none when it is none of these, negative, infinite or out of all proportion.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    written = value if isinstance(value, str) else repr(value)
    if len(written) > _TEXT_MAX:
        return None
    ratio = _RATIO.fullmatch(written)
    if ratio:
        return Fraction(int(ratio[1]), int(ratio[2])) if int(ratio[2]) else None
    try:
        number = Decimal(written)
    except InvalidOperation:
        return None
    if not number.is_finite() or number < 0 or not _POWER_MIN <= number.adjusted() <= _POWER_MAX:
        return None
    return Fraction(number)


def chance(value: object) -> str:
    """Write a risk or a share as a percentage rounded up, never smaller than it is.

    Args:
        value: What ``exact`` reads.

    Returns:
        For example ``"1 in 5 (20%)"`` or ``"12.4%"``; that it was not recorded when missing.
    """
    number = exact(value)
    if number is None:
        return clip(str(value), _TEXT_MAX) if isinstance(value, str) and value else "not recorded"
    tenths = -((-number.numerator * 1000) // number.denominator)
    percent = f"{tenths // 10}%" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}%"
    is_one_in = number.numerator == 1 and number.denominator > 1
    return f"1 in {number.denominator:,} ({percent})" if is_one_in else percent


def when(moment: str, zone: str = " UTC") -> Markup:
    """Write a time to the minute in UTC; what is no time is shown as it stands.

    Args:
        moment: The time as it was recorded.
        zone: Written after it; empty where a heading says it.

    Returns:
        The time.
    """
    try:
        parsed = datetime.fromisoformat(moment).astimezone(UTC) if _MOMENT.fullmatch(moment) else None
    except (ValueError, OverflowError):
        parsed = None
    if parsed is None and _DAY.fullmatch(moment):
        return tag("time", moment)
    if parsed is None:
        return tag("span", clip(moment))
    return tag("time", f"{parsed:%Y-%m-%d %H:%M}{zone}", datetime=moment)


def is_over(until: str, day: str) -> bool:
    """Tell whether a day has passed; both are written year first, and what is no day has not."""
    return _DAY.fullmatch(until) is not None and _DAY.fullmatch(day) is not None and until < day


def newest(listed: Sequence[Entry]) -> list[Entry]:
    """Put the newest first; entries come oldest first."""
    return list(reversed(listed))


def actor(entry: Entry) -> Markup:
    """Say who acted, and as whom where the two differ."""
    principal, role = text(entry, "by"), text(entry, "as")
    if principal == role or not role:
        return tag("b", clip(principal or role))
    if not principal:
        return tag("b", clip(role))
    return join(tag("b", clip(role)), tag("span", " through ", clip(principal), class_="muted"))
