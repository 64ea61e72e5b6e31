"""Proves that the plan of a collection tells what then happens, to whom it may, and changes nothing."""

from __future__ import annotations

import csv
import sqlite3
import subprocess
import sys
from collections import Counter

import pytest

VISITS = (
    *("--dataset", "visits", "--subject-key", "patient_ref", "--drop", "visit_id,birth_date,visit_date"),
    *("--purpose", "research", "--basis", "research=consent", "--purpose", "care"),
    *("--basis", "care=public-task"),
)
SOUTH = ("--dataset", "south", "--subject-key", "patient_ref", "--purpose", "research", "--basis", "consent")


@pytest.fixture
def write(tmp_path):
    """Write a small file and give its path."""

    def made(text, name="small.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return made


def small(file, *more):
    """Say how a small file is collected."""
    return (
        *("collect", file, "--dataset", "small", "--subject-key", "ref", "--purpose", "research"),
        *("--basis", "consent", "--dry-run", *more),
    )


def records(space):
    """Read every record of a workspace."""
    with sqlite3.connect(f"file:{next(space.glob('*.db'))}?mode=ro", uri=True) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, database.execute(f'SELECT * FROM "{name}"'))) for name in tables}


def people_of(file):
    with file.open(newline="") as stream:
        return Counter(row["patient_ref"] for row in csv.DictReader(stream))


def test_the_plan_tells_what_then_happens(hedgerow, town):
    file, consents = town[1]["clinic_south_visits"], town[1]["consents"]
    said = ("collect", file, *SOUTH, "--drop", "visit_id,phone", "--consents", consents)
    plan = hedgerow(*said, "--dry-run", "--json").json
    taken = hedgerow(*said, "--json").json
    assert (plan["rows"], plan["people"]) == (taken["rows"], taken["people"])
    assert plan["held"]["people_new"] == taken["new_people"]
    assert not plan["exists"]
    rows = people_of(file)
    with consents.open(newline="") as stream:
        yes = {row["subject"] for row in csv.DictReader(stream) if row["purpose"] == "research"}
    covered = plan["coverage"]["research"]
    assert covered["people_covered"] == len(yes & set(rows))
    assert covered["rows_covered"] == sum(rows[ref] for ref in yes & set(rows))
    assert covered["people_covered"] + covered["people_not_covered"] == plan["people"]
    assert covered["rows_covered"] + covered["rows_not_covered"] == plan["rows"]
    columns = {column["column"]: column for column in plan["columns"]}
    shown = hedgerow("dataset", "show", "south", "--json").json["columns"]
    assert {c["name"]: (c["type"], c["role"]) for c in shown} == {
        name: (column["type"], column["role"])
        for name, column in columns.items()
        if column["goes_to"] != "dropped"
    }
    assert {name for name, column in columns.items() if column["goes_to"] == "vault"} == set(plan["vault"])


def test_the_text_tells_the_same(hedgerow, town):
    said = ("collect", town[1]["clinic_south_visits"], *SOUTH, "--drop", "visit_id,phone", "--dry-run")
    plan = hedgerow(*said, "--consents", town[1]["consents"], "--json").json
    text = hedgerow(*said, "--consents", town[1]["consents"]).out
    covered = plan["coverage"]["research"]
    people, rows = covered["people_covered"], covered["rows_covered"]
    for told in (
        f"{plan['rows']:,} rows of {plan['people']:,} people from clinic_south_visits.csv into south, a new",
        f"{covered['granted_here']:,} yes, {covered['withdrawn_here']:,} no",
        f"Covered: {people:,} of {plan['people']:,} people, {rows:,} of {plan['rows']:,} rows.",
        f"{plan['consents_of_others']:,} of them of people not in this file",
        "sealed under each person's own key",
        "visit_id, phone: not collected",
    ):
        assert told in text
    assert text.endswith("Nothing was done.\n")


