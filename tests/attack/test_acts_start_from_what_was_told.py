"""Proves that an act does not take for its own what somebody put back beside the program.

Rows of an erased person are put back with their table file, or with their batch, and then somebody else is
erased or collected. What the act would go on from is not what the journal told last, so that it refuses and
changes nothing. Where an act went on from it all the same, its entry says from what, and the audit finds it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.attack.rolling import founded, set_aside
from tests.attack.test_waiting_rows_changed import audited, edit, held, refused, waiting
from tests.simulator.asking import OWNER
from tests.simulator.model import CARE

from hedgerow.model.engine import PeopleFilter
from hedgerow.model.records import Bucket, Certificate, Dataset, JournalEntry, QuarantineBatch, QuarantinedRow
from hedgerow.model.words import Basis
from hedgerow.spine.standing import Standing


@pytest.fixture
def world():
    made = founded()
    made.sources = 100
    return made


def number_of(world, ref):
    with world.read() as reader:
        return world.spine.vault.find(reader, ref).number


def rows_of(world, number):
    with world.read() as reader:
        files = world.spine.tables.files(reader, "visits")
    return world.spine.tables.engine.row_counts(files, PeopleFilter.of([number])).get(number, 0)


def with_file_back(world):
    """Erase ann, and put her rows back: their file, the manifest and how many rows there are."""
    world.collect("visits", ["ann", "bob", "cem"])
    number, buckets, files = number_of(world, "ann"), held(world, Bucket), dict(world.inner_shelf._files)
    (dataset,) = held(world, Dataset)
    world.service.erase_subject("ann")
    (now,) = held(world, Dataset)
    with world.inner_store.write() as tx:
        tx.remove(Bucket)
    world.inner_shelf._files.update(files)
    edit(world, *buckets, replace(now, row_count=dataset.row_count))
    assert rows_of(world, number)
    return number


def with_rows_back(world):
    """Erase gus, of whom a broken row waits, and put the batch back as it was."""
    set_aside(world, ["fay", "gus", "hal"], [b"gus,x", b"hal,y", b"ida,z"])
    batches, rows = held(world, QuarantineBatch), held(world, QuarantinedRow)
    world.service.erase_subject("gus")
    edit(world, *batches, *rows)
    assert b"gus,x" in waiting(world)


def arriving(world):
    return world._arrival("visits", {world.tag: "dan"}, {CARE: Basis.CONTRACT}, ())


ACTS = {
    "erase": lambda world: world.service.erase_subject("bob"),
    "collect": lambda world: world.spine.intake.take(arriving(world), OWNER),
    "end the keys": lambda world: world.service.change_epoch(is_ending=True),
}


@pytest.mark.parametrize("act", ACTS)
def test_no_act_goes_on_from_a_table_file_put_back(world, act):
    with_file_back(world)
    size = len(held(world, JournalEntry))
    fault = refused(lambda: ACTS[act](world))
    assert (fault.code, fault.details) == ("table.not-as-told", {"dataset": "visits"})
    assert "hedgerow restore" in fault.next_step
    assert len(held(world, JournalEntry)) == size
    assert audited(world) == "records.differ"
    assert [each.kind for each in held(world, Certificate)] == ["erasure-certificate"]


@pytest.mark.parametrize("act", ["erase", "collect"])
def test_an_act_that_went_on_from_it_says_so(world, act, monkeypatch):
    number = with_file_back(world)
    monkeypatch.setattr(Standing, "require_files", lambda *_: None)
    ACTS[act](world)
    assert rows_of(world, number)
    assert audited(world) == "records.differ"


def test_nobody_is_erased_beside_waiting_rows_put_back(world):
    with_rows_back(world)
    (batch,) = held(world, QuarantineBatch)
    for act in (lambda: world.service.erase_subject("hal"), lambda: world.service.quarantine_retry(batch.id)):
        fault = refused(act)
        assert (fault.code, fault.details) == ("quarantine.altered", {"batch": batch.id})
    assert audited(world) == "records.differ"
    world.service.quarantine_discard(batch.id)
    world.service.erase_subject("hal")
    assert audited(world) is None


def test_an_erasure_beside_waiting_rows_put_back_says_from_what_it_went_on(world, monkeypatch):
    with_rows_back(world)
    monkeypatch.setattr(Standing, "require_waiting", lambda *_, **__: None)
    world.service.erase_subject("hal")
    assert waiting(world) == [b"gus,x", b"ida,z"]
    assert audited(world) == "records.differ"


def test_files_of_a_name_that_was_dropped_are_no_start_for_the_next(world):
    world.collect("visits", ["ann", "bob"])
    buckets, files = held(world, Bucket), dict(world.inner_shelf._files)
    world.drop("visits")
    world.inner_shelf._files.update(files)
    edit(world, *buckets)
    fault = refused(lambda: world.spine.intake.take(arriving(world), OWNER))
    assert fault.code == "table.not-as-told"
