"""The same as the bench of keys, with the records in PostgreSQL: people put, got, erased, moved to a new key.

The peer is the same work in plain PostgreSQL on the same server: the same two tables with the same keys and
the same index by reference, holding the references and values as they are; numbers drawn as the vault draws
them, references in no order; the same size of transaction and the same durability. One person a question is
compared with one, a thousand with a thousand. Processor seconds are those of the
client; the server's are in the wall.
"""

from __future__ import annotations

import importlib.util
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frame import SEED, Row, Sizes, Spent, apart, interleaved, timed, told
from keys_bench import BATCH, HELD, VALUE, erased_in_turns, erasing, get_apiece, get_many, put_people

if TYPE_CHECKING:
    from hedgerow.app.space import Space

PAGE = 20_000
GETS, ERASURES = 20_000, 200
PUT_RATIO, GET_RATIO, ERASE_S, MOVE_S = 4.0, 2.0, 0.010, 45.0
SETTINGS = {"fsync": "on", "shared_buffers": "512MB", "max_wal_size": "4GB"}
PEER = "plain PostgreSQL, same tables"


def rows(sizes: Sizes) -> Iterator[Row]:
    sys.path.append(str(Path(__file__).resolve().parent.parent))
    from tests import postgres

    found = postgres.find() if importlib.util.find_spec("psycopg") else None
    if found is None:
        yield Row("people in PostgreSQL", "not measured: no PostgreSQL 15 or newer, or no psycopg, is here")
        return
    many, size, is_full = sizes.of(1_000_000), sizes.millions(1_000_000), not sizes.quick
    with postgres.with_roles(*found, SETTINGS) as server, tempfile.TemporaryDirectory() as folder:
        put, get, erased, moved = apart(measure, server, Path(folder) / "files", many, sizes.of(ERASURES))
    yield _against(f"PostgreSQL: put {size} new people, {BATCH} a transaction", *put, PUT_RATIO)
    yield _against(f"PostgreSQL: get {GETS:,} people, one by one", *get[0], GET_RATIO)
    yield _against(f"PostgreSQL: get {GETS:,} people, {BATCH} a question", *get[1], GET_RATIO)
    destroyed, whole, deleted = erased
    name = f"PostgreSQL: erase one of {size}: its key"
    yield erasing(name, destroyed, deleted, is_judged=is_full)
    yield erasing(f"{name}, and a checkpoint of the server", whole, deleted)
    name = f"PostgreSQL: move {size} people to a new master key and destroy the old"
    ours, peer = moved
    yield Row(
        name,
        str(ours),
        f"{PEER}, values replaced {peer}",
        ours.wall_s / peer.wall_s,
        f"<= {MOVE_S:.0f} s" if is_full else "",
        ours.wall_s <= MOVE_S if is_full else None,
        figures={"wall_s": ours.wall_s, "cpu_s": ours.cpu_s, "peer_wall_s": peer.wall_s},
    )


def _against(name: str, ours: Spent, peer: Spent, most: float | None = None) -> Row:
    figures = {"wall_s": ours.wall_s, "cpu_s": ours.cpu_s, "peer_wall_s": peer.wall_s}
    ratio = ours.wall_s / peer.wall_s
    target, is_met = (f"<= {most:.0f} x", ratio <= most) if most else ("", None)
    return Row(name, str(ours), f"{PEER} {peer}", ratio, target, is_met, figures)


Pair = tuple[Spent, Spent]


def measure(
    server: Any, files: Path, many: int, erasures: int
) -> tuple[Pair, list[Pair], tuple[list[float], list[float], list[float]], Pair]:
    refs = [f"P-{number:08d}" for number in range(many)]
    random.Random(SEED).shuffle(refs)
    chosen = random.Random(SEED).sample(refs, GETS + erasures)
    wanted, gone = chosen[:GETS], chosen[GETS:]
    with _both(server, files) as (space, plain):
        with told(f"put {many:,} people twice"):
            put = _by_turns(refs, lambda some: put_people(space, some), lambda some: _insert(plain, some))
        one = interleaved(3, lambda: get_apiece(space, wanted), lambda: _select(plain, wanted))
        batch = interleaved(3, lambda: get_many(space, wanted), lambda: _select_many(plain, wanted))
        erased = erased_in_turns(space, gone, partial(_delete, plain))
        with told(f"move {many:,} people, and replace as many plain values"):
            moved = timed(lambda: space.service.change_epoch(is_ending=True))
            replaced = timed(lambda: _replace(plain))
    return put, [(one[0], one[1]), (batch[0], batch[1])], erased, (moved, replaced)


