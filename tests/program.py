"""The real program as a process of its own: what a test types, what it answers."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

_MAIN = "from hedgerow.cli.main import main; main()"
_TIMEOUT_S = 100


@dataclass(frozen=True)
class Done:
    """One finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        """The code of the error that was told, for example ``budget.exhausted``."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip().startswith("(")]
        return lines[-1].strip("()") if lines else ""


@dataclass(frozen=True)
class Program:
    """Types commands against one workspace."""

    space: Path | None = None
    passphrase: str | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments):
        return [sys.executable, "-c", _MAIN, *map(str, arguments)]

    def surroundings(self):
        own = {name: value for name, value in os.environ.items() if not name.startswith("HEDGEROW")}
        if "PYTHONPATH" in own:  # a command may run in another folder
            own["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, own["PYTHONPATH"].split(os.pathsep)))
        if self.space is not None:
            own["HEDGEROW_SPACE"] = str(self.space)
        if self.passphrase is not None:
            own["HEDGEROW_PASSPHRASE"] = self.passphrase
        return own | self.environment

    def type(self, *arguments, cwd=None):
        """Run a command and give whatever came of it."""
        done = subprocess.run(
            self.command(*arguments), env=self.surroundings(), cwd=cwd, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, check=False, timeout=_TIMEOUT_S,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def call(self, *arguments):
        """Run a command in this process: the same entry point, without the start of an interpreter."""
        from hedgerow.cli.main import main

        out, err, code = io.StringIO(), io.StringIO(), 0
        with (
            mock.patch.dict(os.environ, self.surroundings(), clear=True),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main([str(argument) for argument in arguments])
            except SystemExit as stop:
                code = int(stop.code or 0)
        assert "Traceback" not in err.getvalue(), err.getvalue()
        return Done(code, out.getvalue(), err.getvalue())

    def do(self, *arguments):
        """Run a command that must succeed."""
        done = self.type(*arguments)
        assert done.code == 0, (arguments, done.code, done.err)
        return done

    def json(self, *arguments):
        """Run a command that must succeed and read its JSON."""
        return self.do(*arguments, "--json").json

    def start(self, *arguments):
        """Start a command and do not wait for it."""
        return subprocess.Popen(
            self.command(*arguments), env=self.surroundings(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
