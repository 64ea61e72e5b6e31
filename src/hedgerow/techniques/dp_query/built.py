"""Joins of a query that was built without SQL, taken in as those of SQL are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlglot import exp

from hedgerow.kernel.conditions.parts import Name
from hedgerow.kernel.conditions.reading import name_of
from hedgerow.techniques.dp_query.inner import Inner, gathered_through, names_of, seen_through
from hedgerow.techniques.dp_query.joins import PERSON_WORD, Joins
from hedgerow.techniques.dp_query.query import Join, Query


def joined(query: Query, joins: Joins, dataset: str, columns: Collection[str]) -> Query:
    """Take in the joins of a query.

    Args:
        query: The query.
        joins: Takes them in; what it refuses of SQL it refuses here.
        dataset: Name of the data set.
        columns: Its columns, hidden ones too.

    Returns:
        The same without joins, its names those of the joined rows.

    Raises:
        Refused: As :meth:`Joins.take`.
        CallerError: As :meth:`Joins.take`.
    """
    if not query.joins:
        return query
    writer = _Writer(dataset, columns, {join.alias or join.table for join in query.joins} | {dataset})
    names = tuple(dict.fromkeys(names_of(query)))
    select = exp.Select(expressions=[writer.column(name) for name in names])
    select.set("from_", exp.From(this=exp.Table(this=exp.to_identifier(dataset, quoted=True))))
    select.set("joins", [writer.join(join) for join in query.joins])
    joins.take(select)
    meant = zip(names, (name_of(one) for one in select.expressions), strict=True)
    inner = Inner(tuple(meant), None, is_open=True)
    plain = replace(query, joins=())
    return (
        seen_through(plain, inner)
        if query.of is None
        else replace(plain, of=gathered_through(query.of, inner))
    )


class _Writer:
    """Writes names and joins as SQL is read; nothing of it is ever executed."""

    def __init__(self, dataset: str, columns: Collection[str], aliases: Collection[str]) -> None:
        self._dataset = dataset
        self._columns = columns
        self._aliases = aliases

    def column(self, name: Name) -> exp.Column:
        """Write a name; what stands before a dot is a table where one is called so."""
        table, dot, column = name.text.partition(".")
        is_told = bool(dot) and table in self._aliases and name.text not in self._columns
        text = column if is_told else name.text
        return exp.Column(
            this=exp.to_identifier(text, quoted=name.is_quoted),
            table=exp.to_identifier(table, quoted=True) if is_told else None,
        )

    def join(self, join: Join) -> exp.Join:
        """Write a join: by equal names as USING, which makes one column of both."""
        table = exp.Table(this=exp.to_identifier(join.table, quoted=True))
        if join.alias is not None:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(join.alias, quoted=True)))
        written = exp.Join(this=table, side="LEFT" if join.keeps_unmatched else None)
        if all(ours == theirs for ours, theirs in join.on):
            shared = [ours for ours, _ in join.on] or [Name(PERSON_WORD)]
            written.set("using", [exp.to_identifier(one.text, quoted=one.is_quoted) for one in shared])
        else:
            written.set("on", exp.and_(*(self._equal(join, *pair) for pair in join.on)))
        return written

    def _equal(self, join: Join, ours: Name, theirs: Name) -> exp.EQ:
        left = self.column(ours)
        if ours.text in self._columns:  # a column of the joined table may be called so too
            left.set("table", exp.to_identifier(self._dataset, quoted=True))
        called = exp.to_identifier(join.alias or join.table, quoted=True)
        return exp.EQ(
            this=left, expression=exp.Column(this=exp.to_identifier(theirs.text, quoted=True), table=called)
        )
