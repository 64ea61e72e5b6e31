"""Proves that PostgreSQL takes, finds and changes many records as few, and what it writes down of them."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from tests.contract.conftest import APPLICATION, OWNER
from tests.contract.records import all_of, put

from hedgerow.adapters.store import postgres_shape, postgres_view
from hedgerow.adapters.store.postgres import PostgresStore
from hedgerow.model.errors import Fault
from hedgerow.model.ports import Join
from hedgerow.model.records import (
    Member,
    QuarantinedRow,
    Request,
    SealedField,
    Setting,
    Subject,
)

pytestmark = pytest.mark.extra


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
