"""Proves a pair of synthetic tables of two data sets: both permit it, cover the people, and pay for it."""

from __future__ import annotations

import csv

import pytest

from hedgerow.app.service import synthesising
from hedgerow.app.space import open_space
from hedgerow.techniques.synthetic import technique

COLLECT = (
    "--subject-key", "patient_ref", "--purpose", "research", "--basis", "research=consent", "--drop",
    "visit_id", "--drop", "birth_date", "--drop", "visit_date", "--yes",
)  # fmt: skip
SAID = (
    "synthesise", "visits", "--children", "south", "--columns", "sex,ward", "--child-columns",
    "ward,systolic", "--epsilon", "8", "--rows", "60", "--purpose", "research",
)  # fmt: skip


@pytest.fixture
def both(hedgerow, town):
    """Give a second clinic, with declarations and budgets with a delta for both."""
    files = town[1]
    hedgerow("collect", files["clinic_south_visits"], "--dataset", "south", "--consents", files["consents"],
             *COLLECT)  # fmt: skip
    hedgerow("dataset", "declare", "visits", "--keys", "sex=female,male,other")
    hedgerow("dataset", "declare", "south", "--max-rows", "3", "--bounds", "systolic=80:220", "--keys",
             "ward=A,B,C")  # fmt: skip
    for where in (("visits", "--purpose", "research"), ("south", "--purpose", "research"), ("--population",)):
        hedgerow("budget", "allocate", *where, "--epsilon", "20", "--delta", "1e-6")
    return hedgerow


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def outs(tmp_path, name=""):
    return "--out", tmp_path / f"{name}p.csv", "--children-out", tmp_path / f"{name}r.csv"


def left(hedgerow, dataset):
    shown = hedgerow("budget", "show", dataset, "--json").json
    return next(each["left"] for each in shown if (each["dataset"], each["purpose"]) == (dataset, "research"))


def test_a_pair_is_made_of_persons_and_of_their_rows_elsewhere_and_both_pay(both, tmp_path):
    told = both(*SAID, *outs(tmp_path), "--as", "ana", "--explain").out
    assert "children: south" in told
    assert "contribution: at most 3 rows of one person count" in told
    assert "budget of visits and of south, and once to the population" in told
    before = {name: left(both, name) for name in ("visits", "south")}
    said = both(
        *SAID, *outs(tmp_path), "--as", "ana", "--request-id", "pair", "--report", tmp_path / "r.html"
    ).out
    persons, rows = rows_of(tmp_path / "p.csv"), rows_of(tmp_path / "r.csv")
    assert list(persons[0]) == ["synthetic_person", "sex", "ward"]
    assert list(rows[0]) == ["synthetic_person", "ward", "systolic"]
    assert {row["synthetic_person"] for row in rows} <= {person["synthetic_person"] for person in persons}
    assert f"60 rows written to {tmp_path / 'p.csv'}, {len(rows)} rows of these persons" in said
    after = {name: left(both, name) for name in ("visits", "south")}
    assert all(after[name] != before[name] for name in before)
    assert after["visits"] == after["south"]
    assert "Synthetic tables of visits and south" in (tmp_path / "r.html").read_text()
    both(*SAID, *outs(tmp_path, "again"), "--as", "ana", "--request-id", "pair")
    assert (tmp_path / "againr.csv").read_bytes() == (tmp_path / "r.csv").read_bytes()
    assert {name: left(both, name) for name in before} == after
    both("journal", "verify")


def test_one_account_without_a_delta_makes_all_of_it_pure(both, tmp_path):
    both("budget", "allocate", "south", "--purpose", "research", "--epsilon", "9")
    said = both(*SAID, *outs(tmp_path)).out
    assert "differentially private at epsilon 8 with no delta together" in said
    assert left(both, "south") == "1"
    assert "still holds a query of epsilon 1." in said, "what the tightest account leaves"


