"""Tables of any kind that narwhals knows, as Arrow and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import pyarrow as pa

from hedgerow.model.errors import CallerError


def frame_of(table: Any) -> nw.DataFrame[Any]:  # noqa: ANN401 - any table
    """Take a table as a frame.

    Args:
        table: A pyarrow, pandas or Polars table.

    Returns:
        The frame.

    Raises:
        CallerError: ``anonymity.ambiguous-column`` or ``anonymity.no-table``.
    """
    if isinstance(table, pa.Table) and len(set(table.column_names)) < len(table.column_names):
        twice = next(name for name in table.column_names if table.column_names.count(name) > 1)
        raise CallerError("anonymity.ambiguous-column", column=twice)
    try:
        return nw.from_native(table, eager_only=True)
    except TypeError:
        raise CallerError("anonymity.no-table") from None


def arrow_of_columns(columns: Mapping[str, Any]) -> pa.Table:
    """Take a dict of columns as Arrow.

    Args:
        columns: Values by name, of one length.

    Returns:
        The table.

    Raises:
        CallerError: ``anonymity.no-table``.
    """
    try:
        return pa.table({str(name): pa.array(column) for name, column in columns.items()})
    except (pa.ArrowException, TypeError, ValueError):
        raise CallerError("anonymity.no-table") from None


def arrow_of(frame: nw.DataFrame[Any]) -> pa.Table:
    """Take a frame as Arrow; a pandas index may come along as one more column, which nobody can list.

    Args:
        frame: The frame.

    Returns:
        Its columns.
    """
    return frame.to_arrow()


def native_of(table: pa.Table, frame: nw.DataFrame[Any]) -> Any:  # noqa: ANN401 - of the kind given
    """Turn Arrow into the kind of table that a frame came from.

    Args:
        table: The table.
        frame: The frame the caller gave.

    Returns:
        A pyarrow, pandas or Polars table.
    """
    return nw.from_arrow(table, backend=frame.implementation).to_native()
