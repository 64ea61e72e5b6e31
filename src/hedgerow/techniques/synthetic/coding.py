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
from hedgerow.techniques.synthetic.calendar import DAY
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


def shared_type(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Find the type in which persons of two tables can be compared, each as it is; none where there is none.

    Args:
        one: Type of the column that names persons in one table.
        other: The same in the other.
    """
    plain = [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in (one, other)]
    if plain[0] == plain[1]:
        return plain[0]
    if all(map(pa.types.is_integer, plain)):
        return pa.decimal128(20, 0)
    is_text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return pa.large_string() if all(any(test(kind) for test in is_text) for kind in plain) else None


def numbered_alike(one: pa.ChunkedArray, other: pa.ChunkedArray) -> tuple[Integers, Integers]:
    """Number the persons of two tables, the same person by the same number; below 0 for nobody.

    Args:
        one: Who each row of one table is about.
        other: The same of the other; of a type with a :func:`shared_type`.
    """
    if one is other:
        numbers = number_people(one)
        return numbers, numbers
    kind = shared_type(one.type, other.type) or one.type
    chunks = [_plain(column).cast(kind).chunks for column in (one, other)]
    numbers = number_people(pa.chunked_array([*chunks[0], *chunks[1]], kind))
    return numbers[: len(one)], numbers[len(one) :]


def coded(table: Table, columns: Sequence[SyntheticColumn]) -> Codes:
    """Turn each value into the code of its cell.

    Args:
        table: An Arrow table with the columns.
        columns: What they may hold.

    Returns:
        Codes, shape ``(rows, columns)``. What is null, NaN, infinite or not declared has the code of no
        value; numbers and days outside the bounds count in the bin at the bound.
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
    if grid.unit:
        return _dated(values, column, grid)
    numbers = values.cast(pa.float64(), safe=False).to_numpy()
    is_number = np.isfinite(numbers)
    unit = 10**grid.digits
    # Within the bounds first, so that no number is too large to be counted in steps.
    within = np.clip(np.where(is_number, numbers, 0.0), grid.lower / unit, grid.upper / unit)
    ahead = np.clip(np.rint(within * unit) - grid.lower, 0, grid.steps - 1).astype(np.int64)
    return _in_bins(ahead + grid.lower, is_number, column, grid)


def _dated(values: pa.ChunkedArray, column: SyntheticColumn, grid: Grid) -> npt.NDArray[np.int32]:
    """Count days or seconds as whole numbers: nothing is cast to a unit in which it would not fit."""
    is_known = pc.is_valid(values).to_numpy()
    plain = values.cast(pa.int32()).cast(pa.int64()) if pa.types.is_date32(values.type) else values
    counted = pc.fill_null(plain.cast(pa.int64()), 0).to_numpy() // _per_step(values.type)
    return _in_bins(np.clip(counted, grid.lower, grid.upper), is_known, column, grid)


def _per_step(kind: pa.DataType) -> int:
    if pa.types.is_date32(kind):
        return 1
    if pa.types.is_date64(kind):
        return 1_000 * DAY
    return {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]


def _in_bins(
    steps: Integers, is_known: npt.NDArray[np.bool_], column: SyntheticColumn, grid: Grid
) -> npt.NDArray[np.int32]:
    bins = np.searchsorted(np.array(grid.starts()[1:-1], dtype=np.int64), steps, side="right")
    codes: npt.NDArray[np.int32] = np.where(is_known, bins, column.nothing).astype(np.int32)
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
    """Turn numbers into Arrow values: text, whole numbers, truth values, dates, or decimals as doubles.

    Args:
        numbers: As :func:`drawn_numbers` gives them.
        column: What they stand for.
    """
    if column.grid is None:
        places = pa.array(numbers, mask=numbers < 0)
        return pa.array(column.keys, _ARROW[column.type]).take(places)
    is_nothing = numbers < column.grid.lower
    if column.type is ColumnType.DATE:
        return pa.array(numbers, mask=is_nothing).cast(pa.int32()).cast(pa.date32())
    if column.type is ColumnType.TIMESTAMP:
        return pa.array(numbers, mask=is_nothing).cast(pa.timestamp("s"))
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
