"""The one who kills: starts workers, ends them with SIGKILL, and reads what they had said by then."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.system.crash import story
from tests.system.crash.disk import Disk

ROOT = Path(__file__).resolve().parents[3]
_PATIENCE_S = 90.0

Line = dict
Reaction = Callable[[Line], str | None]


class Killer:
    """A fork server of workers and the means to end them.

    Args:
        folder: Where tasks, files and the base workspace lie.
        library: The disk to preload.
    """

    def __init__(self, folder: Path, library: Path) -> None:
        self.folder, self.files, self.base = folder, folder / "files", folder / "base"
        self.kills = 0
        self._tasks = 0
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        paths = os.pathsep.join([str(ROOT), *filter(None, sys.path), str(ROOT / "src")])
        environment = {
            **os.environ, "PYTHONPATH": paths, "LD_PRELOAD": str(library), "OPENBLAS_NUM_THREADS": "1",
            "PYTHONOPTIMIZE": "",
        }  # fmt: skip
        command = [
            sys.executable,
            "-X",
            "frozen_modules=on",
            "-m",
            "tests.system.crash.worker",
            str(theirs.fileno()),
        ]
        self._server = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()])
        theirs.close()
        mine.settimeout(_PATIENCE_S)
        self._channel = mine
        self._answer()

    def _answer(self) -> Line:
        reply = self._channel.recv(1 << 16)
        if not reply:
            raise RuntimeError("the fork server ended")
        return json.loads(reply)

    def close(self) -> None:
        """End the server; it ends its workers first."""
        self._channel.close()
        try:
            self._server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()

    def prepare(self) -> None:
        """Make the files and the workspace every run starts from."""
        self.files.mkdir()
        story.write_files(self.files)
        lines = self.run({"role": "prepare", "space": str(self.base), "files": str(self.files)})
        _expect_end(lines)
        self._channel.send(json.dumps({"warm": next(e["modules"] for e in lines if "modules" in e)}).encode())
        self._answer()

    def run(
        self, task: Line, react: Reaction = lambda _: None, kill_after_s: float | None = None
    ) -> list[Line]:
        """Run one worker to its end or its death.

        Args:
            task: What it shall do.
            react: Told each line; ``"kill"`` ends the worker, ``"go"`` lets it pass its point.
            kill_after_s: End it this long after its first line.

        Returns:
            The lines it wrote.
        """
        self._tasks += 1
        path = self.folder / f"task-{self._tasks}.json"
        path.write_text(json.dumps(task))
        out, out_end = os.pipe()
        hold_end, hold = os.pipe()
        socket.send_fds(self._channel, [json.dumps({"task": str(path)}).encode()], [out_end, hold_end])
        pid = self._answer()["pid"]
        os.close(out_end)
        os.close(hold_end)
        try:
            return self._listen(pid, out, hold, react, kill_after_s)
        finally:
            os.kill(pid, signal.SIGKILL)  # not reaped yet, so that the number is still its own
            self._channel.send(json.dumps({"reap": pid}).encode())
            if os.WIFSIGNALED(self._answer()["status"]):
                self.kills += 1
            os.close(out)
            os.close(hold)

    def _listen(
        self, pid: int, out: int, hold: int, react: Reaction, kill_after_s: float | None
    ) -> list[Line]:
        lines: list[Line] = []
        rest = b""
        until = time.monotonic() + _PATIENCE_S
        killing_at: float | None = None
        while True:
            now = time.monotonic()
            if killing_at is not None and now >= killing_at:
                os.kill(pid, signal.SIGKILL)
                killing_at = None
            if now > until:
                raise TimeoutError(f"the worker hangs after {lines[-1:]}")
            if not select.select([out], [], [], min(1.0, max(0.0, (killing_at or until) - now)))[0]:
                continue
            got = os.read(out, 1 << 20)
            if not got:
                return lines
            *whole, rest = (rest + got).split(b"\n")
            for text in whole:
                lines.append(json.loads(text))
                if kill_after_s is not None and len(lines) == 1:
                    killing_at = time.monotonic() + kill_after_s
                wish = react(lines[-1])
                if wish == "kill":
                    os.kill(pid, signal.SIGKILL)
                elif wish == "go":
                    os.write(hold, b"g")


def _expect_end(lines: list[Line]) -> None:
    if not lines or "end" not in lines[-1]:
        raise RuntimeError(lines[-1].get("trace", lines[-1]) if lines else "the worker said nothing")


@dataclass
class Told:
    """What a worker said before it died."""

    acts: list[story.Act] = field(default_factory=list)
    results: dict[str, Line] = field(default_factory=dict)
    certificates: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    unfinished: story.Act | None = None
    point: str | None = None
    head: Line | None = None
    failed: str | None = None

    @classmethod
    def of(cls, lines: list[Line]) -> Told:
        """Read the lines."""
        told = cls()
        for line in lines:
            if "start" in line:
                told.unfinished = line["start"]
            elif "ack" in line:
                told.unfinished = None
                told.acts.append(line["ack"])
                told.head = line["head"]
                if line["ack"]["do"] == "query":
                    told.results[line["ack"]["id"]] = line["result"]
                elif line["ack"]["do"] == "erase":
                    told.certificates.add(line["result"]["body"]["certificate"])
            elif "touched" in line:
                told.touched.add(line["touched"])
            elif "point" in line:
                told.point = line["point"]
            elif "failed" in line:
                told.failed = line["trace"]
        return told


@dataclass
class Seen:
    """What a fresh process found after the crash."""

    told: Told
    seen: Line | None = None
    after: Line | None = None
    replayed: dict[str, Line] = field(default_factory=dict)
    repeated: Line | None = None
    went_on: bool = False
    failed: str | None = None


class Crash:
    """One run: a copy of the base workspace, a worker that is killed, and a look at what is left.

    Args:
        killer: Starts and ends workers.
        name: A name of its own.
        with_disk: Whether the disk forgets what was not forced to it.
        seed: See ``Disk.cut``.
    """

    def __init__(self, killer: Killer, name: str, *, with_disk: bool, seed: int | None = None) -> None:
        self._killer = killer
        self.folder = killer.folder / name
        self.space = self.folder / "space"
        self.folder.mkdir()
        shutil.copytree(killer.base, self.space)
        self._disk = Disk(self.space, self.folder / "shadow") if with_disk else None
        self._seed = seed

    def work(self, script: list[story.Act], react: Reaction = lambda _: None, **more) -> Told:
        """Let a worker carry out a script until it is killed, then cut the power."""
        kill_after_s = more.pop("kill_after_s", None)
        task = {
            "role": "act", "space": str(self.space), "files": str(self._killer.files), "script": script,
            **more,
        }  # fmt: skip
        if self._disk:
            task["disk"] = [str(self._disk.root), str(self._disk.shadow)]
        told = Told.of(self._killer.run(task, react, kill_after_s))
        if self._disk:
            self._disk.cut(self._seed)
        return told

    def step(self, act: story.Act, dies_at: int | None) -> tuple[Told, int]:
        """Let a worker do one act and die at one of its steps; tells how many there were where it lived."""
        task = {"role": "step", "space": str(self.space), "files": str(self._killer.files), "act": act}
        lines = self._killer.run({**task, "step": dies_at})
        return Told.of(lines), next((line["steps"] for line in lines if "steps" in line), 0)

    def look(self, told: Told, *, goes_on: bool = False, **more) -> Seen:
        """Open what is left in a fresh process.

        Args:
            told: What was acknowledged.
            goes_on: Whether to collect and ask once more, besides repeating what was cut off.
            more: For the worker.
        """
        head = self.folder / "head.json"
        if told.head:
            head.write_text(json.dumps(told.head))
        replay = [str(act["id"]) for act in told.acts if act["do"] == "query"]
        task = {
            "role": "check", "space": str(self.space), "files": str(self._killer.files),
            "head": str(head) if told.head else None, "replay": replay, "repeat": told.unfinished,
            "goes_on": goes_on, **more,
        }  # fmt: skip
        found = Seen(told, went_on=goes_on)
        for line in self._killer.run(task):
            if "seen" in line:
                found.seen = line["seen"]
            elif "after" in line:
                found.after = line["after"]
            elif "replayed" in line:
                found.replayed[line["replayed"]] = line
            elif "repeated" in line:
                found.repeated = line
            elif "failed" in line:
                found.failed = line["trace"]
        return found

    def close(self) -> None:
        """Remove the run's files."""
        shutil.rmtree(self.folder, ignore_errors=True)
