"""Holding a file against the Safe Harbor rule; needs no workspace."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hedgerow.app.outputs import check_out, writing_out
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    import pyarrow as pa

    from hedgerow.model.safe_harbor import SafeHarbor


@dataclass(frozen=True, slots=True)
class HarborRequest:
    """What is held against the rule.

    Args:
        path: The table.
        columns: Category by column, in place of what discovery finds.
        areas: A CSV of the first three digits of zip codes and the people who live there, or none.
        small_areas: Instead, the three digits of areas of at most 20,000 people.
        as_of: The year in which the table leaves, or none.
        out: Where the table is written without its identifiers, or none.
        force: Overwrite it.
    """

    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    areas: Path | None = None
    small_areas: Sequence[str] | None = None
    as_of: int | None = None
    out: Path | None = None
    force: bool = False


def hold_against_safe_harbor(request: HarborRequest) -> SafeHarbor[pa.Table]:
    """Hold a file against the rule; write it without its identifiers where asked.

    Args:
        request: The file and what is known of the world.

    Returns:
        What was found, with the table without it.

    Raises:
        CallerError: ``audit.broken-rows``, ``files.``, ``out.`` and ``anonymity.`` codes; no value is quoted.
    """
    from hedgerow.adapters.readers import open_table
    from hedgerow.techniques.anonymity.safe_harbor import safe_harbor
    from hedgerow.techniques.discover import columns as discovered

    if request.out is not None:
        check_out(request.out, force=request.force)
    _check_categories(request.columns)
    source = open_table(request.path)
    if source.broken:
        rows, line = len(source.broken), source.broken[0].line
        raise CallerError("audit.broken-rows", path=request.path, rows=rows, line=line)
    found = {each.column: each.category for each in discovered(source.table)}
    areas = None if request.areas is None else _areas(request.areas)
    made = safe_harbor(
        source.table,
        columns={**_named(found), **request.columns},
        areas=areas,
        small_areas=request.small_areas,
        as_of=request.as_of,
    )
    if request.out is not None:
        _write(made.table, request.out, force=request.force)
    return made


def _check_categories(stated: Mapping[str, str]) -> None:
    """Refuse a category that there is not: misspelt, it would let an identifier through."""
    from hedgerow.kernel.anonymity.harbor import PLAIN, STATE, identifying
    from hedgerow.techniques.discover.vocabulary import PHRASES

    known = {PLAIN, STATE, *identifying(), *PHRASES}
    for column, category in stated.items():
        if category not in known:
            raise CallerError(
                "harbor.unknown-category", column=column, known=", ".join(sorted(identifying()))
            )


def _named(found: Mapping[str, str]) -> dict[str, str]:
    """What discovery found; where it found nothing of a person, the name and the values tell."""
    from hedgerow.kernel.anonymity.harbor import letter_of

    return {column: category for column, category in found.items() if letter_of(category)}


def _areas(path: Path) -> dict[str, int]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream) if row]
        known = {row[0].strip(): row[1].strip().replace("_", "") for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error, IndexError):
        raise CallerError("harbor.areas-unreadable", path=path) from None
    people = {area: int(text) for area, text in known.items() if area.isdigit() and text.isdigit()}
    if not people:
        raise CallerError("harbor.areas-unreadable", path=path)
    return people


def _write(table: pa.Table, out: Path, *, force: bool) -> None:
    from pyarrow import csv as arrow_csv

    with writing_out(out, force=force) as stream:
        arrow_csv.write_csv(table, stream)
