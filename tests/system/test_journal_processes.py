"""Several processes append to one journal and its witness, one is killed: on SQLite and in PostgreSQL.

The witness is written in turns, never backwards; what a killed process left behind is caught up with at the
next start; the log verifies, and each printed entry is in it.
"""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from tests import postgres
from tests.program import Program

pytestmark = [pytest.mark.system, pytest.mark.slow]

WORKER = """
import sys
import hedgerow as hr
opened = hr.open(sys.argv[1])
for n in range(int(sys.argv[3])):
    opened.service.add_principal(f"{sys.argv[2]}-{n}", ["analyst"])
    print(n, flush=True)
"""


def _sqlite(_, folder):
    return folder / "space", (folder / "space",)


def _postgres(request, folder):
    from hedgerow.adapters.store.postgres import PostgresStore

    server = request.getfixturevalue("postgres_server")
    database = postgres.Database(server, server.new_database(postgres.OWNER))
    PostgresStore.set_up(database.owner, postgres.APPLICATION)
    return database.application, (database.application, "--files", folder / "space")


@pytest.fixture(
    params=[
        pytest.param(_sqlite, id="sqlite"),
        pytest.param(_postgres, id="postgres", marks=pytest.mark.extra),
    ]
)
def program(request, tmp_path):
    where, made_by = request.param(request, tmp_path)
    made = Program(where)
    (tmp_path / "usb").mkdir()
    assert made.call("init", *made_by, "--no-passphrase").code == 0
    added = made.call("journal", "witness", "add", "usb", "--file", tmp_path / "usb" / "head", "--required")
    assert added.code == 0, added.err
    return made


def start(program, name, many):
    command = [sys.executable, "-c", WORKER, str(program.space), name, str(many)]
    return subprocess.Popen(
        command, env=program.surroundings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def judged(program):
    verified = program.call("journal", "verify", "--json")
    assert verified.code == 0, verified.err
    (witness,) = verified.json["witnesses"]
    assert (witness["state"], witness["lag"]) == ("current", 0)
    return verified.json["size"]


def test_two_processes_share_one_log_and_one_witness(program):
    running = [start(program, name, 6) for name in ("left", "right")]
    for each in running:
        told, failed = each.communicate(timeout=90)
        assert (each.returncode, told.split()) == (0, [str(n) for n in range(6)]), failed
    assert judged(program) == 2 + 2 * 6


def test_a_process_killed_on_its_way_to_the_witness_is_caught_up_with(program):
    size = judged(program)
    for name in ("one", "two"):
        victim = start(program, name, 1000)
        printed = [victim.stdout.readline() for _ in range(3)]
        victim.send_signal(signal.SIGKILL)
        printed += victim.communicate(timeout=60)[0].splitlines()
        grown = judged(program)
        assert grown >= size + len([line for line in printed if line.strip()])
        size = grown
