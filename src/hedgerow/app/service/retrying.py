"""Retrying: rows set aside are read again and taken in, or wait on."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hedgerow.app.service.base import Part
from hedgerow.model.canonical import digest
from hedgerow.model.errors import CallerError
from hedgerow.model.records import QuarantineBatch
from hedgerow.model.uses import DatasetView, Json
from hedgerow.model.words import ColumnType
from hedgerow.spine.quarantine import Broken

if TYPE_CHECKING:
    from hedgerow.adapters.readers import SourceTable
    from hedgerow.spine.intake import Arrival, Taken

_READS: Mapping[ColumnType, Callable[[str], object]] = {
    ColumnType.TEXT: str,
    ColumnType.INTEGER: int,
    ColumnType.DECIMAL: Decimal,
    ColumnType.DATE: date.fromisoformat,
    ColumnType.TIMESTAMP: datetime.fromisoformat,
    ColumnType.BOOLEAN: lambda text: {"true": True, "false": False}[text.lower()],
}


class Retrying(Part):
    """Second chances for broken rows."""

    def quarantine_retry(self, batch: str, *, empty_broken: bool = False) -> dict[str, Json]:
        """Read the rows of a batch again and take in those that fit now.

        Args:
            batch: Id of the batch.
            empty_broken: Take cells that do not fit their column as empty.

        Returns:
            What a collection returns; rows still broken wait in a new batch.

        Raises:
            CallerError: ``quarantine.unknown`` or ``quarantine.still-broken``.
        """
        self._require("quarantine.manage")
        with self.spine.store.read() as reader:
            known = reader.get(QuarantineBatch, batch)
            if known is None:
                raise CallerError("quarantine.unknown", batch=batch)
            view = self.spine.catalog.require_dataset(reader, known.dataset)
            rows = self.spine.quarantine.rows(reader, known)
        source = _read_again(json.loads(known.header), rows, empty_broken=empty_broken)
        if not source.row_count:
            raise CallerError("quarantine.still-broken", batch=batch)
        taken = self.spine.intake.take(_arrival(known, view, source, rows), self.actor)
        return _told(taken)


def _arrival(
    batch: QuarantineBatch, view: DatasetView, source: SourceTable, rows: Sequence[Broken]
) -> Arrival:
    from hedgerow.spine.intake import Arrival

    lines = [row.line for row in rows]
    # The rows were written one a line below a header, so that line n is row n - 2 of the batch.
    still = tuple(Broken(lines[row.line - 2], row.reason, row.raw) for row in source.broken)
    key = source.table.column(view.subject_column)
    table, at = source.table.filter(key.is_valid()), source.line[key.is_valid().to_numpy()]
    content = digest([row.raw.hex() for row in rows])
    return Arrival(
        view.name, view.subject_column, view.columns, table, at, still, batch.header, content,
        {}, (), again=True, replaces=batch.id,
    )  # fmt: skip


def _told(taken: Taken) -> dict[str, Json]:
    return {
        "dataset": taken.dataset, "version": taken.version, "rows": taken.rows, "people": taken.people,
        "new_people": taken.new_people, "set_aside": taken.set_aside,
        "left_out_as_erased": len(taken.left_out), "consents": 0, "consents_of_unknown_people": 0,
        "entry": taken.entry,
    }  # fmt: skip


def _read_again(header: Mapping[str, object], rows: Sequence[Broken], *, empty_broken: bool) -> SourceTable:
    from hedgerow.adapters.readers import open_table

    columns = cast("list[list[str]]", header["columns"])
    types = {name: ColumnType(kind) for name, kind in columns}
    raws = [row.raw for row in rows]
    if header["format"] == "csv":
        delimiter = str(header["delimiter"])
        if empty_broken:
            raws = [_emptied(raw, delimiter, list(types.values())) for raw in raws]
        first = io.StringIO()
        csv.writer(first, delimiter=delimiter, lineterminator="").writerow(types)
        raws = [first.getvalue().encode(), *raws]
    content = b"\n".join(raw.rstrip(b"\r\n") for raw in raws) + b"\n"
    suffix = ".csv" if header["format"] == "csv" else ".jsonl"
    with in_memory(content, suffix) as path:
        return open_table(path, types=types)


def _emptied(raw: bytes, delimiter: str, kinds: Sequence[ColumnType]) -> bytes:
    """Blank the cells that do not fit; a row with too few or too many cells stays as it is."""
    cells = next(csv.reader([raw.decode("utf-8", "replace")], delimiter=delimiter), [])
    if len(cells) != len(kinds):
        return raw
    fitted = [cell if _fits(cell, kind) else "" for cell, kind in zip(cells, kinds, strict=True)]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="").writerow(fitted)
    return text.getvalue().encode()


def _fits(cell: str, kind: ColumnType) -> bool:
    try:
        _READS[kind](cell)
    except (ValueError, KeyError, InvalidOperation):
        return False
    return True


@contextmanager
def in_memory(content: bytes, suffix: str) -> Iterator[Path]:
    """Offer bytes as a file that lies in memory where the system can, else in a private one."""
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("rows" + suffix)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            yield Path(f"/proc/self/fd/{handle}")
        return
    with tempfile.NamedTemporaryFile(suffix=suffix) as stream:
        stream.write(content)
        stream.flush()
        yield Path(stream.name)
