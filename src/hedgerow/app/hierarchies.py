"""Hierarchy files: which file of a directory belongs to which column."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from hedgerow.model.errors import CallerError


def read_hierarchies(folder: Path, columns: Sequence[str]) -> dict[str, list[list[str]]]:
    """Read the hierarchy files of a directory for the named columns.

    Args:
        folder: Holds ``COLUMN.csv`` or ``ANYTHING_COLUMN.csv``, semicolon separated, without a
            header: value, level 1, level 2, ..., ``*``.
        columns: The quasi-identifiers.

    Returns:
        Rows by column; a column without a file is not in it.

    Raises:
        CallerError: ``hierarchies.no-directory`` or ``hierarchies.none-fits``.
    """
    if not folder.is_dir():
        raise CallerError("hierarchies.no-directory", path=folder)
    files = sorted(folder.glob("*.csv"))
    found = {}
    for column in columns:
        fitting = [f for f in files if f.stem == column or f.stem.endswith("_" + column)]
        if fitting:
            found[column] = _rows(min(fitting, key=lambda f: len(f.stem)))
    if not found:
        raise CallerError("hierarchies.none-fits", path=folder)
    return found


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return [row for row in csv.reader(stream, delimiter=";") if row]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise CallerError("file.missing", path=path) from None
