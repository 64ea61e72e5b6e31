"""The vault and its keys: putting, getting and erasing people, and moving all to a new master key.

The peer of putting, getting and erasing is the same work in plain SQLite: the same two tables with the same
keys and the same index by reference, holding the references and values as they are; people under random
numbers drawn as the vault draws them, references in no order, as they come from a source; the same size of
transaction and the same pragmas. One person a question is compared with one, a thousand with a thousand.

Beside it stand, unjudged: the leanest plain table there is, of reference and value, to which references that
come in order are only appended; SQLite alone writing the very rows of the vault, made of random bytes
beforehand, with the bare cryptography of one thread; and reading by number, as a lease does.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import worlds
from frame import SEED, Row, Sizes, Spent, apart, growth, interleaved, seconds, timed, told
from hedgerow.app.keyplaces import Place
from hedgerow.model.records import Subject

if TYPE_CHECKING:
    from tests import hsm

    from hedgerow.app.space import Space

BATCH = 1000
GETS = 20_000
ERASURES = 200
VALUE = "x" * 200
PUT_RATIO, GET_RATIO, ERASE_S, MOVE_S, TOKEN_S = 4.0, 2.0, 0.010, 15.0, 120.0
HELD = ("people", "value")


@dataclass(frozen=True)
class Measured:
    """What one process measured; ``put`` holds the contenders at growing sizes.

    Args:
        put: Of the vault, plain SQLite, the lean table, and SQLite alone.
        get: Of the vault and plain SQLite: one by one, many a question, by number; then of the lean table,
            one by one, and of SQLite alone, joined.
    """

    put: dict[int, list[Spent]]
    get: list[Spent]
    sealing: Spent
    destroyed: list[float]
    erased: list[float]
    deleted: list[float]
    moved: Spent
    in_token: tuple[Spent, Spent, Spent] | None


def rows(sizes: Sizes) -> Iterator[Row]:
    many = sizes.of(1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        found = apart(measure, Path(folder), many, sizes.of(ERASURES))
    size, is_full = sizes.millions(1_000_000), not sizes.quick
    vault, plain, lean, alone = found.put[many]
    gets, apiece = f"get {GETS:,} people by reference", f"erase one of {size}"
    name = f"put {size} new people, {BATCH} a transaction"
    put_most, get_most = (PUT_RATIO, GET_RATIO) if is_full else (None, None)
    yield _against(name, vault, "plain SQLite, same tables", plain, put_most)
    yield _against(f"{name}: one table, in order", vault, "lean SQLite", lean)
    limit = Spent(alone.wall_s + found.sealing.wall_s, alone.cpu_s + found.sealing.cpu_s, 0.0)
    yield _against(f"{name}: limit", vault, "SQLite alone and bare seals, one thread", limit)
    smaller = sorted(found.put)
    for few, more in itertools.pairwise(smaller):
        yield growth(f"growth of putting, {few:,} to {more:,} people", found.put[few][0], found.put[more][0])
    one, one_plain, batch, batch_plain, leased, leased_plain, lean, joins = found.get
    peer = "plain SQLite, same tables"
    yield _against(f"{gets}, one by one", one, peer, one_plain, get_most)
    yield _against(f"{gets}, {BATCH} a question", batch, f"{peer}, {BATCH} a question", batch_plain, get_most)
    yield _against(f"get {GETS:,} people by number, as a lease does", leased, peer, leased_plain)
    yield _against(f"{gets}, one by one: one table", one, "lean SQLite", lean)
    yield _against(f"{gets}, one by one: limit of the reading", one, "SQLite alone, joined", joins)
    yield erasing(f"{apiece}: its key", found.destroyed, found.deleted, is_judged=is_full)
    yield erasing(f"{apiece}: its key, and the log emptied", found.erased, found.deleted)
    yield _moving(
        f"move {size} people to a new master key and destroy the old", found.moved, MOVE_S * is_full
    )
    yield from _in_token(size, found.in_token, is_judged=is_full)


def _moving(name: str, ours: Spent, most_s: float, peer: Spent | None = None) -> Row:
    return Row(
        name,
        str(ours),
        f"bare calls of the token {peer}" if peer else "",
        ours.wall_s / peer.wall_s if peer else None,
        f"<= {most_s:.0f} s" if most_s else "",
        ours.wall_s <= most_s if most_s else None,
        {"wall_s": ours.wall_s, "cpu_s": ours.cpu_s, "peak_mib": ours.peak_mib},
    )


def _in_token(size: str, found: tuple[Spent, Spent, Spent] | None, *, is_judged: bool) -> Iterator[Row]:
    if found is None:
        yield Row("keys in a token", "not measured: no SoftHSM 2, or no python-pkcs11, is here")
        return
    into, moved, bare = found
    yield _moving(f"move {size} people from the key file into a token", into, 0)
    yield _moving(f"move {size} people to a new master key in the token", moved, TOKEN_S * is_judged, bare)


def _against(name: str, ours: Spent, what: str, peer: Spent, most: float | None = None) -> Row:
    figures = {
        "wall_s": ours.wall_s,
        "cpu_s": ours.cpu_s,
        "peer_wall_s": peer.wall_s,
        "peer_cpu_s": peer.cpu_s,
    }
    ratio = ours.wall_s / peer.wall_s
    target, is_met = (f"<= {most:g} x", ratio <= most) if most else ("", None)
    return Row(name, str(ours), f"{what} {peer}", ratio, target, is_met, figures)


def erasing(name: str, ours: Sequence[float], peer: Sequence[float], *, is_judged: bool = False) -> Row:
    p99, beside = _p99(ours), _p99(peer)
    return Row(
        f"{name}, 99th percentile",
        f"{seconds(p99)} (median {seconds(statistics.median(ours))})",
        f"one person deleted durably {seconds(beside)} (median {seconds(statistics.median(peer))})",
        p99 / beside,
        f"<= {ERASE_S * 1e3:.0f} ms" if is_judged else "",
        p99 <= ERASE_S if is_judged else None,
        {"p99_s": p99, "median_s": statistics.median(ours), "peer_p99_s": beside},
    )


def _p99(each: Sequence[float]) -> float:
    return statistics.quantiles(each, n=100)[-1]


def measure(folder: Path, many: int, erasures: int) -> Measured:
    in_order = [f"P-{number:08d}" for number in range(many)]
    refs = random.Random(SEED).sample(in_order, many)
    plain, lean, alone = _plain(folder / "plain.db"), _lean(folder / "lean.db"), _alone(folder / "alone.db")
    appended = iter(in_order)
    with worlds.opened(folder / "space", create=True) as space:
        with told(f"put {many:,} people four times"):
            put = _grown(
                refs,
                lambda some: lambda: put_people(space, some),
                lambda some: lambda: _insert(plain, some),
                lambda some: partial(_insert_lean, lean, list(itertools.islice(appended, len(some)))),
                lambda some: _insert_alone(alone, len(some)),
            )
        chosen = random.Random(SEED).sample(in_order, GETS + erasures)
        get = _got(space, plain, lean, alone, chosen[:GETS])
        destroyed, erased, deleted = erased_in_turns(space, chosen[GETS:], partial(_delete, plain))
        with told(f"move {many:,} people to a new key, into a token, to a new key there"):
            moved = timed(lambda: space.service.change_epoch(is_ending=True))
            in_token = _moved_in_token(space, folder, many)
    return Measured(put, get, _sealed(many), destroyed, erased, deleted, moved, in_token)


def _moved_in_token(space: Space, folder: Path, many: int) -> tuple[Spent, Spent, Spent] | None:
    """Move all into a token, then to a new key in it; then as many bare calls of the token, one thread."""
    sys.path.append(str(Path(__file__).resolve().parent.parent))
    from tests import hsm

    if hsm.find() is None or importlib.util.find_spec("pkcs11") is None:
        return None
    (folder / "token").mkdir()
    token = hsm.make_token(folder / "token")
    os.environ.update(token.environment)
    place = Place("pkcs11", token.label, lambda: token.pin)
    into = timed(lambda: space.service.move_keys(place, folder / "space"))
    moved = timed(lambda: space.service.change_epoch(is_ending=True))
    return into, moved, timed(lambda: _bare_token(token, many))


def _bare_token(token: hsm.Token, many: int) -> None:
    """Decrypt and encrypt in the token as often as moving does, with nothing around it."""
    import pkcs11
    from pkcs11 import Attribute, KeyType, Mechanism

    held = pkcs11.lib(str(token.module)).get_token(token_label=token.label)
    session = held.open(rw=True)  # this process is logged in there already
    key = session.generate_key(KeyType.AES, 256, template={Attribute.SENSITIVE: True})
    how = {"mechanism": Mechanism.AES_GCM, "mechanism_param": pkcs11.GCMParams(bytes(12), bytes(80), 128)}
    secret = key.encrypt(bytes(32), **how)
    for _ in range(many):
        key.decrypt(secret, **how)
        key.encrypt(bytes(32), **how)


def _got(
    space: Space,
    plain: sqlite3.Connection,
    lean: sqlite3.Connection,
    alone: sqlite3.Connection,
    wanted: Sequence[str],
) -> list[Spent]:
    """Read the same people in turns, everyone by the same means."""
    keyed = [ref for (ref,) in alone.execute("SELECT lookup FROM subjects LIMIT ?", (GETS,))]
    random.Random(SEED).shuffle(keyed)
    vault = space.opened.spine.vault
    with space.opened.store.read() as reader:
        lookups = [vault.lookup(ref) for ref in wanted]
        leased = [
            number for (number, _) in reader.rows_any(Subject, ("number", "created"), "lookup", lookups)
        ]
    asked = "SELECT number FROM people WHERE reference = ?"
    numbers = [plain.execute(asked, (ref,)).fetchone()[0] for ref in wanted]
    return interleaved(
        3,
        lambda: get_apiece(space, wanted),
        lambda: _select(plain, "reference", wanted),
        lambda: get_many(space, wanted),
        lambda: _select_many(plain, wanted),
        lambda: _get_leased(space, leased),
        lambda: _select(plain, "number", numbers),
        lambda: _select_lean(lean, wanted),
        lambda: _join(alone, keyed),
    )


def _grown(
    refs: Sequence[str], *contenders: Callable[[Sequence[str]], Callable[[], object]]
) -> dict[int, list[Spent]]:
    """Give contenders the same batches in turns; tell what each took by a hundredth, a tenth, the whole."""
    totals = [[0.0, 0.0] for _ in contenders]
    marks, found = {len(refs) // 100, len(refs) // 10, len(refs)}, {}
    for at in range(0, len(refs), BATCH):
        for total, make in zip(totals, contenders, strict=True):
            work = make(refs[at : at + BATCH])
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            total[0] += time.perf_counter() - wall
            total[1] += time.process_time() - cpu
        if at + BATCH in marks:
            found[at + BATCH] = [Spent(wall, cpu, 0.0) for wall, cpu in totals]
    return found


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "wal_autocheckpoint=16000"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _plain(path: Path) -> sqlite3.Connection:
    connection = _opened(path)
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute(
        "CREATE TABLE people (number INTEGER PRIMARY KEY, reference TEXT, created TEXT) STRICT"
    )
    connection.execute("CREATE UNIQUE INDEX by_reference ON people (reference)")
    connection.execute(
        "CREATE TABLE fields (number INTEGER, dataset TEXT, name TEXT, value TEXT,"
        " PRIMARY KEY (number, dataset, name)) STRICT, WITHOUT ROWID"
    )
    return connection


def _lean(path: Path) -> sqlite3.Connection:
    connection = _opened(path)
    connection.execute("CREATE TABLE people (ref TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
    return connection


def _alone(path: Path) -> sqlite3.Connection:
    connection = _opened(path)
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute(
        "CREATE TABLE subjects (number INTEGER PRIMARY KEY, lookup BLOB, wrapped BLOB, created TEXT)"
    )
    connection.execute("CREATE INDEX by_lookup ON subjects (lookup)")
    connection.execute(
        "CREATE TABLE fields (number INTEGER, dataset TEXT, name TEXT, sealed BLOB,"
        " PRIMARY KEY (number, dataset, name)) WITHOUT ROWID"
    )
    return connection


def _numbers(many: int) -> list[int]:
    """Draw numbers as the vault does: random, those of one transaction in one range, and in order."""
    first = random.getrandbits(22) << 40
    return sorted(random.sample(range(first, first + (1 << 40)), many))


def _insert_alone(alone: sqlite3.Connection, many: int) -> Callable[[], object]:
    numbers = _numbers(many)
    subjects = [(n, os.urandom(32), os.urandom(77), "2026-01-01T00:00:00Z") for n in numbers]
    fields = [(n, "people", "value", os.urandom(len(VALUE) + 33)) for n in numbers]

    def work() -> None:
        alone.execute("BEGIN IMMEDIATE")
        alone.executemany("INSERT INTO subjects VALUES (?, ?, ?, ?)", subjects)
        alone.executemany("INSERT INTO fields VALUES (?, ?, ?, ?)", fields)
        alone.execute("COMMIT")

    return work


def _join(alone: sqlite3.Connection, keyed: Sequence[bytes]) -> None:
    text = "SELECT wrapped, sealed FROM subjects s CROSS JOIN fields f USING (number) WHERE lookup = ?"
    for lookup in keyed:
        alone.execute(text, (lookup,)).fetchone()


def _sealed(many: int) -> Spent:
    """Wrap a fresh key and seal a value for each of many people, with nothing around it."""
    master, keys = AESGCM(os.urandom(32)), [os.urandom(32) for _ in range(BATCH)]
    nonce, value, bound = os.urandom(12), VALUE.encode(), bytes(80)

    def work() -> None:
        for _ in range(many // BATCH):
            for key in keys:
                master.encrypt(nonce, key, bound)
                AESGCM(key).encrypt(nonce, value, bound)

    return timed(work)


def _insert(plain: sqlite3.Connection, refs: Sequence[str]) -> None:
    numbers = _numbers(len(refs))
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    plain.execute("BEGIN IMMEDIATE")
    plain.executemany("INSERT INTO people VALUES (?, ?, ?)", zip(numbers, refs, itertools.repeat(now)))
    rows = ((number, *HELD, VALUE) for number in numbers)
    plain.executemany("INSERT INTO fields VALUES (?, ?, ?, ?)", rows)
    plain.execute("COMMIT")


def _insert_lean(lean: sqlite3.Connection, refs: Sequence[str]) -> None:
    lean.execute("BEGIN IMMEDIATE")
    lean.executemany("INSERT INTO people VALUES (?, ?)", ((ref, VALUE) for ref in refs))
    lean.execute("COMMIT")


_JOINED = (
    "SELECT reference, value FROM people CROSS JOIN fields USING (number) WHERE dataset = ? AND name = ?"
)


def _select(plain: sqlite3.Connection, by: str, values: Sequence[object]) -> None:
    text = f"{_JOINED} AND {by} = ?"
    plain.execute("BEGIN")
    for each in values:
        if plain.execute(text, (*HELD, each)).fetchone()[1] != VALUE:
            raise AssertionError(each)
    plain.execute("COMMIT")


def _select_many(plain: sqlite3.Connection, refs: Sequence[str]) -> None:
    plain.execute("BEGIN")
    for at in range(0, len(refs), BATCH):
        some = refs[at : at + BATCH]
        text = f"{_JOINED} AND reference IN ({', '.join('?' * len(some))})"
        found = dict(plain.execute(text, (*HELD, *some)).fetchall())
        if list(map(found.get, some)) != [VALUE] * len(some):
            raise AssertionError(at)
    plain.execute("COMMIT")


def _select_lean(lean: sqlite3.Connection, refs: Sequence[str]) -> None:
    for ref in refs:
        lean.execute("SELECT value FROM people WHERE ref = ?", (ref,)).fetchone()


def put_people(space: Space, refs: Sequence[str]) -> None:
    vault = space.opened.spine.vault
    new = vault.newcomers(map(vault.lookup, refs))
    fields = vault.seal_rows("people", "value", new.numbers, new.keys, [[VALUE]] * len(refs))
    with space.opened.spine.store.write() as tx:
        vault.admit(tx, new)
        vault.add_fields(tx, fields)


def get_apiece(space: Space, refs: Sequence[str]) -> None:
    vault = space.opened.spine.vault
    with space.opened.store.read() as reader:
        for ref in refs:
            if vault.read(reader, ref, "people", "value") != [VALUE]:
                raise AssertionError(ref)


def get_many(space: Space, refs: Sequence[str]) -> None:
    vault = space.opened.spine.vault
    with space.opened.store.read() as reader:
        for at in range(0, len(refs), BATCH):
            some = refs[at : at + BATCH]
            if vault.read_many(reader, some, "people", "value") != [[VALUE]] * len(some):
                raise AssertionError(at)


def _get_leased(space: Space, numbers: Sequence[int]) -> None:
    vault, named = space.opened.spine.vault, frozenset({HELD[1]})
    with space.opened.store.read() as reader:
        for number in numbers:
            if vault.fields(reader, number, HELD[0], named) != {HELD[1]: [VALUE]}:
                raise AssertionError(number)


def erased_in_turns(
    space: Space, refs: Sequence[str], delete: Callable[[str], object]
) -> tuple[list[float], list[float], list[float]]:
    """Erase some people: seconds until each is durable, until it returns, and of deleting a plain person."""
    erasure, store, moment = space.opened.spine.erasure, space.opened.store, [0.0]
    scrub = store.scrub

    def marked() -> None:
        moment[0] = time.perf_counter()
        scrub()

    destroyed, erased, deleted = [], [], []
    store.scrub = marked  # type: ignore[method-assign]
    for ref in refs:
        start = time.perf_counter()
        erasure.erase(ref, space.service.actor)
        destroyed.append(moment[0] - start)
        erased.append(time.perf_counter() - start)
        deleted.append(timed(partial(delete, ref)).wall_s)
    store.scrub = scrub  # type: ignore[method-assign]
    return destroyed, erased, deleted


def _delete(plain: sqlite3.Connection, ref: str) -> None:
    plain.execute("BEGIN IMMEDIATE")
    number = plain.execute("SELECT number FROM people WHERE reference = ?", (ref,)).fetchone()
    plain.execute("DELETE FROM fields WHERE number = ?", number)
    plain.execute("DELETE FROM people WHERE number = ?", number)
    plain.execute("COMMIT")
