"""Which rows of each person count, where nothing needs their order: no sort of all rows."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.aggregation.ranks import NEVER

_BITS = 32
_MOST_PEOPLE = 2**31


def pick_rows(
    people: npt.NDArray[np.int64],
    most: int,
    randomness: Callable[[int], bytes] = secrets.token_bytes,
) -> npt.NDArray[np.bool_]:
    """Pick at most so many rows of each person, at random.

    Args:
        people: Number of the person of each row, from 0 and below 2**31; below 0 for nobody.
        most: Rows of a person that may count, 1 or more.
        randomness: Gives so many unpredictable bytes; they seed what picks rows and draws no noise.

    Returns:
        Whether each row counts; rows about nobody do not. All rows of whoever has no more than ``most``.

    Raises:
        ValueError: For numbers past 2**31.

    Guarantee: whether a person's rows count depends on those rows and on randomness of their own: adding or
        removing a person changes nobody else's in distribution. Never more than ``most``: a row counts
        while its random number is below that of the first row too many, so that of two rows with one number
        (one pair in 2**32) neither may count.
    """
    shifted = people + 1
    counts = np.bincount(shifted, minlength=1)
    if len(counts) > _MOST_PEOPLE:
        raise ValueError("people are numbered below 2**31")
    has_more = counts > most
    has_more[0] = True  # nobody's rows: each is too many
    rows = np.flatnonzero(has_more[shifted])
    kept = np.ones(len(people), dtype=np.bool_)
    kept[rows] = False
    rows = rows[people[rows] >= 0]
    if len(rows):
        draw = np.random.default_rng(int.from_bytes(randomness(_BITS)))
        whose = shifted[rows].astype(np.uint64)
        numbers = (whose << np.uint64(_BITS)) | draw.integers(0, 2**_BITS, len(rows), dtype=np.uint32)
        kept[rows] = numbers < _first_too_many(numbers, counts, has_more, most)[whose]
    return kept


def pick_ranks(people: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """Pick rows as :func:`pick_rows` does, told as ranks: 0 for one that counts, :data:`NEVER` for others."""
    return np.where(pick_rows(people, most), 0, NEVER)


def _first_too_many(
    numbers: npt.NDArray[np.uint64], counts: npt.NDArray[np.int64], has_more: npt.NDArray[np.bool_], most: int
) -> npt.NDArray[np.uint64]:
    """Find, for each person with too many rows, the number of the first row that is too many."""
    ordered = np.sort(numbers)
    whose = np.flatnonzero(has_more)[1:]
    ends = np.cumsum(counts[whose])
    bound = np.zeros(len(counts), dtype=np.uint64)
    bound[whose] = ordered[ends - counts[whose] + most]
    return bound
