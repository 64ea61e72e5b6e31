"""Proves that the runs of the suite lose no proof: what may be left out of one, and that the summary says so.

``-O`` leaves the product's code as it is, so that the run under it is about what the product calls. Each
test belongs to the first run or to the full one, each is marked by its folder, and a run that breaks,
cannot be built or leaves tests out is told as that.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
OPTIONS = ["-q", "-o", "addopts=--import-mode=importlib --strict-markers"]


def same_under_o(text: str) -> bool:
    plain, optimised = (compile(text, "product", "exec", optimize=level) for level in (0, 1))
    return plain == optimised


def test_the_product_compiles_to_the_same_code_under_o():
    assert len(SOURCES) > 100
    assert [str(path) for path in SOURCES if not same_under_o(path.read_text())] == []


@pytest.mark.parametrize(
    "text",
    [
        "def spend(left):\n    assert left > 0\n",
        "class Gate:\n    def use(self):\n        if __debug__:\n            self.check()\n",
        "is_checked = __debug__\n",
    ],
)
def test_what_o_would_change_is_seen(text):
    assert not same_under_o(text)


@pytest.fixture(scope="module")
def runs():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tools"))
        import run_tests

        yield run_tests


def collected(selected: str, *paths: Path) -> tuple[set[str], int]:
    """Name the tests that a marker expression chooses, and how many it leaves out."""
    command = [sys.executable, "-m", "pytest", *OPTIONS, "--collect-only", "-m", selected]
    done = subprocess.run([*command, *map(str, paths)], cwd=ROOT, capture_output=True, text=True, check=False)
    *lines, last = done.stdout.strip().splitlines()
    chosen = {line for line in lines if "::" in line}
    left_out = re.search(r"\((\d+) deselected\)", last)
    return chosen, int(left_out[1]) if left_out else 0


def words_of(run) -> set[str]:
    return set(re.findall(r"\w+", run.selected)) - {"and", "or", "not"}


@pytest.fixture(scope="module")
def kinds():
    return {each.name for each in (ROOT / "tests").iterdir() if any(each.rglob("test_*.py"))}


def test_each_test_is_in_the_first_run_or_in_the_full_one(runs):
    plain, _, full = runs.RUNS
    assert plain.selected == "not extra"
    assert not plain.is_optimised
    assert full.selected.startswith("extra or ")
    assert [run.environment for run in runs.RUNS] == ["core", "core", "full"]


def test_the_kinds_that_runs_speak_of_exist(runs, kinds):
    """A folder that was renamed would else be left out of a run, or run, without a word."""
    known = kinds | {"extra", "slow", "system"}
    for run in runs.RUNS:
        assert words_of(run) <= known


def test_under_o_runs_each_kind_that_drives_the_product_through_its_dependencies(runs):
    optimised = runs.RUNS[1]
    assert optimised.is_optimised
    assert {"unit", "contract", "cli", "attack"} <= words_of(optimised)


def test_a_test_is_chosen_by_its_folder():
    here = ROOT / "tests" / "vectors" / "test_certificate_vector.py"
    there = ROOT / "tests" / "unit" / "merkle" / "test_head.py"
    chosen, left_out = collected("vectors", here, there)
    assert chosen
    assert all("tests/vectors/" in each for each in chosen)
    assert left_out > 0


def outcome_of(runs, tmp_path, status, counted):
    report = tmp_path / "report.json"
    if counted is not None:
        report.write_text(json.dumps(counted))
    process = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({status})"])
    return runs.finish(runs.Started(runs.RUNS[1], process, report, None, 0.0))


COUNTED = {"passed": 3, "failed": 0, "deselected": 4, "files": 1, "skipped": {"no browser": 2}}


def test_the_summary_counts_passed_failed_skipped_and_left_out(runs, tmp_path, capsys):
    outcome = outcome_of(runs, tmp_path, 0, COUNTED)
    assert runs.summarise([outcome]) == 0
    said = capsys.readouterr().out
    assert "core under -O  3 passed, 0 failed, 2 skipped in" in said
    assert "4 tests and 1 file only in core: -O compiles" in said
    assert "skipped 2: no browser" in said
    assert said.splitlines()[-1] == "3 passed, 0 failed, 2 skipped"


@pytest.mark.parametrize("counted", [None, COUNTED])
def test_a_bad_status_is_a_failure_whatever_was_counted(runs, tmp_path, counted, capsys):
    outcome = outcome_of(runs, tmp_path, 3, counted)
    assert runs.summarise([outcome]) == 1
    assert "pytest ended with status 3" in capsys.readouterr().out


def test_an_environment_that_cannot_be_built_fails_in_ci_and_is_told_elsewhere(runs, monkeypatch, capsys):
    monkeypatch.setattr(runs, "IN_CI", True)
    assert runs.summarise([runs.missing(runs.RUNS[2])]) == 1
    monkeypatch.setattr(runs, "IN_CI", False)
    told = runs.missing(runs.RUNS[2])
    assert runs.summarise([told]) == 0
    assert told.skipped.total() == 1
    assert "could not be built" in capsys.readouterr().out
