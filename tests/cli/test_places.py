"""Proves ``places`` from end to end: decided, journaled, replayed, counted by others, withdrawn, refused."""

from __future__ import annotations

import csv
from collections import defaultdict
from itertools import combinations

import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv

from hedgerow.app.demo.town.tracks import track_table

SAID = (
    "places",
    "walks",
    "--purpose",
    "research",
    "--place",
    "latitude,longitude",
    "--time",
    "time",
    "--k",
    "3",
)


@pytest.fixture
def walked(hedgerow, tmp_path):
    """Collect a week of a small town."""
    path = tmp_path / "walks.csv"
    arrow_csv.write_csv(track_table(5, 40, days=4, per_day=3), path)
    about = (
        "--dataset",
        "walks",
        "--subject-key",
        "person",
        "--purpose",
        "research",
        "--basis",
        "public-task",
    )
    hedgerow("collect", path, *about, "--keep", "latitude,longitude,time")
    return hedgerow


def sets_of(path):
    own = defaultdict(set)
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream):
            own[row["person"]].add((row["place"], row["time"]))
    return own


def test_any_four_points_of_the_file_fit_k_people_by_brute_force(walked, tmp_path):
    out = tmp_path / "paths.csv"
    shown = walked(*SAID, "--dropped", "0.3", "--as", "priya", "--out", out)
    own = sets_of(out)
    known = {
        four
        for points in own.values()
        for size in (1, 2, 3, 4)
        for four in combinations(sorted(points), size)
    }
    assert known
    assert min(sum(set(four) <= points for points in own.values()) for four in known) >= 3
    assert "pseudonymised" in shown.out
    assert "for 40 of 40 people in the rows, and for 0 of 40 in the release" in shown.out
    assert "T-0000" not in shown.out + out.read_text()
    walked("journal", "verify")
    assert "T-0000" not in out.with_name("paths.csv.certificate.json").read_text()
    assert walked("released", "verify", out).code == 0
    listed = walked("released", "list", "--json").json
    assert [each["technique"] for each in listed] == ["trajectories"]
    assert "fewest people: " in walked("released", "show", listed[0]["id"], "--as", "priya").out


def test_the_same_request_gives_the_same_file(walked, tmp_path):
    one, two = tmp_path / "1.csv", tmp_path / "2.csv"
    call = (*SAID, "--habits", "--dropped", "0.3", "--as", "priya", "--request-id", "paths-1", "--out")
    walked(*call, one)
    walked(*call, two)
    assert one.read_text() == two.read_text()


def test_an_erased_person_withdraws_the_release(walked, tmp_path):
    out = tmp_path / "paths.csv"
    call = (*SAID, "--dropped", "0.3", "--as", "priya", "--request-id", "paths-1", "--out", out)
    walked(*call)
    walked("subject", "erase", "T-000001", "--yes", "--as", "priya")
    told = walked(*call, "--force", code=3)
    assert "withdrawn" in told.err.lower()


def test_what_is_refused_leaves_no_file(walked, tmp_path):
    out = tmp_path / "paths.csv"
    assert "(places.k-above-people)" in walked(*SAID[:-1], "999", "--as", "priya", "--out", out, code=2).err
    assert walked(*SAID, "--as", "ana", "--out", out, code=3)
    call = ("places", "walks", "--purpose", "research", "--place", "time", "--time", "latitude", "--k", "3")
    assert "(places.column-type)" in walked(*call, "--as", "priya", "--out", out, code=2).err
    assert "(places.trajectory-rule)" in walked(*SAID[:-1], "1", "--as", "priya", "--out", out, code=2).err
    assert not out.exists()


def test_explain_says_what_would_be_done_and_does_nothing(walked, tmp_path):
    out = tmp_path / "paths.csv"
    told = walked(*SAID, "--as", "priya", "--out", out, "--explain").out
    assert "Allowed." in told
    assert "trajectories" in told
    assert not out.exists()
    assert walked("released", "list", "--json").json == []


RULES = """
others = "drop"
[person]
column = "person"
[columns.who]
kind = "pseudonym"
from = "person"
[columns.area]
kind = "cell"
from = "latitude"
longitude = "longitude"
least = 8
[columns.when]
kind = "time-band"
from = "time"
"""


@pytest.mark.parametrize("source", ["walks", "walks.csv"])
def test_a_rules_file_makes_cells_that_keep_enough_people(walked, tmp_path, source):
    (tmp_path / "rules.toml").write_text(RULES)
    out, about = tmp_path / "coarse.csv", () if source == "walks" else ("--dataset", "walks")
    what = source if source == "walks" else tmp_path / source
    call = (
        "tokenise",
        what,
        *about,
        "--rules",
        tmp_path / "rules.toml",
        "--purpose",
        "research",
        "--as",
        "priya",
    )
    walked(*call, "--out", out)
    people = defaultdict(set)
    with out.open(newline="") as stream:
        for row in csv.DictReader(stream):
            people[row["area"]].add(row["who"])
    assert len(people) > 1
    assert min(map(len, people.values())) >= 8
    assert "T-0000" not in out.read_text()


def test_places_by_their_hierarchy(hedgerow, tmp_path):
    """Wards are joined as a file says, and dates have no time of day."""
    rows = [
        (f"P{who}", "ABCD"[(who + day) % 4], f"2025-03-0{day + 1}") for who in range(8) for day in range(2)
    ]
    who, ward, seen = zip(*rows, strict=True)
    arrow_csv.write_csv(pa.table({"who": who, "ward": ward, "seen": seen}), tmp_path / "seen.csv")
    about = ("--dataset", "seen", "--subject-key", "who", "--purpose", "research", "--basis", "public-task")
    hedgerow("collect", tmp_path / "seen.csv", *about, "--keep", "ward,seen")
    folder, out = tmp_path / "ladders", tmp_path / "out.csv"
    folder.mkdir()
    (folder / "ward.csv").write_text("A;north;*\nB;north;*\nC;south;*\nD;south;*\n")
    call = ("places", "seen", "--purpose", "research", "--place", "ward", "--time", "seen", "--k", "2")
    call = (*call, "--hierarchies", folder, "--as", "priya", "--out", out)
    hedgerow(*call)
    with out.open(newline="") as stream:
        told = list(csv.DictReader(stream))
    assert set(told[0]) == {"person", "ward", "seen"}
    assert {row["ward"] for row in told} <= {"A", "B", "C", "D", "north", "south"}
    (folder / "ward.csv").write_text("A;north;*\nB;north;*\n")
    assert "(places.place-not-in-hierarchy)" in hedgerow(*call, "--force", code=2).err
