"""Find what each column of a table holds and what that does to the people it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    import pyarrow as pa

    from hedgerow.model.findings import ColumnFinding

__all__ = ["classify", "columns", "unread_form"]


def classify(table: pa.Table, *, name: str = "", subject_key: str | None = None) -> tuple[ColumnFinding, ...]:
    """Classify every column of an Arrow table.

    Args:
        table: The table.
        name: The table's name, named in the reasons.
        subject_key: The column that tells people apart, when it is known.

    Returns:
        One finding for each column, in order.

    Raises:
        CallerError: ``discover.no-columns`` or ``discover.unknown-subject-key``.
    """
    from hedgerow.techniques.discover.judge import classify as run

    return run(table, name=name, subject_key=subject_key)


def columns(frame: object, *, name: str = "", subject_key: str | None = None) -> tuple[ColumnFinding, ...]:
    """Classify every column of any data frame, without a workspace.

    Args:
        frame: An Arrow table, or a pandas or Polars data frame.
        name: The table's name, named in the reasons.
        subject_key: The column that tells people apart, when it is known.

    Returns:
        One finding for each column, in order.

    Raises:
        CallerError: ``discover.not-a-frame``, or as :func:`classify`.
    """
    import narwhals as nw

    native = nw.from_native(frame, pass_through=True)
    if isinstance(native, nw.LazyFrame):
        native = native.collect()
    if not isinstance(native, nw.DataFrame):
        raise CallerError("discover.not-a-frame", kind=type(frame).__name__)
    return classify(native.to_arrow(), name=name, subject_key=subject_key)


def unread_form(column: pa.ChunkedArray) -> str | None:
    """Name the form of a text column whose values look like numbers or dates that are not read as such.

    Args:
        column: Any Arrow column.

    Returns:
        ``"number-with-comma"`` (such as 7,5), or how dates that are not ISO are written:
        ``"date-with-points"`` (such as 31.01.2026), ``"date-with-slashes"``, ``"date-with-dashes"`` or
        ``"date-with-year-first"`` (such as 2026.01.31); when at least 80% of an even sample of 1,000
        filled cells have the form; else none.
    """
    from hedgerow.techniques.discover.unread import unread_form as run

    return run(column)
