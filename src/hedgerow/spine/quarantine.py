"""Quarantine: broken rows wait sealed under a key that expires, never silently dropped."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import cast

from hedgerow.kernel.envelope import new_key, normalise_reference, open_sealed, seal
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import CallerError
from hedgerow.model.keys import Binding
from hedgerow.model.ports import Clock, Reader, Transaction
from hedgerow.model.records import Dataset, QuarantineBatch, QuarantinedRow
from hedgerow.spine.keyring import Keyring, batch_key

LIFETIME = timedelta(days=30)
_FORMAT = 1
_MOST_DIGITS = 64
_APART = r"\s,;|\"'`:=()\[\]{}<>/\\"


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that could not be read: its line, the reason without any value, its bytes."""

    line: int
    reason: str
    raw: bytes = field(repr=False)


class Quarantine:
    """Keeps broken rows until someone retries or discards them, at most 30 days."""

    def __init__(self, keyring: Keyring, clock: Clock) -> None:
        self._keyring = keyring
        self._backend = keyring.backend
        self._tenant = keyring.tenant
        self._clock = clock

    def _binding(self, kind: str, batch: str, line: int) -> Binding:
        return Binding(self._tenant, kind, batch, str(line), _FORMAT)

    def put(self, tx: Transaction, dataset: str, header: str, rows: Sequence[Broken]) -> str | None:
        """Set rows aside under a fresh key.

        Returns:
            The id of the batch, or none when there are no rows.
        """
        if not rows:
            return None
        batch, now = "q-" + secrets.token_hex(6), self._clock.now()
        until = (now + LIFETIME).date().isoformat()
        self._keep(tx, QuarantineBatch(batch, dataset, header, timestamp(now), until, b""), rows)
        return batch

    def _keep(self, tx: Transaction, batch: QuarantineBatch, rows: Sequence[Broken]) -> None:
        """Add a batch and its rows under a key that is used for them alone."""
        key = new_key()
        kept = replace(batch, wrapped=self._backend.wrap(key, batch_key(self._tenant, batch.id)))
        tx.add(self._keyring.current(tx, [kept]))
        tx.add(
            QuarantinedRow(batch.id, i, json.dumps([row.line, row.reason]),
                           seal(key, row.raw, self._binding("quarantine", batch.id, i)))
            for i, row in enumerate(rows)
        )  # fmt: skip

    def forget(self, tx: Transaction, ref: str, batches: Sequence[QuarantineBatch]) -> dict[str, str]:
        """Destroy the waiting rows that name a person; the others of a batch go under a fresh key.

        Args:
            tx: The transaction.
            ref: The source id of the person.
            batches: Every batch that waits.

        Returns:
            For each batch that lost rows, the hash of those it still has; empty when it has none.
        """
        left: dict[str, str] = {}
        for batch in batches:
            record = tx.get(Dataset, batch.dataset)
            rows = self.rows(tx, batch)
            kept = [row for row in rows if not _names(row.raw, batch.header, record, ref)]
            if len(kept) == len(rows):
                continue
            self.discard(tx, batch.id)
            if kept:
                self._keep(tx, batch, kept)
            left[batch.id] = rows_of(tx, batch.id) if kept else ""
        return left

    def batches(self, reader: Reader) -> list[QuarantineBatch]:
        """List the batches that wait."""
        return reader.find(QuarantineBatch)

    def reasons(self, reader: Reader, batch: str) -> list[tuple[int, str]]:
        """List line and reason of each row of a batch."""
        return [cast("tuple[int, str]", tuple(json.loads(row.reason)))
                for row in reader.find(QuarantinedRow, batch=batch)]  # fmt: skip

    def rows(self, reader: Reader, batch: QuarantineBatch) -> list[Broken]:
        """Open the rows of a batch, to read them again."""
        key = self._backend.unwrap(batch.wrapped, batch_key(self._tenant, batch.id))
        found = []
        for i, row in enumerate(reader.find(QuarantinedRow, batch=batch.id)):
            line, reason = json.loads(row.reason)
            found.append(
                Broken(line, reason, open_sealed(key, row.sealed, self._binding("quarantine", batch.id, i)))
            )
        return found

    def discard(self, tx: Transaction, batch: str) -> bool:
        """Destroy a batch: its key and its rows.

        Returns:
            Whether it was still there.
        """
        tx.remove(QuarantinedRow, batch=batch)
        return tx.remove(QuarantineBatch, id=batch) > 0

    def expire(self, tx: Transaction) -> list[str]:
        """Destroy every batch whose date has passed.

        Returns:
            The ids of those that went.
        """
        today = self._clock.now().date().isoformat()
        over = [batch.id for batch in self.batches(tx) if batch.until < today]
        for batch in over:
            self.discard(tx, batch)
        return over


