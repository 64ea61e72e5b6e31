"""Run the test suite in every environment it must hold in, and end with one summary.

Three runs, in two lanes of about the same length, for two cores:

core
    Every test that needs no extra.
core under -O
    ``PYTHONOPTIMIZE=1``, the started programs included. tests/test_runs.py proves that the product
    compiles to the same code with it and without, tests/test_layers.py that asserts of tests still
    hold. What ``-O`` can change is therefore what the product calls: this run takes every test that
    drives it piece by piece, as a program, and as an attacker.
full
    With all extras installed: what needs them, and what an installed package could change by being
    there. Both environments take their versions from one constraints.txt, so the packages of the
    core are the same in both; what rests on the spine alone, or starts programs, is left out.

A test that is left out of a run is counted in the summary, and is always part of the first.
Arguments after the options go to pytest, for example ``--env core tests/test_layers.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
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
    """

    title: str
    environment: str
    selected: str
    others: str
    is_optimised: bool = False


@dataclass(slots=True)
class Outcome:
    """What one pass came to."""

    title: str
    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    note: str = ""
    log: Path | None = None


RUNS = (
    Run("core", "core", "not extra", "in full: they need extras"),
    Run(
        "core under -O",
        "core",
        "not extra and (unit or contract or cli or attack)",
        "in core: -O compiles the product to the same code",
        is_optimised=True,
    ),
    Run(
        "full",
        "full",
        "extra or not (system or slow or attack or simulator or docs or cli or property)",
        "in core: no package of an extra touches them",
    ),
)


@dataclass(slots=True)
class Started:
    """A pass under way; without a log it writes to the terminal."""

    run: Run
    process: subprocess.Popen[bytes]
    report: Path
    log: Path | None
    since: float


def start(run: Run, arguments: list[str], *, is_quiet: bool = False) -> Started:
    """Start pytest for one pass.

    Args:
        run: What to run.
        arguments: Further arguments for pytest.
        is_quiet: Whether its output is kept until the end, because another pass has the terminal.

    Returns:
        The pass under way.
    """
    stem = CACHE / run.title.replace(" ", "-")
    report, log = stem.with_suffix(".json"), stem.with_suffix(".log") if is_quiet else None
    report.unlink(missing_ok=True)
    environ = clean_environ() | ({"PYTHONOPTIMIZE": "1"} if run.is_optimised else {})
    command = [str(ENVIRONMENTS[run.environment].python), "-m", "pytest", "-q", f"--outcomes={report}"]
    command += ["-m", run.selected, *arguments]
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


def second_lane(arguments: list[str], building: subprocess.Popen[bytes]) -> list[Outcome]:
    """Run the core under -O, and then the full environment, which is built by then."""
    _, optimised, full = RUNS
    first = finish(start(optimised, arguments, is_quiet=True))
    is_built = building.wait() == 0
    return [first, finish(start(full, arguments, is_quiet=True)) if is_built else missing(full)]


def run_all(arguments: list[str]) -> list[Outcome]:
    """Run every pass: the core on the terminal, the two others beside it, one after the other."""
    building = start_building("full")
    build(ENVIRONMENTS["core"])
    with ThreadPoolExecutor(1) as lane:
        beside = lane.submit(second_lane, arguments, building)
        outcomes = [finish(start(RUNS[0], arguments))]
        outcomes += beside.result()
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
        print(f"{each.title:14} {counts} in {each.seconds:.0f} s{note}")
        for reason, count in sorted(each.skipped.items()):
            print(f"{'':14} skipped {count}: {reason}")
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
