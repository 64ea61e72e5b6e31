"""Privacy units other than the person: what they need, and what they do not protect."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace

from hedgerow.kernel.conditions.catalog import shown
from hedgerow.model.contribution import UnitBound
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.words import ColumnType

PERSON = "person"
_BY = {
    "household": (ColumnType.TEXT, ColumnType.INTEGER),
    "person-day": (ColumnType.DATE, ColumnType.TIMESTAMP),
}
_NOTES = {
    "household": (
        "What is protected is one household: all rows that name it. One person of it alone is protected by "
        "twice the epsilon, or four times the rho, and only where all rows of that person name one household."
    ),
    "person-day": (
        "What is protected is one day of one person. A person's whole history is NOT protected: what may be "
        "told of it grows with every day that the person is in."
    ),
}


def is_unit(unit: str) -> bool:
    """Tell whether a privacy unit is known."""
    return unit == PERSON or unit in _BY


def unit_note(unit: str) -> str | None:
    """Say what a unit does not protect; none for the person."""
    return _NOTES.get(unit)


def unit_of(stated: object) -> str:
    """Read the unit that a query in a workspace names; the person where it names none.

    Raises:
        CallerError: ``dp.unit-unknown``.
    """
    if stated is None:
        return PERSON
    if not isinstance(stated, str) or not is_unit(stated):
        raise CallerError("dp.unit-unknown", unit=shown(str(stated)))
    return stated


def bound_units(
    declaration: DatasetDeclaration, unit: str, dataset: str, kinds: Mapping[str, ColumnType]
) -> tuple[DatasetDeclaration, UnitBound | None]:
    """Tell what a query by a unit is planned on in a workspace, where budgets are of people.

    Args:
        declaration: What was declared of the data set.
        unit: The unit of the query.
        dataset: Its name, for the next step.
        kinds: Type of each column.

    Returns:
        The declaration by that unit, whose rows are those that one unit changes at most, and which rows
        count; none of the latter for the person.

    Raises:
        Refused: ``dp.unit-undeclared``.
        CallerError: ``dp.unit-column``.
    """
    if unit == PERSON:
        return declaration, None
    people = declaration.contribution
    if unit == "household":
        column, rows = declaration.household, declaration.household_rows
        each = None if people is None else people.max_rows
        line = "--max-rows N --household COLUMN --household-rows N"
    else:
        column, rows, each = declaration.day, declaration.rows_per_day, declaration.max_days
        line = "--day COLUMN --rows-per-day N --max-days N"
    if column is None or rows is None or each is None:
        command = f"hedgerow dataset declare {shlex.quote(dataset)} {line}"
        raise Refused("dp.unit-undeclared", dataset=dataset, unit=unit, command=command)
    if kinds.get(column) not in _BY[unit]:
        raise CallerError("dp.unit-column", unit=shown(unit))
    if unit == "household":
        bound = UnitBound("household", column, rows, min(each, rows))
    else:
        bound = UnitBound("person-day", column, rows, each)
    # Bounds over groups are of persons; here rows alone are bounded.
    planned = replace(declaration, unit=unit, max_rows=bound.moved, max_groups=None, max_rows_per_group=None)
    return planned, bound


def charged_note(bound: UnitBound, loss: str, cost: str) -> str:
    """Say what an answer by a unit protects, and what it costs a person.

    Args:
        bound: What counts.
        loss: What one unit loses.
        cost: What one person loses at most, and is charged.
    """
    if bound.unit == "household":
        what = "one household whose people name no other: all rows that name it"
    else:
        what = "one day of one person: all rows of it"
    return (
        f"What is protected at {loss} is {what}. One person, with all rows there are, loses {cost} at most, "
        "and that is what the budgets of people are charged."
    )


def check_unit(declaration: DatasetDeclaration, kinds: Mapping[str, ColumnType]) -> str | None:
    """Check that the column of a unit fits it.

    Args:
        declaration: What was declared.
        kinds: Type of each column of the frame.

    Returns:
        The column to keep from being named in queries: that of a household; none for other units.

    Raises:
        CallerError: ``dp.unit-column``.
    """
    if declaration.unit == PERSON:
        return None
    column = declaration.unit_column
    if declaration.unit not in _BY or column is None or kinds.get(column) not in _BY[declaration.unit]:
        raise CallerError("dp.unit-column", unit=shown(declaration.unit))
    return column if declaration.unit == "household" else None


def check_statistic(unit: str, what: str | None) -> None:
    """Refuse what counts people where people are not the unit.

    Raises:
        Refused: ``dp.unit-people``.
    """
    if what is not None and unit != PERSON:
        raise Refused("dp.unit-people", what=what, unit=unit)
