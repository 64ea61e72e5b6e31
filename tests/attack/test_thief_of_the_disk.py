"""Whoever steals the disk without the passphrase finds nobody, and whoever moves its parts is caught.

The thief has every file: database, bucket files, key file sealed by a passphrase. What he swaps, moves or
flips is put before the real program, which must stop with exit 6 and one clear line and show nothing.
Counts, sizes, names of data sets and columns, and times stand in the open: the tests do not deny it.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sqlite3
import stat
from types import SimpleNamespace

import pytest
from tests.attack.thief import MARKERS, PASSPHRASE, REF, Thief, build
from tests.program import Program

from hedgerow.kernel.envelope import keyed_index

pytestmark = pytest.mark.system

INTEGRITY = 6
COUNT = ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--epsilon", "0.1")
EXPORT = ("subject", "export", REF)
REPLAY = ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--epsilon", "0.5",
          "--request-id", "asks")  # fmt: skip
HEAD = ("journal", "head")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """A workspace under a passphrase, and a second session that is still open while the thief comes."""
    folder = tmp_path_factory.mktemp("sealed")
    program = build(folder, PASSPHRASE)
    return SimpleNamespace(folder=folder, program=program, thief=Thief(folder / "space", has_keys=False))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The same without a passphrase: what is moved fails for whoever may open it too."""
    folder = tmp_path_factory.mktemp("open")
    build(folder)
    return folder


@pytest.fixture
def space(built, tmp_path):
    shutil.copytree(built / "space", tmp_path / "space")
    return Program(tmp_path / "space")


def sql(program, *statements):
    with contextlib.closing(sqlite3.connect(program.space / "hedgerow.db")) as connection, connection:
        for statement in statements:
            connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)


def read(program, statement):
    with contextlib.closing(sqlite3.connect(program.space / "hedgerow.db")) as connection:
        return connection.execute(statement).fetchall()


def fails_closed(program, line):
    """The command stops with one clear line, a next step and a code, and shows nobody."""
    done = program.call(*line)
    assert done.code == INTEGRITY, (line, done.out, done.err)
    assert done.out == ""
    told = [
        each.strip() for each in done.err.strip().splitlines() if not each.startswith(("Warning:", "  ..."))
    ]
    assert len(told) == 3, done.err
    assert told[0].startswith(("Fault: ", "Error: "))
    assert told[1].startswith("Next: ")
    assert not [marker for marker in MARKERS if marker in done.err]


def test_no_marker_stands_in_any_byte_and_the_source_id_leads_nowhere(sealed):
    assert sealed.thief.bytes_holding(*(marker.encode() for marker in MARKERS)) == set()
    guesses = [hash_(REF.encode()) for hash_ in (hashlib.sha256, hashlib.sha1, hashlib.md5, hashlib.blake2b)]
    guesses = [form for guess in guesses for form in (guess.digest(), guess.hexdigest().encode())]
    public = [row["wrapped"][:32] for row in sealed.thief.rows("secrets")]
    guesses += [
        keyed_index(key, REF) for key in (bytes(32), sealed.thief.tenant.encode().ljust(32, b"\0"), *public)
    ]
    assert sealed.thief.bytes_holding(*guesses) == set()
    plain = sealed.thief._plain_rows()
    assert not [marker for marker in MARKERS if any(marker in row for row in plain)]


def test_without_the_passphrase_nothing_opens(sealed):
    for passphrase, error in ((None, "keys.passphrase-needed"), ("guess", "keys.wrong-passphrase")):
        done = Program(sealed.folder / "space", passphrase).call(*EXPORT)
        assert (done.code, done.error, done.out) == (4, error, "")