def rows_of(reader: Reader, batch: str) -> str:
    """Hash the sealed rows of a batch, whatever its key lies under; it tells nothing of how many."""
    told = hashlib.sha256()
    for sealed in cast("list[bytes]", reader.values(QuarantinedRow, "sealed", batch=batch)):
        told.update(hashlib.sha256(sealed).digest())
    return told.hexdigest()


def _names(raw: bytes, header: str, dataset: Dataset | None, ref: str) -> bool:
    """Tell whether a broken row names a person, in its subject column or, where that is lost, anywhere."""
    wanted, told = normalise_reference(ref), cast("Mapping[str, object]", json.loads(header))
    columns = [str(name) for name, _ in cast("Sequence[Sequence[str]]", told["columns"])]
    subject = dataset.subject_column if dataset is not None else ""
    text = raw.decode("utf-8", "replace")
    delimiter = str(told.get("delimiter") or ",") if told.get("format", "csv") == "csv" else ""
    cells = _cells(text, columns, delimiter)
    if cells is None:
        return wanted.encode() in raw or _mentions(text, wanted)
    # Behind a quote that was not closed a cell may hold whole lines, of other people.
    has_lines = re.search(r"[\r\n]", text.strip()) is not None
    if subject in cells and not has_lines:
        return _is(cells[subject], wanted)
    return any(_is(cell, wanted) for cell in cells.values()) or _mentions(text, wanted)


def _is(cell: str, wanted: str) -> bool:
    return _normal(cell) == wanted or _number(cell) == _number(wanted) is not None


def _mentions(text: str, wanted: str) -> bool:
    """Tell whether a source id stands somewhere in a text, apart from what is around it."""
    held, number = unicodedata.normalize("NFC", text), _number(wanted)
    if re.search(rf"(?<![^{_APART}]){re.escape(wanted)}(?=\.?(?:[{_APART}]|$))", held):
        return True
    return number is not None and any(_number(part) == number for part in re.split(f"[{_APART}]+", held))


def _cells(text: str, columns: Sequence[str], delimiter: str) -> Mapping[str, str] | None:
    """Read what can be read of a broken row; none when it is neither a record nor a line of cells."""
    try:
        record = json.loads(text)
    except RecursionError:
        return None
    except ValueError:
        record = None
    if isinstance(record, dict):
        return {name: str(value) for name, value in record.items()}
    if not delimiter:
        return None
    try:
        cells = next(csv.reader([text.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return None
    if len(cells) == len(columns):
        return dict(zip(columns, cells, strict=True))
    # Too few or too many: no cell is known to stand in its own column.
    return {str(place): cell for place, cell in enumerate(cells)}


def _number(cell: str) -> Decimal | None:
    """Read a number however it is written: an integer column takes 0005 and +5 for 5."""
    try:
        value = Decimal(cell.strip()[:_MOST_DIGITS])
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _normal(cell: str) -> str:
    try:
        return normalise_reference(cell)
    except CallerError:
        return ""
