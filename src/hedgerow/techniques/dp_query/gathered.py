"""What a sub-query with one row for each person gives: its columns with bounds, before any data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.catalog import shown
from hedgerow.kernel.conditions.parts import Name, Term
from hedgerow.model.engine import RESERVED
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.gathering import Gathered, Gathering, GatherKind
from hedgerow.model.plans import (
    Clamp,
    ColumnDeclaration,
    CountRows,
    DatasetDeclaration,
    ExactAggregate,
    ExactAggregation,
    KeyDomain,
    Predicate,
    SumValues,
)
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.declared import SUM_TYPES, Declared
from hedgerow.techniques.dp_query.domains import check_possible
from hedgerow.techniques.dp_query.grid import GRID_MOST, digits_of
from hedgerow.techniques.dp_query.joins import Joins
from hedgerow.techniques.dp_query.query import Gather, PerPerson
from hedgerow.techniques.dp_query.scope import Scope, bounded
from hedgerow.techniques.dp_query.units import check_statistic

SOURCE = "the sub-query"
_KEYS_MOST = 1_000
_FINER_MOST = 3
_DIGITS_MOST = 9
_KINDS: dict[str, GatherKind] = {
    "count": "count",
    "sum": "sum",
    "min": "least",
    "max": "greatest",
    "mean": "mean",
}
_TYPES = {str: ColumnType.TEXT, int: ColumnType.INTEGER, bool: ColumnType.BOOLEAN}


@dataclass(frozen=True, slots=True)
class Relation:
    """The rows of a sub-query as a query sees them.

    Args:
        gathering: How they are made.
        columns: Type of each column.
        person: The column that names the person, which no query may show; none where it was not selected.
        known: Bounds and keys of the columns: none is declared, all follow.
    """

    gathering: Gathering
    columns: dict[str, ColumnType]
    person: str | None
    known: tuple[ColumnDeclaration, ...]

    @property
    def scope(self) -> Scope:
        """Its columns, for a query to name."""
        hidden = () if self.person is None else (self.person,)
        return Scope(SOURCE, self.columns, hidden, self.person, self.declaration(()))

    def declaration(self, group_by: Sequence[str]) -> DatasetDeclaration:
        """State what bounds a query that is put to it.

        Args:
            group_by: What that groups by. Rows of one person in one group differ in the keys that it does not
                group by.

        Raises:
            Refused: ``dp.sql-unsupported`` for a group whose values are not known or too many.
        """
        shown_keys = {place for name, place in self.gathering.keys if name in group_by}
        others = [key for place, key in enumerate(self.gathering.rows.keys) if place not in shown_keys]
        each = prod(len(key.values) for key in others)
        return DatasetDeclaration(
            max_rows=self.gathering.most,
            columns=tuple(self._keyed(one) if one.column in group_by else one for one in self.known),
            version=1,
            max_rows_per_group=each if each < self.gathering.most else None,
        )

    def _keyed(self, one: ColumnDeclaration) -> ColumnDeclaration:
        """Give a grouped column its keys: all whole numbers that its bounds allow."""
        if one.keys:
            return one
        is_whole = self.columns[one.column] is ColumnType.INTEGER
        low, high = (0, _KEYS_MOST) if one.clamp is None else (one.clamp.lower, one.clamp.upper)
        if not is_whole or high - low >= _KEYS_MOST:
            raise hints.GATHERED_GROUP.refusal()
        return replace(one, keys=tuple(range(int(low), int(high) + 1)))


def check_gathered(where: Predicate | None, declaration: DatasetDeclaration, catalog: Scope) -> None:
    """Refuse a condition that no gathered row can meet.

    Args:
        where: The condition.
        declaration: What is known of the gathered rows.
        catalog: Their columns.

    Raises:
        Refused: ``dp.sql-unsupported``.
    """
    try:
        check_possible(where, declaration, catalog, SOURCE)
    except Refused:
        raise hints.GATHERED_NEVER.refusal() from None


def relation_of(
    of: PerPerson,
    joins: Joins,
    catalog: Scope,
    declaration: DatasetDeclaration,
    dataset: str,
    *,
    finds: bool = False,
) -> Relation:
    """Plan a sub-query that gathers the rows of each person.

    Args:
        of: The sub-query.
        joins: What the data set is joined with inside it.
        catalog: The columns of the (joined) rows of the data set.
        declaration: What the owner declared.
        dataset: Name of the data set.
        finds: Whether keys that are not declared were to be found in the data, which is not done here.

    Returns:
        Its rows: at most one of a person in each group of the sub-query.

    Raises:
        Refused: ``dp.sql-unsupported`` when it does not keep the person, or gathers in another way;
            ``dp.undeclared``, ``dp.too-wide`` and ``dp.unit-people``.
        CallerError: As the columns and conditions it names.

    Guarantee: neighbours differ in the gathered rows of one person: at most ``max_groups`` and ``max_rows``
        of them, each value within the bounds stated, whatever the rows hold.
    """
    check_statistic(declaration.unit, "Sub-queries with one row for each person")
    terms = tuple(_meant(part, of, catalog) for part in of.group_by)
    others = [part for part in terms if not _is_person(part, catalog)]
    if len(others) == len(terms):
        raise hints.NO_PERSON.refusal()
    keys = tuple(dict.fromkeys(catalog.key(part) for part in others))
    drafts = [(name.text, what) for name, what in of.columns]
    named = _named_keys(drafts, others, keys, catalog)
    asked = [(name, what, _read(what, catalog)) for name, what in drafts if isinstance(what, Gather)]
    where = None if of.where is None else catalog.predicate(of.where)
    summed = [column for _, what, column in asked if what.function != "count" and column is not None]
    known = joins.with_public(declaration)
    if finds and any(key not in catalog.keys and not known.column(key).keys for key in keys):
        raise hints.GATHERED_FOUND.refusal()
    declared = joins.reach(bounded(known, catalog, dataset, keys, summed))
    check_possible(where, declaration, catalog, dataset)
    each = declared.contribution.per_group
    columns = tuple(_gathered(name, what, column, catalog, declared, each) for name, what, column in asked)
    aggregates: tuple[ExactAggregate, ...] = tuple(dict.fromkeys(one.of for one in columns))
    rows = declared.bounding(
        ExactAggregation(declared.keys, aggregates, where, declared.max_rows, computed=catalog.computed)
    )
    most = declared.contribution.groups(declared.groups)
    gathering = Gathering(joins.applied(rows), named, columns, most, each)
    return _relation(gathering, _person_of(drafts, catalog))


def _is_person(part: Term | Gather, catalog: Scope) -> bool:
    return isinstance(part, Name) and catalog.is_person(part)


def _meant(part: Term, of: PerPerson, catalog: Scope) -> Term:
    """Tell what is grouped by: the person, a column by its name, or what a name of the sub-query means."""
    if not isinstance(part, Name) or catalog.is_person(part) or catalog.matches(part):
        return part
    found = [what for name, what in of.columns if name.text.casefold() == part.text.casefold()]
    return found[0] if len(found) == 1 and not isinstance(found[0], Gather) else part


def _named_keys(
    drafts: Sequence[tuple[str, Term | Gather]], terms: Sequence[Term], keys: Sequence[str], catalog: Scope
) -> tuple[tuple[str, int], ...]:
    """Find the key that each column shows which is neither gathered nor the person."""
    named = []
    for name, what in drafts:
        if name in RESERVED or not name:
            raise CallerError("engine.column-reserved", column=shown(name))
        if isinstance(what, Gather) or _is_person(what, catalog):
            continue
        key = catalog.key(what) if isinstance(what, Name) or what in terms else None
        if key not in keys:
            raise hints.UNGROUPED.refusal()
        named.append((name, keys.index(key)))
    return tuple(named)


def _person_of(drafts: Sequence[tuple[str, Term | Gather]], catalog: Scope) -> str | None:
    found = [name for name, what in drafts if _is_person(what, catalog)]
    if len(found) > 1:
        raise CallerError("dp.sql-name-twice", column=shown(found[1]))
    return found[0] if found else None


def _read(what: Gather, catalog: Scope) -> str | None:
    """Find the column that is gathered."""
    if what.column is None:
        return None
    column = catalog.value(what.column)
    if what.function != "count" and catalog.type_of(column) not in SUM_TYPES:
        raise catalog.misused(column, what.function.upper(), "Use COUNT, with a condition in WHERE.")
    return column


def _gathered(
    name: str, what: Gather, column: str | None, catalog: Scope, declared: Declared, each: int
) -> Gathered:
    """Choose the grid of a gathered column: all of a person's rows together stay within 53 bits."""
    kind = _KINDS[what.function]
    if kind == "count" or column is None:
        return Gathered(name, "count", CountRows(column))
    clamp = declared.clamps[column]
    digits = digits_of(column, clamp, catalog.type_of(column), most=GRID_MOST // each)
    made = Gathered(name, kind, SumValues(column, clamp, digits), digits)
    for finer in range(_FINER_MOST if kind == "mean" else 0, 0, -1):
        fine = replace(made, digits=digits + finer)
        is_held = max(map(abs, fine.step_bounds(each))) <= GRID_MOST and fine.is_safe(each)
        if is_held and fine.digits <= _DIGITS_MOST:
            return fine
    return made


def _relation(gathering: Gathering, person: str | None) -> Relation:
    columns: dict[str, ColumnType] = {}
    known = []
    for name, place in gathering.keys:
        key = gathering.rows.keys[place]
        columns[name] = _TYPES[type(key.values[0])] if key.values else ColumnType.TEXT
        known.append(ColumnDeclaration(name, _ends(key), key.values))
    for one in gathering.columns:
        columns[one.name] = ColumnType.DECIMAL if one.digits else ColumnType.INTEGER
        low, high = (Fraction(end, 10**one.digits) for end in one.step_bounds(gathering.each))
        # Bounds need room between them.
        known.append(ColumnDeclaration(one.name, Clamp(low if low < high else low - 1, high)))
    return Relation(gathering, columns, person, tuple(known))


def _ends(key: KeyDomain) -> Clamp | None:
    """Bound a key of whole numbers by the keys there are."""
    numbers = [value for value in key.values if type(value) is int]
    if len(numbers) != len(key.values) or not numbers:
        return None
    low, high = min(numbers), max(numbers)
    return Clamp(Fraction(low if low < high else low - 1), Fraction(high))
