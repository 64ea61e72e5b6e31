"""Keeps the memory of a program of ours out of core files and other programs' reach."""

from __future__ import annotations

import sys
from contextlib import suppress

_SET_DUMPABLE = 4


def forbid_dumps() -> None:
    """Write no core file when this process crashes, and let no other program of the same user read it.

    For processes that are ours, the command line and the hosts: a program that imports the library
    decides for itself. Where the system has no such switch nothing happens.

    Guarantee: on Linux the process is not dumpable, so that neither a core file nor a pipe named by
    ``core_pattern`` gets its memory; elsewhere the size of core files is limited to none.
    """
    with suppress(ImportError, ValueError, OSError):
        import resource

        # The hard limit stays: only an administrator could raise it again for what is started later.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform == "linux":
        with suppress(ImportError, AttributeError, OSError):
            import ctypes

            ctypes.CDLL(None, use_errno=True).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