def test_what_one_of_the_two_refuses_is_refused_and_nothing_is_spent(both, tmp_path):
    before = {name: left(both, name) for name in ("visits", "south")}
    for words, code, name in (
        (("--child-columns", "ward,zip"), 3, "dataset declare south --unit person --bounds zip=LOWER:UPPER"),
        (("--child-columns", "full_name"), 2, "column.in-vault"),
        (("--columns", "nothing"), 2, "dp.unknown-column"),
        (("--purpose", "care"), 3, "basis.missing"),
        (("--children", "nowhere"), 2, "dataset.not-for-you"),
        (("--check-epsilon", "1"), 2, "synth.bad-pair"),
        (("--epsilon", "40"), 5, "budget.exhausted"),
    ):
        assert name in both(*SAID, *outs(tmp_path), *words, code=code).err, words
    assert "synth.bad-pair" in both(*SAID[:6], *SAID[8:], "--out", tmp_path / "p.csv", code=2).err
    assert {name: left(both, name) for name in before} == before
    assert not list(tmp_path.glob("*.csv"))


def test_one_data_set_named_twice_is_split(both, tmp_path):
    said = ["visits" if word == "south" else word for word in SAID]
    said[said.index("sex,ward")] = "sex"
    both(*said, *outs(tmp_path))
    assert list(rows_of(tmp_path / "r.csv")[0]) == ["synthetic_person", "ward", "systolic"]


def test_nobody_is_read_who_said_no_to_one(both, town, space, tmp_path, monkeypatch):
    both("dataset", "declare", "south", "--max-rows", "1")
    seen, real = {}, technique.pair_codes

    def watched(upper, lower, person, plan):
        above, below, owners = real(upper, lower, person, plan)
        seen.update(upper=set(upper[person].to_pylist()), lower=set(lower[person].to_pylist()),
                    names=(upper.column_names, lower.column_names), owners=owners,
                    parents=len(above), rows=len(lower), reach=plan.parents.max_rows)  # fmt: skip
        return above, below, owners

    monkeypatch.setattr(technique, "pair_codes", watched)
    asked = synthesising.SynthesisRequest("visits", ["sex"], 20, "0.1", None, None, 16, ["systolic"], "south")
    with open_space(space, passphrase=lambda _: None) as opened:
        said = opened.service.synthesise(
            asked,
            purpose="research",
            out=synthesising.Outputs(tmp_path / "p.csv", children=tmp_path / "r.csv"),
        )
    assert said["children"] == "south"
    opened_columns = {*seen["names"][0], *seen["names"][1]}
    assert {"sex", "systolic"} <= opened_columns
    assert "ward" not in opened_columns
    agreed = {each["subject"] for each in town[0].consents.to_pylist() if each["purpose"] == "research"}
    sides = [f"clinic_{side}_visits" for side in ("north", "south")]
    north, south = ({row["patient_ref"] for row in rows_of(town[1][side])} for side in sides)
    assert len(seen["upper"]) == len(north & agreed) == seen["parents"]
    assert len(seen["upper"] & seen["lower"]) == len(north & south & agreed)
    owned = [list(seen["owners"]).count(owner) for owner in set(seen["owners"])]
    assert len(owned) == len(north & south & agreed)
    assert max(owned) == 1
    assert seen["rows"] > len(seen["lower"]), "somebody has more rows than count"
    # Whoever leaves the second alone stays among the persons with no rows: two cells change.
    had = [list(seen["owners"]).count(owner) for owner in range(seen["parents"])]
    without = [0 if owner == seen["owners"][0] else number for owner, number in enumerate(had)]
    moved = sum(abs(had.count(number) - without.count(number)) for number in {0, *had})
    assert moved == 2 == seen["reach"]


def test_persons_named_by_numbers_in_one_and_by_text_in_the_other_are_not_joined(both, tmp_path):
    (tmp_path / "bills.csv").write_text("who,paid\n1,5\n2,7\n")
    both("collect", tmp_path / "bills.csv", "--dataset", "bills", "--subject-key", "who", "--purpose",
         "research", "--basis", "research=public-task", "--keep", "paid", "--yes")  # fmt: skip
    both("dataset", "declare", "bills", "--max-rows", "1", "--bounds", "paid=0:9")
    said = ["bills" if word == "south" else word for word in SAID]
    said[said.index("ward,systolic")] = "paid"
    assert "synth.other-people" in both(*said, *outs(tmp_path), code=2).err
