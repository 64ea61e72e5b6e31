"""Proves that what a refusal advises can be typed as it stands and is right: it is typed here, and helps."""

from __future__ import annotations

import re
import shlex

import pytest

SQL = "SELECT COUNT(*) FROM visits"
ASK = ("query", "visits", SQL, "--purpose", "research", "--as", "ana")
WARDS = ("query", "visits", "SELECT ward, COUNT(*) FROM visits GROUP BY ward", *ASK[3:])
LIMIT = ("budget", "allocate", "visits", "--purpose", "research")
FOUND = ("query", "visits", "SELECT sex, COUNT(*) FROM visits GROUP BY sex", *ASK[3:])


def advised(told, **filled):
    """Give the command in a next step as words, its placeholders filled in."""
    line = re.search(r"`hedgerow ([^`]*)`", told)[1]
    return [filled.get(word, word) for word in shlex.split(line)]


def left(hedgerow, dataset="visits"):
    return next(one["left"] for one in hedgerow("budget", "show", "--json").json if one["dataset"] == dataset)


def test_an_exhausted_budget_names_what_fits_and_the_command_for_more(hedgerow):
    told = hedgerow(*ASK, "--epsilon", "3", code=5).err
    assert "(budget.exhausted)" in told
    assert "Ask for at most --epsilon 2." in told
    hedgerow(*advised(told, E="4"), "--as", "priya")
    hedgerow(*ASK, "--epsilon", "3")
    assert left(hedgerow) == "1"


def test_the_population_and_its_delta_are_in_the_command(hedgerow):
    hedgerow("budget", "allocate", "--population", "--epsilon", "1", "--delta", "1e-6")
    told = hedgerow(*ASK, "--epsilon", "1.5", code=5).err
    assert "(budget.population-exhausted)" in told
    assert "`hedgerow budget allocate --population --epsilon E --delta 1e-6`, with an E above 1." in told
    hedgerow(*advised(told, E="2"))
    hedgerow(*ASK, "--epsilon", "1.5")


def test_a_command_inside_a_noun_is_named_with_it(nowhere):
    assert "did you mean dataset bounds?" in nowhere("bounds", "visits", code=2).err
    assert "did you mean budget allocate?" in nowhere("allocate", "visits", code=2).err


def test_too_large_a_rho_is_not_answered_by_an_epsilon_alone(hedgerow):
    for whose in (LIMIT, ("budget", "allocate", "--population")):
        hedgerow(*whose, "--epsilon", "2", "--delta", "1e-6")
    told = hedgerow(*ASK, "--rho", "1", code=5).err
    assert "Ask for less (`--explain` tells how many fit), or a query of at most --epsilon 2." in told


def test_nothing_left_is_said_as_such(hedgerow):
    hedgerow(*ASK, "--epsilon", "2")
    assert "Nothing more can be asked." in hedgerow(*WARDS, "--epsilon", "0.1", code=5).err


def test_too_little_delta_is_not_answered_by_less_epsilon(hedgerow):
    for whose in (LIMIT, ("budget", "allocate", "--population")):
        hedgerow(*whose, "--epsilon", "2", "--delta", "1e-6")
    told = hedgerow(*FOUND, "--epsilon", "0.5", "--discover-keys", "6e-7", code=5).err
    assert "(budget.delta-exhausted)" in told
    assert "a delta of 5e-7 left" in told
    assert "at most 5e-7" in told
    assert "less epsilon" not in told
    assert left(hedgerow) == "2"
    hedgerow(*advised(told, D="2e-6"), "--as", "priya")
    again = hedgerow(*FOUND, "--epsilon", "0.5", "--discover-keys", "6e-7", code=5).err
    hedgerow(*advised(again, D="2e-6"), "--as", "priya")
    hedgerow(*FOUND, "--epsilon", "0.5", "--discover-keys", "6e-7")


