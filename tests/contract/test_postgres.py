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

import numpy as np
import pytest
from tests.contract.conftest import APPLICATION, OWNER
from tests.contract.records import all_of, put

from hedgerow.adapters.store import postgres as postgres_store_module
from hedgerow.adapters.store import postgres_shape, postgres_view
from hedgerow.adapters.store.postgres import PostgresStore
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.ports import Join
from hedgerow.model.records import (
    ConsentState,
    Member,
    QuarantinedRow,
    Request,
    SealedField,
    Setting,
    Subject,
)

pytestmark = pytest.mark.extra

MARKER = "a person's own words that must go"
OTHER = "t-other"


@pytest.fixture
def opened(database, tenant):
    """Open stores on one tenant; the first makes it."""
    with contextlib.ExitStack() as stack:
        made = []

        def another():
            open_ = PostgresStore if made else PostgresStore.create
            made.append(open_(database.application, tenant))
            stack.callback(made[-1].close)
            return made[-1]

        yield another


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


class TestMany:
    def test_records_beyond_one_statement_are_whole_and_in_one_transaction(self, opened, monkeypatch):
        monkeypatch.setattr(postgres_view, "_ROWS", 7)
        monkeypatch.setattr(postgres_view, "_CONTENT_BYTES", 100)
        store = opened()
        made = [QuarantinedRow("b", n, "r", bytes(n * 5)) for n in range(40)]
        with store.write() as tx:
            tx.add(reversed(made))
        assert all_of(store, QuarantinedRow) == made
        with pytest.raises(Fault), store.write() as tx:
            tx.add([*(QuarantinedRow("c", n, "r", b"") for n in range(30)), made[0]])
        assert all_of(store, QuarantinedRow) == made
        with store.write() as tx:
            told = {("b", n): b"%d" % n for n in range(1, 50)}
            assert tx.set_field(QuarantinedRow, "sealed", told) == 39
        assert [row.sealed for row in all_of(store, QuarantinedRow)] == [
            b"",
            *(b"%d" % n for n in range(1, 40)),
        ]

    def test_fields_that_may_lack_keep_none_among_many(self, opened):
        store = opened()
        sealed = [None, b"", b"x", None]
        made = [
            Request(f"r{n}", "b", "s", "d", 1, 0, "p", person_level=bool(n % 2), entry=n, sealed=each)
            for n, each in enumerate(sealed)
        ]
        with store.write() as tx:
            tx.add(made)
        assert all_of(store, Request) == made

    def test_many_values_come_back_as_they_went(self, opened):
        """So many that they are sent packed: every width, sign, length and what is not there."""
        texts = ["", "a", "ä", "\U0001f33f", "x" * 300]
        numbers = [0, 1, -1, 2**63 - 1, -(2**63), 255, 256]
        blobs = [b"", b"\x00", bytes(range(256)), b"x"]
        uses = [
            Request(
                f"{texts[at % 5]}{at}", "b", "spent", "d", numbers[at % 7], 0, "p",
                person_level=at % 3 == 0, entry=at, sealed=blobs[at % 4],
                wrapped=blobs[at % 3] if at % 2 else None,
            )
            for at in range(200)
        ]  # fmt: skip
        people = [Subject(at, bytes([at]) * 32, bytes([at]) * 77, "t") for at in range(200)]
        store = opened()
        with store.write() as tx:
            tx.add([*uses, *people])
            assert tx.set_field(Subject, "wrapped", {(p.number,): p.lookup for p in people}) == 200
            assert tx.set_field(Subject, "wrapped", {(999,): b""}) == 0
        assert sorted(all_of(store, Request), key=lambda r: r.entry) == uses
        assert [p.wrapped for p in all_of(store, Subject)] == [p.lookup for p in people]
        with store.read() as reader:
            found = reader.rows_any(Subject, ("number", "lookup"), "lookup", [p.lookup for p in people])
            assert sorted(found) == [(p.number, p.lookup) for p in people]
            one = reader.rows_any(Subject, ("number", "created"), "lookup", [people[5].lookup])
            assert one == [(5, "t")]

    def test_numbers_come_sorted_and_whole_from_all_parts(self, opened):
        store = opened()
        wanted = sorted({0, 1, -1, 2**63 - 1, -(2**63), *(n * 7919**3 for n in range(-300, 300))})
        with store.write() as tx:
            tx.add(Member("d", n, 1) for n in reversed(wanted))
            tx.add(Member("e", n, 2) for n in range(5))
        with store.read() as reader:
            told = reader.numbers(Member, "number", dataset="d")
            assert (told.tolist(), told.dtype) == (wanted, np.int64)
            assert reader.numbers(Member, "since_version", dataset="e").tolist() == [2] * 5

    @pytest.mark.parametrize("asked", [b" = %b", b" = ANY(%b::bytea[])"])
    def test_a_person_is_read_by_key_before_the_server_knows_anything_of_the_tables(
        self, set_up, tenant, asked
    ):
        """A plan made right after a large collection lasts as long as the view it is made in."""
        join = Join(Subject, "lookup", ("number",), SealedField, "number", ("dataset", "name"), ("sealed",))
        for table in ("subjects", "sealed_fields"):
            set_up.run(f"ALTER TABLE hedgerow.{table} SET (autovacuum_enabled = off)", user=OWNER)
        with contextlib.closing(PostgresStore.create(set_up.application, tenant)) as store:
            with store.write() as tx:
                tx.add_rows(Subject, [(n, n.to_bytes(32, "big"), bytes(77), "t") for n in range(60_000)])
                tx.add_rows(SealedField, [(n, "people", "name", bytes(99)) for n in range(60_000)])
            value = bytes(32) if asked == b" = %b" else [bytes(32)]
            with store.read() as reader:
                reader._run(b"SET LOCAL plan_cache_mode = force_generic_plan", ())
                text = b"EXPLAIN " + postgres_shape.joining(join) + asked
                plan = reader._run(text, ("people", "name", tenant, value))[0]
        told = "\n".join(line for (line,) in plan)
        assert "sealed_fields_pkey" in told
        assert "Join Filter" not in told

    def test_changing_everybody_changes_no_index(self, set_up, tenant):
        """Each page of people has the room for its rows anew; an index entry for each would cost the most."""
        people = [
            Subject(n, n.to_bytes(32, "big"), bytes(77), "2026-01-01T00:00:00.000Z") for n in range(2000)
        ]
        asked = (
            "SELECT pg_relation_size(indexrelid) FROM pg_index WHERE indrelid = 'hedgerow.subjects'::regclass"
        )
        with contextlib.closing(PostgresStore.create(set_up.application, tenant)) as store:
            put(store, *people)
            before = set_up.run(asked)
            for n in range(4):
                with store.write() as tx:
                    fresh = [(bytes([n + 1]) * 77, person.number) for person in people]
                    assert tx.set_rows(Subject, "wrapped", fresh) == len(people)
        assert set_up.run(asked) == before


class TestScrubbing:
    def test_it_makes_a_checkpoint_where_the_role_may_and_harms_nobody_else(self, opened, database):
        def checkpoints():
            return database.run("SELECT checkpoint_lsn FROM pg_control_checkpoint()")

        store = opened()
        put(store, Setting("a", "1"))
        before = checkpoints()
        store.scrub()
        assert checkpoints() == before
        database.run(f"GRANT pg_checkpoint TO {APPLICATION}")
        try:
            store.scrub()
        finally:
            database.run(f"REVOKE pg_checkpoint FROM {APPLICATION}")
        assert checkpoints() != before
        assert all_of(store) == [Setting("a", "1")]
