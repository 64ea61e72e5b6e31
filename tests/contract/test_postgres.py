"""Proves what PostgreSQL adds to the contract of stores: several processes, lost servers, silent errors.

Nothing of a row, and no secret of an address, is in any error.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import traceback

import pytest
from tests.contract.conftest import APPLICATION
from tests.contract.records import all_of, put

from hedgerow.adapters.store import postgres as postgres_store_module
from hedgerow.adapters.store import postgres_view
from hedgerow.adapters.store.postgres import PostgresStore
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.records import (
    ConsentState,
    Member,
    Setting,
    Subject,
)

pytestmark = pytest.mark.extra

MARKER = "a person's own words that must go"
OTHER = "t-other"


def _count_up(store, times):
    for _ in range(times):
        with store.write() as tx:
            tx.put(Setting("n", str(int(tx.get(Setting, "n").value) + 1)))


def _code(call):
    with pytest.raises((CallerError, Fault)) as caught:
        call()
    return caught.value.code


class TestSeveral:
    def test_a_commit_of_another_store_is_seen_and_changes_the_stamp(self, opened):
        one, two = opened(), opened()
        before = two.stamp()
        put(one, Setting("a", "1"))
        assert two.stamp() == one.stamp() != before
        assert all_of(two) == [Setting("a", "1")]
        settled = two.stamp()
        all_of(one)
        with one.write() as tx:
            tx.remove(Setting, name="not there")
        assert two.stamp() == settled

    @pytest.mark.parametrize(
        "change",
        [
            lambda tx: tx.add([Setting("b", "1")]),
            lambda tx: tx.put(Setting("a", "2")),
            lambda tx: tx.set_field(Setting, "value", {("a",): "3"}),
            lambda tx: tx.remove(Setting, name="a"),
        ],
    )
    def test_each_kind_of_change_renews_the_stamp(self, opened, change):
        one, two = opened(), opened()
        put(one, Setting("a", "1"))
        before = two.stamp()
        with one.write() as tx:
            change(tx)
            assert two.stamp() == before
        assert two.stamp() != before

    def test_writers_of_two_stores_wait_for_each_other(self, opened):
        stores = [opened(), opened()]
        put(stores[0], Setting("n", "0"))
        threads = [threading.Thread(target=_count_up, args=(store, 25)) for store in stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all_of(stores[0]) == [Setting("n", "50")]

    def test_writers_of_several_processes_lose_no_update(self, opened, database, tenant):
        store = opened()
        put(store, Setting("n", "0"))
        running = [_process(database, tenant, _COUNT_UP) for _ in range(3)]
        _count_up(store, 20)
        assert [each.wait(60) for each in running] == [0, 0, 0]
        assert all_of(store) == [Setting("n", "80")]

    def test_tenants_do_not_wait_for_each_other(self, opened, database, tenant, monkeypatch):
        monkeypatch.setattr(postgres_store_module, "_WAIT_S", 0.05)
        store = opened()
        other = PostgresStore.create(database.application, f"{tenant}-2")
        with store.write() as tx:
            tx.put(Setting("a", "1"))
            put(other, Setting("b", "2"))
        assert (all_of(store), all_of(other)) == ([Setting("a", "1")], [Setting("b", "2")])
        other.close()

    def test_a_writer_that_never_ends_is_told_as_busy(self, opened, monkeypatch):
        monkeypatch.setattr(postgres_store_module, "_WAIT_S", 0.05)
        one, two = opened(), opened()
        with one.write():
            assert _code(two.write().__enter__) == "store.busy"
            waiting = threading.Thread(target=lambda: codes.append(_code(one.write().__enter__)))
            codes = []
            waiting.start()
            waiting.join()
        assert codes == ["store.busy"]
        put(two, Setting("a", "1"))
        put(one, Setting("b", "1"))

    def test_a_killed_writer_leaves_the_last_commit_and_no_lock(self, opened, database, tenant):
        store = opened()
        assert _process(database, tenant, _DIE).wait(60) == -9
        assert all_of(store) == [Setting("a", "1")]
        put(store, Setting("c", "3"))

    def test_what_was_committed_is_there_after_opening_again(self, opened):
        store = opened()
        put(store, Setting("a", "1"))
        store.close()
        assert all_of(opened()) == [Setting("a", "1")]

    def test_connections_are_kept_and_given_back(self, opened, database):
        store = opened()
        for _ in range(20):
            put(store, Setting("a", "1"))
            all_of(store)
            store.stamp()
        assert len(store._idle) == 1
        with store.read(), store.write(), store.read():
            pass
        assert len(store._idle) == 2

    def test_it_is_durable_whatever_the_role_says(self, opened, database):
        database.run(f"ALTER ROLE {APPLICATION} SET synchronous_commit = off")
        try:
            with opened().write() as tx:
                tx.put(Setting("a", "1"))
                assert tx._session.run(b"SHOW synchronous_commit")[0] == [("on",)]
        finally:
            database.run(f"ALTER ROLE {APPLICATION} RESET synchronous_commit")


_COUNT_UP = """
for _ in range(20):
    with store.write() as tx:
        tx.put(Setting("n", str(int(tx.get(Setting, "n").value) + 1)))