def test_a_dry_run_changes_nothing(hedgerow, space, town):
    before, files = (
        records(space),
        {path: path.stat().st_mtime_ns for path in space.rglob("*") if path.is_file()},
    )
    for more in ((), ("--as", "sam"), ("--json",), ("--explain",)):
        hedgerow("collect", town[1]["clinic_north_visits"], *VISITS, "--dry-run", *more)
    for more in ((), ("--consents", town[1]["consents"])):
        said = ("collect", town[1]["clinic_south_visits"], *SOUTH, "--drop", "visit_id", *more)
        hedgerow(*said, "--dry-run")
    assert records(space) == before
    tables = {path for path in files if path.parent.name == "tables"}
    assert {path for path in space.rglob("*") if path.parent.name == "tables"} == tables


def test_a_file_taken_before_adds_nothing(hedgerow, town):
    said = ("collect", town[1]["clinic_north_visits"], *VISITS)
    assert "Nothing to add: visits holds this very file already" in hedgerow(*said, "--dry-run").out
    plan = hedgerow(*said, "--dry-run", "--json").json
    assert (plan["taken_before"], plan["rows"], plan["warnings"]) == (True, 0, [])
    again = hedgerow(*said, "--dry-run", "--again", "--json").json
    assert again["rows"] > 0
    assert "added once more" in again["warnings"][0]
    hedgerow.refused(*said, code=2, error="collect.taken-before")


def test_a_corrected_file_is_warned_of_and_new_people_are_not(hedgerow, town, write):
    lines = town[1]["clinic_north_visits"].read_text().splitlines()
    corrected = write("\n".join(lines[:-1]) + "\n", "corrected.csv")
    plan = hedgerow("collect", corrected, *VISITS, "--dry-run", "--json").json
    held = plan["held"]
    assert (held["people_present"], held["people_new"]) == (plan["people"], 0)
    assert held["rows"] == len(lines) - 1
    assert plan["exists"]
    assert "`hedgerow dataset drop visits`, then collect again" in plan["warnings"][0]
    text = hedgerow("collect", corrected, *VISITS, "--dry-run").out
    assert f"added to its {held['rows']:,} rows of {held['people']:,} people" in text
    assert "Warning" in text
    strangers = [lines[0], *(line.replace("R-", "N-") for line in lines[1:])]
    fresh = write("\n".join(strangers) + "\n", "fresh.csv")
    plan = hedgerow("collect", fresh, *VISITS, "--dry-run", "--json").json
    assert plan["held"]["people_present"] == 0
    assert plan["held"]["people_new"] == plan["people"]
    assert not [warning for warning in plan["warnings"] if "drop" in warning]


def test_a_dropped_data_set_is_a_new_one_again(hedgerow, town):
    hedgerow("dataset", "drop", "visits", "--yes")
    plan = hedgerow("collect", town[1]["clinic_north_visits"], *VISITS, "--dry-run", "--json").json
    assert (plan["exists"], plan["taken_before"], plan["warnings"]) == (False, False, [])
    assert plan["held"]["people_present"] == plan["held"]["rows"] == 0


def test_who_may_not_see_counts_learns_nothing_of_who_is_held(hedgerow, town, patient, write):
    head, *lines = town[1]["clinic_north_visits"].read_text().splitlines()
    mine = next(line for line in lines if patient in line)
    told = []
    for ref in (patient, "R-nobody"):
        file = write(f"{head}\n{mine.replace(patient, ref)}\n", "one.csv")
        plan = hedgerow("collect", file, *VISITS, "--dry-run", "--json", "--as", "sam").json
        text = hedgerow("collect", file, *VISITS, "--dry-run", "--as", "sam").out
        for column in plan["columns"]:
            column.pop("evidence")
        told.append((plan, text.split("purpose")[1]))
    assert told[0] == told[1]
    assert told[0][0]["held"] is None
    assert "you may not see them" in told[0][1]
    assert "2085" not in told[0][1]


def test_an_erased_person_is_left_out_of_the_plan(hedgerow, town, patient, write):
    hedgerow("subject", "erase", patient, "--yes")
    lines = town[1]["clinic_north_visits"].read_text().splitlines()
    file = write("\n".join(lines[:-1]) + "\n")
    said = ("collect", file, *VISITS)
    plan = hedgerow(*said, "--dry-run", "--json").json
    assert plan["held"]["people_left_out_as_erased"] == 1
    assert "who had themselves erased" in hedgerow(*said, "--dry-run").out
    taken = hedgerow(*said, "--json").json
    assert (plan["rows"], plan["people"]) == (taken["rows"], taken["people"])
    assert plan["held"]["rows_left_out_as_erased"] == taken["left_out_as_erased"]


