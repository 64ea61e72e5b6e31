"""Tables declared public: about nobody, named by an entry of the journal with a digest of what they hold.

Nothing is public that was not declared so, and nothing that shares its name with a data set.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import cast

from hedgerow.model.canonical import canonical, digest
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.joins import PublicColumn, PublicTable, PublicValue
from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import Dataset, DatasetColumn, PublicContent
from hedgerow.model.uses import Json
from hedgerow.model.words import ColumnType
from hedgerow.spine.catalog import check_name

BYTES_MOST = 4 * 2**20


class Publics(Mapping[str, PublicTable]):
    """The public tables of a workspace, each read when it is asked for.

    Args:
        reader: The view a use is decided on; nothing is read once it is over.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __getitem__(self, name: str) -> PublicTable:
        """Read a public table; one that shares its name with a data set is none."""
        record = self._reader.get(PublicContent, name)
        if record is None or not record.body or is_dataset(self._reader, name):
            raise KeyError(name)
        return read_public(record)

    def __contains__(self, name: object) -> bool:
        """Tell whether a public table is called so, without reading it."""
        record = self._reader.get(PublicContent, name)
        return record is not None and bool(record.body) and not is_dataset(self._reader, record.name)

    def __iter__(self) -> Iterator[str]:
        """Walk the names."""
        named = [record.name for record in self._reader.find(PublicContent) if record.body]
        return (name for name in named if not is_dataset(self._reader, name))

    def __len__(self) -> int:
        """Count them."""
        return sum(1 for _ in self)


def is_dataset(reader: Reader, name: str) -> bool:
    """Tell whether a name is that of a data set."""
    record = reader.get(Dataset, name)
    return record is not None and not record.dropped


def naming_people(reader: Reader) -> set[str]:
    """List the columns of all data sets that say who a person is."""
    subjects = {record.subject_column for record in reader.find(Dataset) if not record.dropped}
    return subjects | {column.name for column in reader.find(DatasetColumn) if column.in_vault}


def publish(tx: Transaction, table: PublicTable, why: str, declared_by: str, time: str) -> PublicContent:
    """Declare a table public, in place of one of its name.

    Args:
        tx: The transaction.
        table: The table; nothing of a person is in it, on the word of who declares it.
        why: Why everybody may know it.
        declared_by: Who says so.
        time: When.

    Raises:
        CallerError: ``name.malformed``, ``public.no-why``, ``public.is-dataset``, ``public.too-large``.
    """
    check_name(table.name, "public table")
    _check_why(why)
    if is_dataset(tx, table.name):
        raise CallerError("public.is-dataset", table=table.name)
    body = canonical(_json(table))
    if len(body) > BYTES_MOST:
        raise CallerError("public.too-large", table=table.name, most=BYTES_MOST // 2**20)
    known = tx.get(PublicContent, table.name)
    version = 1 if known is None else known.version + 1
    record = PublicContent(table.name, version, why.strip(), declared_by, time, zlib.compress(body))
    tx.put(record)
    return record


def withdraw(tx: Transaction, name: str, why: str, declared_by: str, time: str) -> PublicContent:
    """Take a public table back; its content goes.

    Raises:
        CallerError: ``public.no-why``, ``public.unknown``.
    """
    _check_why(why)
    known = tx.get(PublicContent, name)
    if known is None or not known.body:
        raise CallerError("public.unknown", table=name)
    record = replace(known, body=b"", why=why.strip(), declared_by=declared_by, time=time)
    tx.put(record)
    return record


def _check_why(why: str) -> None:
    if not why.strip():
        raise CallerError("public.no-why")


def public_facts(record: PublicContent) -> dict[str, Json]:
    """Write a declaration as the journal keeps it: digests of what it holds and why."""
    told: dict[str, Json] = {"table": record.name, "version": record.version, "why": digest(record.why)}
    return told | ({"body": _digest(record)} if record.body else {})


def recorded(record: PublicContent) -> tuple[int, str, str]:
    """Tell a record as the audit compares it."""
    return record.version, _digest(record) if record.body else "", digest(record.why)


def read_public(record: PublicContent) -> PublicTable:
    """Read a public table as a record keeps it.

    Raises:
        Fault: ``records.differ`` when it holds no table.
    """
    try:
        columns = tuple(_read(column) for column in json.loads(_text(record)))
    except (ValueError, KeyError, TypeError):
        raise Fault("records.differ", kind="public tables") from None
    return PublicTable(record.name, columns, _digest(record))


def _text(record: PublicContent) -> str:
    """Inflate what a record holds, as far as it may reach."""
    try:
        return zlib.decompressobj().decompress(record.body, BYTES_MOST).decode()
    except (zlib.error, UnicodeDecodeError):
        raise Fault("records.differ", kind="public tables") from None


def _digest(record: PublicContent) -> str:
    return digest(_text(record))


def _json(table: PublicTable) -> Json:
    return [
        {"name": column.name, "type": column.kind.value, "values": [_told(value) for value in column.values]}
        for column in table.columns
    ]


def _told(value: PublicValue) -> Json:
    return str(value) if isinstance(value, Fraction) else value


def _read(column: Mapping[str, object]) -> PublicColumn:
    kind, values = ColumnType(str(column["type"])), cast("Sequence[PublicValue]", column["values"])
    if kind is ColumnType.DECIMAL:
        values = [None if value is None else Fraction(value) for value in values]
    return PublicColumn(str(column["name"]), kind, tuple(values))
