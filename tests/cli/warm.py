"""A process that has loaded everything and runs each command line in a child of its own.

The child has its own arguments, environment, input, output and exit code, as the program has when a
person starts it; only the loading of libraries is shared, so that a hundred commands take seconds.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys

LIBRARIES = (
    "hedgerow.app.space",
    "hedgerow.app.service",
    "hedgerow.adapters.engines",
    "hedgerow.adapters.readers",
    "hedgerow.spine.intake",
    "hedgerow.techniques.dp_query",
    "hedgerow.techniques.discover",
    "hedgerow.techniques.anonymity.governed",
    "hedgerow.app.report",
    "opendp.measurements",
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


def serve():
    """Run one command line after the other."""
    for name in LIBRARIES:
        importlib.import_module(name)
    for name in LOADED_WHERE_INSTALLED:
        if importlib.util.find_spec(name):
            importlib.import_module(name)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
