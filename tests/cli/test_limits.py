"""Proves limits with a delta: many small uses fit, as foreseen, and the journal tells of each limit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from fractions import Fraction

import pytest
from tests.program import Program
from tests.schemas import PASSPHRASE, old_space

from hedgerow.app.space import open_space
from hedgerow.model.errors import CallerError, HedgerowError, Refused

# Three vectors: an answer at epsilon 1 costs 1/6 as zCDP: 15 of them within epsilon 10 at delta 0.005,
# as half of a limit's 0.01 is for charges with a chance of their own.
QUESTION = "SELECT ward, COUNT(*), AVG(systolic) FROM visits GROUP BY ward"
TEN, CHANCE = Fraction(10), Fraction(1, 100)
AT_MOST = 15


@pytest.fixture
def opened(space):
    with open_space(space, passphrase=lambda _: None) as made:
        yield made


def limit(opened, delta=CHANCE):
    opened.service.allocate(None, None, TEN, delta)
    return opened.service.allocate("visits", "research", TEN, delta)


def ask(opened, times=1, epsilon="1"):
    ana = opened.acting_as("ana", purpose="research")
    for _ in range(times):
        ana.query("visits", QUESTION, epsilon=epsilon, fresh=True)


def sql(space, text):
    with closing(sqlite3.connect(space / "hedgerow.db")) as database:
        found = database.execute(text).fetchall()
        database.commit()
        return found


def verify(space):
    """Check the whole journal against the records, and tell what is wrong."""
    try:
        with open_space(space, passphrase=lambda _: None) as made:
            made.service.verify()
    except HedgerowError as error:
        return error.code
    return None


def test_so_many_more_fit_as_foreseen_and_the_journal_agrees(opened, space):
    made = limit(opened)
    assert (made["limit"], made["delta"], made["left"]) == ("10", "0.01", "10")
    ask(opened, 3)
    ana = opened.acting_as("ana", purpose="research")
    assert ana.explain("visits", QUESTION, epsilon="1")["forecast"]["queries_left"] == AT_MOST - 3
    ask(opened, AT_MOST - 3)
    with pytest.raises(Refused) as full:
        ask(opened)
    assert full.value.code == "budget.exhausted"
    (own,) = (b for b in opened.service.budgets("visits") if b["dataset"] == "visits")
    assert 9 < float(own["spent"]) <= 10
    assert sql(space, "SELECT epsilon, pure_rho FROM accounts") == [("15", "5/2")] * 2
    assert verify(space) is None


def test_without_a_delta_the_sum_decides_again(opened, space):
    limit(opened)
    ask(opened, 11)
    limit(opened, Fraction(0))
    with pytest.raises(Refused):
        ask(opened, epsilon="0.01")
    (own,) = (b for b in opened.service.budgets("visits") if b["dataset"] == "visits")
    assert (own["spent"], own["left"], "delta" in own) == ("11", "0", False)
    assert verify(space) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE allocations SET delta = '1/1000'", "records.differ"),
        ("UPDATE allocations SET delta = '0/1'", "records.differ"),
        ("UPDATE accounts SET pure_rho = '0'", "ledger.differs"),
        (
            "UPDATE charges SET event = 'laplace 6:1/6,6:1/6,420:1/3,420:1/3' WHERE number = 0",
            "ledger.differs",
        ),
        ("UPDATE accounts SET pure_rho = ''", None),
    ],
)
def test_what_is_changed_beside_the_journal_is_found_or_does_no_harm(opened, space, change, code):
    limit(opened)
    ask(opened, 11)
    sql(space, change)
    assert verify(space) == code
    if code is None:
        with pytest.raises(Refused):
            ask(opened)


def test_a_use_by_a_delta_that_nobody_gave_is_found_after_it_is_put_back(opened, space):
    limit(opened, Fraction(0))
    ask(opened, 10)
    with pytest.raises(Refused):
        ask(opened)
    sql(space, "UPDATE allocations SET delta = '1/100'")
    ask(opened)
    sql(space, "UPDATE allocations SET delta = '0/1'")
    assert verify(space) == "records.rule-broken"


@pytest.mark.parametrize("number", [1, 2])
def test_a_workspace_of_before_gets_such_a_limit_and_keeps_its_spending(tmp_path, number):
    program = Program(old_space(number, tmp_path / "space"), PASSPHRASE)
    assert program.call("upgrade", "--yes").code == 0
    said = ("visits", "--purpose", "research", "--epsilon", "2", "--delta", "1e-6")
    assert program.call("budget", "allocate", *said, "--json").json["spent"] == "0.5"
    assert sql(program.space, "SELECT epsilon, pure_rho FROM accounts WHERE dataset = 'visits'") == [
        ("1/2", "1/8")
    ]
    assert program.call("journal", "verify").code == 0


def test_the_commands_say_it(hedgerow):
    said = ("budget", "allocate", "visits", "--purpose", "research", "--epsilon", "3", "--delta", "1e-6")
    assert hedgerow(*said).out == "The budget of visits for research is epsilon 3 at delta 1e-6; 3 is left.\n"
    assert "3 at delta 1e-6" in hedgerow("budget", "show", "visits").out
    before = hedgerow("budget", "show", "--json").json
    for delta in ("0", "1", "nan", "-1e-6"):
        hedgerow.refused(*said[:-1], delta, code=2, error="budget.bad-delta")
    hedgerow.refused(*said[:-1], "0.02", code=2, error="budget.delta-large")
    hedgerow.refused(*said, "--as", "ana", code=3, error="policy.not-permitted")
    assert hedgerow("budget", "show", "--json").json == before


@pytest.mark.extra
def test_a_report_says_that_concentrated_privacy_decides_too(opened):
    limit(opened)
    ask(opened, 12)
    told = opened.service.reaccount("visits", "research", Fraction(1, 10**6))
    deciding = [(each["name"], each["delta"]) for each in told["accountants"] if each["decides"]]
    assert deciding == [("sum of epsilons", "0"), ("zCDP (Bun and Steinke)", "0.005")]
    assert (told["delta"], told["at_delta"]) == ("0.01", "1e-6")
    same = opened.service.reaccount("visits", "research", CHANCE / 2)["accountants"]
    assert [each["decides"] for each in same] == [True, True, False]
    assert Fraction(same[2]["epsilon"]) <= Fraction(same[1]["epsilon"]) <= 10


def test_a_delta_that_protects_nobody_is_refused_in_python_too(opened):
    with pytest.raises(CallerError) as refused:
        opened.service.allocate("visits", "research", TEN, Fraction(1, 2))
    assert refused.value.code == "budget.delta-large"