def test_everything_that_is_written_belongs_to_its_owner_alone(sealed):
    program, folder = sealed.program, sealed.folder
    program.call("evidence", "export", "--out", folder / "evidence")
    program.call("report", "--out", folder / "report.html")
    program.call("subject", "export", REF, "--out", folder / "person.json")
    holding = sqlite3.connect(folder / "space" / "hedgerow.db")  # keeps WAL and SHM in place
    holding.execute("SELECT * FROM settings").fetchall()
    program.call("purpose", "add", "another", "--why", "x", "--owner", "owner", "--until", "2099-01-01")
    names = {path.name for path in (folder / "space").iterdir()}
    assert {"hedgerow.db", "hedgerow.db-wal", "hedgerow.db-shm", "keys.json", "tables"} <= names
    trees = [folder / "space", folder / "evidence"]
    made = [folder / "released.csv", folder / "report.html", folder / "person.json"]
    made += [path for tree in trees for path in (tree, *tree.rglob("*"))]
    modes = {path.relative_to(folder): stat.S_IMODE(path.stat().st_mode) for path in made}
    wrong = {str(path): oct(mode) for path, mode in modes.items() if mode not in (0o600, 0o700)}
    holding.close()
    assert wrong == {}
    assert all(mode == (0o700 if (folder / path).is_dir() else 0o600) for path, mode in modes.items())


def test_the_untouched_copy_answers(space):
    for line in (COUNT, EXPORT, REPLAY, HEAD):
        assert space.call(*line).code == 0, line


def file_of(program, dataset):
    return (
        program.space / "tables" / read(program, f"SELECT file FROM buckets WHERE dataset='{dataset}'")[0][0]
    )


def test_bucket_files_swapped_between_data_sets(space):
    one, two = file_of(space, "visits"), file_of(space, "accounts")
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    fails_closed(space, COUNT)
    fails_closed(space, EXPORT)


def test_bucket_files_swapped_with_their_keys_between_data_sets(space):
    rows = dict(read(space, "SELECT dataset, wrapped FROM buckets"))
    one, two = file_of(space, "visits"), file_of(space, "accounts")
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    sql(space, ("UPDATE buckets SET wrapped=? WHERE dataset='visits'", (rows["accounts"],)),
        ("UPDATE buckets SET wrapped=? WHERE dataset='accounts'", (rows["visits"],)))  # fmt: skip
    fails_closed(space, COUNT)


def test_a_bucket_of_an_older_version_put_back_in_place_of_the_newer(space):
    old = file_of(space, "visits").read_bytes()
    wrapped = read(space, "SELECT wrapped FROM buckets WHERE dataset='visits'")[0][0]
    assert space.call("subject", "erase", "P-0001", "--yes").code == 0
    file_of(space, "visits").write_bytes(old)
    fails_closed(space, COUNT)
    sql(space, ("UPDATE buckets SET wrapped=? WHERE dataset='visits'", (wrapped,)))
    fails_closed(space, COUNT)


@pytest.mark.parametrize("field", ["written_version", "bucket_count", "row_count"])
def test_a_manifest_that_tells_otherwise_of_a_file(space, field):
    sql(space, f"UPDATE buckets SET {field}={field}+1 WHERE dataset='visits'")
    fails_closed(space, COUNT)


def test_a_bucket_file_that_is_gone(space):
    file_of(space, "visits").unlink()
    fails_closed(space, COUNT)


SWAPS = {
    "sealed fields between persons": (
        "sealed_fields", "sealed",
        "dataset='visits' AND name='email' AND number={marked}",
        "dataset='visits' AND name='email' AND number={other}",
    ),
    "sealed fields between columns": (
        "sealed_fields", "sealed",
        "dataset='visits' AND name='email' AND number={marked}",
        "dataset='visits' AND name='full_name' AND number={marked}",
    ),
    "sealed fields between data sets": (
        "sealed_fields", "sealed",
        "dataset='visits' AND name='patient_ref' AND number={marked}",
        "dataset='accounts' AND name='account_ref' AND number={marked}",
    ),
    "keys of persons": ("subjects", "wrapped", "number={marked}", "number={other}"),
    "secrets of the workspace": ("secrets", "wrapped", "name='index-key'", "name='journal-key'"),
}  # fmt: skip


@pytest.mark.parametrize("what", SWAPS)
def test_what_is_moved_opens_nowhere_else(space, what):
    table, column, first, second = SWAPS[what]
    marked = read(
        space, "SELECT number FROM members WHERE dataset='accounts' INTERSECT SELECT number FROM commitments"
    )
    other = read(
        space, f"SELECT number FROM members WHERE dataset='visits' AND number<>{marked[0][0]} LIMIT 1"
    )
    first, second = (where.format(marked=marked[0][0], other=other[0][0]) for where in (first, second))
    (one,), (two,) = (
        read(space, f"SELECT {column} FROM {table} WHERE {where}")[0] for where in (first, second)
    )
    assert one != two
    sql(space, (f"UPDATE {table} SET {column}=? WHERE {first}", (two,)),
        (f"UPDATE {table} SET {column}=? WHERE {second}", (one,)))  # fmt: skip
    fails_closed(space, EXPORT)


