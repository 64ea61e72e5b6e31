"""Proves that a workspace of each earlier schema is brought forward whole, whatever stops it, and used."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import pytest
from tests.program import Program
from tests.schemas import PASSPHRASE, old_space, use

from hedgerow.adapters.store import history, sqlite_schema
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.records import SCHEMA_VERSION

STEPS = ("copying", "changing", "comparing", "checking")


@pytest.fixture(params=range(1, SCHEMA_VERSION))
def old(request, tmp_path):
    return Program(old_space(request.param, tmp_path / "space"), PASSPHRASE)


def _version(space):
    with closing(sqlite3.connect(space / "hedgerow.db")) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def _content(space):
    with closing(sqlite3.connect(space / "hedgerow.db")) as connection:
        return list(connection.iterdump())


def test_it_is_not_opened_until_it_is_brought_forward(old):
    before = _content(old.space)
    done = old.call("doctor")
    assert (done.code, done.error) == (2, "space.older-version")
    assert "`hedgerow upgrade --yes`" in done.err
    planned = old.call("upgrade")
    assert (planned.code, planned.error) == (2, "confirm.needed")
    assert f"to {SCHEMA_VERSION}" in planned.err
    assert _content(old.space) == before


def test_it_is_brought_forward_and_used(old):
    found = _version(old.space)
    done = old.call("upgrade", "--yes", "--json")
    assert (done.code, done.json["found"], done.json["needed"]) == (0, found, SCHEMA_VERSION)
    assert [path.name for path in old.space.glob("hedgerow.db*")] == ["hedgerow.db"]
    use(old)
    assert old.call("upgrade").out.startswith("Nothing to do")


def test_its_tables_are_those_of_a_new_one(old, tmp_path):
    old.call("upgrade", "--yes")
    new = Program(tmp_path / "new")
    new.call("init", tmp_path / "new", "--no-passphrase")
    found = []
    for space in (old.space, new.space):
        with closing(sqlite3.connect(space / "hedgerow.db")) as connection:
            found.append(history.structure(connection))
    assert found[0] == found[1]


def _killed_at(path, step):
    """Run the upgrade in a process that ends without a word at a step."""
    child = os.fork()
    if child == 0:
        try:
            sqlite_schema.migrate(path, lambda told: os._exit(9) if told.startswith(step) else None)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_goes_on_with_the_same_command(tmp_path, step):
    space = old_space(1, tmp_path / "space")
    before = _content(space)
    assert _killed_at(space / "hedgerow.db", step) == 9
    is_done = step == "checking"
    assert _version(space) == (SCHEMA_VERSION if is_done else 1)
    assert is_done or _content(space) == before
    copies = [path.name for path in space.glob("hedgerow.db.schema-*")]
    assert copies == ([] if step == "copying" else ["hedgerow.db.schema-1"])
    program = Program(space, PASSPHRASE)
    assert program.call("upgrade", "--yes").code == 0
    assert list(space.glob("hedgerow.db.*")) == []
    assert program.call("journal", "verify").code == 0


@pytest.mark.parametrize("step", STEPS[:3])
def test_what_fails_leaves_it_as_it_was(tmp_path, step):
    space = old_space(1, tmp_path / "space")
    before = _content(space)

    def fail(told):
        if told.startswith(step):
            raise sqlite3.OperationalError

    with pytest.raises(Fault):
        sqlite_schema.migrate(space / "hedgerow.db", fail)
    assert _content(space) == before


def test_records_that_changed_on_the_way_undo_it(tmp_path, monkeypatch):
    space = old_space(1, tmp_path / "space")
    before = _content(space)
    wrong = history.Step(("UPDATE accounts SET epsilon = '0'",), ())
    monkeypatch.setattr(sqlite_schema, "step", lambda _: wrong)
    with pytest.raises(Fault) as caught:
        sqlite_schema.migrate(space / "hedgerow.db", lambda _: None)
    assert caught.value.code == "upgrade.unverified"
    assert _content(space) == before


def test_one_that_is_in_use_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_schema, "_WAIT_S", 0.05)
    space = old_space(1, tmp_path / "space")
    with closing(sqlite3.connect(space / "hedgerow.db")) as other:
        other.execute("SELECT * FROM settings").fetchall()
        done = Program(space, PASSPHRASE).call("upgrade", "--yes")
    assert (done.code, done.error) == (1, "upgrade.in-use")
    assert _version(space) == 1


def test_a_newer_one_is_refused_and_left_alone(tmp_path):
    space = old_space(1, tmp_path / "space")
    with closing(sqlite3.connect(space / "hedgerow.db")) as connection:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    program = Program(space, PASSPHRASE)
    for line in (("doctor",), ("upgrade",), ("upgrade", "--yes")):
        assert program.call(*line).error == "space.newer-version"
    with pytest.raises(CallerError):
        sqlite_schema.standing(space / "hedgerow.db")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("upgrade", "--space", "nowhere"), "space.missing"),
        (("upgrade",), "space.not-named"),
        (("upgrade", "--application", "app"), "upgrade.role-of-no-database"),
        (("upgrade", "--space", "mysql://h/d"), "store.url"),
        (("upgrade", "--space", "postgresql://a:b@h/d"), "store.password-in-url"),
        (("init", "postgresql://a:b@h/d", "--files", "f"), "store.password-in-url"),
        (("init", "postgresql://a@h/d"), "space.files-needed"),
        (("init", "here", "--files", "f"), "space.files-of-no-database"),
        (("init",), "usage.malformed"),
        (("init", "here", "--space", "there"), "usage.malformed"),
    ],
)
def test_bad_input_is_one_clear_error(tmp_path, monkeypatch, line, code):
    monkeypatch.chdir(tmp_path)
    space = old_space(1, tmp_path / "space") if "--application" in line else None
    done = Program(space).call(*line)
    assert (done.code, done.error) == (2, code)
    assert [path.name for path in tmp_path.iterdir()] == (["space"] if space else [])


def test_no_workspace_is_no_database_file(tmp_path):
    (tmp_path / "hedgerow.db").write_bytes(b"no database" * 99)
    assert Program(tmp_path).call("upgrade").error == "store.unreadable"
    (tmp_path / "hedgerow.db").write_bytes(b"")
    assert Program(tmp_path).call("upgrade").error == "store.unreadable"


def test_an_address_needs_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    done = Program("postgresql://app@h/d").call("doctor")
    assert (done.code, done.error) == (7, "extra.missing")
    assert "pip install 'hedgerow[postgres]'" in done.err
