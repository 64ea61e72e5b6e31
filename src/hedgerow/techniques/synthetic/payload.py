"""A synthetic table as canonical plain values, and back."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from hedgerow.kernel.marginals.counting import Integers
from hedgerow.model.uses import ArrowTable, Json
from hedgerow.model.words import ColumnType
from hedgerow.techniques.synthetic.coding import numbered, table_of
from hedgerow.techniques.synthetic.columns import Grid, SyntheticColumn
from hedgerow.techniques.synthetic.making import Made
from hedgerow.techniques.synthetic.relational import MadePair, PairPlan

FORMAT, PAIR = "hedgerow-synthetic-1", "hedgerow-synthetic-pair-1"
NUMBER = "synthetic_person"
"""The column of the person in both tables of a pair."""


def packed(made: Made, columns: Sequence[SyntheticColumn], label: str) -> dict[str, Json]:
    """Write a table with the measurements it was made of.

    Args:
        made: The table and the measurements.
        columns: What each column may hold.
        label: What stands on the table.

    Returns:
        Canonical values: ``columns``, ``rows``, ``numbers`` (each column compressed), ``measurements``.
    """
    return {
        "format": FORMAT,
        "label": label,
        "rows": len(made.numbers[0]),
        "columns": [_column(column) for column in columns],
        "numbers": [_text(each) for each in made.numbers],
        "measurements": [
            {
                "columns": [columns[place].name for place in each.attributes],
                "scale": repr(each.scale),
                "counts": _text(each.counts.astype(np.int64).ravel()),
            }
            for each in made.measurements
        ],
    }


def packed_pair(made: MadePair, plan: PairPlan) -> dict[str, Json]:
    """Write a pair of tables with the measurements of the persons.

    Args:
        made: The tables.
        plan: What they may hold.

    Returns:
        Canonical values; read the tables back with :func:`unpacked_pair`.
    """
    persons = packed(made.persons, plan.parents.columns, plan.label)
    children: dict[str, Json] = {
        "columns": [_column(column) for column in plan.children],
        "numbers": [_text(each) for each in made.children],
        "owners": _text(made.owners),
        "given": [list(each) for each in made.given],
    }
    return {**persons, "format": PAIR, "children": children}


def unpacked_pair(payload: Mapping[str, Json]) -> tuple[ArrowTable, ArrowTable]:
    """Read a pair of tables back.

    Args:
        payload: What :func:`packed_pair` wrote.

    Returns:
        The persons and their rows, each with the person's number in the column ``synthetic_person``.
    """
    below = cast("Mapping[str, Json]", payload["children"])
    above = unpacked(payload)
    shown = above.drop_columns([above.column_names[-1]])
    owners = _numbers(str(below["owners"]))
    return numbered(shown, range(len(shown)), NUMBER), numbered(unpacked(below), owners, NUMBER)


def unpacked(payload: Mapping[str, Json]) -> ArrowTable:
    """Read the table back.

    Args:
        payload: What :func:`packed` wrote.

    Returns:
        An Arrow table.
    """
    columns = [_read(each) for each in cast("Sequence[Mapping[str, Json]]", payload["columns"])]
    numbers = [_numbers(each) for each in cast("Sequence[str]", payload["numbers"])]
    return table_of(numbers, columns)


def _column(column: SyntheticColumn) -> dict[str, Json]:
    grid = column.grid
    told: dict[str, Json] = {"name": column.name, "type": str(column.type), "keys": list(column.keys)}
    if grid is not None:
        by: list[Json] = [grid.unit, grid.per_day] if grid.unit else []
        told["grid"] = [grid.lower, grid.upper, grid.digits, grid.bins, *by]
    return told


def _read(told: Mapping[str, Json]) -> SyntheticColumn:
    grid = Grid(*cast("Sequence[Any]", told["grid"])) if "grid" in told else None
    keys = tuple(cast("Sequence[str | int | bool]", told["keys"]))
    return SyntheticColumn(str(told["name"]), ColumnType(str(told["type"])), keys, grid)


def _text(numbers: Integers) -> str:
    return b64encode(zlib.compress(numbers.astype("<i8").tobytes())).decode()


def _numbers(text: str) -> Integers:
    return np.frombuffer(zlib.decompress(b64decode(text)), dtype="<i8").astype(np.int64)
