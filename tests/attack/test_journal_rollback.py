"""Whoever edits the database without its keys is caught, and the first bad entry is named.

Altering, dropping or swapping entries and cutting the tail off is caught by ``journal verify`` alone. Two
attacks it cannot see: putting back an older copy of the whole database, and cutting the tail off everywhere
(entries, ledger, head), with an older head that was truly signed. Each leaves a workspace that was once
true. Plain verification passes there, as a test below states; ``--against HEAD_FILE`` with a head saved
outside finds both, and a log that was signed anew under another key. Nobody is caught who also replaces the
saved head.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.attack.thief import build
from tests.program import Program

from hedgerow.adapters.keys import file as key_file
from hedgerow.kernel.merkle import Frontier, leaf_hash, sign_checkpoint
from hedgerow.model.keys import Binding

pytestmark = pytest.mark.system

INTEGRITY = 6


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Make a workspace, and copies of it early on and after two more queries."""
    folder = tmp_path_factory.mktemp("journal")
    program = build(folder)
    early = program.call("journal", "head", "--json")
    (folder / "early.json").write_text(early.out)
    shutil.copytree(folder / "space", folder / "early")
    for request in ("late-1", "late-2"):
        answer = program.call("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research",
                              "--epsilon", "0.25", "--request-id", request, "--fresh", "--json")  # fmt: skip
        assert answer.code == 0, answer.err
    (folder / "receipt.json").write_text(json.dumps(answer.json["receipt"]))
    head = program.call("journal", "head", "--json")
    (folder / "head.json").write_text(head.out)
    return SimpleNamespace(folder=folder, size=head.json["size"], early_size=early.json["size"])


@pytest.fixture
def space(built, tmp_path):
    """Give a copy to attack."""
    shutil.copytree(built.folder / "space", tmp_path / "space")
    return Program(tmp_path / "space")


def sql(program, *statements):
    with contextlib.closing(sqlite3.connect(program.space / "hedgerow.db")) as connection, connection:
        for statement in statements:
            connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)


def read(program, statement):
    with contextlib.closing(sqlite3.connect(program.space / "hedgerow.db")) as connection:
        return connection.execute(statement).fetchall()


def caught(program, error, *against):
    done = program.call("journal", "verify", *against)
    assert (done.code, done.error) == (INTEGRITY, error), done.err
    assert done.out == ""
    return done.err


def test_the_untouched_log_verifies_alone_and_against_saved_heads(built, space):
    assert space.call("journal", "verify").code == 0
    for saved, verdict in (("head.json", "same"), ("early.json", "extends"), ("receipt.json", "same")):
        done = space.call("journal", "verify", "--against", built.folder / saved, "--json")
        assert (done.code, done.json["against"]) == (0, verdict), (saved, done.err)


@pytest.mark.parametrize("at", [0, 3, -2, -1])
def test_an_altered_entry_is_named(built, space, at):
    index = at % built.size
    body = json.loads(read(space, f'SELECT body FROM journal WHERE "index"={index}')[0][0])
    body["actor"]["as"] = "somebody"
    altered = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
    sql(space, ('UPDATE journal SET body=? WHERE "index"=?', (altered, index)))
    assert f"entry {index} " in caught(space, "journal.altered")


@pytest.mark.parametrize("at", [0, 4, -2])
def test_a_dropped_entry_is_named_with_and_without_closing_the_gap(built, space, at):
    index = at % built.size
    sql(space, f'DELETE FROM journal WHERE "index"={index}')
    assert f"entry {index} " in caught(space, "journal.altered")
    sql(space, f'UPDATE journal SET "index"="index"-1 WHERE "index">{index}')
    assert f"entry {index} " in caught(space, "journal.altered")


def test_two_swapped_entries_are_named_by_the_first(space):
    for column in ("body", "checkpoint"):  # first the entries alone, then what was signed with them too
        (low,), (high,) = (read(space, f'SELECT {column} FROM journal WHERE "index"={i}')[0] for i in (2, 6))
        sql(space, (f'UPDATE journal SET {column}=? WHERE "index"=2', (high,)),
            (f'UPDATE journal SET {column}=? WHERE "index"=6', (low,)))  # fmt: skip
        assert "entry 2 " in caught(space, "journal.altered")


def test_a_tail_cut_off_under_the_newest_head_is_named(built, space):
    sql(space, f'DELETE FROM journal WHERE "index">={built.size - 2}')
    assert f"first missing index: {built.size - 2}" in caught(space, "journal.truncated")


def old_head(program, size):
    """Rebuild the head of an earlier size, as an attacker can: its checkpoint was truly signed."""
    frontier = Frontier()
    for (body,) in read(program, f'SELECT body FROM journal WHERE "index"<{size} ORDER BY "index"'):
        frontier.append(leaf_hash(body))
    checkpoint = read(program, f'SELECT checkpoint FROM journal WHERE "index"={size - 1}')[0][0]
    return ("UPDATE journal_head SET frontier=?, checkpoint=?", (frontier.to_bytes(), checkpoint))


def test_an_older_head_over_the_whole_log_leaves_a_tail_that_is_named(built, space):
    sql(space, old_head(space, built.size - 3))
    assert f"first unsigned index is {built.size - 3}" in caught(space, "journal.unsigned-tail")