def test_text_that_looks_like_numbers_or_dates_is_noted(hedgerow, write):
    file = write("ref;weight;born;word;code\nP-1;7,5;31/01/1980;a;1,5\nP-2;8,25;01/02/1990;b;2,5\n")
    types = write('drop = ["code"]\n[types]\nword = "text"\n', "s.toml")
    columns = {c["column"]: c for c in hedgerow(*small(file, "--schema", types, "--json")).json["columns"]}
    assert columns["weight"]["type"] == "text"
    assert any("write 7.5, not 7,5" in note for note in columns["weight"]["notes"])
    assert any("2026-01-31" in note for note in columns["born"]["notes"])
    for name in ("ref", "code"):
        assert columns[name]["notes"] == []
    text = hedgerow(*small(file, "--schema", types)).out
    assert "weight looks like numbers written with a comma, and is kept as text" in text
    stated = write('drop = []\n[types]\nweight = "text"\n', "s.toml")
    columns = {c["column"]: c for c in hedgerow(*small(file, "--schema", stated, "--json")).json["columns"]}
    assert not any("7,5" in note for note in columns["weight"]["notes"])


def test_what_the_schema_states_is_shown_against_discovery(hedgerow, write):
    file = write("ref,age,ward\n" + "".join(f"P-{n},{n},A\n" for n in range(30, 60)))
    schema = write(
        'drop = []\nmax_rows = 3\n[roles]\nage = "sensitive-attribute"\n[bounds]\nage = "0:120"\n'
        '[keys]\nward = ["A", "B"]\n',
        "s.toml",
    )
    plan = hedgerow(*small(file, "--schema", schema, "--json")).json
    age = next(c for c in plan["columns"] if c["column"] == "age")
    assert (age["role"], age["discovered_role"]) == ("sensitive-attribute", "quasi-identifier")
    assert plan["declares"] == {
        "unit": "person",
        "max_rows": 3,
        "columns": {
            "age": {"bounds": ["0", "120"], "keys": None},
            "ward": {"bounds": None, "keys": ["A", "B"]},
        },
    }
    text = hedgerow(*small(file, "--schema", schema)).out
    assert "age has the role sensitive-attribute by the schema; discovery thinks quasi-identifier." in text
    assert "at most 3 rows of one person count; age within 0:120; ward has 2 keys." in text


def test_the_roles_of_an_existing_data_set_stay_and_the_plan_says_so(hedgerow, town, write):
    file = write(town[1]["clinic_north_visits"].read_text().rsplit("\n", 2)[0] + "\n")
    schema = write('[roles]\nage = "other"\n', "s.toml")
    said = ("collect", file, *VISITS, "--schema", schema)
    age = next(c for c in hedgerow(*said, "--dry-run", "--json").json["columns"] if c["column"] == "age")
    hedgerow(*said)
    held = next(
        c for c in hedgerow("dataset", "show", "visits", "--json").json["columns"] if c["name"] == "age"
    )
    assert age["role"] == held["role"] == "quasi-identifier"
    assert "in the data set, which stays; the schema says other" in age["notes"][0]


