"""How long the program takes to say what it can do, beside a bare start of Python."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

from frame import Row, Sizes, interleaved

LIMIT = 5.0
RUNS = 20
# What the installed command does.
PROGRAM = "from hedgerow.cli.main import main; main()"
FOREIGN = """
import sys
before = set(sys.modules)
import hedgerow
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(loaded - set(sys.stdlib_module_names) - {"hedgerow"}))
"""


def rows(_: Sizes) -> Iterator[Row]:
    ours, bare = interleaved(RUNS, _run("-c", PROGRAM, "--help"), _run("-c", "pass"))
    ratio = ours.wall_s / bare.wall_s
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--help"], capture_output=True, text=True, check=True
    )
    assert "Usage:" in told.stdout
    yield Row(
        f"hedgerow --help, median of {RUNS}",
        str(ours),
        f"bare Python {bare}",
        ratio,
        f"<= {LIMIT:.0f} x",
        ratio <= LIMIT,
        {"wall_s": ours.wall_s, "cpu_s": ours.cpu_s, "peer_wall_s": bare.wall_s, "peer_cpu_s": bare.cpu_s},
    )
    command = [sys.executable, "-c", FOREIGN]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    yield Row(
        "third-party packages loaded by import hedgerow",
        " ".join([str(len(found)), *found]),
        target="0",
        is_met=not found,
        figures={"count": len(found)},
    )


def _run(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
