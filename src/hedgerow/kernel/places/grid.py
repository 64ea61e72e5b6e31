"""Cells of equal area, split only where every part keeps enough people.

The whole earth is one cell; a cell splits into four of a quarter of its area, by longitude and by the sine of
latitude (Lambert's cylindrical equal-area projection of a sphere of the earth's area). A square of the area
of a cell at depth d has an edge of 22,585 km / 2^d: 22 km at depth 10, 345 m at 16, 21.5 m at 20. Cells keep
that area everywhere (to 0.7%, since latitudes are those of the ellipsoid) but not that shape: one is 3.1
times as wide as high at the equator, 1.6 times at 45 degrees, square at 56, and three times as high as wide
at 71.

Guarantee:
    Each region that is told, ``*`` among them, holds at least ``least`` people of the population. Regions are
    cells that did not split, and ``*`` is all that lies outside of them. The grid depends on the population
    alone.

Source:
    Quadtree with a least count per leaf; interleaved coordinates after Morton (1966).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hedgerow.kernel.anonymity import hierarchies
from hedgerow.kernel.anonymity.coding import Flags, Floats, Ints
from hedgerow.model.anonymity import Hierarchy
from hedgerow.model.errors import CallerError
from hedgerow.model.places import ANYWHERE, CellRule

EARTH_EDGE_M = 22_584_631.0
"""Edge in metres of a square as large as the surface of the earth (510.066 million square kilometres)."""

_DEEPEST = 24
_PARTS = 1024
_SLACK = 1e-5


@dataclass(frozen=True, slots=True)
class CellGrid:
    """The cells of a population.

    Args:
        rule: What the cells keep.
        depth: Depth of the finest cell allowed.
        starts: First point code of each cell, ascending, at that depth.
        depths: Depth of each cell.
        stray_starts: As ``starts``, for the cells that have people but too few, and are told as ``*``.
        stray_depths: Depth of each of those.
    """

    rule: CellRule
    depth: int
    starts: Ints = field(repr=False)
    depths: Ints = field(repr=False)
    stray_starts: Ints = field(repr=False)
    stray_depths: Ints = field(repr=False)


def depth_of(edge_m: float) -> int:
    """Give the greatest depth whose cells are at least as large as a square.

    Args:
        edge_m: Edge of the square in metres, 1 or more.

    Raises:
        CallerError: ``places.edge``.
    """
    if not 1 <= edge_m <= EARTH_EDGE_M:
        raise CallerError("places.edge")
    return min(_DEEPEST, math.floor(math.log2(EARTH_EDGE_M / edge_m)))


def edge_of(depth: int) -> float:
    """Give the edge in metres of a square as large as the cells at a depth."""
    return EARTH_EDGE_M / float(1 << depth)


def point_codes(latitude: Floats, longitude: Floats, depth: int) -> Ints:
    """Number the cells that points lie in, at one depth.

    Args:
        latitude: Degrees, -90 to 90.
        longitude: Degrees, -180 to 180, which is the same meridian; at a pole it is read as 0. Both are read
            to a billionth of a degree, a tenth of a millimetre.
        depth: From 0 to 24.

    Returns:
        One code a point; the four parts of a cell have neighbouring codes.
    """
    side = 1 << depth
    latitude, longitude = np.round(latitude, 9), np.round(longitude, 9)
    turned = np.where(np.abs(latitude) == 90, 0.0, longitude)  # noqa: PLR2004 - a pole
    east = np.floor((turned + 180) / 360 * side).astype(np.int64) % side
    north = np.floor((np.sin(np.radians(latitude)) + 1) / 2 * side).astype(np.int64)
    return _spread(east) | (_spread(np.minimum(north, side - 1)) << 1)


def _spread(numbers: Ints) -> Ints:
    """Put a zero between the bits."""
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        numbers = (numbers | (numbers << shift)) & mask
    return numbers


def _gathered(codes: Ints) -> Ints:
    """Take the zeros out again."""
    codes = codes & 0x5555555555555555
    for shift, mask in (
        (1, 0x3333333333333333),
        (2, 0x0F0F0F0F0F0F0F0F),
        (4, 0x00FF00FF00FF00FF),
        (8, 0x0000FFFF0000FFFF),
        (16, 0x00000000FFFFFFFF),
    ):
        codes = (codes | (codes >> shift)) & mask
    return codes


def check_rule(rule: CellRule) -> None:
    """Refuse a rule that keeps nothing.

    Args:
        rule: The rule.

    Raises:
        CallerError: ``places.least``, ``places.strays``, ``places.choice`` or ``places.edge``.
    """
    if rule.least < 2:  # noqa: PLR2004 - one person is nobody's company
        raise CallerError("places.least", least=rule.least)
    if not 0 <= rule.strays <= 1:
        raise CallerError("places.strays")
    if rule.outside not in ("refuse", "coarsest"):
        raise CallerError("places.choice", name="outside", choices="refuse, coarsest")
    if rule.missing not in ("refuse", "keep"):
        raise CallerError("places.choice", name="missing", choices="refuse, keep")
    depth_of(rule.finest_m)


@dataclass(slots=True)
class _People:
    """Who is where: points with weights in parts of a person, or the points of persons.

    Args:
        codes: Point codes, ascending.
        weights: Parts of a person at each point; none where persons are counted.
        person: Person of each point; empty where weights are added.
    """

    codes: Ints
    weights: Ints | None
    person: Ints

    def per(self, cells: Ints) -> tuple[Ints, Ints, Ints]:
        """Count people: distinct cells, the cell number of each point, and parts of people in each cell.

        The cells ascend, as the points do.
        """
        starts, of_point = _runs(cells)
        if self.weights is not None:
            return cells[starts], of_point, np.add.reduceat(self.weights, starts)
        people = int(self.person.max(initial=0)) + 1
        pairs = np.unique(of_point * people + self.person)
        counts = np.bincount(pairs // people, minlength=len(starts))
        return cells[starts], of_point, counts.astype(np.int64) * _PARTS

    def only(self, kept: Flags) -> _People:
        return _People(
            self.codes[kept],
            None if self.weights is None else self.weights[kept],
            self.person if self.weights is not None else self.person[kept],
        )

    def total(self) -> int:
        return int(self.per(np.zeros_like(self.codes))[2].sum()) if len(self.codes) else 0


def _runs(ascending: Ints) -> tuple[Ints, Ints]:
    """First place of each run of equal values, and the run of each value."""
    is_first = np.concatenate(([True], ascending[1:] != ascending[:-1]))[: len(ascending)]
    return np.flatnonzero(is_first), np.cumsum(is_first) - 1


def population_grid(latitude: Floats, longitude: Floats, people: Floats | Ints, rule: CellRule) -> CellGrid:
    """Make the cells of a population.

    Args:
        latitude: Degrees of each place, checked.
        longitude: Degrees of each place, checked.
        people: People at each place, 0 or more; fractions are rounded down to a 1024th.
        rule: What the cells keep.

    Returns:
        The grid. It tells nothing of anybody's row.

    Raises:
        CallerError: As ``check_rule``; ``places.people`` for a number that is none, or
            ``places.too-few-people``.
    """
    check_rule(rule)
    number = np.asarray(people, dtype=np.float64)
    if not np.isfinite(number).all() or (number < 0).any() or number.sum() > 2**50:
        raise CallerError("places.people")
    weights = np.floor(number * _PARTS).astype(np.int64)
    lived = weights > 0
    codes = point_codes(latitude[lived], longitude[lived], depth_of(rule.finest_m))
    order = np.argsort(codes, kind="stable")
    return _grid(
        _People(codes[order], weights[lived][order], np.zeros(0, dtype=np.int64)), rule, has_outside=True
    )


def own_grid(latitude: Floats, longitude: Floats, person: Ints, rule: CellRule) -> CellGrid:
    """Make cells that each hold enough of a table's own people.

    Args:
        latitude: Degrees of each row, checked.
        longitude: Degrees of each row, checked.
        person: Person of each row, from 0; one who was in several places counts once in each cell.
        rule: What the cells keep.

    Returns:
        The grid. It was made from the rows: treat it like them.

    Raises:
        CallerError: As ``check_rule``, or ``places.too-few-people``.
    """
    check_rule(rule)
    codes = point_codes(latitude, longitude, depth_of(rule.finest_m))
    order = np.argsort(codes, kind="stable")
    return _grid(_People(codes[order], None, person[order]), rule, has_outside=False)


def _grid(people: _People, rule: CellRule, *, has_outside: bool) -> CellGrid:
    least, depth, total = rule.least * _PARTS, depth_of(rule.finest_m), people.total()
    if total < least:
        raise CallerError("places.too-few-people", least=f"{rule.least:,}")
    room = total * rule.strays.numerator // rule.strays.denominator
    leaves, strays, alive = [], [], people
    for level in range(depth):
        shift = 2 * (depth - level - 1)
        if not len(alive.codes):
            break
        does_split, is_small, lost = _split(alive, alive.codes >> shift, least, room)
        room -= lost
        leaves.append(_cells(alive.codes[~does_split], shift + 2, level))
        strays.append(_cells(alive.codes[does_split & is_small], shift, level + 1))
        alive = alive.only(does_split & ~is_small)
    leaves.append(_cells(alive.codes, 0, depth))
    starts, depths = _joined(leaves)
    stray_starts, stray_depths = _joined(strays)
    whole = CellGrid(rule, depth, starts, depths, stray_starts, stray_depths)
    return _folded(whole, people, is_told=has_outside and rule.outside == "coarsest")


def _split(alive: _People, child: Ints, least: int, room: int) -> tuple[Flags, Flags, int]:
    """Say of each point whether its cell splits and whether its part is too small to stand alone.

    Cells that lose nobody split; then those that lose the smallest share, while there is room for the lost.
    """
    children, of_point, counts = alive.per(child)
    starts, of_child = _runs(children >> 2)
    whole = alive.per(child >> 2)[2]
    small = counts < least
    lost = np.add.reduceat(np.where(small, counts, 0), starts)
    can = np.flatnonzero(np.add.reduceat((~small).astype(np.int64), starts))  # some part can stand alone
    order = can[np.argsort(lost[can] / whole[can], kind="stable")]
    splits = np.zeros(len(starts), dtype=bool)
    splits[order] = np.cumsum(lost[order]) <= room
    return splits[of_child][of_point], small[of_point], int(lost[splits].sum())


def _cells(codes: Ints, shift: int, depth: int) -> tuple[Ints, Ints]:
    starts = np.unique(codes >> shift) << shift
    return starts, np.full(len(starts), depth, dtype=np.int64)


def _joined(parts: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    none = np.zeros(0, dtype=np.int64)
    starts = np.concatenate([none, *(each[0] for each in parts)])
    depths = np.concatenate([none, *(each[1] for each in parts)])
    order = np.argsort(starts)
    return starts[order], depths[order]


def _folded(grid: CellGrid, people: _People, *, is_told: bool) -> CellGrid:
    """Leave the cell of fewest people to ``*`` where that has people or is told, but keeps too few."""
    inside = _place(people.codes, grid.starts, grid.depths, grid.depth)
    has_few = people.only(inside < 0).total() < grid.rule.least * _PARTS
    if not (has_few and len(grid.starts) and (is_told or (inside < 0).any())):
        return grid
    fewest = int(people.only(inside >= 0).per(inside[inside >= 0])[2].argmin())
    left = (grid.starts[[fewest]], grid.depths[[fewest]])
    strays = _joined([(grid.stray_starts, grid.stray_depths), left])
    cells = np.delete(grid.starts, fewest), np.delete(grid.depths, fewest)
    return CellGrid(grid.rule, grid.depth, *cells, *strays)


def _place(codes: Ints, starts: Ints, depths: Ints, depth: int) -> Ints:
    """Find the cell of each point code, -1 for none."""
    if not len(starts):
        return np.full(len(codes), -1, dtype=np.int64)
    at = np.searchsorted(starts, codes, side="right") - 1
    shift = 2 * (depth - depths[at])
    inside = (at >= 0) & (codes >> shift == starts[at] >> shift)
    return np.where(inside, at, -1)


def cells_of(grid: CellGrid, latitude: Floats, longitude: Floats) -> tuple[Ints, int]:
    """Find the cell of each point.

    Args:
        grid: The cells.
        latitude: Degrees, checked.
        longitude: Degrees, checked.

    Returns:
        Cell of each point, -1 for ``*``, and the points that lie where the population has nobody.
    """
    codes = point_codes(latitude, longitude, grid.depth)
    inside = _place(codes, grid.starts, grid.depths, grid.depth)
    stray = _place(codes[inside < 0], grid.stray_starts, grid.stray_depths, grid.depth)
    return inside, int((stray < 0).sum())


def bounds(start: int, level: int, depth: int) -> tuple[float, float, float, float]:
    """Give the bounds of a cell.

    Args:
        start: Its first point code.
        level: Its depth.
        depth: Depth of the code.

    Returns:
        South, north, west and east in degrees.
    """
    cell = np.asarray([start >> 2 * (depth - level)], dtype=np.int64)
    east, north = int(_gathered(cell)[0]), int(_gathered(cell >> 1)[0])
    side = 1 << level
    south_sine, north_sine = north / side * 2 - 1, (north + 1) / side * 2 - 1
    return (
        math.degrees(math.asin(south_sine)),
        math.degrees(math.asin(north_sine)),
        east / side * 360 - 180,
        (east + 1) / side * 360 - 180,
    )


def label(start: int, level: int, depth: int) -> str:
    """Write a cell as its bounds, rounded outward.

    Args:
        start: Its first point code.
        level: Its depth; 0 is ``*``.
        depth: Depth of the code.

    Returns:
        ``south..north west..east`` in degrees, with so many digits that no two cells of a depth read alike.
    """
    if level == 0:
        return ANYWHERE
    digits = max(0, math.ceil(math.log10(2**level / 114))) + 1
    south, north, west, east = bounds(start, level, depth)
    return f"{_down(south, digits)}..{_up(north, digits)} {_down(west, digits)}..{_up(east, digits)}"


def _down(degrees: float, digits: int) -> str:
    return f"{math.floor(degrees * 10**digits - _slack(degrees)) / 10**digits + 0.0:.{digits}f}"


def _up(degrees: float, digits: int) -> str:
    return f"{math.ceil(degrees * 10**digits + _slack(degrees)) / 10**digits + 0.0:.{digits}f}"


def _slack(degrees: float) -> float:
    """Room for the rounding of a bound that is no short number; poles, date line and zero are exact."""
    return 0.0 if degrees * 64 == math.floor(degrees * 64) else _SLACK


def labels_of(grid: CellGrid, cells: Ints) -> list[str]:
    """Write each cell once.

    Args:
        grid: The cells.
        cells: Cells, -1 for ``*``.
    """
    return [
        ANYWHERE if cell < 0 else label(int(grid.starts[cell]), int(grid.depths[cell]), grid.depth)
        for cell in cells.tolist()
    ]


def cell_hierarchy(grid: CellGrid, cells: Ints) -> Hierarchy:
    """Make the hierarchy of cells: each level joins four cells of the finest depth that is left.

    Args:
        grid: The cells.
        cells: Distinct cells, at least one, -1 for ``*``.

    Returns:
        The hierarchy over their labels.
    """
    depths = np.where(cells < 0, 0, grid.depths[cells]) if len(grid.depths) else np.zeros_like(cells)
    columns = [labels_of(grid, cells)]
    for level in range(int(depths.max()) - 1, 0, -1):
        coarser = [
            text if depth <= level or cell < 0 else label(int(grid.starts[cell]), level, grid.depth)
            for cell, depth, text in zip(cells.tolist(), depths.tolist(), columns[-1], strict=True)
        ]
        if 1 < len(set(coarser)) < len(set(columns[-1])):
            columns.append(coarser)
    columns.append([ANYWHERE] * len(cells))
    return hierarchies.from_rows(zip(*columns, strict=True))


def check_points(latitude: Floats, longitude: Floats, names: tuple[str, str]) -> None:
    """Refuse coordinates that are none.

    Args:
        latitude: Degrees.
        longitude: Degrees.
        names: Names of the two columns, for the refusal; no value is ever named.

    Raises:
        CallerError: ``places.no-coordinate`` for NaN, ``places.swapped`` where the two columns seem
            exchanged, ``places.out-of-range`` for a latitude beyond 90 or a longitude beyond 180 degrees.
    """
    for degrees, name in zip((latitude, longitude), names, strict=True):
        if np.isnan(degrees).any():
            raise CallerError("places.no-coordinate", column=name)
    high, wide = np.abs(latitude), np.abs(longitude)
    if (high > 90).any() and (high <= 180).all() and (wide <= 90).all():  # noqa: PLR2004 - degrees
        raise CallerError("places.swapped", latitude=names[0], longitude=names[1])
    for degrees, name, most in zip((high, wide), names, (90, 180), strict=True):
        if (degrees > most).any():
            raise CallerError("places.out-of-range", column=name, most=most)


def check_not_swapped(
    grid: CellGrid, latitude: Floats, longitude: Floats, inside: Ints, names: tuple[str, str]
) -> None:
    """Refuse coordinates of which most lie in the cells only when exchanged.

    Args:
        grid: The cells of a population.
        latitude: Degrees, checked.
        longitude: Degrees, checked.
        inside: Cell of each point, -1 for ``*``.
        names: Names of the two columns.

    Raises:
        CallerError: ``places.swapped``.
    """
    could, half = np.abs(longitude) <= 90, len(latitude) / 2  # noqa: PLR2004 - degrees
    if (inside >= 0).sum() >= half or could.sum() <= half:
        return
    turned = cells_of(grid, longitude[could], latitude[could])[0]
    if (turned >= 0).sum() > half:
        raise CallerError("places.swapped", latitude=names[0], longitude=names[1])
