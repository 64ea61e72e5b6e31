"""Proves that an erasure beside backups reads no more of the journal than what came since it was last heard.

Counted are the entries that a program reads which has just opened the workspace; no time is measured.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from tests.property.cutting import cut_anywhere
from tests.property.vault_world import VaultWorld

from hedgerow.adapters.store.sqlite import SqliteView
from hedgerow.model.errors import Fault
from hedgerow.model.records import JournalEntry
from hedgerow.model.uses import Actor
from hedgerow.spine.hearing import KEEP_ENTRIES

pytestmark = pytest.mark.system
OWNER = Actor("owner", "owner")


@pytest.fixture
def world():
    with cut_anywhere():
        made = VaultWorld()
        yield made
        made.close()


@pytest.fixture
def read(monkeypatch):
    """Count the entries read in every way that a view has."""
    counted = []

    def counting(name):
        original = getattr(SqliteView, name)

        def passed(self, kind, *args, **more):
            found = original(self, kind, *args, **more)
            if kind is JournalEntry:
                counted.append(len(found) if isinstance(found, list) else 1)
            return found

        monkeypatch.setattr(SqliteView, name, passed)

    for name in ("get", "find", "find_any", "page", "rows_page", "rows_any", "values", "newest"):
        counting(name)
    return counted


def grow(world, many):
    with world.spine.store.write() as tx:
        world.spine.journal.append_many(tx, "test.note", OWNER, [{} for _ in range(many)])


@pytest.mark.parametrize("is_backed_up", [True, False])
def test_what_an_erasure_reads_does_not_grow_with_the_journal(world, read, is_backed_up):
    if is_backed_up:
        world.backup()
    grow(world, 4000)
    world.erase("P-ann")  # hears the whole of it, and keeps what it heard
    grow(world, KEEP_ENTRIES)
    counts = []
    for ref, more in (("P-bob", 0), ("P-cem", 20)):
        grow(world, more)
        world.reopen()
        read.clear()
        world.erase(ref)
        counts.append(sum(read))
    assert max(counts) < 2 * KEEP_ENTRIES
    # What the one before read is read no more, but by the witness, from the frontier kept last.
    assert counts[1] < KEEP_ENTRIES
    listed = json.loads(world.spine.backups.erasures(world.read().__enter__()))["erased"]
    assert len(listed) == 3


def test_a_changed_journal_takes_no_erasure_off_the_list(world):
    world.backup()
    world.erase("P-ann")
    grow(world, KEEP_ENTRIES)
    world.erase("P-bob")
    before = (world.place / "erasures.json").read_bytes()
    world.space.close()
    with closing(sqlite3.connect(world.directory / "hedgerow.db")) as database, database:
        gone = """UPDATE journal
            SET body = CAST(replace(CAST(body AS TEXT), 'subject.erase', 'subject.bless') AS BLOB)
            WHERE "index" < 20 AND CAST(body AS TEXT) LIKE '%subject.erase%'"""
        assert database.execute(gone).rowcount == 1
        database.execute("DELETE FROM tombstones")
        database.execute("DELETE FROM forgotten")
    world.reopen()
    with world.read() as reader, pytest.raises(Fault) as caught:
        world.spine.backups.erasures(reader)
    assert caught.value.code == "records.differ"
    world.service.tend_backups()
    assert (world.place / "erasures.json").read_bytes() == before
