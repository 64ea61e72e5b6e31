"""Data frames of several libraries as Arrow tables, and the logical types of their columns."""

from __future__ import annotations

from typing import Any

from hedgerow.model.errors import CallerError
from hedgerow.model.words import ColumnType


def arrow_of(frame: Any) -> Any:  # noqa: ANN401 - data frames of several libraries
    """Take a data frame as an Arrow table.

    Args:
        frame: An Arrow table, or a Polars or pandas data frame.

    Returns:
        The table.

    Raises:
        CallerError: ``dp.not-a-frame``.
    """
    import pyarrow as pa

    if isinstance(frame, pa.Table):
        return _in_days(frame)
    import narwhals as nw

    try:
        return _in_days(nw.from_native(frame, eager_only=True).to_arrow())
    except (TypeError, ValueError, pa.ArrowException, nw.exceptions.NarwhalsError):
        raise CallerError("dp.not-a-frame") from None


def _in_days(table: Any) -> Any:  # noqa: ANN401 - Arrow tables
    """Bring dates in milliseconds to days: one with a stray millisecond would be a key that no row equals."""
    from pyarrow import types

    from hedgerow.kernel.aggregation.sayable import plain_days

    for place, field in enumerate(table.schema):
        column = table.column(place)
        if types.is_dictionary(field.type) and types.is_date64(field.type.value_type):
            column = column.cast(field.type.value_type)
        if types.is_date64(column.type):
            table = table.set_column(place, field.name, plain_days(column))
    return table


def kinds_of(schema: Any) -> dict[str, ColumnType | None]:  # noqa: ANN401 - an Arrow schema
    """Tell the logical type of each column.

    Args:
        schema: An Arrow schema.

    Returns:
        The type of each column, none where it has none of ours.
    """
    from pyarrow import types

    tests = (
        (types.is_boolean, ColumnType.BOOLEAN),
        (types.is_integer, ColumnType.INTEGER),
        (types.is_floating, ColumnType.DECIMAL),
        (types.is_decimal, ColumnType.DECIMAL),
        (types.is_string, ColumnType.TEXT),
        (types.is_large_string, ColumnType.TEXT),
        (types.is_string_view, ColumnType.TEXT),
        (types.is_date, ColumnType.DATE),
        (types.is_timestamp, ColumnType.TIMESTAMP),
    )

    def kind(column: Any) -> ColumnType | None:  # noqa: ANN401 - an Arrow type
        plain = column.value_type if types.is_dictionary(column) else column
        return next((named for test, named in tests if test(plain)), None)

    return {field.name: kind(field.type) for field in schema}
