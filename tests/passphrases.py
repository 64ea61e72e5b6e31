"""Passphrases whose check costs a test little.

Every default of the product is one profile, which lies in the code and has no switch. Here a process of
the tests changes its own copy. A file that is made then names its cost and opens at it everywhere, so a
program that is started on it is quick too. What a program makes that was started afresh has the full
cost; tests/unit/keys/test_full_cost.py proves it.
"""

from __future__ import annotations

from hedgerow.kernel.envelope.passphrase import RFC9106_SECOND

LEAST = {"memory_kib": 7168, "iterations": 1, "lanes": 1}


def make_cheap() -> None:
    """Let each passphrase that this process sets cost the least that is allowed."""
    for name, value in LEAST.items():
        object.__setattr__(RFC9106_SECOND, name, value)
    if not RFC9106_SECOND.is_allowed:
        raise RuntimeError("the product does not open files at this cost")
