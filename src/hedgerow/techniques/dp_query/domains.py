"""Conditions that no declared key or bound can meet: refused before anything is spent.

Only declarations decide, and whoever may query may see them; no value is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from hedgerow.kernel.conditions.catalog import Catalog, shown
from hedgerow.model.errors import Refused
from hedgerow.model.plans import (
    AllOf,
    AnyOf,
    Clamp,
    Compare,
    DatasetDeclaration,
    IsIn,
    Literal,
    Predicate,
)
from hedgerow.techniques.dp_query.declared import KEY_TYPES, SUM_TYPES


def check_possible(
    where: Predicate | None, declaration: DatasetDeclaration, catalog: Catalog, dataset: str
) -> None:
    """Refuse a condition that asks for what is not declared.

    Args:
        where: The condition, on catalog columns; none asks for nothing.
        declaration: Keys and bounds the owner declared.
        catalog: The columns' types.
        dataset: Name of the data set, for the next step.

    Raises:
        Refused: ``dp.undeclared-key`` when ``=`` or ``IN`` names a value that is not among a
            column's declared keys, ``dp.out-of-bounds`` when only values outside a column's
            declared bounds could meet the condition.
    """
    if where is None:
        return
    domains = _Domains(declaration, catalog)
    for test in _wanted(where):
        if not domains.holds(test):
            raise Refused("dp.undeclared-key", column=shown(test.column.name), dataset=dataset)
    column = domains.outside(where)
    if column is not None:
        raise Refused("dp.out-of-bounds", column=shown(column), dataset=dataset)


def _wanted(where: Predicate) -> Iterable[Compare | IsIn]:
    """List the tests that ask for named values; what is left out by ``<>`` or ``NOT IN`` is free."""
    match where:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from _wanted(part)
        case Compare(op="=") | IsIn():
            yield where


def _constants(test: Compare | IsIn) -> tuple[Literal, ...]:
    return (test.literal,) if isinstance(test, Compare) else test.values


class _Domains:
    """What was declared of the columns of a data set."""

    def __init__(self, declaration: DatasetDeclaration, catalog: Catalog) -> None:
        self._declaration = declaration
        self._catalog = catalog

    def holds(self, test: Compare | IsIn) -> bool:
        """Tell whether each named value is a declared key, or the column has no keys."""
        column = test.column.name
        keys = self._declaration.column(column).keys
        if not keys or self._catalog.type_of(column) not in KEY_TYPES:
            return True
        typed = {(type(key), key) for key in keys}  # 1 and true are equal and not the same
        return all((type(one.value), one.value) in typed for one in _constants(test))

    def outside(self, where: Predicate) -> str | None:
        """Name a column whose bounds leave a condition nothing to find; none when it may find rows."""
        match where:
            case AllOf(parts=parts):
                return next(filter(None, map(self.outside, parts)), None)
            case AnyOf(parts=parts):
                found = [self.outside(part) for part in parts]
                return None if None in found else found[0]
            case Compare() | IsIn():
                clamp = self._clamp(where.column.name)
                return where.column.name if clamp and _misses(where, clamp) else None
        return None

    def _clamp(self, column: str) -> Clamp | None:
        is_number = self._catalog.type_of(column) in SUM_TYPES
        return self._declaration.column(column).clamp if is_number else None


def _misses(test: Compare | IsIn, clamp: Clamp) -> bool:
    op = test.op if isinstance(test, Compare) else "="
    return all(_is_beyond(op, one, clamp) for one in _constants(test))


def _is_beyond(op: str, constant: Literal, clamp: Clamp) -> bool:
    value = constant.value
    if not isinstance(value, int | Fraction):
        return False
    match op:
        case "=":
            return not clamp.lower <= value <= clamp.upper
        case "<":
            return value <= clamp.lower
        case "<=":
            return value < clamp.lower
        case ">":
            return value >= clamp.upper
        case ">=":
            return value > clamp.upper
    return False