def test_a_stored_answer_moved_to_another_request(space):
    assert space.call(*COUNT, "--request-id", "mine").code == 0
    sealed, wrapped = read(space, "SELECT sealed, wrapped FROM requests WHERE id='leaves'")[0]
    sql(space, ("UPDATE requests SET sealed=?, wrapped=? WHERE id='mine'", (sealed, wrapped)))
    fails_closed(space, (*COUNT, "--request-id", "mine"))


def flipped(content, at):
    changed = bytearray(content)
    changed[at] ^= 0x10
    return bytes(changed)


FLIPS = {
    "sealed field": ("sealed_fields", "sealed", EXPORT),
    "key of a person": ("subjects", "wrapped", EXPORT),
    "key of a file": ("buckets", "wrapped", COUNT),
    "secret of the workspace": ("secrets", "wrapped", HEAD),
    "stored answer": ("requests", "sealed", REPLAY),
    "key of a stored answer": ("requests", "wrapped", REPLAY),
    "opening of a commitment": ("commitments", "sealed", EXPORT),
    "journal entry": ("journal", "body", ("journal", "verify")),
    "waiting row": ("quarantined_rows", "sealed", ("collect", "--quarantine", "retry", "--batch", "{batch}")),
    "key of waiting rows": (
        "quarantine_batches",
        "wrapped",
        ("collect", "--quarantine", "retry", "--batch", "{batch}"),
    ),
}


@pytest.mark.parametrize("what", FLIPS)
def test_one_flipped_bit_in_any_kind_of_record(space, what):
    table, column, line = FLIPS[what]
    batch = read(space, "SELECT id FROM quarantine_batches WHERE dataset='visits'")[0][0]
    order = [name for _, name, _, _, _, key in read(space, f"PRAGMA table_info({table})") if key]
    keys = ", ".join(f'"{name}"' for name in order)
    for *key, value in read(space, f"SELECT {keys}, {column} FROM {table} WHERE {column} IS NOT NULL"):
        where = " AND ".join(f'"{name}"=?' for name in order)
        sql(space, (f"UPDATE {table} SET {column}=? WHERE {where}", (flipped(value, len(value) // 2), *key)))
    fails_closed(space, tuple(word.format(batch=batch) for word in line))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"index":', b'{"time":"today"}', b"\xff", b"[" * 100_000]
)
def test_the_newest_entry_replaced_by_what_is_none(space, body):
    """It is read for its time before anything is verified."""
    sql(space, ('UPDATE journal SET body=? WHERE "index"=(SELECT MAX("index") FROM journal)', (body,)))
    fails_closed(space, ("journal", "verify"))
    fails_closed(space, COUNT)


@pytest.mark.parametrize("at", [8, 40, 0.5, -20, -1])
def test_one_flipped_bit_in_a_bucket_file(space, at):
    path = file_of(space, "accounts")
    content = path.read_bytes()
    path.write_bytes(flipped(content, at if isinstance(at, int) else int(len(content) * at)))
    fails_closed(space, EXPORT)


@pytest.mark.parametrize("part", [0.05, 0.5, 0.9])
def test_one_flipped_bit_in_the_key_file(space, part):
    path = space.space / "keys.json"
    content = path.read_bytes()
    path.write_bytes(flipped(content, int(len(content) * part)))
    fails_closed(space, HEAD)


def test_cut_short(space):
    path = file_of(space, "visits")
    path.write_bytes(path.read_bytes()[:-300])
    fails_closed(space, COUNT)
    keys = space.space / "keys.json"
    keys.write_bytes(keys.read_bytes()[:-30])
    fails_closed(space, HEAD)


def test_a_database_that_is_none_stops_every_command(space):
    path = space.space / "hedgerow.db"
    path.write_bytes(flipped(path.read_bytes(), 0))
    fails_closed(space, HEAD)
