"""Proves ``synthesise`` end to end: decided and paid before data is opened, kept, replayed, written whole."""

from __future__ import annotations

import csv
import json
from collections import Counter
from fractions import Fraction

import pytest

from hedgerow.app.space import open_space

COLUMNS = "ward,systolic,sex"
SAID = (
    "synthesise",
    "visits",
    "--columns",
    COLUMNS,
    "--epsilon",
    "1",
    "--rows",
    "120",
    "--purpose",
    "research",
)
LABEL = "synthetic, differentially private at epsilon 1, delta 1e-9; unit person"


@pytest.fixture
def funded(hedgerow, space):
    """Declare the columns, and give the budgets a delta."""
    with open_space(space, passphrase=lambda _: None) as opened:
        for where in (("visits", "research"), (None, None)):
            opened.service.allocate(*where, Fraction(10), Fraction(1, 10**6))
    hedgerow("dataset", "declare", "visits", "--keys", "sex=female,male,other")
    return hedgerow


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def spent(hedgerow):
    return hedgerow("budget", "show", "visits", "--json").json


def test_a_table_is_made_written_and_labelled(funded, tmp_path):
    out, report = tmp_path / "s.csv", tmp_path / "s.html"
    shown = funded(*SAID, "--as", "ana", "--out", out, "--report", report)
    rows = rows_of(out)
    assert len(rows) == 120
    assert list(rows[0]) == COLUMNS.split(",")
    assert {row["ward"] for row in rows} <= {"A", "B", "C", ""}
    assert LABEL in shown.out
    assert LABEL in report.read_text()
    assert "anonymous" not in shown.out
    assert out.stat().st_mode & 0o077 == 0
    funded("journal", "verify")


def test_the_same_request_gives_the_same_table_at_no_cost(funded, tmp_path):
    made = funded(*SAID, "--out", tmp_path / "one.csv", "--request-id", "again", "--json").json
    before = spent(funded)
    told = funded(*SAID, "--out", tmp_path / "two.csv", "--request-id", "again", "--json").json
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert told["receipt"]["replayed"]
    assert told["measured"] == made["measured"]
    assert spent(funded) == before
    other = [word.replace("120", "121") for word in SAID]
    assert (
        "request.differs" in funded(*other, "--out", tmp_path / "3.csv", "--request-id", "again", code=3).err
    )


def test_it_is_paid_for_and_explained_beforehand(funded, tmp_path):
    before = spent(funded)
    said = funded(*SAID, "--out", tmp_path / "s.csv", "--explain", "--check-epsilon", "0.1").out
    assert spent(funded) == before
    assert not (tmp_path / "s.csv").exists()
    for told in (
        "ward: 3 declared keys",
        "systolic: 16 bins of 80 to 220",
        "3 columns alone",
        "chosen in private",
        "together epsilon",
        "such tables left",
    ):
        assert told in said
    funded(*SAID, "--out", tmp_path / "s.csv")
    assert spent(funded) != before


def test_parquet_and_the_report_as_values_and_a_comparison(funded, tmp_path):
    import pyarrow.parquet as pq

    out, report = tmp_path / "s.parquet", tmp_path / "s.json"
    funded(*SAID, "--check-epsilon", "1", "--out", out, "--report", report)
    assert pq.read_table(out).num_rows == 120
    told = json.loads(report.read_text())
    assert told["label"] == LABEL
    assert len(told["compared"]["pairs"]) == 3
    assert {tuple(each["columns"]) for each in told["measured"]} >= {("ward",), ("systolic",), ("sex",)}


