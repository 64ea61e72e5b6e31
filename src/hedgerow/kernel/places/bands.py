"""Moments as bands: parts of the calendar and of the day, over local times.

Local time is what a clock on the wall shows. Where clocks are put back an hour stands twice, and both are in
the band that the clock shows; where they are put forward an hour is missing. A band never depends on the
offset.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernel.anonymity.coding import Ints
from hedgerow.model.errors import CallerError
from hedgerow.model.places import ANYWHERE, DAY_MINUTES, TimeBands, TimePart

Moments = NDArray[np.datetime64]
PARTS = frozenset(get_args(TimePart))
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEK = len(_NAMES)


def check_bands(bands: TimeBands) -> None:
    """Refuse bands that say nothing clear.

    Args:
        bands: The bands.

    Raises:
        CallerError: ``places.time-parts`` or ``places.time-edges``.
    """
    parts, edges = bands.parts, bands.edges
    if not parts or len(set(parts)) < len(parts) or not PARTS.issuperset(parts):
        raise CallerError("places.time-parts", parts=", ".join(sorted(PARTS)))
    if "any" in parts and len(parts) > 1:
        raise CallerError("places.time-parts", parts=", ".join(sorted(PARTS)))
    whole = all(type(edge) is int and 0 <= edge < DAY_MINUTES for edge in edges)
    if not edges or not whole or any(a >= b for a, b in pairwise(edges)):
        raise CallerError("places.time-edges")
    if any(type(day) is not int or not 0 <= day < _WEEK for day in bands.weekend):
        raise CallerError("places.time-parts", parts="weekend days from 0 (Monday) to 6")


def banded(moments: Moments, bands: TimeBands) -> tuple[Ints, list[str]]:
    """Put local moments into bands.

    Args:
        moments: Local times, in any unit; NaT is missing.
        bands: The bands; the zone is not read here.

    Returns:
        Band of each moment, -1 where missing, and the label of each band.

    Raises:
        CallerError: As ``check_bands``.
    """
    check_bands(bands)
    codes = np.full(len(moments), -1, dtype=np.int64)
    known = ~np.isnat(moments)
    minutes = moments[known].astype("datetime64[m]").astype(np.int64)
    distinct, back = np.unique(_coded(minutes, bands), axis=0, return_inverse=True)
    codes[known] = back.ravel()
    writers = [_WRITE[part] for part in bands.parts]
    labels = [
        " ".join(write(value, bands) for write, value in zip(writers, row, strict=True))
        for row in distinct.tolist()
    ]
    return codes, labels


def _coded(minutes: Ints, bands: TimeBands) -> Ints:
    return np.stack([_CODE[part](minutes, bands) for part in bands.parts], axis=1)


def _day(minutes: Ints, _: TimeBands) -> Ints:
    return minutes // DAY_MINUTES


def _month(minutes: Ints, _: TimeBands) -> Ints:
    days = _day(minutes, _).astype("datetime64[D]")
    return days.astype("datetime64[M]").astype(np.int64)


def _weekday(minutes: Ints, _: TimeBands) -> Ints:
    return (_day(minutes, _) + 3) % _WEEK  # the first of January 1970 was a Thursday


def _weekend(minutes: Ints, bands: TimeBands) -> Ints:
    return np.isin(_weekday(minutes, bands), np.asarray(bands.weekend, dtype=np.int64)).astype(np.int64)


def _time(minutes: Ints, bands: TimeBands) -> Ints:
    at = np.searchsorted(np.asarray(bands.edges), minutes % DAY_MINUTES, side="right") - 1
    return np.asarray(at % len(bands.edges), dtype=np.int64)  # before the first edge: the night's band


_CODE: dict[TimePart, Callable[[Ints, TimeBands], Ints]] = {
    "any": lambda minutes, _: np.zeros(len(minutes), dtype=np.int64),
    "year": lambda minutes, _: _month(minutes, _) // 12,
    "quarter": lambda minutes, _: _month(minutes, _) // 3,
    "month": _month,
    "week": lambda minutes, _: (_day(minutes, _) + 3) // _WEEK,
    "day": _day,
    "weekday": _weekday,
    "weekend": _weekend,
    "time": _time,
}


def _iso_week(week: int, _: TimeBands) -> str:
    thursday = np.datetime64(week * _WEEK, "D")  # an ISO week belongs to the year of its Thursday
    year = thursday.astype("datetime64[Y]")
    return f"{year}-W{int((thursday - year.astype('datetime64[D]')).astype(int)) // _WEEK + 1:02d}"


def _quarter(quarter: int, _: TimeBands) -> str:
    return f"{1970 + quarter // 4}-Q{quarter % 4 + 1}"


def _band(place: int, bands: TimeBands) -> str:
    end = bands.edges[(place + 1) % len(bands.edges)] or DAY_MINUTES
    return f"{_clock(bands.edges[place])}-{_clock(end)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


_WRITE: dict[TimePart, Callable[[int, TimeBands], str]] = {
    "any": lambda _, __: ANYWHERE,
    "year": lambda year, _: str(1970 + year),
    "quarter": _quarter,
    "month": lambda month, _: str(np.datetime64(month, "M")),
    "week": _iso_week,
    "day": lambda day, _: str(np.datetime64(day, "D")),
    "weekday": lambda day, _: _NAMES[day],
    "weekend": lambda is_weekend, _: "weekend" if is_weekend else "working day",
    "time": _band,
}
