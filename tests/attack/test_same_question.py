"""The same question is answered from what was paid for: no charge, no new noise, and never another's answer.

Who asks the same under another id, or is another principal who may ask it, gets the stored answer. It is not
given across purposes, declarations, rows or choices; whoever writes to the database, without the keys, can
make no other answer be given in its place.
"""

from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import replace
from fractions import Fraction

import pytest
from tests.attack.rolling import founded
from tests.simulator.adapters import copied_shelf, copied_store
from tests.simulator.asking import OWNER
from tests.simulator.model import CARE, RESEARCH
from tests.simulator.recording import Rows

from hedgerow.app.declaring import Asked
from hedgerow.app.workspace import default_policies
from hedgerow.model.errors import Fault, HedgerowError, Refused
from hedgerow.model.records import Charge, Dataset, JournalEntry, Request
from hedgerow.model.uses import Actor, UseRequest
from hedgerow.spine.audit_results import Use
from hedgerow.spine.entries import parse_entry
from hedgerow.techniques.dp_query.technique import DpQuery

ASKED = "SELECT ward, COUNT(*) FROM visits GROUP BY ward"
SAME = (
    ASKED,
    "select   ward, count( * )\nfrom visits\tgroup by Ward",
    'SELECT "ward", COUNT(*) GROUP BY WARD;',
)
ANA, BO, NOBODY = Actor("owner", "ana"), Actor("owner", "bo"), Actor("owner", "norah")


@pytest.fixture(scope="module")
def lived():
    made = founded()
    made.collect("visits", ["ann", "bob", "cem"], with_consent=True)
    made.collect("bills", ["ann", "bob"])
    for name, role in (("ana", "analyst"), ("bo", "analyst"), ("norah", "auditor")):
        made.service.add_principal(name, [role])
    ask(made, "first", actor=ANA)
    ask(made, "other", "SELECT COUNT(*) FROM visits", actor=ANA)
    return made


@pytest.fixture
def world(lived):
    """Give the workspace as it was built, with a clock of its own; the master keys are those of all."""
    made = copy(lived)
    made.inner_store, made.inner_shelf = copied_store(lived.inner_store), copied_shelf(lived.inner_shelf)
    made.clock, made.model = deepcopy(lived.clock), deepcopy(lived.model)
    made.restart()
    return made


class Counts(DpQuery):
    """The query of the product, with a note that data was opened."""

    def __init__(self, world):
        self.world = world

    def run(self, lease, plan):
        self.world.has_run = True
        return super().run(lease, plan)


def wish(name, sql=ASKED, *, actor=BO, purpose=CARE, dataset="visits", epsilon="0.01", fresh=False):
    return UseRequest(actor, purpose, dataset, {"sql": sql, "epsilon": epsilon}, name, fresh=fresh)


def ask(world, name, sql=ASKED, **about):
    world.has_run = False
    return world.spine.gate.use(wish(name, sql, **about), Counts(world))


def found(act):
    try:
        act()
    except HedgerowError as error:
        return error.code
    return None


def audit(world):
    return found(world.service.verify)


def get(world, kind, *key):
    with world.read() as reader:
        return reader.get(kind, *key)


def charges(world):
    with world.read() as reader:
        return len(reader.find(Charge))


def put(world, *records):
    with world.inner_store.write() as tx:
        for record in records:
            tx.put(record)


