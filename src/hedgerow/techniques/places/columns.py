"""Arrow columns as cells, bands and categories: what a rules file or a data frame calls."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.anonymity.coding import Floats, Ints
from hedgerow.kernel.places import grid as cells
from hedgerow.kernel.places.bands import Moments, banded, check_bands
from hedgerow.kernel.places.grid import CellGrid
from hedgerow.kernel.places.merchants import Categories, categories
from hedgerow.model.errors import CallerError
from hedgerow.model.places import CellRule, MerchantRule, TimeBands


@dataclass(frozen=True, slots=True)
class CellColumn:
    """Cells of rows.

    Args:
        array: Label of each row's cell; none where the coordinates are missing.
        cells: Distinct cells, -1 for ``*``.
        outside_rows: Rows in ``*``.
        missing_rows: Rows without a cell.
    """

    array: pa.Array = field(repr=False)
    cells: Ints = field(repr=False)
    outside_rows: int
    missing_rows: int


def column(table: pa.Table, name: str) -> pa.Array:
    """Take one column as a plain array.

    Args:
        table: The table.
        name: The column.

    Raises:
        CallerError: ``places.unknown-column`` or ``places.repeated-column``.
    """
    if name not in table.column_names:
        raise CallerError("places.unknown-column", column=name)
    if table.column_names.count(name) > 1:
        raise CallerError("places.repeated-column", column=name)
    array = table[name].combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def numbers(array: pa.Array, name: str) -> Floats:
    """Read a column of numbers; what is missing is NaN.

    Args:
        array: The values.
        name: The column, for the refusal.

    Raises:
        CallerError: ``places.column-type``.
    """
    kind = array.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise CallerError("places.column-type", column=name, type=str(kind), wanted="numbers")
    return np.asarray(pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def coordinates(
    latitude: pa.Array, longitude: pa.Array, names: tuple[str, str], missing: str
) -> tuple[Floats, Floats, Ints]:
    """Read coordinates and refuse what is none.

    Args:
        latitude: Degrees of each row.
        longitude: Degrees of each row.
        names: Names of the two columns.
        missing: ``refuse`` rows without coordinates, or ``keep`` them; half a coordinate is refused.

    Returns:
        Latitude, longitude and place of the rows that have both.

    Raises:
        CallerError: ``places.column-type``, ``places.no-coordinate``, ``places.swapped`` or
            ``places.out-of-range``.
    """
    north, east = numbers(latitude, names[0]), numbers(longitude, names[1])
    rows = np.arange(len(north))
    if missing == "keep":
        rows = np.flatnonzero(~(np.isnan(north) & np.isnan(east)))
        north, east = north[rows], east[rows]
    cells.check_points(north, east, names)
    return north, east, rows


def cell_column(
    latitude: pa.Array,
    longitude: pa.Array,
    grid: CellGrid,
    names: tuple[str, str] = ("latitude", "longitude"),
) -> CellColumn:
    """Turn coordinates into cells.

    Args:
        latitude: Degrees of WGS 84.
        longitude: Degrees of WGS 84.
        grid: The cells of a population, with their rule.
        names: Names of the two columns, for refusals.

    Returns:
        The cells.

    Raises:
        CallerError: As ``coordinates``; ``places.outside`` for points where the population has nobody.

    Guarantee:
        A label says no more of a row than that it lies in a region of at least ``grid.rule.least`` people.
    """
    north, east, rows = coordinates(latitude, longitude, names, grid.rule.missing)
    inside, nobody = cells.cells_of(grid, north, east)
    cells.check_not_swapped(grid, north, east, inside, names)
    if nobody and grid.rule.outside == "refuse":
        raise CallerError("places.outside", latitude=names[0], longitude=names[1])
    distinct, of_row = np.unique(inside, return_inverse=True)
    place = np.full(len(latitude), len(distinct), dtype=np.int64)
    place[rows] = of_row
    texts = pa.array([*cells.labels_of(grid, distinct), None], pa.string())
    return CellColumn(
        texts.take(pa.array(place)), distinct, int((inside < 0).sum()), len(latitude) - len(rows)
    )


def population_grid(population: pa.Table, rule: CellRule, names: tuple[str, str, str]) -> CellGrid:
    """Make the cells of a population table.

    Args:
        population: One row a place.
        rule: What the cells keep.
        names: Its columns of latitude, longitude and people.

    Returns:
        The grid.

    Raises:
        CallerError: For columns, coordinates or numbers that do not fit; ``places.too-few-people``.
    """
    cells.check_rule(rule)
    north, east, people = (column(population, name) for name in names)
    latitude, longitude, _ = coordinates(north, east, names[:2], "refuse")
    return cells.population_grid(latitude, longitude, numbers(people, names[2]), rule)


def own_grid(table: pa.Table, rule: CellRule, names: tuple[str, str], person: str | None) -> CellGrid:
    """Make cells that each hold enough of a table's own people.

    Args:
        table: The rows.
        rule: What the cells keep.
        names: Columns of latitude and longitude.
        person: Column of persons; none where each row is a person.

    Returns:
        The grid.

    Raises:
        CallerError: For columns or coordinates that do not fit; ``places.too-few-people``.
    """
    cells.check_rule(rule)
    north, east, rows = coordinates(column(table, names[0]), column(table, names[1]), names, rule.missing)
    people = np.arange(len(rows)) if person is None else coded(column(table, person), person)[0][rows]
    return cells.own_grid(north, east, people.astype(np.int64), rule)


def coded(array: pa.Array, name: str) -> tuple[Ints, pa.Array]:
    """Number the values of a column.

    Args:
        array: The values; none may be missing.
        name: The column, for the refusal.

    Returns:
        Number of each row's value, and the values.

    Raises:
        CallerError: ``places.missing``.
    """
    if array.null_count:
        raise CallerError("places.missing", column=name)
    encoded = array.dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary


def local_moments(array: pa.Array, name: str, zone: str | None) -> Moments:
    """Read moments as local times.

    Args:
        array: Timestamps or dates.
        name: The column, for refusals.
        zone: The zone people live by, for moments that carry a zone; none for local times as written.

    Returns:
        Local times; NaT is missing.

    Raises:
        CallerError: ``places.column-type``, ``places.zone-needed``, ``places.naive-times`` or
            ``places.time-zone``.
    """
    kind = array.type
    if pa.types.is_date(kind):
        array, kind = array.cast(pa.timestamp("s")), pa.timestamp("s")
    if not pa.types.is_timestamp(kind):
        raise CallerError("places.column-type", column=name, type=str(kind), wanted="timestamps or dates")
    if kind.tz is not None and zone is None:
        raise CallerError("places.zone-needed", column=name)
    if kind.tz is None and zone is not None:
        raise CallerError("places.naive-times", column=name)
    if zone is not None:
        try:
            array = pc.local_timestamp(array.cast(pa.timestamp(kind.unit, zone)))
        except pa.ArrowInvalid:
            raise CallerError("places.time-zone") from None
    return np.asarray(array.to_numpy(zero_copy_only=False))


def band_column(times: pa.Array, bands: TimeBands, name: str = "time") -> pa.Array:
    """Turn moments into bands.

    Args:
        times: Timestamps or dates.
        bands: The bands.
        name: The column, for refusals.

    Returns:
        Label of each moment; none where it is missing.

    Raises:
        CallerError: As ``local_moments``; ``places.time-parts`` or ``places.time-edges``.
    """
    check_bands(bands)
    if pa.types.is_date(times.type) and "time" in bands.parts:
        raise CallerError("places.column-type", column=name, type=str(times.type), wanted="timestamps")
    codes, labels = banded(local_moments(times, name, bands.zone), bands)
    return pa.array([*labels, None], pa.string()).take(pa.array(np.where(codes < 0, len(labels), codes)))


def merchant_column(codes: pa.Array, rule: MerchantRule) -> tuple[pa.Array, Categories]:
    """Turn merchant category codes into categories.

    Args:
        codes: Codes as numbers or text; what is in no table is ``other``.
        rule: What to tell.

    Returns:
        Label of each row, none where the code is missing, and the categories.

    Raises:
        CallerError: ``places.merchant-level``.
    """
    encoded = codes.dictionary_encode()
    of_row = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    found = categories(encoded.dictionary.to_pylist(), of_row, rule)
    place = np.where(found.of_row < 0, len(found.labels), found.of_row)
    return pa.array([*found.labels, None], pa.string()).take(pa.array(place)), found
