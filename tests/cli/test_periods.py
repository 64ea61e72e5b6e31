"""Limits of a year, a quarter, a month or some days, and the stored answer, as they are typed and shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hedgerow.model.periods import calendar_period

ASK = ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--as", "ana")
MAKE = ("budget", "allocate", "visits", "--purpose", "research", "--epsilon", "0.5")


def now(kind):
    return calendar_period(kind, datetime.now(UTC).date()).name


def test_a_period_is_shown_foreseen_and_holds(hedgerow):
    told = hedgerow(*MAKE, "--every", "year").out
    assert f"of each year, now {now('year')}, within that of all time is epsilon 0.5; 0.5 is left." in told
    hedgerow(*ASK, "--epsilon", "0.3")
    shown = hedgerow("budget", "show", "visits").out.splitlines()
    assert shown[0].split() == ["data", "set", "purpose", "period", "limit", "spent", "left", "apart", "from",
                                "releases"]  # fmt: skip
    assert [line.split()[2:8] for line in shown if f" {now('year')} " in line] == [
        [now("year"), "(every", "year)", "0.5", "0.3", "0.2"]
    ]
    foreseen = hedgerow("budget", "forecast", "visits", "--purpose", "research", "--epsilon", "0.1").out
    assert "about 2 such queries left" in foreseen
    assert f"0.2 in {now('year')} (until " in foreseen
    refused = hedgerow(*ASK, "--epsilon", "0.3", "--fresh", code=5).err
    assert f"visits for research: epsilon 0.2 is left in {now('year')}" in refused
    assert "(budget.period-exhausted)" in refused
    said = hedgerow(*ASK, "--epsilon", "0.3", "--fresh", "--explain").out
    assert "budget.period-exhausted" in said
    hedgerow("journal", "verify")


def test_a_period_of_the_population(hedgerow):
    made = hedgerow(
        "budget", "allocate", "--population", "--epsilon", "0.4", "--period", now("year"), "--json"
    )
    assert (made.json["dataset"], made.json["period"], made.json["left"]) == ("*", now("year"), "0.4")
    assert "The population: epsilon 0.4 is left" in hedgerow(*ASK, "--epsilon", "0.5", code=5).err
    shown = hedgerow("budget", "show", "--json").json
    assert [each["period"] for each in shown if "period" in each] == [now("year")]


def test_some_days_and_a_period_that_is_not_of_today(hedgerow):
    hedgerow(*MAKE, "--from", "2020-01-01", "--until", "2020-03-31")
    hedgerow(*MAKE, "--period", "2040-Q2")
    hedgerow(*ASK, "--epsilon", "1")
    shown = [each.get("period") for each in hedgerow("budget", "show", "visits", "--json").json]
    assert {"2020-01-01..2020-03-31", "2040-Q2"} <= set(shown)


@pytest.mark.parametrize(
    "wrong",
    [("--period", "2026-Q5"), ("--from", "2026-01-01"), ("--until", "2026-01-01"),
     ("--period", "2026", "--every", "year"), ("--from", "2026-02-01", "--until", "2026-01-01")],
)  # fmt: skip
def test_what_is_no_period_changes_nothing(hedgerow, wrong):
    before = hedgerow("budget", "show", "--json").json
    assert "(budget.no-period)" in hedgerow(*MAKE, *wrong, code=2).err
    assert hedgerow("budget", "show", "--json").json == before


def test_who_may_not_allocate_sets_no_period(hedgerow):
    assert "(policy.not-permitted)" in hedgerow(*MAKE, "--every", "month", "--as", "ana", code=3).err


def test_two_limits_of_one_name_are_told_apart_and_each_is_ended(hedgerow):
    quarter = ("--period", now("quarter"))
    hedgerow(*MAKE, "--every", "quarter")
    hedgerow(*MAKE, *quarter)
    shown = hedgerow("budget", "show", "visits").out
    assert f" {now('quarter')} (every quarter) " in shown
    assert shown.count(f" {now('quarter')} ") == 2
    refused = hedgerow(*ASK, "--epsilon", "0.6", code=5).err
    assert f"`hedgerow budget allocate visits --purpose research {' '.join(quarter)} --epsilon E`" in refused
    ended = hedgerow(*MAKE[:-2], *quarter, "--end").out
    assert "The limit of these days is ended; the budget of visits for research is epsilon " in ended
    assert (
        "--every quarter --epsilon E`, with an E above 0.5" in hedgerow(*ASK, "--epsilon", "0.6", code=5).err
    )
    assert hedgerow(*MAKE[:-2], "--every", "quarter", "--end", "--json").json["dataset"] == "visits"
    hedgerow(*ASK, "--epsilon", "0.6")
    assert all("period" not in each for each in hedgerow("budget", "show", "--json").json)
    assert "(budget.no-such-period)" in hedgerow(*MAKE[:-2], *quarter, "--end", code=2).err
    hedgerow("journal", "verify")


@pytest.mark.parametrize(
    ("given", "code", "status"),
    [((), "budget.no-period", 2), (("--every", "month", "--as", "ana"), "policy.not-permitted", 3)],
)
def test_no_other_limit_is_ended(hedgerow, given, code, status):
    before = hedgerow("budget", "show", "--json").json
    assert f"({code})" in hedgerow(*MAKE[:-2], *given, "--end", code=status).err
    assert "--epsilon is missing" in hedgerow(*MAKE[:-2], "--every", "month", code=2).err
    assert hedgerow("budget", "show", "--json").json == before


def test_the_same_question_is_answered_from_the_store(hedgerow):
    first = hedgerow(*ASK, "--epsilon", "0.5", "--json").json
    assert first["receipt"]["from"] == "new"
    again = hedgerow(
        "query", "visits", "select count(*)\nfrom visits", *ASK[3:-2], "--epsilon", "0.50", "--json"
    )
    assert (again.json["rows"], again.json["receipt"]["from"]) == (first["rows"], "stored")
    told = hedgerow(*ASK, "--epsilon", "0.5")
    assert "(the stored answer to the same question; nothing was spent" in told.out
    said = hedgerow(*ASK, "--epsilon", "0.5", "--explain").out
    assert "cost: nothing: the same question was answered before" in said
    assert hedgerow(*ASK, "--epsilon", "0.5", "--fresh", "--json").json["receipt"]["from"] == "new"
    assert "use.stored" in hedgerow("journal", "show", "--last", "9").out
    hedgerow("journal", "verify")


def test_a_limit_of_each_quarter_is_told_from_one_of_this_quarter(hedgerow):
    hedgerow(*MAKE, "--period", now("quarter"))
    told = hedgerow(*MAKE[:-1], "0.9", "--every", "quarter").out
    assert (
        f"of each quarter, now {now('quarter')}, within that of all time is epsilon 0.9; 0.9 is left." in told
    )
