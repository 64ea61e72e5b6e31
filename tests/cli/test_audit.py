"""Proves ``hedgerow audit release``: what it tells, its exit codes, that it shows no value of a person."""

from __future__ import annotations

import json

import pytest
from tests.program import Program

NAMES = ("John Smith", "Mary Jones", "Robert Brown")
ORIGINAL = """Name,Address,Zip Code,Test Result
John Smith,123 Elm Street,02139,Positive
Mary Jones,456 Oak Avenue,02141,Negative
Robert Brown,789 Pine Road,02142,Positive
"""
RELEASED = """Patient_ID,Zip Code,Test Result
7f3a,02139,Positive
c09e,02141,Negative
41bd,02142,Positive
"""
COLUMNS = ("--quasi", "Zip Code", "--sensitive", "Test Result")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Give the program in a folder with the three patients."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "original.csv").write_text(ORIGINAL)
    (tmp_path / "released.csv").write_text(RELEASED)
    (tmp_path / "area.csv").write_text(RELEASED.replace("02139", "021**").replace("02141", "021**"))

    def call(*words, code=0, error=None, file="released.csv"):
        done = Program().call("audit", "release", file, *words)
        assert done.code == code, done
        if error is not None:
            assert done.error == error
            assert "Next: " in done.err
        assert not [name for name in (*NAMES, "Elm", "02139", "7f3a") if name in done.out + done.err]
        return done

    return call


def test_three_unique_zips_are_re_identified_and_it_says_so(run):
    said = run("--original", "original.csv", *COLUMNS).out
    assert said.startswith("Highest risk: 100%")
    assert "at most 1 in 1 to point at the row of a person" in said
    assert "Of 3 people of the source, 3 fit exactly one released row in Zip Code; 0 fit none." in said
    assert "In law: pseudonymised personal data." in said
    assert "a control group" in said


def test_json_holds_all_of_it_without_a_float(run):
    done = run("--original", "original.csv", *COLUMNS, "--json").json
    assert done["reidentification"]["prosecutor"]["max"] == "1"
    assert done["candidates"]["singled_out"] == 3
    assert done["attacks"][0]["risk"] == "1"
    assert (done["fail_on"], done["findings"]) == (None, [])
    json.loads(json.dumps(done), parse_float=lambda text: pytest.fail(f"{text} is a float"))


def test_over_the_limit_it_ends_with_9_and_says_why(run):
    done = run("--original", "original.csv", *COLUMNS, "--fail-on", "0.2", code=9)
    assert "Over 0.2:\n  the prosecutor's risk is 100.0%" in done.out
    shown = run("--original", "original.csv", *COLUMNS, "--fail-on", "0.2", "--json", code=9).json
    assert len(shown["findings"]) >= 2


def test_without_power_no_limit_is_kept(run):
    done = run("--original", "original.csv", *COLUMNS, "--synthetic", "--fail-on", "0.5", "--json", code=9,
               file="area.csv")  # fmt: skip
    assert any("could not have seen" in found for found in done.json["findings"])


def test_within_the_limit_it_ends_with_0(run, tmp_path):
    rows = [f"{20 + n % 40},{n % 7}" for n in range(4000)]
    for name, part in (("people", rows[:2000]), ("others", rows[2000:])):
        (tmp_path / f"{name}.csv").write_text("age,ill\n" + "\n".join(part) + "\n")
    (tmp_path / "stars.csv").write_text("age,ill\n" + "".join(f"*,{n % 7}\n" for n in range(2000)))
    done = run("--original", "people.csv", "--quasi", "age", "--sensitive", "ill", "--control", "others.csv",
               "--fail-on", "0.1", file="stars.csv")  # fmt: skip
    assert "with power to see a risk of" in done.out


def test_control_population_hierarchies_and_link_are_taken(run, tmp_path):
    (tmp_path / "ladders").mkdir()
    (tmp_path / "ladders" / "Zip Code.csv").write_text("02139;021**;*\n02141;021**;*\n02142;021**;*\n")
    more = ("--hierarchies", "ladders", "--population", "original.csv", "--link", "Zip Code:Test Result")
    words = ("--original", "original.csv", *COLUMNS, *more, "--control-share", "0.34", "--json")
    done = run(*words, file="area.csv").json
    assert done["rows"] == {"original": 2, "released": 3, "control": 1}
    assert done["reidentification"]["population"].startswith("a population table")
    assert next(each for each in done["attacks"] if each["attack"] == "linkability")["knows"] == ["Zip Code"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--quasi", "zip"), "audit.unknown-column"),
        (("--quasi", ""), "audit.no-quasi"),
        ((*COLUMNS, "--fail-on", "few"), "audit.bad-limit"),
        ((*COLUMNS, "--control-share", "2"), "audit.bad-share"),
        ((*COLUMNS, "--population-size", "2"), "audit.population-too-small"),
        ((*COLUMNS, "--link", "Zip Code"), "audit.bad-link"),
        ((*COLUMNS, "--seed", "-1"), "audit.bad-seed"),
        ((*COLUMNS, "--hierarchies", "nowhere"), "hierarchies.no-directory"),
        ((*COLUMNS, "--control", "nowhere.csv"), "files.missing"),
    ],
)
def test_what_does_not_fit_is_refused(run, words, error):
    run("--original", "original.csv", *words, code=2, error=error)


def test_a_table_with_broken_rows_is_not_audited(run, tmp_path):
    (tmp_path / "broken.csv").write_text(RELEASED + "9,9,9,9,9\n")
    run("--original", "original.csv", *COLUMNS, code=2, error="audit.broken-rows", file="broken.csv")


def test_a_broken_hierarchy_is_named_by_its_file(run, tmp_path):
    (tmp_path / "ladders").mkdir()
    (tmp_path / "ladders" / "Zip Code.csv").write_text("02139;021**;*\n02139;021**;*\n")
    done = run("--original", "original.csv", *COLUMNS, "--hierarchies", "ladders", code=2,
               error="hierarchy.repeated-value")  # fmt: skip
    assert "the file Zip Code.csv" in done.err
