"""A sub-query that gathers the rows of each person: its columns, and conditions on them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.catalog import shown
from hedgerow.kernel.conditions.parts import Condition, Name, Term
from hedgerow.kernel.conditions.reading import condition, name_of
from hedgerow.model.answers import Function
from hedgerow.model.errors import CallerError
from hedgerow.techniques.dp_query.query import Gather, KeyOutput, Output, PerPerson, StatisticOutput
from hedgerow.techniques.dp_query.statistics import is_statistic, statistic
from hedgerow.techniques.dp_query.terms import written

FUNCTIONS: tuple[Function, ...] = ("count", "sum", "min", "max", "mean")


def per_person(
    outputs: Sequence[Output],
    group_by: tuple[Term, ...],
    where: Condition | None,
    having: exp.Expr | None = None,
) -> PerPerson:
    """Build a sub-query of gathered rows.

    Args:
        outputs: Its columns, each with a name.
        group_by: What it groups by.
        where: Which rows count.
        having: A condition on gathered rows, as a node of the syntax tree.

    Returns:
        The sub-query; what only its condition asks of is one of its columns too.

    Raises:
        Refused: ``dp.sql-unsupported`` for a statistic that is not gathered, or one without a name.
        CallerError: ``dp.sql-name-twice``.
    """
    if not group_by:
        raise hints.NO_PERSON.refusal()
    columns = [_column(output) for output in outputs]
    names = [name.text for name, _ in columns]
    for name in names:
        if names.count(name) > 1:
            raise CallerError("dp.sql-name-twice", column=shown(name))
    kept = None if having is None else condition(having, operand=lambda side: _asked(side, columns))
    return PerPerson(tuple(columns), group_by, where, kept)


def gathered(output: StatisticOutput) -> Gather:
    """Tell what is gathered.

    Raises:
        Refused: ``dp.sql-unsupported`` where it is none of the five.
    """
    if output.function not in FUNCTIONS:
        raise hints.GATHERED.refusal()
    return Gather(output.function, output.column)


def _column(output: Output) -> tuple[Name, Term | Gather]:
    if isinstance(output, KeyOutput):
        named = output.column.text if isinstance(output.column, Name) else None
        what: Term | Gather = output.column
    else:
        named, what = None, gathered(output)
    alias = output.alias or named
    if alias is None:
        raise hints.UNNAMED.refusal()
    return Name(alias, is_quoted=True), what


def _asked(side: exp.Expr, columns: list[tuple[Name, Term | Gather]]) -> Term:
    """Read one side of a condition; a statistic that is no column yet becomes one."""
    if isinstance(side, exp.Paren):
        return _asked(side.this, columns)
    if not is_statistic(side):
        return name_of(side)
    wanted = gathered(statistic(side, None))
    for name, what in columns:
        if what == wanted:
            return name
    name = free_name(wanted, [known for known, _ in columns])
    columns.append((name, wanted))
    return name


def free_name(what: Gather, taken: Sequence[Name]) -> Name:
    """Name a column that the query does not name, as no other is."""
    text = f"{what.function.upper()}({'*' if what.column is None else shown(written(what.column))})"
    while any(name.text.casefold() == text.casefold() for name in taken):
        text += "'"
    return Name(text, is_quoted=True)
