"""What the owner declared, checked against what a query needs; never inferred from values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from math import prod

from hedgerow.kernel.conditions.catalog import Catalog, shown
from hedgerow.model.contribution import Contribution
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import (
    Clamp,
    ColumnDeclaration,
    DatasetDeclaration,
    ExactAggregation,
    KeyDomain,
)
from hedgerow.model.spans import Span
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.calls import ROWS_MOST, called
from hedgerow.techniques.dp_query.units import PERSON, check_statistic, is_unit

MAX_ROWS_MOST = ROWS_MOST
KEY_TYPES = (ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BOOLEAN)
FOUND_TYPES = (*KEY_TYPES, ColumnType.DATE)
SUM_TYPES = (ColumnType.INTEGER, ColumnType.DECIMAL)

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_BOUND_TEXT_MAX = 64
_LIKE_A_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Declared:
    """The declarations a query stands on.

    Args:
        dataset: Name of the data set.
        unit: The privacy unit.
        max_rows: Rows of one person that count at most.
        keys: Grouping columns with their domains.
        clamps: Value bounds of each column whose values matter.
        max_groups: Groups that rows of one person count in at most; none where not declared.
        max_rows_per_group: Rows of one person that count in any one group at most.
        swaps: Whether as many others may come in the place of a person's rows, so that twice as many change.
    """

    dataset: str
    unit: str
    max_rows: int
    keys: tuple[KeyDomain, ...]
    clamps: dict[str, Clamp]
    max_groups: int | None = None
    max_rows_per_group: int | None = None
    swaps: bool = False

    @property
    def times(self) -> int:
        """How many times what counts of one person may change."""
        return 2 if self.swaps else 1

    @property
    def contribution(self) -> Contribution:
        """How much of one person counts."""
        return Contribution(self.max_rows, self.max_groups, self.max_rows_per_group)

    def bounding(self, aggregation: ExactAggregation) -> ExactAggregation:
        """Ask the engine for the bounds over groups, where they can hold a row back."""
        bounds, free = self.contribution, Contribution(self.max_rows)
        by_groups = bounds.groups(self.groups) < free.groups(self.groups)
        by_rows = bounds.per_group < free.per_group
        return replace(
            aggregation,
            max_groups=self.max_groups if by_groups else None,
            max_rows_per_group=self.max_rows_per_group if by_rows else None,
        )

    @property
    def groups(self) -> int | None:
        """How many combinations of keys there are, 1 without keys; none where keys are to be found."""
        return None if self.finds_keys else prod(len(key.values) for key in self.keys)

    @property
    def finds_keys(self) -> bool:
        """Whether keys of a column are to be found in the data."""
        return any(not key.values for key in self.keys)


def typed_keys(kind: ColumnType, texts: Sequence[str]) -> tuple[str | int | bool, ...] | None:
    """Turn declared keys from text into values of a column's type.

    Args:
        kind: Type of the column; text, whole numbers or booleans.
        texts: The keys as text.

    Returns:
        The keys without repetition, in order, or none when one does not fit or the column's
        type has no keys.
    """
    match kind:
        case ColumnType.TEXT:
            return tuple(dict.fromkeys(texts))
        case ColumnType.INTEGER if all(_WHOLE.fullmatch(text.strip()) for text in texts):
            return tuple(dict.fromkeys(int(text) for text in texts))
        case ColumnType.BOOLEAN if all(text.strip().lower() in _TRUTHS for text in texts):
            return tuple(dict.fromkeys(_TRUTHS[text.strip().lower()] for text in texts))
    return None


_PAIR = 2


@called("dp.declare")
def declare(
    *,
    max_rows: int | None = None,
    bounds: Mapping[str, tuple[object, object]] | None = None,
    keys: Mapping[str, Iterable[str | int | bool]] | None = None,
    max_groups: int | None = None,
    max_rows_per_group: int | None = None,
    unit: str = PERSON,
    unit_column: str | None = None,
) -> DatasetDeclaration:
    """Declare what a private query stands on, from knowledge outside the data.

    Args:
        max_rows: Rows of one person that count at most, 1 or more; may be left out where both bounds over
            groups are given.
        bounds: Lower and upper bound by column: text, whole numbers, ``Decimal``, ``Fraction``,
            or floats, which mean the decimal they print as; for a column of dates or points in time two
            dates or datetimes, or text in ISO 8601.
        keys: The groups a column may have, by column.
        max_groups: Groups that rows of one person count in at most.
        max_rows_per_group: Rows of one person that count in any one group at most.
        unit: What is protected, and bounded: ``person``, ``household`` or ``person-day``. The last two are
            other promises than that of a person, and have budgets of their own.
        unit_column: The column that names the household, or the date or time of a person-day.

    Returns:
        The declaration.

    Raises:
        CallerError: ``dp.bad-declaration`` when a bound is no finite number, or keys are no list.
    """
    for column, listed in (keys or {}).items():
        if isinstance(listed, str | bytes | Mapping) or not isinstance(listed, Iterable):
            raise _bad(
                "frame",
                f"the keys of {shown(column)} are no list",
                f"--keys {shlex.quote(f'{column}=VALUE,...')}",
            )
    for column, pair in (bounds or {}).items():
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != _PAIR:
            raise _bad("frame", f"the bounds of {shown(column)} are no pair of numbers", _bounds_of(column))
    names = dict.fromkeys([*(bounds or {}), *(keys or {})])
    columns = tuple(_declared(name, (bounds or {}).get(name), (keys or {}).get(name)) for name in names)
    return DatasetDeclaration(
        max_rows=max_rows,
        columns=columns,
        version=1,
        max_groups=max_groups,
        max_rows_per_group=max_rows_per_group,
        unit=unit,
        unit_column=unit_column,
    )


def _declared(
    name: str, bounds: tuple[object, object] | None, keys: Iterable[str | int | bool] | None
) -> ColumnDeclaration:
    listed = None if keys is None else tuple(keys)
    if bounds is not None and all(_is_moment(each) for each in bounds):
        try:
            return ColumnDeclaration(name, None, listed, Span.of(*bounds))
        except ValueError:
            raise _bad(
                "frame", f"the bounds of {shown(name)} are no two dates in order", "--bounds"
            ) from None
    return ColumnDeclaration(name, _exact_clamp(name, *bounds) if bounds else None, listed)


def _is_moment(bound: object) -> bool:
    return isinstance(bound, date) or (isinstance(bound, str) and _LIKE_A_DATE.match(bound) is not None)


def _exact_clamp(column: str, lower: object, upper: object) -> Clamp:
    try:
        return Clamp(_exact(lower), _exact(upper))
    except (ValueError, ZeroDivisionError):
        raise _bad("frame", f"a bound of {shown(column)} is no finite number", _bounds_of(column)) from None


def _bounds_of(column: str) -> str:
    return f"--bounds {shlex.quote(f'{column}=LOWER:UPPER')}"


def _exact(bound: object) -> Fraction:
    text = str(bound)
    if len(text) > _BOUND_TEXT_MAX or isinstance(bound, bool):
        raise ValueError(bound)
    return bound if isinstance(bound, Fraction) else Fraction(text)


def require(
    declaration: DatasetDeclaration,
    catalog: Catalog,
    dataset: str,
    group_by: Sequence[str],
    summed: Iterable[str],
    *,
    finds: bool = False,
) -> Declared:
    """Collect the bounds and keys a query needs.

    Args:
        declaration: What the owner declared.
        catalog: The columns.
        dataset: Name of the data set.
        group_by: Columns that need keys.
        summed: Columns that need bounds.
        finds: Whether keys that are not declared may be found in the data.

    Returns:
        The declarations, complete.

    Raises:
        Refused: ``dp.undeclared`` whose next step is the very command that names what misses.
        CallerError: ``dp.bad-declaration`` when bounds or keys make no sense.
    """
    summed = tuple(dict.fromkeys(summed))
    _complete(declaration, dataset, () if finds else group_by, summed)
    if not is_unit(declaration.unit):
        raise _bad(dataset, "the privacy unit must be person", "--unit person")
    check_statistic(declaration.unit, "Keys found in the data" if finds else None)
    bounds = _contribution(declaration, dataset)
    keys = tuple(_domain(declaration, catalog, dataset, column) for column in group_by)
    clamps = {column: _clamp(declaration, dataset, column) for column in summed}
    limits = bounds.max_rows, keys, clamps, bounds.max_groups, bounds.max_rows_per_group
    return Declared(dataset, declaration.unit, *limits)


def _contribution(declaration: DatasetDeclaration, dataset: str) -> Contribution:
    for name in ("max_rows", "max_groups", "max_rows_per_group"):
        limit = getattr(declaration, name)
        is_whole = isinstance(limit, int) and not isinstance(limit, bool)
        if limit is not None and not (is_whole and 1 <= limit <= MAX_ROWS_MOST):
            option = name.replace("_", "-")
            raise _bad(dataset, f"{option} is not between 1 and {MAX_ROWS_MOST}", f"--{option} N")
    bounds = declaration.contribution
    if bounds is None or bounds.max_rows > MAX_ROWS_MOST:
        raise _bad(dataset, f"all rows of one person come to more than {MAX_ROWS_MOST}", "--max-rows N")
    return bounds


def _complete(
    declaration: DatasetDeclaration, dataset: str, group_by: Sequence[str], summed: Sequence[str]
) -> None:
    missing: list[str] = []
    options: list[str] = []
    if declaration.max_rows is None and not (declaration.max_groups and declaration.max_rows_per_group):
        missing.append("the rows of one person that count")
        options.append("--max-rows N")
    for column in summed:
        if declaration.column(column).clamp is None:
            missing.append(f"bounds of {shown(column)}")
            options.append(_bounds_of(column))
    for column in group_by:
        if not declaration.column(column).keys:
            missing.append(f"keys of {shown(column)}")
            options.append(f"--keys {shlex.quote(f'{column}=VALUE,...')}")
    if missing:
        command = " ".join([_command(dataset), *options])
        raise Refused("dp.undeclared", missing=", ".join(missing), dataset=dataset, command=command)


def _command(dataset: str) -> str:
    return f"hedgerow dataset declare {shlex.quote(dataset)} --unit person"


def _bad(dataset: str, problem: str, option: str) -> CallerError:
    command = f"{_command(dataset)} {option}" if option != "--unit person" else _command(dataset)
    return CallerError("dp.bad-declaration", dataset=dataset, problem=problem, command=command)


def _domain(declaration: DatasetDeclaration, catalog: Catalog, dataset: str, column: str) -> KeyDomain:
    kind = catalog.type_of(column)
    keys = declaration.column(column).keys or ()
    if kind not in (KEY_TYPES if keys else FOUND_TYPES):
        raise catalog.misused(column, "GROUP BY", "Group by text, whole numbers, booleans or, found, dates.")
    if not keys:
        return KeyDomain(column, ())
    expected = {ColumnType.TEXT: str, ColumnType.INTEGER: int, ColumnType.BOOLEAN: bool}[kind]
    if any(type(key) is not expected for key in keys) or len(set(keys)) != len(keys):
        option = f"--keys {shlex.quote(f'{column}=VALUE,...')}"
        raise _bad(dataset, f"keys of {shown(column)} repeat or are of another type", option)
    return KeyDomain(column, keys)


def _clamp(declaration: DatasetDeclaration, dataset: str, column: str) -> Clamp:
    clamp = declaration.column(column).clamp
    if clamp is None or not clamp.lower < clamp.upper:
        option = _bounds_of(column)
        raise _bad(dataset, f"the lower bound of {shown(column)} is not below the upper", option)
    return clamp
