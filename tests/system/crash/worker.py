"""The program that is killed: a server that forks, after its imports, one process for each piece of work.

Forking spares every worker the seconds that importing takes; no thread runs and no store is open before it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
import traceback
from contextlib import suppress
from datetime import date
from fractions import Fraction
from pathlib import Path

from tests.system.crash import broken, points, statements, story
from tests.system.crash.looking import look

from hedgerow.app import workspace
from hedgerow.app.declaring import Asked, Schema
from hedgerow.app.service.collecting import CollectRequest
from hedgerow.app.space import Space, open_space
from hedgerow.model.errors import HedgerowError
from hedgerow.model.words import Basis


def collect(space: Space, files: Path, batch: int, *, declares: str | None = None):
    asked = Asked("person", None, {declares: "0:9999"}) if declares else Asked()
    request = CollectRequest(
        files / f"{batch}.csv",
        story.DATASET,
        "patient",
        {story.PURPOSE: Basis.CONSENT},
        keep=("visit", "name", "ward", "age"),
        consents=files / f"{batch}.consents.csv",
        schema=Schema(asked=asked),
    )
    return space.service.collect(space.service.plan_collect(request))


def query(space: Space, request_id: str):
    analyst = space.acting_as(story.ANALYST, purpose=story.PURPOSE)
    return analyst.query(story.DATASET, story.SQL, epsilon=story.EPSILON, request_id=request_id, fresh=True)


def perform(space: Space, files: Path, act: story.Act):
    """Do one act of the story and give its result."""
    match act["do"]:
        case "collect":
            return collect(space, files, int(act["batch"]), declares=act.get("declares"))
        case "query":
            answer = query(space, str(act["id"]))
            return {name: value for name, value in answer.items() if name not in ("receipt", "sentence")}
        case "erase":
            return dict(space.service.erase_subject(str(act["ref"])))
        case "drop":
            return space.service.drop(story.DATASET)
        case "rotate" | "epoch":
            return space.service.change_epoch(is_ending=act["do"] == "epoch")
        case "checkpoint":
            space.opened.store.scrub()
            return space.service.export(files.parent / f"evidence-{os.getpid()}")
        case "withdraw":
            return space.service.choose(
                str(act["ref"]), story.PURPOSE, granted=False, notice="", channel="desk", time=story.CHANGED
            )
    raise ValueError(act)


def prepare(task, say, hold) -> None:
    """Make the workspace that every run starts from."""
    points.install(points.Stage(say, hold, None, 0))
    directory, files = Path(task["space"]), Path(task["files"])
    known = set(sys.modules)
    workspace.create(directory, None)
    with open_space(directory) as space:
        service = space.service
        service.add_principal(story.ANALYST, ["analyst"])
        service.add_purpose(story.PURPOSE, "To see what helps.", "owner", date(2099, 12, 31))
        collect(space, files, story.BASE)
        keys = {"ward": story.WARDS}
        service.declare(story.DATASET, Asked("person", 5, {"age": "0:120"}, keys))
        service.allocate(story.DATASET, story.PURPOSE, Fraction(8))
        query(space, "ask-before")
        service.show_subject(story.people_of(story.BASE)[0])
        service.verify()
        look(space, None)
        say(modules=sorted(set(sys.modules) - known))


def found(task, say, hold) -> None:
    """Make an empty workspace and say so."""
    workspace.create(Path(task["space"]), None)
    say(point="founded")
    os.read(hold, 1)


def visit(task, say, hold) -> None:
    """Open the workspace, as any command does, and close it."""
    with open_space(task["space"]) as space:
        say(verified=space.service.verify()["verified"])


def act(task, say, hold) -> None:
    """Carry out the acts of a script, saying before each that it starts and after each that it is done."""
    stage = points.Stage(say, hold, task.get("point"), task.get("nth", 1))
    points.install(stage)
    if "broken" in task:
        getattr(broken, task["broken"])()
    with _opened(task) as space:
        for each in task["script"]:
            stage.act, stage.is_armed = each, each is task["script"][-1]
            say(start=each)
            result = perform(space, Path(task["files"]), each)
            stage.act, stage.is_armed = {"do": "rest"}, False
            say(ack=each, result=result, head=space.service.head())
        if task.get("lingers"):
            say(point="end")
            os.read(hold, 1)


def step(task, say, hold) -> None:
    """Carry out one act, and die at one of its steps; without one say how many there are."""
    steps = statements.Steps(task.get("step"))
    statements.install(steps)
    points.install(points.Stage(say, hold, None, 0))
    with open_space(task["space"]) as space:
        say(start=task["act"])
        steps.is_armed = True
        result = perform(space, Path(task["files"]), task["act"])
        steps.is_armed = False
        say(ack=task["act"], result=result, head=space.service.head(), steps=steps.passed)


def _opened(task) -> Space:
    if "unsynced" not in task:
        return open_space(task["space"])
    off = task["unsynced"]
    if off == "all":
        sync = workspace.Durability(sync=False)
        return Space(workspace.open_(Path(task["space"]), lambda _: None, durability=sync))
    return Space(broken.open_unsynced(Path(task["space"]), store=off != "store", files=off != "files"))


def check(task, say, hold) -> None:
    """Open the workspace anew and tell what it holds, then repeat what was interrupted and tell again."""
    points.install(points.Stage(say, hold, None, 0))
    if "broken" in task:
        getattr(broken, task["broken"])()
    directory, files = Path(task["space"]), Path(task["files"])
    with open_space(directory) as space:
        say(seen=look(space, Path(task["head"]) if task["head"] else None))
        for request_id in task["replay"]:
            say(replayed=request_id, **_tried(space, files, {"do": "query", "id": request_id}))
        if task["repeat"]:
            say(repeated=task["repeat"], **_tried(space, files, task["repeat"]))
        if task["goes_on"]:
            perform(space, files, {"do": "collect", "batch": story.LAST})
            perform(space, files, {"do": "query", "id": "ask-last"})
        say(after=look(space, None))


def _tried(space: Space, files: Path, each: story.Act):
    try:
        return {"result": perform(space, files, each)}
    except HedgerowError as error:
        return {"code": error.code}


ROLES = {"prepare": prepare, "found": found, "visit": visit, "act": act, "check": check, "step": step}


def run(task, out: int, hold: int) -> None:
    def say(**line) -> None:
        left = json.dumps(line, sort_keys=True).encode() + b"\n"
        while left:
            left = left[os.write(out, left) :]

    if "disk" in task:
        os.environ["CRASH_DISK_ROOT"], os.environ["CRASH_DISK_SHADOW"] = task["disk"]
    try:
        ROLES[task["role"]](task, say, hold)
        say(end=True)
    except Exception:  # noqa: BLE001 - whatever it is, the parent must hear of it
        say(failed=True, trace=traceback.format_exc())
    finally:
        os._exit(0)


def warm(modules: list[str]) -> None:
    """Load what work was seen to load, and work out once what each process would; no engine is started."""
    for name in modules:
        with suppress(ImportError):
            importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        workspace.create(Path(folder) / "space", None)
        with open_space(Path(folder) / "space") as space:
            space.service.verify()
    gc.collect()
    gc.freeze()


def serve(channel: socket.socket) -> None:
    """Fork a worker for each task that comes in; end, and end them all, when the parent goes."""
    channel.send(b'{"ready": true}')
    alive: set[int] = set()
    while True:
        message, handles, _, _ = socket.recv_fds(channel, 1 << 16, 2)
        if not message:
            break
        wish = json.loads(message)
        if "reap" in wish:
            _, status = os.waitpid(wish["reap"], 0)
            alive.discard(wish["reap"])
            channel.send(json.dumps({"status": status}).encode())
            continue
        if "warm" in wish:
            warm(wish["warm"])
            channel.send(json.dumps({"warm": len(sys.modules)}).encode())
            continue
        task = json.loads(Path(wish["task"]).read_bytes())
        pid = os.fork()
        if not pid:
            channel.close()
            run(task, *handles)
        for handle in handles:
            os.close(handle)
        alive.add(pid)
        channel.send(json.dumps({"pid": pid}).encode())
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)  # some packages complain when they are unloaded


if __name__ == "__main__":
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
