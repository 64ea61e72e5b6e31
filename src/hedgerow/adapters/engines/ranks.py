"""Ranks: the random place of each row among the rows of its person, drawn once and kept.

A query that counts at most m rows of a person takes those ranked below m. Ranks of one person
depend on that person's rows and on randomness, on nobody else: adding or removing a person changes
no other rank. New rows rank after those a person has, so earlier answers keep their meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hedgerow.adapters.engines.buckets import open_bucket, random_order
from hedgerow.adapters.engines.people import Numbers, allowed_rows, contains, holding, numbers_of, run_starts
from hedgerow.model.engine import PERSON, RANK

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from hedgerow.model.engine import BucketFile, PeopleFilter, Shelf


@dataclass(frozen=True, slots=True, eq=False)
class RowCounts(Mapping[int, int]):
    """How many ranks each person has taken, as two arrays and as a mapping.

    Args:
        people: Strictly increasing internal numbers.
        counts: Ranks taken by each, at least 1.
    """

    people: Numbers = field(repr=False)
    counts: Numbers = field(repr=False)

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> RowCounts:
        """Take any mapping of person to ranks taken."""
        if isinstance(counts, RowCounts):
            return counts
        pairs = sorted(counts.items())
        return cls(
            np.array([person for person, _ in pairs], dtype=np.int64),
            np.array([count for _, count in pairs], dtype=np.int64),
        )

    def taken(self, people: Numbers) -> Numbers:
        """Look many people up at once.

        Args:
            people: Internal numbers.

        Returns:
            Ranks taken by each; 0 for whoever is unknown.
        """
        known = contains(self.people, people)
        result: Numbers = np.zeros(len(people), dtype=np.int64)
        result[known] = self.counts[np.searchsorted(self.people, people[known])]
        return result

    def __getitem__(self, person: int) -> int:
        """Look one person up."""
        place = int(np.searchsorted(self.people, person))
        if place == len(self.people) or int(self.people[place]) != person:
            raise KeyError
        return int(self.counts[place])

    def __iter__(self) -> Iterator[int]:
        """Walk the people in order."""
        return iter(self.people.tolist())

    def __len__(self) -> int:
        """How many people are known."""
        return len(self.people)


def row_counts(files: Sequence[BucketFile], people: PeopleFilter, shelf: Shelf) -> RowCounts:
    """Tell how many ranks each person has taken: the greatest rank and one more.

    Args:
        files: All bucket files of the version to be appended to.
        people: Whose rows may be looked at.
        shelf: Where the files lie.

    Returns:
        The counts of those who have rows; the others are absent.

    Raises:
        Fault: When a file cannot be read.
    """
    allowed = numbers_of(people)
    found = [_taken_in(file, own, shelf) for file, own in holding(tuple(files), allowed)]
    person = np.concatenate([np.empty(0, np.int64), *(one for one, _ in found)])
    taken = np.concatenate([np.empty(0, np.int64), *(count for _, count in found)])
    return RowCounts(*_greatest(person, taken))


def _taken_in(file: BucketFile, allowed: Numbers, shelf: Shelf) -> tuple[Numbers, Numbers]:
    rows = open_bucket(file, shelf).read([PERSON, RANK], allowed)
    person, rank = rows[PERSON].to_numpy(), rows[RANK].to_numpy()
    mask = allowed_rows(allowed, person)
    return _greatest(person[mask], rank[mask].astype(np.int64) + 1)


def _greatest(people: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
    order = np.argsort(people, kind="stable")
    people, values = people[order], values[order]
    starts = run_starts(people)
    return people[starts], np.maximum.reduceat(values, starts) if len(starts) else values


def ranks_for(people: Numbers, existing: Mapping[int, int] | None = None) -> npt.NDArray[np.int32]:
    """Draw ranks for new rows: a random permutation within each person, after the ranks taken.

    Args:
        people: Internal number of the person of each row.
        existing: Ranks each person has taken already; none for a new data set.

    Returns:
        One rank for each row. *Guarantee*: the ranks of a person are distinct, start where the
        existing ones end, and every order is equally likely (the generator is seeded with 256
        secret bits; it picks rows and makes no noise, so it need not be a cipher).
    """
    # Sorting a shuffle: rows that tie keep an order that is uniformly random.
    shuffled = random_order().permutation(len(people))
    ordered = shuffled[np.argsort(people[shuffled])]
    sorted_people = people[ordered]
    starts = run_starts(sorted_people)
    lengths = np.diff(np.append(starts, len(people)))
    first = -starts
    if existing is not None:
        first = first + RowCounts.of(existing).taken(sorted_people[starts])
    ranks = np.empty(len(people), dtype=np.int32)
    ranks[ordered] = np.arange(len(people)) + np.repeat(first, lengths)
    return ranks
