"""SQL text into our own frozen types; whatever is not on the list here is refused.

Every syntax node must be of a kind named below and carry only the parts named with it, so that a
feature this file has never heard of is refused and not ignored.
"""

from __future__ import annotations

import re

import sqlglot
from sqlglot import exp

from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_query.conditions import condition, constant_number, name_of, only
from hedgerow.techniques.dp_query.query import (
    Function,
    KeyOutput,
    Name,
    Ordering,
    Output,
    Query,
    StatisticOutput,
)

TEXT_MAX = 20_000
OUTPUTS_MAX = 50
_ROWS_SHOWN_MAX = 10**6
_SELECT = re.compile(r"\s*select\b", re.IGNORECASE)

_FUNCTIONS: dict[type[exp.Expr], Function] = {exp.Count: "count", exp.Sum: "sum", exp.Avg: "mean"}
_CLAUSES = {
    "joins": "a join",
    "laterals": "a join",
    "having": "HAVING",
    "distinct": "DISTINCT",
    "qualify": "QUALIFY",
    "windows": "a window",
    "with_": "WITH",
    "offset": "OFFSET",
    "into": "INTO",
    "pivots": "PIVOT",
    "sample": "sampling",
}


def parse(sql: str, dataset: str) -> Query:
    """Read one SELECT over one data set.

    Args:
        sql: The query: ``COUNT(*)``, ``COUNT(col)``, ``SUM(col)``, ``AVG(col)`` with aliases;
            optional ``FROM dataset``, ``WHERE`` of comparisons of columns with constants,
            ``GROUP BY`` columns, ``ORDER BY`` output names and ``LIMIT``. The last two are
            applied to the noisy rows.
        dataset: The data set the query is put to.

    Returns:
        The query.

    Raises:
        CallerError: ``dp.sql-malformed`` when it is no SQL, ``dp.sql-dataset`` when it names
            another data set.
        Refused: ``dp.sql-unsupported`` when a part of it cannot be bounded.
    """
    select = _select(sql)
    _source(select, dataset)
    group_by = _group_by(select.args.get("group"))
    outputs = tuple(_output(part) for part in select.expressions)
    if len(outputs) > OUTPUTS_MAX:
        raise _no(f"a list of more than {OUTPUTS_MAX} outputs")
    if not any(isinstance(output, StatisticOutput) for output in outputs):
        raise Refused("dp.sql-no-aggregate")
    return Query(
        outputs,
        group_by,
        None if (where := select.args.get("where")) is None else condition(where.this),
        _order_by(select.args.get("order")),
        _limit(select.args.get("limit")),
    )


def _no(part: str) -> Refused:
    return Refused("dp.sql-unsupported", part=part)


def _select(sql: str) -> exp.Select:
    if not isinstance(sql, str) or len(sql) > TEXT_MAX or not _SELECT.match(sql):
        raise CallerError("dp.sql-malformed")
    try:
        statements = sqlglot.parse(sql, error_level=sqlglot.ErrorLevel.RAISE)
    except Exception:  # noqa: BLE001 - whatever hostile text does to the parser, it is no query
        raise CallerError("dp.sql-malformed") from None
    if len(statements) != 1:
        raise _no("more than one statement")
    select = statements[0]
    if not isinstance(select, exp.Select):
        raise _no("a union or another statement" if select is not None else "an empty statement")
    for clause, part in _CLAUSES.items():
        if select.args.get(clause):
            raise _no(part)
    return only(select, "a clause", "expressions", "from_", "where", "group", "order", "limit")


def _source(select: exp.Select, dataset: str) -> None:
    source = select.args.get("from_")
    if source is None:
        return
    table = only(source, "a source", "this").this
    if not isinstance(table, exp.Table):
        raise _no("a sub-query")
    only(table, "a qualified, sampled or renamed data set", "this")
    if not isinstance(table.this, exp.Identifier):
        raise _no("a table function")
    if table.this.name != dataset:
        raise CallerError("dp.sql-dataset", dataset=dataset)


def _group_by(group: exp.Expr | None) -> tuple[Name, ...]:
    if group is None:
        return ()
    names: list[Name] = []
    for part in only(group, "GROUP BY ALL, ROLLUP or CUBE", "expressions").expressions:
        if not isinstance(part, exp.Column):
            raise _no("GROUP BY an expression or a position")
        names.append(name_of(part))
    return tuple(dict.fromkeys(names))


def _output(part: exp.Expr) -> Output:
    alias = None
    if isinstance(part, exp.Alias):
        only(part, "an alias of several names", "this", "alias")
        alias, part = part.alias, part.this
    if isinstance(part, exp.Column):
        return KeyOutput(name_of(part), alias)
    if isinstance(part, exp.Star):
        raise _no("SELECT *")
    function = _FUNCTIONS.get(type(part))
    if function is None:
        raise _no(_called(part))
    return StatisticOutput(function, _argument(part, function), alias)


def _argument(part: exp.Expr, function: Function) -> Name | None:
    inner = only(part, "an aggregate with options", "this", "big_int").this
    if isinstance(inner, exp.Star) and function == "count":
        only(inner, "COUNT(*) with exceptions")
        return None
    if isinstance(inner, exp.Distinct):
        raise _no("DISTINCT")
    if not isinstance(inner, exp.Column):
        raise _no("an aggregate of anything but one plain column")
    return name_of(inner)


_NAMED: dict[type[exp.Expr], str] = {
    exp.Min: "MIN",
    exp.Max: "MAX",
    exp.Median: "MEDIAN",
    exp.Window: "a window function",
    exp.Filter: "FILTER",
    exp.Case: "CASE",
    exp.Subquery: "a sub-query",
    exp.Literal: "a constant in the result",
    exp.Distinct: "DISTINCT",
    exp.Cast: "CAST",
}


def _called(part: exp.Expr) -> str:
    for kind, name in _NAMED.items():
        if isinstance(part, kind):
            return name
    return "a function" if isinstance(part, exp.Func) else "an expression on columns"


def _order_by(order: exp.Expr | None) -> tuple[Ordering, ...]:
    if order is None:
        return ()
    return tuple(_ordering(part) for part in only(order, "ORDER SIBLINGS", "expressions").expressions)


def _ordering(part: exp.Expr) -> Ordering:
    ordered = only(part, "ORDER BY ... WITH FILL", "this", "desc", "nulls_first")
    if not isinstance(ordered.this, exp.Column):
        raise _no("ORDER BY anything but the name of an output")
    return Ordering(name_of(ordered.this), bool(ordered.args.get("desc")))


def _limit(limit: exp.Expr | None) -> int | None:
    if limit is None:
        return None
    if not isinstance(limit, exp.Limit):
        raise _no("FETCH")
    shown = constant_number(only(limit, "LIMIT with options", "expression").args["expression"])
    if not isinstance(shown, int) or not 0 <= shown <= _ROWS_SHOWN_MAX:
        raise _no("LIMIT with anything but a whole number")
    return shown
