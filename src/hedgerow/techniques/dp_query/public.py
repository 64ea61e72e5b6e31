"""Public tables of a data frame: small, about nobody, and read whole before anything private is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Any

from hedgerow.kernel.conditions.catalog import shown
from hedgerow.model.errors import CallerError
from hedgerow.model.joins import PublicColumn, PublicTable, PublicValue
from hedgerow.model.words import ColumnType

ROWS_MOST = 100_000
CELLS_MOST = 1_000_000
_WHOLE_MOST = 2**63 - 1
_PERSON_WORD = "person"


def public_table(
    name: str,
    table: Any,  # noqa: ANN401 - an Arrow table
    kinds: Mapping[str, ColumnType | None],
    people: Iterable[str],
) -> PublicTable:
    """Take an Arrow table as one that its caller declares public.

    Args:
        name: What a query calls it.
        table: The rows.
        kinds: Type of each column; none where queries cannot read it.
        people: Names of columns that name people.

    Returns:
        The table, without points in time and what queries cannot read.

    Raises:
        CallerError: ``dp.public-table`` when it cannot be public.
    """
    _check_public(name, tuple(table.column_names), table.num_rows, people)
    columns = (
        _public_column(name, column, kind, table.column(column))
        for column, kind in kinds.items()
        if kind is not None and kind is not ColumnType.TIMESTAMP
    )
    return PublicTable(name, tuple(columns))


def _public_column(name: str, column: str, kind: ColumnType, cells: Any) -> PublicColumn:  # noqa: ANN401 - Arrow
    values = tuple(_value(kind, cell) for cell in cells.to_pylist())
    if kind is ColumnType.INTEGER and any(abs(v) > _WHOLE_MOST for v in values if isinstance(v, int)):
        problem = f"its column {shown(column)} holds whole numbers beyond 64 bits"
        raise CallerError("dp.public-table", table=shown(name), problem=problem)
    return PublicColumn(column, kind, values)


def _check_public(name: str, columns: tuple[str, ...], rows: int, people: Iterable[str]) -> None:
    known = {person.casefold() for person in people} | {_PERSON_WORD}
    named = [column for column in columns if column.casefold() in known]
    problem = ""
    if named:
        problem = f"its column {shown(named[0])} names people, and what is about people is never public"
    elif len(set(columns)) != len(columns) or not all(columns):
        problem = "its columns need names of their own"
    elif not columns or not rows:
        problem = "it is empty"
    elif rows > ROWS_MOST or rows * len(columns) > CELLS_MOST:
        problem = f"it has more than {ROWS_MOST:,} rows or {CELLS_MOST:,} cells"
    if problem:
        raise CallerError("dp.public-table", table=shown(name), problem=problem)


def _value(kind: ColumnType, cell: object) -> PublicValue:
    """Take a cell as a plain value; NaN and the infinities are none."""
    match cell:
        case None:
            return None
        case bool() | str():
            return cell
        case date():
            return cell.isoformat()
        case int():
            return Fraction(cell) if kind is ColumnType.DECIMAL else cell
        case float() | Decimal():
            return Fraction(str(cell)) if isfinite(cell) else None
    return None
