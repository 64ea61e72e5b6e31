"""The population that the people of a data set are a part of: a file, a number or a region."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from hedgerow.model.criteria import parse_population
from hedgerow.model.errors import CallerError
from hedgerow.model.uses import Json

_MARKS = (",", ";", "\t", "|")

MOST_PEOPLE = 1_000_000
"""Rows of a population file that are read at most; beyond, its size is what can be given."""


def read_population(given: str, quasi: Sequence[str]) -> int | Mapping[str, Json]:
    """Read what was given of a population.

    Args:
        given: A number of people, a region, or the path of a CSV with a header and a line per person,
            its cells parted by commas, semicolons, tabs or bars.
        quasi: The quasi-identifiers.

    Returns:
        The number of people, or ``columns`` and ``rows`` of texts; an empty cell is missing.

    Raises:
        CallerError: ``population.unreadable``, ``population.too-large`` or ``anonymity.population-columns``.
    """
    size = parse_population(given)
    if size is not None:
        return size
    path = Path(given)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream, delimiter=_mark(stream.readline(), quasi))
            stream.seek(0)
            header = next(lines, [])
            for name in quasi:
                if name not in header:
                    raise CallerError("anonymity.population-columns", column=name)
            places = [header.index(name) for name in quasi]
            rows: list[Json] = [[line[place] or None for place in places] for line in lines if line]
    except (OSError, UnicodeDecodeError, csv.Error, IndexError):
        raise CallerError("population.unreadable", path=given) from None
    if len(rows) > MOST_PEOPLE:
        raise CallerError("population.too-large", path=given, limit=MOST_PEOPLE)
    return {"columns": list(quasi), "rows": rows}


def _mark(heading: str, quasi: Sequence[str]) -> str:
    """What parts the cells: under which the heading names most quasi-identifiers."""
    return max(_MARKS, key=lambda mark: len({*quasi} & {*next(csv.reader([heading], delimiter=mark), [])}))
