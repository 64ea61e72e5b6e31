"""Whether a database has the tables, columns and indexes that this version works with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from hedgerow.adapters.store.sqlite import statements_of
from hedgerow.model.records import ALL_RECORDS

Shape = dict[str, frozenset[tuple[object, ...]]]


def differing_tables(path: Path) -> list[str]:
    """Name the tables whose columns, key or indexes are not those expected; reads no row.

    Args:
        path: The database file.

    Returns:
        Names, sorted; further tables, columns beside none, are left alone.
    """
    with closing(sqlite3.connect(":memory:")) as made:
        for kind in ALL_RECORDS:
            for statement in statements_of(kind):
                made.execute(statement)
        wanted = _shape(made)
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as held:
        found = _shape(held)
    return sorted(table for table, shape in wanted.items() if found.get(table) != shape)


def _shape(connection: sqlite3.Connection) -> Shape:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name: frozenset(_parts(connection, name)) for (name,) in names}


def _parts(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    """Describe the columns with type and place in the key, and what each index is over."""
    columns = connection.execute("SELECT name, type, pk FROM pragma_table_info(?)", (table,)).fetchall()
    indexes = connection.execute(
        "SELECT l.origin, group_concat(i.name) FROM pragma_index_list(?) l, pragma_index_info(l.name) i "
        "GROUP BY l.name",
        (table,),
    ).fetchall()
    return [*columns, *indexes]
