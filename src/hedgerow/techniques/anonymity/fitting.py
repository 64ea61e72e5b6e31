"""Whether transforms and declared hierarchies fit what is released, before any data is opened."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hedgerow.model.anonymity import ReleaseParameters
from hedgerow.model.errors import CallerError
from hedgerow.model.ladders import Calendar, Intervals, Ladder
from hedgerow.model.transforms import Averaged, Capped, Transform
from hedgerow.model.uses import DatasetView
from hedgerow.model.words import ColumnType
from hedgerow.techniques.anonymity.transforming import Further

_NUMBERS = (ColumnType.INTEGER, ColumnType.DECIMAL)
_CALENDAR = (ColumnType.DATE, ColumnType.TIMESTAMP, ColumnType.TEXT)


def check_further(
    asked: ReleaseParameters, further: Further, dataset: DatasetView, *, has_population: bool
) -> None:
    """Refuse transforms and hierarchies that do not fit the columns.

    Args:
        asked: The columns that leave, models and the method.
        further: The transforms and hierarchies.
        dataset: The data set.
        has_population: Whether the table of a population comes with it.

    Raises:
        CallerError: ``transform.*``, ``ladder.*``, ``anonymity.unknown-column`` or ``column.in-vault``.
    """
    for each in further.transforms:
        for name in each.columns:
            _check_column(each, name, asked, dataset)
        _check_place(each, asked, has_population=has_population)
    for name, ladder in further.ladders:
        column = dataset.column(name)
        if column is not None and not _fits_ladder(ladder, column.type):
            raise CallerError(
                "ladder.column-type", ladder=str(ladder).partition("(")[0], column=name, type=column.type
            )
    if asked.method == "cells":
        for name, _ in asked.hierarchies:
            if name in asked.quasi:
                raise CallerError("ladder.cells", column=name)


def _check_column(transform: Transform, name: str, asked: ReleaseParameters, dataset: DatasetView) -> None:
    column = dataset.column(name)
    if column is None:
        raise CallerError("anonymity.unknown-column", column=name)
    if column.in_vault:
        raise CallerError("column.in-vault", column=name, dataset=dataset.name)
    if name not in asked.released:
        raise CallerError("transform.not-released", transform=str(transform), column=name)
    if not _fits(transform, column.type):
        raise CallerError("transform.column-type", transform=str(transform), column=name, type=column.type)


def _check_place(transform: Transform, asked: ReleaseParameters, *, has_population: bool) -> None:
    quasi = [name for name in transform.columns if name in asked.quasi]
    if quasi and has_population:
        raise CallerError("transform.population", transform=str(transform))
    if not isinstance(transform, Averaged):
        return
    if quasi and len(quasi) < len(transform.columns):
        raise CallerError("transform.mixed-columns", transform=str(transform))
    for name in transform.columns:
        if asked.l is not None and name in asked.sensitive:
            raise CallerError("transform.averaged-model", column=name, model=f"l = {asked.l}")
        for model in asked.models:
            if getattr(model, "column", None) == name:
                raise CallerError("transform.averaged-model", column=name, model=str(model))


def _fits(transform: Transform, kind: str) -> bool:
    if isinstance(transform, Averaged):
        return kind in _NUMBERS
    if not isinstance(transform, Capped):
        return True
    bound = transform.bound
    if isinstance(bound, Decimal):
        return kind == ColumnType.DECIMAL or (
            kind == ColumnType.INTEGER and bound == bound.to_integral_value()
        )
    return kind == (ColumnType.TIMESTAMP if isinstance(bound, dt.datetime) else ColumnType.DATE)


def _fits_ladder(ladder: Ladder, kind: str) -> bool:
    if isinstance(ladder, Intervals):
        return kind in _NUMBERS
    return kind in _CALENDAR if isinstance(ladder, Calendar) else True
