"""The vault and its keys: putting, getting and erasing people, and moving all of them to a new master key.

The peer of putting and getting is plain SQLite: the same references and values in one table, without any
encryption, with the same size of transaction and the same durability.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import worlds
from frame import SEED, Row, Sizes, Spent, apart, interleaved, seconds, timed, told

if TYPE_CHECKING:
    from hedgerow.app.space import Space

BATCH = 1000
GETS = 20_000
ERASURES = 200
VALUE = "x" * 200


def rows(sizes: Sizes) -> Iterator[Row]:
    many = sizes.of(1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        put, plain_put, get, plain_get, erase, rotate = apart(measure, Path(folder), many, sizes.of(ERASURES))
    size = sizes.millions(1_000_000)
    yield _against(f"put {size} new people, {BATCH} a transaction", put, plain_put)
    yield _against(f"get {GETS:,} people by reference", get, plain_get)
    p99 = statistics.quantiles(erase, n=100)[-1]
    yield Row(
        f"erase one of {size}, 99th percentile",
        f"{seconds(p99)} (median {seconds(statistics.median(erase))})",
        figures={"p99_s": p99, "median_s": statistics.median(erase)},
    )
    yield Row(
        f"move {size} people to a new master key and destroy the old",
        str(rotate),
        figures={"wall_s": rotate.wall_s, "cpu_s": rotate.cpu_s, "peak_mib": rotate.peak_mib},
    )


def _against(name: str, ours: Spent, plain: Spent) -> Row:
    figures = {"wall_s": ours.wall_s, "cpu_s": ours.cpu_s, "peer_wall_s": plain.wall_s}
    return Row(name, str(ours), f"plain SQLite {plain}", ours.wall_s / plain.wall_s, figures=figures)


def measure(folder: Path, many: int, erasures: int) -> tuple[Spent, Spent, Spent, Spent, list[float], Spent]:
    refs = [f"P-{number:08d}" for number in range(many)]
    batches = [refs[at : at + BATCH] for at in range(0, many, BATCH)]
    plain = _plain(folder / "plain.db")
    with worlds.opened(folder / "space", create=True) as space:
        with told(f"put {many:,} people twice"):
            put, plain_put = _by_turns(
                batches, lambda some: _put(space, some), lambda some: _insert(plain, some)
            )
        chosen = random.Random(SEED).sample(refs, GETS + erasures)
        wanted = chosen[:GETS]
        get, plain_get = interleaved(3, lambda: _get(space, wanted), lambda: _select(plain, wanted))
        erase = [timed(lambda ref=ref: _erase(space, ref)).wall_s for ref in chosen[GETS:]]
        rotate = timed(lambda: space.service.change_epoch(is_ending=True))
    return put, plain_put, get, plain_get, erase, rotate


def _by_turns(
    batches: Sequence[Sequence[str]], *works: Callable[[Sequence[str]], object]
) -> tuple[Spent, ...]:
    """Give each contender the same batches in turns and add up what each took."""
    totals = [[0.0, 0.0] for _ in works]
    peak = 0.0
    for some in batches:
        for total, work in zip(totals, works, strict=True):
            wall, cpu = time.perf_counter(), time.process_time()
            work(some)
            total[0] += time.perf_counter() - wall
            total[1] += time.process_time() - cpu
    return tuple(Spent(wall, cpu, peak) for wall, cpu in totals)


def _plain(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE people (ref TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
    return connection


def _insert(plain: sqlite3.Connection, refs: Sequence[str]) -> None:
    plain.execute("BEGIN IMMEDIATE")
    plain.executemany("INSERT INTO people VALUES (?, ?)", ((ref, VALUE) for ref in refs))
    plain.execute("COMMIT")


def _select(plain: sqlite3.Connection, refs: Sequence[str]) -> None:
    for ref in refs:
        plain.execute("SELECT value FROM people WHERE ref = ?", (ref,)).fetchone()


def _put(space: Space, refs: Sequence[str]) -> None:
    spine = space.opened.spine
    subjects, people = spine.vault.enrol([spine.vault.lookup(ref) for ref in refs])
    fields = spine.vault.seal_fields("people", "value", [(person, [VALUE]) for person in people])
    with spine.store.write() as tx:
        spine.vault.admit(tx, subjects)
        tx.add(fields)


def _get(space: Space, refs: Sequence[str]) -> None:
    vault, names = space.opened.spine.vault, frozenset({"value"})
    with space.opened.store.read() as reader:
        for ref in refs:
            person = vault.find(reader, ref)
            if person is None or vault.fields(reader, person, "people", names)["value"] != [VALUE]:
                raise AssertionError(ref)


def _erase(space: Space, ref: str) -> None:
    space.opened.spine.erasure.erase(ref, space.service.actor)
