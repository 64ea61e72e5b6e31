"""Proves how often an erasure waits for the disk, and for what: each is needed for what it promises.

New table files must be on the disk before a record names them; the commit destroys the key; the log is folded
in and emptied so that old pages go. A deleted table file waits for nothing: its key is in no record.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.property.vault_base import base_world, forget_base

pytestmark = pytest.mark.system
ROOT = Path(__file__).parents[2]
# Under a tracer: every way that SQLite and the program have to force anything to the disk.
SCRIPT = """
import os, sys
from pathlib import Path
from hedgerow.app.space import open_space
with open_space(Path(sys.argv[1]), passphrase=lambda _: None) as space:
    space.service.erase_subject("P-ann")
    os.write(2, b"BEGIN")
    space.service.erase_subject("P-bob")
    os.write(2, b"END")
"""


@pytest.fixture
def traced(tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    folder, *_ = base_world()
    space = shutil.copytree(folder / "space", tmp_path / "space")
    forget_base()
    log = tmp_path / "trace"
    tracer = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync,write", "-o", str(log)]
    done = subprocess.run(
        [*tracer, sys.executable, "-c", SCRIPT, str(space)],
        check=False,
        capture_output=True,
        env=dict(os.environ),
    )
    if done.returncode != 0 and b"ptrace" in done.stderr:
        pytest.skip("processes cannot be traced here")
    assert done.returncode == 0, done.stderr
    text = log.read_text()
    return [
        line for line in text[text.index('"BEGIN"') : text.index('"END"')].splitlines() if "sync(" in line
    ]


def test_an_erasure_waits_for_the_disk_six_times(traced):
    places = [line.split("<", 1)[1].split(">", 1)[0] for line in traced]
    names = [Path(place).name if "unfinished" not in place else "a new table file" for place in places]
    log, base = "hedgerow.db-wal", "hedgerow.db"
    # The commit; folding the log in: what is in it, where it goes; the head of the next log.
    assert names == ["a new table file", "tables", log, log, base, log]
