"""A Spark DataFrame: Spark bounds and adds up, and gives back one row of whole numbers for each declared key.

Nothing of pyspark is imported: all that is used hangs on the data frame that a caller gives.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hedgerow.kernel.transpile import Kind, Source, SourceColumn, Transpiled, integers_of, transpile
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.plans import ExactAggregation
from hedgerow.model.words import ColumnType

_KINDS = {
    "string": (Kind.TEXT, ColumnType.TEXT),
    "tinyint": (Kind.WHOLE, ColumnType.INTEGER),
    "smallint": (Kind.WHOLE, ColumnType.INTEGER),
    "int": (Kind.WHOLE, ColumnType.INTEGER),
    "bigint": (Kind.WHOLE, ColumnType.INTEGER),
    "boolean": (Kind.TRUTH, ColumnType.BOOLEAN),
    "float": (Kind.REAL, ColumnType.DECIMAL),
    "double": (Kind.REAL, ColumnType.DECIMAL),
    "date": (Kind.DATE, ColumnType.DATE),
    "timestamp": (Kind.INSTANT, ColumnType.TIMESTAMP),
    "timestamp_ntz": (Kind.MOMENT, ColumnType.TIMESTAMP),
}
_MOST_SCALE = 18


@dataclass(frozen=True, slots=True, eq=False)
class SparkTable:
    """A Spark DataFrame as a private query sees it.

    Args:
        frame: The DataFrame; its schema is read at once, its rows only by :meth:`exact`.
    """

    frame: Any

    @property
    def names(self) -> list[str]:
        """Its columns."""
        return list(self.frame.columns)

    @property
    def kinds(self) -> dict[str, ColumnType | None]:
        """The logical type of each column; none where queries cannot read it."""
        return {name: None if known is None else known[1] for name, known in self._known().items()}

    def exact(self, plan: ExactAggregation, person: str, rank: str | None = None) -> Sequence[Sequence[int]]:
        """Compute exact bounded aggregates in Spark.

        Args:
            plan: What to compute.
            person: The column that names the person of each row.
            rank: A column with the place of each row in a secret random order of its person's rows, from 0;
                without one an order is drawn.

        Returns:
            For each combination of keys the aggregates in order and then each histogram, bin by bin.

        Raises:
            CallerError: ``engine.element`` and what else cannot be written for Spark, before anything runs.
            Fault: ``engine.failed`` with the kind of failure.
        """
        known = {name: one[0] for name, one in self._known().items() if one is not None}
        if person not in known:
            raise CallerError("engine.column-type", column=person)
        token = secrets.token_hex(8)
        table, bounded = f"hedgerow_{token}", f"hedgerow_bounded_{token}"
        source = Source((table,), person, known[person], known, rank)
        made = transpile(plan, source, "spark", bounded)
        try:
            with self._seen(self.frame, table):
                return self._run(made, bounded)
        except Fault:
            raise
        except Exception as error:  # noqa: BLE001 - pyspark, which has names for them, is not imported
            # Spark's text could quote values.
            reason = type(error).__name__
        raise Fault("engine.failed", reason=reason)

    def _known(self) -> dict[str, tuple[SourceColumn, ColumnType] | None]:
        return {one.name: _column(one.dataType.simpleString()) for one in self.frame.schema.fields}

    def _run(self, made: Transpiled, bounded: str) -> list[list[int]]:
        if made.bounding is None:
            return self._counted(made)
        # Computed now and never again: its rows were picked at random.
        kept = self.frame.sparkSession.sql(made.bounding).localCheckpoint(eager=True)
        with self._seen(kept, bounded):
            return self._counted(made)

    def _counted(self, made: Transpiled) -> list[list[int]]:
        session = self.frame.sparkSession
        return integers_of(made, lambda sql: session.sql(sql).collect())

    @contextmanager
    def _seen(self, frame: Any, name: str) -> Iterator[None]:  # noqa: ANN401 - a DataFrame
        """Let a session's statements see a DataFrame under a name that nobody guesses."""
        frame.createOrReplaceTempView(name)
        try:
            yield
        finally:
            self.frame.sparkSession.catalog.dropTempView(name)


def _column(kind: str) -> tuple[SourceColumn, ColumnType] | None:
    if (found := re.fullmatch(r"decimal\((\d+),(\d+)\)", kind)) and int(found[2]) <= _MOST_SCALE:
        return SourceColumn(Kind.EXACT, int(found[1]), int(found[2])), ColumnType.DECIMAL
    if kind not in _KINDS:
        return None
    own, logical = _KINDS[kind]
    return SourceColumn(own), logical
