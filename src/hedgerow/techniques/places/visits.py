"""Tables of people at places and times, released so that no few points single anyone out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from hedgerow.kernel.anonymity.coding import Ints, combined_keys
from hedgerow.kernel.anonymity.hierarchies import canonical
from hedgerow.kernel.places import grid as cells
from hedgerow.kernel.places.bands import Moments, banded
from hedgerow.kernel.places.combinations import Points, TooManyCombinationsError, points_of
from hedgerow.kernel.places.trajectories import Coarsened, Visits, check_rule, coarsened, proof
from hedgerow.kernel.places.uniqueness import point_risk
from hedgerow.model.anonymity import ANY_VALUE, Hierarchy
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.places import PointRisk, TimeBands, TrajectoryRule, TrajectoryTable
from hedgerow.techniques.places.columns import coded, column, coordinates, local_moments

PEOPLE_TRIED = 2000
"""People whose points are drawn for the measure of risk, at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is made of which columns.

    Args:
        person: Column of persons.
        place: Column of places, or those of latitude and longitude.
        time: Column of moments.
        rule: What the release keeps.
        hierarchy: Hierarchy of a column of places; without it a place is told or ``*``.
        finest_m: Edge in metres of the finest cells that coordinates become.
        ladder: Time bands, finest first.
        seed: Seed of the measure of risk.
    """

    person: str
    place: str | tuple[str, str]
    time: str
    rule: TrajectoryRule
    hierarchy: Hierarchy | None = field(repr=False)
    finest_m: float
    ladder: tuple[TimeBands, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class _Levels:
    """Codes of the rows at the finest level, what they become, and what that is called.

    Args:
        codes: Code of each row.
        maps: Per level, the group of each code.
        labels: Gives the label of each group of a level.
    """

    codes: Ints
    maps: tuple[Ints, ...]
    labels: Callable[[int], Sequence[str]]


def released(table: pa.Table, asked: Asked) -> TrajectoryTable[pa.Table]:
    """Release trajectories.

    Args:
        table: The rows.
        asked: What to make of them.

    Returns:
        The release; persons are numbered at random.

    Raises:
        CallerError: For parameters and columns that do not fit.
        Refused: ``places.unreachable`` or ``places.uncounted``.
        Fault: ``places.recount``.
    """
    check_rule(asked.rule)
    if pa.types.is_date(column(table, asked.time).type):  # a date has no time of day
        asked = replace(asked, ladder=tuple(each for each in asked.ladder if "time" not in each.parts))
    person = _people(table, asked)
    places = _cells(table, asked) if isinstance(asked.place, tuple) else _places(table, asked, asked.place)
    times = _times(table, asked)
    visits = Visits(person, places.codes, times.codes, places.maps, times.maps)
    made = coarsened(visits, asked.rule)
    texts = (places.labels(made.node[0]), times.labels(made.node[1]))
    out = _table(made, visits, texts, asked)
    fewest, combinations = _recount(out, asked.rule)
    raw = points_of(person, visits.items((0, 0)))
    known = points_of(person, visits.items(made.node))
    return TrajectoryTable(
        table=out,
        place_level=made.node[0],
        time_level=made.node[1],
        time_bands=asked.ladder[made.node[1]],
        rows=len(person),
        dropped_rows=made.dropped_rows,
        people=int(person.max()) + 1,
        released_people=len(np.unique(made.kept.person)),
        k=asked.rule.k,
        known=asked.rule.known,
        fewest=fewest,
        combinations=combinations,
        tried=made.tried,
        before=_risk(raw, raw, asked),
        after=_risk(known, made.kept, asked),
    )


def _risk(known: Points, searched: Points, asked: Asked) -> PointRisk:
    return point_risk(known, searched, points=asked.rule.known, most_people=PEOPLE_TRIED, seed=asked.seed)


def _people(table: pa.Table, asked: Asked) -> Ints:
    if not table.num_rows:
        raise CallerError("places.empty-table")
    codes, distinct = coded(column(table, asked.person), asked.person)
    if len(distinct) < asked.rule.k:
        raise CallerError("places.k-above-people", k=asked.rule.k)
    return codes


def _places(table: pa.Table, asked: Asked, name: str) -> _Levels:
    codes, distinct = coded(column(table, name), name)
    texts = [canonical(value) for value in distinct.to_pylist()]
    ladder = asked.hierarchy
    if ladder is None:
        top = np.zeros(len(texts), dtype=np.int64)
        return _Levels(codes, (np.arange(len(texts)), top), lambda level: (texts, [ANY_VALUE])[level])
    listed = {text: at for at, text in enumerate(ladder.values)}
    if not listed.keys() >= set(texts):
        raise CallerError("places.place-not-in-hierarchy", column=name)
    own = np.asarray([listed[text] for text in texts], dtype=np.int64)
    maps = [np.arange(len(ladder.values)), *(np.asarray(level, dtype=np.int64) for level in ladder.maps)]
    names = (ladder.values, *ladder.labels)
    return _Levels(own[codes], tuple(maps), lambda level: names[level])


def _cells(table: pa.Table, asked: Asked) -> _Levels:
    """Cells of equal area, ever larger, until one holds all."""
    names = (asked.place[0], asked.place[1])
    north, east, _ = coordinates(column(table, names[0]), column(table, names[1]), names, "refuse")
    depth = cells.depth_of(asked.finest_m)
    distinct, codes = np.unique(cells.point_codes(north, east, depth), return_inverse=True)
    groups = [np.unique(distinct >> 2 * level, return_inverse=True) for level in range(depth + 1)]
    groups = groups[: 1 + next(level for level, group in enumerate(groups) if len(group[0]) == 1)]
    coarse = [(starts << 2 * level, depth - level) for level, (starts, _) in enumerate(groups)]
    top = np.zeros(len(distinct), dtype=np.int64)

    def labels(level: int) -> Sequence[str]:
        if level == len(coarse):
            return [ANY_VALUE]
        starts, at = coarse[level]
        return [cells.label(start, at, depth) for start in starts.tolist()]

    return _Levels(codes, (*(group.astype(np.int64) for _, group in groups), top), labels)


def _times(table: pa.Table, asked: Asked) -> _Levels:
    array = column(table, asked.time)
    if array.null_count:
        raise CallerError("places.missing", column=asked.time)
    moments = local_moments(array, asked.time, asked.ladder[0].zone)
    distinct, codes = np.unique(_minutes(moments), return_inverse=True)
    levels = [banded(distinct.astype("datetime64[m]"), bands) for bands in asked.ladder]
    return _Levels(codes, tuple(level for level, _ in levels), lambda level: levels[level][1])


def _minutes(moments: Moments) -> Ints:
    return moments.astype("datetime64[m]").astype(np.int64)


def _table(
    made: Coarsened, visits: Visits, texts: tuple[Sequence[str], Sequence[str]], asked: Asked
) -> pa.Table:
    """Write the kept pairs under random numbers, ordered by them: no order of the rows given is left."""
    times = int(visits.time_levels[made.node[1]].max(initial=0)) + 1
    people = int(visits.person.max()) + 1
    numbers = list(range(1, people + 1))
    secrets.SystemRandom().shuffle(numbers)
    who = np.asarray(numbers, dtype=np.int64)[made.kept.person]
    # By the texts of places: their codes are in the order in which the rows given name them.
    read = np.argsort(np.argsort(np.asarray(texts[0], dtype=np.str_), kind="stable"), kind="stable")
    order = np.lexsort((made.kept.item % times, read[made.kept.item // times], who))
    item = made.kept.item[order]
    _, who = np.unique(who[order], return_inverse=True)  # whoever lost every point leaves no gap
    place = "place" if isinstance(asked.place, tuple) else asked.place
    return pa.table(
        {
            asked.person: who.astype(np.int64) + 1,
            place: pa.array(texts[0], pa.string()).take(pa.array(item // times)),
            asked.time: pa.array(texts[1], pa.string()).take(pa.array(item % times)),
        }
    )


def _recount(out: pa.Table, rule: TrajectoryRule) -> tuple[int, int]:
    """Count again, from the released texts."""
    person, items = table_items(out, out.column_names[0], out.column_names[1:])
    try:
        fewest, combinations = proof(points_of(person, items), rule.known, rule.most_combinations)
    except TooManyCombinationsError:
        fewest, combinations = 0, 0
    if fewest < rule.k:
        raise Fault("places.recount")
    return fewest, combinations


def table_items(table: pa.Table, person: str, columns: Sequence[str]) -> tuple[Ints, Ints]:
    """Number the persons of a table and its distinct points.

    Args:
        table: The rows.
        person: Column of persons.
        columns: Columns that make a point together.

    Returns:
        Person and item of each row.

    Raises:
        CallerError: ``places.unknown-column``, ``places.missing`` or ``places.empty-table``.
    """
    if not table.num_rows:
        raise CallerError("places.empty-table")
    parts = [coded(column(table, name), name) for name in columns]
    keys = combined_keys([codes for codes, _ in parts], [len(distinct) for _, distinct in parts])
    _, items = np.unique(keys, return_inverse=True)
    return coded(column(table, person), person)[0], items.astype(np.int64)


def with_zone(ladder: Sequence[TimeBands], zone: str | None) -> tuple[TimeBands, ...]:
    """Read all bands of a ladder in one zone, and end it with what tells nothing.

    Args:
        ladder: Time bands, finest first.
        zone: The zone; none for local times as written.
    """
    bands = [replace(each, zone=zone) for each in ladder if each.parts != ("any",)]
    return (*bands, TimeBands(("any",), zone=zone))
