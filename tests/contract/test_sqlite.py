"""Proves what SQLite adds to the contract of every store: one file, durable, nothing left of what went."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.contract.records import all_of, put, request

from hedgerow.adapters.store import sqlite_log
from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.records import (
    SCHEMA_VERSION,
    Principal,
    Setting,
    Subject,
)

MARKER = b"a person's own words that must go"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.db"


@pytest.fixture
def opened(path):
    """Open stores on one file; the first makes it."""
    with contextlib.ExitStack() as stack:

        def another(**options):
            made = SqliteStore(path, create=not path.exists(), **options)
            stack.callback(made.close)
            return made

        yield another


class TestOneFile:
    def test_a_commit_of_another_store_is_seen_and_changes_the_stamp(self, opened):
        one, two = opened(), opened()
        before = two.stamp()
        put(one, Setting("a", "1"))
        assert two.stamp() != before
        assert all_of(two) == [Setting("a", "1")]
        settled = two.stamp()
        all_of(one)
        assert two.stamp() == settled

    def test_writers_of_two_stores_wait_for_each_other(self, opened):
        stores = [opened(), opened()]
        put(stores[0], Setting("n", "0"))

        def add(store):
            for _ in range(15):
                with store.write() as tx:
                    tx.put(Setting("n", str(int(tx.get(Setting, "n").value) + 1)))

        threads = [threading.Thread(target=add, args=(s,)) for s in stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all_of(stores[0]) == [Setting("n", "30")]

    def test_a_writer_that_never_ends_is_told_as_busy(self, opened, monkeypatch):
        monkeypatch.setattr("hedgerow.adapters.store.sqlite._WAIT_S", 0.05)
        one, two = opened(), opened()
        with one.write(), pytest.raises(Fault) as caught, two.write():
            pass
        assert caught.value.code == "store.busy"
        put(two, Setting("a", "1"))

    def test_what_was_committed_is_there_after_opening_again(self, opened, path):
        store = opened()
        put(store, Setting("a", "1"))
        store.close()
        assert all_of(opened()) == [Setting("a", "1")]

    def test_what_is_deleted_is_in_no_file_after_scrubbing(self, opened, path):
        store = opened()
        put(store, *(Subject(n, b"%d" % n + MARKER, MARKER * 200, "t") for n in range(40)))
        put(store, request("r", MARKER * 5000))
        assert MARKER in _bytes(path)
        with store.write() as tx:
            tx.remove(Subject)
            tx.put(request("r"))
        store.scrub()
        assert MARKER not in _bytes(path)

    def test_scrubbing_beside_a_reader_does_no_harm(self, opened, path, monkeypatch):
        monkeypatch.setattr("hedgerow.adapters.store.sqlite._WAIT_S", 0.05)
        one, two = opened(), opened()
        put(one, Subject(1, MARKER, MARKER, "t"))
        with two.read() as reader:
            reader.find(Subject)
            with one.write() as tx:
                tx.remove(Subject)
            with contextlib.suppress(Fault):
                one.scrub()
            assert len(reader.find(Subject)) == 1
        one.scrub()
        assert MARKER not in _bytes(path)

    def test_an_emptied_log_is_begun_with_no_row_in_it_and_the_next_commit_is_as_durable(self, opened, path):
        one, log = opened(), path.with_name(path.name + "-wal")
        put(one, Subject(1, MARKER, MARKER, "t"))
        one.scrub()
        page = one._writer.execute("PRAGMA page_size").fetchone()[0]
        assert log.stat().st_size == 32 + 24 + page
        assert MARKER not in log.read_bytes()
        assert _pragmas(one) == ("wal", 2, 1)
        put(one, Setting("a", "1"))
        one.close()
        assert all_of(opened()) == [Setting("a", "1")]

    def test_a_log_that_cannot_be_begun_is_left_to_the_next_commit(self, opened, path, monkeypatch):
        one, other = opened(), sqlite3.connect(path, isolation_level=None)
        begin = sqlite_log.begin

        def beside_a_writer(*given):
            other.execute("BEGIN IMMEDIATE")
            begin(*given)  # neither waits nor fails
            other.execute("ROLLBACK")

        monkeypatch.setattr(sqlite_log, "begin", beside_a_writer)
        put(one, Setting("a", "1"))
        one.scrub()
        other.close()
        assert _pragmas(one) == ("wal", 2, 1)
        assert one._writer.execute("PRAGMA busy_timeout").fetchone()[0] == 30_000
        put(one, Setting("b", "2"))
        assert all_of(one) == [Setting("a", "1"), Setting("b", "2")]

    def test_it_is_durable_by_its_settings(self, opened):
        assert _pragmas(opened()) == ("wal", 2, 1)
        assert _pragmas(opened(durable=False)) == ("wal", 0, 1)

    def test_only_its_owner_may_read_the_file(self, opened, path):
        opened()
        assert path.stat().st_mode & 0o777 == 0o600

    def test_a_newer_schema_is_refused(self, opened, path):
        opened().close()
        _raw(path, f"PRAGMA user_version={SCHEMA_VERSION + 1}")
        with pytest.raises(CallerError) as caught:
            opened()
        assert caught.value.code == "space.newer-version"

    def test_a_database_of_something_else_is_refused(self, opened, path):
        _raw(path, "CREATE TABLE other (a)")
        with pytest.raises(Fault) as caught:
            SqliteStore(path)
        assert caught.value.code == "store.unreadable"

    def test_a_file_that_is_no_database_is_refused_and_left_alone(self, path):
        path.write_bytes(MARKER * 100)
        with pytest.raises(Fault) as caught:
            SqliteStore(path)
        assert caught.value.code == "store.unreadable"
        assert path.read_bytes() == MARKER * 100

    def test_creating_over_a_workspace_is_refused_and_leaves_it(self, opened, path):
        put(opened(), Setting("a", "1"))
        with pytest.raises(Fault):
            SqliteStore(path, create=True)
        assert all_of(opened()) == [Setting("a", "1")]

    def test_a_file_that_may_not_be_written_is_refused(self, opened, path):
        store = opened()
        put(store, Setting("a", "1"))
        store.close()
        # A write version above 2 makes the file read-only for everybody, root included.
        # Source: sqlite.org/fileformat2.html, section 1.3.2.
        with path.open("r+b") as file:
            file.seek(18)
            file.write(b"\x03")
        before = path.read_bytes()
        with pytest.raises(Fault) as caught:
            put(SqliteStore(path), Setting("b", "2"))
        assert caught.value.code in ("store.unreadable", "store.read-only")
        assert path.read_bytes() == before

    def test_a_page_torn_out_of_the_file_is_a_fault_without_its_text(self, opened, path):
        store = opened()
        put(store, *(Subject(n, MARKER, MARKER * 50, "t") for n in range(50)))
        store.close()
        content = bytearray(path.read_bytes())
        content[4096 : len(content) - 4096] = bytes(len(content) - 8192)
        path.write_bytes(content)
        with pytest.raises(Fault) as caught:
            all_of(SqliteStore(path), Subject)
        assert caught.value.code == "store.unreadable"
        assert caught.value.__suppress_context__

    def test_a_full_disk_is_told_and_writes_nothing(self, opened):
        store = opened()
        put(store, Setting("a", "1"))
        pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
        store._writer.execute(f"PRAGMA max_page_count={pages}")
        with pytest.raises(Fault) as caught, store.write() as tx:
            tx.add(Subject(n, MARKER, MARKER * 100, "t") for n in range(100))
        assert caught.value.code == "store.full"
        assert all_of(store, Subject) == []

    def test_a_killed_writer_leaves_the_last_commit_and_no_lock(self, opened, path):
        opened().close()
        script = (
            "import os, pathlib, sys; from hedgerow.adapters.store.sqlite import SqliteStore;"
            "from hedgerow.model.records import Setting; s = SqliteStore(pathlib.Path(sys.argv[1]));"
            "w = s.write(); t = w.__enter__(); t.put(Setting('a', '1')); w.__exit__(None, None, None);"
            "w = s.write(); t = w.__enter__(); t.put(Setting('b', '2')); os.kill(os.getpid(), 9)"
        )
        done = subprocess.run([sys.executable, "-c", script, path], check=False, env=dict(os.environ))
        assert done.returncode == -9
        store = opened()
        assert all_of(store) == [Setting("a", "1")]
        put(store, Setting("c", "3"))

    def test_a_store_that_was_never_opened_well_lets_its_file_go(self, path):
        path.write_bytes(b"no database" * 100)
        for _ in range(3):
            with pytest.raises(Fault):
                SqliteStore(path)
        assert not _handles(path)

    def test_principals_keep_their_flag(self, opened):
        store = opened()
        put(store, Principal("a", "analyst", "t", disabled=True))
        assert all_of(store, Principal)[0].disabled is True


def _handles(path):
    here = Path("/proc/self/fd")
    return [fd for fd in here.iterdir() if fd.resolve() == path.resolve()] if here.is_dir() else []


def _bytes(path):
    return b"".join(p.read_bytes() for p in path.parent.iterdir() if p.name.startswith(path.name))


def _raw(path, statement):
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def _pragmas(store):
    names = ("journal_mode", "synchronous", "secure_delete")
    return tuple(store._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
