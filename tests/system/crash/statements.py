"""A process that dies by SIGKILL at one of its own steps: a statement, a sync, a rename, an unlink."""

from __future__ import annotations

import os
import signal
import sqlite3


class Steps:
    """Counts the steps of an act, and dies at the one that was chosen.

    Args:
        dies_at: Which step, from 1; none to count only.
    """

    def __init__(self, dies_at: int | None) -> None:
        self.dies_at = dies_at
        self.passed = 0
        self.is_armed = False

    def step(self) -> None:
        """Pass a step, or die."""
        if not self.is_armed:
            return
        self.passed += 1
        if self.passed == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)


def install(steps: Steps) -> None:
    """Make every statement and every lasting change of a file a step, before and after it."""

    class Connection(sqlite3.Connection):
        def execute(self, *given):
            steps.step()
            done = super().execute(*given)
            steps.step()
            return done

        def executemany(self, *given):
            steps.step()
            done = super().executemany(*given)
            steps.step()
            return done

    connect = sqlite3.connect
    sqlite3.connect = lambda *given, **named: connect(*given, **{"factory": Connection, **named})
    for name in ("fsync", "rename", "replace", "unlink", "link", "pwrite"):
        setattr(os, name, _stepped(steps, getattr(os, name)))


def _stepped(steps: Steps, real):
    def stepped(*given, **named):
        steps.step()
        done = real(*given, **named)
        steps.step()
        return done

    return stepped
