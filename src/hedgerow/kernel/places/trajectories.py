"""Trajectories made coarser, and points dropped, until no few points of anyone fit fewer than k people.

Guarantee:
    Of the released pairs of person and point, every combination of up to ``known`` points that stands in one
    person's set stands in those of at least ``k`` people. So any such knowledge fits ``k`` people or none,
    whatever it was drawn from. It is counted, not estimated; where it cannot be counted within the limit,
    nothing is claimed.

Source:
    k^m-anonymity: Terrovitis, Mamoulis and Kalnis (VLDB 2008), with points of place and time as items,
    coarser levels for all people alike, and points dropped for single people where that was not enough. Four
    points as what an attacker knows: de Montjoye, Hidalgo, Verleysen and Blondel, Unique in the Crowd (Sci.
    Rep. 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Ints
from hedgerow.kernel.places.combinations import (
    Points,
    TooManyCombinationsError,
    counted,
    points_of,
    profiles_of,
    to_drop,
)
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.places import TrajectoryRule

_MOST_KNOWN = 4


@dataclass(frozen=True, slots=True)
class Visits:
    """Rows of people at places and times, with coarser levels of both.

    Args:
        person: Person of each row, from 0.
        place: Place code of each row, from 0.
        time: Code of each row's finest time, from 0.
        place_levels: Per level, the group of each place code.
        time_levels: Per level, the group of each time code.
    """

    person: Ints = field(repr=False)
    place: Ints = field(repr=False)
    time: Ints = field(repr=False)
    place_levels: tuple[Ints, ...] = field(repr=False)
    time_levels: tuple[Ints, ...] = field(repr=False)

    def items(self, node: tuple[int, int]) -> Ints:
        """Give each row the number of its point at a pair of levels: place and time in one.

        Args:
            node: Level of the places and of the times.
        """
        places, times = self.place_levels[node[0]], self.time_levels[node[1]]
        return places[self.place] * (int(times.max(initial=0)) + 1) + times[self.time]


@dataclass(frozen=True, slots=True)
class Coarsened:
    """What a release of trajectories keeps.

    Args:
        node: Level of the places and of the times.
        kept: The released pairs; items as ``Visits.items`` numbers them.
        dropped_rows: Rows whose pair was dropped.
        fewest: Fewest people of any combination.
        combinations: Combinations counted for the proof.
        tried: Pairs of levels tried, and those that could not be counted within the limit.
    """

    node: tuple[int, int]
    kept: Points = field(repr=False)
    dropped_rows: int
    fewest: int
    combinations: int
    tried: tuple[int, int]


def check_rule(rule: TrajectoryRule) -> None:
    """Refuse limits that keep nothing.

    Args:
        rule: The limits.

    Raises:
        CallerError: ``places.trajectory-rule``.
    """
    if rule.k < 2:  # noqa: PLR2004 - one person is nobody's company
        raise CallerError("places.trajectory-rule", why=f"k is {rule.k}")
    if not 1 <= rule.known <= _MOST_KNOWN:
        raise CallerError("places.trajectory-rule", why=f"{rule.known} known points")
    if not 0 <= rule.most_dropped <= 1 or rule.most_combinations < 1:
        raise CallerError("places.trajectory-rule", why="a share or a limit is out of range")


def proof(points: Points, known: int, most: int) -> tuple[int, int]:
    """Count every combination of up to ``known`` points.

    Args:
        points: Pairs of person and item.
        known: Points in a combination, at most.
        most: Combinations that may be counted at once.

    Returns:
        Fewest people of any combination that somebody has (0 where nobody has a point), and the
        combinations counted.

    Raises:
        TooManyCombinationsError: When there are more.
    """
    profiles = profiles_of(_renumbered(points))
    results = [counted(profiles, size, 1, most) for size in range(1, known + 1)]
    return min((r.fewest for r in results if r.fewest is not None), default=0), sum(r.number for r in results)


def coarsened(visits: Visits, rule: TrajectoryRule) -> Coarsened:
    """Find the most telling pair of levels at which dropping few rows is enough.

    Pairs at which all rows read alike are not tried. The others are tried in the order of what they tell: the
    share of bits (entropy over the rows) that is left of the places times that left of the times, most first,
    so that neither is given up for the other.

    Args:
        visits: The rows.
        rule: What to keep.

    Returns:
        The release.

    Raises:
        Refused: ``places.unreachable`` when no pair of levels is enough, or ``places.uncounted`` when some
            could not be counted within the limit.
    """
    uncounted = 0
    for tried, node in enumerate(_ordered(visits), 1):
        points = points_of(visits.person, visits.items(node))
        try:
            kept = thinned(points, rule)
            if kept is not None:
                fewest, combinations = proof(kept, rule.known, rule.most_combinations)
                dropped = int(points.rows.sum() - kept.rows.sum())
                return Coarsened(node, kept, dropped, fewest, combinations, (tried, uncounted))
        except TooManyCombinationsError:
            uncounted += 1
    if uncounted:
        raise Refused("places.uncounted", pairs=uncounted, limit=f"{rule.most_combinations:,}")
    raise Refused("places.unreachable", k=rule.k, known=rule.known)


def thinned(points: Points, rule: TrajectoryRule) -> Points | None:
    """Drop points until every combination is in at least k people.

    Args:
        points: Distinct pairs of person and item.
        rule: What to keep.

    Returns:
        The pairs that stay, at least one; none when more rows would have to go than may.

    Raises:
        TooManyCombinationsError: When the combinations are too many to be counted.
    """
    rows, size = int(points.rows.sum()), 1
    while size <= rule.known:
        numbered = _renumbered(points)
        found = counted(profiles_of(numbered), size, rule.k, rule.most_combinations)
        if not len(found.rare):
            size += 1
            continue
        kept: Flags = np.ones(len(points.person), dtype=bool)
        kept[to_drop(found, np.bincount(numbered.item))] = False
        points = points.only(kept)
        left = int(points.rows.sum())
        if not left or Fraction(rows - left, rows) > rule.most_dropped:
            return None
        size = 1
    return points


def _renumbered(points: Points) -> Points:
    """Number the items anew, without gaps: keys stay small."""
    _, item = np.unique(points.item, return_inverse=True)
    return Points(points.person, item.astype(np.int64), points.rows)


def _ordered(visits: Visits) -> Sequence[tuple[int, int]]:
    """Order the pairs of levels that tell anything: by the product of both shares, then by their sum."""
    places = _told([level[visits.place] for level in visits.place_levels])
    times = _told([level[visits.time] for level in visits.time_levels])
    told = {(s, t): (p * q, p + q) for s, p in enumerate(places) for t, q in enumerate(times) if p or q}
    return sorted(told, key=lambda node: (*(-round(share, 9) for share in told[node]), sum(node), node))


def _told(levels: Sequence[Ints]) -> list[float]:
    """Share of the bits of the finest level that each level tells, over the rows."""
    bits = [_entropy(codes) for codes in levels]
    return [each / bits[0] if bits[0] else 0.0 for each in bits]


def _entropy(codes: Ints) -> float:
    counts = np.unique(codes, return_counts=True)[1]
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum())
