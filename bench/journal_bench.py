"""The journal: how fast it grows, and how long it takes to verify."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import worlds
from frame import Row, Sizes, Spent, apart, interleaved, seconds, timed
from gate_bench import bare_commit


def rows(sizes: Sizes) -> Iterator[Row]:
    many = sizes.of(100_000)
    with tempfile.TemporaryDirectory() as folder:
        one, bare, batch, verify = apart(measure, Path(folder), many, sizes.of(300))
    yield Row(
        "journal: one entry in a transaction of its own, median",
        str(one),
        f"bare SQLite commit {seconds(bare.wall_s)}",
        one.wall_s / bare.wall_s,
        figures={"wall_s": one.wall_s, "cpu_s": one.cpu_s, "commit_s": bare.wall_s},
    )
    rate = many / batch.wall_s
    yield Row("journal: entries a second in one transaction", f"{rate:,.0f}", figures={"per_s": rate})
    yield Row(
        f"journal: verify {many:,} entries",
        f"{verify}, peak {verify.peak_mib:.0f} MiB",
        figures={"wall_s": verify.wall_s, "cpu_s": verify.cpu_s, "entries": many},
    )


def measure(folder: Path, many: int, few: int) -> tuple[Spent, Spent, Spent, Spent]:
    from hedgerow.model.uses import Actor

    with worlds.opened(folder / "space", create=True) as space:
        journal, store, actor = space.opened.spine.journal, space.opened.store, Actor("owner", "analyst1")
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
            with store.write() as tx:
                for _ in range(many):
                    journal.append(tx, "use.intend", actor, facts)

        one, bare = interleaved(few, append, bare_commit(folder / "bare.db"))
        batch = timed(fill)
        with store.read() as reader:
            verify = timed(lambda: journal.verify(reader))
    return one, bare, batch, verify
