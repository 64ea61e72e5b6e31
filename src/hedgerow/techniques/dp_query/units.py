"""Privacy units other than the person: what they need, and what they do not protect."""

from __future__ import annotations

from collections.abc import Mapping

from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.resolve import shown

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
