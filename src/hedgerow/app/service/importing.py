"""Importing: values that an old system encrypted come in, each under its person's own key."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from hedgerow.app.service.base import Progress, quiet
from hedgerow.app.service.collect_plan import CollectPlan
from hedgerow.app.service.collecting import Collecting, CollectRequest
from hedgerow.app.service.retrying import in_memory
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.uses import Json
from hedgerow.model.words import ColumnType, many

if TYPE_CHECKING:
    import pyarrow as pa

    from hedgerow.adapters.readers import SourceTable
    from hedgerow.kernel.legacy.opening import LegacyKey

_NAMED_LINES = 10
# With a wrong key a few values of CBC open by chance: one in 256 has padding that fits.
_LEAST_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """A wish to collect a file with encrypted columns.

    Args:
        collect: The collection, as of a file in plain.
        key: The old key.
        columns: The encrypted columns.
    """

    collect: CollectRequest
    key: LegacyKey = field(repr=False)
    columns: Sequence[str]


class Importing(Collecting):
    """Old encrypted data comes in."""

    def plan_import(self, request: ImportRequest, progress: Progress = quiet) -> CollectPlan:
        """Open a file's encrypted columns and work out what a collection would do; nothing is written.

        Args:
            request: What, with which key.
            progress: Told each step.

        Returns:
            The plan of a collection.

        Raises:
            Refused: As ``plan_collect``.
            CallerError: As ``plan_collect``, or ``legacy.wrong-key``, ``legacy.rows-broken``,
                ``legacy.no-text``; a row is named by its line, never by a value.
        """
        from hedgerow.adapters.readers import open_table

        collect = request.collect
        self._admit_collect(collect)
        progress("reading the file")
        encrypted = dict.fromkeys(request.columns, ColumnType.TEXT)
        source = open_table(collect.path, types={**collect.schema.types, **encrypted})
        for name in request.columns:
            if name not in source.table.column_names:
                raise CallerError("collect.unknown-column", column=name, path=collect.path)
        if source.broken:
            lines = [row.line for row in source.broken]
            raise _broken(request, lines, "any")
        return self.plan_source(collect, _opened(request, source, progress), progress)

    def collect_import(
        self, plan: CollectPlan, request: ImportRequest, progress: Progress = quiet
    ) -> dict[str, Json]:
        """Take a planned import in, and read every row back before calling the old file spare.

        Args:
            plan: What ``plan_import`` gave.
            request: The wish it was made of.
            progress: Told each step.

        Returns:
            What ``collect`` gives, with ``verified_rows``, ``may_be_destroyed`` and ``not_taken`` (columns).

        Raises:
            Fault: ``legacy.not-verified``.
        """
        from hedgerow.spine.readback import ReadBack

        taken, told = self._take(plan, progress)
        progress("reading every row back")
        reading = ReadBack(self.spine.store, self.spine.tables, self.spine.vault)
        wrong = reading.differing(plan.arrival, taken.left_out)
        facts: dict[str, Json] = {
            "dataset": taken.dataset, "intake": taken.entry, "cipher": request.key.cipher,
            "columns": list(request.columns), "not_read_back": len(wrong),
        }  # fmt: skip
        with self.spine.store.write() as tx:
            entry = self._note(tx, "keys.import-legacy", facts)
        if wrong:
            rows = many(len(wrong), "row")
            raise Fault("legacy.not-verified", rows=rows, dataset=taken.dataset, line=wrong[0])
        return {
            **told,
            "verified_rows": told["rows"],
            "verified_entry": entry,
            "may_be_destroyed": not taken.set_aside,
            "not_taken": [each.finding.column for each in plan.column_plans if each.goes_to == "dropped"],
            "is_authentic": request.key.is_authentic,
        }


def _opened(request: ImportRequest, source: SourceTable, progress: Progress) -> SourceTable:
    """Read the table again as if its encrypted columns had never been."""
    import pyarrow as pa
    from pyarrow import csv

    from hedgerow.adapters.readers import open_table

    collect, table = request.collect, source.table
    for name in request.columns:
        progress(f"opening column {name}")
        at = table.column_names.index(name)
        values = _values(request, name, table.column(name), source.line.tolist())
        table = table.set_column(at, name, pa.array(values, pa.string()))
    stream = io.BytesIO()
    csv.write_csv(table, stream)
    known = {column.name: column.type for column in source.columns if column.name not in request.columns}
    with in_memory(stream.getvalue(), ".csv") as path:
        read = open_table(path, types={**known, **collect.schema.types})
    if read.broken or read.row_count != source.row_count:
        places = [min(row.line - 2, source.row_count - 1) for row in read.broken]
        raise _broken(request, [int(source.line[place]) for place in places], "any")
    # The file that was named is what was taken, should it come again.
    return replace(read, name=source.name, line=source.line, content_hash=source.content_hash)


def _values(
    request: ImportRequest, name: str, column: pa.ChunkedArray, lines: Sequence[int]
) -> list[str | None]:
    if str(column.type) not in ("string", "large_string", "null"):
        raise CallerError("legacy.no-text", column=name, path=request.collect.path)
    cells = cast("list[str | None]", column.to_pylist())
    values = [request.key.open(cell) if cell else None for cell in cells]
    tried = sum(1 for cell in cells if cell)
    wrong = [line for line, cell, value in zip(lines, cells, values, strict=True) if cell and value is None]
    if tried and tried - len(wrong) < _LEAST_SHARE * tried:
        raise CallerError("legacy.wrong-key", column=name, path=request.collect.path)
    if wrong:
        raise _broken(request, wrong, name)
    return values


def _broken(request: ImportRequest, lines: Sequence[int], column: str) -> CallerError:
    named = ", ".join(map(str, lines[:_NAMED_LINES])) + (", ..." if len(lines) > _NAMED_LINES else "")
    return CallerError(
        "legacy.rows-broken", rows=many(len(lines), "row"), path=request.collect.path, column=column,
        line=lines[0] if lines else 0, lines=named,
    )  # fmt: skip
