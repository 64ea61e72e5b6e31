"""Proves ``audit safe-harbor``: what it finds, writes, refuses and never shows."""

from __future__ import annotations

import csv

import pytest

FILE = """full_name,age,zip,admitted,diagnosis,state,notes
Ada Quill,34,02139,2024-03-17,flu,Ohio,she came by bus
Bo Stone,93,03601,2024-03-18,gout,Utah,he is called Bo Stone
Cy Reed,41,02139,2023-12-01,flu,Ohio,nothing
"""


@pytest.fixture
def visits(tmp_path):
    path = tmp_path / "visits.csv"
    path.write_text(FILE)
    return path


def test_a_file_is_held_against_the_rule_and_written_without_its_identifiers(nowhere, visits, tmp_path):
    out = tmp_path / "clean.csv"
    asked = ("audit", "safe-harbor", visits, "--small-areas", "036", "--column", "notes=free-text")
    told = nowhere(*asked, "--out", out, "--json").json
    found = {each["column"]: (each["letter"], each["treatment"]) for each in told["findings"]}
    assert found == {
        "full_name": ("A", "dropped"), "age": ("C", "age-90"), "zip": ("B", "zip-3"),
        "admitted": ("C", "year"), "notes": ("R", "dropped"),
    }  # fmt: skip
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["age"] for row in rows] == ["34", "90 or older", "41"]
    assert [row["zip"] for row in rows] == ["021", "000", "021"]
    assert [row["admitted"] for row in rows] == ["2024", "2024", "2023"]
    assert rows[0].keys() == {"age", "zip", "admitted", "diagnosis", "state"}
    again = nowhere("audit", "safe-harbor", out, "--small-areas", "036", "--json", "--fail-on-findings").json
    assert again["findings"] == []


def test_it_shows_no_value_and_ends_with_9_where_asked(nowhere, visits):
    shown = nowhere("audit", "safe-harbor", visits, "--fail-on-findings", code=9)
    assert "full_name" in shown.out
    assert "no program can tell" in shown.out.lower()
    assert not any(value in shown.out + shown.err for value in ("Ada", "02139", "93", "bus"))


def test_what_is_wrong_is_refused_and_leaves_no_file(nowhere, visits, tmp_path):
    out = tmp_path / "clean.csv"
    asked = ("audit", "safe-harbor", visits, "--out", out)
    nowhere.refused(*asked, "--column", "notes", code=2, error="harbor.bad-column")
    nowhere.refused(*asked, "--column", "note=other", code=2, error="anonymity.unknown-column")
    nowhere.refused(*asked, "--areas", tmp_path / "no.csv", code=2, error="harbor.areas-unreadable")
    assert not out.exists()
    out.write_text("mine")
    nowhere.refused(*asked, code=2, error="out.exists")
    assert out.read_text() == "mine"
