"""Run the test suite in every environment it must hold in, and end with one summary.

Each test that needs no extra runs once in the environment *core*, each that does in *full*. Some run again:

core under -O
    ``PYTHONOPTIMIZE=1``, the started programs included. tests/test_runs.py proves that the product
    compiles to the same code with it and without, tests/test_layers.py that asserts of tests still
    hold. What ``-O`` can change is therefore what the product calls: this run takes the tests that
    drive it piece by piece and at its ports, and one file of tests that start it as a program.
full
    With all extras installed: what needs them, and in a run of its own what an installed package could
    change by being there: the pieces that handle tables, frames and noise. Both environments take their
    versions from one constraints.txt, so the packages of the core are the same in both.

The tests of core are parted in two, and so are those of full. Two lanes, for two cores, take one run after
the other, the longest first, so that both end at about one time; what tests of core write lies in memory
where there is room for it. A test that is left out of a run is counted in the summary with the run that has
it. Arguments after the options go to pytest, for example ``--env core tests/test_layers.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from environment import CACHE, ENVIRONMENTS, ROOT, build, clean_environ

IN_CI = bool(os.environ.get("CI"))


@dataclass(frozen=True, slots=True)
class Run:
    """One pass over the suite.

    Args:
        title: What it is called in the summary.
        environment: A name of ENVIRONMENTS.
        selected: The marker expression that chooses tests; a folder of tests/ is a marker too.
        others: Where the tests are run that it leaves out, and why they may be.
        is_optimised: Whether Python runs as with ``-O``, started programs included.
        is_on_disk: Whether its tests look for what is left on a disk, which a disk in memory frees sooner.
    """

    title: str
    environment: str
    selected: str
    others: str
    is_optimised: bool = False
    is_on_disk: bool = False


@dataclass(slots=True)
class Outcome:
    """What one pass came to; it took seconds, and kept a processor busy for some of them."""

    title: str
    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    busy: float = 0.0
    note: str = ""
    log: Path | None = None


# The kinds of tests in the second part of core; the first has all others.
SECOND = "attack or system or simulator"
# The tests of core that a package of an extra could change.
TOUCHED = (
    "with_extras or anonymity or app or attacks or demo or discover or dp or engine or kernel or learn"
    " or places or readers or spine or synthetic or tokens or transpile"
)
RUNS = (
    Run("core, first part", "core", f"not extra and not ({SECOND})", "in the second part, or in full"),
    Run("core, second part", "core", f"not extra and ({SECOND})", "in the first part, or in full"),
    Run("full, extras", "full", "extra", "in core, or beside the extras", is_on_disk=True),
    Run(
        "full, beside extras",
        "full",
        f"not extra and ({TOUCHED})",
        "in core: no package of an extra touches them",
    ),
    Run(
        "core under -O",
        "core",
        "not extra and (unit or contract or under_o)",
        "in core: -O compiles the product to the same code",
        is_optimised=True,
    ),
)
LANES = 2

MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - a folder of this process's own is made below it
ROOM_BYTES = 2 << 30


def has_room(disk: Path = MEMORY_DISK, wanted: int = ROOM_BYTES) -> bool:
    """Tell whether a disk in memory takes what tests write: large enough, and programs may run there.

    Args:
        disk: Where it is mounted.
        wanted: How many bytes must be free on it, and twice as many in memory.

    Returns:
        Whether both hold.
    """
    if not os.access(disk, os.W_OK | os.X_OK) or shutil.disk_usage(disk).free < wanted:
        return False
    memory = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    if memory is None or int(memory[1]) * 1024 < 2 * wanted:
        return False
    with tempfile.TemporaryDirectory(dir=disk) as folder:
        program = Path(folder) / "program"
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o700)
        try:
            return subprocess.run([program], check=False).returncode == 0
        except PermissionError:  # mounted so that nothing there is run
            return False


@contextmanager
def quick_folder() -> Iterator[Path | None]:
    """Give a folder that never waits for a disk, or none where there is no such place.

    No test tells a disk by waiting for it: those of a power cut stand between the program and its disk.
    """
    if not has_room():
        yield None
        return
    with tempfile.TemporaryDirectory(
        prefix="hedgerow-", dir=MEMORY_DISK, ignore_cleanup_errors=True
    ) as folder:
        # A server of a database runs as somebody else, and must pass through to a folder of its own.
        Path(folder).chmod(0o711)
        yield Path(folder)


@dataclass(slots=True)
class Started:
    """A pass under way; without a log it writes to the terminal."""

    run: Run
    process: subprocess.Popen[bytes]
    report: Path
    log: Path | None
    since: float


def start(run: Run, arguments: list[str], folder: Path | None = None, *, is_quiet: bool = False) -> Started:
    """Start pytest for one pass.

    Args:
        run: What to run.
        arguments: Further arguments for pytest.
        folder: Where its tests write; the usual place when not given.
        is_quiet: Whether its output is kept until the end, because another pass has the terminal.

    Returns:
        The pass under way.
    """
    stem = CACHE / run.title.replace(",", "").replace(" ", "-")
    report, log = stem.with_suffix(".json"), stem.with_suffix(".log") if is_quiet else None
    report.unlink(missing_ok=True)
    environ = clean_environ() | ({"PYTHONOPTIMIZE": "1"} if run.is_optimised else {})
    command = [str(ENVIRONMENTS[run.environment].python), "-m", "pytest", "-q", f"--outcomes={report}"]
    command += ["--durations=25", "-m", run.selected, *arguments]
    if folder is not None:
        place = folder / stem.name
        place.mkdir()
        place.chmod(0o711)
        environ |= {"TMPDIR": str(place)}
        command += [f"--basetemp={place / 'tests'}"]
    if log is None:
        print(f"\n== {run.title}", flush=True)
        process = subprocess.Popen(command, env=environ, cwd=ROOT)
    else:
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, env=environ, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
            )
    return Started(run, process, report, log, time.monotonic())


def left_out(run: Run, tests: int, files: int) -> str:
    """Say what a pass did not run, and where it is run; files are those that extras alone can import."""
    counts = {"test": tests, "file": files}
    said = " and ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in counts.items() if count)
    return f"{said} only {run.others}" if said else ""


def finish(started: Started) -> Outcome:
    """Wait for a pass and read back what it counted; a bad status never reads as success."""
    status = started.process.wait()
    outcome = Outcome(started.run.title, seconds=time.monotonic() - started.since, log=started.log)
    if started.report.exists():
        counted = json.loads(started.report.read_text())
        outcome.passed, outcome.failed = counted["passed"], counted["failed"]
        outcome.skipped = Counter(counted["skipped"])
        outcome.busy = counted["busy"]
        outcome.note = left_out(started.run, counted["deselected"], counted["files"])
    if status and not outcome.failed:
        outcome.failed = 1
        outcome.note = f"pytest ended with status {status}"
    return outcome


def missing(run: Run) -> Outcome:
    """Account for a run whose environment could not be built: a failure in CI, a skip elsewhere."""
    reason = f"the environment {run.environment} could not be built (.cache/envs/{run.environment}.log)"
    if IN_CI:
        return Outcome(run.title, failed=1, note=reason)
    return Outcome(run.title, skipped=Counter({reason: 1}))


def start_building(name: str) -> subprocess.Popen[bytes]:
    """Build an environment in another process, so that the core tests need not wait for it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.log").open("wb") as log:
        command = [sys.executable, str(ROOT / "tools" / "environment.py"), name]
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


