"""A process that has loaded everything, and a program that lets it run each command line in a child.

The child has the arguments, folder, environment, streams and exit code of the program that asked, as if
that had loaded the libraries itself; only the loading is shared. The tour of README.md goes without it.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import warnings
from contextlib import suppress
from pathlib import Path

WARM = Path(__file__).resolve().parents[1] / "cli"
ASKING = """#!{python} -IS
import json, os, socket, sys
asking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
asking.connect({address!r})
told = [sys.argv[1:], os.getcwd(), dict(os.environ)]
socket.send_fds(asking, [json.dumps(told).encode()], [0, 1, 2])
sys.exit(int(asking.recv(9) or b"70"))
"""
LIMIT_BYTES = 1 << 17


class Served:
    """The process, at a socket in a folder.

    Args:
        folder: Where the socket stands; its path must be short.
    """

    def __init__(self, folder: Path) -> None:
        self.address = folder / "asked"
        command = [sys.executable, __file__, str(self.address)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        if self._process.stdout.readline() != b"ready\n":
            raise RuntimeError("the process that runs command lines did not start")

    def program(self) -> str:
        """Give the program that asks it."""
        return ASKING.format(python=sys.executable, address=str(self.address))

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()


def child(asked: socket.socket, arguments: list[str], folder: str, environ: dict[str, str]) -> None:
    """Become the program."""
    from hedgerow.cli.main import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["hedgerow", *arguments]
    if environ.get("PYTHONWARNINGS"):
        warnings.simplefilter(environ["PYTHONWARNINGS"])
    code = 70
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        asked.send(str(code).encode())
        os._exit(code)


def serve(address: str) -> None:
    """Run each command line that comes in, several at a time."""
    sys.path.insert(0, str(WARM))
    from warm import load, rehearse

    load()
    rehearse()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, lambda *_: reap())
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            asked, _ = listening.accept()
            told, streams, _, _ = socket.recv_fds(asked, LIMIT_BYTES, 3)
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listening.close()
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                    os.close(stream)
                child(asked, *json.loads(told))
            for stream in streams:
                os.close(stream)
            asked.close()


def reap() -> None:
    """Take note of every child that has ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    serve(sys.argv[1])
