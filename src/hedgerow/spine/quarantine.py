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
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import cast

from hedgerow.kernel.envelope import new_key, normalise_reference, open_sealed, seal
from hedgerow.model.canonical import digest, timestamp
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import Binding
from hedgerow.model.ports import Clock, Reader, Transaction
from hedgerow.model.records import QuarantineBatch, QuarantinedRow
from hedgerow.spine.keyring import Keyring, batch_key

LIFETIME = timedelta(days=30)
_FORMAT, _OLDER = 2, 1
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

    def _binding(self, batch: QuarantineBatch, place: int, reason: str) -> Binding:
        """What a row is bound to: all that is said of it beside, so that it opens under nothing else."""
        return Binding(
            self._tenant, "quarantine", batch.id, digest([waits_as(batch), place, reason]), _FORMAT
        )

    def put(
        self, tx: Transaction, dataset: str, header: str, subject: str, rows: Sequence[Broken]
    ) -> QuarantineBatch | None:
        """Set rows aside under a fresh key.

        Args:
            tx: The transaction.
            dataset: The data set they were meant for.
            header: What a retry needs to read them, a JSON object.
            subject: The column that says whose a row is.
            rows: The rows.

        Returns:
            The batch, or none when there are no rows.
        """
        if not rows:
            return None
        name, now = "q-" + secrets.token_hex(6), self._clock.now()
        until = (now + LIFETIME).date().isoformat()
        told = json.dumps({**json.loads(header), "subject": subject})
        batch = QuarantineBatch(name, dataset, told, timestamp(now), until, b"")
        self._keep(tx, batch, rows)
        return batch

    def _keep(self, tx: Transaction, batch: QuarantineBatch, rows: Sequence[Broken]) -> None:
        """Add a batch and its rows under a key that is used for them alone."""
        key = new_key()
        kept = replace(batch, wrapped=self._backend.wrap(key, batch_key(self._tenant, batch.id)))
        tx.add(self._keyring.current(tx, [kept]))
        reasons = [json.dumps([row.line, row.reason]) for row in rows]
        tx.add(
            QuarantinedRow(batch.id, i, reason, seal(key, row.raw, self._binding(batch, i, reason)))
            for i, (row, reason) in enumerate(zip(rows, reasons, strict=True))
        )

    def forget(
        self, tx: Transaction, ref: str, batches: Sequence[QuarantineBatch]
    ) -> dict[str, tuple[str, str]]:
        """Destroy the waiting rows that name a person; the others of a batch go under a fresh key.

        Args:
            tx: The transaction.
            ref: The source id of the person.
            batches: Every batch that waits.

        Returns:
            For each batch that lost rows, the hash of those it had and of those it still has; the latter
            is empty when it has none.

        Raises:
            Fault: ``quarantine.altered``.
        """
        left: dict[str, tuple[str, str]] = {}
        for batch in batches:
            rows = self.rows(tx, batch)
            kept = [row for row in rows if not _names(row.raw, batch.header, ref)]
            if len(kept) == len(rows):
                continue
            had = rows_of(tx, batch.id)
            self.discard(tx, batch.id)
            if kept:
                self._keep(tx, batch, kept)
            left[batch.id] = (had, rows_of(tx, batch.id) if kept else "")
        return left

    def batches(self, reader: Reader) -> list[QuarantineBatch]:
        """List the batches that wait."""
        return reader.find(QuarantineBatch)

    def reasons(self, reader: Reader, batch: str) -> list[tuple[int, str]]:
        """List line and reason of each row of a batch."""
        return [cast("tuple[int, str]", tuple(json.loads(row.reason)))
                for row in reader.find(QuarantinedRow, batch=batch)]  # fmt: skip

    def rows(self, reader: Reader, batch: QuarantineBatch) -> list[Broken]:
        """Open the rows of a batch, to read them again.

        Raises:
            Fault: ``quarantine.altered`` where one does not open under what the batch says of it.
        """
        key, found = self._key(batch), []
        for row in reader.find(QuarantinedRow, batch=batch.id):
            raw = self._opened(key, batch, row)
            line, reason = json.loads(row.reason)
            found.append(Broken(line, reason, raw))
        return found

    def _key(self, batch: QuarantineBatch) -> bytes:
        try:
            return self._backend.unwrap(batch.wrapped, batch_key(self._tenant, batch.id))
        except Fault as fault:
            if fault.code != "envelope.unreadable":
                raise
            raise Fault("quarantine.altered", batch=batch.id) from None

    def _opened(self, key: bytes, batch: QuarantineBatch, row: QuarantinedRow) -> bytes:
        # An older version bound a row to batch and place alone: what is said of it, the journal tells then.
        older = Binding(self._tenant, "quarantine", batch.id, str(row.place), _OLDER)
        for binding in (self._binding(batch, row.place, row.reason), older):
            try:
                return open_sealed(key, row.sealed, binding)
            except Fault:
                continue
        raise Fault("quarantine.altered", batch=batch.id)

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
        over = [batch.id for batch in self.batches(tx) if last_day(batch) < today]
        for batch in over:
            self.discard(tx, batch)
        return over


def last_day(batch: QuarantineBatch) -> str:
    """Tell until when a batch waits at most (ISO date), whatever date stands in its record."""
    try:
        longest = (datetime.fromisoformat(batch.created) + LIFETIME).date().isoformat()
    except (ValueError, OverflowError):
        return batch.until  # changed: the audit says so
    return min(batch.until, longest)


def waits_as(batch: QuarantineBatch) -> str:
    """Hash what is said of waiting rows: for which data set and purposes, how to read them, until when."""
    return digest([batch.dataset, batch.header, batch.created, batch.until])


def rows_of(reader: Reader, batch: str) -> str:
    """Hash the sealed rows of a batch, whatever its key lies under; it tells nothing of how many."""
    told = hashlib.sha256()
    for sealed in cast("list[bytes]", reader.values(QuarantinedRow, "sealed", batch=batch)):
        told.update(hashlib.sha256(sealed).digest())
    return told.hexdigest()


def _names(raw: bytes, header: str, ref: str) -> bool:
    """Tell whether a broken row names a person, in its subject column or, where that is lost, anywhere.

    The header of an older version does not name that column, and the data set's record is bound to nothing.
    """
    wanted, told = normalise_reference(ref), cast("Mapping[str, object]", json.loads(header))
    columns = [str(name) for name, _ in cast("Sequence[Sequence[str]]", told["columns"])]
    subject = str(told.get("subject") or "")
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