class TestGivenAgain:
    @pytest.mark.parametrize("sql", SAME)
    def test_however_it_is_written_and_whoever_may_ask_it(self, world, sql):
        first, before = ask(world, "first", actor=ANA), charges(world)
        again = ask(world, "second", sql)
        assert again.release.payload == first.release.payload
        assert (again.origin, world.has_run, charges(world)) == ("stored", False, before)
        assert ask(world, "second", sql).origin == "request"
        assert audit(world) is None

    def test_it_is_journaled_as_a_use(self, world):
        receipt = ask(world, "second")
        told = parse_entry(get(world, JournalEntry, receipt.entry).body)
        assert (told["action"], told["actor"]["as"], told["facts"]["cost"]) == ("use.stored", "bo", None)
        shown = world.service.show_subject("ann")["uses"]
        assert [use["outcome"] for use in shown if use["by"] == "bo"] == ["stored answer"]

    def test_when_nothing_is_left_to_spend(self, world):
        world.service.allocate("visits", CARE, Fraction(2, 100))
        assert found(lambda: ask(world, "more", "SELECT SUM(tag) FROM visits")) is not None
        assert ask(world, "second").origin == "stored"
        assert found(lambda: ask(world, "third", fresh=True)) == "budget.exhausted"

    def test_fresh_pays_for_new_noise(self, world):
        before = charges(world)
        drawn = ask(world, "second", fresh=True)
        assert (drawn.origin, charges(world)) == ("new", before + 1)
        # From then on the newest is given.
        assert ask(world, "third").release.payload == drawn.release.payload
        assert found(lambda: ask(world, "second")) == "request.differs"
        assert audit(world) is None

    def test_explain_says_so_and_does_nothing(self, world):
        explain = lambda **how: world.spine.gate.explain(wish("tried", **how), Counts(world))  # noqa: E731
        told = explain()
        assert (told.stored, told.as_json()["from"]) == (True, "stored")
        assert any("cost: nothing" in each for each in told.obligations)
        assert not explain(fresh=True).stored
        assert not explain(epsilon="0.02").stored
        world.collect("visits", ["dan"])
        assert not explain().stored


CHANGES = {
    "rows": lambda world: world.collect("visits", ["dan"]),
    "erasure": lambda world: world.service.erase_subject("ann"),
    "choice": lambda world: world.choose("ann", granted=False, late=False),
    "declaration": lambda world: world.service.declare("visits", Asked(max_rows=4)),
    "dropped and collected again": lambda world: (world.drop("visits"), collected_again(world)),
}


def collected_again(world):
    world.collect("visits", ["ann", "bob", "cem"], with_consent=True)


class TestNeverAcross:
    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_what_changed_since(self, world, change):
        change(world)
        before = charges(world)
        assert (ask(world, "second").origin, charges(world), audit(world)) == ("new", before + 1, None)

    @pytest.mark.parametrize(
        "about",
        [{"purpose": RESEARCH}, {"epsilon": "0.02"}, {"sql": "SELECT COUNT(*) AS n FROM visits"},
         {"dataset": "bills", "sql": ASKED.replace("visits", "bills")}],
    )  # fmt: skip
    def test_another_question(self, world, about):
        assert ask(world, "second", **about).origin == "new"

    def test_another_content_of_a_public_table_it_is_joined_with(self, world, tmp_path):
        joined = (
            "SELECT COUNT(*) FROM visits JOIN wards ON visits.ward = wards.ward WHERE wards.part = 'north'"
        )
        told = []
        for content in ("A,north\nB,south", "A,north\nB,south", "A,south\nB,north"):
            (tmp_path / "wards.csv").write_text(f"ward,part\n{content}\n")
            world.service.add_public("wards", tmp_path / "wards.csv", "everybody may know")
            told.append(ask(world, f"joined-{len(told)}", joined).origin)
        assert (told, audit(world)) == (["new", "stored", "new"], None)

    def test_an_equal_epsilon_is_the_same_however_it_is_written(self, world):
        assert ask(world, "second", epsilon="0.0100").origin == "stored"

    def test_what_holds_rows_of_people(self, world):
        request = replace(wish("rows-1", actor=OWNER), parameters={"release": "R-1", "epsilon": "0.01"})
        technique = Rows(world)
        technique.question = lambda plan: plan
        first = world.spine.gate.use(request, technique)
        second = world.spine.gate.use(replace(request, request_id="rows-2"), technique)
        assert (second.origin, second.release.payload == first.release.payload) == ("new", False)
        assert audit(world) is None

    def test_a_technique_that_does_not_tell_what_it_depends_on(self, world):
        technique = Rows(world)
        request = replace(wish("rows-1", actor=OWNER), parameters={"release": "R-1", "epsilon": "0.01"})
        for name in ("rows-1", "rows-2"):
            assert world.spine.gate.use(replace(request, request_id=name), technique).origin == "new"


