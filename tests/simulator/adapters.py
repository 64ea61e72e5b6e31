"""Stand-ins with the production interface: a clock to set, and a store and shelf that fail at any step.

A failure comes in two kinds. An *interrupt* is raised at one step and the program's own clean-up runs,
as when a person presses Ctrl-C. A *kill* raises too, but from then on every use of the store and the
shelf raises as well, so that no clean-up has any effect, as when the process is killed.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from hedgerow.adapters.files import MemoryShelf
from hedgerow.adapters.store.memory import MemoryStore

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Crash(BaseException):
    """The program stops here."""


class SetClock:
    """A clock that moves when it is told to."""

    def __init__(self, moment=START):
        self.moment = moment

    def now(self):
        return self.moment

    def advance(self, **by):
        self.moment += timedelta(**by)


class FailPoints:
    """Counts the steps of an act and stops it at the one that was chosen."""

    def __init__(self):
        self.left = None
        self.is_kill = False
        self.is_dead = False

    def arm(self, steps, *, kill):
        self.left, self.is_kill, self.is_dead = steps, kill, False

    def disarm(self):
        self.left, self.is_dead = None, False

    def pass_by(self):
        """Go on, or stop here."""
        if self.is_dead:
            raise Crash
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            self.left, self.is_dead = None, self.is_kill
            raise Crash


class FailingStore:
    """A store whose transactions can be cut off before, inside and after their commit."""

    def __init__(self, inner: MemoryStore, points: FailPoints):
        self.inner, self._points = inner, points
        self.remnants = inner.remnants

    @contextmanager
    def read(self):
        self._points.pass_by()
        with self.inner.read() as reader:
            yield reader

    @contextmanager
    def write(self):
        self._points.pass_by()
        with self.inner.write() as tx:
            yield tx
            self._points.pass_by()
        self._points.pass_by()

    def stamp(self):
        return self.inner.stamp()

    def scrub(self):
        self._points.pass_by()

    def close(self):
        """Nothing to let go of."""


class FailingShelf:
    """A shelf whose writes and deletions can be cut off before and after."""

    def __init__(self, inner: MemoryShelf, points: FailPoints, on_open):
        self.inner, self._points, self._on_open = inner, points, on_open

    def create(self, write):
        self._points.pass_by()
        name = self.inner.create(write)
        self._points.pass_by()
        return name

    def open(self, name):
        self._on_open()
        return self.inner.open(name)

    def delete(self, name):
        self._points.pass_by()
        self.inner.delete(name)
        self._points.pass_by()

    def names(self):
        return self.inner.names()

    @contextmanager
    def writing(self):
        with self.inner.writing():
            yield

    @contextmanager
    def alone(self):
        with self.inner.alone() as alone:
            yield alone

    def sweep(self):
        return self.inner.sweep()


def copied_store(store: MemoryStore) -> MemoryStore:
    """Copy a store; its tables are replaced and never changed in place, so that one level is enough."""
    twin = MemoryStore()
    twin._tables, twin._commits = dict(store._tables), store._commits
    return twin


def copied_shelf(shelf: MemoryShelf) -> MemoryShelf:
    """Copy a shelf."""
    twin = MemoryShelf()
    twin._files = dict(shelf._files)
    return twin
