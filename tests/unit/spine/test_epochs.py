"""Proves that every wrapped key moves to a new epoch, resumably, and that an ended one opens nothing."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from tests.simulator.adapters import SetClock

from hedgerow.adapters.engines import DuckEngine
from hedgerow.adapters.files import MemoryShelf
from hedgerow.adapters.keys import create, open_
from hedgerow.adapters.store.memory import MemoryStore
from hedgerow.app.wiring import wire
from hedgerow.app.workspace import populate
from hedgerow.kernel.envelope import epoch_of, new_key
from hedgerow.model.errors import Fault
from hedgerow.model.records import (
    ALL_RECORDS,
    Bucket,
    Certificate,
    JournalEntry,
    Setting,
    Subject,
    WrappedSecret,
)
from hedgerow.model.uses import Actor
from hedgerow.spine import epochs as epochs_module
from hedgerow.spine.epochs import UNKNOWN_EPOCH
from hedgerow.spine.keyring import WRAPPING, binding_of, bucket_key
from hedgerow.spine.quarantine import Broken

OWNER = Actor("owner", "owner")
LOGICAL, FINAL = epochs_module.LOGICAL, epochs_module.FINAL


class Space:
    """One workspace that several processes have open, each with its own view of the key file."""

    def __init__(self, folder):
        self.path, self.clock, self.store = folder / "keys.json", SetClock(), MemoryStore()
        keys = create(self.path, None, clock=self.clock.now)
        populate(self.store, keys, self.clock, tenant="w-one")
        self.spine = self._wired(keys)

    def another(self):
        return self._wired(open_(self.path, None, clock=self.clock.now))

    def _wired(self, keys):
        shelf = MemoryShelf()
        return wire(self.store, keys, DuckEngine(shelf), shelf, self.clock)

    def enrol(self, many, spine=None):
        vault = (spine or self.spine).vault
        subjects, people = vault.enrol([vault.lookup(f"P-{i}-{new_key().hex()}") for i in range(many)])
        with self.store.write() as tx:
            vault.admit(tx, subjects)
        return people

    def held(self, kind):
        with self.store.read() as reader:
            return reader.find(kind)

    def epochs_of(self, *kinds):
        return {
            epoch_of(r.wrapped)
            for kind in kinds or WRAPPING
            for r in self.held(kind)
            if r.wrapped is not None
        }

    def facts(self, action):
        bodies = [json.loads(entry.body) for entry in self.held(JournalEntry)]
        return [body["facts"] for body in bodies if body["action"] == action]


@pytest.fixture
def space(tmp_path):
    return Space(tmp_path)


def _erase(space, person):
    """Erase as the erasure does, as far as keys go."""
    with space.store.write() as tx:
        tx.remove(Subject, number=person.number)
        name = f"c-{person.number:x}"
        body = {"certificate": name, "erased": "2026-03-01", "epochs": space.spine.vault.held_epochs(tx)}
        signed = space.spine.attestor.certificate(LOGICAL, body, 0, bytes(32))
        tx.add([Certificate(name, LOGICAL, json.dumps(signed), "2026-03-01")])
    return name


def _set_aside(spine, tx):
    """Set a broken row aside, as a collection does and tells."""
    batch = spine.quarantine.put(tx, "visits", json.dumps({"columns": []}), "id", [Broken(1, "bad", b"row")])
    told = {"dataset": "visits", "quarantine": batch.id, "revived": [], "bases": {}, "columns": []}
    spine.journal.append(tx, "collect", OWNER, told)


class TestMoving:
    def test_every_kind_moves_and_opens_as_before(self, space):
        people = space.enrol(5)
        with space.store.write() as tx:
            _set_aside(space.spine, tx)
            wrapped = space.spine.backend.wrap(bytes(32), bucket_key("w-one", "visits", "f"))
            tx.add([Bucket("visits", "f", 0, 1, 1, 1, wrapped)])
        old = space.spine.backend.current_epoch()
        assert space.epochs_of() == {old}
        done = space.spine.epochs.move(OWNER, is_ending=False)
        assert space.epochs_of() == {done["epoch"]} != {old}
        assert (done["moved"], done["destroyed"], done["final"]) == (5 + 2 + 1 + 1, [], [])
        for spine in (space.spine, space.another()):
            opened = spine.vault.open_many(space.held(Subject))
            assert {(p.number, p.key) for p in opened} == {(p.number, p.key) for p in people}
        assert [e.destroyed for e in space.spine.backend.epochs()] == [None, None]

    def test_it_goes_in_batches_and_tells_how_far_it_is(self, space, monkeypatch):
        monkeypatch.setattr(epochs_module, "BATCH_ROWS", 3)
        space.enrol(8)
        told = []
        space.spine.epochs.move(OWNER, is_ending=False, progress=lambda seen, all_: told.append((seen, all_)))
        assert told == [(2, 10), (5, 10), (8, 10), (10, 10)]

    def test_cut_off_anywhere_it_goes_on_with_the_same_epoch(self, space, monkeypatch):
        monkeypatch.setattr(epochs_module, "BATCH_ROWS", 2)
        people = space.enrol(9)
        before = space.spine.backend.current_epoch()
        for batches in range(4):
            spine = space.another()

            def stop(seen, _, *, batches=batches):
                if seen > 2 * batches:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                spine.epochs.move(OWNER, is_ending=True, progress=stop)
            with space.store.read() as reader:
                assert spine.epochs.unfinished(reader).leaving == (before,)
        done = space.another().epochs.move(OWNER, is_ending=False)
        assert done["destroyed"] == [before], "a change that was to end the epoch ends it"
        assert len(space.facts("keys.epoch")) == 1
        assert len(space.another().backend.epochs()) == 2
        assert {p.key for p in space.another().vault.open_many(space.held(Subject))} == {
            p.key for p in people
        }

    def test_a_rotation_that_was_cut_off_can_be_made_an_end(self, space):
        first = space.spine.backend.current_epoch()
        space.enrol(1)

        def stop(*_):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            space.spine.epochs.move(OWNER, is_ending=False, progress=stop)
        done = space.another().epochs.move(OWNER, is_ending=True)
        assert done["destroyed"] == [first]

    def test_a_key_made_before_the_records_knew_of_it_harms_nothing(self, space):
        space.enrol(2)
        space.another().backend.new_epoch()  # then the process was killed
        spine = space.another()
        people = space.enrol(1, spine)
        assert {p.key for p in people} <= {p.key for p in spine.vault.open_many(space.held(Subject))}
        done = spine.epochs.move(OWNER, is_ending=True)
        assert len(done["destroyed"]) == 2
        assert space.epochs_of() == {done["epoch"]}


class TestOtherProcesses:
    def test_what_they_store_is_wrapped_under_the_new_epoch(self, space):
        late = space.another()
        vault = late.vault
        subjects, people = vault.enrol([vault.lookup("late")])
        moved = space.spine.epochs.move(OWNER, is_ending=False)
        assert epoch_of(subjects[0].wrapped) != moved["epoch"]
        with space.store.write() as tx:
            vault.admit(tx, subjects)
            _set_aside(late, tx)
        assert space.epochs_of() == {moved["epoch"]}
        (held,) = space.held(Subject)
        assert space.spine.vault.open(held).key == people[0].key

    def test_without_the_look_at_the_records_the_end_would_lose_a_key(self, space, monkeypatch):
        late = space.another()
        monkeypatch.setattr(type(late.vault._keyring), "current", lambda _, __, records: list(records))
        subjects, _ = late.vault.enrol([late.vault.lookup("late")])
        space.spine.epochs.move(OWNER, is_ending=True)
        with space.store.write() as tx:
            late.vault.admit(tx, subjects)
        with pytest.raises(Fault) as caught:
            space.another().vault.open_many(space.held(Subject))
        assert caught.value.code == "keys.epoch-destroyed"

    def test_an_erasure_there_names_the_epoch_made_meanwhile(self, space):
        late = space.another()
        old = late.backend.current_epoch()
        done = space.spine.epochs.move(OWNER, is_ending=False)
        with space.store.read() as reader:
            assert late.vault.held_epochs(reader) == [old, done["epoch"]]

    def test_they_read_what_was_wrapped_after_they_opened_the_key_file(self, space):
        late = space.another()
        space.spine.epochs.move(OWNER, is_ending=True)
        people = space.enrol(2)
        assert {p.key for p in late.vault.open_many(space.held(Subject))} == {p.key for p in people}

    def test_an_epoch_that_still_wraps_something_is_not_destroyed(self, space, monkeypatch):
        space.enrol(2)
        monkeypatch.setattr(type(space.spine.epochs), "_rewrap", lambda *_: 0)
        with pytest.raises(Fault) as caught:
            space.spine.epochs.move(OWNER, is_ending=True)
        assert caught.value.code == "keys.epoch-in-use"
        assert [e.destroyed for e in space.another().backend.epochs()] == [None, None]


class TestEnding:
    def test_every_image_of_a_wrapped_key_opens_before_and_none_after(self, space):
        people = space.enrol(6)
        images = [(r.wrapped, binding_of("w-one", r)) for kind in WRAPPING for r in space.held(kind)]
        _erase(space, people[0])
        space.spine.epochs.move(OWNER, is_ending=False)
        images += [(r.wrapped, binding_of("w-one", r)) for kind in WRAPPING for r in space.held(kind)]
        held = space.another().backend
        assert all(held.unwrap(*image) for image in images), "the positive control opens"
        space.spine.epochs.move(OWNER, is_ending=True)
        for backend in (space.spine.backend, space.another().backend):
            for image in images:
                with pytest.raises(Fault) as caught:
                    backend.unwrap(*image)
                assert caught.value.code == "keys.epoch-destroyed"

    def test_each_erasure_becomes_final_once_with_the_time_its_keys_went(self, space):
        people = space.enrol(3)
        with space.store.write() as tx:
            _set_aside(space.spine, tx)
        first, second = _erase(space, people[0]), _erase(space, people[1])
        assert space.spine.epochs.move(OWNER, is_ending=False)["final"] == []
        space.clock.advance(days=1)
        done = space.spine.epochs.move(OWNER, is_ending=True)
        assert len(done["final"]) == 2
        bodies = [json.loads(c.body)["body"] for c in space.held(Certificate) if c.kind == FINAL]
        assert {body["erasure"] for body in bodies} == {first, second}
        for body in bodies:
            assert body["state"] == "final"
            assert body["assuming"] == "no copy of the key file"
            assert any("answers already given" in told for told in body["not_covered"])
            assert any("quarantine" in told for told in body["not_covered"])
            assert [e["destroyed"] for e in body["epochs_destroyed"]] == ["2026-03-02T12:00:00Z"]
        third = _erase(space, people[2])
        assert space.spine.epochs.move(OWNER, is_ending=True)["final"] != done["final"]
        bodies = [json.loads(c.body)["body"] for c in space.held(Certificate) if c.kind == FINAL]
        assert sorted(body["erasure"] for body in bodies) == sorted([first, second, third])

    def test_killed_between_destroying_and_certifying_it_is_made_up_for(self, space, monkeypatch):
        (person,) = space.enrol(1)
        erased = _erase(space, person)
        with monkeypatch.context() as patch:
            patch.setattr(space.store, "scrub", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                space.spine.epochs.move(OWNER, is_ending=True)
        assert [c.kind for c in space.held(Certificate)] == [LOGICAL]
        done = space.another().epochs.move(OWNER, is_ending=True)
        (final,) = [json.loads(c.body)["body"] for c in space.held(Certificate) if c.kind == FINAL]
        assert (final["erasure"], [final["certificate"]]) == (erased, done["final"])

    def test_the_journal_says_it_before_and_after(self, space):
        old = space.spine.backend.current_epoch()
        done = space.spine.epochs.move(OWNER, is_ending=True)
        begun = {"epoch": done["epoch"], "leaving": [old], "destroys": True}
        assert space.facts("keys.epoch") == [begun]
        assert space.facts("keys.destroy") == [{"epochs": [old]}]
        assert space.facts("keys.destroyed") == [{"epochs": [old], "final": {}}]
        with space.store.read() as reader:
            space.spine.journal.verify(reader)


def test_every_record_that_holds_a_wrapped_key_is_known():
    assert {kind for kind in ALL_RECORDS if "wrapped" in {f.name for f in fields(kind)}} == set(WRAPPING)


def test_the_survey_counts_what_lies_under_no_known_key(space):
    space.enrol(4)
    (subject, *_) = space.held(Subject)
    with space.store.write() as tx:
        tx.put(replace(subject, wrapped=subject.wrapped[:1] + bytes(16) + subject.wrapped[17:]))
    with space.store.read() as reader:
        survey = space.spine.epochs.survey(reader)
    assert survey.records[UNKNOWN_EPOCH] == {"subjects": 1}
    assert survey.records[survey.epochs[0].id] == {"secrets": 2, "subjects": 3}


def test_the_survey_counts_what_lies_where(space):
    space.enrol(4)
    with space.store.read() as reader:
        survey = space.spine.epochs.survey(reader)
    (epoch,) = survey.epochs
    assert survey.records == {epoch.id: {"secrets": 2, "subjects": 4}}
    assert (survey.unfinished, survey.logical) == (None, ())
    assert {r.name for r in space.held(WrappedSecret)} == {"index-key", "journal-key"}
    assert not [s for s in space.held(Setting) if s.name.startswith("keys.")]
