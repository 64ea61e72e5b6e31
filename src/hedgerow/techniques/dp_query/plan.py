"""From SQL and declarations to a plan; pure: no data, no noise, no clock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hedgerow.model.answers import AnswerColumn, OutputKind
from hedgerow.model.budget import LaplaceEvent, checked_epsilon
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import DatasetDeclaration, ExactAggregation
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.declared import SUM_TYPES, Declared, require
from hedgerow.techniques.dp_query.domains import check_possible
from hedgerow.techniques.dp_query.measuring import Measuring
from hedgerow.techniques.dp_query.parse import parse
from hedgerow.techniques.dp_query.planned import KeyCell, OutputCell, PlannedOutput, QueryPlan
from hedgerow.techniques.dp_query.query import KeyOutput, Name, Output, Query, StatisticOutput
from hedgerow.techniques.dp_query.resolve import Catalog, shown

GROUPS_MAX = 100_000


def plan_query(
    sql: str,
    declaration: DatasetDeclaration,
    columns: Mapping[str, ColumnType],
    epsilon: Fraction,
    dataset: str,
    hidden: Iterable[str] = (),
) -> QueryPlan:
    """Plan a private query.

    Args:
        sql: What the caller asks; see :func:`hedgerow.techniques.dp_query.parse.parse`.
        declaration: Unit, rows per person, bounds and keys the owner declared.
        columns: Type of each column by its exact name.
        epsilon: What the whole answer may cost, exact; split in equal shares over the noisy
            vectors it needs. Statistics asked twice are measured once.
        dataset: Name of the data set.
        hidden: Columns that say who a person is; naming one is refused.

    Returns:
        The plan.

    Raises:
        Refused: When something cannot be bounded or is not declared.
        CallerError: When the query or the epsilon is malformed.

    Guarantee: running the plan is ``epsilon``-differentially private for adding or removing all
        rows of one person; docs/sensitivity.md argues each step.
    Cost: a :class:`LaplaceEvent` of exactly ``epsilon``, one part for each noisy vector.
    """
    share = checked_epsilon(epsilon)
    kept_apart = frozenset(hidden)
    query = parse(sql, dataset, {*columns, *kept_apart})
    catalog = Catalog(dataset, columns, kept_apart)
    group_by = tuple(dict.fromkeys(_grouped(name, query.outputs, catalog) for name in query.group_by))
    asked = tuple(_asked(output, catalog, group_by) for output in query.outputs)
    where = None if query.where is None else catalog.predicate(query.where)
    summed = [a.column for a in asked if a.function in ("sum", "mean") and a.column is not None]
    declared = require(declaration, catalog, dataset, group_by, summed)
    _check_groups(declared)
    if where is not None:
        check_possible(where, declaration, catalog, dataset)
    averaged = frozenset(a.column for a in asked if a.function == "mean" and a.column is not None)
    measuring = Measuring(declared, catalog, averaged)
    outputs = _outputs(asked, [_cell(a, measuring, group_by) for a in asked])
    aggregates, measurements = measuring.measurements(share)
    order_by = _order(query, outputs, catalog)
    _check_labels(group_by, outputs)
    return QueryPlan(
        dataset=dataset,
        unit=declared.unit,
        aggregation=ExactAggregation(declared.keys, aggregates, where, declared.max_rows),
        measurements=measurements,
        outputs=outputs,
        order_by=order_by,
        limit=query.limit,
        cost=LaplaceEvent.of((each.sensitivity, each.epsilon) for each in measurements),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """An output with its column found."""

    function: OutputKind
    column: str | None
    alias: str | None

    @property
    def default_name(self) -> str:
        if self.column is None:
            return "count"
        return self.column if self.function == "key" else f"{self.function}_{self.column}"


def _grouped(name: Name, outputs: Sequence[Output], catalog: Catalog) -> str:
    """Find a grouping column by its name or, when no column is called so, by its alias."""
    if catalog.matches(name):
        return catalog.find(name)
    aliased = {o.column for o in outputs if isinstance(o, KeyOutput) and o.alias and _is_meant(name, o.alias)}
    return catalog.find(aliased.pop() if len(aliased) == 1 else name)


def _is_meant(name: Name, alias: str) -> bool:
    return alias == name.text or (not name.is_quoted and alias.casefold() == name.text.casefold())


def _asked(output: Output, catalog: Catalog, group_by: Sequence[str]) -> _Asked:
    column = None if output.column is None else catalog.find(output.column)
    if isinstance(output, KeyOutput):
        if column not in group_by:
            raise Refused("dp.sql-raw-column", column=shown(output.column.text))
        return _Asked("key", column, output.alias)
    is_summed = output.function in ("sum", "mean")
    if is_summed and column is not None and catalog.type_of(column) not in SUM_TYPES:
        raise catalog.misused(column, "SUM or AVG", "Use COUNT, with a condition in WHERE.")
    return _Asked(output.function, column, output.alias)


def _check_labels(group_by: Sequence[str], outputs: Sequence[PlannedOutput]) -> None:
    """Refuse groups that nobody could tell apart in the answer."""
    labels = {o.column.source for o in outputs if o.column.kind == "key"}
    unshown = [column for column in group_by if column not in labels]
    if unshown:
        written = ", ".join(shown(column) for column in unshown)
        raise Refused("dp.sql-unlabelled", column=written)


def _check_groups(declared: Declared) -> None:
    groups = math.prod(len(key.values) for key in declared.keys)
    if groups > GROUPS_MAX:
        raise Refused("dp.too-many-groups", groups=f"{groups:,}", most=f"{GROUPS_MAX:,}")


def _cell(asked: _Asked, measuring: Measuring, group_by: Sequence[str]) -> OutputCell:
    match asked:
        case _Asked(function="key", column=str() as column):
            return KeyCell(group_by.index(column))
        case _Asked(function="sum", column=str() as column):
            return measuring.sum(column)
        case _Asked(function="mean", column=str() as column):
            return measuring.mean(column)
    return measuring.count(asked.column)


def _outputs(asked: Sequence[_Asked], cells: Sequence[OutputCell]) -> tuple[PlannedOutput, ...]:
    """Name the outputs: an alias is kept to the letter, a default name is numbered when taken."""
    taken: set[str] = set()
    for alias in (a.alias for a in asked if a.alias is not None):
        if alias in taken:
            raise CallerError("dp.sql-name-twice", column=shown(alias))
        taken.add(alias)
    outputs: list[PlannedOutput] = []
    for one, cell in zip(asked, cells, strict=True):
        name = one.alias or _free(one.default_name, taken)
        taken.add(name)
        outputs.append(PlannedOutput(AnswerColumn(name, one.function, one.column), cell))
    return tuple(outputs)


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _order(query: Query, outputs: Sequence[PlannedOutput], catalog: Catalog) -> tuple[tuple[int, bool], ...]:
    return tuple(
        (by.output if isinstance(by.output, int) else _place(by.output, outputs, catalog), by.is_descending)
        for by in query.order_by
    )


def _place(by: Name | StatisticOutput, outputs: Sequence[PlannedOutput], catalog: Catalog) -> int:
    """Find the output meant: by what it is called, else by what it shows."""
    if isinstance(by, StatisticOutput):
        place = _showing(by.function, by.column, outputs, catalog)
        called = f"{by.function.upper()}({'*' if by.column is None else shown(by.column.text)})"
    else:
        place, called = _called(by, outputs), shown(by.text)
        if place is None and catalog.matches(by):
            place = _showing("key", by, outputs, catalog)
    if place is None:
        raise CallerError("dp.sql-order", column=called)
    return place


def _called(name: Name, outputs: Sequence[PlannedOutput]) -> int | None:
    names = [output.column.name for output in outputs]
    if name.text in names:
        return names.index(name.text)
    blind = [known.casefold() for known in names]
    is_one = not name.is_quoted and blind.count(name.text.casefold()) == 1
    return blind.index(name.text.casefold()) if is_one else None


def _showing(
    kind: OutputKind, name: Name | None, outputs: Sequence[PlannedOutput], catalog: Catalog
) -> int | None:
    source = None if name is None else catalog.find(name)
    shows = ((output.column.kind, output.column.source) for output in outputs)
    return next((place for place, known in enumerate(shows) if known == (kind, source)), None)
