"""What an engine elsewhere must be asked for a private query: bounded, exact, never to leave its owner."""

from __future__ import annotations

from hedgerow.kernel.transpile import DIALECTS, Dialect, Kind, Source, SourceColumn, transpile
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import BinCounts
from hedgerow.model.uses import DatasetView, Json
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.planned import QueryPlan
from hedgerow.techniques.dp_query.units import PERSON

WARNING = (
    "What these statements return is exact and not private: it must never leave who owns the engine. "
    "Hedgerow adds the noise and keeps the ledger; nothing has been added or charged here."
)
_SAID = {
    "CountRows": "rows",
    "CountPeople": "people",
    "SumValues": "sum",
    "SumSquares": "sum of squared distances from the middle of the bounds",
    "BinCounts": "rows by nearest candidate",
    "EdgeCounts": "rows by edges",
}
_KINDS = {
    ColumnType.TEXT: Kind.TEXT,
    ColumnType.INTEGER: Kind.WHOLE,
    ColumnType.DECIMAL: Kind.REAL,
    ColumnType.BOOLEAN: Kind.TRUTH,
    ColumnType.DATE: Kind.DATE,
    ColumnType.TIMESTAMP: Kind.MOMENT,
}


def engine_sql(plan: object, dataset: DatasetView, dialect: str) -> dict[str, Json]:
    """Write the exact part of a planned query for an engine, over a table that is called like the data set.

    Args:
        plan: The plan of a query; any other is refused.
        dataset: Its columns; the table has columns of these names, and one that names the person.
        dialect: The engine.

    Returns:
        ``dialect``, ``statements`` to be run in order, ``columns`` of the result in words, ``histograms``
        likewise, and ``warning``.

    Raises:
        CallerError: ``engine.dialect``, or what cannot be written for it, by name.
    """
    known = {each: each for each in DIALECTS}
    if dialect not in known:
        raise CallerError("engine.dialect", dialects=", ".join(DIALECTS))
    if not isinstance(plan, QueryPlan):
        raise CallerError("engine.element", element=type(plan).__name__)
    if plan.selection is not None:
        raise CallerError("engine.element", element="discover_keys")
    if dataset.declaration.unit != PERSON or plan.aggregation.of_unit is not None:
        raise CallerError("engine.element", element="unit")
    columns = {one.name: SourceColumn(_KINDS[ColumnType(one.type)]) for one in dataset.columns}
    person = columns.get(dataset.subject_column, SourceColumn(Kind.TEXT))
    source = Source((dataset.name,), dataset.subject_column, person, columns)
    chosen: Dialect = known[dialect]
    made = transpile(plan.aggregation, source, chosen)
    return {
        "dialect": dialect,
        "statements": list(made.statements),
        "columns": ["group", *(_named(one) for one in plan.aggregation.aggregates)],
        "histograms": [_named(one) for one in plan.aggregation.histograms],
        "groups": made.groups,
        "warning": WARNING,
    }


def _named(one: object) -> str:
    """Name an integer of the result by what it counts, and the size of its steps."""
    column = getattr(one, "column", None)
    fixed = one.values if isinstance(one, BinCounts) else one
    digits = getattr(fixed, "digits", None)
    what = _SAID.get(type(one).__name__, "values")
    shown = what if column is None else f"{what} of {column}"
    return shown if digits is None else f"{shown}, in steps of 1e-{digits}"
