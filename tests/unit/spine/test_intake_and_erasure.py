"""Proves what goes in and what goes out again: intake, quarantine, erasure and the audit, at their edges."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pyarrow as pa
import pytest
from tests.simulator.model import RESEARCH
from tests.simulator.world import BASES, OWNER, World

from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import (
    Account,
    Allocation,
    Bucket,
    Charge,
    ConsentEvent,
    ConsentState,
    Declaration,
    PolicyText,
    Principal,
    QuarantineBatch,
    Released,
    SealedField,
    Subject,
    Tombstone,
)
from hedgerow.model.words import Basis
from hedgerow.spine.audit import check_records
from hedgerow.spine.intake import ConsentLine, Intake
from hedgerow.spine.quarantine import LIFETIME, Broken

SECOND, THIRD = "2026-03-02T00:00:00.000Z", "2026-03-03T00:00:00.000Z"
HEADER = json.dumps({"format": "csv", "delimiter": ",", "columns": [["id", "text"], ["tag", "integer"]]})


@pytest.fixture
def world():
    made = World()
    made.collect("visits", ["ann", "bob"])
    return made


def _code(act):
    with pytest.raises(HedgerowError) as caught:
        act()
    return caught.value.code


def _arrival(world, refs, *, dataset="visits", bases=None, consents=(), **changes):
    tags = {world.tag + n: ref for n, ref in enumerate(refs)}
    world.tag += len(refs)
    made = world._arrival(dataset, tags, bases or {"care": Basis.CONTRACT}, tuple(consents))
    return replace(made, **changes)


def _take(world, *args, **changes):
    return world.spine.intake.take(_arrival(world, *args, **changes), OWNER)


def _line(ref, time, *, granted=True, purpose=RESEARCH):
    return ConsentLine(ref, purpose, granted, time, "v1", "form")


def _fields(world, ref, dataset="visits"):
    with world.read() as reader:
        person = world.spine.vault.find(reader, ref)
        return world.spine.vault.fields(reader, person.number, dataset, frozenset({"id", "name"}))


class TestIntake:
    def test_other_columns_do_not_fit(self, world):
        arrival = _arrival(world, ["ann"])
        other = replace(arrival, columns=arrival.columns[:3])
        assert _code(lambda: world.spine.intake.take(other, OWNER)) == "dataset.columns-differ"

    def test_the_same_file_is_taken_once_unless_asked_again(self, world):
        arrival = _arrival(world, ["ann"])
        world.spine.intake.take(arrival, OWNER)
        assert _code(lambda: world.spine.intake.take(arrival, OWNER)) == "collect.taken-before"
        assert world.spine.intake.take(replace(arrival, again=True), OWNER).rows == 1

    def test_a_known_person_s_new_values_are_added_and_empty_ones_left_out(self, world):
        def named(*names):
            arrival = _arrival(world, ["ann"] * len(names))
            table = arrival.table.set_column(1, "name", pa.array(names, pa.string()))
            return world.spine.intake.take(replace(arrival, table=table), OWNER)

        assert named("Ann B", None).new_people == 0
        assert _fields(world, "ann")["name"] == ["Name of ann", "Ann B"]
        named("Ann B")
        assert _fields(world, "ann")["name"] == ["Name of ann", "Ann B"]

    def test_known_people_who_lack_a_field_get_it_and_nobody_else_s_changes(self, world):
        with world.inner_store.write() as tx:
            ann, bob = (world.spine.vault.find(tx, ref).number for ref in ("ann", "bob"))
            tx.remove(SealedField, number=ann, name="name")
            before = tx.get(SealedField, bob, "visits", "name")
        assert _take(world, ["ann", "bob", "new"]).new_people == 1
        assert _fields(world, "ann")["name"] == ["Name of ann"]
        assert _fields(world, "new")["name"] == ["Name of new"]
        with world.read() as reader:
            assert reader.get(SealedField, bob, "visits", "name") == before

    def test_a_known_person_enters_a_second_data_set(self, world):
        taken = _take(world, ["ann"], dataset="bills", bases=BASES)
        assert (taken.version, taken.new_people, taken.people) == (1, 0, 1)
        assert _fields(world, "ann", "bills")["id"] == ["ann"]

    def test_a_source_without_rows_is_taken(self, world):
        taken = _take(world, [], dataset="bills", bases=BASES)
        assert (taken.rows, taken.people, taken.version) == (0, 0, 1)
        assert _take(world, []).rows == 0

    def test_steps_are_told(self, world):
        told = []
        world.spine.intake.take(_arrival(world, ["ann"]), OWNER, told.append)
        assert told[-1] == "committing"

    def test_consents_come_along_and_those_of_strangers_are_counted(self, world):
        lines = [_line("ann", "2026-01-01T00:00:00.000Z"), _line("zoe", "2026-01-01T00:00:00.000Z")]
        taken = _take(world, ["bob"], consents=lines)
        assert (taken.consents, taken.unknown_consents) == (1, 1)

    @pytest.mark.parametrize(
        "change",
        [
            lambda world: _take(world, ["bob"]),
            lambda world: _take(world, ["cem"], dataset="bills", bases=BASES),
            lambda world: world.erase("ann"),
        ],
        ids=["rows", "person", "erasure"],
    )
    def test_a_change_meanwhile_stops_it_and_leaves_nothing(self, world, change, monkeypatch):
        write = Intake._write

        def meanwhile(*args, **named):
            monkeypatch.setattr(Intake, "_write", write)
            change(world)
            return write(*args, **named)

        arrival = _arrival(world, ["ann", "cem"])
        monkeypatch.setattr(Intake, "_write", meanwhile)
        assert _code(lambda: world.spine.intake.take(arrival, OWNER)) == "table.changed"
        world.spine.tables.sweep(world.store)
        assert world.inner_shelf.names() == world.manifest()

    @pytest.mark.parametrize(
        ("lines", "comes_back"),
        [
            ([], False),
            ([("2026-02-01T00:00:00.000Z", True, RESEARCH)], False),
            ([(SECOND, True, RESEARCH)], True),
            ([(SECOND, True, "care")], False),
            ([(SECOND, True, RESEARCH), (THIRD, False, RESEARCH)], False),
            ([(SECOND, True, RESEARCH), (SECOND, False, RESEARCH)], False),
            ([(THIRD, True, RESEARCH), (SECOND, False, RESEARCH)], True),
        ],
    )  # fmt: skip
    def test_an_erased_person_comes_back_by_a_later_consent_in_force_only(self, world, lines, comes_back):
        world.erase("ann")
        consents = [_line("ann", time, granted=granted, purpose=purpose) for time, granted, purpose in lines]
        taken = _take(world, ["ann", "bob"], bases={**BASES}, consents=consents)
        assert taken.left_out == (() if comes_back else (2,))
        with world.read() as reader:
            assert (reader.count(Tombstone) == 0) is comes_back

    def test_a_tombstone_ends(self, world):
        world.erase("ann")
        world.clock.advance(days=3 * 365 + 2)
        assert _take(world, ["ann"]).left_out == ()


class TestQuarantine:
    def _broken(self, world, *raws, header=HEADER):
        rows = tuple(Broken(n + 2, "column tag: expected an integer", raw) for n, raw in enumerate(raws))
        _take(world, ["bob"], broken=rows, header=header)
        return self._batches(world)

    def _batches(self, world):
        with world.read() as reader:
            return {
                batch.id: [row.raw for row in world.spine.quarantine.rows(reader, batch)]
                for batch in world.spine.quarantine.batches(reader)
            }

    def test_rows_wait_sealed_with_line_and_reason(self, world):
        (batch,) = self._broken(world, b"ann,x", b"bob,y")
        with world.read() as reader:
            assert world.spine.quarantine.reasons(reader, batch) == [
                (2, "column tag: expected an integer"), (3, "column tag: expected an integer"),
            ]  # fmt: skip
        assert self._batches(world) == {batch: [b"ann,x", b"bob,y"]}
        assert "ann" not in repr(Broken(1, "reason", b"ann"))

    def test_a_retry_takes_the_place_of_its_batch(self, world):
        (batch,) = self._broken(world, b"ann,x")
        with world.read() as reader:
            (record,) = world.spine.quarantine.batches(reader)
        assert record.id == batch
        _take(world, ["ann"], replaces=record)
        assert self._batches(world) == {}

    def test_they_are_gone_when_their_time_has_passed(self, world):
        self._broken(world, b"ann,x")
        world.clock.advance(days=LIFETIME.days)
        world.restart()
        assert len(self._batches(world)) == 1
        world.clock.moment += timedelta(days=1)
        world.restart()
        assert self._batches(world) == {}

    @pytest.mark.parametrize(
        "raw",
        [
            b"ann,x", b'"ann",x', b" ann ,x", b"ann,x,too,many", b"x", b'{"id": "ann", "tag": "x"}',
            b"[" * 5000 + b"ann", b"ann" + b"a" * 200_000, b"\xff,ann", b",ann",
        ],
        ids=[
            "cells", "quoted", "padded", "too many", "other", "json", "nested", "huge", "no text", "nobody's",
        ],
    )  # fmt: skip
    def test_erasing_a_person_takes_the_broken_rows_that_name_the_person(self, world, raw):
        kept = {b"x", b"\xff,ann", b",ann"}
        self._broken(world, raw, b"bob,z")
        world.erase("ann")
        (rows,) = self._batches(world).values()
        wanted = [raw, b"bob,z"] if raw in kept else [b"bob,z"]
        assert rows == wanted

    @pytest.mark.parametrize(
        ("raw", "goes"),
        [
            (b'bob,"x\nann,y"', True), (b'bob,"x\r\n ann;y"', True), (b"bob;ann;y", True),
            (b'bob,"x\nann-1,hann,ann.b"', False), (b'bob,"x, ann"', False),
        ],
        ids=["line", "padded", "delimiter", "longer ids", "one line"],
    )  # fmt: skip
    def test_a_row_that_holds_lines_or_no_known_cells_goes_for_an_id_anywhere(self, world, raw, goes):
        self._broken(world, raw, b"bob,z")
        world.erase("ann")
        assert self._batches(world).popitem()[1] == ([b"bob,z"] if goes else [raw, b"bob,z"])

    def test_a_record_cut_short_goes_for_an_id_anywhere(self, world):
        header = json.dumps({**json.loads(HEADER), "format": "jsonl"})
        self._broken(world, b'{"id": "ann", "tag": "x"', b'{"id": "bob", "tag": "x"', header=header)
        world.erase("ann")
        assert self._batches(world).popitem()[1] == [b'{"id": "bob", "tag": "x"']

    def test_numbers_are_found_however_they_are_written(self, world):
        self._broken(world, b'bob,"x\n0005,y"', b'bob,"x\n50,y"')
        with world.inner_store.write() as tx:
            assert len(world.spine.quarantine.forget(tx, "5", world.spine.quarantine.batches(tx))) == 1

    def test_a_batch_of_nothing_else_goes_whole(self, world):
        self._broken(world, b"ann,x")
        world.erase("ann")
        with world.read() as reader:
            assert reader.count(QuarantineBatch) == 0


class TestErasure:
    def test_the_plan_names_what_would_go(self, world):
        world.use(("rows", "visits", "care", None), "one")
        world.choose("ann", granted=True, late=False)
        told = world.service.plan_erasure("ann")
        assert told["datasets"] == ["visits"]
        assert told["releases"] == ["R-one"]
        assert (told["sealed_fields"], told["consent_events"]) == (2, 1)

    def test_a_release_before_or_without_the_person_is_not_named(self, world):
        world.use(("rows", "visits", RESEARCH, None), "none-agreed")
        world.use(("rows", "visits", "care", None), "before-cem")
        world.collect("visits", ["cem"])
        assert world.service.plan_erasure("cem")["releases"] == []
        with world.inner_store.write() as tx:
            assert {r.id for r in tx.find(Released)} == {"R-none-agreed", "R-before-cem"}

    def _with_meanwhile(self, world, act):
        without = world.spine.tables.without

        def meanwhile(*args):
            world.spine.tables.without = without
            act()
            return without(*args)

        world.spine.tables.without = meanwhile

    def test_a_data_set_changed_meanwhile_stops_it_and_the_person_stays(self, world):
        self._with_meanwhile(world, lambda: world.erase("bob"))
        assert _code(lambda: world.spine.erasure.erase("ann", OWNER)) == "table.changed"
        world.look("ann")

    def test_a_choice_made_meanwhile_goes_as_well_and_is_counted(self, world):
        self._with_meanwhile(world, lambda: world.choose("ann", granted=True, late=False))
        with world.read() as reader:
            number = world.spine.vault.find(reader, "ann").number
            before = reader.count(ConsentEvent, number=number)
        world.spine.erasure.erase("ann", OWNER)
        with world.read() as reader:
            assert reader.count(ConsentEvent, number=number) == 0
            (done,) = world.spine.journal.proven(reader, 0, "subject.erase")
            assert done["facts"]["choices"] == before + 1

    def test_the_certificate_says_logical_and_what_is_not_final(self, world):
        certificate = world.service.erase_subject("ann")
        body = certificate["body"]
        assert body["state"] == "logical"
        assert body["not_final_yet"]
        assert "ann" not in json.dumps(certificate)

    def test_unknown_and_erased_people_are_told_apart(self, world):
        assert _code(lambda: world.service.erase_subject("zoe")) == "subject.unknown"
        world.erase("ann")
        assert _code(lambda: world.service.erase_subject("ann")) == "subject.erased"


class TestAudit:
    def _check(self, world):
        with world.read() as reader:
            check_records(reader, world.spine.ledger, world.spine.attestor)

    def test_an_untouched_workspace_passes(self, world):
        world.choose("ann", granted=True, late=False)
        world.choose("ann", granted=False, late=True)
        world.use(("count", "visits", "care", Fraction(1, 4)), "one")
        world.service.add_principal("analyst1", ["analyst"])
        self._check(world)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda tx: tx.put(replace(tx.get(Account, "*", "*"), epsilon="0")), "ledger.differs"),
            (lambda tx: tx.remove(Account, dataset="visits"), "ledger.differs"),
            (lambda tx: tx.remove(Bucket), "records.differ"),
            (lambda tx: tx.remove(Charge) + tx.remove(Account), "ledger.not-journaled"),
            (lambda tx: tx.put(Allocation("visits", "care", "99/1", "owner", "t")), "records.differ"),
            (lambda tx: tx.put(replace(tx.get(PolicyText, 1), text="")), "records.differ"),
            (lambda tx: tx.put(replace(tx.newest(Declaration), body="{}")), "records.differ"),
            (lambda tx: tx.put(Principal("thief", "analyst", "t")), "records.differ"),
            (lambda tx: tx.put(replace(tx.newest(ConsentState), granted=False)), "records.differ"),
            (lambda tx: tx.put(replace(tx.newest(ConsentState), version=99)), "records.differ"),
            (lambda tx: tx.put(replace(tx.newest(ConsentState), purpose="care")), "records.differ"),
            (lambda tx: tx.put(ConsentState("care", 7, True, 1)), "records.differ"),
            (lambda tx: tx.remove(ConsentState), "records.differ"),
            (lambda tx: tx.remove(ConsentEvent), "records.differ"),
        ],
    )
    def test_a_record_that_no_act_made_is_found(self, world, change, code):
        world.choose("ann", granted=True, late=False)
        world.use(("count", "visits", "care", Fraction(1, 4)), "one")
        with world.inner_store.write() as tx:
            change(tx)
        assert _code(lambda: self._check(world)) == code


def test_a_sealed_field_opens_for_its_own_person_only(world):
    with world.read() as reader:
        ann, bob = (world.spine.vault.find(reader, ref) for ref in ("ann", "bob"))
        field = reader.get(SealedField, ann.number, "visits", "name")
        assert world.spine.vault.open_field(ann, field) == ["Name of ann"]
        assert _code(lambda: world.spine.vault.open_field(bob, field)) == "envelope.unreadable"
        swapped = replace(reader.get(Subject, ann.number), number=bob.number)
        assert _code(lambda: world.spine.vault.open(swapped))
