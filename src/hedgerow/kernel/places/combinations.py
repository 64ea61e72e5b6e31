"""Counts of the combinations of points that people share, exactly, and the points to drop.

A profile is a set of points; people with equal sets share one, with their number as its weight.

Source:
    k^m-anonymity of set-valued data: Terrovitis, Mamoulis and Kalnis, Privacy-preserving anonymization of
    set-valued data (VLDB 2008), whose a-priori order (singles, pairs, triples, ...) is used here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import comb
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernel.anonymity.coding import Flags, Ints, combined_keys

Small: TypeAlias = NDArray[np.int32]

_KEY_SPACE = 2**62


class TooManyCombinationsError(Exception):
    """More combinations than may be counted."""


@dataclass(frozen=True, slots=True)
class Points:
    """Distinct pairs of person and item, ordered by person, then item.

    Args:
        person: Person of each pair, from 0.
        item: Item of each pair, from 0.
        rows: Rows that each pair stands for.
    """

    person: Ints = field(repr=False)
    item: Ints = field(repr=False)
    rows: Ints = field(repr=False)

    def only(self, kept: Flags) -> Points:
        """Keep some of the pairs."""
        return Points(self.person[kept], self.item[kept], self.rows[kept])


@dataclass(frozen=True, slots=True)
class Profiles:
    """Distinct sets of one size.

    Args:
        items: One row a profile, ascending.
        weights: People who share it.
        pairs: Place in the points of each first pair of the people, in the order of ``profile``.
        profile: Profile of each of those people.
    """

    items: Ints = field(repr=False)
    weights: Ints = field(repr=False)
    pairs: Ints = field(repr=False)
    profile: Ints = field(repr=False)


def points_of(person: Ints, item: Ints) -> Points:
    """Join equal pairs of person and item.

    Args:
        person: Person of each row, from 0.
        item: Item of each row, from 0.

    Returns:
        The distinct pairs, with the rows of each.
    """
    if not len(person):
        return Points(person, item, person)
    distinct, numbered = np.unique(item, return_inverse=True)  # keys fit, however large the items
    keys, rows = np.unique(person * len(distinct) + numbered, return_counts=True)
    return Points(keys // len(distinct), distinct[keys % len(distinct)], rows.astype(np.int64))


def profiles_of(points: Points) -> list[Profiles]:
    """Join people with equal sets.

    Args:
        points: The pairs.

    Returns:
        The profiles, by size.
    """
    if not len(points.person):
        return []
    starts = np.flatnonzero(np.concatenate(([True], points.person[1:] != points.person[:-1])))
    lengths = np.diff(np.append(starts, len(points.person)))
    found = []
    for length in np.unique(lengths).tolist():
        first = starts[lengths == length]
        rows = points.item[first[:, None] + np.arange(length)]
        items, profile, weights = _distinct_rows(rows)
        found.append(Profiles(items, weights, first, profile))
    return found


def _distinct_rows(rows: Ints) -> tuple[Ints, Ints, Ints]:
    """Distinct rows, the place of each row among them, and how often each stands."""
    whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, inverse, counts = np.unique(whole, return_index=True, return_inverse=True, return_counts=True)
    return rows[first], inverse.astype(np.int64), counts.astype(np.int64)


def _places(length: int, size: int) -> Small:
    """Every combination of places below a length, ascending."""
    found = np.arange(length, dtype=np.int32)[:, None]
    for _ in range(1, size):
        room = length - 1 - found[:, -1]
        row = np.repeat(np.arange(len(found)), room)
        within = np.arange(len(row)) - np.repeat(np.cumsum(room) - room, room)
        more = found[row, -1] + 1 + within
        found = np.column_stack([found[row], more.astype(np.int32)])
    return found


def number_of(profiles: list[Profiles], size: int) -> int:
    """Count the combinations of a size that all profiles have, each profile by itself.

    Args:
        profiles: The profiles.
        size: Items in a combination.
    """
    return sum(len(each.items) * comb(each.items.shape[1], size) for each in profiles)


@dataclass(frozen=True, slots=True)
class Counted:
    """The combinations of one size.

    Args:
        keys: Per block of profiles of one length, one key per profile and combination.
        places: Per block, the places in the profile of each combination.
        blocks: The profiles.
        rare: Keys of the combinations that fewer people than asked have, ascending.
        fewest: Fewest people of any combination; none where there is no combination.
        number: Combinations counted.
    """

    keys: tuple[Ints, ...] = field(repr=False)
    places: tuple[Small, ...] = field(repr=False)
    blocks: tuple[Profiles, ...] = field(repr=False)
    rare: Ints = field(repr=False)
    fewest: int | None
    number: int


def counted(profiles: list[Profiles], size: int, k: int, most: int) -> Counted:
    """Count in how many people each combination of a size stands.

    Args:
        profiles: The profiles.
        size: Items in a combination, at least 1.
        k: Fewest people that are not rare.
        most: Combinations that may be counted.

    Returns:
        The counts, exactly.

    Raises:
        TooManyCombinationsError: When there would be more than ``most``; nothing was claimed.
    """
    number = number_of(profiles, size)
    if number > most:
        raise TooManyCombinationsError
    blocks = tuple(each for each in profiles if each.items.shape[1] >= size)
    if not blocks:
        return Counted((), (), (), np.zeros(0, dtype=np.int64), None, 0)
    places = tuple(_places(each.items.shape[1], size) for each in blocks)
    keys = tuple(_keys(blocks, places, size))
    weights = np.concatenate(
        [np.repeat(each.weights, len(place)) for each, place in zip(blocks, places, strict=True)]
    )
    whole = np.concatenate([each.ravel() for each in keys])
    distinct, people = _summed(whole, weights)
    return Counted(keys, places, blocks, distinct[people < k], int(people.min()), number)


def _summed(keys: Ints, weights: Ints) -> tuple[Ints, Ints]:
    """Distinct keys, ascending, and the weight of each."""
    if int(weights.max()) == 1:  # sorting keys alone is several times faster than sorting places
        ordered = np.sort(keys)
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        return ordered[starts], np.diff(np.append(starts, len(ordered)))
    order = np.argsort(keys)
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return ordered[starts], np.add.reduceat(weights[order], starts)


def _keys(blocks: tuple[Profiles, ...], places: tuple[Small, ...], size: int) -> Iterator[Ints]:
    """Give each combination one integer, equal exactly where the combinations are."""
    space = 1 + max(int(each.items.max()) for each in blocks)
    if space**size <= _KEY_SPACE:
        for each, place in zip(blocks, places, strict=True):
            keys = each.items[:, place[:, 0]]
            for column in range(1, size):
                keys = keys * space + each.items[:, place[:, column]]
            yield keys
        return
    columns = [
        np.concatenate([b.items[:, p[:, at]].ravel() for b, p in zip(blocks, places, strict=True)])
        for at in range(size)
    ]
    whole, done = combined_keys(columns, [space] * size), 0
    for each, place in zip(blocks, places, strict=True):
        shape = (len(each.items), len(place))
        yield whole[done : done + shape[0] * shape[1]].reshape(shape)
        done += shape[0] * shape[1]


def to_drop(found: Counted, popular: Ints) -> Ints:
    """Choose points whose loss breaks every rare combination of the moment.

    Per person, the point that stands in most of the person's rare combinations goes first; of several,
    the one that fewest people have.

    Args:
        found: Counted combinations, some of them rare.
        popular: People of each item.

    Returns:
        Places in the points.
    """
    dropped = []
    for keys, places, block in zip(found.keys, found.places, found.blocks, strict=True):
        at = np.searchsorted(found.rare, keys)
        bad = found.rare[np.minimum(at, len(found.rare) - 1)] == keys
        hit = _hitting(bad, places, block.items, popular)
        person, place = np.nonzero(hit[block.profile])
        dropped.append(block.pairs[person] + place)
    return np.concatenate(dropped)


def _hitting(bad: Flags, places: Small, items: Ints, popular: Ints) -> Flags:
    """Mark columns of each profile so that every bad combination holds a marked one, greedily."""
    row, combination = np.nonzero(bad)
    members = places[combination]
    rank = popular[items] / (float(popular.max()) + 1)  # below 1: it only settles ties
    marked: NDArray[np.bool_] = np.zeros(items.shape, dtype=bool)
    while len(row):
        cells = (row[:, None] * items.shape[1] + members).ravel()
        score = np.bincount(cells, minlength=items.size).reshape(items.shape) - rank
        column = score.argmax(axis=1)
        marked[row, column[row]] = True
        left = (members != column[row][:, None]).all(axis=1)
        row, members = row[left], members[left]
    return marked
