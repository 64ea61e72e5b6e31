"""k-anonymity of tables that do not fit in memory: rows are read twice, once to count and once to apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from hedgerow.kernel.anonymity.coding import Ints, distinct_tuples
from hedgerow.model.anonymity import Hierarchy, LossMean, ReleaseParameters
from hedgerow.model.calls import MAPPING, WHOLE, Fit, door
from hedgerow.model.criteria import Model
from hedgerow.model.errors import CallerError
from hedgerow.techniques.anonymity.columns import Coded, coded, generalised, hierarchy_codes
from hedgerow.techniques.anonymity.counted import (
    Chosen,
    Tally,
    chosen,
    counted_columns,
    listed,
    plainly,
)
from hedgerow.techniques.anonymity.parameters import Share, release_parameters
from hedgerow.techniques.anonymity.release import order_by_value
from hedgerow.techniques.anonymity.simple import KAnonymised, Ladder, ladders_of

Read: TypeAlias = Callable[[], Iterable[pa.RecordBatch]]
"""Begins to read: gives the same batches of one schema each time it is called."""

_READ = Fit("a function that begins to read batches of rows", "lambda: dataset.to_batches()", callable)


class ReleasedBatches:
    """The batches that leave: iterating reads the rows a second time.

    Nothing of it counts as released before the iteration has ended: at its end what left is counted
    once more, and an error then says that it must not be used.

    Args:
        read: Begins to read the raw rows.
        made: The levels and classes chosen.
        names: The columns that leave, in order.
        raw: The raw columns.
    """

    def __init__(self, read: Read, made: Chosen, names: Sequence[str], raw: pa.Schema) -> None:
        self._read, self._made, self._names, self._raw = read, made, list(names), raw
        self.schema: pa.Schema = self._applied(raw.empty_table()).schema

    def __repr__(self) -> str:
        """Tell the columns, no row."""
        return f"ReleasedBatches({', '.join(self._names)})"

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Give the released rows of each batch, sorted by their values within it.

        Raises:
            CallerError: ``anonymity.rows-changed``.
            Fault: ``anonymity.recount``.
        """
        tally, names, rows = Tally(), counted_columns(self._made.source.asked), 0
        tally.add(self.schema.empty_table().select(names))
        for table in _tables(self._read, self._raw):
            rows += table.num_rows
            released = self._applied(table)
            if released.num_rows:
                tally.add(released.select(names))
                yield from released.combine_chunks().to_batches()
        if rows != self._made.risk.rows:
            raise CallerError("anonymity.rows-changed")
        self._made.recount(tally.counts())

    def _applied(self, table: pa.Table) -> pa.Table:
        quasi, node = self._made.source.quasi, self._made.best.node
        columns = [coded(table, item.column.name) for item in quasi]
        codes = [
            _codes(column, item.hierarchy, has_missing=item.has_missing)
            for column, item in zip(columns, quasi, strict=True)
        ]
        rows = self._staying(codes)
        made = {
            column.name: generalised(column, item.hierarchy, own, level, rows)
            for column, item, own, level in zip(columns, quasi, codes, node, strict=True)
        }
        others = plainly(table, [name for name in self._names if name not in made]).take(pa.array(rows))
        made |= dict(zip(others.column_names, others.columns, strict=True))
        released = pa.table({name: made[name] for name in self._names})
        return released.take(order_by_value(released))

    def _staying(self, codes: Sequence[Ints]) -> Ints:
        """The rows whose class leaves; a class that was not counted never does."""
        if not len(codes[0]):
            return np.zeros(0, dtype=np.int64)
        tuples = distinct_tuples([self._made.groups(place, column) for place, column in enumerate(codes)])
        cells = zip(*(column.tolist() for column in tuples.codes), strict=True)
        leaves = np.fromiter((cell in self._made.kept for cell in cells), bool, len(tuples.counts))
        return np.flatnonzero(leaves[tuples.of_row])


