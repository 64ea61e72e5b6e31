"""`keys import-legacy`: old encrypted columns land under each person's key, and each row is read back.

A wrong key, a broken row and a mixed file are told by line, never by a value, and nothing is taken.
"""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace

import pyarrow as pa
import pytest
from cryptography.fernet import Fernet
from tests.unit.legacy.test_opening import ALGORITHMS, encrypted

from hedgerow.model.records import SealedField

PEOPLE = [
    (f"Q{i:03}", f"person{i}@hedge.example", f'line one of {i},\n"two"', str(40 + i), "A" if i % 2 else "B")
    for i in range(12)
]
KEY = Fernet.generate_key()


def fernet(text):
    return Fernet(KEY).encrypt(text.encode()).decode()


def write(path, cipher=fernet, change=()):
    rows = [[ref, cipher(mail), cipher(note), cipher(age), ward] for ref, mail, note, age, ward in PEOPLE]
    for line, column, value in change:
        rows[line - 2][column] = value
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["ref", "email", "note", "age", "ward"])
        writer.writerows(rows)
    return path


OPTIONS = (
    "--columns", "email,note,age", "--dataset", "old", "--subject-key", "ref", "--purpose", "care",
    "--basis", "public-task", "--drop", "",
)  # fmt: skip


@pytest.fixture
def old(hedgerow, tmp_path):
    (tmp_path / "old.key").write_bytes(KEY + b"\n")
    return hedgerow, write(tmp_path / "old.csv"), tmp_path / "old.key"


def test_every_value_lands_under_its_persons_key_and_is_read_back(old):
    hedgerow, path, key = old
    before = path.read_bytes()
    command = ("keys", "import-legacy", path, "--cipher", "fernet", "--key-file", key, *OPTIONS)
    planned = hedgerow(*command, "--dry-run")
    assert "Nothing was done." in planned.out
    hedgerow.refused("dataset", "show", "old", code=2, error="dataset.unknown")
    said = hedgerow(*command)
    assert "12 rows read back and compared: all equal." in said.out
    assert f"Now destroy {path}" in said.out
    assert path.read_bytes() == before
    assert key.exists()
    shown = hedgerow("dataset", "show", "old", "--json").json
    columns = {column["name"]: column for column in shown["columns"]}
    assert columns["age"]["type"] == "integer"
    assert columns["email"]["in_vault"]
    told = hedgerow("subject", "export", "Q003", "--json", may_show=True).json
    assert told["values"]["old"]["fields"]["email"] == ["person3@hedge.example"]
    assert told["values"]["old"]["rows"][0]["age"] == 43
    entries = hedgerow("journal", "show", "--json").json
    assert next(e for e in entries if e["action"] == "keys.import-legacy")["facts"]["not_read_back"] == 0


def test_the_key_from_the_environment_and_a_file_taken_twice(old):
    hedgerow, path, _ = old
    command = ("keys", "import-legacy", path, "--cipher", "fernet", *OPTIONS)
    hedgerow.refused(*command, code=4, error="legacy.key-needed")
    env = {"HEDGEROW_LEGACY_KEY": KEY.decode()}
    first = hedgerow(*command, "--json", env=env).json
    assert (first["verified_rows"], first["may_be_destroyed"], first["is_authentic"]) == (12, True, True)
    hedgerow.refused(*command, env=env, code=2, error="collect.taken-before")


@pytest.mark.parametrize("cipher", ALGORITHMS)
def test_cbc(hedgerow, tmp_path, cipher):
    key = os.urandom(ALGORITHMS[cipher][1])
    (tmp_path / "key").write_text(key.hex())
    path = write(tmp_path / "old.csv", lambda text: encrypted(cipher, key, text).hex())
    said = hedgerow(
        "keys", "import-legacy", path, "--cipher", cipher, "--key-file", tmp_path / "key", *OPTIONS
    )
    assert "12 rows read back" in said.out
    assert "without an HMAC" in said.err


