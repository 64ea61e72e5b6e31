"""Named points of a running act at which the worker can be stopped, made by wrapping the product's ports."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from contextlib import contextmanager

from hedgerow.adapters.engines import DuckEngine
from hedgerow.adapters.files import DirectoryShelf
from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.spine.journal import Journal
from hedgerow.spine.lease import Leases
from hedgerow.techniques.dp_query.technique import DpQuery

Say = Callable[..., None]


class Stage:
    """Tells the parent where the worker is and waits at the point that was asked for.

    Args:
        say: Writes one line to the parent.
        hold: A pipe to wait on; what is read from it lets the worker go on.
        point: Where to wait.
        nth: At which time of passing.
    """

    def __init__(self, say: Say, hold: int, point: str | None, nth: int) -> None:
        self.say = say
        self.act: dict[str, str | int] = {"do": "open"}
        self.written = "nothing"
        self.is_armed = False
        self._hold = hold
        self._point = point
        self._left = nth

    def at(self, name: str) -> None:
        """Pass a point, or wait there; only in the last act of a script."""
        if not self.is_armed or name != self._point:
            return
        self._left -= 1
        if self._left:
            return
        self.say(point=name)
        if not os.read(self._hold, 1):
            os._exit(1)  # the parent is gone

    def here(self, name: str) -> None:
        """Pass a point of the present act."""
        self.at(f"{self.act['do']} {name}")


def install(stage: Stage) -> None:
    """Wrap the ports; only in a worker that exists to be killed."""
    _wrap_store(stage)
    _wrap_shelf(stage)
    for kind, method, name in (
        (Leases, "open", "lease"),
        (DpQuery, "run", "run"),
        (SqliteStore, "scrub", "scrub"),
    ):
        setattr(kind, method, _between(stage, getattr(kind, method), name))
    forced = os.fsync
    os.fsync = lambda handle: (stage.here("before fsync"), forced(handle))[1]
    # Several files each time, though the tables are tiny.
    DuckEngine.bucket_count_for = lambda *_: 4


def _between(stage: Stage, method, name: str):
    @functools.wraps(method)
    def wrapped(*given, **named):
        stage.here(f"before {name}")
        result = method(*given, **named)
        stage.here(f"after {name}")
        return result

    return wrapped


def _wrap_store(stage: Stage) -> None:
    write, append = SqliteStore.write, Journal.append

    def noted(self, tx, action, *given, **named):
        if stage.written == "nothing":
            stage.written = action
        return append(self, tx, action, *given, **named)

    @contextmanager
    def watched(self):
        stage.written = "nothing"
        with write(self) as tx:
            yield tx
            entry = stage.written
            stage.at(f"before commit of {entry}")
        stage.at(f"after commit of {entry}")

    Journal.append, SqliteStore.write = noted, watched


def _wrap_shelf(stage: Stage) -> None:
    create, opened = DirectoryShelf.create, DirectoryShelf.open

    def creating(self, content):
        def half(stream):
            content(stream)
            stream.flush()
            stage.here("inside create")

        name = create(self, half)
        stage.here("after create")
        return name

    def opening(self, name):
        if stage.act["do"] == "query":
            stage.say(touched=stage.act["id"])
        stage.here("before read")
        return opened(self, name)

    DirectoryShelf.create, DirectoryShelf.open = creating, opening
    DirectoryShelf.delete = _between(stage, DirectoryShelf.delete, "delete")