class Lanes:
    """Passes that wait, and the lanes that take them in order.

    Args:
        arguments: Further arguments for pytest.
        building: The process that builds the full environment.
        folder: Where tests write; the usual place when not given.
    """

    def __init__(
        self, arguments: list[str], building: subprocess.Popen[bytes], folder: Path | None = None
    ) -> None:
        self._arguments, self._building, self._folder = arguments, building, folder
        self._waiting = list(RUNS)
        self._outcomes: dict[str, Outcome] = {}
        self._lock = threading.Lock()

    def _take(self) -> Run | None:
        with self._lock:
            return self._waiting.pop(0) if self._waiting else None

    def _lane(self) -> None:
        while (run := self._take()) is not None:
            if run.environment == "full" and self._building.wait() != 0:
                self._outcomes[run.title] = missing(run)
                continue
            folder = None if run.is_on_disk else self._folder
            is_quiet = run is not RUNS[0]
            self._outcomes[run.title] = finish(start(run, self._arguments, folder, is_quiet=is_quiet))

    def outcomes(self) -> list[Outcome]:
        """Let the lanes run until nothing waits; gives one outcome for each pass."""
        with ThreadPoolExecutor(LANES) as pool:
            for each in [pool.submit(self._lane) for _ in range(LANES)]:
                each.result()
        return [self._outcomes[run.title] for run in RUNS]


def run_all(arguments: list[str]) -> list[Outcome]:
    """Run every pass: the first on the terminal, what the others said at the end."""
    building = start_building("full")
    build(ENVIRONMENTS["core"])
    with quick_folder() as folder:
        outcomes = Lanes(arguments, building, folder).outcomes()
    for each in outcomes:
        if each.log is not None:
            print(f"\n== {each.title}\n{each.log.read_text(errors='replace')}", flush=True)
    return outcomes


def summarise(outcomes: list[Outcome]) -> int:
    """Print the summary, ending with the counts alone on a line.

    Args:
        outcomes: One for each pass.

    Returns:
        The exit status: 0 when nothing failed.
    """
    print("\n== summary")
    for each in outcomes:
        counts = f"{each.passed} passed, {each.failed} failed, {each.skipped.total()} skipped"
        note = f"; {each.note}" if each.note else ""
        print(f"{each.title:17} {counts} in {each.seconds:.0f} s, {each.busy:.0f} s of processor{note}")
        for reason, count in sorted(each.skipped.items()):
            print(f"{'':17} skipped {count}: {reason}")
    passed = sum(each.passed for each in outcomes)
    failed = sum(each.failed for each in outcomes)
    print(f"{passed} passed, {failed} failed, {sum(each.skipped.total() for each in outcomes)} skipped")
    return 1 if failed else 0


def main() -> None:
    """Run everything, or one path in one environment."""
    # Python compiles what the tests import as they import it; pip would compile all of it first.
    os.environ.setdefault("PIP_COMPILE", "0")
    parser = argparse.ArgumentParser(description="Run the tests.")
    parser.add_argument("--env", choices=("core", "full"), help="run once, in this environment")
    options, arguments = parser.parse_known_args()
    if options.env is None:
        sys.exit(summarise(run_all(arguments)))
    build(ENVIRONMENTS[options.env])
    chosen = "not extra" if options.env == "core" else ""
    sys.exit(summarise([finish(start(Run(options.env, options.env, chosen, "in full"), arguments))]))


if __name__ == "__main__":
    main()