def test_json_lines_in_which_one_value_was_never_there(hedgerow, tmp_path):
    (tmp_path / "key").write_bytes(KEY)
    rows = [
        {"ref": ref, "email": fernet(mail) if i else None, "ward": ward}
        for i, (ref, mail, _, _, ward) in enumerate(PEOPLE)
    ]
    path = tmp_path / "old.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = hedgerow(
        "keys", "import-legacy", path, "--cipher", "fernet", "--key-file", tmp_path / "key", "--json",
        "--columns", "email", *OPTIONS[2:],
    ).json  # fmt: skip
    assert done["verified_rows"] == 12


def test_what_is_wrong_is_told_by_line_and_nothing_is_taken(old):
    hedgerow, path, key = old
    wrong = key.with_name("wrong.key")
    wrong.write_bytes(Fernet.generate_key())
    mixed = write(
        path.with_name("mixed.csv"), change=[(5, 1, "plain@hedge.example"), (9, 2, fernet("x")[:-4])]
    )
    foreign = write(
        path.with_name("foreign.csv"), change=[(4, 1, Fernet(Fernet.generate_key()).encrypt(b"x").decode())]
    )
    short = path.with_name("short.csv")
    short.write_text(path.read_text() + "Q999,only\n")
    plain = path.with_name("plain.csv")
    plain.write_text("ref,email,note,age,ward\nQ1,a,b,c,A\nQ2,a,b,c,A\n")
    for file, who, error, code in (
        (path, wrong, "legacy.wrong-key", 4),
        (mixed, key, "legacy.rows-broken", 2),
        (foreign, key, "legacy.rows-broken", 2),
        (short, key, "legacy.rows-broken", 2),
        (plain, key, "legacy.wrong-key", 4),
        (path, path, "legacy.key-malformed", 2),
        (path, path.with_name("absent"), "file.missing", 2),
    ):
        said = hedgerow.refused(
            "keys",
            "import-legacy",
            file,
            "--cipher",
            "fernet",
            "--key-file",
            who,
            *OPTIONS,
            code=code,
            error=error,
        )
        assert "hedge.example" not in said.err
    said = hedgerow.refused(
        "keys", "import-legacy", foreign, "--cipher", "fernet", "--key-file", key, *OPTIONS,
        code=2, error="legacy.rows-broken",
    )  # fmt: skip
    assert "line 4 in column email" in said.err
    hedgerow.refused("dataset", "show", "old", code=2, error="dataset.unknown")


def test_the_key_and_new_data_are_no_options(old):
    hedgerow, path, _ = old
    hedgerow.refused(
        "keys", "import-legacy", path, "--cipher", "fernet", "--key", KEY.decode(), *OPTIONS,
        code=2, error="usage.malformed",
    )  # fmt: skip


def without_a_field(taking, self, arrival, more):
    """The store loses one sealed field between taking and reading back."""
    taken = taking(self, arrival, *more)
    with self._store.write() as tx:
        found = next(r for r in tx.find(SealedField, dataset="old") if r.name == "email")
        tx.remove(SealedField, number=found.number, dataset="old", name="email")
    return taken


def with_another_cell(taking, self, arrival, more):
    """A cell of the table is another one when it is written."""
    at = arrival.table.column_names.index("ward")
    other = pa.array(["A", *arrival.table.column("ward").to_pylist()[1:]])
    return taking(self, replace(arrival, table=arrival.table.set_column(at, "ward", other)), *more)


@pytest.mark.parametrize("losing", [without_a_field, with_another_cell])
def test_a_row_that_does_not_read_back_is_a_fault(old, monkeypatch, losing):
    from hedgerow.spine.intake import Intake

    hedgerow, path, key = old
    whole = Intake.take
    monkeypatch.setattr(Intake, "take", lambda self, arrival, *more: losing(whole, self, arrival, more))
    monkeypatch.setenv("HEDGEROW_SPACE", str(hedgerow.space))
    done = hedgerow.call(
        "keys", "import-legacy", path, "--cipher", "fernet", "--key-file", key, *OPTIONS, "--json"
    )
    assert done.code == 6
    assert json.loads(done.out)["code"] == "legacy.not-verified"
