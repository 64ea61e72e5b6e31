"""A journal that was altered, cut, forked or signed anew is found from the command line, with exit code 6."""

from __future__ import annotations

import json
import shutil
import sqlite3

import pytest

ALTERED = "CAST(replace(CAST(body AS TEXT), 'add', 'axe') AS BLOB)"


@pytest.fixture
def head(hedgerow, tmp_path):
    """Save a head, then let the journal grow by three."""
    path = tmp_path / "head.json"
    path.write_text(hedgerow("journal", "head", "--json").out)
    for name in ("p1", "p2", "p3"):
        hedgerow("purpose", "add", name, "--why", "w", "--owner", "priya", "--until", "2099-01-01")
    return path


def change(space, *statements):
    database = sqlite3.connect(space / "hedgerow.db")
    for statement in statements:
        assert database.execute(statement).rowcount, statement
    database.commit()
    database.close()


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (
            f'UPDATE journal SET body = {ALTERED} WHERE "index" = 2',
            2,
        ),
        ("""DELETE FROM journal WHERE "index" = 3""", 3),
        (
            """UPDATE journal SET "index" = CASE "index" WHEN 1 THEN 99 ELSE "index" END WHERE "index" = 1""",
            1,
        ),
    ],
)
def test_the_first_bad_entry_is_named(hedgerow, space, statement, index):
    hedgerow("journal", "verify")
    change(space, statement)
    said = hedgerow("journal", "verify", code=6)
    assert f" {index} " in said.err.partition("Fault:")[2].replace(":", " ").replace(".", " "), said.err
    assert hedgerow("journal", "verify", "--json", code=6).json["code"].startswith("journal.")
    assert "MEND" in hedgerow("doctor", code=9).out


def test_two_entries_that_changed_places_are_found(hedgerow, space):
    change(
        space,
        'UPDATE journal SET "index" = 1000 WHERE "index" = 2',
        'UPDATE journal SET "index" = 2 WHERE "index" = 3',
        'UPDATE journal SET "index" = 3 WHERE "index" = 1000',
    )
    assert " 2 " in hedgerow.refused("journal", "verify", code=6, error="journal.altered").err


def test_a_saved_head_accepts_what_grew_from_it(hedgerow, head):
    assert hedgerow("journal", "verify", "--against", head, "--json").json["against"]


def test_a_restored_older_workspace_is_found(hedgerow, base, space, tmp_path):
    hedgerow("purpose", "add", "p1", "--why", "w", "--owner", "priya", "--until", "2099-01-01")
    newer = tmp_path / "newer.json"
    newer.write_text(hedgerow("journal", "head", "--json").out)
    shutil.rmtree(space)
    shutil.copytree(base, space)
    hedgerow("journal", "verify")
    hedgerow.refused("journal", "verify", "--against", newer, code=6, error="journal.truncated")


def test_a_rewritten_history_is_found_though_it_is_signed(hedgerow, base, space, tmp_path):
    def grow(name):
        hedgerow("purpose", "add", name, "--why", "w", "--owner", "priya", "--until", "2099-01-01")

    grow("p1")
    head = tmp_path / "head.json"
    head.write_text(hedgerow("journal", "head", "--json").out)
    shutil.rmtree(space)
    shutil.copytree(base, space)
    grow("q1")
    grow("q2")
    hedgerow("journal", "verify")
    hedgerow.refused("journal", "verify", "--against", head, code=6, error="journal.forked")


def test_the_head_of_another_workspace_and_an_altered_one(hedgerow, nowhere, head, tmp_path):
    nowhere("init", tmp_path / "other", "--no-passphrase")
    other = tmp_path / "other.json"
    other.write_text(nowhere("journal", "head", "--json", "--space", tmp_path / "other").out)
    assert hedgerow("journal", "verify", "--against", other, "--json", code=6).json["code"] in {
        "journal.other-log",
        "journal.resigned",
    }
    saved = json.loads(head.read_text())
    size = saved["size"]
    saved["size"], saved["checkpoint"] = (
        size - 1,
        saved["checkpoint"].replace(f"\n{size}\n", f"\n{size - 1}\n", 1),
    )
    head.write_text(json.dumps(saved))
    assert (
        hedgerow("journal", "verify", "--against", head, "--json", code=6).json["code"]
        == "head.bad-signature"
    )
    head.write_text("{}")
    hedgerow.refused("journal", "verify", "--against", head, code=2, error="head.malformed")


def test_a_charge_taken_out_of_the_ledger_is_found(hedgerow, space):
    question = "SELECT ward, COUNT(*) FROM visits GROUP BY ward"
    hedgerow("query", "visits", question, "--purpose", "research", "--epsilon", "0.5", "--as", "ana")
    change(space, "DELETE FROM charges")
    said = hedgerow("journal", "verify", code=6).err
    assert "(ledger." in said
