"""Variants that are wrong on purpose: a test that does not catch them proves nothing."""

from __future__ import annotations

from hedgerow.adapters.engines import DuckEngine
from hedgerow.adapters.files import DirectoryShelf
from hedgerow.adapters.keys import file as key_file
from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.app import workspace
from hedgerow.app.clock import SystemClock
from hedgerow.app.wiring import wire
from hedgerow.model.records import Request
from hedgerow.spine.gate import Gate
from hedgerow.spine.requests import Requests


def read_before_reserving() -> None:
    """Make the gate run the technique first and reserve afterwards."""

    def use(self, request, technique):
        with self._store.read() as reader:
            _, (facts, plan) = self._consider(reader, request, technique, charge=True)
        release = technique.run(self._leases.open(facts, plan), plan)
        facts, plan, entry = self._admit(request, technique)
        return self._close(request, technique, release, facts, plan, entry)

    Gate.use = use


def draw_again() -> None:
    """Make a request id that has no result run anew, its first reservation forgotten."""
    find, opened = Requests.find, Requests.open

    def forgetful(self, reader, request, technique):
        found = find(self, reader, request, technique)
        return found if found is None or found.state != "spent" else None

    def reopened(self, tx, request, technique, version, entry):
        if tx.get(Request, request.request_id) is None:
            opened(self, tx, request, technique, version, entry)

    Requests.find, Requests.open = forgetful, reopened


def open_unsynced(directory, *, store: bool, files: bool) -> workspace.Opened:
    """Open a workspace that does not force one kind of its writes to the disk."""
    records = SqliteStore(directory / workspace.DATABASE, durable=store)
    shelf = DirectoryShelf(directory / workspace.TABLES, sync=files)
    backend = key_file.open_(directory / workspace.KEYS, None)
    return workspace.Opened(
        directory, records, wire(records, backend, DuckEngine(shelf), shelf, SystemClock()), ()
    )
