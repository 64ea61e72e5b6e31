"""Proves that the runs of the suite lose no proof: what may be left out of one, and that the summary says so.

``-O`` leaves the product's code as it is, so that the run under it is about what the product calls. Each
test belongs to one part of core or to the full run, each is marked by its folders, and a run that breaks,
cannot be built or leaves tests out is told as that.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections import defaultdict
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


def collected(selected: str, *paths: Path, told: Path | None = None) -> tuple[set[str], int]:
    """Name the tests that a marker expression chooses, and how many it leaves out."""
    command = [sys.executable, "-m", "pytest", *OPTIONS, "--collect-only", "-m", selected]
    command += [f"--outcomes={told}"] if told else []
    done = subprocess.run([*command, *map(str, paths)], cwd=ROOT, capture_output=True, text=True, check=False)
    *lines, last = done.stdout.strip().splitlines()
    chosen = {line for line in lines if "::" in line}
    left_out = re.search(r"\((\d+) deselected\)", last)
    return chosen, int(left_out[1]) if left_out else 0


def in_full(runs):
    """Give the runs with all extras."""
    return [run for run in runs.RUNS if run.environment == "full"]


def words_of(run) -> set[str]:
    return set(re.findall(r"\w+", run.selected)) - {"and", "or", "not"}


def chooses(run, *marks: str) -> bool:
    """Tell whether a run has the tests that are marked so; folders are marks too."""
    named = defaultdict(bool, dict.fromkeys(marks, True))
    return bool(eval(run.selected, {"__builtins__": {}}, named))  # noqa: S307 - the runs are the project's own


OWN = ("slow", "system", "under_o", "with_extras")


@pytest.fixture(scope="module")
def folders():
    """Give the marks that the tests of each folder with tests have by their place."""
    tests = ROOT / "tests"
    return {each.parent.relative_to(tests).parts for each in tests.rglob("test_*.py")}


def marked(folders):
    """Give every way a test could be marked: its folders, and any of the other marks."""
    marks = [set(more) for count in range(len(OWN) + 1) for more in itertools.combinations(OWN, count)]
    return [{*place, *more} for place in folders for more in marks]


def test_each_test_without_extras_is_in_one_part_of_core_and_each_with_them_in_full(runs, folders):
    *core, _ = (run for run in runs.RUNS if run.environment == "core")
    assert not any(run.is_optimised for run in core)
    assert () in folders
    assert ("unit", "dp") in folders
    for marks in marked(folders):
        assert [chooses(run, *marks) for run in core].count(True) == 1, marks
        assert not any(chooses(run, "extra", *marks) for run in core), marks
        assert [chooses(full, "extra", *marks) for full in in_full(runs)].count(True) == 1, marks
        assert [chooses(full, *marks) for full in in_full(runs)].count(True) <= 1, marks


def test_the_marks_that_runs_speak_of_exist(runs, folders):
    """A folder that was renamed would else be left out of a run, or run, without a word."""
    known = {part for place in folders for part in place} | {"extra", *OWN}
    for run in runs.RUNS:
        assert words_of(run) <= known


def test_under_o_runs_each_kind_that_drives_the_product_through_its_dependencies(runs, folders):
    *_, optimised = runs.RUNS
    assert optimised.is_optimised
    for marks in marked(folders):
        if marks & {"unit", "contract", "under_o"}:
            assert chooses(optimised, *marks), marks
    assert any("mark.under_o" in path.read_text() for path in (ROOT / "tests" / "cli").glob("test_*.py"))


HANDLE_TABLES = re.compile(r"^\s*(?:import|from) (duckdb|narwhals|opendp|pyarrow|numpy)\b", re.MULTILINE)


def test_what_handles_tables_frames_or_noise_runs_beside_the_extras(runs):
    unit = ROOT / "tests" / "unit"
    handling = [path for path in unit.rglob("test_*.py") if HANDLE_TABLES.search(path.read_text())]
    assert len(handling) > 10
    for path in handling:
        marks = path.parent.relative_to(unit.parent).parts
        assert [chooses(full, *marks) for full in in_full(runs)].count(True) == 1, path


def test_a_test_is_chosen_by_its_folders():
    here = ROOT / "tests" / "unit" / "merkle" / "test_head.py"
    there = ROOT / "tests" / "vectors" / "test_certificate_vector.py"
    found = collected("merkle", here, there)
    assert found == collected("unit and not vectors", here, there)
    assert found[0]
    assert all("tests/unit/merkle/" in each for each in found[0])


def test_a_file_that_no_test_of_can_be_chosen_is_not_even_read_and_is_counted(tmp_path):
    here, there = ROOT / "tests" / "unit" / "merkle", ROOT / "tests" / "unit" / "dp"
    chosen, left_out = collected("not extra and contract", here, there, told=tmp_path / "told.json")
    assert (chosen, left_out) == (set(), 0)
    files = [path for folder in (here, there) for path in folder.glob("test_*.py")]
    assert json.loads((tmp_path / "told.json").read_text())["files"] == len(files)


def test_a_mark_on_one_test_of_a_file_is_enough_to_read_it():
    some = ROOT / "tests" / "unit" / "dp" / "test_frame.py"
    chosen, left_out = collected("extra", some)
    assert len(chosen) > 0
    assert left_out > 0


def outcome_of(runs, tmp_path, status, counted):
    report = tmp_path / "report.json"
    if counted is not None:
        report.write_text(json.dumps(counted))
    process = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({status})"])
    return runs.finish(runs.Started(runs.RUNS[-1], process, report, None, 0.0))


COUNTED = {"passed": 3, "failed": 0, "deselected": 4, "files": 1, "skipped": {"no browser": 2}, "busy": 5.4}


def test_every_run_is_taken_by_a_lane_and_each_is_told_once(runs, monkeypatch):
    begun = []

    def start(run, arguments, folder, *, is_quiet):
        begun.append((run.title, is_quiet, folder))
        return run

    monkeypatch.setattr(runs, "start", start)
    monkeypatch.setattr(runs, "finish", lambda run: runs.Outcome(run.title, passed=1))
    building = subprocess.Popen([sys.executable, "-c", ""])
    place = Path("quick")
    told = [each.title for each in runs.Lanes([], building, place).outcomes()]
    assert told == [run.title for run in runs.RUNS]
    assert set(begun) == {
        (run.title, run is not runs.RUNS[0], None if run.is_on_disk else place) for run in runs.RUNS
    }
    assert len(begun) == len(runs.RUNS)


def test_full_fails_alone_where_its_environment_cannot_be_built(runs, monkeypatch):
    monkeypatch.setattr(runs, "IN_CI", True)
    monkeypatch.setattr(runs, "start", lambda run, *_, **__: run)
    monkeypatch.setattr(runs, "finish", lambda run: runs.Outcome(run.title, passed=1))
    building = subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"])
    told = {each.title: each.failed for each in runs.Lanes([], building).outcomes()}
    assert told == {run.title: int(run.environment == "full") for run in runs.RUNS}


def test_tests_write_into_memory_only_where_it_is_large_enough_and_runs_programs(runs, tmp_path):
    assert runs.has_room(tmp_path, wanted=1)
    assert not runs.has_room(tmp_path, wanted=1 << 60)
    assert not runs.has_room(tmp_path / "missing", wanted=1)
    assert list(tmp_path.iterdir()) == []


def test_what_tests_write_goes_where_it_is_told_and_nothing_is_left(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "MEMORY_DISK", tmp_path)
    monkeypatch.setattr(runs, "has_room", lambda: True)
    commands = []
    monkeypatch.setattr(
        runs.subprocess, "Popen", lambda command, *, env, **_: commands.append((command, env["TMPDIR"]))
    )
    with runs.quick_folder() as folder:
        runs.start(runs.RUNS[0], [], folder)
        assert folder.parent == tmp_path
        passed = [folder, *folder.iterdir()]
        assert [each.stat().st_mode & 0o777 for each in passed] == [0o711, 0o711]
    ((command, place),) = commands
    assert place.startswith(str(folder))
    assert f"--basetemp={place}/tests" in command
    assert list(tmp_path.iterdir()) == []


def test_the_summary_counts_passed_failed_skipped_and_left_out(runs, tmp_path, capsys):
    outcome = outcome_of(runs, tmp_path, 0, COUNTED)
    assert runs.summarise([outcome]) == 0
    said = capsys.readouterr().out
    assert "core under -O     3 passed, 0 failed, 2 skipped in" in said
    assert " s, 5 s of processor; 4 tests and 1 file" in said
    assert "4 tests and 1 file only in core: -O compiles" in said
    assert "skipped 2: no browser" in said
    assert said.splitlines()[-1] == "3 passed, 0 failed, 2 skipped"


@pytest.mark.parametrize("counted", [None, COUNTED])
def test_a_bad_status_is_a_failure_whatever_was_counted(runs, tmp_path, counted, capsys):
    outcome = outcome_of(runs, tmp_path, 3, counted)
    assert runs.summarise([outcome]) == 1
    assert "pytest ended with status 3" in capsys.readouterr().out


def test_an_environment_that_cannot_be_built_fails_in_ci_and_is_told_elsewhere(runs, monkeypatch, capsys):
    full, *_ = in_full(runs)
    monkeypatch.setattr(runs, "IN_CI", True)
    assert runs.summarise([runs.missing(full)]) == 1
    monkeypatch.setattr(runs, "IN_CI", False)
    told = runs.missing(full)
    assert runs.summarise([told]) == 0
    assert told.skipped.total() == 1
    assert "could not be built" in capsys.readouterr().out