@pytest.mark.parametrize(
    ("words", "code", "name"),
    [
        (("--columns", "ward,zip"), 3, "dp.undeclared"),
        (("--columns", "ward,full_name"), 2, "column.in-vault"),
        (("--columns", "none"), 2, "dp.unknown-column"),
        (("--rows", "0"), 2, "synth.bad-number"),
        (("--epsilon", "0"), 2, "budget.not-a-number"),
        (("--epsilon", "9999"), 5, "budget.exhausted"),
        (("--out", "s.txt"), 2, "synth.bad-out"),
        (("--report", "s.pdf"), 2, "synth.bad-report"),
        (("--as", "otto"), 3, "policy.not-permitted"),
        (("--purpose", "marketing"), 3, "basis.missing"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_spent(funded, tmp_path, monkeypatch, words, code, name):
    monkeypatch.chdir(tmp_path)
    before = spent(funded)
    line = [*SAID, "--out", tmp_path / "s.csv", *words]
    assert name in funded(*line, code=code).err
    assert spent(funded) == before
    assert not list(tmp_path.glob("s.*"))


def test_a_file_that_is_there_is_not_touched_without_force(funded, tmp_path):
    out = tmp_path / "s.csv"
    out.write_text("mine")
    before = spent(funded)
    assert "out.exists" in funded(*SAID, "--out", out, code=2).err
    assert out.read_text() == "mine"
    assert spent(funded) == before
    funded(*SAID, "--out", out, "--force")
    assert len(rows_of(out)) == 120


def test_a_budget_without_a_delta_pays_in_pure_epsilon(hedgerow, tmp_path):
    hedgerow("dataset", "declare", "visits", "--keys", "sex=female,male,other")
    out = tmp_path / "s.csv"
    assert "budget.no-delta" in hedgerow(*SAID, "--out", out, "--delta", "1e-9", code=5).err
    told = hedgerow(*SAID, "--out", out, "--explain").out
    assert (
        "noise: discrete Laplace, choices by permute and flip; a pure epsilon, which takes no delta" in told
    )
    assert "together epsilon 1 with no delta" in told
    assert "each count ± " in told
    label = "synthetic, differentially private at epsilon 1 with no delta; unit person"
    made = hedgerow(*SAID, "--out", out, "--request-id", "pure").out
    assert label in made
    assert spent(hedgerow)[0]["spent"] == "1"
    below = ("--child-columns", "ward,systolic", "--children-out", tmp_path / "below.csv")
    hedgerow(*SAID, "--out", tmp_path / "p.csv", "--columns", "sex", "--epsilon", "0.5", *below)
    assert spent(hedgerow)[0]["spent"] == "1.5"
    # The same request gives the same rows, also once the budget has a delta.
    hedgerow("budget", "allocate", "visits", "--purpose", "research", "--epsilon", "4", "--delta", "1e-6")
    hedgerow(*SAID, "--out", tmp_path / "again.csv", "--request-id", "pure")
    assert (tmp_path / "again.csv").read_bytes() == out.read_bytes()
    hedgerow("journal", "verify")


def stays(tmp_path):
    """Write stays of 60 people, some without a day and two beyond what will be declared."""
    lines = ["person,arrived,left,ward,paid"]
    for who in range(60):
        day = "" if who % 10 == 9 else f"2024-{1 + who % 12:02d}-{1 + who % 28:02d}"
        lines.append(f"P{who},{day},2024-06-01T{who % 24:02d}:30:00,{'AB'[who % 2]},{who % 2}")
    lines += ["P1,1971-01-01,1971-01-01T00:00:00,A,1", "P2,2099-01-01,2099-01-01T00:00:00,B,0"]
    path = tmp_path / "stays.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_dates_and_points_in_time_are_made_between_declared_days(funded, tmp_path):
    funded("collect", stays(tmp_path), "--dataset", "stays", "--subject-key", "person", "--purpose", "care",
           "--basis", "public-task", "--keep", "arrived,left,ward,paid")  # fmt: skip
    funded("budget", "allocate", "stays", "--purpose", "care", "--epsilon", "20", "--delta", "1e-6")
    said = ("synthesise", "stays", "--columns", "arrived,left,ward", "--epsilon", "8", "--rows", "90",
            "--purpose", "care", "--out", tmp_path / "s.csv")  # fmt: skip
    told = funded(*said, code=3).err
    assert (
        "--bounds arrived=FIRST-DAY:LAST-DAY --bounds left=FIRST-DAY:LAST-DAY --keys ward=VALUE,..." in told
    )
    declare = ("dataset", "declare", "stays", "--max-rows", "2", "--keys", "ward=A,B", "--bounds",
               "arrived=2024-01-01:2024-12-31", "--bounds")  # fmt: skip
    assert "declare.bad-span" in funded(*declare, "left=0:9", code=2).err
    funded(*declare, "left=2024-06-01:2024-06-01")
    assert "2024-01-01:2024-12-31" in funded("dataset", "show", "stays").out
    assert "arrived: 12 bins by month of 2024-01-01 to 2024-12-31" in funded(*said, "--explain").out
    funded(*said, "--report", tmp_path / "s.html")
    rows = rows_of(tmp_path / "s.csv")
    assert {row["arrived"][:5] for row in rows} <= {"2024-", ""}
    assert {row["left"][:11] for row in rows} <= {"2024-06-01 ", ""}
    assert sum(bool(row["arrived"]) for row in rows) > 45
    assert "2024-02" in (tmp_path / "s.html").read_text()
    # No other use takes days for numbers.
    query = "SELECT AVG(arrived) FROM stays"
    assert "dp." in funded("query", "stays", query, "--purpose", "care", "--epsilon", "1", code=2).err


def test_it_outlives_the_erasure_of_one_person(funded, tmp_path, patient):
    funded(*SAID, "--out", tmp_path / "one.csv", "--request-id", "kept")
    funded("subject", "erase", patient, "--yes", may_show=True)
    funded(*SAID, "--out", tmp_path / "two.csv", "--request-id", "kept")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_from_python(funded, space, tmp_path):
    with open_space(space, passphrase=lambda _: None) as opened:
        ana = opened.acting_as("ana", purpose="research")
        told = ana.synthesise(
            "visits", ["ward", "sex"], rows=30, epsilon="0.5", delta="1e-8", out=tmp_path / "s.csv",
            report=tmp_path / "s.json",
        )  # fmt: skip
    assert told["label"].startswith("synthetic, differentially private at epsilon 0.5, delta 1e-8")
    assert len(rows_of(tmp_path / "s.csv")) == 30


PAIR = ("synthesise", "visits", "--columns", "sex", "--child-columns", "ward,systolic", "--epsilon", "1",
        "--rows", "80", "--purpose", "research")  # fmt: skip


def test_a_pair_of_tables_is_split_off_one_data_set(funded, tmp_path):
    out, below = tmp_path / "people.csv", tmp_path / "visits.csv"
    said = funded(*PAIR, "--out", out, "--children-out", below, "--request-id", "pair", "--as", "ana")
    persons, rows = rows_of(out), rows_of(below)
    assert [person["synthetic_person"] for person in persons] == [str(number) for number in range(1, 81)]
    assert list(rows[0]) == ["synthetic_person", "ward", "systolic"]
    born = Counter(row["synthetic_person"] for row in rows)
    assert set(born) <= {person["synthetic_person"] for person in persons}
    assert max(born.values()) <= 6
    assert f"80 rows written to {out}, {len(rows)} rows of these persons to {below}" in said.out
    again = [tmp_path / "again.csv", tmp_path / "below.csv"]
    funded(*PAIR, "--out", again[0], "--children-out", again[1], "--request-id", "pair", "--as", "ana")
    assert [path.read_bytes() for path in again] == [out.read_bytes(), below.read_bytes()]
    funded("journal", "verify")


def test_a_pair_is_explained_and_what_it_cannot_be_refused(funded, tmp_path):
    out, below = tmp_path / "people.csv", ("--children-out", tmp_path / "visits.csv")
    said = funded(*PAIR, "--out", out, *below, "--explain").out
    assert "child_columns: ward: 3 declared keys, or no value; systolic: 16 bins" in said
    assert "rho 0.011781161 together (epsilon 1 at delta 1e-9)" in said
    before = spent(funded)
    for words in ((), (*below, "--check-epsilon", "1"), (*below, "--child-columns", "sex")):
        assert "synth.bad-pair" in funded(*PAIR, "--out", out, *words, code=2).err
    assert "dp.undeclared" in funded(*PAIR, "--out", out, *below, "--child-columns", "zip", code=3).err
    assert spent(funded) == before
    assert not list(tmp_path.glob("*.csv"))
