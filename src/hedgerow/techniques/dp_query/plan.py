"""From SQL and declarations to a plan; pure: no data, no noise, no clock."""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.catalog import shown
from hedgerow.kernel.conditions.parts import Both, Name, Term
from hedgerow.model.answers import AnswerColumn, OutputKind
from hedgerow.model.budget import checked_epsilon
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import DatasetDeclaration, ExactAggregation, Predicate, predicate_columns
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.built import joined
from hedgerow.techniques.dp_query.declared import SUM_TYPES, Declared
from hedgerow.techniques.dp_query.domains import check_possible
from hedgerow.techniques.dp_query.found import Selection, planned_selection
from hedgerow.techniques.dp_query.gathered import Relation, check_gathered, relation_of
from hedgerow.techniques.dp_query.having import AllHold, AnyHolds, Kept, Test
from hedgerow.techniques.dp_query.joins import Joinable, Joins
from hedgerow.techniques.dp_query.measuring import Measured, Measuring
from hedgerow.techniques.dp_query.parse import parse
from hedgerow.techniques.dp_query.planned import KeyCell, OutputCell, PlannedOutput, QueryPlan
from hedgerow.techniques.dp_query.price import Cost, Price
from hedgerow.techniques.dp_query.quantiles import Choice, QuantileCell, quantile_text
from hedgerow.techniques.dp_query.query import (
    Every,
    Having,
    KeyOutput,
    NoisyTest,
    Output,
    Query,
    Some,
    StatisticOutput,
)
from hedgerow.techniques.dp_query.scope import Scope, bounded
from hedgerow.techniques.dp_query.terms import written

# Statistics of the values of a column, which need its bounds.
_BOUNDED: dict[OutputKind, str] = {
    **dict.fromkeys(("sum", "mean"), "SUM or AVG"),
    **dict.fromkeys(("median", "quantile", "min", "max"), "a quantile"),
    **dict.fromkeys(("variance", "variance_pop", "stddev", "stddev_pop"), "VARIANCE or STDDEV"),
}
# Statistics that measure distances from the midpoint, of which a sum is rebuilt at no cost.
# How signs are said in the name of an output.
_SPOKEN = {"*": " times ", "/": " by ", "+": " plus ", "-": " minus "}
_NAME_MOST = 60
_AVERAGED: tuple[OutputKind, ...] = ("mean", "variance", "variance_pop", "stddev", "stddev_pop")


