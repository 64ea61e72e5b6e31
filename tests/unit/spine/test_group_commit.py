"""Proves group commit: one signature for what commits together, each act alone in failure.

The first bad entry is still named exactly, inside a group as where it stands alone.
"""

from __future__ import annotations

import threading
import time

import pytest
from tests.simulator.world import OWNER, World

from hedgerow.kernel.merkle import open_checkpoint
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.records import JournalEntry, JournalHead
from hedgerow.spine.attest import is_mark
from hedgerow.spine.sequencer import Sequencer


@pytest.fixture
def world():
    made = World()
    made.collect("visits", ["ann", "bob"])
    return made


def size_of(world):
    with world.read() as reader:
        return world.spine.journal.head(reader).size


def entries(world, start):
    with world.read() as reader:
        return [each for each in reader.find(JournalEntry) if each.index >= start]


def grouped(world, many):
    start = size_of(world)
    with world.spine.store.write() as tx:
        made = world.spine.journal.append_many(tx, "test", OWNER, [{"n": n} for n in range(many)])
    assert made == range(start, start + many)
    return start


def count_signatures(world, monkeypatch):
    made = []
    real = type(world.spine.attestor).checkpoint
    monkeypatch.setattr(
        type(world.spine.attestor), "checkpoint", lambda self, *args: made.append(args) or real(self, *args)
    )
    return made


def test_entries_that_commit_together_are_signed_once(world, monkeypatch):
    made = count_signatures(world, monkeypatch)
    start = grouped(world, 9)
    assert len(made) == 1
    kept = entries(world, start)
    assert [is_mark(each.checkpoint) for each in kept] == [True] * 8 + [False]
    signed = open_checkpoint(kept[-1].checkpoint, world.spine.attestor.verifier)
    with world.read() as reader:
        roots = world.spine.journal.verify(reader, [start + 4])
        assert signed.root == roots[start + 9]
        assert world.spine.journal.root_at(reader, start + 4) == roots[start + 4], (
            "also where none was signed"
        )


def test_one_entry_is_signed_as_ever_and_a_receipt_inside_a_group_costs_no_second(world, monkeypatch):
    made = count_signatures(world, monkeypatch)
    with world.spine.store.write() as tx:
        world.spine.journal.append(tx, "test", OWNER, {})
        head = world.spine.journal.head(tx)
    assert (len(made), is_mark(entries(world, head.size - 1)[0].checkpoint)) == (1, False)
    with world.spine.store.write() as tx:
        world.spine.journal.append(tx, "test", OWNER, {})
        early = world.spine.journal.head(tx)
        world.spine.journal.append(tx, "test", OWNER, {})
    assert (early.size, size_of(world), len(made)) == (head.size + 1, head.size + 2, 3)
    with world.read() as reader:
        world.spine.journal.verify(reader)


def alter(world, index, **changes):
    with world.inner_store.write() as tx:
        entry = tx.get(JournalEntry, index)
        given = {"index": index, "body": entry.body, "checkpoint": entry.checkpoint} | changes
        tx.put(JournalEntry(**given))


@pytest.mark.parametrize("at", [0, 3, 7, 8])
def test_the_first_altered_entry_inside_a_group_is_named(world, at):
    start = grouped(world, 9)
    grouped(world, 5)
    for index in (start + at, start + 10):
        alter(world, index, body=b"{}")
    with world.read() as reader, pytest.raises(Fault) as caught:
        world.spine.journal.verify(reader)
    assert (caught.value.code, caught.value.details["index"]) == ("journal.altered", start + at)


def test_a_mark_moved_made_up_or_put_for_a_signature_does_not_hide_an_entry(world):
    start = grouped(world, 6)
    other = entries(world, start)[1].checkpoint
    for text in (other, "mark ", "mark AAAA"):
        alter(world, start + 3, body=b"{}", checkpoint=text)
        with world.read() as reader, pytest.raises(Fault) as caught:
            world.spine.journal.verify(reader)
        assert caught.value.details["index"] == start + 3


def test_a_group_cut_in_the_middle_is_truncated_where_it_was_cut(world):
    start = grouped(world, 6)
    with world.inner_store.write() as tx:
        for index in range(start + 2, start + 6):
            tx.remove(JournalEntry, index=index)
    with world.read() as reader, pytest.raises(Fault) as caught:
        world.spine.journal.verify(reader)
    assert (caught.value.code, caught.value.details["index"]) == ("journal.truncated", start + 2)


def test_a_transaction_that_fails_leaves_no_entry_and_no_frontier(world):
    before = size_of(world)
    with pytest.raises(Fault), world.spine.store.write() as tx:
        tx.add([world.spine.journal.append(tx, "test", OWNER, {}) and tx.get(JournalEntry, before)])
    assert (size_of(world), entries(world, before)) == (before, [])
    grouped(world, 2)
    with world.read() as reader:
        assert max(world.spine.journal.verify(reader)) == before + 2
        assert reader.count(JournalHead) == 1


def wait_for(sequencer, many):
    until = time.monotonic() + 20
    while len(sequencer._queue) < many and time.monotonic() < until:
        time.sleep(0.001)


def test_threads_that_wait_for_one_commit_share_it_and_each_gets_its_own_outcome(world):
    sequencer, journal = Sequencer(world.spine.store), world.spine.journal
    start, outcomes, commits = size_of(world), {}, world.inner_store._commits
    held, entered = threading.Event(), threading.Event()

    def first(tx):
        entered.set()
        held.wait(20)
        return journal.append(tx, "test", OWNER, {"n": "first"})

    def act(n):
        def work(tx):
            index = journal.append(tx, "test", OWNER, {"n": n})
            if n == 3:
                raise CallerError("request.malformed-id")
            return index

        return work

    def run(n, work):
        try:
            outcomes[n] = sequencer.submit(work)
        except CallerError as error:
            outcomes[n] = error.code

    threads = [threading.Thread(target=run, args=("first", first))]
    threads[0].start()
    assert entered.wait(20)
    for n in range(6):
        threads.append(threading.Thread(target=run, args=(n, act(n))))
        threads[-1].start()
    wait_for(sequencer, 6)
    held.set()
    for thread in threads:
        thread.join(20)
    assert outcomes["first"] == start
    assert outcomes[3] == "request.malformed-id"
    kept = sorted(outcomes[n] for n in (0, 1, 2, 4, 5))
    assert kept == list(range(start + 1, start + 6)), "the one that failed left nothing"
    assert world.inner_store._commits - commits == 1 + 5, "after a failure each is done alone"
    with world.read() as reader:
        assert max(journal.verify(reader)) == start + 6


def test_without_a_failure_the_waiting_ones_are_one_commit(world):
    sequencer, journal = Sequencer(world.spine.store), world.spine.journal
    commits, held, entered = world.inner_store._commits, threading.Event(), threading.Event()

    def slow(tx):
        entered.set()
        held.wait(20)

    threads = [threading.Thread(target=sequencer.submit, args=(slow,))]
    threads[0].start()
    assert entered.wait(20)
    work = lambda tx: journal.append(tx, "test", OWNER, {})  # noqa: E731
    for _ in range(8):
        threads.append(threading.Thread(target=sequencer.submit, args=(work,)))
        threads[-1].start()
    wait_for(sequencer, 8)
    held.set()
    for thread in threads:
        thread.join(20)
    assert world.inner_store._commits - commits == 2
