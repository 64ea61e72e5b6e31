"""Hierarchies in CSV files, read and written."""

from __future__ import annotations

import csv
from pathlib import Path

from hedgerow.kernel.anonymity.builders import to_rows
from hedgerow.kernel.anonymity.hierarchies import from_rows
from hedgerow.model.anonymity import Hierarchy
from hedgerow.model.errors import CallerError


def from_csv(path: str | Path, *, delimiter: str = ";") -> Hierarchy:
    """Read a hierarchy from a CSV file without a header: value, level 1, level 2, ..., ``*``.

    Args:
        path: The file, UTF-8; empty lines are skipped.
        delimiter: What stands between levels, one character.

    Returns:
        The hierarchy.

    Raises:
        CallerError: ``hierarchies.unreadable``, or ``hierarchy.*`` with the name of the file; no value is
            quoted.
    """
    file = Path(path)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream, delimiter=delimiter) if row]
    except (OSError, ValueError, TypeError, csv.Error):
        raise CallerError("hierarchies.unreadable", file=file.name) from None
    try:
        return from_rows(rows)
    except CallerError as error:
        raise CallerError(error.code, **{**error.details, "hierarchy": f"the file {file.name}"}) from None


def to_csv(hierarchy: Hierarchy, path: str | Path, *, delimiter: str = ";") -> Path:
    """Write a hierarchy to a new CSV file, as ``from_csv`` reads it.

    It holds every value of the hierarchy: where these were taken from a table, treat the file like the table.

    Args:
        hierarchy: The hierarchy.
        path: The file to make.
        delimiter: What stands between levels, one character.

    Returns:
        The file.

    Raises:
        CallerError: ``out.exists``, ``out.no-directory`` or ``out.unwritable``.
    """
    file = Path(path)
    try:
        with file.open("x", encoding="utf-8", newline="") as stream:
            csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(to_rows(hierarchy))
    except FileExistsError:
        raise CallerError("out.exists", out=file.name) from None
    except FileNotFoundError:
        raise CallerError("out.no-directory", out=file.name) from None
    except OSError:
        raise CallerError("out.unwritable", out=file.name) from None
    return file
