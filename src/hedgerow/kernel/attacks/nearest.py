"""How near the rows of a synthetic or perturbed table come to people of its source and to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernel.anonymity.coding import Floats, Ints, distinct_tuples
from hedgerow.kernel.attacks.attacking import Tried

NEAR = 0.05
"""The share of all people looked at that counts as near."""

# About what a processor keeps near it.
_AT_ONCE = 1 << 17


@dataclass(frozen=True, slots=True)
class Axis:
    """One column in which distance is measured: steps of 1 between categories, or numbers by their range.

    Args:
        people: Value of each person: a code, or a number divided by the column's range.
        rows: The same of each released row.
        is_number: Whether they are numbers.
    """

    people: NDArray[np.float32] = field(repr=False)
    rows: NDArray[np.float32] = field(repr=False)
    is_number: bool


def categories(people: Ints, rows: Ints) -> Axis:
    """Measure by whether two codes are equal."""
    return Axis(people.astype(np.float32), rows.astype(np.float32), is_number=False)


def numbers(people: Floats, rows: Floats) -> Axis:
    """Measure by the difference over the range of the people's numbers; what is no number lies far off."""
    known = people[np.isfinite(people)]
    span = float(np.ptp(known)) if len(known) else 0.0
    scaled = [np.nan_to_num(side / (span or 1.0), nan=2.0e6).astype(np.float32) for side in (people, rows)]
    return Axis(scaled[0], scaled[1], is_number=True)


def come_near(axes: Sequence[Axis], rng: np.random.Generator) -> Tried:
    """Tell who has a released row nearer than most people have.

    Args:
        axes: The columns, at least one.
        rng: Shuffles the cells of each column for the baseline.

    Returns:
        Per person whether the distance to the closest released row is within that of the nearest twentieth
        of all people, those in the source and those not looked at together.
    """
    rows = len(axes[0].rows)
    apart = [replace(axis, rows=axis.rows[rng.permutation(rows)]) for axis in axes]
    found = closest(axes)
    limit = np.quantile(found, NEAR)
    return Tried(found <= limit, closest(apart) <= limit)


def closest(axes: Sequence[Axis]) -> Floats:
    """Measure the distance of each person to the closest released row.

    Args:
        axes: The columns, at least one.

    Returns:
        Sum over the columns: Gower's distance times their number. The work grows with people times
        distinct rows times columns.
    """
    table = _distinct(axes)
    people = len(axes[0].people)
    found = np.empty(people, dtype=np.float64)
    step = max(1, _AT_ONCE // table.shape[1])
    for start in range(0, people, step):
        total = np.zeros((min(step, people - start), table.shape[1]), dtype=np.float32)
        for place, axis in enumerate(axes):
            mine, theirs = axis.people[start : start + step, None], table[place]
            if axis.is_number:
                total += np.minimum(np.abs(mine - theirs), np.float32(1))
            else:
                np.add(total, mine != theirs, out=total)
        found[start : start + step] = total.min(axis=1)
    return found


def _distinct(axes: Sequence[Axis]) -> NDArray[np.float32]:
    """The distinct released rows, a line for each column."""
    codes = [np.unique(axis.rows, return_inverse=True)[1].astype(np.int64) for axis in axes]
    kinds = distinct_tuples(codes)
    first = np.zeros(len(kinds.counts), dtype=np.int64)
    first[kinds.of_row] = np.arange(kinds.rows, dtype=np.int64)
    return np.stack([axis.rows[first] for axis in axes])
