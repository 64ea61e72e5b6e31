"""Public tables by the command line: declared with a reason, joined, named in the journal, and taken back."""

from __future__ import annotations

import json
import sqlite3
import zlib

import pytest
from tests.program import Program

from hedgerow.app.space import open_space
from hedgerow.kernel.hybrid import new_identity, write_identity

WARDS = "code,region,beds\nCardiology,north,12\nSurgery,north,8\nNowhere,south,3\n"
JOINED = "SELECT w.region, COUNT(*) AS n, SUM(w.beds) FROM visits v JOIN wards w ON ward = code GROUP BY 1"
ASK = ("query", "visits", JOINED, "--purpose", "research", "--as", "ana", "--epsilon", "0.5")


@pytest.fixture
def wards(tmp_path):
    (tmp_path / "wards.csv").write_text(WARDS)
    return tmp_path / "wards.csv"


@pytest.fixture
def published(hedgerow, wards):
    return hedgerow(
        "dataset", "public", "add", "wards", "--from", wards, "--why", "on the web site", "--json"
    ).json


def test_a_query_is_joined_with_a_public_table_and_every_key_is_shown(hedgerow, published):
    assert (published["rows"], published["version"]) == (3, 1)
    answer = hedgerow(*ASK, "--json").json
    assert [row[0] for row in answer["rows"]] == ["north", "south"]
    told = [note for note in answer["notes"] if "at most 1 row of the public table wards on ward" in note]
    assert told
    decision = hedgerow(*ASK, "--explain", "--json").json
    assert decision["plan"]["joins"] == [{"table": "wards", "digest": published["digest"], "rows_of_one": 1}]
    assert decision["plan"]["columns"] == ["ward"]
    assert hedgerow(*ASK, "--json").json["rows"] == answer["rows"]  # the same question costs once
    entries = hedgerow("journal", "show", "--as", "otto", "--json").json
    intents = [e["facts"] for e in entries if e["action"] == "use.intend"]
    assert intents[-1]["public"] == {"wards": published["digest"]}
    hedgerow("journal", "verify")


def test_nothing_is_public_that_was_not_declared(hedgerow, space, wards):
    said = hedgerow(*ASK, code=3)
    assert "wards is not declared public" in said.err
    assert "hedgerow dataset public add wards --from FILE.csv --why REASON" in said.err
    hedgerow("dataset", "public", "add", "wards", "--from", wards, "--why", "known", "--as", "ana", code=3)
    hedgerow("dataset", "public", "add", "wards", "--from", wards, "--why", " ", code=2)
    hedgerow("dataset", "public", "add", "visits", "--from", wards, "--why", "known", code=2)
    assert hedgerow("dataset", "public", "list", "--json").json == []


@pytest.mark.parametrize("column", ["patient_ref", "PATIENT_REF", "full_name", "person"])
def test_what_names_people_is_never_public(hedgerow, tmp_path, column):
    (tmp_path / "people.csv").write_text(f"{column},ward\nx,Surgery\n")
    said = hedgerow(
        "dataset", "public", "add", "people", "--from", tmp_path / "people.csv", "--why", "known", code=2
    )
    assert "names people" in said.err


def test_a_public_table_is_replaced_and_taken_back_and_answers_given_stay(hedgerow, published, wards):
    first = hedgerow(*ASK, "--request-id", "q1", "--json").json
    wards.write_text(WARDS.replace("north", "west"))
    again = hedgerow("dataset", "public", "add", "wards", "--from", wards, "--why", "moved", "--json").json
    assert (again["version"], again["digest"] != published["digest"]) == (2, True)
    replayed = hedgerow(*ASK, "--request-id", "q1", "--json").json
    assert replayed["rows"][0][0] == "north"
    assert (replayed["rows"], replayed["receipt"]["replayed"]) == (first["rows"], True)
    assert hedgerow(*ASK, "--json").json["rows"][0][0] == "west"  # another question than before
    hedgerow("dataset", "public", "drop", "wards", "--why", "over", code=2)
    hedgerow("dataset", "public", "drop", "wards", "--why", "over", "--yes")
    assert hedgerow("dataset", "public", "list", "--json").json == []
    hedgerow(*ASK, code=3)
    hedgerow(*ASK, "--request-id", "q1", code=3)
    hedgerow("dataset", "public", "drop", "wards", "--why", "over", "--yes", code=2)
    hedgerow("journal", "verify")


