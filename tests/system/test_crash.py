"""Proves that SIGKILL and a power cut lose nothing acknowledged and never under-count the budget.

A worker collects, asks, erases, drops and records choices in a workspace on the disk; another process kills
it, at named points and at random times, fifty times in all, and a fresh process looks at what is left. For
the power cut, a preloaded library stands in for fsync and only what was forced to the disk is kept. The same
checks must fail, and do here, when forcing is switched off and when the budget is reserved only after the
reading.
"""

from __future__ import annotations

import random
import sys
import time

import pytest
from tests.system.crash import disk, story
from tests.system.crash.disk import Disk
from tests.system.crash.harness import Crash, Killer
from tests.system.crash.judging import is_done, problems

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(sys.platform != "linux", reason="the disk is made for Linux"),
]

COLLECT = {"do": "collect", "batch": 2, "declares": "visit"}
QUERY = {"do": "query", "id": "ask-2"}
ERASE = {"do": "erase", "ref": "p0-011"}
WITHDRAW = {"do": "withdraw", "ref": "p0-012"}
DROP = {"do": "drop"}
EARLIER = [
    {"do": "query", "id": "ask-1"},
    {"do": "erase", "ref": "p0-006"},
    {"do": "withdraw", "ref": "p0-007"},
]
UNDONE, DONE, SPENT, ANSWERED = "undone", "done", "spent", "answered"
# Where the worker is stopped, at which time of passing, and what the act must have come to.
POINTS = [
    (QUERY, "before commit of use.intend", 1, UNDONE),
    (QUERY, "after commit of use.intend", 1, SPENT),
    (QUERY, "query before lease", 1, SPENT),
    (QUERY, "query before run", 1, SPENT),
    (QUERY, "query before read", 1, SPENT),
    (QUERY, "query before read", 3, SPENT),
    (QUERY, "query after run", 1, SPENT),
    (QUERY, "before commit of use.done", 1, SPENT),
    (QUERY, "after commit of use.done", 1, ANSWERED),
    (COLLECT, "collect inside create", 1, UNDONE),
    (COLLECT, "collect before fsync", 3, UNDONE),
    (COLLECT, "collect inside create", 3, UNDONE),
    (COLLECT, "collect after create", 4, UNDONE),
    (COLLECT, "before commit of collect", 1, UNDONE),
    (COLLECT, "after commit of collect", 1, DONE),
    (ERASE, "erase inside create", 1, UNDONE),
    (ERASE, "erase after create", 1, UNDONE),
    (ERASE, "before commit of subject.erase", 1, UNDONE),
    (ERASE, "after commit of subject.erase", 1, DONE),
    (ERASE, "erase before delete", 1, DONE),
    (ERASE, "erase after delete", 1, DONE),
    (ERASE, "erase before scrub", 1, DONE),
    (ERASE, "erase after scrub", 1, DONE),
    (DROP, "before commit of dataset.drop", 1, UNDONE),
    (DROP, "after commit of dataset.drop", 1, DONE),
    (DROP, "drop before delete", 1, DONE),
    (DROP, "drop after delete", 2, DONE),
    (DROP, "drop before scrub", 1, DONE),
    (WITHDRAW, "before commit of consent.withdraw", 1, UNDONE),
    (WITHDRAW, "after commit of consent.withdraw", 1, DONE),
]
# Each point once; where it matters what reached the disk, the power is cut as well.
NAMED = [
    pytest.param(*point, has_cut, id=f"{'cut ' if has_cut else ''}{point[1]} {point[2]}")
    for point in POINTS
    for has_cut in ((False, True) if "commit" in point[1] or "inside" in point[1] else (False,))
]
SEEDS = range(12)


@pytest.fixture(scope="module")
def killer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash")
    library = disk.build(folder)
    if library is None:
        pytest.skip("no C compiler to build the disk with")
    killer = Killer(folder, library)
    try:
        killer.prepare()
        yield killer
    finally:
        killer.close()


@pytest.fixture
def crash(killer, request):
    made = []

    def start(**how) -> Crash:
        made.append(Crash(killer, f"run-{killer.kills}-{time.monotonic_ns()}", **how))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def pace_s(killer) -> float:
    """Measure a run that nobody kills, and prove that the checks find nothing wrong with it."""
    run = Crash(killer, "calm", with_disk=False)
    try:
        started = time.monotonic()
        told = run.work(story.script(0))
        took_s = time.monotonic() - started
        assert len(told.acts) == len(story.script(0)), told.failed
        assert problems(run.look(told, goes_on=True)) == []
    finally:
        run.close()
    return took_s


