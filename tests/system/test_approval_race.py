"""Proves that of two programs which come with one grant at the same time, one uses it and the other waits."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from fractions import Fraction

from tests.program import Program

from hedgerow.app import workspace
from hedgerow.app.declaring import Asked
from hedgerow.app.space import open_space
from hedgerow.model.errors import Refused

ROUNDS = ("0.1", "0.2", "0.3", "0.4")
SQL = "SELECT COUNT(*) FROM visits"
ASKED = """
@id("asked") @reason("An officer looks first.") @approval("privacy-officer")
permit (principal in Role::"analyst", action == Action::"query", resource);
"""
_RACER = """
import json, sys
from hedgerow.app.space import open_space
from hedgerow.model.errors import HedgerowError
told = []
with open_space(sys.argv[1]) as space:
    ana = space.acting_as("ana", purpose="research")
    print("ready", flush=True)
    sys.stdin.readline()
    for epsilon in sys.argv[3:]:
        try:
            answer = ana.query("visits", sys.argv[2], epsilon=epsilon, fresh=True)
            told.append(answer["receipt"]["request_id"])
        except HedgerowError as error:
            told.append(error.code)
print(json.dumps(told))
"""


def _granted(space):
    """Have an officer grant one use of each round."""
    ana, petra = space.acting_as("ana", purpose="research"), space.acting_as("petra")
    for epsilon in ROUNDS:
        try:
            ana.query("visits", SQL, epsilon=epsilon, fresh=True)
        except Refused as waits:
            petra.service.decide(str(waits.details["approval"]), is_granted=True)


def _made(directory):
    workspace.create(directory, None)
    with open_space(directory, passphrase=lambda _: None) as space:
        for name, role in (("ana", "analyst"), ("petra", "privacy-officer")):
            space.service.add_principal(name, [role])
        space.service.add_purpose("research", "to race", "petra", date(2099, 1, 1))
        rows = [{"id": f"P-{number}", "age": number} for number in range(20)]
        space.collect(
            rows, dataset="visits", subject_key="id", purposes={"research": "public-task"}, keep=["age"]
        )
        space.service.declare("visits", Asked(max_rows=1))
        space.service.allocate("visits", "research", Fraction(4))
        space.service.apply_policy(space.service.policy()["text"] + ASKED)
        _granted(space)


def test_one_grant_lets_one_use_through(tmp_path):
    directory = tmp_path / "space"
    _made(directory)
    around = Program(directory).surroundings()
    line = [sys.executable, "-c", _RACER, str(directory), SQL, *ROUNDS]
    racers = [
        subprocess.Popen(line, env=around, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        assert [racer.stdout.readline() for racer in racers] == ["ready\n", "ready\n"]
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        told = [json.loads(racer.communicate(timeout=100)[0]) for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()
    for one, other in zip(*told, strict=True):
        waits = [each for each in (one, other) if each == "approval.pending"]
        assert len(waits) == 1, told
    with open_space(directory, passphrase=lambda _: None) as space:
        assert space.service.budgets("visits")[0]["spent"] in {"1", "1/1"}
        states = [each["state"] for each in space.acting_as("petra").service.approvals(is_all=True)]
        assert sorted(states) == ["pending"] * len(ROUNDS) + ["used"] * len(ROUNDS)
        assert space.service.verify()["verified"]
