"""Proves that docs/status.md names tests and commands that exist, and a state for everything."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hedgerow.cli.main import ALL, cli

ROOT = Path(__file__).resolve().parents[2]
STATUS = ROOT / "docs" / "status.md"
COLUMNS = 4


def rows_of(text: str) -> list[list[str]]:
    """Read the rows of every table of the page, without headings."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] != "what" and not set(row[0]) <= {"-"}]


def defined_in(path: Path) -> set[str]:
    """List the tests of a file, those of a class as ``Class::test``."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return {name for name in found if name.rpartition("::")[2].startswith("test_")}


def is_command(command: str) -> bool:
    """Tell whether a command line names a target of make, or a command and options that exist."""
    program, *words = command.split()
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        return words[0] in targets
    if program != "hedgerow":
        return False
    if words == ["--help"]:
        return True
    found = cli.get_command(None, words[0]) if words[0] in ALL else None  # type: ignore[arg-type]
    rest = words[1:]
    if found is not None and hasattr(found, "commands") and rest:
        found, rest = found.commands.get(rest[0]), rest[1:]
    if found is None:
        return False
    options = {option for parameter in found.params for option in parameter.opts}
    return all(word in options for word in rest if word.startswith("-"))


def faults(row: list[str]) -> list[str]:
    """Say what is wrong with a row."""
    if len(row) != COLUMNS:
        return ["it has not four cells"]
    what, state, command, test = row
    word = state.partition(":")[0]
    wrong = []
    if not what or word not in ("works", "partial", "planned"):
        wrong.append("no state that is known")
    if word == "partial" and not state.partition(":")[2].strip():
        wrong.append("partial, and not said how far")
    if word == "planned":
        return [*wrong, *(["planned, and yet has a command or test"] if command or test else [])]
    commands, tests = re.findall(r"`([^`]+)`", command), re.findall(r"`([^`]+)`", test)
    if not commands or not all(is_command(each) for each in commands):
        wrong.append("no command that exists")
    if not tests:
        wrong.append("no test")
    for each in tests:
        path, _, name = each.partition("::")
        if not (ROOT / path).is_file() or name not in defined_in(ROOT / path):
            wrong.append(f"no such test: {each}")
    return wrong


@pytest.mark.parametrize("row", rows_of(STATUS.read_text(encoding="utf-8")), ids=lambda row: row[0])
def test_a_row_names_a_state_a_command_and_a_test_that_exist(row):
    assert faults(row) == []


def test_the_page_has_rows_of_every_state():
    states = {row[1].partition(":")[0] for row in rows_of(STATUS.read_text(encoding="utf-8"))}
    assert states == {"works", "partial", "planned"}


HERE = "`tests/docs/test_status.py::test_the_page_has_rows_of_every_state`"


@pytest.mark.parametrize(
    ("row", "is_sound"),
    [
        (["x", "works", "`hedgerow query`", HERE], True),
        (["x", "works", "`hedgerow subject show --plain`", HERE], True),
        (["x", "works", "`make test`", HERE], True),
        (["x", "planned", "", ""], True),
        (["x", "works", "", HERE], False),
        (["x", "works", "`hedgerow fly`", HERE], False),
        (["x", "works", "`hedgerow subject fly`", HERE], False),
        (["x", "works", "`hedgerow query --fly`", HERE], False),
        (["x", "works", "`make fly`", HERE], False),
        (["x", "works", "`hedgerow query`", ""], False),
        (["x", "works", "`hedgerow query`", "`tests/docs/test_status.py::test_nothing`"], False),
        (["x", "works", "`hedgerow query`", "`tests/docs/nowhere.py::test_nothing`"], False),
        (["x", "nearly", "`hedgerow query`", HERE], False),
        (["x", "partial", "`hedgerow query`", HERE], False),
        (["x", "planned", "`hedgerow query`", ""], False),
        (["x", "works", "`hedgerow query`"], False),
    ],
)
def test_a_row_that_promises_too_much_is_caught(row, is_sound):
    assert (faults(row) == []) is is_sound
