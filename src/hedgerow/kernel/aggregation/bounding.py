"""Which rows count where contributions are bounded over groups, decided for each person alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_MOST = 2**63


def within_groups(
    people: Ints,
    groups: Ints,
    ranks: Ints,
    max_groups: int | None,
    max_rows_per_group: int | None,
    randomness: Callable[[int], bytes] = secrets.token_bytes,
) -> Mask:
    """Tell which of the rows that would count lie within the bounds over groups.

    Args:
        people: Whom each row is about, as any number.
        groups: The group of each row.
        ranks: The secret random rank of each row among its person's rows.
        max_groups: Of the groups a person's rows lie in, so many drawn at random count; none means all.
        max_rows_per_group: Of a person's rows in one group those of the lowest ranks count; none means all.
        randomness: Gives so many unpredictable bytes.

    Returns:
        One truth value for each row.

    Guarantee: whether a row of a person counts depends on that person's rows and on randomness, on nobody
        else: each group of each person draws bits of its own, and a person's draws are compared with one
        another only. The order of the rows decides nothing, but for two equal draws of one person: with a
        million people and groups a chance below 2**-40 for each pair of groups.
    """
    ranked = ranks if max_rows_per_group is not None else np.zeros(len(ranks), dtype=np.int64)
    order = _order(people, groups, ranked)
    owner, group = people[order], groups[order]
    starts = _starts(owner, group)
    pair = np.cumsum(starts) - 1
    firsts = np.flatnonzero(starts)
    kept = np.ones(len(order), dtype=np.bool_)
    if max_rows_per_group is not None:
        kept &= np.arange(len(order)) - firsts[pair] < max_rows_per_group
    if max_groups is not None:
        kept &= _drawn(owner[firsts], max_groups, randomness)[pair]
    within = np.empty(len(order), dtype=np.bool_)
    within[order] = kept
    return within


def _order(people: Ints, groups: Ints, ranks: Ints) -> npt.NDArray[np.intp]:
    """Sort by person, group and rank: as one number where that fits, which is several times quicker."""
    if not len(people):
        return np.empty(0, dtype=np.intp)
    wide, deep = int(groups.max()) + 1, int(ranks.max()) + 1
    _, places = np.unique(people, return_inverse=True)
    if (int(places.max()) + 1) * wide * deep >= _MOST or int(groups.min()) < 0 or int(ranks.min()) < 0:
        return np.lexsort((ranks, groups, people))
    return np.argsort((places * wide + groups) * deep + ranks)


def _starts(*columns: Ints) -> Mask:
    """Tell where a sorted run of equal rows begins."""
    starts = np.zeros(len(columns[0]), dtype=np.bool_)
    starts[:1] = True
    for column in columns:
        starts[1:] |= column[1:] != column[:-1]
    return starts


def _drawn(owners: Ints, most: int, randomness: Callable[[int], bytes]) -> Mask:
    """Draw so many of each owner's entries at random; entries of one owner stand together."""
    draws = np.frombuffer(randomness(8 * len(owners)), dtype=np.uint64)
    begins = _starts(owners)
    number = np.cumsum(begins).astype(np.uint64)
    # The owner above and as much of the draw as fits below, in one number.
    width = np.uint64(64 - len(owners).bit_length())
    order = np.argsort((number << width) | (draws >> (np.uint64(64) - width)))
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.append(starts, len(owners)))
    places = np.arange(len(owners)) - np.repeat(starts, lengths)
    drawn = np.empty(len(owners), dtype=np.bool_)
    drawn[order] = places < most
    return drawn
