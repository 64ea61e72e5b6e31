"""What every test shares: the data fixtures, and the rule that in CI nothing missing is skipped."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
IN_CI = bool(os.environ.get("CI"))

# Asserts in what tests import from beside them hold under -O too.
pytest.register_assert_rewrite(*(f"tests.{each.stem}" for each in TESTS.iterdir() if each.stem != "conftest"))


def pytest_addoption(parser):
    parser.addoption("--outcomes", type=Path, help="write the counts of this run to a JSON file")


def pytest_ignore_collect(collection_path, config):
    """Leave out a file that needs extras as a whole, imports included, where they are not wanted."""
    if config.option.markexpr == "not extra" and collection_path.suffix == ".py":
        return "\npytestmark = pytest.mark.extra" in collection_path.read_text() or None
    return None


@pytest.fixture(scope="session")
def repository() -> Path:
    """Give the root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of fixtures that lies beside the repository; skip, or in CI fail, without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the fixtures in ../shared/data are not on this machine")
    return SHARED_DATA


def reason_of(report) -> str:
    """Read why something was skipped."""
    if hasattr(report, "wasxfail"):
        return f"expected to fail: {report.wasxfail}"
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")


def forbid_skip(report) -> None:
    """Turn a skip into a failure where CI is set: there, what is missing is a fault."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = reason_of(report)
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may be missing: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    report = yield
    forbid_skip(report)
    return report


def pytest_terminal_summary(terminalreporter, config):
    """Print each reason for a skip once, and write the counts where they are asked for."""
    stats = terminalreporter.stats
    skipped = Counter(reason_of(report) for kind in ("skipped", "xfailed") for report in stats.get(kind, []))
    for reason, count in sorted(skipped.items()):
        terminalreporter.write_line(f"skipped {count}: {reason}")
    if config.option.outcomes is None:
        return
    counts = {
        "passed": len(stats.get("passed", [])),
        "failed": len(stats.get("failed", [])) + len(stats.get("error", [])),
        "deselected": len(stats.get("deselected", [])),
        "skipped": skipped,
    }
    config.option.outcomes.write_text(json.dumps(counts))
