"""What every bench shares: clocks, peak memory, a process of its own for what is measured, and the table."""

from __future__ import annotations

import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
SEED = 20


@dataclass(frozen=True, slots=True)
class Spent:
    """What work took: seconds on the wall, processor seconds of all threads, peak memory so far."""

    wall_s: float
    cpu_s: float
    peak_mib: float

    def __str__(self) -> str:
        return f"{seconds(self.wall_s)} (cpu {seconds(self.cpu_s)})"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Args:
        name: What was measured.
        measured: Our figure, with its unit.
        peer: The peer's figure or the limit of the machine, from the same run; empty when there is none.
        ratio: Ours over the peer's; none when there is no peer.
        target: What was asked, in words; empty for a figure that only informs.
        is_met: Whether it holds; none without a target.
        figures: The same as plain numbers, for the JSON copy.
    """

    name: str
    measured: str
    peer: str = ""
    ratio: float | None = None
    target: str = ""
    is_met: bool | None = None
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a run is: ``quick`` takes a tenth of every size."""

    quick: bool = False

    def of(self, full: int) -> int:
        return max(1, full // 10) if self.quick else full

    def millions(self, full: int) -> str:
        rows = self.of(full)
        return f"{rows // 1_000_000}M" if rows >= 1_000_000 else f"{rows // 1000}k"


def seconds(value: float) -> str:
    if value >= 10:
        return f"{value:.0f} s"
    if value >= 1:
        return f"{value:.1f} s"
    if value >= 0.01:
        return f"{value * 1e3:.0f} ms"
    return f"{value * 1e3:.2f} ms" if value >= 0.0001 else f"{value * 1e6:.1f} us"


def peak_mib() -> float:
    """Peak resident memory of this process; ``getrusage`` would carry over that of the parent."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Stopwatch:
    """Measures from its making; processor seconds include those of child processes that have ended."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu_s()

    def stop(self) -> Spent:
        return Spent(time.perf_counter() - self._wall, _cpu_s() - self._cpu, peak_mib())


def _cpu_s() -> float:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, whose))


def timed(work: Callable[[], object]) -> Spent:
    watch = Stopwatch()
    work()
    return watch.stop()


def median(spent: Sequence[Spent]) -> Spent:
    """Take the median of each figure alone."""
    return Spent(*(statistics.median(getattr(s, name) for s in spent) for name in Spent.__slots__))


def interleaved(repeat: int, *works: Callable[[], object]) -> list[Spent]:
    """Run contenders in turns, so that a busy machine hits all alike, and give the median of each."""
    rounds = [[timed(work) for work in works] for _ in range(repeat)]
    return [median(column) for column in zip(*rounds, strict=True)]


def apart(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function of a module in a fresh process, so that its peak memory and caches are its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as crew:
        return crew.submit(function, *arguments).result()


def say(text: str) -> None:
    """Tell progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Tell how long a preparation took."""
    watch = Stopwatch()
    yield
    say(f"  {what}: {watch.stop()}")


def growth(name: str, small: Spent, large: Spent) -> Row:
    """Tell how the time grew when the size grew tenfold."""
    wall, cpu = large.wall_s / small.wall_s, large.cpu_s / small.cpu_s
    return Row(name, f"{wall:.1f} x (cpu {cpu:.1f} x) for 10 x", figures={"growth": wall, "cpu_growth": cpu})


def load() -> str:
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def table(rows: Sequence[Row]) -> str:
    """Render the table."""
    heads = ("name", "measured", "peer or limit", "ratio", "target", "met?")
    cells = [heads, *(_cells(row) for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(heads))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _cells(row: Row) -> tuple[str, ...]:
    ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
    met = {True: "yes", False: "NO", None: ""}[row.is_met]
    return row.name, row.measured, row.peer, ratio, row.target, met


def as_json(row: Row) -> dict[str, Any]:
    return asdict(row)
