"""Two data sets joined on the person by the command line: both are charged, named, explained and dropped."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

import hedgerow as hr

JOIN = "FROM visits v JOIN south s ON v.person = s.person"
SQL = f"SELECT v.ward, COUNT(*) AS n, AVG(s.systolic) {JOIN} GROUP BY v.ward"
USE = ("--purpose", "research", "--as", "ana")
ASK = ("query", "visits", SQL, *USE, "--epsilon", "0.5")


@pytest.fixture
def south(hedgerow, town):
    files = town[1]
    hedgerow("collect", files["clinic_south_visits"], "--dataset", "south", "--subject-key", "patient_ref",
             "--purpose", "research", "--basis", "research=consent", "--consents", files["consents"],
             "--drop", "visit_id", "--drop", "birth_date", "--drop", "visit_date", "--yes")  # fmt: skip
    hedgerow("dataset", "declare", "south", "--max-rows", "3", "--bounds", "systolic=80:220",
             "--keys", "ward=A,B,C")  # fmt: skip
    hedgerow("budget", "allocate", "south", "--purpose", "research", "--epsilon", "1")
    return files


def left(hedgerow, dataset):
    shown = hedgerow("budget", "show", dataset, "--json").json
    return {(each["dataset"], each["purpose"]): each["left"] for each in shown if "left" in each}


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_both_are_charged_once_explained_and_answered_again(hedgerow, south):
    told = hedgerow(*ASK, "--explain", "--json").json
    assert told["plan"]["joins"] == [{"table": "south", "rows_of_one": 3}]
    assert told["plan"]["measurements"][0]["sensitivity_steps"] == 6 * 3
    assert any("budget of visits and of south, and once to the population" in o for o in told["obligations"])
    assert told["others"]["south"]["declaration"] > 0
    # South has least: two of these, though visits would hold four.
    assert told["forecast"]["queries_left"] == 2
    assert [(a["dataset"], a["queries_left"]) for a in told["forecast"]["accounts"]] == [
        ("visits", 4), ("south", 2), ("*", 20)]  # fmt: skip
    said = hedgerow(*ASK, "--explain").out
    assert "epsilon 2 of visits and 1 of south is left for the purpose, 10 for the population" in said
    before = left(hedgerow, "visits") | left(hedgerow, "south")
    answer = hedgerow(*ASK, "--json").json
    assert [row[0] for row in answer["rows"]] == ["A", "B", "C"]
    assert [each["dataset"] for each in answer["receipt"]["budget"]["others"]] == ["south"]
    after = left(hedgerow, "visits") | left(hedgerow, "south")
    assert after != before
    assert (after["visits", "research"], after["south", "research"]) == ("1.5", "0.5")
    assert answer["receipt"]["budget"]["population"]["left"] == "9.5"
    assert hedgerow(*ASK, "--json").json["rows"] == answer["rows"]
    assert left(hedgerow, "south")["south", "research"] == "0.5"
    hedgerow("journal", "verify")


@pytest.mark.extra
def test_the_second_data_set_is_accounted_anew_with_what_both_spent(hedgerow, south):
    hedgerow(*ASK)
    counted = hedgerow("budget", "reaccount", "south", "--purpose", "research", "--json").json
    assert sum(counted["charges"].values()) == 1


def test_what_is_counted_is_what_the_files_hold_of_people_who_said_yes(hedgerow, town, south):
    for dataset in ("visits", "south"):
        hedgerow("dataset", "declare", dataset, "--max-rows", "30")
        hedgerow("budget", "allocate", dataset, "--purpose", "research", "--epsilon", "100000")
    hedgerow("budget", "allocate", "--population", "--epsilon", "1000000")
    answer = hedgerow("query", "visits", f"SELECT COUNT(*) {JOIN}", *USE, "--epsilon", "90000", "--json").json
    north, of_south = (
        Counter(row["patient_ref"] for row in rows(south[name]))
        for name in ("clinic_north_visits", "clinic_south_visits")
    )
    consents = town[0].consents.to_pylist()
    agreed = {each["subject"] for each in consents if each["purpose"] == "research"}
    pairs = sum(north[name] * of_south[name] for name in north if name in agreed)
    assert pairs > 0
    assert answer["rows"][0][0] == pairs


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (f"SELECT COUNT(*) {JOIN} JOIN visits w ON v.person = w.person", "dp.sql-unsupported"),
        ("SELECT COUNT(*) FROM visits v JOIN south s ON v.ward = s.ward", "dp.sql-unsupported"),
        ("SELECT COUNT(*) FROM visits v JOIN visits w ON v.person = w.person", "dp.sql-unsupported"),
        ("SELECT COUNT(*) FROM visits v JOIN nothing s USING (person)", "dp.join-person"),
        (f"SELECT s.full_name, COUNT(*) {JOIN} GROUP BY 1", "dp.hidden-column"),
    ],
)
def test_other_joins_are_refused_by_name_and_cost_nothing(hedgerow, south, sql, code):
    before = left(hedgerow, "south")
    said = hedgerow("query", "visits", sql, *USE, "--epsilon", "0.1", code=3)
    assert f"({code})" in said.err
    assert left(hedgerow, "south") == before


def test_a_data_set_whose_people_are_named_by_numbers_is_not_joined(hedgerow, south, tmp_path):
    (tmp_path / "bills.csv").write_text("who,paid\n1,5\n2,7\n")
    hedgerow("collect", tmp_path / "bills.csv", "--dataset", "bills", "--subject-key", "who",
             "--purpose", "research", "--basis", "research=public-task", "--keep", "paid",
             "--yes")  # fmt: skip
    hedgerow("dataset", "declare", "bills", "--max-rows", "1")
    sql = "SELECT COUNT(*) FROM visits v JOIN bills b ON v.person = b.person"
    said = hedgerow("query", "visits", sql, *USE, "--epsilon", "0.1", code=2)
    assert "(dp.join-types)" in said.err


def test_a_public_table_stands_beside_both(hedgerow, south, tmp_path):
    (tmp_path / "wards.csv").write_text("code,region\nA,north\nB,north\nC,south\n")
    hedgerow("dataset", "public", "add", "wards", "--from", tmp_path / "wards.csv", "--why", "known")
    sql = f"SELECT region, COUNT(*) {JOIN} JOIN wards ON v.ward = code GROUP BY region"
    answer = hedgerow("query", "visits", sql, *USE, "--epsilon", "0.1", "--json").json
    assert [row[0] for row in answer["rows"]] == ["north", "south"]
    said = hedgerow("query", "visits", SQL, *USE, "--epsilon", "1", "--show-sql", "postgres", code=2)
    assert "join of two data sets" in said.err
    curve = hedgerow("query", "visits", SQL, *USE, "--curve", "--json").json
    at = dict(zip(curve["epsilons"], curve["queries_left"], strict=True))
    assert at["0.1"] == 9
    hedgerow("journal", "verify")


def test_after_a_drop_and_after_an_erasure(hedgerow, south, patient):
    hedgerow(*ASK, "--request-id", "q1", "--json")
    hedgerow("subject", "erase", patient, "--yes", may_show=True)
    hedgerow(*ASK, "--request-id", "q1", "--json")
    hedgerow("dataset", "drop", "south", "--yes")
    assert "(dataset.dropped)" in hedgerow(*ASK, code=3).err
    assert "(dataset.dropped)" in hedgerow(*ASK, "--request-id", "q1", code=3).err
    hedgerow("journal", "verify")


def test_from_python(south, space):
    with hr.open(space) as opened:
        session = opened.acting_as("ana", purpose="research")
        told = session.explain("visits", SQL, epsilon="0.5")
        answer = session.query("visits", SQL, epsilon="0.5")
        built = session.table("visits").join("south").group_by("visits.ward")
        built = built.agg(n=hr.dp.count()).answer(epsilon="0.1")
    assert told["plan"]["joins"] == [{"table": "south", "rows_of_one": 3}]
    assert [each["left"] for each in answer["receipt"]["budget"]["others"]] == ["0.5"]
    # A query that was built without SQL names the data set it joins as well.
    assert [each["left"] for each in built["receipt"]["budget"]["others"]] == ["0.4"]
