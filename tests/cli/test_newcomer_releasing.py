"""Proves what a newcomer to releases reads: figures in words, what was withdrawn, next steps that lead on."""

from __future__ import annotations

import re

import pytest

from hedgerow.app.populations import read_population
from hedgerow.model.errors import CallerError

SAID = (
    "release",
    "visits",
    "--purpose",
    "care",
    "--quasi",
    "age,sex",
    "--sensitive",
    "diagnosis",
    "--k",
    "3",
)

WHO = """others = "drop"
[columns.Who]
kind = "pseudonym"
from = "patient_ref"
[columns.diagnosis]
kind = "keep"
"""


@pytest.fixture
def made(hedgerow, tmp_path):
    """Give what a release told."""
    return hedgerow(*SAID, "--out", tmp_path / "r.csv", "--json").json


def test_one_release_is_shown_in_words_and_not_as_code(hedgerow, made):
    shown = hedgerow("released", "show", made["release"]).out
    assert not any(sign in shown for sign in ("{", "[", "None", "_risk", "class_sizes"))
    for said in ("k = 3:", "Generalised: age level", "highest", "Detail kept", "singling out", "inference"):
        assert said in shown, said
    assert max(map(len, shown.splitlines())) < 400
    limits = made["summary"]["limits"]
    assert shown.count(limits) == 1  # it stands among the statements too


def test_tokens_are_shown_in_words_too(hedgerow, tmp_path):
    (tmp_path / "who.toml").write_text(WHO)
    asked = ("tokenise", "visits", "--rules", tmp_path / "who.toml", "--purpose", "care")
    told = hedgerow(*asked, "--out", tmp_path / "who.csv").out
    assert f"Certificate: {tmp_path / 'who.csv'}.certificate.json" in told
    shown = hedgerow("released", "show", hedgerow("released", "list", "--json").json[-1]["id"]).out
    assert not any(sign in shown for sign in ("{", "[", "None", "_person"))
    assert "Who: pseudonym" in shown
    assert "diagnosis: keep" in shown


def test_the_register_tells_which_release_was_withdrawn(hedgerow, made):
    assert hedgerow("released", "list").out.split().count("withdrawn") == 1  # its heading
    hedgerow("released", "retire", made["release"], "--reason", "a column too many", "--yes")
    line = next(row for row in hedgerow("released", "list").out.splitlines() if made["release"] in row)
    assert line.rstrip().endswith("Z")
    assert line.split()[-1].startswith(hedgerow("released", "list", "--json").json[0]["retired"]["time"])


def test_candidates_name_the_columns_of_their_levels(hedgerow):
    told = hedgerow(*SAID[:-2], "--candidates").out
    assert told.splitlines()[0].split()[-3:] == ["loss", "age", "sex"]
    assert "0 is as collected" in told


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_population_is_read_whatever_parts_its_cells(tmp_path, mark, start):
    lines = (mark.join(cells) for cells in (("sex", "age", "ward"), ("F", "31", "A"), ("M", "", "B")))
    path = tmp_path / "all.csv"
    path.write_text(start + "\n".join(lines), encoding="utf-8")
    found = read_population(str(path), ("age", "sex"))
    assert found == {"columns": ["age", "sex"], "rows": [["31", "F"], [None, "M"]]}
    with pytest.raises(CallerError, match="quasi-identifier zip"):
        read_population(str(path), ("age", "zip"))


def test_next_steps_of_a_release_lead_on(hedgerow, tmp_path):
    out = ("--out", tmp_path / "r.csv")
    asked = (*SAID, "--model", "k-map=5", "--population", "80000", *out)
    step = hedgerow.refused(*asked, code=2, error="anonymity.model-population").err
    assert "k-map=5,0.05" in step
    assert "a number of people or a region" not in step
    step = hedgerow.refused(*SAID, "--weight", "age", *out, code=2, error="anonymity.bad-weight").err
    assert "--weight age=2" in step
    step = hedgerow.refused(*SAID, "--l", "90", *out, code=3, error="anonymity.unreachable").err
    assert "--candidates" in step
    asked = ("release", "visits", "--purpose", "care", "--quasi", "agee", "--k", "3", *out)
    step = hedgerow.refused(*asked, code=2, error="anonymity.unknown-column").err
    assert "Did you mean age?" in step
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "sex.csv").write_text("F,*\nM,*\n")
    asked = (*SAID, "--hierarchies", tmp_path / "h", *out)
    step = hedgerow.refused(*asked, code=2, error="hierarchies.separator").err
    assert "semicolons" in step
    assert "--out is missing." in hedgerow(*SAID, code=2).err
    hedgerow.refused(*SAID[:-1], "0", *out, code=2, error="anonymity.k-too-small")
    assert "--k is missing." in hedgerow(*SAID[:-2], *out, code=2).err
    assert "leave --out away" in hedgerow(*SAID, "--candidates", *out, code=2).err


def test_a_file_without_its_certificate_is_told_so(nowhere, tmp_path):
    (tmp_path / "a.csv").write_text("a\n1\n")
    told = nowhere.refused(
        "released", "verify", tmp_path / "a.csv", code=2, error="released.no-certificate-file"
    )
    assert "--certificate" in told.err
    nowhere.refused("released", "verify", tmp_path / "b.csv", code=2, error="file.missing")


def test_a_category_that_does_not_exist_lets_no_identifier_through(nowhere, tmp_path):
    (tmp_path / "v.csv").write_text("age,ward\n93,A\n41,B\n")
    asked = ("audit", "safe-harbor", tmp_path / "v.csv", "--out", tmp_path / "clean.csv")
    told = nowhere.refused(*asked, "--column", "age=aeg", code=2, error="harbor.unknown-category").err
    assert "other" in told
    assert not (tmp_path / "clean.csv").exists()
    nowhere(*asked, "--column", "ward=diagnosis")


def page(path):
    """Give the words of a page, without its markup."""
    found = re.sub(r"<style.*?</style>|<[^>]+>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(found.split())


def test_the_page_of_a_release_with_tokens_claims_nothing_that_was_not_counted(hedgerow, made, tmp_path):
    (tmp_path / "who.toml").write_text(WHO)
    asked = ("tokenise", "visits", "--rules", tmp_path / "who.toml", "--purpose", "care")
    hedgerow(*asked, "--out", tmp_path / "who.csv")
    said = page(tmp_path / "who.csv.certificate.html")
    # R held the same people and was not compared; there is no smallest class of 0 rows and no counted risk.
    assert "No earlier release held the same people" not in said
    assert "It was not compared with other releases of the same people" in said
    assert "0 rows" not in said.replace(",0", "")
    assert "risks above are counted" not in said
    assert "Prosecutor" not in said
    assert "Not counted" in said
    first = page(tmp_path / "r.csv.certificate.html")
    assert "No earlier release held the same people" in first
    assert "Prosecutor, highest" in first