def _codes(column: Coded, hierarchy: Hierarchy, *, has_missing: bool) -> Ints:
    if column.has_missing and not has_missing:
        raise CallerError("anonymity.rows-changed")
    try:
        return hierarchy_codes(column, hierarchy)
    except CallerError:
        raise CallerError("anonymity.rows-changed") from None


def _tables(read: Read, schema: pa.Schema | None) -> Iterator[pa.Table]:
    """Read all batches, as tables, each of one schema."""
    for batch in read():
        if not isinstance(batch, pa.RecordBatch):
            raise CallerError("anonymity.no-batches")
        schema = batch.schema if schema is None else schema
        if batch.schema != schema:
            raise CallerError("anonymity.rows-changed")
        yield pa.Table.from_batches([batch])


@door(
    "anonymity.k_anonymise_batches",
    {"read": _READ, "k": WHOLE, "hierarchies": MAPPING.or_none(), "weights": MAPPING.or_none()},
)
def k_anonymise_batches(  # noqa: PLR0913 - keywords, each a choice of its own
    read: Read,
    *,
    quasi: Sequence[str],
    k: int = 5,
    hierarchies: Mapping[str, Ladder] | None = None,
    suppression: Share = Fraction(1, 20),
    sensitive: Sequence[str] = (),
    keep: Sequence[str] = (),
    models: Sequence[str | Model] = (),
    max_levels: Mapping[str, int] | None = None,
    weights: Mapping[str, Share] | None = None,
    mean: LossMean = "arithmetic",
    most_checks: int | None = None,
) -> KAnonymised:
    """Make a table that does not fit in memory k-anonymous at the least loss, as ``k_anonymise`` would.

    Args:
        read: Begins to read the rows: called twice, it gives the same Arrow record batches each time.
        quasi: Quasi-identifiers; columns named neither here nor below are left out.
        k: Least number of rows in a class, at least 2.
        hierarchies: Per column rows ``[value, level 1, ..., top]`` or a path to a CSV of them; else built.
        suppression: Largest share of rows dropped, 0 to 1.
        sensitive: Sensitive attributes, released as they are.
        keep: Other columns released as they are, on your word that they identify nobody.
        models: What must hold besides k, such as ``entropy-l(diagnosis)=3``.
        max_levels: Coarsest level allowed per quasi-identifier.
        weights: What each quasi-identifier counts in the loss, 0 or more, 1 where not named.
        mean: How the losses of columns are joined, ``arithmetic`` or ``geometric``.
        most_checks: Combinations of levels counted at most; none goes on until the optimum is proven.

    Returns:
        Levels, counts, loss and risk; its frame gives the released batches each time it is iterated. The
        risk tells of a sensitive attribute only where a model reads it.

    Raises:
        CallerError: For parameters, columns, hierarchies or batches that do not fit.
        Refused: ``anonymity.unreachable``.

    Guarantee: the levels, the loss and the released rows are those of ``k_anonymise`` on the whole table;
        only the order differs, which is by value within each batch, and by batch as they were read. What
        left is counted once more at the end of each iteration.

    Cost: in memory are one batch, and at most about twice each distinct combination of quasi-identifiers
        and of the sensitive attributes that models read, with its count.
    """
    asked = release_parameters(
        quasi=quasi, k=k, hierarchies=ladders_of(hierarchies), suppression_limit=suppression,
        sensitive=sensitive, keep=keep, models=models, max_levels=max_levels, weights=weights, mean=mean,
        most_checks=most_checks,
    )  # fmt: skip
    return _made(read, asked)


def _made(read: Read, asked: ReleaseParameters) -> KAnonymised:
    tally, raw, names = Tally(), None, list[str]()
    for table in _tables(read, None):
        if raw is None:
            raw, names = table.schema, listed(asked, table.schema)
        tally.add(plainly(table, counted_columns(asked)))
    if raw is None:
        raise CallerError("anonymity.empty-table")
    made = chosen(tally.counts(), asked)
    left_out = tuple(name for name in raw.names if name not in names)
    return KAnonymised(ReleasedBatches(read, made, names, raw), made.levels, made.risk, left_out)
