"""Variants that are wrong on purpose: a test that does not catch them proves nothing."""

from __future__ import annotations

from hedgerow.adapters.engines import DuckEngine
from hedgerow.adapters.files import DirectoryShelf
from hedgerow.adapters.keys import file as key_file
from hedgerow.adapters.store.sqlite import SqliteStore, SqliteView
from hedgerow.app import workspace
from hedgerow.app.clock import SystemClock
from hedgerow.app.wiring import wire
from hedgerow.model.records import Request
from hedgerow.spine.ledger import Ledger
from hedgerow.spine.requests import Requests


def reserve_after_reading() -> None:
    """Hold each reservation back until the use is closed, when the data has been read."""
    reserve, commit = Ledger.reserve, Ledger.commit
    held = []

    def held_back(self, tx, *charge, **more):
        held.append((charge, more))

    def at_last(self, tx, request_id):
        while held:
            charge, more = held.pop()
            reserve(self, tx, *charge, **more)
        commit(self, tx, request_id)

    Ledger.reserve, Ledger.commit = held_back, at_last


def draw_again() -> None:
    """Make a request id that was spent without a result look new."""
    get, opened = SqliteView.get, Requests.open
    anew = set()

    def forgetful(self, kind, *key):
        found = get(self, kind, *key)
        is_forgotten = kind is Request and found and found.state == "spent" and found.id not in anew
        return None if is_forgotten else found

    def reopened(self, tx, request, *more):
        anew.add(request.request_id)
        tx.remove(Request, id=request.request_id)
        opened(self, tx, request, *more)

    SqliteView.get, Requests.open = forgetful, reopened


def open_unsynced(directory, *, store: bool, files: bool) -> workspace.Opened:
    """Open a workspace that does not force one kind of its writes to the disk."""
    records = SqliteStore(directory / workspace.DATABASE, durable=store)
    shelf = DirectoryShelf(directory / workspace.TABLES, sync=files)
    backend = key_file.open_(directory / workspace.KEYS, None)
    return workspace.Opened(
        directory, records, wire(records, backend, DuckEngine(shelf), shelf, SystemClock()), ()
    )