def test_a_frontier_that_is_not_the_heads_own_is_caught_before_anything_is_signed_on_top(space):
    sql(space, ("UPDATE journal_head SET frontier=?", (old_head(space, 5)[1][0],)))
    caught(space, "journal.frontier-malformed")


def test_a_cut_tail_with_an_older_head_is_caught_by_the_ledger_or_by_a_saved_head(built, space):
    cut = built.early_size
    sql(space, old_head(space, cut), f'DELETE FROM journal WHERE "index">={cut}')
    caught(space, "ledger.not-journaled")  # the two queries were charged
    sql(space, f"DELETE FROM charges WHERE entry>={cut}")
    caught(space, "ledger.differs")
    early = sqlite3.connect(built.folder / "early" / "hedgerow.db")
    accounts = early.execute("SELECT * FROM accounts").fetchall()
    early.close()
    sql(
        space,
        "DELETE FROM accounts",
        *(("INSERT INTO accounts VALUES (?,?,?,?,?,?,?)", row) for row in accounts),
    )
    caught(space, "records.differ")  # the two requests are bound to entries that are gone
    sql(space, f"DELETE FROM requests WHERE entry>={cut}")
    assert space.call("journal", "verify").code == 0, "without a saved head this passes: it was true once"
    said = caught(space, "journal.truncated", "--against", built.folder / "head.json")
    assert f"first missing index: {cut}" in said
    caught(space, "journal.truncated", "--against", built.folder / "receipt.json")


def test_an_older_copy_of_the_database_passes_alone_and_is_caught_by_a_saved_head(built, space):
    shutil.copy(built.folder / "early" / "hedgerow.db", space.space / "hedgerow.db")
    assert space.call("journal", "verify").code == 0
    caught(space, "journal.truncated", "--against", built.folder / "head.json")
    spent = space.call(
        "query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--epsilon", "0.1"
    )
    assert spent.code == 0, spent.err
    for _ in range(built.size):  # grown again past the saved size, it is a fork
        space.call("query", "visits", "SELECT zip FROM visits", "--purpose", "research", "--epsilon", "0.1")
        if space.call("journal", "head", "--json").json["size"] >= built.size:
            break
    caught(space, "journal.forked", "--against", built.folder / "head.json")


def test_a_log_signed_anew_is_caught_as_resigned(built, space):
    """The attacker puts a key of his own into the workspace, which takes the key file as well.

    What the journal tells under the old key fits no more, and a head that was saved says it is another log.
    """
    key = Ed25519PrivateKey.generate()
    tenant = read(space, "SELECT value FROM settings WHERE name='tenant'")[0][0]
    backend = key_file.open_(space.space / "keys.json", None)
    wrapped = backend.wrap(key.private_bytes_raw(), Binding(tenant, "secret", "journal-key", "", 1))
    changes, frontier = [("UPDATE secrets SET wrapped=? WHERE name='journal-key'", (wrapped,))], Frontier()
    note = ""
    for index, body in read(space, 'SELECT "index", body FROM journal ORDER BY "index"'):
        frontier.append(leaf_hash(body))
        note = sign_checkpoint(f"hedgerow/{tenant}", frontier.size, frontier.root(), key)
        changes.append(('UPDATE journal SET checkpoint=? WHERE "index"=?', (note, index)))
    sql(space, *changes, ("UPDATE journal_head SET checkpoint=?", (note,)))
    caught(space, "records.differ")
    said = caught(space, "journal.resigned", "--against", built.folder / "head.json")
    assert json.loads((built.folder / "head.json").read_text())["fingerprint"] in said


def test_a_head_of_a_thief_is_no_head(built, space):
    sql(
        space, ("UPDATE journal_head SET checkpoint=?", (sign_checkpoint("hedgerow/x", 1, bytes(32), THIEF),))
    )
    caught(space, "journal.bad-signature")


THIEF = Ed25519PrivateKey.from_private_bytes(b"\x03" * 32)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ("UPDATE accounts SET epsilon='1/4' WHERE dataset='visits'", "ledger.differs"),
        ("UPDATE accounts SET epsilon='0' WHERE dataset='*'", "ledger.differs"),
        ("DELETE FROM accounts WHERE dataset='visits'", "ledger.differs"),
        ("DELETE FROM charges WHERE request='late-1'", "ledger.differs"),
        ("UPDATE charges SET event='pure 1/100' WHERE request='late-1'", "ledger.differs"),
    ],
)
def test_an_edited_ledger_is_caught(space, change, error):
    sql(space, change)
    caught(space, error)


def test_a_charge_deleted_with_its_share_of_the_totals_is_caught(space):
    """The totals fit the charges again, but the journal tells of a use that was charged."""
    sql(space, "DELETE FROM charges WHERE request='late-1'",
        "UPDATE accounts SET epsilon='3/4', pure_rho='' WHERE dataset IN ('visits', '*')")  # fmt: skip
    caught(space, "ledger.not-journaled")


def test_a_charge_made_smaller_with_the_totals_is_caught(space):
    """Charge and totals agree with each other, but the journal tells what was charged."""
    sql(space, "UPDATE charges SET event='pure 1/100' WHERE request='late-1'",
        "UPDATE accounts SET epsilon='19/25', pure_rho='' WHERE dataset IN ('visits', '*')")  # fmt: skip
    caught(space, "ledger.not-journaled")
