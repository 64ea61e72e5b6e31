"""Sub-queries that keep the person: each row of the data set gives one row or none, and stays its owner's.

What an inner column is stands in the place of its name before anything is planned. So a name that hides a
column of the data set never takes over what is declared of that column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.catalog import shown
from hedgerow.kernel.conditions.parts import Both, Condition, Fixed, Name, Term
from hedgerow.kernel.conditions.reading import condition, name_of, only
from hedgerow.model.errors import CallerError
from hedgerow.techniques.dp_query.query import (
    Every,
    Gather,
    Having,
    KeyOutput,
    NoisyTest,
    Ordering,
    Output,
    PerPerson,
    Query,
    Some,
    StatisticOutput,
)
from hedgerow.techniques.dp_query.terms import (
    is_term,
    names_in,
    names_in_test,
    renamed,
    renamed_in,
    term,
)

_PERSON = "person"


@dataclass(frozen=True, slots=True)
class Inner:
    """The rows a sub-query gives.

    Args:
        columns: Each name with what it means in terms of the data set.
        where: Which rows there are; none means all.
        is_open: Whether every other column of the data set is there too.
    """

    columns: tuple[tuple[Name, Term], ...]
    where: Condition | None
    is_open: bool

    def meant(self, name: Name) -> Term:
        """Tell what a name outside means: by its exact text, else, where not quoted, whatever the case.

        Raises:
            CallerError: ``dp.unknown-column`` or ``dp.ambiguous-column``.
        """
        matches = [meant for known, meant in self.columns if known.text == name.text]
        if not matches and not name.is_quoted:
            blind = name.text.casefold()
            matches = [meant for known, meant in self.columns if known.text.casefold() == blind]
        if len(matches) > 1:
            raise CallerError("dp.ambiguous-column", column=shown(name.text), by="alias")
        if matches:
            return matches[0]
        if self.is_open:
            return name
        raise CallerError("dp.unknown-column", column=shown(name.text), dataset="the sub-query")

    def person(self, name: Name) -> Term:
        """Tell what a name means where people are counted: ``person`` is them unless a column is."""
        if not name.is_quoted and name.text.casefold() == _PERSON:
            called = any(known.text.casefold() == _PERSON for known, _ in self.columns)
            return self.meant(name) if called else name
        return self.meant(name)


def inner_of(select: exp.Select, inside: Inner | None, columns: Collection[str]) -> Inner:
    """Read a sub-query that gives columns and expressions of single rows.

    Args:
        select: The sub-query, its source checked.
        inside: The sub-query it reads itself, if any.
        columns: The columns of the data set.

    Returns:
        What its names mean.

    Raises:
        Refused: ``dp.sql-unsupported``.
        CallerError: ``dp.ambiguous-column`` where a name hides a column that ``*`` gives too.
    """
    is_open, named = False, []
    for part in select.expressions:
        if isinstance(part, exp.Star):
            only(part, hints.STAR)
            is_open = True
        else:
            named.append(_column(part))
    if is_open:
        _check_hidden([name for name, _ in named], inside, columns)
    where = None if (test := select.args.get("where")) is None else condition(test.this, operand=term)
    if inside is None:
        return Inner(tuple(named), where, is_open)
    meant = [(name, renamed(what, inside.meant)) for name, what in named]
    kept = [] if where is None else [renamed_in(where, inside.meant)]
    kept += [] if inside.where is None else [inside.where]
    through = inside.columns if is_open else ()
    return Inner((*meant, *through), Both(tuple(kept)) if kept else None, is_open and inside.is_open)


def _check_hidden(names: Sequence[Name], inside: Inner | None, columns: Collection[str]) -> None:
    """Refuse a name that would stand twice."""
    known = {column.casefold() for column in columns} if inside is None or inside.is_open else set()
    known |= set() if inside is None else {name.text.casefold() for name, _ in inside.columns}
    for name in names:
        if name.text.casefold() in known:
            raise CallerError("dp.ambiguous-column", column=shown(name.text), by="alias")


def _column(part: exp.Expr) -> tuple[Name, Term]:
    alias = None
    if isinstance(part, exp.Alias):
        only(part, hints.INNER_CLAUSE, "this", "alias")
        named = part.args["alias"]
        alias, part = Name(part.alias, bool(named.args.get("quoted"))), part.this
    if isinstance(part, exp.Column):
        return alias or name_of(part), name_of(part)
    if not is_term(part):
        raise hints.of_output(part).refusal()
    read = term(part)
    if alias is None:
        raise hints.UNNAMED.refusal()
    if isinstance(read, Fixed):
        raise hints.CONSTANT_SHOWN.refusal()
    return alias, read


def seen_through(query: Query, inner: Inner) -> Query:
    """Put a query to the data set itself instead of to a sub-query of it.

    Args:
        query: What is asked of the sub-query.
        inner: The sub-query.

    Returns:
        The same question without it.
    """
    parts = [query.where if query.where is None else renamed_in(query.where, inner.meant), inner.where]
    tests = tuple(part for part in parts if part is not None)
    aliases = {output.alias.casefold() for output in query.outputs if output.alias is not None}
    return replace(
        query,
        outputs=tuple(_output(output, inner) for output in query.outputs),
        group_by=tuple(_group(part, aliases, inner) for part in query.group_by),
        where=None if not tests else tests[0] if len(tests) == 1 else Both(tests),
        order_by=tuple(_ordering(by, inner) for by in query.order_by),
        having=None if query.having is None else _having(query.having, inner),
    )


def _output(output: Output, inner: Inner) -> Output:
    if isinstance(output, StatisticOutput):
        return _statistic(output, inner)
    column = renamed(output.column, inner.meant)
    is_other = column != output.column
    named = output.column.text if is_other and isinstance(output.column, Name) else None
    return KeyOutput(column, output.alias or named)


def _statistic(output: StatisticOutput, inner: Inner) -> StatisticOutput:
    if output.column is None:
        return output
    if output.function == "people":
        return replace(output, column=renamed(output.column, inner.person))
    return replace(output, column=renamed(output.column, inner.meant))


def _group(part: Term, aliases: Collection[str], inner: Inner) -> Term:
    """A name in GROUP BY means an inner column, or an output by its alias where there is none."""
    if isinstance(part, Name) and part.text.casefold() in aliases:
        try:
            return inner.meant(part)
        except CallerError as unknown:
            if unknown.code != "dp.unknown-column":
                raise
            return part
    return renamed(part, inner.meant)


def gathered_through(of: PerPerson, inner: Inner) -> PerPerson:
    """Gather the rows of the data set itself instead of those of a sub-query of single rows.

    Args:
        of: What is gathered of the sub-query.
        inner: The sub-query.

    Returns:
        The same without it.
    """
    aliases = {name.text.casefold() for name, what in of.columns if not isinstance(what, Gather)}
    parts = [None if of.where is None else renamed_in(of.where, inner.meant), inner.where]
    tests = tuple(part for part in parts if part is not None)
    return replace(
        of,
        columns=tuple((name, _gathered(what, inner)) for name, what in of.columns),
        group_by=tuple(_owned(part, aliases, inner) for part in of.group_by),
        where=None if not tests else tests[0] if len(tests) == 1 else Both(tests),
    )


def _gathered(what: Term | Gather, inner: Inner) -> Term | Gather:
    if isinstance(what, Gather):
        return what if what.column is None else replace(what, column=renamed(what.column, inner.meant))
    return inner.person(what) if isinstance(what, Name) else renamed(what, inner.meant)


def _owned(part: Term, aliases: Collection[str], inner: Inner) -> Term:
    """Tell what is grouped by: the person, unless a column took that name."""
    is_person = isinstance(part, Name) and part.text.casefold() == _PERSON
    return inner.person(part) if isinstance(part, Name) and is_person else _group(part, aliases, inner)


def _ordering(by: Ordering, inner: Inner) -> Ordering:
    if isinstance(by.output, StatisticOutput):
        return replace(by, output=_statistic(by.output, inner))
    return by


def _having(part: Having, inner: Inner) -> Having:
    match part:
        case NoisyTest(output=StatisticOutput() as output):
            return replace(part, output=_statistic(output, inner))
        case Every(parts=parts):
            return Every(tuple(_having(one, inner) for one in parts))
        case Some(parts=parts):
            return Some(tuple(_having(one, inner) for one in parts))
    return part


def names_of(query: Query) -> Iterable[Name]:
    """List the names of columns that a query puts to the rows of its data set; some more than once.

    Args:
        query: The query. What it asks of gathered rows is not asked of the data set.
    """
    of = query.of
    if of is not None:
        yield from _named([what.column if isinstance(what, Gather) else what for _, what in of.columns])
        yield from _named(of.group_by)
        yield from () if of.where is None else names_in_test(of.where)
        return
    shown_ones = [*query.outputs, *(by.output for by in query.order_by), *_tested(query.having)]
    yield from _named([one.column for one in shown_ones if isinstance(one, KeyOutput | StatisticOutput)])
    yield from _named(query.group_by)
    yield from () if query.where is None else names_in_test(query.where)


def _named(terms: Iterable[Term | None]) -> Iterable[Name]:
    for one in terms:
        yield from () if one is None else names_in(one)


def _tested(having: Having | None) -> Iterable[Name | StatisticOutput]:
    match having:
        case NoisyTest(output=output):
            yield output
        case Every(parts=parts) | Some(parts=parts):
            for part in parts:
                yield from _tested(part)
