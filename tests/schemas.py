"""A small workspace of each earlier schema, as the program of its time left it: generated people only."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"
PASSPHRASE = "correct horse battery"
ERASED, WITHDRAWN, THERE = "P-007", "P-003", "P-001"


def old_files(number: int, directory: Path) -> Path:
    """Lay the key file and the table files out."""
    directory.mkdir(mode=0o700)
    fixture = FIXTURES / f"schema_{number}"
    shutil.copy(fixture / "keys.json", directory)
    (directory / "keys.json").chmod(0o600)
    shutil.copytree(fixture / "tables", directory / "tables")
    (directory / "tables").chmod(0o700)
    return directory


def old_space(number: int, directory: Path) -> Path:
    """Lay a workspace in a directory out."""
    old_files(number, directory)
    with closing(sqlite3.connect(directory / "hedgerow.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript((FIXTURES / f"schema_{number}" / "sqlite.sql").read_text())
    (directory / "hedgerow.db").chmod(0o600)
    return directory


def old_database(number: int, database) -> str:
    """Fill an empty database as its owner, and name the tenant that is in it."""
    from tests.postgres import OWNER

    database.run(f"SET ROLE {OWNER};" + (FIXTURES / f"schema_{number}" / "postgres.sql").read_text())
    return database.run("SELECT tenant FROM hedgerow.tenants")[0][0]


def use(program):
    """Use a workspace that was brought forward: ask, show, erase, verify."""

    def do(*line):
        done = program.call(*line, "--json")
        assert done.code == 0, (line, done.out, done.err)
        return done.json

    ask = ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--epsilon", "0.5")
    assert do(*ask, "--request-id", "asked")["receipt"]["replayed"] is True
    assert do(*ask, "--request-id", "again")["receipt"]["budget"]["own"]["spent"] == "1"
    assert program.call("subject", "show", ERASED).code == 3
    shown = do("subject", "show", THERE)
    assert [each["dataset"] for each in shown["held"]] == ["visits"]
    assert len(shown["uses"]) == 2, "the use before the upgrade too"
    do("running", "open", "arrivals", "visits", "--steps", "4", "--epsilon", "0.1", "--purpose", "research")
    assert do("running", "advance", "arrivals")["step"] == 1
    assert do("subject", "erase", THERE, "--yes")["body"]["state"] == "logical"
    assert do("running", "advance", "arrivals")["step"] == 2
    assert program.call("journal", "verify").code == 0
    told = [entry["action"] for entry in do("journal", "show", "--last", "99")]
    assert (told.count("space.upgrade"), told.count("space.init")) == (1, 1)
    do("keys", "epoch", "--yes")
    assert program.call("doctor").code == 0
