"""SQL text into our own frozen types; whatever is not on the list here is refused.

Every syntax node must be of a kind named below and carry only the parts named with it, so that a
feature this file has never heard of is refused and not ignored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

import sqlglot
from sqlglot import exp

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.hints import OUTPUTS_MAX
from hedgerow.kernel.conditions.parts import Fixed, Term
from hedgerow.kernel.conditions.reading import condition, constant_number, name_of, only
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_query.having import having
from hedgerow.techniques.dp_query.inner import Inner, gathered_through, inner_of, seen_through
from hedgerow.techniques.dp_query.joins import Joins
from hedgerow.techniques.dp_query.keywords import with_quoted_columns
from hedgerow.techniques.dp_query.per_person import per_person
from hedgerow.techniques.dp_query.query import KeyOutput, Ordering, Output, PerPerson, Query, StatisticOutput
from hedgerow.techniques.dp_query.statistics import is_statistic, statistic
from hedgerow.techniques.dp_query.terms import is_term, names_in, term

TEXT_MAX = 20_000
_ROWS_SHOWN_MAX = 10**6
# Possessive, so that hostile text is read once: space and remarks, then the first word.
_START = re.compile(r"(?:\s++|--[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)*+")
_POSITION = re.compile(r"[0-9]{1,4}", re.ASCII)
_SELECT = re.compile(r"select\b", re.IGNORECASE)
_OPENINGS = (
    (re.compile(r"select\s+top\s*[0-9(]", re.IGNORECASE), hints.TOP),
    (re.compile(r"with\b", re.IGNORECASE), hints.WITH),
    (re.compile(r"explain\b", re.IGNORECASE), hints.EXPLAIN),
    (re.compile(r"from\b|\(\s*select\b", re.IGNORECASE), hints.OPENING),
)

_CLAUSES = {
    "joins": hints.JOIN,
    "laterals": hints.JOIN,
    "distinct": hints.DISTINCT_ROWS,
    "qualify": hints.WINDOW,
    "windows": hints.WINDOW,
    "with_": hints.WITH,
    "offset": hints.OFFSET,
    "into": hints.INTO,
    "pivots": hints.PIVOT,
    "sample": hints.SAMPLE,
}


def parse(sql: str, dataset: str, columns: Collection[str] = (), joins: Joins | None = None) -> Query:
    """Read one SELECT over one data set, joined with public tables.

    Args:
        sql: The query: ``COUNT(*)``, ``COUNT(col)``, ``COUNT(DISTINCT person)``, ``SUM(col)``, ``AVG(col)``,
            ``MEDIAN(col)``,
            ``QUANTILE(col, 0.25)`` (or ``PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY col)``), ``MIN(col)``,
            ``MAX(col)``, ``VARIANCE(col)``, ``STDDEV(col)`` with aliases, of columns or expressions on them;
            optional ``FROM dataset`` or one sub-query of it, of single rows or with one row for each
            person (``GROUP BY person``),
            ``WHERE`` of comparisons of columns and expressions with constants, ``GROUP BY`` columns,
            expressions with public values, or their aliases or positions, ``HAVING`` of statistics and
            numbers, ``ORDER BY`` outputs by name, position or statistic, and ``LIMIT``. The last three
            are applied to the noisy rows.
        dataset: The data set the query is put to.
        columns: Its columns; one that is named like a word of SQL needs no quotes.
        joins: Takes in what the data set is joined with; without it a join is refused.

    Returns:
        The query.

    Raises:
        CallerError: ``dp.sql-malformed`` when it is no SQL, ``dp.sql-dataset`` when it names
            another data set.
        Refused: ``dp.sql-unsupported`` when a part of it cannot be bounded.
    """
    select = _select(sql, columns)
    inner, of = _source(select, dataset, columns, joins)
    only(select, hints.CLAUSE, "expressions", "from_", "where", "group", "having", "order", "limit")
    groups = _groups(select.args.get("group"))
    outputs = tuple(_output(part) for part in select.expressions)
    if len(outputs) > OUTPUTS_MAX:
        raise hints.OUTPUTS.refusal()
    if not any(isinstance(output, StatisticOutput) for output in outputs):
        raise Refused("dp.sql-no-aggregate")
    query = Query(
        outputs,
        tuple(dict.fromkeys(_grouped(part, outputs) for part in groups)),
        None if (where := select.args.get("where")) is None else condition(where.this, operand=term),
        _order_by(select.args.get("order"), len(outputs)),
        _limit(select.args.get("limit")),
        None if (kept := select.args.get("having")) is None else having(kept.this),
    )
    return replace(query if inner is None else seen_through(query, inner), of=of)


def _statements(sql: str) -> list[exp.Expr | None] | None:
    try:
        return sqlglot.parse(sql, error_level=sqlglot.ErrorLevel.RAISE)
    except Exception:  # noqa: BLE001 - whatever hostile text does to the parser, it is no query
        return None


def _select(sql: str, columns: Collection[str]) -> exp.Select:
    if not isinstance(sql, str) or len(sql) > TEXT_MAX:
        raise CallerError("dp.sql-malformed")
    _check_opening(sql)
    statements = _statements(sql)
    if statements is None and (quoted := with_quoted_columns(sql, columns)) is not None:
        statements = _statements(quoted)
    if statements is None:
        raise CallerError("dp.sql-malformed")
    if len(statements) != 1:
        raise hints.SEVERAL.refusal()
    select = statements[0]
    if not isinstance(select, exp.Select):
        raise hints.UNION.refusal()
    return select


def _check_opening(sql: str) -> None:
    start = _START.match(sql)
    place = start.end() if start else 0
    for opening, hint in _OPENINGS:
        if opening.match(sql, place):
            raise hint.refusal()
    if not _SELECT.match(sql, place):
        raise CallerError("dp.sql-malformed")


def _source(
    select: exp.Select, dataset: str, columns: Collection[str], joins: Joins | None
) -> tuple[Inner | None, PerPerson | None]:
    """Check what is asked, and take its name away from before the columns; read a sub-query."""
    if joins is not None:
        joins.take(select)
    for clause, hint in _CLAUSES.items():
        if select.args.get(clause):
            raise hint.refusal()
    source = select.args.get("from_")
    if source is None:
        _bare(select, dataset)
        return None, None
    table = only(source, hints.CLAUSE, "this").this
    if isinstance(table, exp.Subquery):
        return _inner(select, table, dataset, columns, joins)
    if not isinstance(table, exp.Table):
        raise hints.FROM_QUERY.refusal()
    if table.args.get("sample"):
        raise hints.SAMPLE.refusal()
    only(table, hints.QUALIFIED, "this", "alias")
    if not isinstance(table.this, exp.Identifier):
        raise hints.QUALIFIED.refusal()
    if table.this.name != dataset:
        raise CallerError("dp.sql-dataset", dataset=dataset)
    alias = table.args.get("alias")
    _bare(select, dataset if alias is None else only(alias, hints.ALIAS, "this").name)
    return None, None


def _inner(
    select: exp.Select, table: exp.Subquery, dataset: str, columns: Collection[str], joins: Joins | None
) -> tuple[Inner | None, PerPerson | None]:
    only(table, hints.INNER_CLAUSE, "this", "alias")
    nested = table.this
    if not isinstance(nested, exp.Select):
        raise hints.FROM_QUERY.refusal()
    inside, of = _source(nested, dataset, columns, joins)
    only(nested, hints.INNER_CLAUSE, "expressions", "from_", "where", "group", "having")
    read: Inner | None = None
    if _gathers(nested):
        if of is not None:
            raise hints.GATHERED_TWICE.refusal()
        of = _per_person(nested)
        of = of if inside is None else gathered_through(of, inside)
    else:
        known = columns if of is None else [name.text for name, _ in of.columns]
        read = inner_of(nested, inside, known)
    alias = table.args.get("alias")
    nested.pop()
    if alias is not None:
        _bare(select, only(alias, hints.ALIAS, "this").name)
    return read, of


def _gathers(select: exp.Select) -> bool:
    """Tell whether a sub-query works something out of several rows."""
    has_statistic = any(
        is_statistic(node) or isinstance(node, exp.AggFunc) for node in select.find_all(exp.Expr)
    )
    return has_statistic or any(select.args.get(clause) for clause in ("group", "having"))


def _per_person(select: exp.Select) -> PerPerson:
    """Read a sub-query that is grouped by the person."""
    if any(isinstance(part, exp.Star) for part in select.expressions):
        raise hints.UNGROUPED.refusal()
    outputs = tuple(_inside(part) for part in select.expressions)
    group_by = tuple(_grouped(part, outputs) for part in _groups(select.args.get("group")))
    where, kept = select.args.get("where"), select.args.get("having")
    rows = None if where is None else condition(where.this, operand=term)
    return per_person(outputs, group_by, rows, None if kept is None else kept.this)


def _inside(part: exp.Expr) -> Output:
    """Read a column of gathered rows."""
    bare = part.this if isinstance(part, exp.Alias) else part
    if not is_statistic(bare) and any(bare.find_all(exp.AggFunc)):
        raise hints.GATHERED_NESTED.refusal()
    return _output(part)


def _bare(select: exp.Select, source: str) -> None:
    """Take the name of the one data set away from before its columns; another stays and is refused."""
    for column in select.find_all(exp.Column):
        if column.table and column.table.casefold() == source.casefold():
            column.set("table", None)


def _groups(group: exp.Expr | None) -> list[exp.Expr]:
    if group is None:
        return []
    parts = [part.unnest() for part in only(group, hints.ROLLUP, "expressions").expressions]
    for part in parts:
        if not isinstance(part, exp.Column | exp.Literal) and not is_term(part):
            raise hints.of_group(part).refusal()
    return parts


def _grouped(part: exp.Expr, outputs: Sequence[Output]) -> Term:
    if isinstance(part, exp.Column):
        return name_of(part)
    if is_term(part):
        return _shown_term(part)
    place = _place(part, len(outputs))
    output = None if place is None else outputs[place]
    if not isinstance(output, KeyOutput):
        raise hints.GROUP_PLACE.refusal()
    return output.column


def _place(part: exp.Expr, outputs: int) -> int | None:
    """Read the position of an output, from 1 in SQL and from 0 here."""
    if not isinstance(part, exp.Literal) or part.is_string or not _POSITION.fullmatch(str(part.this)):
        return None
    place = int(part.this) - 1
    return place if 0 <= place < outputs else None


def _output(part: exp.Expr) -> Output:
    alias = None
    if isinstance(part, exp.Alias):
        only(part, hints.ARITHMETIC, "this", "alias")
        alias, part = part.alias, part.this
    if isinstance(part, exp.Column):
        return KeyOutput(name_of(part), alias)
    if isinstance(part, exp.Star):
        raise hints.STAR.refusal()
    if is_term(part) and part.find(exp.AggFunc) is None:
        return KeyOutput(_shown_term(part), alias)
    if not is_statistic(part):
        raise hints.of_output(part).refusal()
    return statistic(part, alias)


def _shown_term(part: exp.Expr) -> Term:
    """Read an expression that stands as a group: one that reads at least one column."""
    read = term(part)
    if isinstance(read, Fixed) or not any(names_in(read)):
        raise hints.CONSTANT_SHOWN.refusal()
    return read


def _order_by(order: exp.Expr | None, outputs: int) -> tuple[Ordering, ...]:
    if order is None:
        return ()
    parts = only(order, hints.ORDER, "expressions").expressions
    return tuple(_ordering(part, outputs) for part in parts)


def _ordering(part: exp.Expr, outputs: int) -> Ordering:
    ordered = only(part, hints.ORDER, "this", "desc", "nulls_first")
    is_descending = bool(ordered.args.get("desc"))
    if is_descending and ordered.args.get("nulls_first"):
        raise hints.NULLS_FIRST.refusal()
    by = ordered.this.unnest()
    if isinstance(by, exp.Column):
        return Ordering(name_of(by), is_descending)
    if is_statistic(by):
        return Ordering(statistic(by, None), is_descending)
    place = _place(by, outputs)
    if place is None:
        raise hints.ORDER.refusal()
    return Ordering(place, is_descending)


def _limit(limit: exp.Expr | None) -> int | None:
    if limit is None:
        return None
    if not isinstance(limit, exp.Limit):
        raise hints.FETCH.refusal()
    shown = only(limit, hints.LIMIT, "expression").args["expression"]
    rows = constant_number(shown) if isinstance(shown, exp.Literal) and not shown.is_string else None
    if not isinstance(rows, int) or rows > _ROWS_SHOWN_MAX:
        raise hints.LIMIT.refusal()
    if rows == 0:
        raise hints.LIMIT_NONE.refusal()
    return rows
