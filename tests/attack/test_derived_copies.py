"""A copy opens no new budget: whoever copies a data set under another name cannot spend it twice.

The population's limit lies far above the data set's, so that only the tie between copy and original holds.
Without the tie the copy gains, which shows that the attack is one. Copies of copies, drops, collecting the
name again, joins of both, and records changed beside the product are tried.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from copy import copy, deepcopy
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from tests.attack.rolling import founded
from tests.simulator.adapters import copied_shelf, copied_store
from tests.simulator.asking import OWNER
from tests.simulator.model import CARE
from tests.simulator.world import DECLARED

import hedgerow as hr
from hedgerow.app.declaring import Asked
from hedgerow.app.workspace import default_policies
from hedgerow.model.budget import show_exact
from hedgerow.model.records import Account
from hedgerow.model.uses import UseRequest
from hedgerow.model.words import Basis
from hedgerow.spine import ledger, telling
from hedgerow.spine.outside import OutsideHead, spent_of
from hedgerow.techniques.dp_query import DpQuery

PEOPLE = [{"ref": f"p{n}", "age": 20 + n, "ward": "AB"[n % 2]} for n in range(12)]
LIMIT, EACH, CAP = Fraction(2), Fraction(1, 2), Fraction(100)


@pytest.fixture
def space(tmp_path):
    with hr.create(tmp_path / "space") as made:
        made.service.add_purpose("research", "to look", "owner", date(2099, 1, 1))
        for name in ("ana", "bo"):
            made.service.add_principal(name, ["analyst"])
        made.service.allocate(None, None, CAP)
        collect(made, "visits")
        yield made


def collect(space, name, *sources, shift=0, limit=LIMIT):
    rows = [{**row, "age": row["age"] + shift} for row in PEOPLE]
    made = space.collect(rows, dataset=name, subject_key="ref", keep=["age", "ward"],
                         purposes={"research": "public-task"}, derived_from=sources)  # fmt: skip
    space.service.declare(name, Asked(max_rows=1))
    if limit is not None:
        space.service.allocate(name, "research", limit)
    return made


def ask(space, name, who="ana", n=0, epsilon=EACH, sql=None):
    """Ask a question of its own; gives what it was refused for."""
    try:
        space.acting_as(who, purpose="research").query(
            name,
            sql or f"SELECT COUNT(*) FROM {name} WHERE age > {n}",
            epsilon=show_exact(epsilon),
            fresh=True,
        )
    except hr.HedgerowError as error:
        return error
    return None


def spend(space, *names):
    """Ask all of them in turn until nobody is answered any more; gives the epsilon that was answered."""
    total, asked = Fraction(0), 0
    for _ in range(20):
        answered = [ask(space, name, who, n=asked) is None for name in names for who in ("ana", "bo")]
        total, asked = total + sum(answered) * EACH, asked + 1
        if not any(answered):
            return total
    raise AssertionError


def spent(space, name):
    return Fraction(next(one["spent"] for one in space.service.budgets(name) if one["dataset"] == name))


def verify(space):
    return space.service.verify()


@pytest.mark.parametrize(("tied", "gained"), [(True, LIMIT), (False, 2 * LIMIT)])
def test_a_copy_under_another_name_spends_nothing_that_the_original_has_not(space, tied, gained):
    collect(space, "copy", *(["visits"] if tied else []))
    assert spend(space, "visits", "copy") == gained
    verify(space)


def test_a_copy_alone_spends_the_budget_of_the_original(space):
    collect(space, "copy", "visits", limit=Fraction(50))
    assert spend(space, "copy") == LIMIT == spent(space, "visits") == spent(space, "copy")
    assert ask(space, "visits").code == "budget.exhausted"
    refused = ask(space, "copy")
    assert refused.code == "budget.derived"
    assert "visits" not in str(refused) + refused.next_step, "who may use the copy need not know of what"
    verify(space)


def test_a_copy_of_a_copy_is_charged_all_the_way_up_and_to_the_population_once(space):
    collect(space, "copy", "visits")
    collect(space, "extract", "copy", shift=1)
    assert ask(space, "extract") is None
    assert [spent(space, name) for name in ("visits", "copy", "extract")] == [EACH] * 3
    population = space.service.budgets()[0]
    assert (population["dataset"], population["spent"]) == ("*", show_exact(EACH))
    verify(space)


def test_what_comes_from_two_is_charged_to_both(space):
    collect(space, "bills", shift=2)
    collect(space, "both", "visits", "bills", shift=3)
    assert ask(space, "both") is None
    assert [spent(space, name) for name in ("visits", "bills", "both")] == [EACH] * 3


def test_dropping_either_and_collecting_the_name_again_takes_nothing_back(space):
    collect(space, "copy", "visits", limit=Fraction(50))
    assert ask(space, "copy", epsilon=Fraction(1)) is None
    space.drop("visits")
    assert ask(space, "copy", epsilon=Fraction(3, 4)) is None
    space.drop("copy")
    collect(space, "copy", limit=None)
    assert ask(space, "copy", epsilon=EACH).code == "budget.derived"
    assert ask(space, "copy", epsilon=Fraction(1, 4)) is None
    assert space.service.dataset("copy")["derived_from"] == ["visits"]
    verify(space)


def test_an_original_without_a_budget_for_the_purpose_holds_the_copy_back(space):
    space.service.add_purpose("care", "to care", "owner", date(2099, 1, 1))
    rows = [{"ref": "p1", "age": 3}]
    space.collect(rows, dataset="copy", subject_key="ref", keep=["age"], derived_from=["visits"],
                  purposes={"care": "public-task"})  # fmt: skip
    space.service.declare("copy", Asked(max_rows=1))
    space.service.allocate("copy", "care", LIMIT)
    session = space.acting_as("ana", purpose="care")
    with pytest.raises(hr.HedgerowError) as caught:
        session.query("copy", "SELECT COUNT(*) FROM copy", epsilon="0.5")
    assert caught.value.code == "budget.derived"
    space.drop("visits")
    space.service.allocate("visits", "care", LIMIT)
    session.query("copy", "SELECT COUNT(*) FROM copy", epsilon="0.5")


def test_a_join_of_copy_and_original_is_charged_once_to_each(space):
    collect(space, "copy", "visits")
    sql = "SELECT COUNT(*) FROM copy JOIN visits ON copy.ref = visits.ref"
    assert ask(space, "copy", sql=sql) is None
    assert [spent(space, name) for name in ("visits", "copy")] == [EACH] * 2
    verify(space)


def test_a_limit_of_a_month_of_the_original_holds_the_copy_too(space):
    collect(space, "copy", "visits")
    space.service.allocate("visits", "research", EACH, period="month")
    assert spend(space, "copy") == EACH
    assert ask(space, "copy").code == "budget.derived"


def test_what_is_left_is_foreseen_and_shown(space):
    collect(space, "copy", "visits", limit=Fraction(50))
    session = space.acting_as("ana", purpose="research")
    told = session.explain("copy", "SELECT COUNT(*) FROM copy", epsilon="0.5")["forecast"]
    assert (told["queries_left"], told["holds_back"]) == (4, "what it is derived from")
    (account,) = [one for one in space.service.budgets("copy") if one["dataset"] == "copy"]
    assert account["derived_from"] == ["visits"]


@pytest.mark.parametrize(
    ("name", "sources", "code"),
    [
        ("visits", ["visits"], "derived.cycle"),
        ("visits", ["extract"], "derived.cycle"),
        ("other", ["nowhere"], "dataset.unknown"),
        ("other", ["*"], "name.malformed"),
    ],
)
def test_no_data_set_comes_from_itself_or_from_nothing(space, name, sources, code):
    collect(space, "copy", "visits")
    collect(space, "extract", "copy", shift=1)
    with pytest.raises(hr.HedgerowError) as caught:
        collect(space, name, *sources, shift=9)
    assert caught.value.code == code
    verify(space)


def test_who_may_not_collect_the_original_cannot_make_others_spend_it(space):
    lock = '@id("no-copy") forbid(principal, action == Action::"collect", resource == Dataset::"visits");\n'
    space.service.apply_policy(default_policies() + lock)
    with pytest.raises(hr.HedgerowError) as caught:
        collect(space, "copy", "visits")
    assert caught.value.code == "policy.forbidden"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM derivations",
        "UPDATE derivations SET ancestor = 'bills'",
        "UPDATE derivations SET entry = 1",
    ],
)
def test_a_tie_changed_beside_the_product_is_found(space, tmp_path, change):
    collect(space, "copy", "visits")
    with closing(sqlite3.connect(tmp_path / "space" / "hedgerow.db")) as database, database:
        database.execute(change)
    with pytest.raises(hr.HedgerowError) as caught:
        verify(space)
    assert caught.value.code == "records.differ"


def test_a_use_that_was_not_charged_to_the_original_is_found(space, monkeypatch):
    """A planted fault: the gate forgets what a data set comes from."""
    collect(space, "copy", "visits")
    for module in (ledger, telling):
        monkeypatch.setattr(module, "ancestors", lambda _reader, _names: ())
    assert ask(space, "copy") is None
    monkeypatch.undo()
    with pytest.raises(hr.HedgerowError) as caught:
        verify(space)
    assert caught.value.code == "records.rule-broken"


def test_what_was_spent_since_a_backup_comes_to_what_the_head_outside_tells():
    """The backup is older than uses of a copy, each charged to both accounts and once to the population."""
    world = founded()
    world.collect("visits", ["ann", "bob"])
    arrival = world._arrival("extract", {90: "ann"}, {CARE: Basis.CONTRACT}, ())
    world.spine.intake.take(replace(arrival, declares=DECLARED, derived_from=("visits",)), OWNER)
    world.service.allocate("extract", CARE, LIMIT)
    world.service.allocate("visits", CARE, LIMIT)
    older = copy(world)
    older.inner_store, older.inner_shelf = copied_store(world.inner_store), copied_shelf(world.inner_shelf)
    older.clock = deepcopy(world.clock)
    older.restart()
    for name, cost in (("visits", "0.5"), ("extract", "0.25")):
        parameters = {"sql": f"SELECT COUNT(*) FROM {name}", "epsilon": cost}
        world.spine.gate.use(UseRequest(OWNER, CARE, name, parameters, name), DpQuery())
    rows = world.request(("rows", "extract", CARE, None), "rows")
    world.spine.gate.use(*rows)
    assert [accounts(world)[name] for name in ("visits", "extract", "*")] == [
        ("3/4", "R-rows"),
        ("1/4", "R-rows"),
        ("3/4", "R-rows"),
    ]
    with world.read() as reader:
        told = {(a.dataset, a.purpose): spent_of(a) for a in reader.find(Account)}
    head = OutsideHead("w-rolled", 10**6, b"", "", told, "2026-01-01T00:00:00Z")
    older.spine.restoring.charge(head, OWNER)
    assert accounts(older) == accounts(world)
    older.service.verify()
    world.service.verify()


def accounts(world):
    with world.read() as reader:
        return {a.dataset: (a.epsilon, a.apart) for a in reader.find(Account)}
