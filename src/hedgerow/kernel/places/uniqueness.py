"""How often a few random points of a person fit exactly one trajectory.

Source:
    de Montjoye, Hidalgo, Verleysen and Blondel, Unique in the Crowd: the privacy bounds of human mobility
    (Scientific Reports 3, 2013), section "Uniqueness". Interval: Wilson, Probable inference (JASA 1927).
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from hedgerow.kernel.anonymity.coding import Ints
from hedgerow.kernel.places.combinations import Points
from hedgerow.model.places import PointRisk

_Z = 1.959963984540054
_AT_ONCE = 4_000_000


def point_risk(known: Points, searched: Points, *, points: int, most_people: int, seed: int) -> PointRisk:
    """Draw points of people and count the trajectories that hold them all.

    Args:
        known: Pairs of person and item that the attacker's points are drawn from.
        searched: Pairs of the table that is searched; items are numbered alike.
        points: Points drawn of each person without replacement; of those who have fewer, all.
        most_people: People tried, drawn at random where there are more.
        seed: Seed of the draws.

    Returns:
        The risk with its interval; the draws only measure, they protect nothing.
    """
    rng = np.random.default_rng(seed)
    _, item = np.unique(np.concatenate([known.item, searched.item]), return_inverse=True)
    known = Points(known.person, item[: len(known.item)], known.rows)
    searched = Points(searched.person, item[len(known.item) :], searched.rows)
    drawn = _drawn(rng, known, points, most_people)
    fits = _fits(drawn, searched)
    alone, tried = int((fits == 1).sum()), len(fits)
    low, high = wilson(alone, tried)
    fewest = int(fits[fits > 0].min()) if (fits > 0).any() else 0
    return PointRisk(points, tried, alone, int((fits == 0).sum()), fewest, seed, low, high)


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Give the 95% interval of a share.

    Args:
        hits: From 0 to ``trials``.
        trials: At least 1.
    """
    share, z2 = hits / trials, _Z * _Z
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z * sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    return (max(0.0, middle - half) if hits else 0.0), (min(1.0, middle + half) if hits < trials else 1.0)


def _drawn(rng: np.random.Generator, known: Points, points: int, most_people: int) -> Ints:
    """One row a person: the items drawn, -1 where the person has fewer."""
    people = np.unique(known.person)
    if len(people) > most_people:
        people = rng.choice(people, size=most_people, replace=False)
    mine = np.isin(known.person, people)
    person, item = known.person[mine], known.item[mine]
    order = np.lexsort((rng.random(len(person)), person))
    person, item = person[order], item[order]
    first = np.flatnonzero(np.concatenate(([True], person[1:] != person[:-1])))
    rank = np.arange(len(person)) - np.repeat(first, np.diff(np.append(first, len(person))))
    drawn = np.full((len(first), points), -1, dtype=np.int64)
    near = rank < points
    drawn[np.cumsum(rank == 0)[near] - 1, rank[near]] = item[near]
    return drawn


def _fits(drawn: Ints, searched: Points) -> Ints:
    """Count, per row, the people who have all its items."""
    space = 1 + max(int(drawn.max()), int(searched.item.max(initial=0)))
    people = np.bincount(searched.item, minlength=space)
    order = np.argsort(searched.item, kind="stable")
    holders, starts = searched.person[order], np.concatenate(([0], np.cumsum(people)))
    keys = np.sort(searched.person * space + searched.item)
    held = np.where(drawn < 0, len(searched.person) + 1, people[drawn])
    rarest = drawn[np.arange(len(drawn)), held.argmin(axis=1)]
    fits, size = np.zeros(len(drawn), dtype=np.int64), people[rarest]
    for part in _parts(size):
        counts = size[part]
        row = np.repeat(np.arange(len(part)), counts)
        within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        who = holders[np.repeat(starts[rarest[part]], counts) + within]
        has = np.ones(len(row), dtype=bool)
        for column in drawn[part].T:
            has &= (column[row] < 0) | _within(who * space + column[row], keys)
        fits[part] = np.bincount(row[has], minlength=len(part))
    return fits


def _parts(sizes: Ints) -> list[Ints]:
    """Cut rows into runs that hold few candidates each."""
    turn = np.cumsum(sizes) // _AT_ONCE
    return [np.asarray(run) for run in np.split(np.arange(len(sizes)), np.flatnonzero(np.diff(turn)) + 1)]


def _within(wanted: Ints, keys: Ints) -> Ints:
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    return np.asarray(keys[at] == wanted) if len(keys) else np.zeros(len(wanted), dtype=bool)