@contextmanager
def _both(server: Any, files: Path) -> Iterator[tuple[Space, Any]]:
    """Open a workspace and, in another database of the server, a plain table."""
    import psycopg
    from tests import postgres

    import hedgerow as hr
    from hedgerow.adapters.store.postgres import PostgresStore

    database = postgres.Database(server, server.new_database(postgres.OWNER))
    PostgresStore.set_up(database.owner, postgres.APPLICATION)
    other = server.url(postgres.OWNER, server.new_database(postgres.OWNER))
    with (
        hr.create(database.application, files=files) as space,
        psycopg.connect(other, autocommit=True) as plain,
    ):
        plain.execute("CREATE TABLE people (number bigint PRIMARY KEY, reference text, created text)")
        plain.execute("CREATE UNIQUE INDEX by_reference ON people (reference)")
        plain.execute(
            "CREATE TABLE fields (number bigint, dataset text, name text, value text,"
            " PRIMARY KEY (number, dataset, name))"
        )
        yield space, plain


def _by_turns(refs: Sequence[str], *works: Callable[[Sequence[str]], object]) -> Pair:
    """Give both the same batches in turns and add up what each took."""
    totals = [[0.0, 0.0] for _ in works]
    for at in range(0, len(refs), BATCH):
        for total, work in zip(totals, works, strict=True):
            wall, cpu = time.perf_counter(), time.process_time()
            work(refs[at : at + BATCH])
            total[0] += time.perf_counter() - wall
            total[1] += time.process_time() - cpu
    ours, peer = (Spent(wall, cpu, 0.0) for wall, cpu in totals)
    return ours, peer


def _insert(plain: Any, refs: Sequence[str]) -> None:
    first, many = random.getrandbits(22) << 40, len(refs)
    numbers = sorted(random.sample(range(first, first + (1 << 40)), many))
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    with plain.transaction():
        text = "INSERT INTO people SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[])"
        plain.execute(text, (numbers, list(refs), [now] * many))
        text = "INSERT INTO fields SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])"
        plain.execute(text, (numbers, [HELD[0]] * many, [HELD[1]] * many, [VALUE] * many))


_JOINED = "SELECT reference, value FROM people JOIN fields USING (number) WHERE dataset = %s AND name = %s"


def _select(plain: Any, refs: Sequence[str]) -> None:
    with plain.transaction():
        for ref in refs:
            plain.execute(f"{_JOINED} AND reference = %s", (*HELD, ref)).fetchone()


def _select_many(plain: Any, refs: Sequence[str]) -> None:
    with plain.transaction():
        for at in range(0, len(refs), BATCH):
            some = list(refs[at : at + BATCH])
            text = f"{_JOINED} AND reference = ANY(%s::text[])"
            list(map(dict(plain.execute(text, (*HELD, some)).fetchall()).get, some))


def _delete(plain: Any, ref: str) -> None:
    with plain.transaction():
        number = plain.execute("SELECT number FROM people WHERE reference = %s", (ref,)).fetchone()
        plain.execute("DELETE FROM fields WHERE number = %s", number)
        plain.execute("DELETE FROM people WHERE number = %s", number)


def _replace(plain: Any) -> None:
    """Replace every value, a page of people to a transaction, in the order of their numbers."""
    page = "SELECT number FROM fields WHERE number > %s ORDER BY number LIMIT %s"
    text = "UPDATE fields f SET value = v.new FROM unnest(%s::bigint[], %s::text[]) v(number, new)"
    text += " WHERE f.number = v.number AND f.number BETWEEN %s AND %s"
    after = -1
    while some := [number for (number,) in plain.execute(page, (after, PAGE)).fetchall()]:
        plain.execute(text, (some, [VALUE[::-1]] * len(some), some[0], some[-1]))
        after = some[-1]
