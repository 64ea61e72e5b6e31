"""Rules files with the tables that they name, which lie beside them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from hedgerow.model.errors import CallerError
from hedgerow.model.tokenrules import parse_text
from hedgerow.model.tokens import Lookup, Rules

_MOST_BYTES = 1 << 24
_PAIR = 2


def read_rules(path: Path) -> Rules:
    """Read a rules file and the tables that it names, which lie beside it.

    Args:
        path: The file (TOML).

    Returns:
        The rules, tables of lookups filled in.

    Raises:
        CallerError: ``file.missing``, ``tokenise.table``, or as ``parse_text``.
    """
    try:
        if not path.is_file():
            raise CallerError("file.missing", path=path)
        if path.stat().st_size > _MOST_BYTES:
            raise CallerError("tokenise.rules", problem="it is larger than 16 MB")
        rules = parse_text(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise CallerError("file.missing", path=path) from None
    return with_tables(rules, path.parent)


def with_tables(rules: Rules, folder: Path) -> Rules:
    """Fill in the tables that rules name.

    Args:
        rules: The rules.
        folder: Where the paths of tables begin.

    Returns:
        The rules, each lookup with its entries.

    Raises:
        CallerError: ``tokenise.table``.
    """
    columns = tuple(
        replace(rule, entries=_entries(folder / rule.table, rule.column))
        if isinstance(rule, Lookup) and rule.table and not rule.entries
        else rule
        for rule in rules.columns
    )
    return replace(rules, columns=columns)


def _entries(path: Path, column: str) -> tuple[tuple[str, str], ...]:
    """Read a table of a lookup: a heading, then a value and its label a line."""
    if path.exists() and not path.is_file():
        # A pipe or a device has no end.
        raise CallerError("tokenise.table", column=column, path=path, problem="it is no file")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream, strict=True) if row][1:]
    except (OSError, ValueError, csv.Error):  # also for a path that is none
        raise CallerError("tokenise.table", column=column, path=path, problem="it cannot be read") from None
    if not rows or any(len(row) < _PAIR for row in rows):
        problem = "it needs a heading and two columns, value and label"
        raise CallerError("tokenise.table", column=column, path=path, problem=problem)
    entries = dict.fromkeys((row[0], row[1]) for row in rows)
    if len({value for value, _ in entries}) != len(entries):
        raise CallerError("tokenise.table", column=column, path=path, problem="a value has two labels")
    return tuple(entries)
