"""Proves that what the journal tells of erasures and copies outside is read on from where it was proven last.

What is kept for that lies where anybody with the database can write: it counts only where this journal's key
bound it and the signed log grew from it, so that nobody makes an erasure vanish from what is told.
"""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from tests.simulator.world import OWNER, World
from tests.unit.spine.test_proven import Changed

from hedgerow.model.errors import Fault
from hedgerow.model.records import JournalEntry, Setting
from hedgerow.spine.attest import Attestor
from hedgerow.spine.departed import heard
from hedgerow.spine.hearing import HEARD, KEEP_ENTRIES, Hearing

UNTIL = "2099-01-01"


class Room:
    """A workspace with a long journal, and programs that each hear it anew."""

    def __init__(self):
        self.world = World()
        self.spine = self.world.spine
        self.hearing = self.opened()

    def opened(self):
        return Hearing(self.spine.journal, self.spine.attestor)

    def append(self, action, *each):
        with self.spine.store.write() as tx:
            return self.spine.journal.append_many(tx, action, OWNER, each)

    def grow(self, many=600):
        self.append("test", *[{"n": n} for n in range(many)])

    def erase(self, name):
        self.append("erasure.known", {"certificate": name, "until": UNTIL, "line": "bound", "replaces": None})

    def back_up(self, name):
        facts = dict.fromkeys(("made", "keys_until", "place", "keys_place", "backend"), "said")
        self.append("space.backup", {**facts, "backup": name, "epochs": ["e-1", "e-2"], "to": ["SHA256:x"]})

    def keep(self, hearing):
        with self.spine.store.write() as tx:
            hearing.keep(tx)

    def read(self, hearing, **changes):
        """Give what is told, and how many entries were read for it."""
        with self.world.read() as reader:
            shown = Changed(reader, **changes)
            return hearing.told(shown), shown.seen

    def setting(self):
        with self.world.read() as reader:
            return reader.get(Setting, HEARD)

    def whole(self):
        with self.world.read() as reader:
            return heard(reader, self.spine.journal)

    def index_of(self, action):
        with self.world.read() as reader:
            return next(each.index for each in reader.find(JournalEntry) if action.encode() in each.body)


@pytest.fixture
def room():
    """A workspace whose journal was heard and kept once."""
    made = Room()
    made.back_up("b-1")
    made.erase("c-1")
    made.grow()
    made.append("keys.escrow", {"epochs": ["e-1"], "for": ["SHA256:y"]})
    made.append("dataset.drop", {"dataset": "visits", "dropped": "2026", "until": UNTIL, "version": 2})
    made.read(made.hearing)
    made.keep(made.hearing)
    return made


def names(told):
    return [each.certificate for each in told.erasures.values() if each.certificate]


def test_another_program_reads_what_came_since_and_no_more_however_long_the_journal(room):
    for _ in range(3):
        room.erase("c-2")
        other = room.opened()
        told, seen = room.read(other)
        assert told == room.whole()
        assert seen <= KEEP_ENTRIES
        room.grow(KEEP_ENTRIES)
        told, seen = room.read(room.opened())
        assert (told, seen <= 2 * KEEP_ENTRIES) == (room.whole(), True)
        room.read(other)
        assert other.is_due()
        room.keep(other)
        assert not other.is_due()


def test_every_kind_of_act_is_told_on_as_the_whole_journal_tells_it(room):
    first = room.index_of("erasure.known")
    for act in (
        lambda: room.append("backup.prune", {"backups": ["b-1"], "why": "over"}),
        lambda: room.back_up("b-2"),
        lambda: room.append("subject.erase", {"certificate": "c-old"}),  # as older versions wrote it
        lambda: room.append("space.restored", {"line": "l-2"}),
        lambda: room.append("erasure.expire", {"entries": [first]}),
        lambda: room.append("keys.escrow", {"epochs": [], "for": []}),
        room.grow,
    ):
        act()
        for hearing in (room.opened(), room.hearing):
            assert room.read(hearing)[0] == room.whole()
        room.keep(room.hearing)
        assert room.read(room.opened())[0] == room.whole()
    told = room.read(room.opened())[0]
    assert (told.line, told.sealed_for, names(told)) == ("l-2", ("SHA256:x",), [])


def test_an_act_that_failed_leaves_nothing_told(room):
    facts, seen = {"certificate": "c-9", "until": UNTIL, "line": "bound", "replaces": None}, []

    def fail():
        with room.spine.store.write() as tx:
            room.spine.journal.append(tx, "erasure.known", OWNER, facts)
            seen.extend(names(room.hearing.told(tx)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "c-9" in seen
    assert room.read(room.hearing)[0] == room.whole()


def changed(room, index, old, new):
    with room.world.read() as reader:
        record = reader.get(JournalEntry, index)
    assert old in record.body
    return {index: replace(record, body=record.body.replace(old, new))}


def test_an_entry_changed_before_what_is_kept_takes_no_erasure_away(room):
    rows = changed(room, room.index_of("erasure.known"), b"erasure.known", b"erasure.blown")
    assert names(room.read(room.opened(), rows=rows)[0]) == ["c-1"]
    # Without what is kept, the change itself is found.
    with pytest.raises(Fault) as caught:
        room.read(room.opened(), rows=rows, settings={HEARD: None})
    assert caught.value.code == "journal.altered"


def test_an_entry_changed_or_left_out_after_it_is_found(room):
    room.erase("c-2")
    with room.world.read() as reader:
        last = room.spine.journal.head(reader).size - 1
    for rows in (changed(room, last, b"erasure.known", b"erasure.blown"), {last: None}):
        with pytest.raises(Fault) as caught:
            room.read(room.opened(), rows=rows)
        assert caught.value.code in ("journal.altered", "journal.truncated")


def test_what_this_journals_key_did_not_bind_does_not_count(room):
    kept = room.setting()
    bound, text = kept.value.split(" ")
    stranger = Attestor(bytes(32), room.spine.attestor.origin)
    for value in ("", "x", text, f"{bound} {text[:-4]}AAA=", f"{bound} {base64.b64encode(b'{}').decode()}",
                  f"{stranger.bind('heard 2', [text])} {text}"):  # fmt: skip
        told, seen = room.read(room.opened(), settings={HEARD: Setting(HEARD, value)})
        assert told == room.whole()
        assert seen > 2 * KEEP_ENTRIES  # read whole


def test_an_older_state_is_read_on_from_and_one_of_another_line_is_not(room):
    older = room.setting()
    room.erase("c-2")
    room.grow()
    room.read(room.hearing)
    room.keep(room.hearing)
    newer = room.setting()
    assert newer != older
    told, _ = room.read(room.opened(), settings={HEARD: older})
    assert names(told) == ["c-1", "c-2"]
    # Under the same key, one that grew otherwise: as a workspace restored from a backup does.
    sibling = Room()
    sibling.spine.journal._attestor = room.spine.attestor
    with sibling.spine.store.write() as tx:
        tx.put(replace(newer))
    sibling.erase("c-3")
    sibling.grow(1600)
    told, _ = sibling.read(Hearing(sibling.spine.journal, room.spine.attestor))
    assert names(told) == ["c-3"]
