"""From SQL and declarations to a plan; pure: no data, no noise, no clock."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hedgerow.model.answers import AnswerColumn, OutputKind
from hedgerow.model.budget import checked_epsilon
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import DatasetDeclaration, Predicate
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query import hints
from hedgerow.techniques.dp_query.declared import SUM_TYPES, Declared, require
from hedgerow.techniques.dp_query.domains import check_possible
from hedgerow.techniques.dp_query.found import Selection, planned_selection
from hedgerow.techniques.dp_query.joins import Joinable, Joins
from hedgerow.techniques.dp_query.measuring import Measured, Measuring
from hedgerow.techniques.dp_query.parse import parse
from hedgerow.techniques.dp_query.planned import KeyCell, OutputCell, PlannedOutput, QueryPlan
from hedgerow.techniques.dp_query.price import Cost, Price
from hedgerow.techniques.dp_query.quantiles import Choice, QuantileCell, quantile_text
from hedgerow.techniques.dp_query.query import KeyOutput, Name, Output, Query, StatisticOutput
from hedgerow.techniques.dp_query.resolve import Catalog, shown

GROUPS_MAX = 100_000
# Statistics of the values of a column, which need its bounds.
_BOUNDED: dict[OutputKind, str] = {
    **dict.fromkeys(("sum", "mean"), "SUM or AVG"),
    **dict.fromkeys(("median", "quantile", "min", "max"), "a quantile"),
    **dict.fromkeys(("variance", "variance_pop", "stddev", "stddev_pop"), "VARIANCE or STDDEV"),
}
# Statistics that measure distances from the midpoint, of which a sum is rebuilt at no cost.
_AVERAGED: tuple[OutputKind, ...] = ("mean", "variance", "variance_pop", "stddev", "stddev_pop")


def plan_query(
    sql: str,
    declaration: DatasetDeclaration,
    columns: Mapping[str, ColumnType],
    price: Price | Fraction,
    dataset: str,
    hidden: Collection[str] = (),
    person: str | None = None,
    tables: Mapping[str, Joinable] | None = None,
) -> QueryPlan:
    """Plan a private query.

    Args:
        sql: What the caller asks; see :func:`hedgerow.techniques.dp_query.parse.parse`.
        declaration: Unit, rows per person, bounds and keys the owner declared.
        columns: Type of each column by its exact name.
        price: What the whole answer may cost, exact, in equal shares for each noisy vector and choice.
        dataset: Name of the data set.
        hidden: Columns that say who a person is; naming one is refused.
        person: The one of them that ``COUNT(DISTINCT person)`` may name, as may the word ``person``.
        tables: Public tables, and data sets joined on the person, by name; any other table is refused.

    Returns:
        The plan.

    Raises:
        Refused: When something cannot be bounded or is not declared.
        CallerError: When the query or the epsilon is malformed.

    Guarantee: ``epsilon``-differential privacy, or ``rho``-zCDP, for adding or removing one person's rows;
        docs/sensitivity.md argues each step. The cost is exactly that.
    """
    price_of = price if isinstance(price, Price) else Price(checked_epsilon(price))
    kept_apart = frozenset(hidden)
    joins = Joins(dataset, columns, kept_apart, person, tables)
    query = parse(sql, dataset, {*columns, *kept_apart}, joins)
    catalog = Catalog(dataset, {**columns, **joins.columns}, kept_apart | joins.hidden, person)
    return _planned(query, joins, catalog, declaration, price_of, dataset)


def _planned(
    query: Query,
    joins: Joins,
    catalog: Catalog,
    declaration: DatasetDeclaration,
    price: Price,
    dataset: str,
) -> QueryPlan:
    group_by = tuple(dict.fromkeys(_grouped(name, query.outputs, catalog) for name in query.group_by))
    asked = tuple(_asked(output, catalog, group_by) for output in query.outputs)
    where = None if query.where is None else catalog.predicate(query.where)
    declared = _bounded(joins.with_public(declaration), catalog, dataset, group_by, asked, price)
    declared = joins.reach(declared)
    check_possible(where, declaration, catalog, dataset)
    measuring = Measuring(declared, catalog, frozenset(_columns(asked, _AVERAGED)))
    cells = [_cell(a, measuring, group_by) for a in asked]
    measured = measuring.measured(price)
    selection = _selection(declared, where, measured)
    outputs = _outputs(asked, cells, measured.choices)
    order_by = _order(query, outputs, catalog)
    return QueryPlan(
        dataset=dataset,
        unit=declared.unit,
        aggregation=joins.applied(measured.aggregation(declared, where)),
        measurements=measured.measurements,
        outputs=_labelled(group_by, outputs),
        order_by=order_by,
        limit=query.limit,
        cost=_cost(measured, selection, price),
        selection=selection,
        choices=measured.choices,
        bounds=declared.contribution,
    )


def _bounded(
    declaration: DatasetDeclaration,
    catalog: Catalog,
    dataset: str,
    group_by: Sequence[str],
    asked: Sequence[_Asked],
    price: Price,
) -> Declared:
    """Collect the bounds and keys of what is asked, and refuse more groups than are answered."""
    bounded, finds = _columns(asked, _BOUNDED), price.delta is not None
    declared = require(declaration, catalog, dataset, group_by, bounded, finds=finds)
    if declared.groups is not None and declared.groups > GROUPS_MAX:
        raise Refused("dp.too-many-groups", groups=f"{declared.groups:,}", most=f"{GROUPS_MAX:,}")
    return declared


def _selection(declared: Declared, where: Predicate | None, measured: Measured) -> Selection | None:
    """Plan how keys are found, where some are."""
    if not declared.finds_keys:
        return None
    bounds, has_choices = declared.contribution, bool(measured.choices)
    return planned_selection(declared.keys, where, bounds, measured.share, has_choices=has_choices)


def _cost(measured: Measured, selection: Selection | None, price: Price) -> Cost:
    """Tell the loss; with what is known of its noise, where all of it is discrete Laplace."""
    parts = [(m.sensitivity, m.epsilon) for m in measured.measurements if m.epsilon is not None]
    if selection is None:
        return price.without_delta().event(() if measured.choices else parts)
    if selection.share.epsilon is not None:
        parts.append((selection.keys, selection.share.epsilon))
    return price.event(() if measured.choices else parts)


@dataclass(frozen=True, slots=True)
class _Asked:
    """An output with its column found."""

    function: OutputKind
    column: str | None
    alias: str | None
    quantile: Fraction | None = None

    @property
    def default_name(self) -> str:
        if self.column is None:
            return "people" if self.function == "people" else "count"
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
    if isinstance(output, StatisticOutput) and output.function == "people":
        _check_person(output.column, catalog)
        return _Asked("people", None, output.alias)
    column = None if output.column is None else catalog.find(output.column)
    if isinstance(output, KeyOutput):
        if column not in group_by:
            raise Refused("dp.sql-raw-column", column=shown(output.column.text))
        return _Asked("key", column, output.alias)
    if output.function in _BOUNDED and column is not None and catalog.type_of(column) not in SUM_TYPES:
        use = _BOUNDED[output.function]
        raise catalog.misused(column, use, "Use COUNT, with a condition in WHERE.")
    return _Asked(output.function, column, output.alias, output.quantile)


def _check_person(name: Name | None, catalog: Catalog) -> None:
    """Refuse to count distinct values of anything but the person."""
    if name is not None and not catalog.is_person(name):
        catalog.find(name)
        raise hints.DISTINCT_VALUES.refusal()


def _columns(asked: Sequence[_Asked], functions: Container[OutputKind]) -> list[str]:
    """List the columns that some statistics are asked of."""
    return [a.column for a in asked if a.function in functions and a.column is not None]


def _labelled(group_by: Sequence[str], outputs: tuple[PlannedOutput, ...]) -> tuple[PlannedOutput, ...]:
    """Refuse groups that nobody could tell apart in the answer."""
    labels = {o.column.source for o in outputs if o.column.kind == "key"}
    unshown = [column for column in group_by if column not in labels]
    if unshown:
        written = ", ".join(shown(column) for column in unshown)
        raise Refused("dp.sql-unlabelled", column=written)
    return outputs


def _cell(asked: _Asked, measuring: Measuring, group_by: Sequence[str]) -> OutputCell:
    match asked:
        case _Asked(function="key", column=str() as column):
            return KeyCell(group_by.index(column))
        case _Asked(function="sum", column=str() as column):
            return measuring.sum(column)
        case _Asked(function="mean", column=str() as column):
            return measuring.mean(column)
        case _Asked(
            function="variance" | "variance_pop" | "stddev" | "stddev_pop" as function, column=str() as column
        ):
            is_root, is_sample = function.startswith("stddev"), not function.endswith("_pop")
            return measuring.spread(column, is_sample=is_sample, is_root=is_root)
        case _Asked(column=str() as column, quantile=Fraction() as quantile):
            return measuring.quantile(column, quantile)
    return measuring.people() if asked.function == "people" else measuring.count(asked.column)


def _outputs(
    asked: Sequence[_Asked], cells: Sequence[OutputCell], choices: Sequence[Choice]
) -> tuple[PlannedOutput, ...]:
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
        choice = choices[cell.choice] if isinstance(cell, QuantileCell) else None
        outputs.append(PlannedOutput(_column(name, one, choice), cell))
    return tuple(outputs)


def _column(name: str, asked: _Asked, choice: Choice | None) -> AnswerColumn:
    if choice is None:
        return AnswerColumn(name, asked.function, asked.column)
    which = quantile_text(choice.quantile)
    return AnswerColumn(name, asked.function, asked.column, which, choice.rank_error)


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
        is_people = by.function == "people"
        if is_people:
            _check_person(by.column, catalog)
        place = _showing(by.function, None if is_people else by.column, outputs, catalog, by.quantile)
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
    kind: OutputKind,
    name: Name | None,
    outputs: Sequence[PlannedOutput],
    catalog: Catalog,
    quantile: Fraction | None = None,
) -> int | None:
    wanted = (
        kind,
        None if name is None else catalog.find(name),
        None if quantile is None else quantile_text(quantile),
    )
    shows = ((o.column.kind, o.column.source, o.column.quantile) for o in outputs)
    return next((place for place, known in enumerate(shows) if known == wanted), None)
