"""Blind indexes: making one over many people, finding people by it, and rotating it.

The peer is plain SQLite: the same addresses in one table with an index, without encryption. A find of ours
is the look-up of the term alone, without the gate and the journal, whose cost the bench ``gate`` tells.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import worlds
from frame import SEED, Row, Sizes, Spent, apart, interleaved, timed, told

if TYPE_CHECKING:
    from hedgerow.app.space import Space

BATCH = 20_000
FINDS = 20_000
MAIL = "email"


def rows(sizes: Sizes) -> Iterator[Row]:
    many = sizes.of(1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        make, find, plain_find, rotate, plain_make = apart(measure, Path(folder), many)
    size = sizes.millions(1_000_000)
    yield _against(f"make an index over {size} people", make, plain_make)
    yield _against(f"find {FINDS:,} of {size} people by an address", find, plain_find)
    yield Row(
        f"rotate the index of {size} people",
        str(rotate),
        figures={"wall_s": rotate.wall_s, "cpu_s": rotate.cpu_s, "peak_mib": rotate.peak_mib},
    )


def _against(name: str, ours: Spent, plain: Spent) -> Row:
    figures = {"wall_s": ours.wall_s, "cpu_s": ours.cpu_s, "peer_wall_s": plain.wall_s}
    return Row(name, str(ours), f"plain SQLite {plain}", ours.wall_s / plain.wall_s, figures=figures)


def measure(folder: Path, many: int) -> tuple[Spent, Spent, Spent, Spent, Spent]:
    addresses = [f"person.{number:08d}@example.org" for number in range(many)]
    plain, plain_make = _plain(folder / "plain.db", addresses)
    with worlds.opened(folder / "space", create=True) as space:
        with told(f"put {many:,} people"):
            _put(space, addresses)
        make = timed(lambda: space.service.make_index("people", MAIL, "email"))
        wanted = random.Random(SEED).sample(addresses, FINDS)
        find, plain_find = interleaved(3, lambda: _find(space, wanted), lambda: _select(plain, wanted))
        rotate = timed(lambda: space.service.rotate_index("people", MAIL))
    plain.close()
    return make, find, plain_find, rotate, plain_make


def _plain(path: Path, addresses: Sequence[str]) -> tuple[sqlite3.Connection, Spent]:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE people (number INTEGER PRIMARY KEY, address TEXT)")
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO people VALUES (?, ?)", enumerate(addresses))
    connection.execute("COMMIT")
    return connection, timed(lambda: connection.execute("CREATE INDEX by_address ON people (address)"))


def _select(plain: sqlite3.Connection, addresses: Sequence[str]) -> None:
    for address in addresses:
        plain.execute("SELECT number FROM people WHERE address = ?", (address,)).fetchone()


def _put(space: Space, addresses: Sequence[str]) -> None:
    from hedgerow.model.records import Dataset, DatasetColumn, Member

    vault, store = space.opened.spine.vault, space.opened.store
    with store.write() as tx:
        tx.put(Dataset("people", 1, "ref", "2026-01-01T00:00:00.000Z", len(addresses), len(addresses)))
        tx.add([DatasetColumn("people", 0, MAIL, "text", "direct-identifier", "email", in_vault=True)])
    for at in range(0, len(addresses), BATCH):
        some = addresses[at : at + BATCH]
        new = vault.newcomers(map(vault.lookup, some))
        fields = vault.seal_rows("people", MAIL, new.numbers, new.keys, [[address] for address in some])
        with store.write() as tx:
            vault.admit(tx, new)
            vault.add_fields(tx, fields)
            tx.add(Member("people", number, 1) for number in new.numbers)


def _find(space: Space, addresses: Sequence[str]) -> None:
    indexes = space.opened.spine.indexes
    with space.opened.store.read() as reader:
        index = indexes.current(reader, "people", MAIL)
        for address in addresses:
            if len(indexes.find(reader, index, address)) != 1:
                raise AssertionError(address)
