"""Who may be read: a sorted set of internal numbers against rows sorted by person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from hedgerow.model.engine import BucketFile, PeopleFilter

Numbers: TypeAlias = "npt.NDArray[np.int64]"
Places: TypeAlias = "npt.NDArray[np.integer[Any]]"
Mask: TypeAlias = "npt.NDArray[np.bool_]"


def numbers_of(people: PeopleFilter) -> Numbers:
    """View a filter as an array and check its order.

    Args:
        people: The filter.

    Returns:
        Strictly increasing int64 numbers, read-only.

    Raises:
        CallerError: ``engine.people-order``.
    """
    numbers = np.frombuffer(people.packed, dtype=np.int64)
    if not bool(np.all(numbers[1:] > numbers[:-1])):
        raise CallerError("engine.people-order")
    return numbers


def bucket_of(people: Numbers, bucket_count: int) -> Numbers:
    """Tell the bucket of each person: the low bits of the internal number, which is random.

    Args:
        people: Internal numbers.
        bucket_count: A power of two.

    Returns:
        Bucket indexes, 0 to ``bucket_count - 1``.
    """
    return people & np.int64(bucket_count - 1)


def run_starts(people: Numbers) -> Places:
    """Find where each run of one person begins.

    Args:
        people: A person number for each row, rows of a person together.

    Returns:
        Row indexes, increasing, the first 0; empty without rows.
    """
    if not len(people):
        return np.empty(0, dtype=np.int64)
    return np.concatenate(([0], np.flatnonzero(people[1:] != people[:-1]) + 1))


def contains(allowed: Numbers, people: Numbers) -> Mask:
    """Tell which numbers are in a sorted set.

    Args:
        allowed: Strictly increasing numbers.
        people: Any numbers.

    Returns:
        One truth value for each number.
    """
    if not len(allowed):
        return np.zeros(len(people), dtype=np.bool_)
    places = np.searchsorted(allowed, people)
    places[places == len(allowed)] = 0
    found: Mask = allowed[places] == people
    return found


def allowed_rows(allowed: Numbers, people: Numbers) -> Mask:
    """Tell which rows belong to allowed people: decided once for each run of a person.

    Args:
        allowed: Strictly increasing numbers.
        people: A person number for each row; sorted rows make it fast, any order is right.

    Returns:
        One truth value for each row.
    """
    starts = run_starts(people)
    lengths = np.diff(np.append(starts, len(people)))
    return np.repeat(contains(allowed, people[starts]), lengths)


def holding(files: tuple[BucketFile, ...], allowed: Numbers) -> list[tuple[BucketFile, Numbers]]:
    """Keep the files whose bucket can hold an allowed person; the others are never opened.

    Args:
        files: Bucket files, of any bucket counts.
        allowed: Strictly increasing numbers.

    Returns:
        The files to open, in the order given, each with the allowed people of its bucket, in order.
    """
    buckets = {count: _by_bucket(allowed, count) for count in {file.bucket_count for file in files}}
    found = ((file, buckets[file.bucket_count][file.bucket]) for file in files)
    return [(file, people) for file, people in found if len(people)]


def _by_bucket(people: Numbers, bucket_count: int) -> list[Numbers]:
    """Give the people of each bucket, in their order: a few thousand are searched faster than a million."""
    buckets = bucket_of(people, bucket_count).astype(np.min_scalar_type(bucket_count))
    ends = np.cumsum(np.bincount(buckets, minlength=bucket_count))
    return np.split(people[np.argsort(buckets, kind="stable")], ends[:-1])


def by_person(files: tuple[BucketFile, ...]) -> list[list[BucketFile]]:
    """Put files together that can hold the same person: each person's rows lie in one of the lists.

    A person's bucket is the low bits of the number; of two powers of two the smaller count looks at fewer of
    the same bits, so buckets that agree in those of the smallest count belong together.

    Args:
        files: Bucket files, of any bucket counts.

    Returns:
        The files, each in one list.
    """
    fewest = min((file.bucket_count for file in files), default=1)
    together: dict[int, list[BucketFile]] = {}
    for file in files:
        together.setdefault(file.bucket & (fewest - 1), []).append(file)
    return list(together.values())
