"""Errors of reading tables and data files."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "files.missing",
        "There is no file {path}.",
        "Check the path; a symbolic link must lead to an existing file.",
        status=404,
    ),
    caller(
        "files.directory",
        "{path} is a directory, not a table.",
        "Name one CSV, JSONL or Parquet file in it.",
    ),
    caller(
        "files.unreadable",
        "{path} cannot be read ({cause}).",
        "Give the account that runs this read access to the file, then repeat the command.",
    ),
    caller(
        "files.not-regular",
        "{path} is a device, pipe or socket, not a file.",
        "Save the table as a CSV, JSONL or Parquet file and name that.",
    ),
    caller(
        "files.changed",
        "{path} changed while it was being read.",
        "Repeat the command once nothing writes to the file any more.",
    ),
    caller("files.empty", "{path} is empty.", "Give a file with a header line and at least one row."),
    caller(
        "files.binary",
        "{path} is a binary file, not a table{hint}.",
        "Export it as CSV (UTF-8), JSONL or Parquet.",
    ),
    caller(
        "files.not-utf8",
        "{path} is not UTF-8 text ({encoding}).",
        "Save it as UTF-8, for example: iconv -f {source} -t UTF-8 FILE > FILE.utf8.csv",
    ),
    caller(
        "files.not-a-table",
        "{path} is no table: {why}.",
        "Give a CSV with a header line, one JSON object per line (JSONL), or Parquet.",
    ),
    caller(
        "files.no-header",
        "{path} has no header line: cell {position} of its first line is a value, not a column name.",
        "Put the column names on the first line.",
    ),
    caller(
        "files.unnamed-column",
        "Column {position} of {path} has no name.",
        "Name every column on the first line.",
    ),
    caller(
        "files.duplicate-column",
        "Columns {first} and {second} of {path} have the same name.",
        "Give every column a name of its own on the first line.",
    ),
    caller("files.no-rows", "{path} has a header and no rows.", "Give a file with at least one row."),
    caller(
        "files.too-many-columns",
        "{path} has more than {limit} columns.",
        "Split the table, keeping the person's id in each part.",
    ),
    caller(
        "files.unknown-column",
        "{path} has no column {column}.",
        "Name one of its columns: {columns}.",
    ),
    caller(
        "files.column-unsupported",
        "Column {column} of {path} holds {kind} values, which no column type here can hold.",
        "Leave the column out of the file, or store it as text, numbers, dates or booleans.",
    ),
)
