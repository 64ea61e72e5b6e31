"""A small runner for the examples of a page: ``console`` blocks in a shell, ``pycon`` blocks in Python.

In a ``console`` block a line that begins with ``$`` is a command (a backslash at its end carries it
on, and so do lines that begin with ``>``), what follows is its output, both streams together. A line
of three dots stands for any lines, three dots within a line for any text. ``# exit N`` at the end of
a command names an exit code other than 0. Commands of a page share a folder, and what ``export``
sets. All ``pycon`` blocks of a page run last, in one interpreter.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import hedgerow

BLOCK = re.compile(r"^```(console|pycon)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"\s+# exit (\d+)$")
PROGRESS = re.compile(r"^  \.\.\. ")
LIMIT_S = 120
PASSED_ON = ("LANG", "LC_ALL", "PYTHONOPTIMIZE", "TMPDIR")


class Differs(Exception):
    """A page says something that does not happen."""


@dataclass(frozen=True)
class Step:
    """One command of a page with what it is said to print."""

    line: int
    command: str
    expected: str
    code: int = 0


def steps(text: str) -> list[Step]:
    """Read the commands of a page in order."""
    found = []
    for block in BLOCK.finditer(text):
        if block[1] == "console":
            first = text.count("\n", 0, block.start()) + 2
            found += _steps(block[2].splitlines(), first)
    return found


def _steps(lines: list[str], first: int) -> list[Step]:
    found: list[Step] = []
    place = 0
    while place < len(lines):
        if not lines[place].startswith("$ "):
            raise Differs(f"line {first + place}: output before any command")
        start, command = place, lines[place][2:]
        while command.endswith("\\"):
            place += 1
            command = command[:-1] + lines[place].strip()
        place += 1
        while place < len(lines) and (lines[place].startswith("> ") or lines[place] == ">"):
            command += "\n" + lines[place][2:]
            place += 1
        end = place
        while end < len(lines) and not lines[end].startswith("$ "):
            end += 1
        code = EXIT.search(command)
        expected = "\n".join(lines[place:end])
        found.append(Step(first + start, EXIT.sub("", command), expected, int(code[1]) if code else 0))
        place = end
    return found


def python_of(text: str) -> str:
    """Join the ``pycon`` blocks of a page."""
    return "\n\n".join(block[2] for block in BLOCK.finditer(text) if block[1] == "pycon")


def fits(expected: str, actual: str) -> bool:
    """Tell whether output is as a page says."""
    pattern = ""
    for line in _lines(expected):
        if line == "...":
            pattern += r"(?:.*\n)*"
        else:
            pattern += ".*".join(re.escape(part) for part in line.split("...")) + r"\n"
    return re.fullmatch(pattern, "".join(line + "\n" for line in _lines(actual))) is not None


def _lines(text: str) -> list[str]:
    kept = [line.rstrip() for line in text.strip("\n").split("\n") if not PROGRESS.match(line)]
    return [] if kept == [""] else kept


class Shell:
    """Runs the steps of pages in one folder, with ``hedgerow`` and ``python`` of this interpreter.

    Args:
        folder: Where commands run.
        hedgerow_program: What stands for ``hedgerow``; when not given, it is started afresh each time.
    """

    def __init__(self, folder: Path, hedgerow_program: str | None = None) -> None:
        self.folder = folder
        programs = folder / ".programs"
        programs.mkdir(exist_ok=True)
        started = '#!/bin/sh\nexec {} {}"$@"\n'
        call = '-c "from hedgerow.cli.main import main; main()" '
        fresh = started.format(shlex.quote(sys.executable), call)
        for name, text in (
            ("python", started.format(shlex.quote(sys.executable), "")),
            ("hedgerow", hedgerow_program or fresh),
        ):
            shim = programs / name
            shim.write_text(text)
            shim.chmod(0o755)
        source = Path(str(hedgerow.__file__)).parent.parent
        self.environ = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(source),
            "PYTHONWARNINGS": "error",
            "HOME": str(folder),
        }

    def page(self, page: Path) -> int:
        """Run a page; say how many examples it has."""
        text = page.read_text(encoding="utf-8")
        found, python = steps(text), python_of(text)
        for step in found:
            self.step(step, page.name)
        if python:
            examples = self.folder / f"{page.name}.examples"
            examples.write_text(python, encoding="utf-8")
            self.step(Step(0, f"python -m doctest -o ELLIPSIS {examples.name}", ""), page.name)
        return len(found) + python.count(">>>")

    def step(self, step: Step, page: str) -> None:
        """Run one step and compare."""
        if step.command.startswith("export "):
            name, _, value = shlex.split(step.command)[1].partition("=")
            self.environ[name] = value
            return
        run = subprocess.run(
            ["bash", "-c", step.command], cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S, check=False,
        )  # fmt: skip
        actual = run.stdout.decode("utf-8", "replace")
        if run.returncode == step.code and fits(step.expected, actual):
            return
        raise Differs(
            f"{page}, line {step.line}: $ {step.command}\n"
            f"said (exit {step.code}):\n{step.expected}\ndid (exit {run.returncode}):\n{actual}"
        )