def at_point(line) -> str | None:
    return "kill" if "point" in line else None


def test_there_are_fifty_kills():
    assert len(NAMED) + len(SEEDS) >= 50
    assert len(SEEDS) >= 12


@pytest.mark.parametrize(("act", "point", "nth", "outcome", "has_cut"), NAMED)
def test_a_kill_at_a_named_point_loses_nothing(killer, crash, act, point, nth, outcome, has_cut):
    kills = killer.kills
    run = crash(with_disk=has_cut)
    told = run.work([*EARLIER, act], at_point, point=point, nth=nth)
    assert (told.point, told.acts, told.unfinished, killer.kills) == (point, EARLIER, act, kills + 1), (
        told.failed
    )
    found = run.look(told)
    assert problems(found) == []
    code = found.repeated.get("code")
    if act is QUERY:
        assert (code == "request.spent", "ask-2" in found.seen["requests"]) == {
            UNDONE: (False, False), SPENT: (True, True), ANSWERED: (False, True),
        }[outcome]  # fmt: skip
    else:
        assert is_done(found) == (outcome == DONE)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_kill_at_a_random_time_loses_nothing(killer, crash, pace_s, seed):
    kills = killer.kills
    # A plain kill, the worst power cut, and one after which some of what was never forced is there.
    run = crash(with_disk=seed % 3 > 0, seed=seed if seed % 3 > 1 else None)
    after_s = random.Random(seed).uniform(0, pace_s)
    told = run.work(story.script(seed), kill_after_s=after_s, lingers=True)
    assert (told.failed, killer.kills) == (None, kills + 1)
    assert problems(run.look(told, goes_on=True)) == []


@pytest.mark.parametrize(
    ("unsynced", "expected"),
    [
        ("all", {"rows lost", "held lost", "under-counted", "the journal or ledger: journal.truncated"}),
        ("store", {"rows lost", "held lost", "under-counted", "the journal or ledger: journal.truncated"}),
        ("files", {"lost: the workspace cannot be used"}),
    ],
)
def test_a_power_cut_is_noticed_when_nothing_was_forced(crash, unsynced, expected):
    run = crash(with_disk=True)
    told = run.work([COLLECT, QUERY], at_point, unsynced=unsynced, lingers=True)
    assert (told.point, told.acts) == ("end", [COLLECT, QUERY]), told.failed
    wrong = problems(run.look(told))
    assert {each for each in expected if any(text.startswith(each) for text in wrong)} == expected, wrong


def test_reserving_only_after_reading_is_noticed(crash):
    run = crash(with_disk=False)
    told = run.work([*EARLIER, QUERY], at_point, point="query after run", broken="reserve_after_reading")
    assert told.point == "query after run", told.failed
    assert "under-counted: ask-2 read data and is not charged" in problems(run.look(told))


def test_a_second_draw_is_noticed(crash):
    run = crash(with_disk=False)
    told = run.work([*EARLIER, QUERY], at_point, point="query after run")
    found = run.look(told, broken="draw_again")
    assert {"second draw: an id that was spent gives an answer", "second draw: charged again"} <= set(
        problems(found)
    ), found.failed


def test_opening_the_workspace_meanwhile_takes_nothing_from_a_writer(killer, crash):
    run = crash(with_disk=False)
    visited = []

    def visit(line):
        if "point" not in line:
            return None
        visited.extend(killer.run({"role": "visit", "space": str(run.space)}))
        return "go"

    told = run.work([*EARLIER, COLLECT], visit, point="collect after create", nth=4)
    assert told.acts == [*EARLIER, COLLECT], told.failed
    assert visited[0] == {"verified": True}
    assert problems(run.look(told, goes_on=True)) == []


def test_a_new_workspace_outlives_a_power_cut(killer, tmp_path_factory):
    land = tmp_path_factory.mktemp("land")
    town = land / "house" / "town"
    town.parent.mkdir()
    cut = Disk(land / "house", land / "shadow")
    killer.run({"role": "found", "space": str(town), "disk": [str(cut.root), str(cut.shadow)]}, at_point)
    cut.cut()
    assert killer.run({"role": "visit", "space": str(town)})[0] == {"verified": True}