def test_a_misspelt_purpose_gives_one_step(hedgerow):
    told = hedgerow(
        "query", "visits", SQL, "--purpose", "reserch", "--epsilon", "1", "--as", "ana", code=3
    ).err
    assert "Did you mean research? Name it with --purpose." in told
    assert "Declare it" not in told
    told = hedgerow("query", "visits", SQL, "--purpose", "taxes", "--epsilon", "1", "--as", "ana", code=3).err
    assert "Next: Declare it: `hedgerow purpose add taxes --why TEXT" in told


def test_who_may_not_declare_is_told_who_may(hedgerow):
    told = hedgerow("query", "visits", "SELECT AVG(age) FROM visits", *ASK[3:], "--epsilon", "1", code=3).err
    assert (
        "Next: Ask somebody with the role owner, who declares it by `hedgerow dataset declare visits" in told
    )
    command = advised(told)
    assert command[-2:] == ["--bounds", "age=LOWER:UPPER"]
    hedgerow(*command[:-1], "age=0:120")
    hedgerow("query", "visits", "SELECT AVG(age) FROM visits", *ASK[3:], "--epsilon", "1")


@pytest.mark.parametrize(("option", "such"), [("--epsilon", "0.5"), ("--rho", "0.01")])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "1e9", "x"])
def test_a_cost_of_nothing_is_answered_by_one_of_its_kind(hedgerow, option, such, value):
    told = hedgerow(*ASK, option, value, code=2).err
    assert f"Error: {option} is not a finite positive number" in told
    assert f"Give a decimal such as {such}." in told
    assert left(hedgerow) == "2"


def test_a_statistic_of_a_statistic_is_called_so(hedgerow):
    told = hedgerow(
        "query", "visits", "SELECT AVG(COUNT(*)) FROM visits", *ASK[3:], "--epsilon", "1", code=3
    ).err
    assert "The query uses a statistic of a statistic" in told


def test_outputs_have_names_that_can_be_typed(hedgerow):
    sql = "SELECT ward, AVG(systolic * 2 + 1), SUM(systolic / 2) FROM visits GROUP BY ward ORDER BY "
    for order in ("mean_systolic_times_2_plus_1", "2"):
        told = hedgerow("query", "visits", sql + order, *ASK[3:], "--epsilon", "0.5", "--json").json
        assert [one["name"] for one in told["columns"]] == [
            "ward", "mean_systolic_times_2_plus_1", "sum_systolic_by_2",
        ]  # fmt: skip


def test_columns_of_one_name_in_two_tables_are_told_apart_by_the_table(hedgerow, tmp_path):
    wards = tmp_path / "wards.csv"
    wards.write_text("ward,region\nA,north\nB,south\nC,south\n")
    hedgerow("dataset", "public", "add", "wards", "--from", wards, "--why", "the map of the town")
    join = "SELECT COUNT(*) FROM visits JOIN wards ON visits.ward = wards.ward WHERE {}ward = 'A'"
    told = hedgerow("query", "visits", join.format(""), *ASK[3:], "--epsilon", "0.5", code=2).err
    assert "More than one column is called ward.\n" in told
    assert "before it: TABLE.ward" in told
    hedgerow("query", "visits", join.format("visits."), *ASK[3:], "--epsilon", "0.5")


def test_what_a_rho_does_to_a_limit_is_said_before_it_is_spent(hedgerow):
    for whose in (LIMIT, ("budget", "allocate", "--population")):
        hedgerow(*whose, "--epsilon", "2", "--delta", "1e-6")
    before = hedgerow(*ASK, "--rho", "0.0001", "--explain", "--json").json["forecast"]
    assert (before["turns"], before["left"]) == (True, "2")
    assert float(before["left_after"]) < 0.5
    told = hedgerow(*ASK, "--rho", "0.0001", "--explain").out
    assert "take note before it is spent: after the first use of a rho" in told
    assert f"an epsilon above {before['left_after']} fits no more" in told
    assert "take note" not in hedgerow(*ASK, "--epsilon", "0.1", "--explain").out
    hedgerow(*ASK, "--rho", "0.0001")
    assert left(hedgerow) == before["left_after"]
    assert "take note" not in hedgerow(*ASK, "--rho", "0.0001", "--fresh", "--explain").out
