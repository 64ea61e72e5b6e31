"""Proves that a crash of the program leaves no core file, where the system would write one."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.program import Program

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(sys.platform != "linux", reason="what is dumped is asked of Linux"),
]

# The key is in memory by then: the crash comes inside a command that has opened the workspace.
IN_A_COMMAND = """
import os, sys
from hedgerow.app.service import Service
from hedgerow.cli.main import main
signal, arguments = sys.argv[1], sys.argv[2:]
Service.examine = lambda *_: os.kill(os.getpid(), int(signal))
main(arguments)
"""
BARE = "import os, sys; os.kill(os.getpid(), int(sys.argv[1]))"
DUMPABLE = """
import ctypes
from hedgerow.app.service import Service
from hedgerow.cli.main import main
import resource, sys
prctl = ctypes.CDLL(None).prctl
Service.examine = lambda *_: (print(prctl(3), resource.getrlimit(resource.RLIMIT_CORE)[0]), sys.exit(0))
print(prctl(3))
main(["doctor"])
"""


def unlimited():
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def crashed(code, kind, arguments, program, folder):
    """Run a program that crashes; tell by which signal, and whether its memory was dumped."""
    command = [sys.executable, "-c", code, str(int(kind)), *arguments]
    environment = program.surroundings() | {"PYTHONFAULTHANDLER": ""}
    started = subprocess.Popen(
        command, cwd=folder, env=environment, preexec_fn=unlimited,  # noqa: PLW1509 - no thread runs here
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status = os.waitpid(started.pid, 0)
    started.returncode = 0
    assert os.WIFSIGNALED(status), status
    return os.WTERMSIG(status), os.WCOREDUMP(status)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    made = Program(tmp_path_factory.mktemp("dumps") / "space")
    assert made.call("init", "--no-passphrase", made.space).code == 0
    return made


@pytest.mark.parametrize("kind", [signal.SIGSEGV, signal.SIGABRT], ids=lambda each: each.name)
def test_a_crash_writes_no_core(program, tmp_path, kind):
    control = crashed(BARE, kind, [], program, tmp_path)
    assert control[0] == kind
    for left in tmp_path.iterdir():
        left.unlink()
    assert crashed(IN_A_COMMAND, kind, ["doctor"], program, tmp_path) == (kind, False)
    assert list(tmp_path.iterdir()) == []
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == resource.RLIM_INFINITY:
        # As this machine is set up, the same crash elsewhere is dumped, or nothing is proved here.
        pattern = Path("/proc/sys/kernel/core_pattern").read_text()
        assert control[1] or not pattern.strip(), pattern


def test_the_process_is_not_dumpable_once_a_workspace_is_opened(program, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DUMPABLE], env=program.surroundings(), cwd=tmp_path, preexec_fn=unlimited,
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == ["1", "0", "0"]


def test_the_library_leaves_the_process_as_it_is(program, tmp_path):
    code = (
        "import ctypes, resource, sys, hedgerow\n"
        "before = resource.getrlimit(resource.RLIMIT_CORE)\n"
        "hedgerow.open(sys.argv[1]).close()\n"
        "print(ctypes.CDLL(None).prctl(3), resource.getrlimit(resource.RLIMIT_CORE) == before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(program.space)], env=program.surroundings(), cwd=tmp_path,
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == ["1", "True"]
