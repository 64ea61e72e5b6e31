"""Run the test suite in every environment it must hold in, and end with one summary.

Three runs: the whole suite with the core alone; the same under ``PYTHONOPTIMIZE=1``, where plain
asserts vanish from the product (pytest rewrites those of test files into real checks, which
tests/test_layers.py proves); and with all extras installed, what needs them and what is fast.
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
        selected: The marker expression that chooses tests.
        is_optimised: Whether Python runs as with ``-O``, started programs included.
    """

    title: str
    environment: str
    selected: str
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


RUNS = (
    Run("core", "core", "not extra"),
    Run("core under -O", "core", "not extra", is_optimised=True),
    Run("full", "full", "extra or not (slow or system)"),
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


def finish(started: Started) -> Outcome:
    """Wait for a pass and read back what it counted; a bad status never reads as success."""
    status = started.process.wait()
    if started.log is not None:
        print(f"\n== {started.run.title}\n{started.log.read_text(errors='replace')}", flush=True)
    outcome = Outcome(started.run.title, seconds=time.monotonic() - started.since)
    if started.report.exists():
        counted = json.loads(started.report.read_text())
        outcome.passed, outcome.failed = counted["passed"], counted["failed"]
        outcome.skipped = Counter(counted["skipped"])
        outcome.note = f"{counted['deselected']} belong to another run" if counted["deselected"] else ""
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


def run_all(arguments: list[str]) -> list[Outcome]:
    """Run every pass: the two of the core side by side, then the full one, built meanwhile."""
    building = start_building("full")
    build(ENVIRONMENTS["core"])
    plain, optimised, full = RUNS
    under_way = [start(plain, arguments), start(optimised, arguments, is_quiet=True)]
    outcomes = [finish(each) for each in under_way]
    is_built = building.wait() == 0
    return [*outcomes, finish(start(full, arguments)) if is_built else missing(full)]


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
    parser = argparse.ArgumentParser(description="Run the tests.")
    parser.add_argument("--env", choices=("core", "full"), help="run once, in this environment")
    options, arguments = parser.parse_known_args()
    if options.env is None:
        sys.exit(summarise(run_all(arguments)))
    build(ENVIRONMENTS[options.env])
    chosen = "not extra" if options.env == "core" else ""
    sys.exit(summarise([finish(start(Run(options.env, options.env, chosen), arguments))]))


if __name__ == "__main__":
    main()
