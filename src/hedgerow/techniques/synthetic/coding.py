"""From an Arrow table to codes, and from drawn codes to values; no value is an error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.aggregation import number_people, pick_rows
from hedgerow.kernel.marginals import draw_below
from hedgerow.kernel.marginals.counting import Codes
from hedgerow.model.words import ColumnType
from hedgerow.techniques.synthetic.columns import Grid, SyntheticColumn

Table = Any
Integers = npt.NDArray[np.int64]

_ARROW = {ColumnType.TEXT: pa.string(), ColumnType.INTEGER: pa.int64(), ColumnType.BOOLEAN: pa.bool_()}


def bounded_rows(person: pa.ChunkedArray, max_rows: int) -> npt.NDArray[np.bool_]:
    """Choose at most so many rows of each person, at random; rows about nobody never count.

    Args:
        person: Who each row is about.
        max_rows: The bound.

    Returns:
        Which rows count. Which of one person's do depends on nothing of anybody else.
    """
    return pick_rows(number_people(person), max_rows)


def coded(table: Table, columns: Sequence[SyntheticColumn]) -> Codes:
    """Turn each value into the code of its cell.

    Args:
        table: An Arrow table with the columns.
        columns: What they may hold.

    Returns:
        Codes, shape ``(rows, columns)``. What is null, NaN, infinite or not declared has the code of no
        value; numbers outside the bounds count in the bin at the bound.
    """
    codes = np.empty((table.num_rows, len(columns)), dtype=np.int32)
    for place, column in enumerate(columns):
        values = _plain(table.column(column.name))
        codes[:, place] = _binned(values, column) if column.grid else _matched(values, column)
    return codes


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Unpack dictionaries."""
    if pa.types.is_dictionary(values.type):
        return values.cast(values.type.value_type)
    return values


def _matched(values: pa.ChunkedArray, column: SyntheticColumn) -> npt.NDArray[np.int32]:
    kind = _ARROW[column.type]
    if values.type != kind:
        values = values.cast(kind, safe=False)
    found = pc.index_in(values, value_set=pa.array(column.keys, kind), skip_nulls=True)
    codes: npt.NDArray[np.int32] = pc.fill_null(found, column.nothing).to_numpy()
    return codes


def _binned(values: pa.ChunkedArray, column: SyntheticColumn) -> npt.NDArray[np.int32]:
    grid = column.grid or Grid(0, 1, 0, 1)
    numbers = values.cast(pa.float64(), safe=False).to_numpy()
    is_number = np.isfinite(numbers)
    unit = 10**grid.digits
    # Within the bounds first, so that no number is too large to be counted in steps.
    within = np.clip(np.where(is_number, numbers, 0.0), grid.lower / unit, grid.upper / unit)
    ahead = np.clip(np.rint(within * unit) - grid.lower, 0, grid.steps - 1).astype(np.int64)
    bounds = np.array(grid.starts()[1:-1], dtype=np.int64) - grid.lower
    bins = np.searchsorted(bounds, ahead, side="right")
    codes: npt.NDArray[np.int32] = np.where(is_number, bins, column.nothing).astype(np.int32)
    return codes


def drawn_numbers(codes: Codes, columns: Sequence[SyntheticColumn]) -> list[Integers]:
    """Give each drawn cell its number: the place of a key, or a step drawn evenly from its bin.

    Args:
        codes: Drawn codes, shape ``(rows, columns)``.
        columns: What they stand for.

    Returns:
        For each column a number for each row; -1 for a key, or a step below the lower bound, is no value.
    """
    return [_numbers(codes[:, place].astype(np.int64), column) for place, column in enumerate(columns)]


def _numbers(codes: Integers, column: SyntheticColumn) -> Integers:
    is_nothing = codes == column.nothing
    if column.grid is None:
        return np.where(is_nothing, -1, codes)
    starts = np.array(column.grid.starts(), dtype=np.int64)
    inside = np.where(is_nothing, 0, codes)
    steps = starts[inside] + draw_below(len(codes), starts[inside + 1] - starts[inside])
    return np.where(is_nothing, column.grid.lower - 1, steps)


def values_of(numbers: Integers, column: SyntheticColumn) -> pa.Array:
    """Turn numbers into Arrow values: text, whole numbers, truth values, or decimals as doubles.

    Args:
        numbers: As :func:`drawn_numbers` gives them.
        column: What they stand for.
    """
    if column.grid is None:
        places = pa.array(numbers, mask=numbers < 0)
        return pa.array(column.keys, _ARROW[column.type]).take(places)
    is_nothing = numbers < column.grid.lower
    if column.type is ColumnType.INTEGER:
        return pa.array(numbers, pa.int64(), mask=is_nothing)
    return pa.array(numbers / 10**column.grid.digits, pa.float64(), mask=is_nothing)


def table_of(numbers: Sequence[Integers], columns: Sequence[SyntheticColumn]) -> Table:
    """Put a synthetic table together.

    Args:
        numbers: For each column, as :func:`drawn_numbers` gives them.
        columns: What they stand for.

    Returns:
        An Arrow table.
    """
    made = [values_of(each, column) for each, column in zip(numbers, columns, strict=True)]
    return pa.table(made, names=[column.name for column in columns])


def numbered(table: Table, owners: Iterable[int], name: str) -> Table:
    """Put the numbers of persons, from 1, before the columns of a table.

    Args:
        table: An Arrow table.
        owners: The person of each row, from 0.
        name: What to call the column.
    """
    return table.add_column(0, name, pa.array([int(owner) + 1 for owner in owners], pa.int64()))
