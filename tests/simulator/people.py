"""A workspace of people with e-mail addresses, small enough to be made anew for each test."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
from tests.simulator.adapters import FailingShelf, FailingStore, FailPoints, SetClock
from tests.simulator.asking import OWNER

from hedgerow.adapters.engines import DuckEngine
from hedgerow.adapters.files import MemoryShelf
from hedgerow.adapters.keys.memory import MemoryKeys
from hedgerow.adapters.store.memory import MemoryStore
from hedgerow.app.service import Service
from hedgerow.app.wiring import wire
from hedgerow.app.workspace import populate
from hedgerow.model.records import BlindIndex, BlindTerm, JournalEntry, WrappedSecret
from hedgerow.model.uses import ColumnView
from hedgerow.model.words import Basis
from hedgerow.spine.entries import parse_entry
from hedgerow.spine.intake import Arrival

MAIL, PHONE = "mail", "phone"
COLUMNS = (
    ColumnView("id", "text", "direct-identifier", "person-id", in_vault=True),
    ColumnView(MAIL, "text", "direct-identifier", "email", in_vault=True),
    ColumnView("other", "text", "direct-identifier", "email", in_vault=True),
    ColumnView("tag", "integer", "measure", "", in_vault=False),
)


class Scrubbed(FailingStore):
    """A store that can be cut off, whose files are wiped where they are files."""

    def scrub(self):
        super().scrub()
        self.inner.scrub()


class People:
    """A workspace whose people have addresses; what it does can be cut off at any step."""

    def __init__(self, tenant="w-one", keys=None, store=None):
        self.clock, self.keys, self.points = SetClock(), keys or MemoryKeys(), FailPoints()
        self.inner, self.shelf = store or MemoryStore(), MemoryShelf()
        populate(self.inner, self.keys, self.clock, tenant=tenant)
        self.restart()
        self.service.add_purpose("care", "to help", "owner", self.clock.now().date().replace(year=2099))
        self.sources = 0

    def restart(self):
        """Start the program anew over what is there."""
        self.points.disarm()
        store = Scrubbed(self.inner, self.points)
        shelf = FailingShelf(self.shelf, self.points, lambda *_: None)
        self.spine = wire(store, self.keys, DuckEngine(shelf, threads=1), shelf, self.clock)
        self.service = Service(self.spine, OWNER)

    def collect(self, dataset, rows):
        """Take in (id, address) pairs; a person may come several times."""
        self.sources += 1
        self.clock.advance(seconds=1)
        table = pa.table(
            {
                "id": pa.array([ref for ref, _ in rows], pa.string()),
                MAIL: pa.array([mail for _, mail in rows], pa.string()),
                "other": pa.array([mail for _, mail in rows], pa.string()),
                "tag": pa.array(range(len(rows)), pa.int64()),
            }
        )
        content = hashlib.sha256(str(self.sources).encode()).hexdigest()
        lines = np.arange(len(rows)) + 2
        bases = {"care": Basis.CONTRACT}
        arrival = Arrival(dataset, "id", COLUMNS, table, lines, (), "{}", content, bases)
        self.spine.intake.take(arrival, OWNER)

    def find(self, dataset, value, column=MAIL):
        """Give the source ids of who is found."""
        people = self.service.find_subject(dataset, column, value)["people"]
        return {self.service._source_id(name) for name in people}

    def held(self, kind, **equals):
        with self.inner.read() as reader:
            return reader.find(kind, **equals)

    def terms(self, column=MAIL, state="current"):
        ids = {i.id for i in self.held(BlindIndex, column=column, state=state)}
        return {(t.term, t.number) for t in self.held(BlindTerm) if t.index_id in ids}

    def facts(self, action):
        entries = [parse_entry(entry.body) for entry in self.held(JournalEntry)]
        return [entry["facts"] for entry in entries if entry["action"] == action]

    def secrets(self):
        return {s.name for s in self.held(WrappedSecret) if s.name.startswith("blind-index/")}

    def index_secret(self, column=MAIL):
        """Give the key of the version in use, as somebody has who took it."""
        (index,) = self.held(BlindIndex, column=column, state="current")
        with self.inner.read() as reader:
            return self.spine.indexes._key(reader, index)
