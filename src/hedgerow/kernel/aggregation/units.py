"""Which privacy unit each row belongs to: a person, a household, or a person on one day."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.aggregation.ranks import number_people

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
