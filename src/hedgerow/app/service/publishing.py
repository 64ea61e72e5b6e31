"""Publishing: tables that are about nobody, which queries may be joined with."""

from __future__ import annotations

from pathlib import Path

from hedgerow.app.service.base import Part
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import CallerError
from hedgerow.model.records import PublicContent
from hedgerow.model.uses import Json
from hedgerow.spine.publics import naming_people, public_facts, publish, read_public, withdraw


class Publishing(Part):
    """Tables declared public."""

    def add_public(self, name: str, path: Path, why: str) -> dict[str, Json]:
        """Declare a table public; versioned and journaled.

        Args:
            name: What queries call it.
            path: A file of it: CSV, JSONL or Parquet.
            why: Why everybody may know it.

        Returns:
            As one of ``public_tables``.

        Raises:
            CallerError: ``dp.public-table`` for one that names people, ``public.broken``, or what
                ``spine.publics.publish`` raises.
        """
        from hedgerow.adapters.readers import open_table
        from hedgerow.techniques.dp_query import public_table

        self._require("dataset.declare", name)
        source = open_table(path)
        if source.broken:
            raise CallerError("public.broken", table=name, line=source.broken[0].line)
        kinds = {column.name: column.type for column in source.columns}
        with self.spine.store.write() as tx:
            table = public_table(name, source.table, kinds, naming_people(tx))
            now = timestamp(self.spine.clock.now())
            record = publish(tx, table, why, self.actor.acting_as, now)
            self._note(tx, "public.add", public_facts(record))
        return _public(record)

    def drop_public(self, name: str, why: str) -> dict[str, Json]:
        """Take a public table back; journaled.

        Args:
            name: What queries call it.
            why: Why.

        Returns:
            ``name``, ``version`` and the ``entry`` of the journal.
        """
        self._require("dataset.declare", name)
        with self.spine.store.write() as tx:
            now = timestamp(self.spine.clock.now())
            record = withdraw(tx, name, why, self.actor.acting_as, now)
            entry = self._note(tx, "public.drop", public_facts(record))
        return {"name": name, "version": record.version, "entry": entry}

    def public_tables(self) -> list[dict[str, Json]]:
        """List the public tables; all of them may be known."""
        self._require("dataset.list")
        with self.spine.store.read() as reader:
            return [_public(record) for record in reader.find(PublicContent) if record.body]


def _public(record: PublicContent) -> dict[str, Json]:
    table = read_public(record)
    return {
        "name": record.name,
        "version": record.version,
        "rows": table.rows,
        "columns": [{"name": column.name, "type": column.kind.value} for column in table.columns],
        "digest": table.digest,
        "why": record.why,
        "declared_by": record.declared_by,
        "time": record.time,
    }
