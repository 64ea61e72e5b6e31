"""A database into which somebody put a trigger, which could keep what is erased, is not opened."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from tests.program import Program

pytestmark = pytest.mark.system


@pytest.mark.parametrize(
    "trap",
    [
        """CREATE TRIGGER keep AFTER DELETE ON subjects BEGIN
           INSERT INTO settings VALUES ('kept.' || OLD.number, hex(OLD.wrapped)); END""",
        "CREATE VIEW kept AS SELECT * FROM subjects",
        "CREATE VIRTUAL TABLE kept USING fts5(words)",
    ],
    ids=["trigger", "view", "virtual table"],
)
def test_a_database_with_acts_of_its_own_is_not_opened(tmp_path, trap):
    program = Program(tmp_path / "space")
    assert program.call("init", program.space, "--no-passphrase").code == 0
    assert program.call("keys", "status").code == 0
    with closing(sqlite3.connect(program.space / "hedgerow.db")) as database, database:
        database.execute(trap)
    done = program.call("keys", "status")
    assert (done.code, done.error) == (6, "store.foreign-parts")
    # SQLite reads the kind of a part in either case.
    with closing(sqlite3.connect(program.space / "hedgerow.db", isolation_level=None)) as database:
        database.execute("PRAGMA writable_schema=ON")
        database.execute("UPDATE sqlite_master SET type = upper(type) WHERE rootpage = 0")
    done = program.call("keys", "status")
    assert (done.code, done.error) == (6, "store.foreign-parts")
