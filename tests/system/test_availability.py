"""Proves that a full disk and a lost key are survived: one clear error, nothing changed, then all goes on.

The database is full when SQLite says so, at a limit of pages; the disk under the table files and the
key file is full at the sync that would make them last. A key is lost with its file, cut short or
another workspace's. After each the workspace is as it was, and once the cause is gone the very same
command does its work.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest
from tests.attack.thief import REF, build, write_sources
from tests.program import Program

from hedgerow.adapters.files import directory
from hedgerow.adapters.keys import durable
from hedgerow.adapters.store.sqlite import SqliteStore

pytestmark = pytest.mark.system

COLLECT = (
    "collect", "more.csv", "--dataset", "visits", "--subject-key", "patient_ref", "--purpose", "research",
    "--basis", "consent", "--drop", "",
)  # fmt: skip
QUERY = ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--epsilon", "0.25")
ERASE = ("subject", "erase", "P-0005", "--yes")
ROTATE = ("keys", "rotate", "--yes")
WITHDRAW = ("consent", "withdraw", "P-0006", "--purpose", "research")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    build(folder)
    return folder


@pytest.fixture
def program(base, tmp_path, monkeypatch):
    """Give a copy of its own, and a further source that is large enough to need room."""
    shutil.copytree(base / "space", tmp_path / "space")
    write_sources(tmp_path)
    head, *rows = (tmp_path / "visits.csv").read_text().splitlines()
    more = [row.replace("P-", f"Q{turn}-") for turn in range(40) for row in rows[:40]]
    (tmp_path / "more.csv").write_text("\n".join([head, *more, ""]))
    monkeypatch.chdir(tmp_path)
    return Program(tmp_path / "space")


def held(program):
    """Everything that the database holds, and the names of the table files it counts."""
    with closing(sqlite3.connect(program.space / "hedgerow.db")) as connection:
        return list(connection.iterdump())


def full(owner, only=""):
    """Let a sync fail as on a full disk; with a word, only of files whose name has it."""
    real = os.fsync

    def fails(handle):
        if only in str(Path(f"/proc/self/fd/{handle}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    return mock.patch.object(owner.os, "fsync", fails)


def without_pages():
    """Let the database grow no further than it is."""
    connect = SqliteStore._connect

    def limited(self):
        connection = connect(self)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")
        return connection

    return mock.patch.object(SqliteStore, "_connect", limited)


@pytest.mark.parametrize(
    ("fault", "line", "error"),
    [
        (without_pages, COLLECT, "store.full"),
        (lambda: full(directory, "unfinished"), COLLECT, "shelf.unwritable"),
        (lambda: full(directory, "unfinished"), ERASE, "shelf.unwritable"),
        (lambda: full(durable, ".keys.json."), ROTATE, "keys.file-unwritten"),
    ],
    ids=["database", "table files", "rewrite", "key file"],
)
def test_a_full_disk_is_survived(program, fault, line, error):
    before, keys = held(program), (program.space / "keys.json").read_bytes()
    with fault():
        done = program.call(*line)
        assert (done.code, done.error, done.out) == (1, error, "")
        assert "Next:" in done.err
        assert (held(program), (program.space / "keys.json").read_bytes()) == (before, keys)
    done = program.call(*line)
    assert done.code == 0, done.err
    assert program.call("journal", "verify").code == 0
    assert checks(program) == []


def checks(program):
    told = program.call("doctor", "--json").json
    return [each for each in told if not each["ok"] and each["check"] != "key file"]


def cut(keys, _):
    keys.write_bytes(keys.read_bytes()[:-40])


def others(keys, folder):
    assert Program(folder / "other").call("init", "--no-passphrase", folder / "other").code == 0
    shutil.copy(folder / "other" / "keys.json", keys)


@pytest.mark.parametrize(
    ("loses", "error", "code"),
    [
        (lambda keys, _: keys.unlink(), "keys.file-missing", None),
        (cut, "keys.file-corrupt", None),
        (others, "keys.epoch-unknown", 6),
    ],
    ids=["gone", "cut short", "another workspace's"],
)
def test_a_lost_key_stops_every_command_and_nothing_is_lost(program, tmp_path, loses, error, code):
    keys = program.space / "keys.json"
    sound, before = keys.read_bytes(), held(program)
    loses(keys, tmp_path)
    for line in (COLLECT, QUERY, ERASE, ROTATE, WITHDRAW, ("subject", "export", REF), ("doctor",)):
        done = program.call(*line)
        assert (done.error, done.out) == (error, ""), done.err
        assert done.code == (code or done.code) != 0
        assert "Next:" in done.err
    assert held(program) == before
    keys.write_bytes(sound)
    keys.chmod(0o600)
    for line in (COLLECT, QUERY, ERASE, ROTATE, WITHDRAW, ("subject", "export", REF), ("journal", "verify")):
        done = program.call(*line)
        assert done.code == 0, (line, done.err)


def test_a_key_lost_while_the_workspace_is_open_stops_what_needs_it(program):
    from hedgerow.app.space import open_space
    from hedgerow.model.errors import HedgerowError

    keys = program.space / "keys.json"
    sound = keys.read_bytes()
    with open_space(program.space) as space:
        keys.unlink()
        with pytest.raises(HedgerowError) as caught:
            space.service.change_epoch(is_ending=True)
        assert caught.value.code.startswith("keys.file-")
        # What is in memory opens what there is; nothing new rests on a key that is nowhere else.
        assert space.subject(REF).export()["values"]
        keys.write_bytes(sound)
        keys.chmod(0o600)
        space.service.change_epoch(is_ending=True)
        space.service.verify()
    assert program.call("subject", "export", REF).code == 0


def test_another_tenants_ciphertext_ends_in_an_integrity_error(program, tmp_path):
    (tmp_path / "second").mkdir()
    build(tmp_path / "second")
    database = program.space / "hedgerow.db"
    with closing(sqlite3.connect(tmp_path / "second" / "space" / "hedgerow.db")) as second:
        foreign = second.execute("SELECT name, sealed FROM sealed_fields").fetchall()
    with closing(sqlite3.connect(database)) as first, first:
        for name, sealed in foreign:
            first.execute("UPDATE sealed_fields SET sealed = ? WHERE name = ?", (sealed, name))
    before = held(program)
    done = program.call("subject", "export", REF)
    assert (done.code, done.error, done.out) == (6, "envelope.unreadable", "")
    kept = [row for row in before if '"sealed_fields"' in row]
    assert [row for row in held(program) if '"sealed_fields"' in row] == kept
