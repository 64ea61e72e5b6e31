"""A survey with local privacy stands in the ledger of the people it asks, or says that it stands in none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from fractions import Fraction

import pytest

from hedgerow.app.space import open_space
from hedgerow.model.errors import HedgerowError

ASK = ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--as", "ana")


@pytest.fixture
def make(hedgerow, tmp_path):
    def call(name, *more, code=0, epsilon="2"):
        line = ("local", "survey", "--name", name, "--epsilon", epsilon, "--out", tmp_path / f"{name}.json")
        return hedgerow(*line, *more, code=code)

    return call


def population(hedgerow):
    shown = hedgerow("budget", "show", "--json").json
    return next(each for each in shown if each["dataset"] == "*")


def test_it_is_charged_once_for_all_reports_of_a_person_and_listed(make, hedgerow):
    before = Fraction(population(hedgerow)["spent"])
    told = make("streets", "--purpose", "research", "--reports", "2").out
    assert "ledger       epsilon 4 for research, of each person at most; the population has" in told
    assert Fraction(population(hedgerow)["spent"]) - before == 4
    shown = hedgerow("budget", "show").out
    assert "Local surveys, each charged to the population:" in shown
    assert "streets  research  4" in shown
    listed = [each for each in hedgerow("budget", "show", "--json").json if "survey" in each]
    assert [(each["survey"], each["purpose"], each["spent"]) for each in listed] == [
        ("streets", "research", "4")
    ]
    # A second round on the same people is a second loss.
    make("again", "--purpose", "research")
    assert Fraction(population(hedgerow)["spent"]) - before == 6
    hedgerow("journal", "verify")


def test_what_it_took_is_not_there_for_queries_and_the_other_way_round(make, hedgerow, tmp_path):
    make("streets", "--purpose", "research", epsilon="9")
    assert "(budget.population-exhausted)" in hedgerow(*ASK, "--epsilon", "1.5", code=5).err
    refused = make("more", "--purpose", "research", epsilon="3", code=5)
    assert "(budget.population-exhausted)" in refused.err
    assert not (tmp_path / "more.json").exists()
    hedgerow("budget", "allocate", "--population", "--epsilon", "1", "--every", "month")
    assert "(budget.period-exhausted)" in make("more", "--purpose", "research", epsilon="0.5", code=5).err
    hedgerow("journal", "verify")


def test_without_a_purpose_it_is_in_no_ledger_and_says_so(make, hedgerow):
    before = population(hedgerow)
    assert "ledger       none: it is ungoverned" in make("streets").out
    assert population(hedgerow) == before
    assert make("words", "--json").json["ledger"] is None


def test_whoever_may_not_collect_and_what_serves_no_purpose_spends_nothing(make, hedgerow, tmp_path):
    before = population(hedgerow)
    assert "(policy.not-permitted)" in make("a", "--purpose", "research", "--as", "ana", code=3).err
    assert "(purpose.unknown)" in make("b", "--purpose", "nothing", code=3).err
    assert population(hedgerow) == before
    assert not list(tmp_path.glob("[ab].json"))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE local_surveys SET epsilon = '1/100'", "records.differ"),
        ("UPDATE local_surveys SET purpose = 'care'", "records.differ"),
        ("DELETE FROM local_surveys", "records.differ"),
        ("DELETE FROM charges WHERE request LIKE 'survey%'", "ledger.differs"),
    ],
)
def test_what_is_changed_beside_the_journal_is_found(make, space, change, code):
    make("streets", "--purpose", "research")
    with closing(sqlite3.connect(space / "hedgerow.db")) as database, database:
        database.execute(change)
    with (
        pytest.raises(HedgerowError) as caught,
        open_space(space, passphrase=lambda _: None) as opened,
    ):
        opened.service.verify()
    assert caught.value.code == code
