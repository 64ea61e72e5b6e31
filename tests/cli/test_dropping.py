"""Proves that a data set can be dropped and collected anew, and that every other command goes on working."""

from __future__ import annotations

import pytest

ASK = ("query", "visits", "SELECT ward, COUNT(*) FROM visits GROUP BY ward", "--purpose", "research")
RELEASE = ("release", "visits", "--quasi", "sex,age", "--sensitive", "diagnosis", "--purpose", "research")


@pytest.fixture
def dropped(hedgerow):
    """Give the program after two uses, a release that failed and the drop."""
    hedgerow(*ASK, "--epsilon", "0.5", "--request-id", "before", "--as", "ana")
    hedgerow(*RELEASE, "--k", "3", "--out", hedgerow.space.parent / "kept.csv")
    hedgerow("dataset", "drop", "visits", "--yes")
    return hedgerow


def test_without_yes_the_plan_is_shown_and_nothing_is_done(hedgerow):
    said = hedgerow.refused("dataset", "drop", "visits", code=2, error="confirm.needed")
    assert "of these in no other data set" in said.err
    assert "no budget is given back" in said.err
    assert [d["name"] for d in hedgerow("dataset", "list", "--json").json] == ["visits"]
    assert "Allowed" in hedgerow("dataset", "drop", "visits", "--yes", "--explain").out
    assert [d["name"] for d in hedgerow("dataset", "list", "--json").json] == ["visits"]


def test_with_yes_it_is_gone_and_says_so(hedgerow):
    told = hedgerow("dataset", "drop", "visits", "--yes", "--json").json
    assert told["rows"] >= told["people"] >= told["people_only_here"] > 0
    assert hedgerow("dataset", "list", "--json").json == []
    for words in (
        (*ASK, "--epsilon", "0.5", "--as", "ana"), ("dataset", "show", "visits"),
        ("dataset", "drop", "visits", "--yes"),
    ):  # fmt: skip
        said = hedgerow.refused(*words, code=3, error="dataset.dropped")
        assert "hedgerow collect FILE --dataset visits" in said.err
    hedgerow.refused("dataset", "drop", "visits", "--as", "ana", code=3, error="policy.not-permitted")
    hedgerow.refused("dataset", "drop", "nowhere", "--yes", code=2, error="dataset.unknown")


def test_an_administrator_drops_without_seeing_counts(hedgerow):
    hedgerow("principal", "add", "adam", "--role", "administrator")
    said = hedgerow.refused("dataset", "drop", "visits", "--as", "adam", code=2, error="confirm.needed")
    assert "of these in no other data set" not in said.err
    told = hedgerow("dataset", "drop", "visits", "--yes", "--as", "adam", "--json").json
    assert (told["rows"], told["people"], told["releases"]) == (None, None, None)


def test_every_other_command_goes_on_working(dropped, patient, town, tmp_path):
    shown = dropped("subject", "show", patient, "--json").json
    assert (shown["held"], len(shown["uses"]), len(shown["releases"])) == ([], 2, 1)
    assert dropped("subject", "show", patient, "--plain").out
    assert dropped("subject", "export", patient, "--json").json["values"] == {}
    assert "visits" in dropped("budget", "show").out
    assert "visits" in dropped("budget", "show", "visits").out
    dropped("report", "--out", tmp_path / "report.html")
    dropped("evidence", "export", "--out", tmp_path / "bundle")
    dropped("discover", town[1]["clinic_north_visits"], "--json")
    dropped("doctor", code=9)  # the key file of these tests is not sealed
    assert {c["check"]: c["ok"] for c in dropped("doctor", "--json", code=9).json}["table files"]
    assert dropped("journal", "show", "--last", "1", "--json").json[0]["action"] == "evidence.export"
    certificate = dropped("subject", "erase", patient, "--yes", "--json").json["body"]
    assert len(certificate["releases_that_may_hold_the_person"]) == 1
    assert dropped("journal", "verify", "--json").json["verified"]
    assert not list((dropped.space / "tables").glob("*.parquet"))


def test_a_corrected_source_is_collected_again(dropped, town):
    before = dropped("budget", "show", "visits", "--json").json
    collect = (
        "collect",
        town[1]["clinic_north_visits"],
        "--dataset",
        "visits",
        "--subject-key",
        "patient_ref",
    )
    taken = dropped(
        *collect, "--purpose", "research", "--basis", "consent", "--keep", "ward,age", "--json"
    ).json
    assert (taken["version"], taken["new_people"]) == (3, 0)
    assert dropped("budget", "show", "visits", "--json").json == before
    dropped("dataset", "declare", "visits", "--max-rows", "6", "--keys", "ward=A,B,C")
    dropped(*ASK, "--epsilon", "0.5", "--as", "ana")
    assert dropped("journal", "verify", "--json").json["verified"]


def test_a_release_that_failed_is_shown_as_one_that_never_left(hedgerow, tmp_path):
    out = tmp_path / "never.csv"
    hedgerow.refused(*RELEASE, "--k", "100000", "--out", out, code=2, error="anonymity.k-above-rows")
    (account,) = [
        b for b in hedgerow("budget", "show", "visits", "--json").json if b["purpose"] == "research"
    ]
    assert (account["apart_from"], len(account["opened_only"])) == ([], 1)
    assert "(failed, nothing left the house)" in hedgerow("budget", "show", "visits").out
