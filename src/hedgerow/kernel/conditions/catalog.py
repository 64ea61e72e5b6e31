"""Names and constants of a query against the catalog: columns that exist, constants that fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from fractions import Fraction

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.parts import (
    Both,
    Comparison,
    Condition,
    Constant,
    Either,
    Member,
    Name,
    Null,
    Term,
    Truth,
)
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import (
    AllOf,
    AnyOf,
    Column,
    Compare,
    IsIn,
    IsNull,
    Literal,
    Not,
    Predicate,
)
from hedgerow.model.words import ColumnType

_SHOWN_MAX = 60
_INT_MAX = 2**63 - 1

KINDS = {
    ColumnType.TEXT: "text",
    ColumnType.INTEGER: "whole numbers",
    ColumnType.DECIMAL: "numbers",
    ColumnType.BOOLEAN: "true or false",
    ColumnType.DATE: "dates",
    ColumnType.TIMESTAMP: "points in time",
}
_EXAMPLES = {
    ColumnType.TEXT: "Compare text with = or IN and a constant in single quotes.",
    ColumnType.INTEGER: "Compare it with a whole number of at most 18 digits.",
    ColumnType.DECIMAL: "Compare it with a number such as 2.5.",
    ColumnType.BOOLEAN: "Compare it with TRUE or FALSE by =.",
    ColumnType.DATE: "Compare it with a date such as DATE '2025-01-31'.",
    ColumnType.TIMESTAMP: "Compare it with a time such as TIMESTAMP '2025-01-31 12:00:00'.",
}


def shown(name: str) -> str:
    """Make a name safe to print on one line."""
    return "".join(char if char.isprintable() else "?" for char in name[:_SHOWN_MAX])


class Catalog:
    """The columns a query may name.

    Args:
        dataset: Name of the data set, for errors.
        columns: Type of each column by its exact name.
        hidden: Columns that say who a person is; naming one is refused.
        person: The one of them that names the person of a row.
    """

    def __init__(
        self,
        dataset: str,
        columns: Mapping[str, ColumnType],
        hidden: Iterable[str] = (),
        person: str | None = None,
    ) -> None:
        self._dataset = dataset
        self._person = person
        self._columns = dict(columns)
        self._hidden = frozenset(hidden)

    def matches(self, name: Name) -> list[str]:
        """List the columns a name may mean, hidden ones too."""
        known = self._columns.keys() | self._hidden
        exact = [name.text] if name.text in known else []
        return exact or [c for c in known if not name.is_quoted and c.casefold() == name.text.casefold()]

    def is_person(self, name: Name) -> bool:
        """Tell whether a name means the person: its column, or ``person`` where no column is called so."""
        matches = self.matches(name)
        if not matches:
            return not name.is_quoted and name.text.casefold() == "person"
        return matches == [self._person]

    def find(self, name: Name) -> str:
        """Find a column: by its exact name, else, when not quoted, by case-blind name if unique.

        Raises:
            CallerError: ``dp.unknown-column`` or ``dp.ambiguous-column``.
            Refused: ``dp.hidden-column``.
        """
        matches = self.matches(name)
        if not matches:
            raise CallerError("dp.unknown-column", column=shown(name.text), dataset=shown(self._dataset))
        if len(matches) > 1:
            raise CallerError("dp.ambiguous-column", column=shown(name.text))
        if matches[0] in self._hidden:
            raise Refused("dp.hidden-column", column=shown(matches[0]))
        return matches[0]

    def type_of(self, column: str) -> ColumnType:
        """Tell the type of a column by its exact name."""
        return self._columns[column]

    def misused(self, column: str, use: str, advice: str = "") -> CallerError:
        """Build the error of a column of the wrong type."""
        kind = self._columns[column]
        return CallerError(
            "dp.sql-type",
            column=shown(column),
            kind=KINDS[kind],
            use=use,
            advice=advice or _EXAMPLES[kind],
        )

    def predicate(self, condition: Condition) -> Predicate:
        """Translate a condition, checking each constant against its column's type.

        Args:
            condition: What the parser read.

        Returns:
            A predicate on catalog columns.

        Raises:
            CallerError: ``dp.unknown-column``, ``dp.ambiguous-column`` or ``dp.sql-type``.
            Refused: ``dp.hidden-column``.
        """
        match condition:
            case Both(parts=parts):
                return AllOf(tuple(self.predicate(part) for part in parts))
            case Either(parts=parts):
                return AnyOf(tuple(self.predicate(part) for part in parts))
            case Comparison():
                return self._test(condition)
            case Member():
                return self._member(condition)
            case Null(column=name, is_negated=is_negated):
                null = IsNull(Column(self._column(name)))
                return Not(null) if is_negated else null
            case Truth(column=name, is_negated=is_negated):
                return self._test(Comparison("=", name, not is_negated))

    def _column(self, term: Term) -> str:
        if not isinstance(term, Name):
            raise hints.OTHER_CONDITION.refusal()
        return self.find(term)

    def _test(self, test: Comparison) -> Compare:
        column = self._column(test.column)
        is_ordered = test.op not in ("=", "!=")
        if is_ordered and self.type_of(column) in (ColumnType.TEXT, ColumnType.BOOLEAN):
            raise self.misused(column, f"the comparison {test.op}")
        return Compare(test.op, Column(column), self._literal(column, test.constant))

    def _member(self, member: Member) -> Predicate:
        column = self._column(member.column)
        known = IsIn(Column(column), tuple(self._literal(column, c) for c in member.constants))
        if not member.is_negated:
            return known
        return AllOf((Not(IsNull(Column(column))), Not(known)))

    def _literal(self, column: str, constant: Constant) -> Literal:
        value = _fitted(self.type_of(column), constant)
        if value is None:
            raise self.misused(column, "a constant of another kind or size")
        return Literal(value)


def _fitted(kind: ColumnType, constant: Constant) -> Constant | None:
    """Give the constant in the column's form, or none when it does not fit."""
    match kind, constant:
        case (ColumnType.BOOLEAN, bool()):
            return constant
        case (_, bool()):
            return None
        case (ColumnType.TEXT, str()):
            return constant
        case (ColumnType.DATE | ColumnType.TIMESTAMP, str() as text):
            return _moment(kind, text)
        case (ColumnType.INTEGER | ColumnType.DECIMAL, int() as whole):
            return whole if abs(whole) <= _INT_MAX else None
        case (ColumnType.DECIMAL, Fraction() as number):
            return number if abs(number) <= _INT_MAX else None
    return None


def _moment(kind: ColumnType, text: str) -> str | None:
    try:
        if kind is ColumnType.DATE:
            return date.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.isoformat(sep=" ") if moment.tzinfo is None else None
