"""Decisions of the gate: cached, cold, and a refused use with its journal entry on a durable store."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import worlds
from frame import Row, Sizes, Spent, apart, interleaved, median, seconds, timed

PER_SECOND = 20_000
REFUSAL_S = 0.010


def rows(sizes: Sizes) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        cached, cold, refused, bare = apart(measure, Path(folder), sizes)
    yield _rate("decisions a second, cached, balance and versions checked", cached, PER_SECOND)
    yield _rate("decisions a second, after each commit of anybody", cold, None)
    share = bare.wall_s / refused.wall_s
    yield Row(
        "a whole refused use with its journal entry, median",
        str(refused),
        f"bare SQLite commit {seconds(bare.wall_s)} ({share:.0%} of it)",
        refused.wall_s / bare.wall_s,
        f"<= {REFUSAL_S * 1e3:.0f} ms",
        refused.wall_s <= REFUSAL_S,
        {"wall_s": refused.wall_s, "cpu_s": refused.cpu_s, "commit_s": bare.wall_s},
    )


def _rate(name: str, each: Spent, least: int | None) -> Row:
    rate = 1 / each.wall_s
    target = f">= {least:,}" if least else ""
    met = rate >= least if least else None
    measured = f"{rate:,.0f} (cpu {seconds(each.cpu_s)} each)"
    return Row(name, measured, "", None, target, met, {"per_s": rate, "cpu_s": each.cpu_s})


def measure(folder: Path, sizes: Sizes) -> tuple[Spent, Spent, Spent, Spent]:
    from hedgerow.model.errors import Refused
    from hedgerow.model.uses import Actor, UseRequest

    worlds.write_visits(folder, 1000, 100)
    worlds.collect(folder)
    with worlds.opened(folder / "space") as space:
        worlds.declare(space, "visits", max_rows=50)
        spine, actor = space.opened.spine, Actor("owner", "analyst1")
        request = UseRequest(actor, "research", "visits", {"sql": worlds.QUERY, "epsilon": "0.1"}, "r-1")
        assert spine.gate.explain(request, spine.query).allowed
        cached = _each(lambda: spine.gate.explain(request, spine.query), sizes.of(100_000), 5)
        cold = _cold(lambda: spine.gate.explain(request, spine.query), space, sizes.of(300))

        analyst = space.acting_as("analyst1", purpose="research")

        def refuse() -> None:
            try:
                analyst.query("visits", worlds.QUERY, epsilon="5000")
            except Refused:
                return
            raise AssertionError("it must be refused")

        refused, bare = interleaved(sizes.of(300), refuse, bare_commit(folder / "bare.db"))
    return cached, cold, refused, bare


def _each(work: Callable[[], object], many: int, repeat: int) -> Spent:
    def loop() -> None:
        for _ in range(many):
            work()

    whole = median([timed(loop) for _ in range(repeat)])
    return Spent(whole.wall_s / many, whole.cpu_s / many, whole.peak_mib)


def _cold(work: Callable[[], object], space: worlds.Space, many: int) -> Spent:
    """Decide after a commit each time; the commit is not timed."""
    from hedgerow.model.records import Setting

    found = []
    for at in range(many):
        with space.opened.store.write() as tx:
            tx.put(Setting("bench", str(at)))
        found.append(timed(work))
    return median(found)


def bare_commit(path: Path) -> Callable[[], None]:
    """Give the least that a durable entry costs: one row of a journal entry's size, forced to the disk."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")

    def commit() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t (body) VALUES (?)", (b"x" * 1000,))
        connection.execute("COMMIT")

    return commit