class TestWhoMayNotAsk:
    def test_a_principal_without_the_right(self, world):
        assert found(lambda: ask(world, "second", actor=NOBODY)) == "policy.not-permitted"

    def test_after_policies_forbid_it(self, world):
        closed = (
            '\n@id("closed") @reason("closed") forbid (principal, action == Action::"query", resource);\n'
        )
        world.service.apply_policy(default_policies() + closed)
        assert found(lambda: ask(world, "second")) == "policy.forbidden"

    def test_after_the_purpose_ended(self, world):
        world.clock.advance(days=700)
        assert found(lambda: ask(world, "second")) == "purpose.ended"

    def test_where_somebody_else_must_approve(self, world):
        asked = '@id("asked") @reason("looks") @approval("privacy-officer")\n'
        asked += 'permit (principal == User::"norah", action == Action::"query", resource);\n'
        world.service.apply_policy(default_policies() + asked)
        world.service.add_principal("petra", ["privacy-officer"])
        with pytest.raises(Refused) as caught:
            ask(world, "second", actor=NOBODY)
        assert caught.value.code == "approval.pending"
        approval = str(caught.value.details["approval"])
        world.spine.approvals.decide(Actor("petra", "petra"), approval, is_granted=True, reason="")
        assert ask(world, "second", actor=NOBODY).origin == "stored"
        assert audit(world) is None


FORGED = {
    "the question of another": lambda it, other: [replace(other, question=it.question, entry=it.entry + 99)],
    "the questions of both exchanged": lambda it, other: [
        replace(other, question=it.question),
        replace(it, question=other.question),
    ],
    "another answer under its name": lambda it, other: [
        replace(it, sealed=other.sealed, wrapped=other.wrapped)
    ],
    "a later version": lambda it, _: [replace(it, dataset_version=it.dataset_version + 1)],
    "later choices": lambda it, _: [replace(it, consent_version=it.consent_version + 1)],
    "another purpose": lambda it, _: [replace(it, purpose=RESEARCH)],
    "another data set": lambda it, _: [replace(it, dataset="bills")],
    "a later entry": lambda it, _: [replace(it, entry=it.entry + 99)],
    "of people": lambda it, _: [replace(it, person_level=True)],
    "no question": lambda it, _: [replace(it, question="")],
    "under another id": lambda it, other: [replace(other, id="third", question=it.question)],
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_no_other_answer_is_given_in_its_place(world, forged):
    first, other = (get(world, Request, name) for name in ("first", "other"))
    genuine = ask(world, "first", actor=ANA).release.payload
    answers = []
    put(world, *forged(first, other))
    if forged(first, other)[0].dataset_version != first.dataset_version:
        world.collect("visits", ["dan"])
    code = found(lambda: answers.append(ask(world, "second")))
    assert code in (None, "records.differ", "envelope.tampered", "keys.tampered"), code
    assert all(told.origin == "new" or told.release.payload == genuine for told in answers)
    # What is sealed is no matter of the records; it opens beside nothing else.
    assert audit(world) == ("records.differ" if get(world, Request, "first").sealed == first.sealed else None)


def test_a_data_set_put_back_to_an_earlier_version_brings_no_answer_back(world):
    before = get(world, Dataset, "visits")
    world.collect("visits", ["dan"])
    put(world, before)
    assert ask(world, "second").origin == "new"


def test_the_audit_finds_an_answer_that_is_not_the_one_named(world):
    told = parse_entry(get(world, JournalEntry, ask(world, "second").entry).body)
    use = world_use(world, "first")
    assert Use.given(told, {use.done: use}).question == ""
    for name, value in (("question", "0" * 64), ("answer", 0), ("result", "0" * 64), ("purpose", RESEARCH)):
        with pytest.raises(Fault) as caught:
            Use.given({**told, "facts": {**told["facts"], name: value}}, {use.done: use})
        assert caught.value.code == "records.rule-broken"


def world_use(world, name):
    from hedgerow.spine.requests import id_hash

    with world.read() as reader:
        entries = [parse_entry(entry.body) for entry in reader.find(JournalEntry)]
    intent, done = (e for e in entries if e["facts"].get("request") == id_hash(name))
    use = Use.begun(intent["facts"], intent["index"])
    use.end(done["facts"], done["index"], "ana")
    return use
