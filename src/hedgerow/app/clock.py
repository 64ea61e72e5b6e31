"""The system's clock behind the port."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """Tells the system time in UTC."""

    def now(self) -> datetime:
        """Tell the current time, aware."""
        return datetime.now(UTC)
