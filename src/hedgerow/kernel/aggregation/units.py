"""Which unit each row belongs to, a person, a household or a person on one day, and which rows count."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.aggregation.ranks import NEVER, draw_ranks, number_people
from hedgerow.model.contribution import UnitBound

Column: TypeAlias = "pa.Array | pa.ChunkedArray"


def number_units(person: Column, unit: str, by: Column | None = None) -> npt.NDArray[np.int64]:
    """Number the privacy units from 0; -1 for rows of none.

    Args:
        person: Who each row is about.
        unit: ``person``, ``household`` or ``person-day``.
        by: The household of each row, or its date or time; a row without one belongs to no unit.

    Returns:
        A number for each row, the same for rows of one unit. A row about nobody belongs to no unit.

    Guarantee: rows of different units have different numbers, whoever else is there.
    """
    people = number_people(person)
    if by is None or unit == "person":
        return people
    if unit == "household":
        return np.where(people >= 0, number_people(by), -1)
    days = pc.fill_null(by.cast(pa.date32(), safe=False).cast(pa.int32()).cast(pa.int64()), -(2**62))
    days = days.to_numpy(zero_copy_only=False) if isinstance(days, pa.Array) else days.to_numpy()
    _, places = np.unique(days, return_inverse=True)
    numbers = people * (int(places.max(initial=0)) + 1) + places
    _, units = np.unique(numbers, return_inverse=True)
    return np.where((people >= 0) & (days != -(2**62)), units, -1)


def as_column(units: npt.NDArray[np.int64]) -> pa.Array:
    """Write unit numbers as a column, null for none."""
    return pa.array(units, mask=units < 0)


def rank_units(
    person: Column,
    by: Column,
    bound: UnitBound,
    randomness: Callable[[int], bytes] = secrets.token_bytes,
) -> npt.NDArray[np.int64]:
    """Pick the rows that count of each household, or of each day of a person, bounded for each person too.

    Of a household: of each person's rows that name one, so many drawn at random may count; of those that may,
    so many of each household, drawn anew, count. Of a day: so many rows of each day of a person, drawn at
    random, on so many days of each person, drawn anew.

    Args:
        person: Who each row is about.
        by: The household of each row, or its date or time; a row without one never counts.
        bound: How many count.
        randomness: Gives so many unpredictable bytes.

    Returns:
        0 for a row that counts and :data:`NEVER` for others.

    Guarantee: whoever else is there, one person's rows taken away change at most ``bound.of_person`` of the
        rows that count, and one unit's at most ``bound.moved``, for some pairing of equally likely draws:
        each row, and each day, keeps its own. Of a household that holds where its people name no other.
    """
    units = number_units(person, bound.unit, by)
    if bound.unit == "household":
        people = np.where(units >= 0, number_people(person), -1)
        may = draw_ranks(as_column(people), randomness) < bound.each
        own = draw_ranks(as_column(np.where(may, units, -1)), randomness)
        return np.where(own < bound.rows, 0, NEVER)
    counts = draw_ranks(as_column(units), randomness) < bound.rows
    days, first = np.unique(units, return_index=True)
    chosen = draw_ranks(as_column(np.where(days >= 0, number_people(person)[first], -1)), randomness)
    is_in = np.isin(units, days[chosen < bound.each])
    return np.where(counts & is_in, 0, NEVER)
