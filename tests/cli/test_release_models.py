"""Proves what ``release --model`` makes and refuses: no file is left, and an analyst learns no more."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter, defaultdict

import pytest

QUASI = ("age", "sex")
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


RENA = """
@id("rena-releases") @reason("She makes the tables.")
permit (principal == User::"rena", action == Action::"release", resource);
"""


def classes(path, column="diagnosis"):
    """The values of a column in each class of a written file."""
    found = defaultdict(Counter)
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found[tuple(row[name] for name in QUASI)][row[column]] += 1
    return found


def left(folder):
    return [*folder.glob("*.csv"), *folder.glob(".*")]


def test_models_hold_in_the_file_and_the_summary_says_what_was_reached(hedgerow, tmp_path):
    out = tmp_path / "r.csv"
    models = ("entropy-l(diagnosis)=2", "recursive-l(diagnosis)=3,2", "average-risk=0.2")
    asked = [word for model in models for word in ("--model", model)]
    made = hedgerow(*SAID, *asked, "--out", out, "--json").json
    found = classes(out)
    assert min(values.total() for values in found.values()) >= 3
    for values in found.values():
        rows, ranked = values.total(), sorted(values.values(), reverse=True)
        assert math.exp(-sum(c / rows * math.log(c / rows) for c in ranked)) >= 2
        assert ranked[0] < 3 * sum(ranked[1:])
    assert len(found) / sum(values.total() for values in found.values()) <= 0.2
    told = made["summary"]
    assert [each["model"] for each in told["models"]] == list(models)
    fewest = min(values.total() for values in found.values())
    assert 3 <= told["measures"]["k"] <= fewest == told["smallest_class"]  # people, who may have several rows
    assert told["measures"]["sensitive"][0]["column"] == "diagnosis"
    shown = hedgerow("released", "show", made["release"]).out
    assert "entropy-l(diagnosis)=2" in shown


def test_the_same_without_models_is_bound_as_before(hedgerow, tmp_path):
    first = hedgerow(*SAID, "--out", tmp_path / "a.csv", "--request-id", "r1", "--json").json
    again = hedgerow(*SAID, "--out", tmp_path / "b.csv", "--request-id", "r1", "--json").json
    assert first["summary"] == again["summary"]
    assert first["summary"]["models"] == []
    other = (*SAID, "--model", "average-risk=0.2", "--out", tmp_path / "c.csv", "--request-id", "r1")
    hedgerow.refused(*other, code=3, error="request.differs")


@pytest.mark.parametrize(
    ("asked", "code", "error"),
    [
        (("--model", "distinct-l(diagnosis)=900"), 3, "anonymity.unreachable"),
        (("--model", "t(diagnosis)=0", "--suppress", "0"), 3, "anonymity.unreachable"),
        (("--model", "l(diagnosis)=3"), 2, "anonymity.model-unknown"),
        (("--model", "t(diagnosis)=2"), 2, "anonymity.model-range"),
        (("--model", "t(ward)=0.2"), 2, "anonymity.model-column"),
        (("--model", "t(diagnosis)=0.2,ordered"), 2, "anonymity.model-order"),
        (("--model", "t(diagnosis)=0.2,hierarchical"), 2, "anonymity.model-hierarchy"),
        (("--model", "k-map=5"), 2, "anonymity.model-population"),
        (("--model", "k-map=5", "--population", "80000"), 2, "anonymity.model-population"),
        (("--model", "k-map=5,0.05", "--population", "3"), 2, "anonymity.population-short"),
        (("--model", "k-map=5", "--population", "nowhere.csv"), 2, "population.unreadable"),
        (("--quasi", "age,sex,diagnosis"), 2, "anonymity.sensitive-is-quasi"),
        (("--k", "900"), 2, "anonymity.k-above-rows"),
    ],
)
def test_what_cannot_be_met_is_refused_and_leaves_no_file(hedgerow, tmp_path, asked, code, error):
    hedgerow.refused(*SAID, *asked, "--out", tmp_path / "r.csv", code=code, error=error)
    assert left(tmp_path) == []


def test_a_hierarchy_that_lacks_a_value_is_refused_and_leaves_no_file(hedgerow, tmp_path):
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "sex.csv").write_text("x;*\n")
    asked = ("--hierarchies", tmp_path / "h", "--out", tmp_path / "r.csv")
    hedgerow.refused(*SAID, *asked, code=2, error="anonymity.value-not-in-hierarchy")
    assert left(tmp_path) == []


def test_an_analyst_who_may_release_is_told_no_reason_that_is_in_the_data(hedgerow, tmp_path):
    hedgerow("principal", "add", "rena", "--role", "analyst")
    text = hedgerow("policy", "show", "--json").json["text"]
    (tmp_path / "p.cedar").write_text(text + RENA)
    hedgerow("policy", "apply", tmp_path / "p.cedar", "--yes")
    folder = tmp_path / "out"
    folder.mkdir()
    for model in ("distinct-l(diagnosis)=900", "t(diagnosis)=0.2,ordered"):
        asked = ("--model", model, "--as", "rena", "--out", folder / "r.csv")
        told = hedgerow.refused(*SAID, *asked, code=3, error="use.not-releasable").err
        assert "900" not in told.replace(model, "")
        assert left(folder) == []


def test_a_population_is_read_from_a_file_and_has_to_hold_everybody(hedgerow, tmp_path, town):
    table = town[0].tables["clinic_north_visits"]
    rows = list(zip(table["age"].to_pylist(), table["sex"].to_pylist(), strict=True))
    people = tmp_path / "people.csv"
    for copies, code in ((3, 0), (0, 2)):
        lines = [f"{age},{sex}" for age, sex in rows for _ in range(copies)] or ["44,f"]
        people.write_text("\n".join(["age,sex", *lines]) + "\n")
        asked = ("--model", "k-map=6", "--model", "delta-presence=0,0.5", "--population", people)
        out = tmp_path / f"{copies}.csv"
        if code:
            hedgerow.refused(*SAID, *asked, "--out", out, code=code, error="anonymity.population-short")
            assert not out.exists()
        else:
            told = hedgerow(*SAID, *asked, "--out", out, "--json").json["summary"]["models"]
            assert int(told[0]["reached"]) >= 6
            held = json.loads((tmp_path / f"{copies}.csv.certificate.json").read_text())
            assert '"population": {"people": ' in json.dumps(held)
            assert told[1]["said"].startswith("share of the people of a class who are in the table: 0.")


def test_a_method_and_weights_are_taken_and_the_choice_is_told(hedgerow, tmp_path):
    said = hedgerow(*SAID, "--method", "auto", "--weight", "age=3", "--out", tmp_path / "a.csv")
    assert "Method: " in said.out
    local = hedgerow(*SAID, "--method", "local", "--out", tmp_path / "l.csv", "--json").json["summary"]
    assert local["method"] == "local"
    assert min(values.total() for values in classes(tmp_path / "l.csv").values()) >= 3
    hedgerow.refused(
        *SAID, "--weight", "age", "--out", tmp_path / "w.csv", code=2, error="anonymity.bad-weight"
    )
    hedgerow.refused(
        *SAID, "--method", "local", "--model", "delta-presence=0,0.5", "--out", tmp_path / "w.csv",
        code=2, error="anonymity.model-population",
    )  # fmt: skip
    assert not (tmp_path / "w.csv").exists()


def test_candidates_are_told_to_the_officer_and_nothing_leaves(hedgerow, tmp_path):
    before = hedgerow("released", "list", "--json").json, hedgerow("budget", "show", "--json").json
    told = hedgerow(*SAID, "--candidates", "--model", "distinct-l(diagnosis)=2", "--json").json["candidates"]
    assert {each["k"] for each in told} <= {2, 3, 5, 10, 20}
    for each in told:
        assert float(each["max_risk"]) <= 1 / each["k"] + 1e-4  # rounded up
        assert float(each["suppressed_share"]) <= float(each["suppression_limit"])
    of_five = [float(each["loss"]) for each in told if each["k"] == 5]
    assert of_five == sorted(of_five, reverse=True)  # the more may be dropped, the less is lost
    assert "Nothing left." in hedgerow(*SAID, "--candidates").out
    assert (hedgerow("released", "list", "--json").json, hedgerow("budget", "show", "--json").json) == before
    hedgerow.refused(*SAID, "--candidates", "--as", "ana", code=3, error="policy.not-permitted")
    assert "--out" in hedgerow(*SAID, code=2).err
    hedgerow("journal", "verify")
    assert left(tmp_path) == []
