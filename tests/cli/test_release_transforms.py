"""Proves ``release --transform`` and ``--hierarchy``: counted in the file, refused where they do not fit."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter

import pytest

SAID = ("release", "visits", "--purpose", "care", "--k", "3")
ASKED = (*SAID, "--quasi", "age,sex", "--sensitive", "diagnosis")


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def left(folder):
    return [*folder.glob("*.csv"), *folder.glob(".*")]


def words(option, texts):
    return [word for text in texts for word in (option, text)]


def classes(rows, names=("age", "sex")):
    return Counter(tuple(row[name] for name in names) for row in rows)


def test_capped_ages_leave_in_declared_intervals_and_the_certificate_says_so(hedgerow, tmp_path):
    out = tmp_path / "r.csv"
    transforms = ("bottom(age)=20", "top(age)=70")
    asked = (*words("--transform", transforms), "--hierarchy", "age=intervals(0,110;5,10,20,40)")
    made = hedgerow(*ASKED, *asked, "--out", out, "--json").json
    rows = rows_of(out)
    assert min(classes(rows).values()) >= 3
    for row in rows:
        assert row["age"] == "*" or re.fullmatch(r"\d+(-\d+)?", row["age"])
        first, _, last = row["age"].partition("-")
        assert row["age"] == "*" or (int(first) <= 70 and int(last or first) >= 20)
    told = made["summary"]
    assert [each["transform"] for each in told["transforms"]] == list(transforms)
    assert all(each["changed"] > 0 for each in told["transforms"])
    assert any(said.startswith("top(age)=70: ") and "Not protected" in said for said in told["statements"])
    held = json.loads((tmp_path / "r.csv.certificate.json").read_text())["certificate"]["body"]
    assert held["parameters"]["transforms"] == list(transforms)
    assert held["parameters"]["hierarchy_choices"] == {"age": "intervals(0,110;5,10,20,40)"}
    assert "top(age)=70" in held["mechanism"]
    page = (tmp_path / "r.csv.certificate.html").read_text()
    assert "single out nobody by themselves" in page
    assert "intervals(0,110;5,10,20,40)" in page


def test_a_kept_column_is_capped_to_its_bound(hedgerow, tmp_path, town):
    exact = town[0].tables["clinic_north_visits"]["systolic"].to_pylist()
    assert max(each for each in exact if each is not None) > 150
    out = tmp_path / "r.csv"
    asked = ("--keep", "systolic,ward", "--transform", "top(systolic)=140", "--json")
    told = hedgerow(*ASKED, *asked, "--out", out).json["summary"]["statements"]
    assert "Released as collected, on the word of who released it: ward." in " ".join(told)
    held = json.loads((tmp_path / "r.csv.certificate.json").read_text())["certificate"]["body"]
    ways = {each["name"]: each["released_as"] for each in held["columns"]}
    assert (ways["systolic"], ways["ward"]) == ("as transformed", "as collected")
    found = [float(row["systolic"]) for row in rows_of(out) if row["systolic"]]
    assert max(found) == 140


@pytest.mark.parametrize("option", ["--keep", "--sensitive"])
def test_averages_stand_in_the_rows_of_k_people(hedgerow, tmp_path, option):
    out = tmp_path / "r.csv"
    named = ("--quasi", "age,sex", option, "systolic", "--transform", "microaggregate(systolic)=4")
    made = hedgerow(*SAID, *named, "--out", out, "--json").json["summary"]
    found = Counter(row["systolic"] for row in rows_of(out))
    assert len(found) > 3
    assert min(found.values()) >= 4
    if option == "--sensitive":
        held = {}
        for row in rows_of(out):
            held.setdefault((row["age"], row["sex"]), set()).add(row["systolic"])
        fewest = min(map(len, held.values()))
        assert made["measures"]["sensitive"][0]["distinct_l"] == fewest


def test_a_quasi_identifier_is_averaged_before_the_search(hedgerow, tmp_path, town):
    exact = {str(each) for each in town[0].tables["clinic_north_visits"]["age"].to_pylist()}
    out = tmp_path / "r.csv"
    made = hedgerow(*ASKED, "--transform", "microaggregate(age)=3", "--out", out, "--json").json["summary"]
    rows = rows_of(out)
    assert min(classes(rows).values()) >= 3
    assert not {row["age"] for row in rows} <= exact
    assert "average over rows of at least 3 people" in " ".join(made["statements"])


def test_a_sample_is_drawn_once_for_a_request(hedgerow, tmp_path):
    asked = (*ASKED, "--transform", "sample=0.5", "--json")
    hedgerow(*asked, "--suppress", "0", "--out", tmp_path / "a.csv", "--request-id", "r1")
    hedgerow(*asked, "--suppress", "0", "--out", tmp_path / "b.csv", "--request-id", "r1")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    held = json.loads((tmp_path / "a.csv.certificate.json").read_text())["certificate"]["body"]
    drawn = held["findings"]["transforms"][0]
    rows = len(rows_of(tmp_path / "a.csv"))
    assert drawn["changed"] - rows in (0, 1)  # half of the rows, rounded down
    assert "each row stayed with chance 0.5" in drawn["protects"]
    other = (*ASKED, "--transform", "sample=0.4", "--suppress", "0", "--out", tmp_path / "c.csv")
    hedgerow.refused(*other, "--request-id", "r1", code=3, error="request.differs")


def test_single_cells_are_struck_out_and_nothing_is_generalised(hedgerow, tmp_path, town):
    table = town[0].tables["clinic_north_visits"]
    out = tmp_path / "r.csv"
    made = hedgerow(*ASKED, "--method", "cells", "--suppress", "0", "--out", out, "--json").json["summary"]
    rows = rows_of(out)
    assert min(classes(rows).values()) >= 3
    for name in ("age", "sex"):
        known = {"" if each is None else str(each) for each in table[name].to_pylist()}
        assert {row[name] for row in rows} <= known | {"*"}
    assert 0 < sum(row[name] == "*" for row in rows for name in ("age", "sex")) < 2 * len(rows)
    assert made["method"] == "cells"
    assert made["rows"] == len(rows)


@pytest.mark.parametrize(
    ("how", "shown"),
    [
        ("zip=redaction(right)", r"\d*\**"),
        ("zip=redaction(left;2)", r"\**\d*"),
        ("sex=order(F,M,X;2,2)", r"F|M|X|F to M|\*"),
    ],
)
def test_hierarchies_by_declared_choices(hedgerow, tmp_path, how, shown):
    out, column = tmp_path / "r.csv", how.partition("=")[0]
    hedgerow(*SAID, "--quasi", "zip,sex", "--sensitive", "diagnosis", "--hierarchy", how, "--out", out)
    rows = rows_of(out)
    assert min(classes(rows, ("zip", "sex")).values()) >= 3
    assert all(re.fullmatch(shown, row[column]) for row in rows if row[column])


def test_a_hierarchy_comes_from_a_file_of_any_name(hedgerow, tmp_path):
    file = tmp_path / "mine"
    file.write_text("F;any;*\nM;any;*\nX;any;*\n")
    out = tmp_path / "r.csv"
    made = hedgerow(*ASKED, "--hierarchy", f"sex={file}", "--out", out, "--json").json
    assert made["summary"]["levels"]["sex"].endswith(" of 2")
    file.write_text("q;*\n")
    told = hedgerow.refused(
        *ASKED, "--hierarchy", f"sex={file}", "--out", tmp_path / "s.csv", code=2,
        error="anonymity.value-not-in-hierarchy",
    )  # fmt: skip
    assert "the file mine" in told.err
    assert left(tmp_path) == [out]


def test_explain_tells_what_each_protects_before_data_is_opened(hedgerow):
    asked = (*ASKED, "--transform", "top(age)=90", "--hierarchy", "age=intervals(0,100;5,10)")
    told = hedgerow(*asked, "--explain").out
    assert "top(age)=90" in told
    assert "single out nobody by themselves" in told
    assert "rare ones among them single people out" in told
    assert "intervals(0,100;5,10)" in told


UNFIT = (
    (("--transform", "cap(age)=90"), "transform.unknown"),
    (("--transform", "top(age)=old"), "transform.malformed"),
    (("--transform", "top(diagnosis)=90"), "transform.column-type"),
    (("--transform", "top(age)=90.5"), "transform.column-type"),
    (("--transform", "top(age)=2024-12-31"), "transform.column-type"),
    (("--transform", "microaggregate(diagnosis)=5"), "transform.column-type"),
    (("--transform", "top(age)=18", "--transform", "bottom(age)=90"), "transform.bounds-crossed"),
    (("--transform", "top(nothing)=90"), "anonymity.unknown-column"),
    (("--transform", "top(full_name)=90"), "column.in-vault"),
    (("--transform", "top(systolic)=140"), "transform.not-released"),
    (("--transform", "microaggregate(age,systolic)=5", "--keep", "systolic"), "transform.mixed-columns"),
    (
        ("--sensitive", "systolic", "--l", "2", "--transform", "microaggregate(systolic)=5"),
        "transform.averaged-model",
    ),
    (
        (
            "--sensitive",
            "systolic",
            "--model",
            "t(systolic)=0.5",
            "--transform",
            "microaggregate(systolic)=5",
        ),
        "transform.averaged-model",
    ),
    (("--hierarchy", "age"), "ladder.unknown"),
    (("--hierarchy", "age=steps(1,2)"), "ladder.unknown"),
    (("--hierarchy", "age=intervals(0,100)"), "ladder.malformed"),
    (("--hierarchy", "age=intervals(0,100;5,12)"), "hierarchy.bad-widths"),
    (("--hierarchy", "age=calendar(month)"), "ladder.column-type"),
    (("--hierarchy", "sex=intervals(0,9;3)"), "ladder.column-type"),
    (("--hierarchy", "zip=redaction(right)"), "anonymity.hierarchy-for-no-quasi"),
    (("--hierarchy", "sex=redaction(right)", "--hierarchy", "sex=sex.csv"), "ladder.repeated"),
    (("--hierarchy", "sex=nowhere.csv"), "hierarchies.unreadable"),
    (("--hierarchy", "age=intervals(0,100;5)", "--method", "cells"), "ladder.cells"),
)


def test_what_does_not_fit_is_refused_before_data_is_opened(hedgerow, tmp_path):
    for asked, error in UNFIT:
        said = hedgerow.refused(*ASKED, *asked, "--explain", code=2, error=error)
        assert "Next: " in said.err
    hedgerow.refused(*ASKED, *UNFIT[2][0], "--out", tmp_path / "r.csv", code=2, error=UNFIT[2][1])
    assert left(tmp_path) == []


DEPENDS = (
    (("--keep", "systolic", "--transform", "microaggregate(systolic)=900"), "transform.too-few-people"),
    (("--transform", "sample=0.001"), "transform.empty-sample"),
    (("--hierarchy", "age=intervals(30,40;5)"), "hierarchy.outside-bounds"),
    (("--hierarchy", "sex=order(a,b;2)"), "anonymity.value-not-in-hierarchy"),
)
RENA = """
@id("rena-releases") @reason("She makes the tables.")
permit (principal == User::"rena", action == Action::"release", resource);
"""


def test_what_depends_on_the_rows_is_refused_leaves_no_file_and_tells_an_analyst_nothing(hedgerow, tmp_path):
    hedgerow("principal", "add", "rena", "--role", "analyst")
    text = hedgerow("policy", "show", "--json").json["text"]
    (tmp_path / "p.cedar").write_text(text + RENA)
    hedgerow("policy", "apply", tmp_path / "p.cedar", "--yes")
    for asked, error in DEPENDS:
        said = (*ASKED, *asked, "--out", tmp_path / "r.csv")
        hedgerow.refused(*said, code=2, error=error)
        hedgerow.refused(*said, "--as", "rena", code=3, error="use.not-releasable")
        assert left(tmp_path) == []


def test_candidates_are_those_of_the_transformed_rows(hedgerow):
    whole = hedgerow(*ASKED, "--candidates", "--json").json["candidates"]
    capped = hedgerow(
        *ASKED, "--transform", "top(age)=30", "--transform", "bottom(age)=29", "--candidates", "--json"
    ).json["candidates"]
    assert capped[0]["loss"] < whole[0]["loss"]
