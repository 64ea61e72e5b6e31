"""Quarantine: broken rows wait sealed under a key that expires, never silently dropped."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from hedgerow.kernel.envelope import new_key, open_sealed, seal
from hedgerow.model.canonical import timestamp
from hedgerow.model.keys import Binding, KeyBackend
from hedgerow.model.ports import Clock, Reader, Transaction
from hedgerow.model.records import QuarantineBatch, QuarantinedRow

LIFETIME = timedelta(days=30)
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that could not be read: its line, the reason without any value, its bytes."""

    line: int
    reason: str
    raw: bytes = field(repr=False)


class Quarantine:
    """Keeps broken rows until someone retries or discards them, at most 30 days."""

    def __init__(self, backend: KeyBackend, tenant: str, clock: Clock) -> None:
        self._backend = backend
        self._tenant = tenant
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
        batch, key, now = "q-" + secrets.token_hex(6), new_key(), self._clock.now()
        wrapped = self._backend.wrap(key, self._binding("quarantine-key", batch, 0))
        until = (now + LIFETIME).date().isoformat()
        tx.add([QuarantineBatch(batch, dataset, header, timestamp(now), until, wrapped)])
        tx.add(
            QuarantinedRow(batch, i, json.dumps([row.line, row.reason]),
                           seal(key, row.raw, self._binding("quarantine", batch, i)))
            for i, row in enumerate(rows)
        )  # fmt: skip
        return batch

    def batches(self, reader: Reader) -> list[QuarantineBatch]:
        """List the batches that wait."""
        return reader.find(QuarantineBatch)

    def reasons(self, reader: Reader, batch: str) -> list[tuple[int, str]]:
        """List line and reason of each row of a batch."""
        return [cast("tuple[int, str]", tuple(json.loads(row.reason)))
                for row in reader.find(QuarantinedRow, batch=batch)]  # fmt: skip

    def rows(self, reader: Reader, batch: QuarantineBatch) -> list[Broken]:
        """Open the rows of a batch, to read them again."""
        key = self._backend.unwrap(batch.wrapped, self._binding("quarantine-key", batch.id, 0))
        found = []
        for i, row in enumerate(reader.find(QuarantinedRow, batch=batch.id)):
            line, reason = json.loads(row.reason)
            found.append(
                Broken(line, reason, open_sealed(key, row.sealed, self._binding("quarantine", batch.id, i)))
            )
        return found

    def discard(self, tx: Transaction, batch: str) -> None:
        """Destroy a batch: its key and its rows."""
        tx.remove(QuarantineBatch, id=batch)
        tx.remove(QuarantinedRow, batch=batch)

    def expire(self, tx: Transaction) -> int:
        """Destroy every batch whose date has passed.

        Returns:
            How many went.
        """
        today = self._clock.now().date().isoformat()
        over = [batch.id for batch in self.batches(tx) if batch.until < today]
        for batch in over:
            self.discard(tx, batch)
        return len(over)
