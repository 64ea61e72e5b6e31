"""Places and habits as library functions on Arrow, pandas or Polars tables, without a workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias, TypeVar

import narwhals as nw
import numpy as np
import pyarrow as pa

from hedgerow.kernel.places import grid as kernel
from hedgerow.kernel.places.combinations import points_of
from hedgerow.kernel.places.grid import CellGrid
from hedgerow.kernel.places.uniqueness import point_risk as drawn_risk
from hedgerow.model.anonymity import Hierarchy
from hedgerow.model.calls import CLASS_ROWS, LOSS, TEXT, WHOLE, Fit, door, kind
from hedgerow.model.errors import CallerError
from hedgerow.model.places import (
    CALENDAR,
    CellRule,
    CellsTable,
    MerchantRule,
    MerchantsTable,
    PointRisk,
    TimeBands,
    TrajectoryRule,
    TrajectoryTable,
)
from hedgerow.techniques.places import columns, visits

FrameT = TypeVar("FrameT")
Share: TypeAlias = "str | int | float | Decimal | Fraction"

_NUMBER = kind("a number", "250", int, float)
_LIST = kind("a list", "[...]", list, tuple)
_RULES: Mapping[str, Fit] = {
    "least": WHOLE,
    "finest_m": _NUMBER,
    "strays": LOSS,
    "outside": TEXT,
    "missing": TEXT,
    "latitude": TEXT,
    "longitude": TEXT,
    "people": TEXT,
    "person": TEXT.or_none(),
    "grid": kind("cells, as population_cells gives them", "grid", CellGrid),
    "name": TEXT,
}
_BANDS: Mapping[str, Fit] = {
    "time": TEXT,
    "bands": kind("time bands", "TimeBands(('day',))", TimeBands),
    "name": TEXT.or_none(),
}
_MERCHANTS: Mapping[str, Fit] = {
    "code": TEXT,
    "level": TEXT,
    "most_sensitive": LOSS,
    "drop": _LIST,
    "name": TEXT,
}
_VISITS: Mapping[str, Fit] = {
    "person": TEXT,
    "place": kind("a column, or those of latitude and longitude", "'place'", str, tuple, list),
    "time": TEXT,
    "k": CLASS_ROWS,
    "known": WHOLE,
    "points": WHOLE,
    "seed": WHOLE,
    "most_people": WHOLE,
    "most_dropped": LOSS,
    "most_combinations": WHOLE,
    "finest_m": _NUMBER,
    "hierarchy": kind("a hierarchy", "hierarchy", Hierarchy).or_none(),
    "ladder": _LIST,
    "zone": TEXT.or_none(),
}


@door("places.population_cells", _RULES)
def population_cells(  # noqa: PLR0913 - keywords, each a choice of its own
    population: Any,  # noqa: ANN401 - any table that narwhals knows
    *,
    latitude: str = "latitude",
    longitude: str = "longitude",
    people: str = "people",
    least: int = 1000,
    finest_m: float = 250,
    strays: Share = Fraction(1, 20),
    outside: str = "refuse",
    missing: str = "refuse",
) -> CellGrid:
    """Make cells that each hold enough people of a population.

    Args:
        population: A pyarrow, pandas or Polars table of places and how many people live there.
        latitude: Column of degrees, WGS 84.
        longitude: Column of degrees, WGS 84.
        people: Column of people, 0 or more; fractions of a person are rounded down.
        least: People that each cell keeps, at least 2.
        finest_m: Edge in metres of a square as large as the finest cell allowed, at least 1.
        strays: Largest share of the people, 0 to 1, that may be left to ``*``, so that a lonely place does
            not keep all others in one large cell.
        outside: What becomes of points where nobody lives: ``refuse``, or ``coarsest``, which is ``*``.
        missing: What becomes of rows without coordinates: ``refuse``, or ``keep`` them without a cell.

    Returns:
        The cells. They depend on the population alone.

    Raises:
        CallerError: ``places.*`` for what does not fit, such as ``places.too-few-people``.
    """
    rule = _rule(least, finest_m, strays, outside, missing)
    return columns.population_grid(_arrow(_frame(population)), rule, (latitude, longitude, people))


@door("places.own_cells", _RULES)
def own_cells(
    table: Any,  # noqa: ANN401 - any table that narwhals knows
    *,
    latitude: str,
    longitude: str,
    least: int,
    person: str | None = None,
    finest_m: float = 250,
    strays: Share = Fraction(1, 20),
    missing: str = "refuse",
) -> CellGrid:
    """Make cells that each hold enough of a table's own people, where no population is known.

    Args:
        table: A pyarrow, pandas or Polars table.
        latitude: Column of degrees, WGS 84.
        longitude: Column of degrees, WGS 84.
        least: People that each cell keeps, at least 2.
        person: Column that tells whose row it is; without it each row is a person.
        finest_m: Edge in metres of a square as large as the finest cell allowed, at least 1.
        strays: Largest share of the people, 0 to 1, that may be left to ``*``.
        missing: What becomes of rows without coordinates: ``refuse``, or ``keep`` them without a cell.

    Returns:
        The cells. They were made from the rows: treat them like the table.

    Raises:
        CallerError: ``places.*`` for what does not fit, such as ``places.too-few-people``.
    """
    rule = _rule(least, finest_m, strays, "coarsest", missing)
    return columns.own_grid(_arrow(_frame(table)), rule, (latitude, longitude), person)


@door("places.cells", _RULES)
def cells(
    table: FrameT, *, latitude: str, longitude: str, grid: CellGrid, name: str = "cell"
) -> CellsTable[FrameT]:
    """Put cells in the place of coordinates.

    Args:
        table: A pyarrow, pandas or Polars table.
        latitude: Column of degrees, WGS 84; it is not released.
        longitude: Column of degrees, WGS 84; it is not released.
        grid: The cells.
        name: Name of the column of cells, where latitude stood. A cell is ``south..north west..east`` in
            degrees, rounded outward, or ``*``.

    Returns:
        The table with cells.

    Raises:
        CallerError: ``places.*`` for coordinates that are none, seem exchanged, or lie where nobody lives.

    Guarantee:
        A label says that its row lies in a region where at least the people asked live. Several points of one
        person say more: see ``trajectories``.
    """
    frame = _frame(table)
    arrow = _arrow(frame)
    north, east = columns.column(arrow, latitude), columns.column(arrow, longitude)
    made = columns.cell_column(north, east, grid, (latitude, longitude))
    depths = np.where(made.cells < 0, 0, grid.depths[made.cells]) if len(grid.depths) else np.zeros(1)
    return CellsTable(
        _back(_swapped_in(arrow, latitude, name, made.array, (longitude,)), frame),
        cells=len(made.cells),
        outside_rows=made.outside_rows,
        missing_rows=made.missing_rows,
        finest_m=kernel.edge_of(int(depths.max(initial=0))),
    )


def cell_hierarchy(grid: CellGrid) -> Hierarchy:
    """Make the hierarchy of cells for a release or for trajectories: cell, four cells in one, ..., ``*``.

    Args:
        grid: The cells.

    Returns:
        The hierarchy.
    """
    return kernel.cell_hierarchy(grid, np.arange(-1, len(grid.starts)))


@door("places.time_bands", _BANDS)
def time_bands(table: FrameT, *, time: str, bands: TimeBands, name: str | None = None) -> FrameT:
    """Put bands in the place of moments.

    Args:
        table: A pyarrow, pandas or Polars table.
        time: Column of timestamps or dates; it is not released. Times that carry a zone are read in the zone
            of the bands, which must be named; those that carry none are local times as written.
        bands: The bands.
        name: Name of the column of bands; that of the moments without it.

    Returns:
        The table with bands.

    Raises:
        CallerError: ``places.*`` for what does not fit, such as ``places.zone-needed``.
    """
    frame = _frame(table)
    arrow = _arrow(frame)
    made = columns.band_column(columns.column(arrow, time), bands, time)
    back: FrameT = _back(_swapped_in(arrow, time, name or time, made, ()), frame)
    return back


@door("places.merchants", _MERCHANTS)
def merchants(
    table: FrameT,
    *,
    code: str,
    level: str = "group",
    most_sensitive: Share = Fraction(1, 2),
    drop: Sequence[str] = (),
    name: str = "merchant_category",
) -> MerchantsTable[FrameT]:
    """Put categories that betray nothing in the place of merchant category codes.

    Args:
        table: A pyarrow, pandas or Polars table.
        code: Column of ISO 18245 codes; it is not released. What is in no table is ``other``.
        level: ``code`` (where no code of the group betrays anything), ``group`` or ``sector``.
        most_sensitive: Largest share of a category's rows, 0 to 1, whose code betrays something; a category
            above it is joined with its sector, and that with others.
        drop: Further columns that are not released: the merchant's name, above all.
        name: Name of the column of categories, where the codes stood.

    Returns:
        The table with categories.

    Raises:
        CallerError: ``places.merchant-level``, ``places.unknown-column`` or ``places.repeated-column``.

    Guarantee:
        No code that betrays health, religion, politics, union membership, sexual life, gambling, alcohol,
        tobacco, debt or trouble with the law is told, nor by a category that only such codes have.
    """
    frame = _frame(table)
    arrow = _arrow(frame)
    rule = MerchantRule(level, _share(most_sensitive, "places.merchant-level"))  # type: ignore[arg-type]
    array, found = columns.merchant_column(columns.column(arrow, code), rule)
    return MerchantsTable(
        _back(_swapped_in(arrow, code, name, array, drop), frame),
        sensitive_rows=int(found.is_sensitive.sum()),
        unlisted_rows=found.unlisted_rows,
        joined=found.joined,
        most_sensitive=found.most_sensitive,
    )


@door("places.trajectories", _VISITS)
def trajectories(  # noqa: PLR0913 - keywords, each a choice of its own
    table: FrameT,
    *,
    person: str,
    place: str | Sequence[str],
    time: str,
    k: int = 5,
    known: int = 4,
    most_dropped: Share = Fraction(1, 10),
    hierarchy: Hierarchy | None = None,
    finest_m: float = 250,
    ladder: Sequence[TimeBands] = CALENDAR,
    zone: str | None = None,
    seed: int = 0,
    most_combinations: int = 8_000_000,
) -> TrajectoryTable[FrameT]:
    """Release who was where and when so that no few points single anyone out.

    Args:
        table: A pyarrow, pandas or Polars table, one row a visit. Columns not named here are not released.
        person: Column of persons; released as random numbers from 1.
        place: Column of places, or the two of latitude and longitude.
        time: Column of timestamps.
        k: People whom any known points fit, at least 2.
        known: Points that an attacker may know, 1 to 4.
        most_dropped: Largest share of the rows that may be dropped, 0 to 1.
        hierarchy: Hierarchy of a column of places; without it a place is told or ``*``.
        finest_m: Edge in metres of the finest cells that coordinates become.
        ladder: Time bands, finest first, such as ``CALENDAR`` or ``HABITS``; at its end nothing is told.
        zone: Time zone that people live by, for times that carry a zone.
        seed: Seed of the measure of risk before and after.
        most_combinations: Combinations of points counted at once, about 40 bytes each.

    Returns:
        The release: each person's distinct points, in no order of the rows given, with the levels, the
        share dropped, and the risk before and after; ungoverned: in no ledger.

    Raises:
        CallerError: ``places.*`` for what does not fit.
        Refused: ``places.unreachable`` or ``places.uncounted``.

    Guarantee:
        Every combination of up to ``known`` points that a released trajectory has, at least ``k`` released
        trajectories have: counted, and counted again on the table. It is not anonymous: more points, what
        somebody did not do, and further releases are not covered.

    Source:
        k^m-anonymity, Terrovitis, Mamoulis and Kalnis (VLDB 2008); de Montjoye and others, Unique in the
        Crowd (2013).
    """
    frame, where = _frame(table), _where(person, place, time)
    rule = TrajectoryRule(k, known, _share(most_dropped, "places.trajectory-rule"), most_combinations)
    steps = visits.with_zone(ladder, zone)
    asked = visits.Asked(person, where, time, rule, hierarchy, finest_m, steps, seed)
    made = visits.released(_arrow(frame), asked)
    return replace(made, table=_back(made.table, frame))


@door("places.point_risk", _VISITS)
def point_risk(
    table: Any,  # noqa: ANN401 - any table that narwhals knows
    *,
    person: str,
    place: str | Sequence[str],
    time: str,
    points: int = 4,
    most_people: int = visits.PEOPLE_TRIED,
    seed: int = 0,
) -> PointRisk:
    """Measure how often a few random points of a person fit exactly one trajectory of a table.

    Args:
        table: A pyarrow, pandas or Polars table, raw or released.
        person: Column of persons.
        place: Column of places, or several that make a place together.
        time: Column of times or bands; values are compared as they stand.
        points: Points drawn of each person, 1 or more.
        most_people: People tried, at most.
        seed: Seed of the draw.

    Returns:
        The share of people who are singled out, with its 95% interval.

    Raises:
        CallerError: ``places.*`` for what does not fit.

    Source:
        de Montjoye and others, Unique in the Crowd (Scientific Reports, 2013).
    """
    if points < 1 or most_people < 1:
        raise CallerError("places.trajectory-rule", why="no points or no people")
    where = [place] if isinstance(place, str) else list(place)
    who, items = visits.table_items(_arrow(_frame(table)), person, [*where, time])
    raw = points_of(who, items)
    return drawn_risk(raw, raw, points=points, most_people=most_people, seed=seed)


def _where(person: str, place: str | Sequence[str], time: str) -> str | tuple[str, str]:
    """Read the column of places, or the two of coordinates; no column is asked for twice."""
    names = [place] if isinstance(place, str) else list(place)
    named = [person, *names, time]
    for name in named:
        if named.count(name) > 1:
            raise CallerError("places.repeated-column", column=name)
    if not isinstance(place, str) and len(names) != 2:  # noqa: PLR2004 - latitude and longitude
        raise CallerError("places.repeated-column", column=", ".join(names))
    return place if isinstance(place, str) else (names[0], names[1])


def _rule(least: int, finest_m: float, strays: Share, outside: str, missing: str) -> CellRule:
    share = _share(strays, "places.strays")
    return CellRule(least, float(finest_m), share, outside, missing)  # type: ignore[arg-type]


def _share(given: Share, code: str) -> Fraction:
    """Read a share exactly: a float means the decimal it shows."""
    try:
        return Fraction(str(given)) if isinstance(given, float) else Fraction(given)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        raise CallerError(code, why="a share is no number") from None


def _frame(table: Any) -> nw.DataFrame[Any]:  # noqa: ANN401 - any table
    if isinstance(table, pa.Table) and len(set(table.column_names)) < len(table.column_names):
        twice = next(name for name in table.column_names if table.column_names.count(name) > 1)
        raise CallerError("places.repeated-column", column=twice)
    try:
        return nw.from_native(table, eager_only=True)
    except TypeError:
        raise CallerError("places.no-table") from None


def _arrow(frame: nw.DataFrame[Any]) -> pa.Table:
    return frame.to_arrow()


def _back(table: pa.Table, frame: nw.DataFrame[Any]) -> Any:  # noqa: ANN401 - of the kind given
    return nw.from_arrow(table, backend=frame.implementation).to_native()


def _swapped_in(table: pa.Table, old: str, new: str, array: pa.Array, drop: Sequence[str]) -> pa.Table:
    """Put a column in the place of another and leave some out."""
    for name in drop:
        columns.column(table, name)
    if new in set(table.column_names) - {old, *drop}:
        raise CallerError("places.repeated-column", column=new)
    at = table.column_names.index(old)
    made = table.set_column(at, new, array)
    left = [name for name in drop if name not in (old, new)]
    return made.drop_columns(left) if left else made
