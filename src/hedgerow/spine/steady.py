"""The time of the workspace: it never runs backwards, and a wild jump stops uses until somebody looks."""

from __future__ import annotations

from datetime import datetime, timedelta

from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import Fault
from hedgerow.model.ports import Clock, Reader
from hedgerow.model.records import JournalEntry
from hedgerow.spine.entries import moment_of

MOST_BEHIND = timedelta(days=1)
MOST_AHEAD = timedelta(days=180)


class SteadyClock:
    """A clock held to the newest journal entry.

    Guarantee: within a process, and from one to the next, the time never goes back, so that what
    expired stays expired; a clock more than a day behind the journal, or half a year ahead of it when
    the workspace is opened, is told by ``trouble``.

    Args:
        clock: The system's, which somebody may have set wrong.
        newest: The time of the newest entry; none in a new workspace.
    """

    def __init__(self, clock: Clock, newest: datetime | None) -> None:
        self._clock = clock
        self._floor = newest
        self.newest = newest
        self._is_ahead = newest is not None and clock.now() - newest > MOST_AHEAD

    def now(self) -> datetime:
        """Tell the time, or that of the newest entry where the clock is behind it."""
        moment = self._clock.now()
        if self._floor is not None and moment < self._floor:
            return self._floor
        self._floor = moment
        return moment

    def told(self) -> datetime:
        """Tell what the system's clock says, right or wrong."""
        return self._clock.now()

    def trouble(self) -> Fault | None:
        """Tell why nothing may be used, or expire, by this clock; none while it may."""
        told = self._clock.now()
        if self._floor is not None and self._floor - told > MOST_BEHIND:
            return Fault("clock.behind", now=timestamp(told), newest=timestamp(self._floor))
        if self._is_ahead and self.newest is not None:
            days = (told - self.newest).days
            return Fault("clock.ahead", now=timestamp(told), newest=timestamp(self.newest), days=days)
        return None

    def accept(self) -> datetime:
        """Go by what the system's clock says from here on; gives the time that it went by before."""
        before = self.newest if self._is_ahead else self._floor
        self._floor, self._is_ahead = self._clock.now(), False
        return before or self._floor


def steady(clock: Clock, reader: Reader) -> SteadyClock:
    """Hold a clock to the newest entry of a workspace.

    Args:
        clock: The system's.
        reader: A view.
    """
    entry = reader.newest(JournalEntry)
    newest = moment_of(entry) if entry is not None else None
    return SteadyClock(clock, newest)


def require_steady(clock: Clock) -> None:
    """Refuse a use by a clock that cannot be right.

    Raises:
        Fault: ``clock.behind`` or ``clock.ahead``.
    """
    trouble = clock.trouble() if isinstance(clock, SteadyClock) else None
    if trouble is not None:
        raise trouble
