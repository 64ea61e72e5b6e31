"""Proves reports and forecasts of the ledger: what they say, to whom, and that nothing is spent by them."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from fractions import Fraction

import pytest

from hedgerow.app.space import open_space
from hedgerow.model.errors import CallerError, Fault, Refused

QUESTION = "SELECT ward, COUNT(*), AVG(systolic) FROM visits GROUP BY ward"
USE = ("--purpose", "research")
DELTA = Fraction(1, 10**6)


def charges(space):
    with closing(sqlite3.connect(space / "hedgerow.db")) as database:
        return [event for (event,) in database.execute("SELECT event FROM charges ORDER BY number")]


def rewrite(space, event):
    with closing(sqlite3.connect(space / "hedgerow.db")) as database:
        database.execute("UPDATE charges SET event = ?", [event])
        database.commit()


@pytest.fixture
def opened(space):
    """Give the workspace open in this process."""
    with open_space(space, passphrase=lambda _: None) as made:
        yield made


@pytest.fixture
def ana(opened):
    return opened.acting_as("ana", purpose="research")


def ask(session, epsilon, purpose=None):
    return session.query("visits", QUESTION, epsilon=epsilon, purpose=purpose, fresh=True)


class TestCharges:
    def test_a_charge_says_which_noise_it_was_and_the_journal_agrees(self, hedgerow, space):
        hedgerow("query", "visits", QUESTION, *USE, "--epsilon", "0.5", "--fresh", "--as", "ana")
        # Rows, rows with a value and centred sums: 6 rows a person, 70 whole steps to the middle of 80:220.
        assert charges(space) == ["laplace 6:1/6,6:1/6,420:1/6"]
        hedgerow("journal", "verify")
        rewrite(space, "laplace 6:1/6,6:1/6,421:1/6")
        assert "(ledger.not-journaled)" in hedgerow("journal", "verify", code=6).err

    def test_a_charge_of_before_is_read_as_it_was(self, ana, opened, space):
        ask(ana, "0.5")
        rewrite(space, "pure 1/2")
        with opened.opened.store.read() as reader:
            told = opened.opened.spine.ledger.recount(reader)
        assert {account.epsilon for account in told.values()} == {"1/2"}


class TestForecast:
    SAID = ("budget", "forecast", "visits", *USE, "--epsilon")

    def test_so_many_are_admitted_and_one_more_is_not(self, ana, space):
        ask(ana, "0.7")
        before = charges(space)
        told = ana.service.forecast("visits", "research", Fraction(3, 5))
        assert told == {"dataset": "visits", "purpose": "research", "epsilon": "0.6", "queries_left": 2,
                        "holds_back": "purpose", "left": "1.3", "population_left": "9.3",
                        "left_after": "0.7"}  # fmt: skip
        assert charges(space) == before
        for left in (1, 0):
            ask(ana, "0.6")
            assert ana.service.forecast("visits", "research", Fraction(3, 5))["queries_left"] == left
        with pytest.raises(Refused) as none:
            ask(ana, "0.6")
        assert none.value.code == "budget.exhausted"
        assert ana.service.forecast("visits", "research", Fraction(1, 10))["queries_left"] == 1

    def test_the_population_may_end_first(self, opened):
        opened.service.allocate(None, None, Fraction(1))
        told = opened.service.forecast("visits", "research", Fraction(3, 5))
        assert (told["queries_left"], told["holds_back"]) == (1, "population")

    def test_it_is_said_in_words(self, hedgerow):
        assert hedgerow(*self.SAID, "0.6", "--as", "ana").out == (
            "At epsilon 0.6 each, about 3 such queries left: epsilon 2 is left for the purpose, 10 for the "
            "population; after one, epsilon 1.4 for one query.\n"
        )
        assert "each, about 1 such query left: " in hedgerow(*self.SAID, "1.1").out
        none = hedgerow(*self.SAID, "2.1").out.splitlines()
        assert "no such query is left: epsilon 2 is left" in none[0]
        assert none[1] == "Ask for less epsilon each, or ask the privacy officer for budget."

    def test_it_stands_in_the_explanation_of_a_query(self, hedgerow, space):
        said = ("query", "visits", QUESTION, *USE, "--epsilon", "0.3", "--explain", "--as", "ana")
        shown = hedgerow(*said).out
        assert "  budget: about 6 such queries left: epsilon 2 is left for the purpose, 10 for" in shown
        assert "expected_error_95" in shown
        assert charges(space) == []

    def test_an_explanation_refused_by_policy_tells_nothing_of_the_budget(self, opened):
        otto = opened.acting_as("otto", purpose="research")
        assert "forecast" in opened.acting_as("ana", purpose="research").explain(
            "visits", QUESTION, epsilon="0.3"
        )
        assert "forecast" not in otto.explain("visits", QUESTION, epsilon="0.3")

    @pytest.mark.parametrize("epsilon", ["0", "-1", "nan", "1e9"])
    def test_an_epsilon_that_is_none_is_refused(self, hedgerow, space, epsilon):
        hedgerow.refused(*self.SAID, epsilon, code=2, error="budget.not-a-number")
        assert charges(space) == []

    @pytest.mark.extra
    def test_what_pld_would_say_is_named_a_report(self, hedgerow):
        shown = hedgerow(*self.SAID, "0.5", "--delta", "0.001").out
        assert "about 4 such queries left" in shown
        assert "that is a report and admits nothing." in shown

    @pytest.mark.extra
    def test_pld_never_promises_less_than_the_filter(self, ana):
        told = ana.service.forecast("visits", "research", Fraction(1, 10), DELTA)
        assert told["pld"]["delta"] == "1e-6"
        assert told["pld"]["queries"] >= told["queries_left"] == 20


@pytest.mark.extra
class TestReaccount:
    def test_three_accountants_side_by_side_and_who_decides(self, ana, opened, space):
        for _ in range(3):
            ask(ana, "0.5")
        before = charges(space)
        told = opened.acting_as("otto").service.reaccount("visits", "research", DELTA)
        names = [each["name"] for each in told["accountants"]]
        assert names == ["sum of epsilons", "zCDP (Bun and Steinke)", "PLD (dp-accounting)"]
        assert [each["decides"] for each in told["accountants"]] == [True, False, False]
        assert [each["delta"] for each in told["accountants"]] == ["0", "1e-6", "1e-6"]
        pure, zcdp, pld = (Fraction(each["epsilon"]) for each in told["accountants"])
        assert pld <= pure == Fraction(3, 2)
        assert zcdp > 0
        assert told["charges"] == {"discrete Laplace noise": 3}
        assert charges(space) == before

    def test_the_population_is_what_all_were_charged(self, ana, opened):
        opened.service.allocate("visits", "care", Fraction(1))
        ask(ana, "0.5")
        ask(ana, "0.25", "care")
        told = opened.service.reaccount(None, None, DELTA)
        assert told["accountants"][0]["epsilon"] == "0.75"
        assert told["charges"] == {"discrete Laplace noise": 2}

    def test_charges_whose_noise_nobody_recorded_count_as_unknown_noise(self, ana, opened, space):
        def found():
            told = opened.service.reaccount("visits", "research", Fraction(1, 1000))
            return Fraction(told["accountants"][2]["epsilon"]), told["charges"]

        ask(ana, "1")
        known, _ = found()
        rewrite(space, "pure 1")
        unknown, kinds = found()
        assert known < unknown <= 1
        assert kinds == {"pure, noise not recorded": 1}

    def test_the_commands_lay_it_out(self, hedgerow, ana):
        ask(ana, "0.5")
        shown = hedgerow("budget", "reaccount", "visits", *USE, "--delta", "0.001").out
        assert shown.startswith("Charges: 1 discrete Laplace noise.\n")
        assert "decides" in shown
        assert "Limit: epsilon 2, of which 1.5 is left." in shown
        assert shown.endswith("They admit nothing.\n")
        assert "by PLD, delta 1e-6" in hedgerow("budget", "show", "visits", "--delta", "1e-6").out
        accounts = ana.service.bounded(ana.service.budgets("visits"), DELTA)
        assert [float(a["pld"]) <= float(a["spent"]) == 0.5 for a in accounts] == [True, True]


REPORTS = (
    ("budget", "show", "visits"),
    ("budget", "reaccount", "visits", *USE),
    ("budget", "forecast", "visits", *USE, "--epsilon", "0.1"),
)


@pytest.mark.parametrize("said", REPORTS, ids=[each[1] for each in REPORTS])
@pytest.mark.parametrize("delta", ["0", "1"])
def test_a_delta_that_is_none_is_refused(hedgerow, space, said, delta):
    refused = hedgerow.refused(*said, "--delta", delta, code=2, error="budget.bad-delta")
    assert "such as 1e-6" in refused.err
    assert charges(space) == []


@pytest.mark.parametrize(
    ("dataset", "purpose", "code"),
    [
        ("nothing", "research", "dataset.unknown"),
        ("visits", "nonsense", "purpose.unknown"),
        ("visits", "care", "budget.unallocated"),
        ("visits", None, "purpose.missing"),
    ],
)
def test_what_there_is_not_is_refused_with_the_next_step(opened, space, dataset, purpose, code):
    for report in (
        lambda: opened.service.reaccount(dataset, purpose, DELTA),
        lambda: opened.service.forecast(dataset, purpose, Fraction(1, 10)),
    ):
        with pytest.raises((Refused, CallerError)) as refused:
            report()
        assert refused.value.code == code
        assert refused.value.next_step
    assert charges(space) == []


@pytest.mark.parametrize("words", [(), ("visits", "--population"), ("--population", *USE)])
def test_both_or_neither_account_is_refused(hedgerow, words):
    hedgerow.refused("budget", "reaccount", *words, code=2, error="budget.which-account")


def test_without_the_package_the_line_that_installs_it_is_told(opened, monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting.pld", None)
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    service = opened.service
    for report in (
        lambda: service.reaccount("visits", "research", DELTA),
        lambda: service.bounded(service.budgets("visits"), DELTA),
        lambda: service.forecast("visits", "research", Fraction(1, 7), DELTA),
    ):
        with pytest.raises(Fault) as missing:
            report()
        assert missing.value.code == "extra.missing"
        assert "pip install 'hedgerow[dp]'" in missing.value.next_step
    assert service.forecast("visits", "research", Fraction(1, 10))["queries_left"] == 20
