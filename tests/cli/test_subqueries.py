"""Sub-queries with one row for each person by the command line: explained, answered, stored, never raw."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

import hedgerow as hr

GATHERED = (
    "SELECT n, COUNT(*) AS people, AVG(highest) AS m FROM (SELECT person, COUNT(*) AS n, "
    "MAX(systolic) AS highest FROM visits WHERE systolic > 100 GROUP BY person) AS t "
    "WHERE highest < 200 GROUP BY n"
)
PURPOSE = ("--purpose", "research", "--as", "ana", "--epsilon", "0.5")
ASK = ("query", "visits", GATHERED, *PURPOSE)


def test_how_often_people_come_is_explained_answered_and_stored(hedgerow, space):
    plan = hedgerow(*ASK, "--explain", "--json").json["plan"]
    most = plan["gathered"]["of_rows"]
    assert plan["gathered"]["rows_of_one"] == 1
    assert plan["gathered"]["bounds"]["n"] == f"1:{most}"
    assert plan["max_rows"] == 1
    assert any("rows of one person are gathered into one" in told for told in plan["obligations"])
    counted = next(one for one in plan["measurements"] if one["what"] == "rows")
    assert counted["sensitivity_steps"] == 1
    answer = hedgerow(*ASK, "--json").json
    assert [row[0] for row in answer["rows"]] == list(range(1, most + 1))
    spelled = GATHERED.replace("person, COUNT(*) AS n,", "Person,  count( * ) n,").replace(" AS t", "")
    assert hedgerow("query", "visits", spelled, *PURPOSE, "--json").json["rows"] == answer["rows"]
    assert "gathered into one" in " ".join(answer["notes"])
    hedgerow("journal", "verify")


def test_a_join_inside_a_sub_query_counts_for_the_bound(hedgerow, tmp_path):
    (tmp_path / "wards.csv").write_text(
        "code,region,beds\nCardiology,north,12\nSurgery,north,8\nNowhere,south,3\n"
    )
    hedgerow("dataset", "public", "add", "wards", "--from", tmp_path / "wards.csv", "--why", "known")
    inner = (
        "SELECT v.person, w.region, SUM(w.beds) AS beds FROM visits AS v JOIN wards AS w ON v.ward = w.code "
        "GROUP BY v.person, w.region"
    )
    sql = f"SELECT region, COUNT(*) AS people, AVG(beds) FROM ({inner}) AS t GROUP BY region"
    plan = hedgerow("query", "visits", sql, *PURPOSE, "--explain", "--json").json["plan"]
    assert [one["table"] for one in plan["joins"]] == ["wards"]
    answer = hedgerow("query", "visits", sql, *PURPOSE, "--json").json
    assert [row[0] for row in answer["rows"]] == ["north", "south"]
    entries = hedgerow("journal", "show", "--as", "otto", "--json").json
    assert "wards" in [e["facts"] for e in entries if e["action"] == "use.intend"][-1]["public"]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT AVG(n) FROM (SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward)", "Group it by person"),
        ("SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM visits)", "Group it by person"),
        ("SELECT person, n FROM (SELECT person, COUNT(*) AS n FROM visits GROUP BY person)", ""),
        ("SELECT patient_ref, COUNT(*) FROM (SELECT patient_ref FROM visits GROUP BY 1) GROUP BY 1", ""),
    ],
)
def test_a_raw_row_is_never_shown(hedgerow, patient, sql, told):
    said = hedgerow("query", "visits", sql, *PURPOSE, code=3)
    assert told in said.err
    assert patient not in said.out + said.err


def test_sql_for_another_engine_says_what_is_not_written_yet(hedgerow):
    said = hedgerow(*ASK, "--show-sql", "postgres", code=2)
    assert "gathering" in said.err


@pytest.fixture
def both(hedgerow, town):
    """Collect the visits of a second clinic, and let both be asked as often as needed."""
    files = town[1]
    hedgerow("collect", files["clinic_south_visits"], "--dataset", "south", "--subject-key", "patient_ref",
             "--purpose", "research", "--basis", "research=consent", "--consents", files["consents"],
             "--drop", "visit_id", "--drop", "birth_date", "--drop", "visit_date", "--yes")  # fmt: skip
    for dataset in ("visits", "south"):
        hedgerow("dataset", "declare", dataset, "--max-rows", "30", "--bounds", "systolic=80:220",
                 "--keys", "ward=A,B,C")  # fmt: skip
        hedgerow("budget", "allocate", dataset, "--purpose", "research", "--epsilon", "100000")
    hedgerow("budget", "allocate", "--population", "--epsilon", "1000000")
    return files


def counted(files, town):
    """Count the visits of each person who said yes, in both clinics, from the files."""
    agreed = {each["subject"] for each in town[0].consents.to_pylist() if each["purpose"] == "research"}
    found = []
    for name in ("clinic_north_visits", "clinic_south_visits"):
        with files[name].open(newline="") as file:
            found.append(Counter(row["patient_ref"] for row in csv.DictReader(file)))
    return [{who: n for who, n in clinic.items() if who in agreed} for clinic in found]


def test_rows_of_two_data_sets_are_gathered_by_the_person(hedgerow, town, both):
    """At an epsilon that protects nobody the noise is nought: what is told is what the files hold."""
    north, south = counted(both, town)
    inner = (
        "SELECT v.person, COUNT(*) AS n FROM visits v JOIN south s ON v.person = s.person GROUP BY v.person"
    )
    sql = f"SELECT COUNT(*) AS people, SUM(n) AS pairs FROM ({inner}) AS t"
    use = ("--purpose", "research", "--as", "ana", "--epsilon", "90000", "--json")
    answer = hedgerow("query", "visits", sql, *use).json
    met = north.keys() & south.keys()
    assert met
    assert answer["rows"] == [[len(met), sum(north[who] * south[who] for who in met)]]
    assert [each["dataset"] for each in answer["receipt"]["budget"]["others"]] == ["south"]
    alone = (
        "SELECT COUNT(*) AS people, SUM(n) FROM (SELECT person, COUNT(*) AS n FROM visits GROUP BY person)"
    )
    assert hedgerow("query", "south", alone.replace("visits", "south"), *use[:-2], "9000", "--json").json[
        "rows"
    ] == [[len(south), sum(south.values())]]


def test_a_query_built_without_sql_joins_and_gathers_as_its_sql(hedgerow, both, space, tmp_path):
    (tmp_path / "wards.csv").write_text("code,region\nA,north\nB,south\n")
    hedgerow("dataset", "public", "add", "wards", "--from", tmp_path / "wards.csv", "--why", "known")
    dp = hr.dp
    with hr.open(space) as opened:
        visits = opened.acting_as("ana", purpose="research").table("visits")
        regions = visits.join("wards", on={"ward": "code"}).per_person("region", n=dp.count())
        asked = regions.group_by("region").agg(m=dp.mean("n"))
        answer = asked.answer("1")
        assert asked.explain("1")["plan"]["gathered"]["rows_of_one"] == 2
        pairs = visits.join("south").per_person(n=dp.count()).agg(people=dp.count())
        assert pairs.answer("1")["receipt"]["budget"]["others"][0]["dataset"] == "south"
    sql = (
        "SELECT region, AVG(n) AS m FROM (SELECT region, COUNT(*) AS n FROM visits JOIN wards "
        "ON visits.ward = wards.code GROUP BY person, region) GROUP BY region"
    )
    told = hedgerow("query", "visits", sql, *PURPOSE[:-1], "1", "--json").json
    assert told["rows"] == answer["rows"]  # the same question costs once


def test_keys_are_found_in_rows_that_are_joined(hedgerow, tmp_path):
    (tmp_path / "wards.csv").write_text("code,region\nA,north\nB,south\n")
    hedgerow("dataset", "public", "add", "wards", "--from", tmp_path / "wards.csv", "--why", "known")
    hedgerow("dataset", "declare", "visits", "--max-groups", "2")
    for where in (("--population",), ("visits", "--purpose", "research")):
        hedgerow("budget", "allocate", *where, "--epsilon", "10", "--delta", "1e-4")
    sql = "SELECT w.region, v.sex, COUNT(*) FROM visits v JOIN wards w ON v.ward = w.code GROUP BY 1, 2"
    asked = ("query", "visits", sql, *PURPOSE[:-1], "9", "--discover-keys", "1e-6")
    done = hedgerow(*asked, "--json").json
    assert {tuple(row[:2]) for row in done["rows"]} == {(a, b) for a in ("north", "south") for b in "FM"}
    assert hedgerow(*asked, "--json").json["rows"] == done["rows"]  # the same question costs once
    gathered = "SELECT sex, COUNT(*) FROM (SELECT person, sex FROM visits GROUP BY person, sex) GROUP BY sex"
    said = hedgerow("query", "visits", gathered, *PURPOSE[:-1], "1", "--discover-keys", "1e-6", code=3)
    assert "Declare the keys" in said.err
    hedgerow("journal", "verify")