def plan_query(
    sql: str | Query,
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
        sql: What the caller asks; see :func:`hedgerow.techniques.dp_query.parse.parse`. Or a query that was
            built of values.
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
    given = price if isinstance(price, Price) else Price(checked_epsilon(price))
    joins = Joins(dataset, columns, hidden, person, tables)
    named = {*columns, *hidden}
    query = (
        joined(sql, joins, dataset, named) if isinstance(sql, Query) else parse(sql, dataset, named, joins)
    )
    known = joins.with_public(declaration)
    catalog = Scope(dataset, {**columns, **joins.columns}, frozenset(hidden) | joins.hidden, person, known)
    if query.of is None:
        return _planned(query, joins, catalog, declaration, given, dataset)
    finds = given.delta is not None
    relation = relation_of(query.of, joins, catalog, declaration, dataset, finds=finds)
    kept = tuple(part for part in (query.where, query.of.having) if part is not None)
    asked = replace(query, where=None if not kept else kept[0] if len(kept) == 1 else Both(kept))
    return _planned(asked, joins.gathered(), relation.scope, declaration, given, dataset, relation)


def _planned(
    query: Query,
    joins: Joins,
    catalog: Scope,
    declaration: DatasetDeclaration,
    price: Price,
    dataset: str,
    relation: Relation | None = None,
) -> QueryPlan:
    terms = tuple(_grouped(term, query.outputs, catalog) for term in query.group_by)
    group_by = tuple(dict.fromkeys(catalog.key(term) for term in terms))
    shown_ones = tuple(_asked(output, catalog, group_by, terms) for output in query.outputs)
    asked = (*shown_ones, *_tested(query.having, shown_ones, catalog))
    where = None if query.where is None else catalog.predicate(query.where)
    if relation is not None:
        declaration = relation.declaration(group_by)
    finds = price.delta is not None and relation is None
    summed = _columns(asked, _BOUNDED)
    declared = bounded(joins.with_public(declaration), catalog, dataset, group_by, summed, finds=finds)
    declared = joins.reach(declared)
    if relation is None:
        check_possible(where, declaration, catalog, dataset)
    else:
        check_gathered(where, declaration, catalog)
    measuring = Measuring(declared, catalog, frozenset(_columns(asked, _AVERAGED)))
    cells = [_cell(a, measuring, group_by) for a in asked]
    measured = measuring.measured(price)
    selection = _selection(declared, where, measured, catalog, joins)
    named = _outputs(asked, cells, measured.choices)
    outputs = named[: len(shown_ones)]
    order_by = _order(query, outputs, catalog)
    return QueryPlan(
        dataset=dataset,
        unit=declared.unit,
        aggregation=_applied(
            replace(measured.aggregation(declared, where), computed=catalog.computed), joins, relation
        ),
        measurements=measured.measurements,
        outputs=_labelled(group_by, outputs),
        order_by=order_by,
        limit=query.limit,
        cost=_cost(measured, selection, price),
        selection=selection,
        choices=measured.choices,
        bounds=declared.contribution,
        tested=named[len(shown_ones) :],
        having=None if query.having is None else _kept(query.having, named, len(shown_ones), catalog),
    )


def _applied(aggregation: ExactAggregation, joins: Joins, relation: Relation | None) -> ExactAggregation:
    """Put joins, or the gathering of rows, before an aggregation of what they give."""
    if relation is None:
        return joins.applied(aggregation)
    # Gathered rows are as few as their groups make them: none has to be held back.
    return replace(aggregation, gathering=relation.gathering, max_groups=None, max_rows_per_group=None)


def _selection(
    declared: Declared, where: Predicate | None, measured: Measured, catalog: Scope, joins: Joins
) -> Selection | None:
    """Plan how keys are found, where some are; joined rows are joined before that."""
    if not declared.finds_keys:
        return None
    if catalog.keys or predicate_columns(where) & catalog.clamps.keys():
        raise hints.FOUND.refusal()
    names = {key.column for key in declared.keys} | predicate_columns(where)
    return planned_selection(
        declared.keys,
        where,
        declared.contribution,
        measured.share,
        has_choices=bool(measured.choices),
        lookups=joins.lookups(names),
        times=joins.multiplicity,
    )


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
    is_computed: bool = False

    @property
    def default_name(self) -> str:
        if self.column is None:
            return "people" if self.function == "people" else "count"
        column = _as_name(self.column) if self.is_computed else self.column
        return column if self.function == "key" else f"{self.function}_{column}"


def _as_name(expression: str) -> str:
    """Write an expression as a name that can be typed: ``cost * 12`` as ``cost_times_12``."""
    spoken = "".join(_SPOKEN.get(letter, letter) for letter in expression)
    return re.sub(r"\W+", "_", spoken.lower()).strip("_")[:_NAME_MOST]


def _grouped(term: Term, outputs: Sequence[Output], catalog: Scope) -> Term:
    """Tell what is grouped by: a column by its name, else, when none is called so, an output by its alias."""
    if not isinstance(term, Name) or catalog.matches(term):
        return term
    aliased = {o.column for o in outputs if isinstance(o, KeyOutput) and o.alias and _is_meant(term, o.alias)}
    return aliased.pop() if len(aliased) == 1 else term


def _is_meant(name: Name, alias: str) -> bool:
    return alias == name.text or (not name.is_quoted and alias.casefold() == name.text.casefold())


def _asked(
    output: Output, catalog: Scope, group_by: Sequence[str] = (), terms: Sequence[Term] = ()
) -> _Asked:
    if isinstance(output, StatisticOutput) and output.function == "people":
        _check_person(output.column, catalog)
        return _Asked("people", None, output.alias)
    if isinstance(output, KeyOutput):
        key, is_computed = _key(output.column, catalog, group_by, terms), not isinstance(output.column, Name)
        return _Asked("key", key, output.alias, is_computed=is_computed)
    column = None if output.column is None else catalog.value(output.column)
    if output.function in _BOUNDED and column is not None and catalog.type_of(column) not in SUM_TYPES:
        use = _BOUNDED[output.function]
        raise catalog.misused(column, use, "Use COUNT, with a condition in WHERE.")
    is_computed = column is not None and not isinstance(output.column, Name)
    return _Asked(output.function, column, output.alias, output.quantile, is_computed)


def _key(term: Term, catalog: Scope, group_by: Sequence[str], terms: Sequence[Term]) -> str:
    """Find the key that is shown; anything else would show single rows."""
    if isinstance(term, Name) or term in terms:
        column = catalog.key(term)
        if column in group_by:
            return column
    raise Refused("dp.sql-raw-column", column=shown(written(term)))


def _check_person(name: Term | None, catalog: Scope) -> None:
    """Refuse to count distinct values of anything but the person."""
    if name is None or (isinstance(name, Name) and catalog.is_person(name)):
        return
    if isinstance(name, Name):
        catalog.find(name)
    raise hints.DISTINCT_VALUES.refusal()


def _tested(having: Having | None, asked: Sequence[_Asked], catalog: Scope) -> tuple[_Asked, ...]:
    """List what HAVING asks of that is not shown: measured, and charged, like an output."""
    known = {_meant(one) for one in asked}
    wanted = [_asked(one, catalog) for one in _statistics(having)]
    return tuple({_meant(one): one for one in wanted if _meant(one) not in known}.values())


def _meant(asked: _Asked) -> tuple[OutputKind, str | None, Fraction | None]:
    return asked.function, asked.column, asked.quantile


def _statistics(having: Having | None) -> Iterable[StatisticOutput]:
    match having:
        case Every(parts=parts) | Some(parts=parts):
            for part in parts:
                yield from _statistics(part)
        case NoisyTest(output=StatisticOutput() as output):
            yield output


def _kept(having: Having, outputs: Sequence[PlannedOutput], count: int, catalog: Scope) -> Kept:
    """Put the places of cells for what HAVING names; names mean outputs that are shown."""
    match having:
        case Every(parts=parts):
            return AllHold(tuple(_kept(part, outputs, count, catalog) for part in parts))
        case Some(parts=parts):
            return AnyHolds(tuple(_kept(part, outputs, count, catalog) for part in parts))
    if isinstance(having.output, Name):
        place = _called(having.output, outputs[:count])
        if place is None or outputs[place].column.kind == "key":
            raise hints.HAVING.refusal()
    else:
        place = _statistic_place(having.output, outputs, catalog)
        if place is None:
            raise hints.HAVING.refusal()
    return Test(having.op, place, Fraction(having.constant))


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


def _order(query: Query, outputs: Sequence[PlannedOutput], catalog: Scope) -> tuple[tuple[int, bool], ...]:
    return tuple(
        (by.output if isinstance(by.output, int) else _place(by.output, outputs, catalog), by.is_descending)
        for by in query.order_by
    )


def _place(by: Name | StatisticOutput, outputs: Sequence[PlannedOutput], catalog: Scope) -> int:
    """Find the output meant: by what it is called, else by what it shows."""
    if isinstance(by, StatisticOutput):
        place = _statistic_place(by, outputs, catalog)
        called = f"{by.function.upper()}({'*' if by.column is None else shown(written(by.column))})"
    else:
        place, called = _called(by, outputs), shown(by.text)
        if place is None and catalog.matches(by):
            place = _showing("key", catalog.find(by), outputs)
    if place is None:
        raise CallerError("dp.sql-order", column=called)
    return place


def _statistic_place(by: StatisticOutput, outputs: Sequence[PlannedOutput], catalog: Scope) -> int | None:
    asked = _asked(by, catalog)
    return _showing(asked.function, asked.column, outputs, asked.quantile)


def _called(name: Name, outputs: Sequence[PlannedOutput]) -> int | None:
    names = [output.column.name for output in outputs]
    if name.text in names:
        return names.index(name.text)
    blind = [known.casefold() for known in names]
    is_one = not name.is_quoted and blind.count(name.text.casefold()) == 1
    return blind.index(name.text.casefold()) if is_one else None


def _showing(
    kind: OutputKind,
    column: str | None,
    outputs: Sequence[PlannedOutput],
    quantile: Fraction | None = None,
) -> int | None:
    wanted = kind, column, None if quantile is None else quantile_text(quantile)
    shows = ((o.column.kind, o.column.source, o.column.quantile) for o in outputs)
    return next((place for place, known in enumerate(shows) if known == wanted), None)
