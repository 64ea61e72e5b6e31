"""Drive the real program as a person does, and look at everything it says for values of people."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.program import Done, Program

LIMIT_S = 60


class Warm:
    """The process that runs command lines without loading libraries each time."""

    def __init__(self) -> None:
        server = [sys.executable, str(Path(__file__).with_name("warm.py"))]
        self._server = subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, arguments, environment, given) -> Done:
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder) / name for name in ("in", "out", "err")]
            streams[0].write_text(given or "")
            task = {"arguments": arguments, "environment": environment, "streams": [str(s) for s in streams]}
            self._server.stdin.write(json.dumps(task) + "\n")
            self._server.stdin.flush()
            code = int(self._server.stdout.readline())
            return Done(code, streams[1].read_text(), streams[2].read_text())

    def close(self) -> None:
        self._server.stdin.close()
        self._server.wait(LIMIT_S)
        self._server.stdout.close()


@dataclass(frozen=True)
class Watched(Program):
    """The program, every word of which is searched.

    Args:
        secrets: Values of people that no output may hold.
        warm: Runs it; with ``fresh`` a new process is started, as a person would.
    """

    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    warm: Warm | None = field(default=None, repr=False)

    def __call__(self, *arguments, code=0, env=None, given=None, may_show=False, fresh=False) -> Done:
        """Run a command and hold it to its exit code."""
        words, around = [str(word) for word in arguments], self.surroundings() | (env or {})
        said = self._fresh(words, around, given) if fresh else self.warm.run(words, around, given)
        assert said.code == code, f"{words}: {said}"
        assert "Traceback" not in said.err, said.err
        if not may_show:
            self.look(said)
        return said

    def _fresh(self, words, around, given) -> Done:
        done = subprocess.run(
            self.command(*words),
            input=given or "",
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=around,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def look(self, said: Done) -> None:
        """Find no value of any person in what was said."""
        shown = [secret for secret in self.secrets if secret in said.out or secret in said.err]
        assert not shown, f"{len(shown)} values of people were shown"

    def refused(self, *arguments, code, error, **more) -> Done:
        """Run a command that must fail with one clear line, a next step and a code of the table."""
        said = self(*arguments, code=code, **more)
        lines = said.err.strip().splitlines()
        assert lines[-1].strip() == f"({error})", said.err
        assert lines[-2].startswith("  Next: "), said.err
        assert lines[-3].split(":")[0] in {"Error", "Refused", "Fault"}, said.err
        assert said.out == ""
        return said
