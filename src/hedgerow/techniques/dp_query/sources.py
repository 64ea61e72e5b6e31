"""The tables of a query: which ones a text names, and what a data set of a workspace may be joined with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlglot
from sqlglot import exp

from hedgerow.kernel.conditions.catalog import KINDS, shown
from hedgerow.kernel.conditions.hints import Hint
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.uses import DatasetView
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.joins import Joinable, PrivateTable
from hedgerow.techniques.dp_query.query import Query
from hedgerow.techniques.dp_query.units import PERSON

THREE = Hint(
    "a join of more than two data sets",
    "Join two data sets, and any public tables: with each more the bound on the rows of a person multiplies.",
)


def tables_named(sql: str | Query) -> tuple[str, ...]:
    """List the tables that a query names anywhere, each once; none where it is no query.

    Args:
        sql: The query, or one that was built without SQL.
    """
    if isinstance(sql, Query):
        return tuple(dict.fromkeys(join.table for join in sql.joins))
    # Most queries join nothing, and are not read twice for it.
    if "join" not in sql.casefold():
        return ()
    try:
        parsed = sqlglot.parse_one(sql)
    except Exception:  # noqa: BLE001 - whatever hostile text does to the parser, it is no query
        return ()
    own = {each.alias for each in parsed.find_all(exp.CTE)}
    named = (table.name for table in parsed.find_all(exp.Table) if isinstance(table.this, exp.Identifier))
    return tuple(dict.fromkeys(name for name in named if name and name not in own))


def asked_of(sql: str, names: Sequence[str]) -> str:
    """Tell which of several private tables a query is put to: the one that FROM names first.

    Args:
        sql: The query.
        names: The tables there are.

    Raises:
        CallerError: ``dp.sql-malformed`` when it names none, ``dp.sql-dataset`` when it names another.
    """
    try:
        source = sqlglot.parse_one(sql).args.get("from_")
    except Exception:  # noqa: BLE001 - whatever hostile text does to the parser, it is no query
        raise CallerError("dp.sql-malformed") from None
    table = None if source is None else source.this
    while isinstance(table, exp.Subquery):
        source = table.this.args.get("from_")
        table = None if source is None else source.this
    if not isinstance(table, exp.Table):
        raise CallerError("dp.sql-malformed")
    if table.name not in names:
        raise CallerError("dp.sql-dataset", dataset=shown(names[0]))
    return table.name


def columns_of(dataset: DatasetView) -> tuple[dict[str, ColumnType], frozenset[str]]:
    """Tell the types of the columns that queries read, and which take no part in queries.

    Those are of the vault, of people, and that of households where no keys of it are declared.

    Args:
        dataset: A data set of a workspace.
    """
    hidden = {c.name for c in dataset.columns if c.in_vault} | {dataset.subject_column}
    household = dataset.declaration.household
    if household is not None:
        declared = dataset.declaration.column(household)
        hidden |= set() if declared.keys or declared.clamp else {household}
    return {c.name: ColumnType(c.type) for c in dataset.columns if c.name not in hidden}, frozenset(hidden)


def joined_with(dataset: DatasetView) -> Mapping[str, Joinable]:
    """List what a data set may be joined with: public tables, and one other data set on the person.

    Args:
        dataset: The data set that is asked, with the others of the use.

    Raises:
        Refused: ``dp.sql-unsupported`` for a third data set, ``dp.unit-in-workspace``.
        CallerError: ``dp.join-types`` where the two name people by values of different types.
    """
    if not dataset.others:
        return dataset.public
    if len(dataset.others) > 1:
        raise THREE.refusal()
    tables: dict[str, Joinable] = dict(dataset.public)
    for name, other in dataset.others.items():
        if other.declaration.unit != PERSON:
            raise Refused("dp.unit-in-workspace", dataset=name, unit=other.declaration.unit)
        _check_references(dataset, other)
        columns, hidden = columns_of(other)
        kinds = {**columns, **dict.fromkeys(hidden)}
        person = other.subject_column
        tables[name] = PrivateTable(name, kinds, person, other.declaration, is_apart=True)
    return tables


def _check_references(dataset: DatasetView, other: DatasetView) -> None:
    """Refuse to take a text and a number for the same person because they are written alike."""
    ours, theirs = (each.column(each.subject_column) for each in (dataset, other))
    kinds = [None if one is None else ColumnType(one.type) for one in (ours, theirs)]
    if kinds[0] is None or kinds[0] is not kinds[1]:
        told = ["people" if kind is None else KINDS[kind] for kind in kinds]
        raise CallerError(
            "dp.join-types",
            column=dataset.subject_column,
            kind=told[0],
            other=other.subject_column,
            their_kind=told[1],
        )