"""
_DIE = """
import os
with store.write() as tx:
    tx.put(Setting("a", "1"))
writing = store.write()
writing.__enter__().put(Setting("b", "2"))
os.kill(os.getpid(), 9)
"""


def _process(database, tenant, script):
    start = (
        "import sys; from hedgerow.adapters.store.postgres import PostgresStore;"
        "from hedgerow.model.records import Setting; store = PostgresStore(*sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", start + script, database.application, tenant]
    return subprocess.Popen(command, env=dict(os.environ))


def _cut(database, tenant=None):
    """End every connection of the application role, as a server that restarts does."""
    database.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND usename = %s",
        database.name,
        APPLICATION,
    )


class TestLosingTheServer:
    def test_a_connection_that_was_cut_while_idle_is_replaced(self, set_up):
        store = PostgresStore.create(set_up.application, OTHER)
        for use in (lambda: put(store, Setting("a", "1")), lambda: all_of(store), store.stamp, store.scrub):
            _cut(set_up)
            use()
        assert all_of(store) == [Setting("a", "1")]
        store.close()

    def test_a_connection_cut_inside_a_transaction_is_told_and_writes_nothing(self, set_up):
        store = PostgresStore.create(set_up.application, OTHER)

        def write(last):
            with store.write() as tx:
                tx.put(Setting("a", "1"))
                _cut(set_up)
                if last:
                    tx.put(Setting("b", "1"))

        def read():
            with store.read() as reader:
                _cut(set_up)
                reader.find(Setting)

        assert [_code(lambda: write(last=False)), _code(lambda: write(last=True)), _code(read)] == [
            "store.unreachable"
        ] * 3
        assert all_of(store) == []
        put(store, Setting("c", "1"))
        store.close()

    def test_no_server_is_told_without_the_address(self, tmp_path):
        with pytest.raises(Fault) as caught:
            PostgresStore(f"postgresql://someone@/db?host={tmp_path}", "t")
        assert caught.value.code == "store.unreachable"
        _holds_nothing(caught.value, "someone", str(tmp_path))

    def test_a_closed_store_says_so(self, opened):
        store = opened()
        with store.read() as reader:
            store.close()
            assert reader.find(Setting) == []
        for use in (store.read().__enter__, store.write().__enter__, store.stamp, store.scrub):
            assert _code(use) == "store.closed"
        assert store._idle == []


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://app:secret1@host/db",
            "postgresql://app@host/db?password=secret1",
            "postgresql://app@host/db?sslpassword=secret1",
            "postgresql://app@host/db?pass%77ord=secret1",
            "postgresql://app:secret1@[::1/db",
        ],
    )
    def test_a_secret_is_refused_and_not_repeated(self, url):
        for use in (
            lambda: PostgresStore(url, "t"),
            lambda: PostgresStore.create(url, "t"),
            lambda: PostgresStore.tenants(url),
            lambda: PostgresStore.discard(url, "t"),
            lambda: PostgresStore.set_up(url, "app"),
        ):
            with pytest.raises(CallerError) as caught:
                use()
            assert caught.value.code in ("store.password-in-url", "store.url")
            _holds_nothing(caught.value, "secret1")

    @pytest.mark.parametrize(
        "url",
        ["", "host=h password=secret1", "mysql://h/d", "postgresql://h/d?no-such=secret1", "postgresql:"],
    )
    def test_what_is_no_address_is_refused(self, url, tmp_path, monkeypatch):
        monkeypatch.setenv("PGHOST", str(tmp_path))
        with pytest.raises((CallerError, Fault)) as caught:
            PostgresStore(url, "t")
        assert caught.value.code in ("store.url", "store.unreachable")
        _holds_nothing(caught.value, "secret1")

    @pytest.mark.parametrize("name", ["", "A", "1a", "a b", "a'; DROP TABLE x; --", "a" * 64, "a\n", "ä"])
    def test_a_tenant_has_a_plain_name(self, database, name):
        assert _code(lambda: PostgresStore(database.application, name)) == "name.malformed"
        assert _code(lambda: PostgresStore.create(database.application, name)) == "name.malformed"


def _holds_nothing(error, *values):
    """Look for values in all that an error shows, and in every error it drags along."""
    seen = error
    while seen is not None:
        shown = (
            f"{seen!r} {seen} {getattr(seen, 'details', '')} {''.join(traceback.format_exception_only(seen))}"
        )
        for value in values:
            assert value not in shown
        seen = seen.__cause__ or seen.__context__


class TestErrors:
    def test_a_conflict_names_the_table_and_nothing_of_the_row(self, opened):
        store = opened()
        put(store, Setting(MARKER, MARKER))
        with pytest.raises(Fault) as caught, store.write() as tx:
            tx.add([Setting(MARKER, MARKER)])
        assert (caught.value.code, caught.value.details) == ("store.conflict", {"table": "settings"})
        _holds_nothing(caught.value, MARKER)

    @pytest.mark.parametrize(
        ("statement", "code"),
        [
            (
                "INSERT INTO hedgerow.settings SELECT current_setting('hedgerow.tenant'), %b, NULL",
                "store.unreadable",
            ),
            ("INSERT INTO hedgerow.settings VALUES ('t-else', %b, '')", "store.denied"),
            ("SELECT %b::text::bigint", "store.unreadable"),
            ("SELECT * FROM hedgerow.none WHERE %b = ''", "store.unreadable"),
            ("CREATE TABLE hedgerow.more AS SELECT %b", "store.denied"),
            ("DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$", "store.full"),
            ("DO $$ BEGIN RAISE EXCEPTION 'none' USING ERRCODE = '40001'; END $$", "store.busy"),
            ("DO $$ BEGIN RAISE EXCEPTION 'none' USING ERRCODE = '53300'; END $$", "store.unreachable"),
        ],
    )
    def test_whatever_the_server_says_is_told_in_own_words(self, opened, statement, code):
        store = opened()
        values = [MARKER] if "%b" in statement else []
        with pytest.raises(Fault) as caught, store.write() as tx:
            tx._run(statement.encode(), values)
        assert caught.value.code == code
        _holds_nothing(caught.value, MARKER)
        put(store, Setting("a", "1"))

    def test_a_write_on_a_standby_is_told_as_read_only(self, opened):
        store = opened()
        with pytest.raises(Fault) as caught, store.read() as reader:
            postgres_view.PostgresView.put(reader, Setting("a", "1"))
        assert caught.value.code == "store.read-only"

    @pytest.mark.parametrize("text", [f"{MARKER}\x00", f"\ud800{MARKER}"])
    def test_a_text_the_server_cannot_keep_is_refused_without_it(self, opened, text):
        store = opened()
        put(store, Setting("a", "1"))
        for use in (
            lambda tx: tx.put(Setting("b", text)),
            lambda tx: tx.add([Setting("b", "1"), Setting(text, "1")]),
            lambda tx: tx.set_field(Setting, "value", {("a",): text}),
            lambda tx: tx.set_field(Setting, "value", {(text,): "1"}),
            lambda tx: tx.get(Setting, text),
            lambda tx: tx.find(Setting, value=text),
            lambda tx: tx.find_any(Setting, "name", ["a", text]),
            lambda tx: tx.page(Setting, (text,), 1),
            lambda tx: tx.remove(Setting, name=text),
        ):
            with pytest.raises(CallerError) as caught, store.write() as tx:
                use(tx)
            assert caught.value.code == "store.text"
            _holds_nothing(caught.value, MARKER)
        assert all_of(store) == [Setting("a", "1")]

    @pytest.mark.parametrize(
        ("record", "error"),
        [
            (Member("d", 2**63, 1), OverflowError),
            (Member("d", -(2**63) - 1, 1), OverflowError),
            (Member("d", True, 1), TypeError),
            (Member("d", "1", 1), TypeError),
            (Member("d", 1.0, 1), TypeError),
            (Member("d", None, 1), TypeError),
            (Member(b"d", 1, 1), TypeError),
            (ConsentState("p", 1, 1, 1), TypeError),
            (Subject(1, MARKER, b"", "t"), TypeError),
            (Setting("a", None), TypeError),
        ],
    )
    def test_a_field_takes_its_own_type_and_64_bits(self, opened, record, error):
        store = opened()
        for use in (lambda tx: tx.put(record), lambda tx: tx.add([record])):
            with pytest.raises(error) as caught, store.write() as tx:
                use(tx)
            _holds_nothing(caught.value, MARKER, str(2**63))
        assert all_of(store, type(record)) == []

    def test_a_rolled_back_commit_is_never_silent(self, opened):
        store = opened()

        def write():
            with store.write() as tx:
                tx.put(Setting("a", "1"))
                with contextlib.suppress(Fault):
                    tx.add([Setting("a", "2")])

        assert _code(write) == "store.conflict"
        assert all_of(store) == []
