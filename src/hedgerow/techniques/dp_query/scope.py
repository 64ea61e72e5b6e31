"""What expressions of a query become: computed columns and keys, with bounds known before any data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.catalog import Catalog, shown
from hedgerow.kernel.conditions.parts import (
    Choose,
    Comparison,
    Condition,
    Fixed,
    Member,
    Name,
    Null,
    Term,
    Truth,
)
from hedgerow.model.errors import Refused
from hedgerow.model.plans import (
    AllOf,
    Clamp,
    Column,
    Compare,
    Computed,
    DatasetDeclaration,
    IsIn,
    IsNull,
    KeyDomain,
    Literal,
    Not,
    Predicate,
)
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.declared import SUM_TYPES, Declared, require
from hedgerow.techniques.dp_query.grid import GRID_MOST, digits_of
from hedgerow.techniques.dp_query.terms import written
from hedgerow.techniques.dp_query.worth import Worths, in_decimals, whole_numbers

GROUPS_MAX = 100_000
_NAME_MAX = 200
_KEYS_MAX = 100_000
_LEAF_STEPS = 1_000_000
# Wide enough for any plan to go on, so that all that is not declared is named at once.
_UNKNOWN = Clamp(Fraction(0), Fraction(1))


class Scope(Catalog):
    """The columns a query may name, and those it makes.

    Args:
        dataset: Name of the data set.
        columns: Type of each column by its exact name.
        hidden: Columns that say who a person is.
        person: The one of them that names the person of a row.
        declaration: Bounds of the columns.
    """

    def __init__(
        self,
        dataset: str,
        columns: Mapping[str, ColumnType],
        hidden: Iterable[str],
        person: str | None,
        declaration: DatasetDeclaration,
    ) -> None:
        super().__init__(dataset, columns, hidden, person)
        self._declaration = declaration
        self._worths = Worths(self._leaf, self.predicate)
        self._made: dict[str, tuple[Computed, Clamp, ColumnType]] = {}
        self._named: dict[tuple[Term, str], str] = {}
        self._keys: dict[str, KeyDomain] = {}
        self.needed: dict[str, None] = {}
        """Columns whose bounds an expression stands on."""

    @property
    def computed(self) -> tuple[Computed, ...]:
        """The computed columns, each after those it reads."""
        return tuple(made for made, _, _ in self._made.values())

    @property
    def clamps(self) -> dict[str, Clamp]:
        """The bounds of the computed columns: no declaration, they follow from those of others."""
        return {name: clamp for name, (_, clamp, _) in self._made.items()}

    @property
    def keys(self) -> Mapping[str, KeyDomain]:
        """The computed keys."""
        return self._keys

    def type_of(self, column: str) -> ColumnType:
        """Tell the type of a column, or of a computed one."""
        return self._made[column][2] if column in self._made else super().type_of(column)

    def value(self, term: Term) -> str:
        """Find a column, or make one of an expression, whose values may be added up.

        Args:
            term: A column or an expression.

        Returns:
            The name of the column.

        Raises:
            Refused: ``dp.sql-unsupported`` or ``dp.too-wide`` where its values could pass 64 bits.
            CallerError: As :meth:`find`.
        """
        return self.find(term) if isinstance(term, Name) else self._register(term, "value")

    def key(self, term: Term) -> str:
        """Find a grouping column, or make a key of an expression whose values are public.

        Args:
            term: A column or an expression.

        Returns:
            The name of the key.

        Raises:
            Refused: ``dp.sql-unsupported`` when its values are not known from constants and bounds.
            CallerError: As :meth:`find`.
        """
        if isinstance(term, Name):
            return self.find(term)
        name = self._free(term, "key")
        if name not in self._keys:
            labels = _labels(term)
            if labels is not None and isinstance(term, Choose):
                place = self._worths.chosen(term, labels)
                self._keys[name] = KeyDomain(name, labels, place)
            else:
                values, place = whole_numbers(self._worths.of(term), _KEYS_MAX)
                self._keys[name] = KeyDomain(name, values, place)
        return name

    def predicate(self, condition: Condition) -> Predicate:
        """Check a condition; expressions in it become computed columns."""
        match condition:
            case Comparison(op=op, column=column, constant=constant) if not isinstance(column, Name):
                name, unit = self._steps(column)
                return Compare(op, Column(name), _in_units(constant, unit))
            case Member(column=column, constants=constants, is_negated=is_negated) if not isinstance(
                column, Name
            ):
                name, unit = self._steps(column)
                known = IsIn(Column(name), tuple(_in_units(one, unit) for one in constants))
                return AllOf((Not(IsNull(Column(name))), Not(known))) if is_negated else known
            case Null(column=column, is_negated=is_negated) if not isinstance(column, Name):
                null = IsNull(Column(self._steps(column)[0]))
                return Not(null) if is_negated else null
            case Truth(column=column) if not isinstance(column, Name):
                raise hints.OTHER_CONDITION.refusal()
        return super().predicate(condition)

    def _steps(self, term: Term) -> tuple[str, Fraction]:
        """Make a column of the exact steps of an expression; tell what a step is worth."""
        return self._register(term, "steps"), self._worths.of(term).unit

    def _register(self, term: Term, use: str) -> str:
        name = self._free(term, use)
        if name not in self._made:
            worth = self._worths.of(term)
            expression, digits = (worth.expression, 0) if use == "steps" else in_decimals(worth)
            made = Computed(name, expression, digits)
            kind = ColumnType.DECIMAL if made.digits or use == "steps" else ColumnType.INTEGER
            self._made[name] = made, worth.clamp, kind
        return name

    def _free(self, term: Term, use: str) -> str:
        """Name what an expression becomes, as no column and nothing else is named."""
        known = self._named.get((term, use))
        if known is None:
            known = shown(written(term))[:_NAME_MAX] + (" in steps" if use == "steps" else "")
            taken = {*self._named.values()}
            while self.matches(Name(known)) or known in taken:
                known += "'"
            self._named[term, use] = known
        return known

    def _leaf(self, name: Name, within: tuple[Fraction | None, Fraction | None]) -> tuple[str, Clamp, int]:
        """Find a column of an expression with its bounds and its grid; bounds written around it stand in."""
        column = self.find(name)
        kind = self.type_of(column)
        if kind not in SUM_TYPES:
            raise self.misused(column, "an expression", "Compare it with a constant inside CASE WHEN.")
        clamp = self._declaration.column(column).clamp
        low, high = within
        if clamp is None and low is not None and high is not None and low <= high:
            clamp = (
                Clamp(Fraction(low.__floor__()), Fraction(high.__ceil__()))
                if kind is ColumnType.INTEGER
                else Clamp(low, high)
            )
        elif clamp is None or not clamp.lower < clamp.upper:
            self.needed[column] = None
            clamp = _UNKNOWN
        return column, clamp, digits_of(column, clamp, kind, _LEAF_STEPS, GRID_MOST)


def _in_units(constant: object, unit: Fraction) -> Literal:
    if isinstance(constant, bool) or not isinstance(constant, int | Fraction):
        raise hints.NOT_A_NUMBER.refusal()
    exact = Fraction(constant) / unit
    return Literal(exact.numerator if exact.denominator == 1 else exact)


def _labels(term: Term) -> tuple[str | int | bool, ...] | None:
    """List the values of a CASE of constants, in the order they are written; none for anything else."""
    if not isinstance(term, Choose):
        return None
    values = [*(value for _, value in term.branches), term.otherwise]
    if not all(isinstance(value, Fixed) for value in values):
        return None
    known = [value.value for value in values if isinstance(value, Fixed) and value.value is not None]
    kinds = {type(value) for value in known}
    if len(kinds) != 1 or Fraction in kinds:
        raise hints.MIXED.refusal()
    return tuple(dict.fromkeys(value for value in known if not isinstance(value, Fraction)))


def bounded(
    declaration: DatasetDeclaration,
    catalog: Scope,
    dataset: str,
    group_by: Sequence[str],
    summed: Sequence[str],
    *,
    finds: bool = False,
) -> Declared:
    """Collect what is declared, and what follows from it for computed columns and keys.

    Args:
        declaration: What the owner declared.
        catalog: The columns.
        dataset: Name of the data set.
        group_by: Columns that need keys.
        summed: Columns that need bounds.
        finds: Whether keys that are not declared may be found in the data.

    Returns:
        The bounds and keys that a query rests on.

    Raises:
        Refused: ``dp.undeclared``, ``dp.too-many-groups``.
        CallerError: ``dp.bad-declaration``.
    """
    plain = [column for column in group_by if column not in catalog.keys]
    needed = [*(column for column in summed if column not in catalog.clamps), *catalog.needed]
    declared = require(declaration, catalog, dataset, plain, needed, finds=finds)
    keys = {key.column: key for key in declared.keys} | dict(catalog.keys)
    clamps = declared.clamps | catalog.clamps
    declared = replace(declared, keys=tuple(keys[column] for column in group_by), clamps=clamps)
    if declared.groups is not None and declared.groups > GROUPS_MAX:
        raise Refused("dp.too-many-groups", groups=f"{declared.groups:,}", most=f"{GROUPS_MAX:,}")
    return declared
