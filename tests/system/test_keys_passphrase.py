"""Proves that a passphrase is changed whole or not at all, wherever the change is cut off.

The real program is killed by SIGKILL at a named step. What is left opens with exactly one of the two
passphrases; run again, the same command ends the change, and nothing lies beside the key file.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from tests.program import Program

from hedgerow.adapters.keys import open_
from hedgerow.app import workspace
from hedgerow.model.errors import HedgerowError

OLD, NEW = "correct horse battery", "another horse entirely"
_KILLED = """
import importlib, os, signal, sys
place, after = sys.argv[1], sys.argv[2] == "after"
module, _, path = place.partition(":")
owner = importlib.import_module(module)
*above, name = path.split(".")
for each in above:
    owner = getattr(owner, each)
real = getattr(owner, name)
def stop(*arguments, **more):
    if after:
        real(*arguments, **more)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, stop)
from hedgerow.cli.main import main
main(sys.argv[3:])
"""
DURABLE = "hedgerow.adapters.keys.durable:"
POINTS = [
    ("hedgerow.adapters.keys.file:FileKeys.seal_anew", "before", OLD),
    (DURABLE + "_clear_left_over", "before", NEW),
    ("pathlib:Path.rename", "before", OLD),
    (DURABLE + "_wipe", "before", NEW),
    ("hedgerow.adapters.keys.file:FileKeys.seal_anew", "after", NEW),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    directory = tmp_path_factory.mktemp("base") / "space"
    workspace.create(directory, OLD)
    return directory


def _opens(path, passphrase):
    try:
        return bool(open_(path, passphrase).epochs())
    except HedgerowError:
        return False


@pytest.mark.parametrize(("place", "when", "held"), POINTS, ids=lambda each: each.rpartition(":")[2])
def test_a_kill_leaves_one_passphrase_and_the_same_command_ends_it(base, tmp_path, place, when, held):
    space = shutil.copytree(base, tmp_path / "space")
    program = Program(space, OLD, {"HEDGEROW_NEW_PASSPHRASE": NEW})
    line = [sys.executable, "-c", _KILLED, place, when, "keys", "passphrase"]
    done = subprocess.run(line, env=program.surroundings(), capture_output=True, text=True, check=False)
    assert done.returncode == -9, (done.returncode, done.stdout, done.stderr)
    key_file = space / "keys.json"
    assert [each for each in (OLD, NEW) if _opens(key_file, each)] == [held]
    last = NEW if held == OLD else "a third horse"
    again = Program(space, held, {"HEDGEROW_NEW_PASSPHRASE": last}).call("keys", "passphrase", "--json")
    assert again.code == 0, again.err
    assert [each for each in (OLD, NEW, "a third horse") if _opens(key_file, each)] == [last]
    assert not list(space.glob(".keys.json*"))
    verified = Program(space, last).call("journal", "verify", "--json")
    assert verified.json["verified"]
