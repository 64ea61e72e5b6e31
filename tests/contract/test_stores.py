"""Proves the contract of every store: atomic, ordered, serialised."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import threading
from dataclasses import fields, replace

import numpy as np
import pytest
from tests.contract.records import all_of, break_off, put, request

from hedgerow.adapters.store import sqlite as sqlite_store
from hedgerow.adapters.store.memory import MemoryStore
from hedgerow.adapters.store.postgres import PostgresStore
from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.ports import Join
from hedgerow.model.records import (
    ALL_RECORDS,
    Charge,
    Commitment,
    ConsentEvent,
    ConsentState,
    JournalEntry,
    Member,
    Request,
    Setting,
    Subject,
)
from hedgerow.model.records import SealedField as Sealed
from hedgerow.spine.paging import rows_of_all

MARKER = b"a person's own words that must go"


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.extra)])
def store(request, tmp_path):
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "sqlite":
        made = SqliteStore(tmp_path / "s.db", create=True)
    else:
        made = request.getfixturevalue("postgres_store")
    yield made
    made.close()


class TestRecords:
    def test_every_kind_of_record_comes_back_as_it_went_in(self, store):
        made = [_example(kind, 1) for kind in ALL_RECORDS]
        put(store, *made)
        with store.read() as reader:
            for record in made:
                key = [getattr(record, name) for name in record.KEY]
                assert reader.get(type(record), *key) == record
                assert [type(v) for v in _values(reader.find(type(record))[0])] == [
                    type(v) for v in _values(record)
                ]

    def test_rows_go_in_as_the_records_they_stand_for(self, store):
        made = [_example(kind, 1) for kind in ALL_RECORDS]
        with store.write() as tx:
            for record in made:
                tx.add_rows(type(record), iter([tuple(_values(record))]))
        with store.read() as reader:
            assert [reader.find(type(record)) for record in made] == [[record] for record in made]
        with pytest.raises(Fault) as caught, store.write() as tx:
            tx.add_rows(Member, [("d", 99, 1), ("d", 99, 2)])
        assert caught.value.code == "store.conflict"
        with store.read() as reader:
            assert not reader.find(Member, number=99)

    def test_text_bytes_and_the_widest_integers_are_exact(self, store):
        wide = (-(2**63), 2**63 - 1, 0)
        words = ("", "Ж 日本 \U0001f33f", "a\x01b", "' OR 1=1 --", "%s %b {} $1")
        put(store, *(Member("d", number, 1) for number in wide), *(Setting(word, word) for word in words))
        put(store, Subject(1, bytes(range(256)), b"", "now"))
        assert [m.number for m in all_of(store, Member)] == sorted(wide)
        assert {s.value for s in all_of(store)} == set(words)
        assert all_of(store, Subject)[0].lookup == bytes(range(256))

    def test_nul_in_a_text_is_kept_or_refused_and_never_cut(self, store):
        kept = []
        with contextlib.suppress(CallerError):
            put(store, Setting("a\x00b", "c\x00d"))
            kept = [Setting("a\x00b", "c\x00d")]
        assert all_of(store) == kept

    def test_what_is_not_there_is_none_or_nothing(self, store):
        with store.read() as reader:
            assert reader.get(Setting, "x") is None
            assert reader.newest(JournalEntry) is None
            assert reader.find(Setting, name="x") == reader.find_any(Setting, "name", ["x"]) == []
            assert reader.values(Setting, "value") == []
            assert reader.count(Setting) == 0
            assert reader.numbers(Member, "number").tolist() == []


def _values(record):
    return [getattr(record, f.name) for f in fields(record)]


def _example(kind, number):
    made = {
        "int": number,
        "str": f"t{number}",
        "bytes": bytes([number]),
        "bool": True,
        "bytes | None": b"\x00",
    }
    return kind(*(made[f.type] for f in fields(kind)))


class TestQuestions:
    def test_answers_are_in_key_order(self, store):
        numbers = [5, -3, 10, 2, 0]
        put(store, *(Member(d, n, 1) for n in numbers for d in ("b", "a")))
        wanted = [(d, n) for d in ("a", "b") for n in sorted(numbers)]
        with store.read() as reader:
            assert [(m.dataset, m.number) for m in reader.find(Member)] == wanted
            assert reader.values(Member, "number", dataset="b") == sorted(numbers)
            found = reader.find_any(Member, "number", [10, -3, 10, 99])
            assert [(m.dataset, m.number) for m in found] == [("a", -3), ("a", 10), ("b", -3), ("b", 10)]

    @pytest.mark.parametrize("longest", [None, 200])
    def test_numbers_come_sorted_and_whole_also_in_several_texts(self, store, monkeypatch, longest):
        monkeypatch.setattr(sqlite_store, "_TEXT_NUMBERS", 4)
        wanted = [-(2**63), -3, 0, 2, 5, 2**53 + 1, 2**62 + 1, 2**63 - 1]
        put(store, *(Member("b", n, 1) for n in reversed(wanted)), *(Member("a", n, 1) for n in range(90)))
        with store.read() as reader:
            connection = getattr(reader, "_connection", None)
            if longest is not None and isinstance(connection, sqlite3.Connection):
                before = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
                with pytest.raises(sqlite3.DataError):
                    connection.execute("SELECT group_concat(number) FROM members").fetchone()
            told = reader.numbers(Member, "number", dataset="b")
            assert (told.tolist(), told.dtype) == (wanted, np.int64)
            assert reader.numbers(Member, "number").tolist() == sorted([*wanted, *range(90)])
            if longest is not None and isinstance(connection, sqlite3.Connection):
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, before)

    def test_many_values_and_twins_among_them_give_each_record_once_in_key_order(self, store):
        put(store, *(Member("d", n, 1) for n in range(1300)))
        wanted = [*range(1299, -1, -1), *range(1300)]
        with store.read() as reader:
            assert [m.number for m in reader.find_any(Member, "number", wanted)] == list(range(1300))
            assert reader.find_any(Member, "number", []) == []

    def test_some_fields_of_many_records_come_as_tuples(self, store):
        put(store, *(Member(d, n, n + 1) for n in range(1100) for d in ("a", "b")))
        put(store, ConsentState("p", 1, True, 7), ConsentState("q", 1, False, 8))
        with store.read() as reader:
            found = reader.rows_any(Member, ("since_version", "dataset"), "number", [*range(1099, -1, -1), 5])
            assert sorted(found) == sorted((n + 1, d) for n in range(1100) for d in ("a", "b"))
            assert reader.rows_any(Member, ("number", "dataset"), "number", (1099,)) == [
                (1099, "a"),
                (1099, "b"),
            ]
            assert reader.rows_any(Member, ("number", "dataset"), "number", []) == []
            told = sorted(reader.rows_any(ConsentState, ("granted", "version"), "number", [1]), key=repr)
            assert [(type(granted), granted, v) for granted, v in told] == [(bool, False, 8), (bool, True, 7)]
            with pytest.raises((KeyError, AttributeError)):
                reader.rows_any(Member, ("number", "colour"), "number", [1])

    def test_records_are_read_together_with_their_others(self, store):
        people = [Subject(n, bytes([n % 250]) * 32, bytes([n % 250]), "t") for n in range(1100)]
        put(store, *(replace(p, lookup=p.number.to_bytes(32)) for p in people))
        put(store, *(Sealed(n, d, "f", bytes([n % 7])) for n in range(0, 1100, 2) for d in ("a", "b")))
        one = Join(
            Subject, "lookup", ("number", "wrapped"), Sealed, "number", ("dataset", "name"), ("sealed",)
        )
        all_of_it = Join(Subject, "number", ("number",), Sealed, "number", (), ("dataset", "sealed"))
        with store.read() as reader:
            asked = [n.to_bytes(32) for n in (*range(1099, -1, -1), 5, 4000)]
            found = reader.joined(one, asked, ("b", "f"))
            assert sorted(found) == [
                (n, bytes([n % 250]), None if n % 2 else bytes([n % 7])) for n in range(1100)
            ]
            assert reader.joined(one, ((4).to_bytes(32),), ("b", "f")) == [(4, b"\4", b"\4")]
            assert reader.joined(one, ((4).to_bytes(32),), ("b", "g")) == [(4, b"\4", None)]
            assert reader.joined(one, ((4000).to_bytes(32),), ("b", "f")) == []
            assert reader.joined(one, [], ("b", "f")) == []
            both = reader.joined(all_of_it, (8, 9), ())
            assert sorted(both, key=repr) == [(8, "a", b"\1"), (8, "b", b"\1"), (9, None, None)]
            with pytest.raises((KeyError, AttributeError)):
                reader.joined(replace(one, more=("colour",)), ((4).to_bytes(32),), ("b", "f"))

    def test_some_fields_come_page_by_page_in_key_order(self, store):
        put(store, *(ConsentState(p, n, n % 2 == 0, n + 1) for n in range(5, -5, -1) for p in ("q", "p")))
        names = ("purpose", "number", "granted", "version")
        with store.read() as reader:
            pages, after = [], None
            while page := reader.rows_page(ConsentState, names, after, 3):
                pages.append(page)
                after = page[-1][:2]
            whole = [(p, n, n % 2 == 0, n + 1) for p in ("p", "q") for n in range(-4, 6)]
            assert [len(page) for page in pages] == [3] * 6 + [2]
            assert (
                [row for page in pages for row in page]
                == whole
                == list(rows_of_all(reader, ConsentState, names))
            )
            assert all(type(granted) is bool for page in pages for _, _, granted, _ in page)
            assert reader.rows_page(ConsentState, ("number", "version"), ("p", 4), 2) == [(5, 6), (-4, -3)]
            with pytest.raises((KeyError, AttributeError)):
                reader.rows_page(ConsentState, ("number", "colour"), None, 3)
            with pytest.raises(ValueError, match="key"):
                list(rows_of_all(reader, ConsentState, ("number", "purpose")))

    def test_one_field_is_set_by_rows(self, store):
        put(store, *(Member("a", n, 1) for n in range(4)))
        with store.write() as tx:
            assert tx.set_rows(Member, "since_version", [(7, "a", 1), (8, "a", 3), (9, "b", 3)]) == 2
        assert [m.since_version for m in all_of(store, Member)] == [1, 7, 1, 8]

    def test_the_newest_is_the_one_with_the_highest_key(self, store):
        put(store, *(Charge(n, "r", "d" if n % 2 else "e", "p", "pure 1", True, 0, "t") for n in (9, 10, 2)))
        with store.read() as reader:
            assert reader.newest(Charge).number == 10
            assert reader.newest(Charge, dataset="d").number == 9
            assert reader.newest(Charge, dataset="x") is None

    def test_none_and_booleans_are_matched(self, store):
        put(store, request("kept", b""), request("empty"))
        put(store, ConsentState("p", 1, True, 1), ConsentState("p", 2, False, 2))
        with store.read() as reader:
            assert [r.id for r in reader.find(Request, sealed=None)] == ["empty"]
            assert [r.id for r in reader.find(Request, sealed=b"")] == ["kept"]
            assert reader.count(Request, sealed=None, wrapped=None) == 1
            assert reader.values(ConsentState, "number", granted=True, purpose="p") == [1]
            assert [s.granted for s in reader.find(ConsentState)] == [True, False]
            assert all(type(s.granted) is bool for s in reader.find(ConsentState))

    def test_bytes_are_counted_by_what_they_begin_with(self, store):
        made = {
            "a": b"\x01\x00\xff!",
            "b": b"\x01\x00\xff",
            "c": b"\x01\x00",
            "d": b"\x00\x01\xff",
            "e": None,
        }
        put(store, *(request(name, sealed) for name, sealed in made.items()))
        with store.read() as reader:
            asked = (b"\x01\x00\xff", b"\x01", b"\x01\x00\xff!!", b"\x00", b"\xff")
            assert [reader.count_starting(Request, "sealed", each) for each in asked] == [2, 3, 0, 1, 0]

    @pytest.mark.parametrize(
        ("chosen", "others"), [(range(0, 400, 2), range(400)), (range(300), range(300, 9000))]
    )
    def test_many_fields_are_set_and_no_others(self, store, chosen, others):
        """Alike whether those named are neighbours, every other one, or have thousands between them."""
        ends = [*chosen, -(2**63), 2**63 - 1]
        people = {n: Subject(n, b"l%d" % n, b"old", "t") for n in {*ends, *others}}
        put(store, *people.values())
        for named in (list(chosen), ends, [*chosen, 5_000_000]):
            fresh = {n: b"new %d of %d" % (n, len(named)) for n in named}
            with store.write() as tx:
                found = tx.set_rows(Subject, "wrapped", [(value, n) for n, value in fresh.items()])
            assert found == len(fresh.keys() & people.keys())
            people |= {n: replace(people[n], wrapped=value) for n, value in fresh.items() if n in people}
            with store.read() as reader:
                assert {s.number: s for s in reader.find(Subject)} == people

    def test_a_field_that_does_not_exist_is_an_error(self, store):
        put(store, Setting("a", "b"))
        with store.read() as reader:
            for ask in (
                lambda: reader.count_starting(Setting, "colour", b"red"),
                lambda: reader.find(Setting, colour="red"),
                lambda: reader.count(Setting, colour="red"),
                lambda: reader.values(Setting, "colour"),
                lambda: reader.find_any(Setting, "colour", ["red"]),
            ):
                with pytest.raises(KeyError):
                    ask()
            with pytest.raises(ValueError, match="argument"):
                reader.get(Setting, "a", "b")


class TestTransactions:
    def test_a_change_is_whole_or_not_at_all(self, store):
        put(store, Setting("a", "old"), Setting("gone", "still here"))
        with pytest.raises(RuntimeError):
            break_off(store)
        assert all_of(store) == [Setting("a", "old"), Setting("gone", "still here")]
        put(store, Setting("b", "after"))
        assert len(all_of(store)) == 3

    def test_an_interrupt_rolls_back_too(self, store):
        with pytest.raises(KeyboardInterrupt):
            break_off(store, KeyboardInterrupt)
        assert all_of(store) == []

    def test_a_key_that_exists_is_a_conflict_and_nothing_is_written(self, store):
        put(store, Setting("a", "old"))
        with pytest.raises(Fault) as caught, store.write() as tx:
            tx.add([Setting("b", "new"), Setting("a", "new")])
        assert caught.value.code == "store.conflict"
        assert all_of(store) == [Setting("a", "old")]

    def test_a_key_twice_in_one_call_is_a_conflict(self, store):
        with pytest.raises(Fault), store.write() as tx:
            tx.add([Setting("a", "1"), Setting("a", "2")])
        assert all_of(store) == []

    def test_put_replaces_and_remove_tells_how_many(self, store):
        put(store, Setting("a", "1"), Setting("a", "2"), *(Member("d", n, n % 2) for n in range(5)))
        assert all_of(store) == [Setting("a", "2")]
        with store.write() as tx:
            assert tx.remove(Member, since_version=1) == 2
            assert tx.remove(Member, since_version=1) == 0
            assert tx.remove(Member) == 3

    def test_several_kinds_are_removed_in_one_question_each_counted_for_itself(self, store):
        with store.write() as tx:
            tx.add([Member("visits", 1, 1), Member("visits", 2, 1), Member("lab", 1, 1)])
            tx.add([Commitment(1, 4, b"sealed"), Commitment(2, 4, b"sealed")])
        before = store.stamp()
        with store.write() as tx:
            assert tx.remove_all([Member, Commitment, ConsentEvent], number=1) == [2, 1, 0]
            assert tx.remove_all([Member, Commitment], number=1) == [0, 0]
        with store.read() as reader:
            assert [m.number for m in reader.find(Member)] == [2]
            assert [c.number for c in reader.find(Commitment)] == [2]
        assert store.stamp() != before

    def test_one_field_of_many_records_changes_and_what_is_not_there_is_not_made(self, store):
        put(store, *(Member(d, n, 1) for d in ("a", "b") for n in range(3)))
        put(store, request("r", b"sealed"), request("q", b"sealed"))
        with store.write() as tx:
            wanted = {("a", 0): 7, ("b", 2): 8, ("c", 0): 9}
            assert tx.set_field(Member, "since_version", wanted) == 2
            assert tx.set_field(Request, "sealed", {("r",): None}) == 1
            assert tx.set_field(Member, "since_version", {}) == 0
        with store.read() as reader:
            told = {(m.dataset, m.number): m.since_version for m in reader.find(Member)}
            assert told == {**{(d, n): 1 for d in ("a", "b") for n in range(3)}, ("a", 0): 7, ("b", 2): 8}
            assert [r.sealed for r in reader.find(Request)] == [b"sealed", None]

    def test_records_of_several_kinds_are_added_together(self, store):
        made = [_example(kind, number) for number in range(1, 4) for kind in ALL_RECORDS]
        with store.write() as tx:
            tx.add(iter(made))
        with store.read() as reader:
            assert [each for kind in ALL_RECORDS for each in reader.find(kind)] == sorted(
                made, key=lambda each: ALL_RECORDS.index(type(each))
            )

    def test_a_conflict_that_nobody_heeds_does_not_pass_for_a_commit(self, store):
        """The whole is kept but for the conflict, or none of it is and that is told."""
        put(store, Setting("a", "old"))
        try:
            with store.write() as tx:
                tx.put(Setting("b", "new"))
                with contextlib.suppress(Fault):
                    tx.add([Setting("a", "new")])
            kept = [Setting("a", "old"), Setting("b", "new")]
        except Fault:
            kept = [Setting("a", "old")]
        assert all_of(store) == kept

    def test_a_transaction_sees_its_own_changes_and_readers_the_old_state(self, store):
        put(store, Setting("a", "old"))
        with store.write() as tx:
            tx.put(Setting("a", "new"))
            assert tx.get(Setting, "a").value == "new"
            with store.read() as reader:
                assert reader.get(Setting, "a").value == "old"
        assert all_of(store) == [Setting("a", "new")]

    def test_a_view_stays_as_it_was_while_others_write(self, store):
        put(store, Setting("a", "old"))
        with store.read() as reader:
            assert reader.get(Setting, "a").value == "old"
            put(store, Setting("a", "new"), Setting("b", "new"))
            assert reader.find(Setting) == [Setting("a", "old")]
            with store.read() as inner:
                assert inner.get(Setting, "a").value in ("old", "new")
            assert reader.count(Setting) == 1
        assert len(all_of(store)) == 2

    def test_a_write_inside_a_write_is_refused_and_loses_nothing(self, store):
        with store.write() as tx:
            tx.put(Setting("outer", "1"))
            with pytest.raises(Fault), store.write() as inner:
                inner.put(Setting("inner", "1"))
            tx.put(Setting("outer", "2"))
        assert all_of(store) == [Setting("outer", "2")]

    def test_writers_wait_for_each_other(self, store):
        put(store, Setting("n", "0"))

        def add():
            for _ in range(20):
                with store.write() as tx:
                    tx.put(Setting("n", str(int(tx.get(Setting, "n").value) + 1)))

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all_of(store) == [Setting("n", "80")]


class TestStamp:
    def test_it_changes_on_a_commit_and_not_otherwise(self, store):
        first = store.stamp()
        with store.read() as reader:
            reader.find(Setting)
        with contextlib.suppress(RuntimeError):
            break_off(store)
        assert store.stamp() == first
        put(store, Setting("a", "1"))
        second = store.stamp()
        assert second != first
        assert store.stamp() == second


class TestWithoutTheExtra:
    def test_a_missing_driver_is_told_with_the_line_to_type(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "psycopg", None)
        for use in (
            lambda: PostgresStore("postgresql://app@host/db", "t"),
            lambda: PostgresStore.create("postgresql://app@host/db", "t"),
            lambda: PostgresStore.tenants("postgresql://app@host/db"),
            lambda: PostgresStore.set_up("postgresql://owner@host/db", "app"),
        ):
            with pytest.raises(Fault) as caught:
                use()
            assert (caught.value.code, caught.value.row.exit) == ("extra.missing", 7)
            assert "pip install 'hedgerow[postgres]'" in caught.value.next_step

    @pytest.mark.parametrize("url", ["postgresql://app:hunter2@host/db", "postgres://app:@host/db"])
    def test_a_password_in_the_address_is_refused_before_anything_else(self, url, monkeypatch):
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(CallerError) as caught:
            PostgresStore(url, "t")
        assert caught.value.code == "store.password-in-url"
        assert "hunter2" not in f"{caught.value} {caught.value.details}"
