"""The steps from each schema to the next, for both databases.

The step to a schema that was given out is written out under ``frozen``, so that it never changes; the step
to the one in the making is worked out from the records: every table, field and index that the schema
before it lacks. ``tools/freeze_schema.py`` writes that step out.
"""

from __future__ import annotations

import sqlite3
import typing
from collections.abc import Iterator
from contextlib import closing
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from importlib import resources

from hedgerow.adapters.store import postgres_shape
from hedgerow.adapters.store import sqlite as embedded
from hedgerow.model import records
from hedgerow.model.records import Record

_AFFINITY = {int: "INTEGER", bool: "INTEGER", str: "TEXT", bytes: "BLOB"}


@dataclass(frozen=True, slots=True)
class Step:
    """The statements that lead from the schema before to one schema.

    Args:
        sqlite: For SQLite.
        postgres: For PostgreSQL.
    """

    sqlite: tuple[str, ...]
    postgres: tuple[str, ...]


def step(number: int) -> Step:
    """Give the step to a schema.

    Args:
        number: From 1 to the schema of this Hedgerow.
    """
    return frozen(number) or drafted(number)


def frozen(number: int) -> Step | None:
    """Read the step to a schema that was given out, or none where it is still in the making."""
    folder = resources.files("hedgerow.adapters.store.frozen")
    texts = [folder / f"schema_{number}_{kind}.sql" for kind in ("sqlite", "postgres")]
    if not all(text.is_file() for text in texts):
        return None
    return Step(*(tuple(text.read_text(encoding="utf-8").splitlines()) for text in texts))


def drafted(number: int) -> Step:
    """Work out the step to a schema from the records as they are and the schema before."""
    before = tables_of(number - 1)
    sqlite: list[str] = []
    postgres: list[str] = list(postgres_shape.tenants()) if number == 1 else []
    for kind in records.ALL_RECORDS:
        if kind.TABLE not in before:
            sqlite += embedded.statements_of(kind)
            postgres += postgres_shape.shape_of(kind).create()
            continue
        columns, indexes = before[kind.TABLE]
        for ours, theirs in _columns(kind, columns):
            sqlite.append(ours)
            postgres.append(theirs)
        for index in kind.INDEXES:
            if f"{kind.TABLE}_{'_'.join(index)}" not in indexes:
                sqlite.append(embedded.index_of(kind, index))
                postgres.append(postgres_shape.shape_of(kind).index(index))
    return Step(tuple(sqlite), tuple(postgres))


def tables_of(number: int) -> dict[str, tuple[tuple[str, ...], frozenset[str]]]:
    """Tell what a schema that was given out holds.

    Args:
        number: The schema; 0 is the empty one.

    Returns:
        For each table its columns, in order, and the names of its indexes.
    """
    return _tables(tuple(statement for each in range(1, number + 1) for statement in step(each).sqlite))


@lru_cache
def _tables(statements: tuple[str, ...]) -> dict[str, tuple[tuple[str, ...], frozenset[str]]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in statements:
            connection.execute(statement)
        return structure(connection)


def structure(connection: sqlite3.Connection) -> dict[str, tuple[tuple[str, ...], frozenset[str]]]:
    """Read from a database of SQLite what ``tables_of`` tells of a schema."""
    listed = connection.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name")
    return {
        table: (
            tuple(row[1] for row in connection.execute(f'PRAGMA main.table_info("{table}")')),
            frozenset(
                row[1]
                for row in connection.execute(f'PRAGMA main.index_list("{table}")')
                if not row[1].startswith("sqlite_")
            ),
        )
        for (table,) in listed.fetchall()
        if not table.startswith("sqlite_")
    }


def _columns(kind: type[Record], there: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Give the statements that add fields; records that exist get the field's default."""
    shape, hints = postgres_shape.shape_of(kind), typing.get_type_hints(kind)
    for field in fields(kind):
        if field.name in there:
            continue
        if field.default is MISSING:
            raise TypeError(f"{kind.TABLE}.{field.name} ({hints[field.name]}) needs a default")
        base, default = shape.types[field.name], _literal(field.default)
        told = "" if default is None else f" NOT NULL DEFAULT {default[1]}"
        kept = "" if default is None else f" DEFAULT {default[0]}"
        yield (
            f'ALTER TABLE "{kind.TABLE}" ADD COLUMN "{field.name}" {_AFFINITY[base]}{kept}',
            f'ALTER TABLE {shape.table} ADD COLUMN "{field.name}" {postgres_shape.column_type(base)}{told}',
        )


def _literal(value: object) -> tuple[str, str] | None:
    """Write a default for SQLite and for PostgreSQL."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(int(value)), str(value).lower()
    if isinstance(value, int):
        return str(value), str(value)
    if isinstance(value, bytes):
        return f"x'{value.hex()}'", f"'\\x{value.hex()}'"
    quoted = "'" + str(value).replace("'", "''") + "'"
    return quoted, quoted
