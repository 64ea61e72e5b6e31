"""Drive the real program as a person does, and look at everything it says for values of people."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field

from tests.program import Done, Program

LIMIT_S = 60


@dataclass(frozen=True)
class Watched(Program):
    """The program, every word of which is searched.

    Args:
        secrets: Values of people that no output may hold.
    """

    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def __call__(self, *arguments, code=0, env=None, given=None, may_show=False) -> Done:
        """Run a command and hold it to its exit code."""
        words = self.command(*arguments)
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=LIMIT_S, env=self.surroundings() | (env or {}), check=False,
            **({"input": given} if given is not None else {"stdin": subprocess.DEVNULL}),
        )  # fmt: skip
        said = Done(done.returncode, done.stdout, done.stderr)
        assert said.code == code, f"{arguments}: {said}"
        assert "Traceback" not in said.err, said.err
        if not may_show:
            self.look(said)
        return said

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
