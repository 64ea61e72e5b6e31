"""Proves that SIGKILL at any step of the store or a file loses nothing: two hundred of them.

A worker collects, erases, moves to a new key epoch, ends the old ones, or writes a checkpoint, and
kills itself at one of the statements it gives the database, or of the syncs, renames and removals of
its files. A fresh process looks at what is left: what was acknowledged is there, of the act that was
cut off all or nothing, the journal and every record verify, everything opens, and doing the act again
ends it.
"""

from __future__ import annotations

import random
import sys
import time

import pytest
from tests.system.crash import disk
from tests.system.crash.harness import Crash, Killer
from tests.system.crash.judging import is_done, problems

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(sys.platform != "linux", reason="the disk is made for Linux"),
]

ACTS = {
    "put": {"do": "collect", "batch": 2, "declares": "visit"},
    "erase": {"do": "erase", "ref": "p0-011"},
    "rotate": {"do": "rotate"},
    "epoch": {"do": "epoch"},
    "checkpoint": {"do": "checkpoint"},
}
KILLS = {"put": 30, "erase": 40, "rotate": 40, "epoch": 45, "checkpoint": 45}


@pytest.fixture(scope="module")
def killer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steps")
    library = disk.build(folder)
    if library is None:
        pytest.skip("no C compiler to build the disk with")
    killer = Killer(folder, library)
    try:
        killer.prepare()
        yield killer
    finally:
        killer.close()


def run(killer, act, dies_at):
    """Let one worker die, and look; gives what was found and how many steps there were."""
    crash = Crash(killer, f"step-{time.monotonic_ns()}", with_disk=False)
    try:
        told, steps = crash.step(act, dies_at)
        return crash.look(told), steps
    finally:
        crash.close()


def test_there_are_two_hundred():
    assert KILLS.keys() == ACTS.keys()
    assert sum(KILLS.values()) >= 200


@pytest.mark.parametrize("name", ACTS)
def test_killed_at_any_step_nothing_is_lost(killer, name):
    act, many = ACTS[name], KILLS[name]
    calm, steps = run(killer, act, None)
    assert problems(calm) == []
    assert steps > 10
    kills, outcomes = killer.kills, set()
    # A busy machine may give a few statements fewer: the last of a calm run may not come.
    certain = range(1, steps - steps // 50 + 1)
    chosen = random.Random(name).sample(certain, min(many, len(certain)))
    chosen += random.Random(name).choices(certain, k=many - len(chosen))
    for at in sorted(chosen):
        found, _ = run(killer, act, at)
        assert found.told.unfinished == act, (at, found.told.failed)
        assert problems(found) == [], at
        outcomes.add(is_done(found))
    assert killer.kills == kills + many
    # Some kills came before what was done was durable, and some after.
    assert outcomes == ({True, False} if name in ("put", "erase") else {None})
