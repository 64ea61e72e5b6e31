"""Private queries on a data frame in memory, with an explicit budget and no workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hedgerow.kernel.accounting import Budget
from hedgerow.model.answers import UNGOVERNED, Answer
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.plan import plan_query
from hedgerow.techniques.dp_query.planned import QueryPlan
from hedgerow.techniques.dp_query.price import Price
from hedgerow.techniques.dp_query.resolve import shown
from hedgerow.techniques.dp_query.run import run

FRAME = "frame"
# Without a workspace there is no data set to show: the next step is a call instead of a command.
_HERE = {
    "dp.undeclared": "dp.undeclared-frame",
    "dp.undeclared-key": "dp.undeclared-key-frame",
    "dp.out-of-bounds": "dp.out-of-bounds-frame",
}


def query(
    frame: Any,  # noqa: ANN401 - any data frame
    sql: str,
    *,
    person: str,
    declaration: DatasetDeclaration,
    epsilon: str | float | Decimal | Fraction | None = None,
    rho: str | float | Decimal | Fraction | None = None,
    discover_keys: str | float | Decimal | Fraction | None = None,
    budget: Budget,
) -> tuple[Answer, Budget]:
    """Answer a query privately on a data frame.

    Args:
        frame: An Arrow table, or a Polars or pandas data frame (anything narwhals reads).
        sql: As for ``hedgerow query``; FROM may be left out or say ``frame``.
        person: The column that names the person of each row; rows about nobody do not count.
        declaration: Rows per person, bounds and keys, from :func:`declare`; knowledge from
            outside the data, never read from it.
        epsilon: What the answer may cost, with Laplace noise.
        rho: What it may cost instead, with Gaussian noise (zero-concentrated); the budget needs a delta then.
        discover_keys: A delta: keys that are not declared are found in the data then, and it is the chance
            that they tell more. The budget keeps a part of its delta for such: ``Budget.of(1, "1e-6",
            own="1e-7")``.
        budget: What it is taken from.

    Returns:
        The answer and the budget that is left. The old budget value is the caller's to discard:
        spending it again is not seen by anyone.

    Raises:
        Refused: ``dp.budget-exhausted``, ``dp.budget-no-delta``, ``dp.undeclared-frame``, or what cannot be
            bounded.
        CallerError: When the query, the frame, the epsilon or the rho is malformed; ``dp.one-price``.

    Guarantee: epsilon-differential privacy, or rho-zCDP, for adding or removing all rows of one person.
    Cost: exactly ``epsilon`` or ``rho``, spent before the values are read.
    """
    table = arrow_of(frame)
    plan = _plan(table, sql, person, declaration, Price.of(epsilon, rho, discover_keys))
    left = budget.spend(plan.cost)
    from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people, search_keys

    whom = table.column(person)
    ranks, people = draw_ranks(whom), number_people(whom)
    if plan.selection is not None:
        plan = plan.selecting(search_keys(table, ranks, plan.selection.search, people))
    exact = aggregate(table, ranks, plan.aggregation, people)
    answer = replace(run(exact, plan), standing=UNGOVERNED)
    return answer.with_left(left.left, budget.limit.epsilon), left


def explain(
    frame: Any,  # noqa: ANN401 - any data frame
    sql: str,
    *,
    person: str,
    declaration: DatasetDeclaration,
    epsilon: str | float | Decimal | Fraction | None = None,
    rho: str | float | Decimal | Fraction | None = None,
    discover_keys: str | float | Decimal | Fraction | None = None,
) -> Mapping[str, Any]:
    """Tell what a query would compute, cost and how wrong it may be, without reading a value.

    Args:
        frame: Its column names and types are read, nothing else.
        sql: The query.
        person: The column that names the person of each row.
        declaration: Rows per person, bounds and keys.
        epsilon: What the answer would cost.
        rho: What it would cost instead, with Gaussian noise.
        discover_keys: A delta, where keys would be found in the data.

    Returns:
        The plan as plain values.

    Raises:
        Refused: What cannot be bounded.
        CallerError: When the query, the frame, the epsilon or the rho is malformed.
    """
    price = Price.of(epsilon, rho, discover_keys)
    return _plan(arrow_of(frame), sql, person, declaration, price).describe()


def _plan(
    table: Any,  # noqa: ANN401 - an Arrow table
    sql: str,
    person: str,
    declaration: DatasetDeclaration,
    price: Price,
) -> QueryPlan:
    if table.column_names.count(person) != 1:
        raise CallerError("dp.unknown-column", column=shown(str(person)), dataset=FRAME)
    kinds = {name: kind for name, kind in _kinds(table.schema).items() if name != person}
    readable = {name: kind for name, kind in kinds.items() if kind is not None}
    hidden = {person} | (kinds.keys() - readable.keys())
    try:
        return plan_query(sql, declaration, readable, price, FRAME, hidden, person)
    except Refused as refusal:
        if refusal.code not in _HERE:
            raise
        raise Refused(_HERE[refusal.code], **refusal.details) from None


def arrow_of(frame: Any) -> Any:  # noqa: ANN401 - data frames of several libraries
    """Take a data frame as an Arrow table.

    Args:
        frame: An Arrow table, or a Polars or pandas data frame.

    Returns:
        The table.

    Raises:
        CallerError: ``dp.not-a-frame``.
    """
    import pyarrow as pa

    if isinstance(frame, pa.Table):
        return frame
    import narwhals as nw

    try:
        return nw.from_native(frame, eager_only=True).to_arrow()
    except (TypeError, ValueError, pa.ArrowException, nw.exceptions.NarwhalsError):
        raise CallerError("dp.not-a-frame") from None


def _kinds(schema: Any) -> dict[str, ColumnType | None]:  # noqa: ANN401 - an Arrow schema
    """Tell the logical type of each column; none where queries cannot read it."""
    from pyarrow import types

    tests = (
        (types.is_boolean, ColumnType.BOOLEAN),
        (types.is_integer, ColumnType.INTEGER),
        (types.is_floating, ColumnType.DECIMAL),
        (types.is_decimal, ColumnType.DECIMAL),
        (types.is_string, ColumnType.TEXT),
        (types.is_large_string, ColumnType.TEXT),
        (types.is_string_view, ColumnType.TEXT),
        (types.is_date, ColumnType.DATE),
        (types.is_timestamp, ColumnType.TIMESTAMP),
    )

    def kind(column: Any) -> ColumnType | None:  # noqa: ANN401 - an Arrow type
        plain = column.value_type if types.is_dictionary(column) else column
        return next((named for test, named in tests if test(plain)), None)

    return {field.name: kind(field.type) for field in schema}
