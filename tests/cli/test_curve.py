"""Proves the curve of a query: error against epsilon, as the query then has it, and nothing is spent."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from fractions import Fraction

import pytest

from hedgerow.app.space import open_space
from hedgerow.model.errors import CallerError, Refused

QUESTION = "SELECT ward, COUNT(*), AVG(systolic) FROM visits GROUP BY ward"
SAID = ("query", "visits", QUESTION, "--purpose", "research", "--as", "ana", "--curve")


@pytest.fixture
def ana(space):
    with open_space(space, passphrase=lambda _: None) as made:
        yield made.acting_as("ana", purpose="research")


def everything(space):
    """Read every record: nothing may change, not even the journal."""
    with closing(sqlite3.connect(space / "hedgerow.db")) as database:
        return list(database.iterdump())


def curve(session, sql=QUESTION, dataset="visits", **more):
    return session.service.curve_query(dataset, sql, **{"purpose": "research", **more})


def test_each_point_is_what_the_query_itself_then_says(ana):
    told = curve(ana, "SELECT ward, COUNT(*), SUM(systolic) FROM visits GROUP BY ward", epsilon="0.3")
    place = told["epsilons"].index("0.3")
    answer = ana.query(
        "visits", "SELECT ward, COUNT(*), SUM(systolic) FROM visits GROUP BY ward", epsilon="0.3"
    )
    widths = [output["half_widths_95"][place] for output in told["outputs"]]
    assert [[str(w) for w in row[1:]] for row in answer["half_widths_95"]] == [widths] * 3
    assert [output["name"] for output in told["outputs"]] == ["count", "sum_systolic"]


def test_less_epsilon_is_never_less_error(ana):
    told = curve(ana)
    assert told["epsilons"] == ["0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10"]
    for output in told["outputs"]:
        known = [Fraction(width) for width in output["half_widths_95"] if width is not None]
        assert known == sorted(known, reverse=True)
        assert len(known) >= 5


def test_a_mean_says_what_it_supposes(ana):
    count, mean = curve(ana)["outputs"]
    assert (count["given"], mean["given"]) == ("", "group of 1000 values")
    assert mean["half_widths_95"][0] is None, "at epsilon 0.05 the mean of a thousand values is of no use"


def test_of_a_quantile_the_rows_in_rank_are_drawn(ana, hedgerow):
    (median,) = curve(ana, "SELECT MEDIAN(systolic) FROM visits", epsilon="0.5")["outputs"]
    assert (median["name"], median["given"]) == ("median_systolic", "rows in rank")
    line = ("query", "visits", "SELECT MEDIAN(systolic) FROM visits", *SAID[3:-1], "--epsilon", "0.5")
    rank = hedgerow(*line, "--json").json["columns"][0]["rank_error_95"]
    assert int(median["half_widths_95"][3]) == rank
    assert f"{rank:,} in rank" in hedgerow(*line).out


def test_how_many_such_queries_are_left_stands_beside(ana):
    ana.query("visits", QUESTION, epsilon="0.7")
    told = curve(ana, epsilon="1.3")
    left = dict(zip(told["epsilons"], told["queries_left"], strict=True))
    assert left == {"0.05": 26, "0.1": 13, "0.2": 6, "0.5": 2, "1": 1, "1.3": 1, "2": 0, "5": 0, "10": 0}


def test_nothing_is_spent_or_written_and_no_data_is_opened(hedgerow, space):
    for bucket in (space / "tables").iterdir():
        bucket.unlink()
    before = everything(space)
    shown = hedgerow(*SAID).out
    assert everything(space) == before
    assert shown.endswith("Nothing was spent, and no data was opened.\n")


def test_it_is_drawn(hedgerow):
    lines = hedgerow(*SAID, "--epsilon", "0.3").out.splitlines()
    assert lines[0] == "± of count in 95 of 100 answers, by epsilon:"
    assert lines[1].startswith("   0.05  ######")
    bars = [line.count("#") for line in lines[1:10]]
    assert bars == sorted(bars, reverse=True)
    assert bars[0] == 40
    assert min(bars) == 1
    assert any(line.startswith("  0.3 *  ##") for line in lines)
    assert "± mean_systolic (in a group of 1000 values)" in next(
        line for line in lines if "queries left" in line
    )
    assert "* is the epsilon that was given." in lines


def test_without_a_budget_it_is_drawn_too(ana):
    told = curve(ana, purpose="care")
    assert set(told["queries_left"]) == {0}
    assert None not in told["outputs"][0]["half_widths_95"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"sql": "SELECT COUNT(DISTINCT systolic) FROM visits"}, "dp.sql-unsupported"),
        ({"sql": "SELECT AVG(age) FROM visits"}, "dp.undeclared"),
        ({"dataset": "nothing"}, "dataset.not-for-you"),
        ({"purpose": "nonsense"}, "purpose.unknown"),
        ({"purpose": None}, "purpose.missing"),
        *(({"epsilon": text}, "budget.not-a-number") for text in ("0", "-1", "nan", "1e9", "")),
    ],
)
def test_what_could_not_be_asked_is_not_drawn(ana, space, words, code):
    before = everything(space)
    with pytest.raises((Refused, CallerError)) as refused:
        curve(ana, **words)
    assert refused.value.code == code
    assert everything(space) == before


def test_who_may_not_ask_sees_no_curve(hedgerow):
    said = [word if word != "ana" else "otto" for word in SAID]
    hedgerow.refused(*said, code=3, error="policy.not-permitted")


def test_without_it_an_epsilon_is_needed(hedgerow):
    refused = hedgerow.refused(*SAID[:-1], code=2, error="usage.malformed")
    assert "--epsilon is missing." in refused.err