def test_a_table_changed_beside_the_program_is_noticed(hedgerow, published, space):
    database = sqlite3.connect(space / "hedgerow.db")
    (body,) = database.execute("SELECT body FROM public_tables").fetchone()
    forged = zlib.compress(zlib.decompress(body).replace(b"north", b"south"))
    database.execute("UPDATE public_tables SET body = ?", (forged,))
    database.commit()
    database.close()
    assert "public tables" in hedgerow("journal", "verify", code=6).err
    database = sqlite3.connect(space / "hedgerow.db")
    database.execute("UPDATE public_tables SET body = ?", (b"no such thing",))
    database.commit()
    database.close()
    hedgerow("journal", "verify", code=6)
    hedgerow(*ASK, code=6)


def test_a_data_set_collected_under_the_name_of_a_public_table_is_private(hedgerow, published, town, space):
    with open_space(space, passphrase=lambda _: None) as opened:
        store = opened.service.spine.store
        from hedgerow.model.records import Dataset

        with store.write() as tx:
            tx.put(Dataset("wards", 1, "who", "2026-01-01T00:00:00Z"))
    assert "(basis.missing)" in hedgerow(*ASK, code=3).err


def test_a_person_is_no_key_to_join_by(hedgerow, published):
    sql = "SELECT COUNT(*) FROM visits v JOIN wards w ON v.patient_ref = w.code"
    said = hedgerow("query", "visits", sql, "--purpose", "research", "--as", "ana", "--epsilon", "1", code=3)
    assert "says who a person is" in said.err


@pytest.mark.parametrize("on", ["USING (person)", "USING (patient_ref)", "ON v.patient_ref = p.patient_ref"])
def test_two_data_sets_are_not_joined_in_a_workspace(hedgerow, on):
    before = hedgerow("budget", "show", "visits", "--json", "--as", "ana").json
    sql = f"SELECT COUNT(*) FROM visits v JOIN patients p {on}"
    said = hedgerow("query", "visits", sql, "--purpose", "research", "--as", "ana", "--epsilon", "1", code=3)
    assert "on the person" in said.err or "not declared public" in said.err
    assert hedgerow("budget", "show", "visits", "--json", "--as", "ana").json == before


def test_a_row_about_two_people_is_refused_where_it_is_collected(hedgerow, town):
    file = town[1]["clinic_south_visits"]
    keys = ("--subject-key", "patient_ref", "--subject-key", "email")
    said = hedgerow("collect", file, "--dataset", "both", *keys, "--purpose", "research", "--basis",
                    "research=consent", code=3)  # fmt: skip
    assert "about two people" in said.err
    assert "both" not in {d["name"] for d in hedgerow("dataset", "list", "--json").json}


def test_a_public_table_stands_in_a_backup_and_is_joined_after_a_restore(hedgerow, tmp_path):
    rows = "".join(f"w{n},north {n % 7},{n}\n" for n in range(20_000))
    (tmp_path / "large.csv").write_text("code,region,beds\n" + rows + "Surgery,south,1\n")
    file = tmp_path / "large.csv"
    made = hedgerow("dataset", "public", "add", "wards", "--from", file, "--why", "w", "--json").json
    identity = new_identity()
    (tmp_path / "me.json").write_bytes(write_identity(identity, None))
    (tmp_path / "me.json").chmod(0o600)
    (tmp_path / "me.txt").write_text(identity.recipient.text)
    hedgerow("backup", "--to", tmp_path / "backup", "--recipient", tmp_path / "me.txt")
    again = Program(tmp_path / "again")
    line = (
        "restore",
        tmp_path / "backup",
        "--identity",
        tmp_path / "me.json",
        "--nobody-erased-since",
        "seen",
    )
    assert again.call(*line).code == 0
    listed = again.call("dataset", "public", "list", "--json")
    assert [(p["rows"], p["digest"]) for p in json.loads(listed.out)] == [(20_001, made["digest"])]
    assert again.call(*ASK, "--explain").code in (0, 5)
