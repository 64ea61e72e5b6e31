"""Proves ``tokenise`` end to end: only covered people, only named columns, one release one set of tokens.

The classic example is among it: names dropped, a drawn id, an address looked up as a zip code.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "tokens"
SAID = ("--purpose", "care")
FILE = (*SAID, "--basis", "public-task")
VISITS = """
others = "drop"
[columns.Who]
kind = "pseudonym"
from = "patient_ref"
[columns.Id]
kind = "random"
from = "patient_ref"
[columns.Assumed]
kind = "surrogate"
from = "patient_ref"
[columns.zip]
kind = "zip"
digits = 3
[columns.sex]
kind = "keep"
[columns.diagnosis]
kind = "token"
"""


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def write(tmp_path):
    """Give what writes a rules file, or another, and tells its path."""

    def made(text, name="rules.toml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return made


def test_the_classic_example(hedgerow, tmp_path):
    out = tmp_path / "out.csv"
    asked = ("tokenise", EXAMPLE / "patients.csv", "--rules", EXAMPLE / "rules.toml", "--out", out)
    said = hedgerow(*asked, *FILE, "--as", "owner", may_show=True)
    rows = rows_of(out)
    assert list(rows[0]) == ["Patient_ID", "Zip Code", "Test Result"]
    assert [row["Test Result"] for row in rows] == ["Positive", "Negative", "Positive"]
    assert [row["Zip Code"] for row in rows] == ["10001", "10002", "10003"]
    assert len({row["Patient_ID"] for row in rows}) == 3
    assert all(re.fullmatch("[A-Z2-9]{4}", row["Patient_ID"]) for row in rows)
    assert "3 rows of 3 are the only one of its kind in Zip Code (3 classes)" in said.out
    assert "not anonymous" in said.out
    assert not {"Smith", "Elm", "Jones", "Oak"} & set(
        re.findall(r"\w+", out.read_text() + said.out + said.err)
    )
    assert out.stat().st_mode & 0o077 == 0
    hedgerow("journal", "verify")


def test_a_data_set_leaves_with_tokens(hedgerow, write, tmp_path, town):
    rules, out = write(VISITS), tmp_path / "out.csv"
    told = hedgerow(
        "tokenise", "visits", "--rules", rules, *SAID, "--out", out, "--as", "priya", "--json"
    ).json
    rows, table = rows_of(out), town[0].tables["clinic_north_visits"]
    assert len(rows) == told["summary"]["rows"] == table.num_rows
    assert list(rows[0]) == ["Who", "Id", "Assumed", "zip", "sex", "diagnosis"]
    people = len(set(table["patient_ref"].to_pylist()))
    assert len({row["Who"] for row in rows}) == len({row["Id"] for row in rows}) == people
    assert len({(row["Who"], row["Id"], row["Assumed"]) for row in rows}) == people
    assert {len(row["zip"]) for row in rows} == {3}
    assert len({row["diagnosis"] for row in rows}) == len(set(table["diagnosis"].to_pylist()))
    assert told["release"] in hedgerow("released", "list", "--as", "priya").out
    hedgerow("journal", "verify")


def test_a_release_stands_in_the_ledger_beside_every_epsilon(hedgerow, write, tmp_path):
    asked = ("tokenise", "visits", "--rules", write(VISITS), "--purpose", "research")
    told = hedgerow(*asked, "--out", tmp_path / "o.csv", "--json").json
    budgets = hedgerow("budget", "show", "visits", "--json").json
    assert all(budget["apart_from"] == [told["release"]] for budget in budgets)
    assert budgets


def test_the_same_request_gives_the_same_tokens_and_another_request_others(hedgerow, write, tmp_path):
    asked = ("tokenise", "visits", "--rules", write(VISITS), *SAID)
    for name, request in (("a", "one"), ("b", "one"), ("c", "two")):
        hedgerow(*asked, "--request-id", request, "--out", tmp_path / f"{name}.csv")
    first, again, other = (rows_of(tmp_path / f"{name}.csv") for name in "abc")
    assert first == again
    for column in ("Who", "Id", "diagnosis"):
        assert not {row[column] for row in first} & {row[column] for row in other}
    rules = write(VISITS.replace("digits = 3", "digits = 2"))
    changed = (
        "tokenise",
        "visits",
        "--rules",
        rules,
        *SAID,
        "--request-id",
        "one",
        "--out",
        tmp_path / "d.csv",
    )
    hedgerow.refused(*changed, code=3, error="request.differs")


def test_deterministic_tokens_are_of_one_recipient(hedgerow, write, tmp_path):
    rules = write(
        'others="drop"\n[columns.Who]\nkind="pseudonym"\nfrom="patient_ref"\npolicy="deterministic"'
    )
    asked = ("tokenise", "visits", "--rules", rules)
    hedgerow.refused(*asked, *SAID, "--out", tmp_path / "x.csv", code=2, error="tokenise.no-recipient")
    named = {}
    for name, purpose, recipient in (
        ("a", "care", "north"), ("b", "care", "north"), ("c", "care", "south"), ("d", "research", "north")
    ):  # fmt: skip
        out = tmp_path / f"{name}.csv"
        hedgerow(*asked, "--purpose", purpose, "--recipient", recipient, "--out", out)
        named[name] = {row["Who"] for row in rows_of(out)}
    assert named["a"] == named["b"]
    assert not named["a"] & named["c"]
    assert not named["a"] & named["d"]


def test_tokens_of_each_row_join_no_rows(hedgerow, write, tmp_path):
    rules = 'others="drop"\n' + "".join(
        f'[columns.{kind}]\nkind="{kind}"\nfrom="ward"\npolicy="fully-randomised"\n'
        for kind in ("random", "token", "reversible")
    )
    hedgerow("tokenise", "visits", "--rules", write(rules), *SAID, "--out", tmp_path / "o.csv")
    rows = rows_of(tmp_path / "o.csv")
    for kind in ("random", "token", "reversible"):
        held = [row[kind] for row in rows if row[kind]]
        assert len(set(held)) == len(held) > 100


def test_it_waits_for_approval_where_a_policy_asks_and_the_register_tells_of_rules_and_file(
    hedgerow, write, tmp_path
):
    text = hedgerow("policy", "show", "--json").json["text"]
    asks = (
        '@id("x") @reason("x") @approval("privacy-officer")\npermit (principal, action == Action::"release", '
    )
    hedgerow("policy", "apply", write(f'{text}\n{asks}resource == Dataset::"visits");', "p.cedar"), "--yes")
    asked = (
        "tokenise",
        "visits",
        "--rules",
        write(VISITS),
        *SAID,
        "--out",
        tmp_path / "o.csv",
        "--as",
        "priya",
    )
    hedgerow.refused(*asked, code=8, error="approval.pending")
    hedgerow("principal", "add", "paul", "--role", "privacy-officer")
    (waiting,) = hedgerow("approval", "list", "--as", "paul", "--json").json
    assert "pseudonym" in hedgerow("approval", "show", waiting["id"], "--as", "paul").out
    hedgerow("approval", "grant", waiting["id"], "--as", "paul")
    release = hedgerow(*asked, "--json").json["release"]
    summary = hedgerow("released", "show", release, "--json").json["summary"]
    assert re.fullmatch("[0-9a-f]{64}", summary["rules"])
    assert summary["file"] is None
    hedgerow("journal", "verify")


def test_who_withdrew_or_was_erased_is_left_out_and_counted_to_the_officer_only(
    hedgerow, write, tmp_path, town, patient
):
    table = town[0].tables["clinic_north_visits"]
    refs = sorted(set(table["patient_ref"].to_pylist()))
    yes = set(town[0].consents["subject"].to_pylist())
    another = next(ref for ref in refs if ref in yes and ref != patient)
    file = write(
        "ref,score\n" + "".join(f"{ref},{at}\n" for at, ref in enumerate([*refs, "R-NOBODY"])), "s.csv"
    )
    rules = write('[person]\ncolumn="ref"\n[columns.ref]\nkind="pseudonym"\n[columns.score]\nkind="keep"')
    asked = ("tokenise", file, "--rules", rules, "--dataset", "visits", "--purpose", "research")
    told = hedgerow(*asked, "--out", tmp_path / "a.csv", "--json").json["summary"]
    covered = len(yes & set(refs))
    assert (told["rows"], told["rows_left_out"]) == (covered, len(refs) + 1 - covered)
    hedgerow("consent", "withdraw", patient, "--purpose", "research")
    hedgerow("subject", "erase", another, "--yes")
    hedgerow(*asked, "--out", tmp_path / "b.csv")
    left = {row["score"] for row in rows_of(tmp_path / "b.csv")}
    gone = {row["score"] for row in rows_of(tmp_path / "a.csv")} - left
    assert gone == {str(refs.index(patient)), str(refs.index(another))}
    # Nobody was enrolled by it.
    assert "R-NOBODY" not in hedgerow("dataset", "show", "visits").out
    hedgerow("subject", "show", "R-NOBODY", code=2)


def test_people_of_a_file_are_enrolled_so_that_they_can_be_erased(hedgerow, tmp_path):
    asked = ("tokenise", EXAMPLE / "patients.csv", "--rules", EXAMPLE / "rules.toml", *SAID)
    out = tmp_path / "out.csv"
    hedgerow.refused(*asked, "--out", out, code=2, error="tokenise.no-basis")
    assert not out.exists()
    hedgerow(*asked, "--basis", "public-task", "--request-id", "a", "--out", out)
    hedgerow("subject", "erase", "Mary Jones", "--yes")
    hedgerow.refused(
        *asked, "--request-id", "a", "--out", tmp_path / "b.csv", code=3, error="request.withdrawn"
    )
    hedgerow(*asked, "--out", tmp_path / "c.csv")
    assert [row["Test Result"] for row in rows_of(tmp_path / "c.csv")] == ["Positive", "Positive"]
    hedgerow("journal", "verify")


def test_only_who_may_release_may_tokenise_and_only_who_collects_enrols(hedgerow, tmp_path):
    asked = ("tokenise", EXAMPLE / "patients.csv", "--rules", EXAMPLE / "rules.toml", *FILE)
    for who in ("ana", "sam", "otto", "priya"):
        out = tmp_path / "out.csv"
        hedgerow.refused(*asked, "--out", out, "--as", who, code=3, error="policy.not-permitted")
        assert not out.exists()
    hedgerow("dataset", "show", "patients", code=2)


@pytest.mark.parametrize(
    ("rules", "code", "error"),
    [
        ("columns = [", 2, "tokenise.not-toml"),
        ('[columns.ward]\nkind = "hmac"', 2, "tokenise.unknown-kind"),
        ('[columns.ward]\nkind = "keep"', 2, "tokenise.unnamed"),
        ('others="drop"\n[columns.gone]\nkind="keep"', 2, "tokenise.no-column"),
        ('others="drop"\n[columns.full_name]\nkind="keep"', 2, "column.in-vault"),
        (
            'others="drop"\n[columns.ward]\nkind="pseudonym"\n[person]\ncolumn="patient_ref"',
            2,
            "tokenise.option",
        ),
        ('others="drop"\n[person]\ncolumn="email"\n[columns.ward]\nkind="keep"', 2, "tokenise.other-person"),
        ('others="drop"\n[columns.ward]\nkind="lookup"\ntable="none.csv"', 2, "tokenise.table"),
        ('others="drop"\n[columns.ward]\nkind="lookup"\nentries={A="x"}', 2, "tokens.not-in-table"),
        ('others="drop"\n[columns.ward]\nkind="surrogate"\nlocale="xx_XX"', 2, "tokens.unknown-locale"),
        ('others="drop"\n[columns.ward]\nkind="hash"', 3, "tokens.enumerable"),
    ],
)
def test_bad_rules_are_refused_and_leave_no_file(hedgerow, write, tmp_path, rules, code, error):
    out = tmp_path / "out.csv"
    hedgerow.refused(
        "tokenise", "visits", "--rules", write(rules), *SAID, "--out", out, code=code, error=error
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("cells", "rules", "code", "error"),
    [
        ("name,mail\nR-1,ann@example.org\n", '[columns.mail]\nkind="keep"', 3, "tokenise.identifies"),
        ("name,mail\nR-1,ann@example.org\n", '[columns.name]\nkind="keep"', 2, "tokenise.unnamed"),
        ('name,mail\nR-1,"a\n', 'others="drop"\n[columns.mail]\nkind="drop"', 2, "tokenise.rules"),
        ('name,mail\nR-1,"a\nR-2,b\n', '[columns.mail]\nkind="constant"', 2, "tokenise.broken"),
        ("name,mail\n,a\n", '[columns.mail]\nkind="constant"', 3, "tokenise.nobody"),
    ],
)
def test_bad_files_are_refused_and_leave_no_file(hedgerow, write, tmp_path, cells, rules, code, error):
    file, out = write(cells, "some.csv"), tmp_path / "out.csv"
    made = write(rules + '\n[person]\ncolumn="name"\n')
    hedgerow.refused("tokenise", file, "--rules", made, *FILE, "--out", out, code=code, error=error)
    assert not out.exists()


def test_a_column_kept_on_the_callers_word_leaves(hedgerow, write, tmp_path):
    file = write("name,mail\nR-1,ann@example.org\n", "some.csv")
    rules = write('[person]\ncolumn="name"\n[columns.mail]\nkind="keep"\ni_know=true')
    hedgerow("tokenise", file, "--rules", rules, *FILE, "--out", tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_text() == "mail\nann@example.org\n"


def test_rows_of_a_file_say_whose_they_are(hedgerow, write, tmp_path):
    file, rules = write("a\n1\n", "some.csv"), write('[columns.a]\nkind="keep"')
    hedgerow.refused("tokenise", file, "--rules", rules, *FILE, "--out", tmp_path / "o.csv", code=2,
                     error="tokenise.whose")  # fmt: skip


def test_nothing_is_overwritten_without_force(hedgerow, write, tmp_path):
    out = write("mine", "out.csv")
    asked = ("tokenise", "visits", "--rules", write(VISITS), *SAID, "--out", out)
    hedgerow.refused(*asked, code=2, error="out.exists")
    assert out.read_text() == "mine"
    hedgerow(*asked, "--force")
    assert out.read_text().startswith("Who,")
