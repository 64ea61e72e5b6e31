"""Proves that what decides something is read from the journal only as the signed head tells it."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from tests.simulator.world import OWNER, World

from hedgerow.kernel.merkle import Frontier, leaf_hash
from hedgerow.model.errors import Fault
from hedgerow.model.records import JournalEntry, JournalHead, Setting

MANY = 600


@pytest.fixture(scope="module")
def world():
    made = World()
    with made.spine.store.write() as tx:
        made.spine.journal.append_many(tx, "test", OWNER, [{"n": n} for n in range(MANY)])
    return made


class Changed:
    """A reader that shows some rows otherwise than they are kept, or not at all (for None)."""

    def __init__(self, reader, rows=None, settings=None):
        self._reader, self._rows, self._settings, self.seen = reader, rows or {}, settings or {}, 0

    def get(self, kind, *key):
        if kind is Setting and key[0] in self._settings:
            return self._settings[key[0]]
        return self._reader.get(kind, *key)

    def page(self, kind, after, many):
        rows = [self._rows.get(each.index, each) for each in self._reader.page(kind, after, many)]
        self.seen += len(rows)
        return [each for each in rows if each is not None]

    def __getattr__(self, name):
        return getattr(self._reader, name)


def read(world, first, *actions, **changes):
    with world.read() as reader:
        shown = Changed(reader, **changes)
        return world.spine.journal.proven(shown, first, *actions), shown.seen


def size_of(world):
    with world.read() as reader:
        return world.spine.journal.head(reader).size


def row(world, index):
    with world.read() as reader:
        return reader.get(JournalEntry, index)


def test_the_entries_from_an_index_on_are_read_at_the_cost_of_these(world):
    size = size_of(world)
    for first in (size - 3, 512, 300, 0):
        found, seen = read(world, first)
        assert [entry["index"] for entry in found] == list(range(first, size))
        assert seen <= size - first + 255
    assert [each["action"] for each in read(world, 0, "test")[0]] == ["test"] * MANY
    assert read(world, size) == ([], 0)


def test_a_changed_replaced_moved_or_missing_row_is_a_fault(world):
    last = size_of(world) - 1
    one, other = row(world, last - 2), row(world, last - 1)
    for rows in (
        {last - 2: replace(one, body=one.body.replace(b'"n":', b'"m":'))},
        {last - 2: replace(other, index=last - 2)},
        {last - 2: replace(other, index=last - 2), last - 1: replace(one, index=last - 1)},
        {last: None},
        {last - 2: None},
    ):
        with pytest.raises(Fault) as caught:
            read(world, last - 5, rows=rows)
        assert caught.value.code in ("journal.altered", "journal.truncated"), caught.value.code


def test_a_kept_frontier_is_believed_for_nothing(world):
    name = "journal.frontier.512"
    with world.read() as reader:
        right = reader.get(Setting, name)
        early = reader.get(Setting, "journal.frontier.256")
    size = size_of(world)
    for setting in (None, replace(right, value="?"), replace(right, value=early.value)):
        found, _ = read(world, 530, settings={name: setting})
        assert [entry["index"] for entry in found] == list(range(530, size))
    # One that was made to fit a changed row does not fit the head.
    frontier = Frontier()
    with world.read() as reader:
        for entry in world.spine.journal.entries(reader):
            frontier.append(leaf_hash(entry.body))
            if frontier.size == 511:
                break
    frontier.append(bytes(32))
    forged = replace(right, value=base64.b64encode(frontier.to_bytes()).decode())
    with pytest.raises(Fault):
        read(world, 530, rows={511: replace(row(world, 510), index=511)}, settings={name: forged})


def test_nothing_is_signed_on_top_of_a_frontier_that_is_not_the_heads():
    world = World()
    with world.spine.store.write() as tx:
        head = tx.get(JournalHead, 0)
        forged = Frontier()
        for entry in world.spine.journal.entries(tx):
            forged.append(leaf_hash(entry.body + b" "))
        tx.put(replace(head, frontier=forged.to_bytes()))
    with pytest.raises(Fault) as caught, world.spine.store.write() as tx:
        world.spine.journal.append(tx, "test", OWNER, {})
    assert caught.value.code == "journal.frontier-malformed"
