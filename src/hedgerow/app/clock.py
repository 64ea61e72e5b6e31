"""The system's clock and timer behind their ports."""

from __future__ import annotations

import time
from datetime import UTC, datetime

_NANO = 10**9


class SystemClock:
    """Tells the system time in UTC."""

    def now(self) -> datetime:
        """Tell the current time, aware."""
        return datetime.now(UTC)


class SystemTimer:
    """Tells how much time passes by the system's steady clock."""

    def now_ns(self) -> int:
        """Tell nanoseconds since some moment."""
        return time.monotonic_ns()

    def wait_ns(self, length: int) -> None:
        """Sleep."""
        time.sleep(length / _NANO)
