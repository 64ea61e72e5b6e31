"""A budget belongs to the people: the same people under another name open no new one.

Two analysts, two purposes and three collections of the same file: under another name, by another column that
names the people, and again after a drop. Each new data set has no budget until an officer gives one; whatever
is given, all that was ever told of the people of the workspace stays within the population's limit.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import product

import pytest

import hedgerow as hr
from hedgerow.app.declaring import Asked
from hedgerow.model.budget import PureEvent
from hedgerow.model.records import Charge
from hedgerow.spine.balance import POPULATION
from hedgerow.spine.ledger import read_event

PEOPLE = [{"ref": f"p{n}", "mail": f"p{n}@x.org", "age": 20 + n, "ward": "AB"[n % 2]} for n in range(12)]
PURPOSES, ANALYSTS = ("research", "care"), ("ana", "bo")
OWN, CAP, EACH = Fraction(4), Fraction(5), Fraction(1, 2)


@pytest.fixture
def space(tmp_path):
    with hr.create(tmp_path / "space") as made:
        for purpose in PURPOSES:
            made.service.add_purpose(purpose, "to look", "owner", date(2099, 1, 1))
        for name in ANALYSTS:
            made.service.add_principal(name, ["analyst"])
        made.service.allocate(None, None, CAP)
        collect(made, "visits")
        yield made


def collect(space, name, key="ref", rows=PEOPLE):
    drop = [{k: v for k, v in row.items() if k in (key, "age", "ward")} for row in rows]
    space.collect(drop, dataset=name, subject_key=key, keep=["age", "ward"],
                  purposes=dict.fromkeys(PURPOSES, "public-task"))  # fmt: skip
    space.service.declare(name, Asked(max_rows=1))


def allow(space, name, purposes=PURPOSES):
    for purpose in purposes:
        space.service.allocate(name, purpose, OWN)


def ask(space, name, who, purpose, n=0):
    """Ask a question of its own; gives what it was refused for."""
    try:
        space.acting_as(who, purpose=purpose).query(
            name, f"SELECT COUNT(*) FROM {name} WHERE age > {n}", epsilon=str(float(EACH)), fresh=True
        )
    except hr.HedgerowError as error:
        return error.code
    return None


def charged(space):
    with space.opened.store.read() as reader:
        events = [read_event(charge.event) for charge in reader.find(Charge)]
        assert all(isinstance(event, PureEvent) for event in events)
        total = sum((event.epsilon for event in events), Fraction(0))
        assert space.opened.spine.ledger.standing(reader, *POPULATION).spent.pure == total
        return total


def test_a_collection_under_another_name_has_no_budget_until_an_officer_gives_one(space):
    allow(space, "visits")
    collect(space, "copy")
    assert {ask(space, "copy", who, purpose) for who, purpose in product(ANALYSTS, PURPOSES)} == {
        "budget.unallocated"
    }
    for who in ANALYSTS:
        with pytest.raises(hr.Refused) as caught:
            space.acting_as(who).service.allocate("copy", "research", OWN)
        assert caught.value.code == "policy.not-permitted"
        with pytest.raises(hr.Refused):
            collect(space.acting_as(who), "mine")


def test_all_names_purposes_and_analysts_together_never_pass_the_limit_of_the_people(space):
    """Four accounts of four each stand beside a limit of five: five is all that leaves."""
    collect(space, "copy")
    # By another column they are other subjects to the vault, and the same people to the limit.
    collect(space, "by_mail", key="mail")
    names = ("visits", "copy", "by_mail")
    for name in names:
        allow(space, name)
    told = [
        ask(space, name, who, purpose, n)
        for n, (who, name, purpose) in enumerate(product(ANALYSTS, names, PURPOSES))
    ]
    assert told == [None] * 10 + ["budget.population-exhausted"] * 2
    assert charged(space) == CAP
    # Nothing is left to anybody, under any name.
    assert {ask(space, *each, n=99) for each in product(names, ANALYSTS, PURPOSES)} == {
        "budget.population-exhausted"
    }
    space.service.verify()


def test_a_drop_and_a_new_collection_bring_nothing_back(space):
    allow(space, "visits", ["research"])
    assert [ask(space, "visits", "ana", "research", n) for n in range(8)] == [None] * 8
    assert ask(space, "visits", "bo", "research", 9) == "budget.exhausted"
    space.service.drop("visits")
    collect(space, "visits", rows=[*PEOPLE[1:], {"ref": "q", "mail": "q@x.org", "age": 5, "ward": "A"}])
    assert ask(space, "visits", "bo", "research", 10) == "budget.exhausted"
    allow(space, "visits", ["care"])
    assert [ask(space, "visits", "bo", "care", n) for n in range(3)] == [
        None,
        None,
        "budget.population-exhausted",
    ]
    assert charged(space) == CAP
    space.service.verify()


def test_the_same_question_of_a_copy_is_paid_for(space):
    """No second noise over the same people for nothing: a stored answer is one of its own data set alone."""
    collect(space, "copy")
    for name in ("visits", "copy"):
        allow(space, name)
        asked = space.acting_as("ana", purpose="research").query(name, "SELECT COUNT(*)", epsilon="0.5")
        assert asked["receipt"]["from"] == "new"
    assert charged(space) == 2 * EACH
