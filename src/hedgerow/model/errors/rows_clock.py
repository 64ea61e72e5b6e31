"""Errors of a clock that cannot be right, and of what guards a running program."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, fault

_MEND = (
    "Set this machine's clock right and repeat the command; `hedgerow doctor --accept-clock` shows what "
    "going by this clock means."
)

ROWS: tuple[ErrorRow, ...] = (
    fault(
        "clock.behind",
        "This machine's clock says {now}; the newest journal entry is of {newest}. Nothing was done.",
        _MEND,
    ),
    fault(
        "clock.ahead",
        "This machine's clock says {now}; nothing was written for {days} days, since {newest}. "
        "Nothing was done, and nothing expired.",
        _MEND,
    ),
)
