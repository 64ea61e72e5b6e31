"""The journal: how fast it grows, how long it takes to verify, and a proof out of tiles."""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import worlds
from frame import SEED, Row, Sizes, Spent, apart, interleaved, seconds, timed
from gate_bench import bare_commit

GROUP = 1000
LEAST_PER_S, MOST_VERIFY_S, MOST_PROOF_S = 20_000, 10.0, 1e-3


def rows(sizes: Sizes) -> Iterator[Row]:
    many = sizes.of(1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        one, bare, batch, plain, verify = apart(measure, Path(folder), many, sizes.of(300))
        cold, warm = apart(prove, Path(folder), many)
    yield Row(
        "journal: one entry in a transaction of its own, median",
        str(one),
        f"bare SQLite commit {seconds(bare.wall_s)}",
        one.wall_s / bare.wall_s,
        figures={"wall_s": one.wall_s, "cpu_s": one.cpu_s, "commit_s": bare.wall_s},
    )
    rate, others = many / batch.wall_s, many / plain.wall_s
    yield Row(
        f"journal: durable entries a second, {GROUP:,} to a commit",
        f"{rate:,.0f} (a processor second: {many / batch.cpu_s:,.0f})",
        f"plain SQLite rows, as many to a commit: {others:,.0f}",
        others / rate,
        f">= {LEAST_PER_S:,}",
        rate >= LEAST_PER_S,
        figures={"per_s": rate, "per_cpu_s": many / batch.cpu_s, "plain_per_s": others},
    )
    yield Row(
        f"journal: verify {many:,} entries",
        f"{verify}, peak {verify.peak_mib:.0f} MiB",
        target=f"<= {seconds(MOST_VERIFY_S)} a million",
        is_met=verify.wall_s <= MOST_VERIFY_S,
        figures={"wall_s": verify.wall_s, "cpu_s": verify.cpu_s, "entries": many, "mib": verify.peak_mib},
    )
    yield Row(
        f"journal: inclusion proof from tiles on the disk, {many:,} entries, nothing read before",
        seconds(cold),
        f"with tiles read before {seconds(warm)}",
        target=f"<= {seconds(MOST_PROOF_S)}",
        is_met=cold <= MOST_PROOF_S,
        figures={"cold_s": cold, "warm_s": warm},
    )


def measure(folder: Path, many: int, few: int) -> tuple[Spent, Spent, Spent, Spent, Spent]:
    from hedgerow.model.uses import Actor

    with worlds.opened(folder / "space", create=True) as space:
        journal, store, actor = (
            space.opened.spine.journal,
            space.opened.spine.store,
            Actor("owner", "analyst1"),
        )
        facts = {
            "dataset": "visits",
            "purpose": "research",
            "columns": ["ward", "cost"],
            "cost": {"pure": "1/10"},
        }

        def append() -> None:
            with store.write() as tx:
                journal.append(tx, "use.intend", actor, facts)

        def fill() -> None:
            for _ in range(0, many, GROUP):
                with store.write() as tx:
                    journal.append_many(tx, "use.intend", actor, [facts] * GROUP)

        one, bare = interleaved(few, append, bare_commit(folder / "bare.db"))
        batch = timed(fill)
        plain = timed(lambda: plain_rows(folder / "plain.db", many))
    # The log was written by a process that kept nothing of it: what verifying keeps is its own.
    with worlds.opened(folder / "space") as space, space.opened.store.read() as reader:
        verify = timed(lambda: space.opened.spine.journal.verify(reader))
    return one, bare, batch, plain, verify


def plain_rows(path: Path, many: int) -> None:
    """Commit rows of the same size, as many to a commit, with the same durability."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, body BLOB, note TEXT)")
    body, note = b"x" * 240, "y" * 49
    for start in range(0, many, GROUP):
        connection.execute("BEGIN IMMEDIATE")
        rows = ((at, body, note) for at in range(start, start + GROUP))
        connection.executemany("INSERT INTO log VALUES (?,?,?)", rows)
        connection.execute("COMMIT")
    connection.close()


def prove(folder: Path, many: int) -> tuple[float, float]:
    """Give the median time of a proof by a reader that has read nothing, and by one that goes on."""
    from hedgerow.app.tiles import TileFolder
    from hedgerow.kernel.merkle.tiles import TileBuilder, TileProofs

    tiles = TileFolder(folder / "tiles")
    tiles.grow(TileBuilder(), (b"entry %d" % at for at in range(many)), 0, b"")
    draw, one = random.Random(SEED), TileProofs(many, tiles.read)
    places = [draw.randrange(many) for _ in range(200)]
    cold = [timed(lambda at=at: TileProofs(many, tiles.read).inclusion(at)).wall_s for at in places]
    warm = [timed(lambda at=at: one.inclusion(at)).wall_s for at in places]
    return statistics.median(cold), statistics.median(warm)