def test_broken_rows_are_counted_by_reason(hedgerow, write):
    rows = ["P-1,1", "P-2,x", "P-3,y", ",4", "P-5,5,5", "P-6,z", "P-7,q", "P-8,8"]
    file = write("ref,n\n" + "\n".join(rows) + "\n")
    schema = write('drop = []\n[types]\nn = "integer"\n', "s.toml")
    plan = hedgerow(*small(file, "--schema", schema, "--json")).json
    assert [(told["rows"], told["first_line"]) for told in plan["broken_by_reason"]] == [
        (4, 3),
        (1, 5),
        (1, 6),
    ]
    assert (plan["rows"], plan["rows_in_file"], len(plan["broken"])) == (2, 8, 6)
    text = hedgerow(*small(file, "--schema", schema)).out
    assert "6 rows that cannot be read" in text
    assert "lines 3, 4, 7 and 1 more: column n: expected a whole number" in text
    assert "line 5: column ref" in text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("subject,purpose,time\nP-1,research,yesterday\n", "consent.malformed"),
        ("subject,purpose,time\nP-1,unheard-of,2024-01-01\n", "consent.purpose-undeclared"),
        ("who,purpose,time\n", "collect.consents-malformed"),
        (f"subject,purpose,time\n{'P' * 2000},research,2024-01-01\n", "reference.too-long"),
    ],
)
def test_a_dry_run_meets_the_problems_of_a_consents_file(hedgerow, write, text, error):
    file, consents = write("ref,age\nP-1,41\n"), write(text, "choices.csv")
    said = small(file, "--drop", "", "--consents", consents)
    hedgerow.refused(*said, code=2, error=error)
    hedgerow.refused(*[word for word in said if word != "--dry-run"], code=2, error=error)


def test_a_dry_run_meets_the_refusals_of_an_existing_data_set(hedgerow, town, write):
    said = ("collect", town[1]["clinic_north_visits"], "--dry-run", *VISITS[:4])
    research = ("--purpose", "research", "--basis", "consent")
    same = ("--drop", "visit_id,birth_date,visit_date")
    hedgerow.refused(*said, *research, *same, "--again", code=3, error="basis.not-named")
    hedgerow.refused(*said, *research, "--drop", "visit_id", code=2, error="dataset.columns-differ")
    schema = write('drop = []\nmax_rows = 3\n[keys]\nref = ["a"]\n', "s.toml")
    file = write("ref,age\nP-1,41\n")
    hedgerow.refused(*small(file, "--schema", schema), code=2, error="column.in-vault")


def test_consents_that_cover_nobody_are_warned_of(hedgerow, write):
    file, consents = (
        write("ref,age\nP-1,41\n"),
        write("subject,purpose,time\nX-1,research,2024-01-01\n", "c.csv"),
    )
    warned = hedgerow(*small(file, "--drop", "", "--consents", consents, "--json")).json["warnings"]
    assert "Nobody in this file consents to research" in warned[0]
    assert "the column subject must hold the same ids as ref" in warned[1]


def test_a_file_of_which_a_few_rows_are_in_another_encoding_is_to_be_converted(hedgerow, tmp_path):
    file = tmp_path / "latin.csv"
    file.write_bytes(b"ref,ward\nP-1,A\nP-2,B\nP-3,Wei\xdf\n")
    warned = hedgerow(*small(file, "--drop", "", "--json")).json["warnings"]
    assert any("1 row set aside for not being UTF-8" in w and "iconv -f" in w for w in warned)


def test_the_note_on_dates_shows_the_form_that_was_found(hedgerow, write):
    file = write("ref,seen\nP-1,17.03.2025\nP-2,21.04.2025\n")
    said = hedgerow(*small(file, "--drop", "")).out
    assert "31.01.2026" in said
    assert "31/01/2026" not in said
    assert "17.03.2025" not in said


def test_a_refusal_of_a_bare_day_in_a_consents_file_wins_the_day(hedgerow, write):
    file, text = write("ref,age\nP-1,41\n"), "subject,purpose,time,granted\nP-1,research,2026-01-05{},{}\n"
    choices = write(text.format("T09:00:00Z", "true") + text.format("", "false").split("\n", 1)[1], "c.csv")
    plan = hedgerow(*small(file, "--drop", "", "--consents", choices, "--json")).json
    assert plan["coverage"]["research"]["people_covered"] == 0


@pytest.mark.parametrize("width", [80, 120])
def test_the_plan_fits_the_terminal(hedgerow, town, width):
    words = ["collect", str(town[1]["clinic_south_visits"]), *SOUTH, "--drop", "visit_id,phone", "--dry-run"]
    program = (
        "import os, pty, sys\nfrom hedgerow.cli import screen\n"
        f"os.environ['COLUMNS'] = '{width}'\nscreen.Screen.width = lambda self, narration=False: {width}\n"
        "from hedgerow.cli.main import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True, text=True, env=hedgerow.surroundings(), timeout=60, check=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert ("masked" in done.stdout) is (width == 120)
