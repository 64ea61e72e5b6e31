"""Read a table file (CSV, JSONL, Parquet) into good rows, broken rows and where each came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedgerow.adapters.readers.opening import opened, table_format
from hedgerow.adapters.readers.source import NOT_UTF8, BrokenRow, SourceColumn, SourceTable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hedgerow.model.words import ColumnType

__all__ = ["NOT_UTF8", "BrokenRow", "SourceColumn", "SourceTable", "open_table"]


def open_table(path: Path, *, types: Mapping[str, ColumnType] | None = None) -> SourceTable:
    """Read a table file whole; the format is told by its content.

    Args:
        path: A regular file or a symbolic link to one; wildcards in the name are plain characters.
        types: Types by column name, in place of what would be inferred.

    Returns:
        The table: typed good rows, broken rows by line and reason, and the file's hash.

    Raises:
        CallerError: A ``files.`` code when the file is missing, unreadable, or no table.

    Guarantee: no error, reason or representation holds a cell value; nothing is written, no
    network is used. *Source* of the CSV form: RFC 4180.
    """
    from hedgerow.adapters.readers.csv_text import read_csv
    from hedgerow.adapters.readers.json_lines import read_json_lines
    from hedgerow.adapters.readers.parquet import read_parquet

    readers = {"csv": read_csv, "jsonl": read_json_lines, "parquet": read_parquet}
    with opened(path) as file:
        return readers[table_format(file)](file, types)
