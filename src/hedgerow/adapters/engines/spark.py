"""Spark as the engine of a query: it bounds and adds up rows of allowed people, and gives integers back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from hedgerow.adapters.engines.engine import DuckEngine
from hedgerow.adapters.engines.spark_process import SparkProcess
from hedgerow.kernel.transpile import Kind, Source, SourceColumn, integers_of, transpile
from hedgerow.model.engine import PERSON, RANK
from hedgerow.model.errors import CallerError, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from hedgerow.adapters.engines.scanning import BucketRelation
    from hedgerow.adapters.engines.spark_process import Answers
    from hedgerow.model.engine import BucketFile, PeopleFilter, Relation, Shelf
    from hedgerow.model.plans import Combination, ExactAggregation, KeySearch

    Run: TypeAlias = Callable[[pa.Table, Sequence[str], Mapping[str, str]], Answers]

ROWS = "rows"
_MOST_SCALE = 18


class SparkEngine:
    """Spark in a process of its own, for one query at a time.

    Args:
        shelf: Where bucket files lie.
        scratch: Folder for what Spark keeps on the disk meanwhile, made when it is needed.
        run: Runs statements over a table that they call ``rows``, and over tables that it first makes of it,
            once each; a Spark of its own when not given.
    """

    def __init__(self, shelf: Shelf, scratch: Path, run: Run | None = None) -> None:
        self._duck = DuckEngine(shelf)
        self._own = SparkProcess(scratch) if run is None else None
        self._run = run or SparkProcess(scratch).answers

    def ready(self) -> None:
        """Refuse where pyspark or a Java is missing.

        Raises:
            Fault: ``extra.missing``, ``engine.no-java``.
            CallerError: ``engine.spark-setting``.
        """
        if self._own is not None:
            self._own.check()

    def scan(
        self, files: Sequence[BucketFile], columns: Sequence[str], people: PeopleFilter
    ) -> SparkRelation:
        """Bind files, granted columns and allowed people together; nothing is read yet.

        Args:
            files: The files of one version.
            columns: The granted columns.
            people: The only people whose rows may be read.

        Returns:
            The relation.

        Raises:
            CallerError: As ``DuckEngine.scan``.
        """
        return SparkRelation(self._duck.scan(files, columns, people), self._run)


@dataclass(frozen=True, slots=True, eq=False)
class SparkRelation:
    """What one lease may read, computed by Spark.

    Args:
        rows: Reads the files, and filters people and ranks before Spark sees a row.
        run: Runs statements over a table that they call ``rows``.
    """

    rows: BucketRelation = field(repr=False)
    run: Run = field(repr=False)

    def aggregate(
        self, plan: ExactAggregation, others: Mapping[str, Relation] | None = None
    ) -> list[tuple[int, ...]]:
        """Compute exact integers for every combination of declared keys; see ``BucketRelation.aggregate``.

        Args:
            plan: What to compute.
            others: Further data sets; none may be given.

        Returns:
            The very same integers.

        Raises:
            CallerError: ``engine.column-not-granted``, and what cannot be written for Spark, before any row
                is handed over.
            Fault: When a file cannot be read or Spark fails: the kind of failure alone.

        Guarantee: Spark is given rows of allowed people alone, of ranks below ``max_rows``, with a number in
            place of whom they are about.
        """
        if plan.source.beside or others:
            raise Fault("engine.failed", reason="one data set is read at a time")
        rows = self.rows.people_rows(plan.columns, plan.max_rows).table
        if not rows.num_rows:
            return [(0,) * plan.width] * plan.groups
        table, columns = handed(rows)
        source = Source((ROWS,), PERSON, SourceColumn(Kind.WHOLE), columns, RANK)
        made = transpile(plan, source, "spark")
        counting = [
            *([] if made.aggregates is None else [made.aggregates]),
            *(one.sql for one in made.histograms),
        ]
        answers = self.run(table, counting, {} if made.bounding is None else {made.bounded: made.bounding})
        told = dict(zip(counting, answers, strict=True))
        return [tuple(group) for group in integers_of(made, told.__getitem__)]

    def keys(self, search: KeySearch) -> list[tuple[Combination, int]]:
        """Find no keys: that is refused before anything is spent.

        Args:
            search: What would be looked for.

        Raises:
            CallerError: ``engine.element``.
        """
        raise CallerError("engine.element", element=type(search).__name__)

    def table(self, *, with_person: bool = False) -> pa.Table:
        """Read the granted columns as the workspace's own engine does; see ``BucketRelation.table``."""
        return self.rows.table(with_person=with_person)


def handed(table: pa.Table) -> tuple[pa.Table, dict[str, SourceColumn]]:
    """Bring columns to types that Spark takes and holds exactly.

    Args:
        table: Rows with person and rank.

    Returns:
        The rows, and what each column of the data set holds.

    Raises:
        CallerError: ``engine.column-type``.
        Fault: ``engine.failed`` for values finer than Spark holds, such as nanoseconds.
    """
    columns = {name: _as_handed(table.schema.field(name)) for name in table.column_names}
    schema = pa.schema([pa.field(name, kind) for name, (kind, _) in columns.items()])
    try:
        whole = table.replace_schema_metadata(None).cast(schema)
    except pa.ArrowException:
        # The text could quote a value.
        raise Fault("engine.failed", reason="a column is finer than Spark holds") from None
    return whole, {name: held for name, (_, held) in columns.items() if name not in (PERSON, RANK)}


def _as_handed(column: pa.Field) -> tuple[pa.DataType, SourceColumn]:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string(), SourceColumn(Kind.TEXT)
    if types.is_uint64(kind):
        return pa.decimal128(20, 0), SourceColumn(Kind.EXACT, 20, 0)
    if types.is_integer(kind) or types.is_null(kind):
        return pa.int64(), SourceColumn(Kind.WHOLE)
    if types.is_boolean(kind):
        return pa.bool_(), SourceColumn(Kind.TRUTH)
    if types.is_floating(kind):
        return pa.float64(), SourceColumn(Kind.REAL)
    if types.is_decimal128(kind) and 0 <= kind.scale <= _MOST_SCALE:
        return kind, SourceColumn(Kind.EXACT, kind.precision, kind.scale)
    if types.is_date(kind):
        return pa.date32(), SourceColumn(Kind.DATE)
    if types.is_timestamp(kind):
        held = Kind.MOMENT if kind.tz is None else Kind.INSTANT
        return pa.timestamp("us", None if kind.tz is None else "UTC"), SourceColumn(held)
    raise CallerError("engine.column-type", column=column.name)
