"""Hierarchy files: which file of a directory belongs to which column, and what is wrong in which."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hedgerow.model.errors import CallerError
from hedgerow.model.ladders import is_ladder, parse_ladder, split_ladder


def hierarchy_files(folder: Path, columns: Sequence[str]) -> dict[str, Path]:
    """Find the hierarchy files of a directory for the named columns.

    Args:
        folder: Holds ``COLUMN.csv`` or ``ANYTHING_COLUMN.csv``.
        columns: The quasi-identifiers.

    Returns:
        File by column; a column without a file is not in it.

    Raises:
        CallerError: ``hierarchies.no-directory`` or ``hierarchies.none-fits``.
    """
    if not folder.is_dir():
        raise CallerError("hierarchies.no-directory", path=folder)
    files, found = sorted(folder.glob("*.csv")), {}
    for column in columns:
        fitting = [f for f in files if f.stem == column or f.stem.endswith("_" + column)]
        if fitting:
            found[column] = min(fitting, key=lambda f: len(f.stem))
    if not found:
        raise CallerError("hierarchies.none-fits", path=folder)
    return found


def read_hierarchies(folder: Path, columns: Sequence[str]) -> dict[str, list[list[str]]]:
    """Read the hierarchy files of a directory for the named columns.

    Args:
        folder: Holds the files, semicolon separated, without a header: value, level 1, level 2, ..., ``*``.
        columns: The quasi-identifiers.

    Returns:
        Rows by column; a column without a file is not in it.

    Raises:
        CallerError: ``hierarchies.*``, or ``hierarchy.*`` with the name of the file; no value is quoted.
    """
    return {column: _rows(path) for column, path in hierarchy_files(folder, columns).items()}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Hierarchies chosen column by column.

    Args:
        rows: Rows by column, of those read from a file.
        files: Name of the file by column.
        choices: Text by column, of those built by declared choices.
    """

    rows: Mapping[str, list[list[str]]]
    files: Mapping[str, str]
    choices: Mapping[str, str]


def chosen_hierarchies(texts: Sequence[str]) -> Chosen:
    """Read the hierarchies chosen for columns.

    Args:
        texts: Such as ``zip=redaction(right)`` or ``zip=FILE.csv``.

    Returns:
        The hierarchies.

    Raises:
        CallerError: ``ladder.*``; of files as ``read_hierarchies``.
    """
    given: dict[str, str] = {}
    for column, rest in map(split_ladder, texts):
        if column in given:
            raise CallerError("ladder.repeated", column=column)
        given[column] = rest
    files = {column: Path(rest) for column, rest in given.items() if not is_ladder(rest)}
    return Chosen(
        {column: _rows(path) for column, path in files.items()},
        {column: path.name for column, path in files.items()},
        {name: str(parse_ladder(name, rest)) for name, rest in given.items() if name not in files},
    )


def _rows(path: Path) -> list[list[str]]:
    # Here, because the kernel reads numbers with numpy, which a plain list of files does not need.
    from hedgerow.kernel.anonymity.hierarchies import from_rows

    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream, delimiter=";") if row]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise CallerError("hierarchies.unreadable", file=path.name) from None
    if rows and all(len(row) == 1 and row[0].endswith((",*", "\t*", "|*")) for row in rows):
        raise CallerError("hierarchies.separator", file=path.name)
    with naming_file(path.name):
        from_rows(rows)
    return rows


@contextmanager
def naming_file(name: str | Mapping[str, str]) -> Iterator[None]:
    """Name the file in an error of a hierarchy.

    Args:
        name: The file, or the file of each column.

    Raises:
        CallerError: The error that arose, in which the file stands for the hierarchy.
    """
    try:
        yield
    except CallerError as error:
        file = name if isinstance(name, str) else name.get(str(error.details.get("column")))
        if "hierarchy" not in error.details or file is None:
            raise
        raise CallerError(error.code, **{**error.details, "hierarchy": f"the file {file}"}) from None
