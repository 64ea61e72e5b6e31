"""Cuts the program off at any commit or file write of a real workspace; nothing waits for the disk."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from tests.simulator.adapters import FailPoints

from hedgerow.adapters.files import DirectoryShelf
from hedgerow.adapters.keys import durable
from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.adapters.witness import FileSink
from hedgerow.app.backup import restoring
from hedgerow.app.backup.folder import Folder

POINTS = FailPoints()
PLACES = (
    (DirectoryShelf, "create"), (DirectoryShelf, "delete"), (Folder, "write"), (Folder, "wipe"),
    (FileSink, "write"), (durable, "_sync_folder"), (durable, "_wipe"), (restoring, "_named"),
)  # fmt: skip


def _around(original):
    def passed(*args, **more):
        POINTS.pass_by()
        done = original(*args, **more)
        POINTS.pass_by()
        return done

    return passed


def _transaction(original):
    @contextmanager
    def write(self):
        POINTS.pass_by()
        with original(self) as tx:
            yield tx
            POINTS.pass_by()
        POINTS.pass_by()

    return write


@contextmanager
def cut_anywhere():
    """Let ``POINTS`` stop every act; a crash here is of the program, not of the machine, so nothing syncs."""
    opened = SqliteStore.__init__
    with ExitStack() as held:

        def replaced(owner, name, new):
            held.enter_context(patch.object(owner, name, new))

        for owner, name in PLACES:
            replaced(owner, name, _around(getattr(owner, name)))
        replaced(SqliteStore, "write", _transaction(SqliteStore.write))
        replaced(
            SqliteStore,
            "__init__",
            lambda self, path, **more: opened(self, path, **more | {"durable": False}),
        )
        replaced(os, "fsync", lambda _: None)
        yield
