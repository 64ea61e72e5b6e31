"""Where the people of the town are and when, as a telephone company sees it, and how many live where.

The town lies where there is no land, in the Atlantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from hedgerow.app.demo.town.draw import stream

if TYPE_CHECKING:
    from hedgerow.app.demo.town.draw import Integers, Numbers

CENTRE = (47.0, -30.0)
_DEGREE_M = 111_195.0
_DAY_MINUTES = 24 * 60
_FRIDAY = 4


def track_table(seed: int, people: int, *, days: int = 7, per_day: int = 4) -> pa.Table:
    """Write the places of people from Monday, 6 January 2025 on.

    Args:
        seed: 0 or more.
        people: At least 1.
        days: At least 1.
        per_day: Points of each person and day.

    Returns:
        ``person, latitude, longitude, time``: at home, at work on working days, and now and then
        elsewhere; local times to the minute.
    """
    rng = stream(seed, "tracks")
    home, work, shops = _spots(rng, people, 1800.0), _spots(rng, people, 700.0), _spots(rng, 40, 1200.0)
    each = days * per_day
    person = np.repeat(np.arange(people), each)
    day = np.tile(np.repeat(np.arange(days), per_day), people)
    minute = rng.integers(6 * 60, 23 * 60, len(person))
    is_work = (day % 7 <= _FRIDAY) & (minute >= 9 * 60) & (minute < 17 * 60)
    spot = np.where(is_work[:, None], work[person], home[person])
    out = rng.random(len(person)) < 0.15  # noqa: PLR2004 - a share
    spot[out] = shops[rng.integers(0, len(shops), int(out.sum()))]
    start = np.datetime64("2025-01-06T00:00", "m")
    moments = (start + day * _DAY_MINUTES + minute).astype("datetime64[us]")
    order = np.argsort(moments, kind="stable")
    table = _table(spot[order], "latitude", "longitude")
    table = table.add_column(0, "person", pa.array([f"T-{number + 1:06d}" for number in person[order]]))
    return table.append_column("time", pa.array(moments[order]))


def block_table(seed: int, people: int) -> pa.Table:
    """Write how many people live in each block of a hundred metres.

    Args:
        seed: As for the tracks: then those people live there.
        people: At least 1.

    Returns:
        ``latitude, longitude, people`` of the blocks where somebody lives.
    """
    home = _spots(stream(seed, "tracks"), people, 1800.0)
    blocks, counts = np.unique(_block(home), axis=0, return_counts=True)
    table = _table(np.asarray((blocks + 0.5) * 100.0, dtype=np.float64), "latitude", "longitude")
    return table.append_column("people", pa.array(counts.astype(np.int64)))


def _block(spots: Numbers) -> Integers:
    return np.floor(spots / 100.0).astype(np.int64)


def _spots(rng: np.random.Generator, number: int, spread_m: float) -> Numbers:
    """Draw places around the centre, in metres north and east."""
    return np.asarray(rng.normal(0.0, spread_m, (number, 2)), dtype=np.float64)


def _table(spots: Numbers, latitude: str, longitude: str) -> pa.Table:
    north = CENTRE[0] + spots[:, 0] / _DEGREE_M
    east = CENTRE[1] + spots[:, 1] / (_DEGREE_M * np.cos(np.radians(CENTRE[0])))
    return pa.table({latitude: np.round(north, 5), longitude: np.round(east, 5)})
