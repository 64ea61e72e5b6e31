"""A process that has loaded everything and runs each command line in a child of its own.

The child has its own arguments, environment, input, output and exit code, as the program has when a
person starts it; only the loading of libraries is shared, so that a hundred commands take seconds.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import io
import json
import os
import pkgutil
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

# By its place: a package of an extra brings another ``tests``.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from passphrases import make_cheap

del sys.path[0]

LIBRARIES = (
    "hedgerow.app.space",
    "hedgerow.app.service",
    "hedgerow.adapters.engines",
    "hedgerow.adapters.readers",
    "hedgerow.spine.intake",
    "hedgerow.techniques.dp_query",
    "hedgerow.techniques.discover",
    "hedgerow.techniques.anonymity.governed",
    "hedgerow.techniques.dp_train.governed",
    "hedgerow.app.report",
    "opendp.measurements",
    "numpy.ma",
)

# PyArrow loads it by itself when it builds an array.
LOADED_WHERE_INSTALLED = ("pandas",)


def child(task):
    """Become the program."""
    from hedgerow.cli.main import main

    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY | os.O_CREAT), (2, os.O_WRONLY | os.O_CREAT)):
        os.dup2(os.open(task["streams"][number], mode, 0o600), number)
    os.environ.clear()
    os.environ.update(task["environment"])
    sys.argv = ["hedgerow", *task["arguments"]]
    try:
        main()
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code)
    os._exit(70)


def load():
    """Load the libraries and every command."""
    for name in LIBRARIES:
        importlib.import_module(name)
    commands = importlib.import_module("hedgerow.cli.commands")
    for each in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        importlib.import_module(each.name)
    make_cheap()
    for name in LOADED_WHERE_INSTALLED:
        if importlib.util.find_spec(name):
            importlib.import_module(name)


def rehearse():
    """Make a workspace and look into it, so that what is worked out once a process is worked out.

    No thread may run when a process forks: nothing here starts an engine.
    """
    from hedgerow.cli.main import main

    with tempfile.TemporaryDirectory() as folder:
        space = os.path.join(folder, "space")  # noqa: PTH118 - a path for an argument
        for line in (("init", space), ("purpose", "list", "--space", space)):
            said = io.StringIO()
            with redirect_stdout(said), redirect_stderr(said):
                try:
                    main(list(line))
                except SystemExit as end:
                    if end.code:
                        raise RuntimeError(said.getvalue()) from None


def serve():
    """Run one command line after the other."""
    load()
    rehearse()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    os._exit(0)  # some packages complain when they are unloaded


if __name__ == "__main__":
    serve()
