"""A use of two data sets is held to every rule by each of them: nothing of the second is looked at less.

What is missing in the second data set alone refuses the whole, or leaves the rows of a person out. Both
accounts are charged in full and the population once, all or nothing, also when the program is cut off at any
step; the audit knows each charge, and whoever changes a record of one of them is found.
"""

from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from tests.attack.rolling import founded
from tests.simulator.adapters import Crash, copied_shelf, copied_store
from tests.simulator.asking import OWNER
from tests.simulator.model import CARE, RESEARCH
from tests.simulator.recording import RowsPlan

from hedgerow.app.declaring import Asked
from hedgerow.app.service import Service
from hedgerow.app.workspace import default_policies
from hedgerow.model.budget import NonPrivateEvent, PureEvent
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import (
    Account,
    Allocation,
    Approval,
    Charge,
    ConsentState,
    Dataset,
    DatasetPurpose,
    Declaration,
    JournalEntry,
    Request,
)
from hedgerow.model.uses import Actor, Grant, Release, UseRequest
from hedgerow.model.words import Basis
from hedgerow.spine import stored
from hedgerow.spine.balance import POPULATION, Balance
from hedgerow.spine.entries import parse_entry
from hedgerow.spine.outside import OutsideHead, spent_of
from hedgerow.techniques.dp_query.technique import DpQuery

BOTH = "SELECT v.ward, COUNT(*) FROM visits v JOIN bills b ON v.person = b.person GROUP BY v.ward"
LEFT = "SELECT COUNT(*) FROM visits v LEFT JOIN bills b USING (person)"
PRICE = Fraction(1, 100)
ANA, OLGA = Actor("owner", "ana"), Actor("owner", "olga")


@pytest.fixture(scope="module")
def lived():
    made = founded()
    made.collect("visits", ["ann", "ann", "bob", "cem"], with_consent=True)
    made.collect("bills", ["ann", "bob", "bob", "dan"], with_consent=True)
    made.service.add_principal("ana", ["analyst"])
    made.service.add_principal("olga", ["privacy-officer"])
    return made


@pytest.fixture
def world(lived):
    """Give the workspace as it was built, with a clock of its own; the master keys are those of all."""
    made = copy(lived)
    made.inner_store, made.inner_shelf = copied_store(lived.inner_store), copied_shelf(lived.inner_shelf)
    made.clock, made.model = deepcopy(lived.clock), deepcopy(lived.model)
    made.restart()
    return made


class Exact(DpQuery):
    """The query of the product, with a note of the exact integers it was handed."""

    seen = None

    def answer(self, aggregate, plan):
        def noted(spec):
            self.seen = [list(row) for row in aggregate(spec)]
            return self.seen

        return super().answer(noted, plan)


def wish(name, sql=BOTH, *, actor=ANA, purpose=CARE, others=("bills",), epsilon="0.01", fresh=False):
    parameters = {"sql": sql, "epsilon": epsilon}
    return UseRequest(actor, purpose, "visits", parameters, name, fresh, others)


def ask(world, name, sql=BOTH, **about):
    """Ask, and give how many joined rows there were in all."""
    technique = Exact()
    receipt = world.spine.gate.use(wish(name, sql, **about), technique)
    return None if technique.seen is None else sum(row[0] for row in technique.seen), receipt


def found(act):
    try:
        act()
    except HedgerowError as error:
        return error.code
    return None


def audit(world):
    return found(world.service.verify)


def spent(world):
    """Tell what each account was charged, and that the charges fold to it."""
    with world.read() as reader:
        accounts = {(a.dataset, a.purpose): Fraction(a.epsilon) for a in reader.find(Account)}
        counted = world.spine.ledger.recount(reader)
    assert accounts == {where: Fraction(a.epsilon) for where, a in counted.items()}
    return accounts


def entries(world):
    with world.read() as reader:
        return [parse_entry(entry.body) for entry in reader.find(JournalEntry)]


class TestRows:
    def test_of_both_are_joined_by_the_person(self, world):
        # ann: two visits and one bill; bob: one visit and two bills; cem and dan are in one alone.
        assert ask(world, "one")[0] == 2 * 1 + 1 * 2
        assert ask(world, "left", LEFT)[0] == 5
        assert audit(world) is None

    def test_of_nobody_who_is_not_covered_in_the_second(self, world, monkeypatch):
        assert ask(world, "all", purpose=RESEARCH)[0] == 4
        world.choose("bob", granted=False, late=False)
        assert ask(world, "fewer", purpose=RESEARCH)[0] == 2
        assert ask(world, "left", LEFT, purpose=RESEARCH)[0] == 3
        assert ask(world, "care")[0] == 4

    def test_of_nobody_whose_basis_differs_in_the_second(self, world):
        """Bob's visits are used by contract, his bills by consent alone, which he took back."""
        with world.inner_store.write() as tx:
            tx.put(ConsentState(CARE, _number(world, "ann"), True, 1))
        consents = world.spine.consents
        with world.read() as reader:
            asked = [("visits", 1, Basis.CONTRACT), ("bills", 1, Basis.CONSENT)]
            people = consents.covered_in_all(reader, asked, CARE)
        ann, cem = _number(world, "ann"), _number(world, "cem")
        # Cem is in no bills; bob is, and is not covered there: nothing of his is used.
        assert people["visits"].tolist() == sorted([ann, cem])
        assert people["bills"].tolist() == [ann]

    def test_of_nobody_who_was_erased(self, world):
        world.service.erase_subject("ann")
        assert ask(world, "one")[0] == 2
        assert audit(world) is None


def _number(world, ref):
    with world.read() as reader:
        return world.spine.vault.find(reader, ref).number


class TestTheSecondRefuses:
    """Each with the journal telling the refusal, and nothing spent."""

    def refused(self, world, code, **about):
        before = spent(world)
        assert found(lambda: ask(world, "one", **about)) == code
        assert spent(world) == before
        assert entries(world)[-1]["action"] == "use.refuse"
        assert audit(world) is None

    def test_by_policy(self, world):
        closed = 'forbid (principal, action == Action::"query", resource == Dataset::"bills");'
        world.service.apply_policy(default_policies() + '@id("shut") @reason("shut") ' + closed)
        self.refused(world, "policy.forbidden")
        assert found(lambda: ask(world, "alone", "SELECT COUNT(*) FROM visits", others=())) is None

    def test_by_a_policy_about_its_columns(self, world):
        closed = (
            'forbid (principal, action == Action::"query", resource == Dataset::"bills")'
            ' when { context.columns.contains("tag") };'
        )
        world.service.apply_policy(default_policies() + '@id("shut") @reason("shut") ' + closed)
        world.service.declare("bills", Asked(max_rows=4, bounds={"tag": "0:9"}))
        sums = "SELECT SUM(b.tag) FROM visits v JOIN bills b USING (person)"
        self.refused(world, "policy.forbidden", sql=sums)
        mine = "SELECT COUNT(v.tag) FROM visits v JOIN bills b USING (person)"
        assert found(lambda: ask(world, "mine", mine)) is None

    def test_a_name_that_is_none_is_told_only_to_whom_policies_let_ask(self, world):
        self.refused(world, "dp.not-public", sql=BOTH.replace("bills", "nothing"), others=("nothing",))
        world.service.add_principal("norah", ["auditor"])
        norah = Actor("owner", "norah")
        for name in ("bills", "nothing"):
            sql = BOTH.replace("bills", name)
            self.refused(world, "policy.not-permitted", sql=sql, others=(name,), actor=norah)

    def test_by_its_purposes(self, world):
        world.service.add_purpose("audit", "to look", "owner", date(2099, 1, 1))
        with world.store.write() as tx:
            world.spine.catalog.allow(tx, "visits", {"audit": Basis.CONSENT, CARE: Basis.CONTRACT})
        before = spent(world)
        assert found(lambda: ask(world, "one", purpose="audit")) == "basis.missing"
        assert spent(world) == before

    def test_when_its_purpose_is_over(self, world):
        world.clock.advance(seconds=60 * 60 * 24 * 3650)
        assert found(lambda: ask(world, "one", purpose=RESEARCH)) == "purpose.ended"

    def test_when_it_was_dropped(self, world):
        world.service.drop("bills")
        self.refused(world, "dataset.dropped")

    def test_when_its_budget_is_spent(self, world):
        world.service.allocate("bills", CARE, PRICE / 2)
        self.refused(world, "budget.exhausted")
        world.service.allocate("bills", CARE, PRICE)
        ask(world, "two")
        assert found(lambda: ask(world, "three", fresh=True)) == "budget.exhausted"

    def test_when_a_period_of_it_is_spent(self, world):
        world.service.allocate("bills", CARE, PRICE / 2, period="year")
        self.refused(world, "budget.period-exhausted")

    def test_when_nothing_is_allocated_to_it(self, world):
        world.collect("notes", ["ann"])
        with world.inner_store.write() as tx:
            tx.remove(Allocation, dataset="notes", purpose=CARE)
        sql = BOTH.replace("bills", "notes")
        assert found(lambda: ask(world, "one", sql, others=("notes",))) == "budget.unallocated"

    def test_a_third_and_the_same_again(self, world):
        world.collect("notes", ["ann"])
        three = BOTH.replace(" GROUP", " JOIN notes n ON v.person = n.person GROUP")
        self.refused(world, "dp.sql-unsupported", sql=three, others=("bills", "notes"))
        itself = BOTH.replace("bills", "visits")
        self.refused(world, "dp.sql-unsupported", sql=itself, others=())
        self.refused(world, "use.dataset-twice", others=("visits",))
        self.refused(world, "use.dataset-twice", others=("bills", "bills"))

    def test_a_run_of_several(self, world):
        before = spent(world)
        run = replace(wish("one"), run="weekly")
        assert found(lambda: world.spine.gate.use(run, Exact())) == "use.one-dataset"
        assert spent(world) == before

    def test_what_was_not_named_to_the_gate(self, world):
        self.refused(world, "dp.not-public", others=())


class Takes:
    """Opens the rows of both, or what a test grants."""

    name, action = "takes", "synthesise"

    def __init__(self, grant, cost):
        self.grant, self.cost = grant, cost

    def plan(self, request, dataset):
        self.views = dict(dataset.others)
        return RowsPlan(self.grant, self.cost)

    def run(self, lease, plan):
        own, theirs = lease.rows(), lease.rows("bills")
        self.people = set(own["_person"].to_pylist()), set(theirs["_person"].to_pylist())
        self.twice = found(lambda: lease.rows("bills")), found(lambda: lease.rows("notes"))
        return Release({"ok": True}, "none")


TAG = frozenset({"tag"})
COST = PureEvent(PRICE)


class TestOtherTechniques:
    def test_read_the_rows_of_people_who_are_covered_in_both(self, world):
        technique = Takes(Grant(TAG, "rows", others=(("bills", TAG),)), COST)
        world.spine.gate.use(wish("rows"), technique)
        assert technique.views.keys() == {"bills"}
        ann, bob, cem = (_number(world, ref) for ref in ("ann", "bob", "cem"))
        assert technique.people == ({ann, bob, cem}, {ann, bob})
        assert technique.twice == ("lease.misused", "lease.misused")
        assert audit(world) is None

    @pytest.mark.parametrize(
        ("grant", "cost", "code"),
        [
            (Grant(TAG, "rows", others=(("bills", TAG),)), NonPrivateEvent("R-1"), "use.one-dataset"),
            (Grant(TAG, "rows", others=(("bills", TAG),)), None, "use.one-dataset"),
            (Grant(TAG, "person", subject=1, others=(("bills", TAG),)), COST, "use.one-dataset"),
            (Grant(TAG, "rows", others=(("bills", frozenset({"name"})),)), COST, "column.in-vault-refused"),
            (Grant(TAG, "rows", others=(("bills", frozenset({"no"})),)), COST, "column.not-granted"),
            (Grant(TAG, "rows", others=(("notes", TAG),)), COST, "dataset.not-for-you"),
        ],
    )
    def test_get_nothing_beyond_what_the_second_grants(self, world, grant, cost, code):
        before = spent(world)
        assert found(lambda: world.spine.gate.use(wish("rows"), Takes(grant, cost))) == code
        assert spent(world) == before


class TestCharges:
    def test_each_data_set_in_full_and_the_population_once(self, world):
        before = spent(world)
        ask(world, "one")
        after = spent(world)
        grown = {where: after[where] - before.get(where, 0) for where in after}
        assert {where: by for where, by in grown.items() if by} == {
            ("visits", CARE): PRICE,
            ("bills", CARE): PRICE,
            POPULATION: PRICE,
        }
        with world.read() as reader:
            charges = reader.find(Charge, request="one")
            everybody = world.spine.ledger.history(reader, *POPULATION)
        assert [(c.dataset, c.shared, c.committed) for c in charges] == [
            ("visits", False, True),
            ("bills", True, True),
        ]
        assert len(everybody) == 1
        assert audit(world) is None

    def test_the_receipt_and_the_journal_name_both(self, world):
        receipt = ask(world, "one")[1]
        assert [each["dataset"] for each in receipt.left["others"]] == ["bills"]
        (intent,) = [e["facts"] for e in entries(world) if e["action"] == "use.intend"]
        assert intent["dataset"] == "visits"
        assert intent["others"]["bills"]["versions"]["dataset"] == 1
        with world.read() as reader:
            assert reader.get(Request, "one").others == '{"bills":1}'

    def test_a_left_join_has_the_noise_that_the_account_of_the_second_is_charged_for(self, world):
        """Whoever leaves the second alone stays in the join with nulls: rows go, and as many come."""

        class Planned(Exact):
            def plan(self, request, dataset):
                self.made = super().plan(request, dataset)
                return self.made

        moved = []
        for side in ("", "LEFT "):
            technique = Planned()
            sql = BOTH.replace("JOIN", f"{side}JOIN").replace("v.ward", "b.ward")
            world.spine.gate.use(wish(side or "inner", sql), technique)
            moved.append(technique.made.measurements[0].sensitivity)
        assert moved[1] == 2 * moved[0]

    def test_all_or_nothing_wherever_it_is_cut_off(self, world):
        """At each step of a use the program ends; afterwards both accounts are charged, or neither."""
        told, steps = set(), 0
        while True:
            before, name = spent(world), f"cut {steps}"
            world.clock.advance(seconds=1)
            world.points.arm(steps, kill=True)
            try:
                ask(world, name, epsilon="0.001", fresh=True)
                is_over = True
            except Crash:
                is_over = False
            world.restart()
            after = spent(world)
            grown = {
                where: after.get(where, 0) - before.get(where, 0)
                for where in [("visits", CARE), ("bills", CARE), POPULATION]
            }
            assert len(set(grown.values())) == 1
            told |= set(grown.values())
            with world.read() as reader:
                charges = reader.find(Charge, request=name)
                is_begun = reader.get(Request, name) is not None
            assert len(charges) == (2 if is_begun else 0)
            assert audit(world) is None
            if is_over:
                break
            steps += 1
        assert told == {0, Fraction(1, 1000)}
        assert steps > 3

    def test_the_tightest_account_says_how_many_are_left(self, world):
        world.service.allocate("bills", CARE, 3 * PRICE)
        with world.read() as reader:
            balance = world.spine.ledger.balance(reader, "visits", CARE, ("bills",))
        assert (balance.more(COST), balance.tightest.dataset) == (3, "bills")
        for number in range(3):
            ask(world, f"q{number}", fresh=True)
        assert found(lambda: ask(world, "q3", fresh=True)) == "budget.exhausted"

    def test_a_period_of_the_population_counts_it_once(self, world):
        world.service.allocate(None, None, 2 * PRICE, period="year")
        ask(world, "one")
        ask(world, "two", fresh=True)
        assert found(lambda: ask(world, "three", fresh=True)) == "budget.period-exhausted"
        assert audit(world) is None


class TestAfterARestore:
    def test_what_was_spent_since_comes_to_what_the_head_outside_tells(self, world):
        """The backup is older than two uses: the population lacks less than its accounts together."""
        restored = copy(world)
        restored.inner_store = copied_store(world.inner_store)
        restored.inner_shelf = copied_shelf(world.inner_shelf)
        restored.clock = deepcopy(world.clock)
        restored.restart()
        ask(world, "one")
        ask(world, "own", "SELECT COUNT(*) FROM visits", others=())
        with world.read() as reader:
            told = {(a.dataset, a.purpose): spent_of(a) for a in reader.find(Account)}
        head = OutsideHead("w-rolled", 10**6, b"", "", told, "2026-01-01T00:00:00Z")
        charged = restored.spine.restoring.charge(head, OWNER)
        assert [(each["dataset"], each.get("shared", False)) for each in charged] == [
            ("bills", False),
            ("visits", True),
            ("*", False),
        ]
        assert spent(restored) == spent(world)
        assert audit(restored) is None
        with restored.inner_store.write() as tx:
            (visits,) = [c for c in tx.find(Charge, dataset="visits") if c.shared]
            tx.put(replace(visits, shared=False))
        assert audit(restored) is not None


class TestTheAuditFinds:
    @pytest.mark.parametrize(
        "changed",
        [
            lambda c: replace(c, shared=False),
            lambda c: replace(c, dataset="visits"),
            lambda c: replace(c, event="pure 1/1000"),
            None,
        ],
    )
    def test_a_second_charge_that_was_changed_or_taken_away(self, world, changed):
        ask(world, "one")
        with world.inner_store.write() as tx:
            (second,) = [c for c in tx.find(Charge, request="one") if c.shared]
            if changed is None:
                tx.remove(Charge, number=second.number)
            else:
                tx.put(changed(second))
            # The accounts are made to fit, as whoever knows the ledger would.
            totals = world.spine.ledger.recount(tx)
            tx.remove(Account)
            tx.add(list(totals.values()))
        assert audit(world) == "ledger.not-journaled"

    def test_a_use_beyond_the_limit_of_the_second(self, world, monkeypatch):
        world.service.allocate("bills", CARE, PRICE / 2)
        monkeypatch.setattr(Balance, "refusal", lambda *_: None)
        ask(world, "one")
        assert audit(world) == "records.rule-broken"

    def test_a_use_on_another_basis_of_the_second_that_was_put_back(self, world):
        """Whoever makes the consents to a purpose not count is found, once nothing shows it any more."""
        with world.inner_store.write() as tx:
            held = tx.get(DatasetPurpose, "bills", RESEARCH)
            tx.put(replace(held, basis=Basis.CONTRACT.value))
        ask(world, "one", purpose=RESEARCH)
        with world.inner_store.write() as tx:
            tx.put(held)
        assert audit(world) == "records.rule-broken"

    def test_a_use_on_another_declaration_of_the_second_that_was_put_back(self, world):
        world.service.declare("bills", Asked(max_rows=1))
        with world.inner_store.write() as tx:
            newest = tx.newest(Declaration, dataset="bills")
            tx.remove(Declaration, dataset="bills", version=newest.version)
        ask(world, "one")
        with world.inner_store.write() as tx:
            tx.put(newest)
        assert audit(world) == "records.rule-broken"

    def test_an_answer_of_an_older_version_of_the_second(self, world, monkeypatch):
        ask(world, "one")
        with world.read() as reader:
            before = reader.get(Dataset, "bills")
        world.collect("bills", ["ann"])
        with world.inner_store.write() as tx:
            after = tx.get(Dataset, "bills")
            tx.put(before)
        monkeypatch.setattr(stored, "_MOVES", ("no such act",))
        assert ask(world, "two")[1].origin == "stored"
        with world.inner_store.write() as tx:
            tx.put(after)
        assert audit(world) == "records.rule-broken"

    @pytest.mark.parametrize("others", ["", '{"bills":2}', '{"notes":1}', "no"])
    def test_a_stored_answer_that_was_relabelled(self, world, others):
        ask(world, "one")
        with world.inner_store.write() as tx:
            tx.put(replace(tx.get(Request, "one"), others=others))
        assert audit(world) == "records.differ"
        assert found(lambda: ask(world, "one")) == "records.differ"


class TestStored:
    def test_the_same_question_costs_nothing_until_either_moves(self, world):
        ask(world, "one")
        before = spent(world)
        assert ask(world, "two")[1].origin == "stored"
        assert ask(world, "one")[1].origin == "request"
        assert spent(world) == before
        assert audit(world) is None
        world.collect("bills", ["cem"])
        assert ask(world, "three")[1].origin == "new"
        world.service.declare("bills", Asked(max_rows=5))
        assert ask(world, "four")[1].origin == "new"
        world.choose("ann", granted=False, late=False)
        assert ask(world, "five")[1].origin == "new"
        world.service.erase_subject("dan")
        assert ask(world, "six")[1].origin == "new"
        assert audit(world) is None

    def test_a_version_of_the_second_alone_keeps_an_answer_back(self, world, monkeypatch):
        ask(world, "one")
        world.collect("bills", ["cem"])
        monkeypatch.setattr(stored, "_MOVES", ("no such act",))
        assert not world.spine.gate.explain(wish("two"), Exact()).stored

    def test_the_journal_alone_keeps_back_what_a_version_put_back_would_give(self, world):
        ask(world, "one")
        with world.read() as reader:
            before = reader.get(Dataset, "bills")
        world.collect("bills", ["cem"])
        with world.inner_store.write() as tx:
            tx.put(before)
        assert not world.spine.gate.explain(wish("two"), Exact()).stored

    def test_what_is_declared_of_the_second_is_part_of_the_question(self, world, monkeypatch):
        """Also where it changes nothing of the plan."""
        ask(world, "one")
        world.service.declare("bills", Asked(keys={"ward": ["B", "A"]}))
        monkeypatch.setattr(stored, "_MOVES", ("no such act",))
        assert not world.spine.gate.explain(wish("two"), Exact()).stored

    def test_an_id_stands_for_both(self, world):
        ask(world, "one")
        alone = "SELECT v.ward, COUNT(*) FROM visits v GROUP BY v.ward"
        assert found(lambda: ask(world, "one", alone, others=())) == "request.differs"
        ask(world, "wide", alone)
        assert found(lambda: ask(world, "wide", alone, others=())) == "request.differs"

    def test_after_the_second_is_dropped_an_id_answers_as_one_of_the_first_would(self, world):
        ask(world, "one")
        world.service.drop("bills")
        assert found(lambda: ask(world, "one")) == "dataset.dropped"
        assert found(lambda: ask(world, "two")) == "dataset.dropped"
        assert audit(world) is None

    def test_what_is_dropped_while_it_runs_gives_nothing(self, world):
        class Drops(Exact):
            def run(self, lease, plan):
                world.service.drop("bills")
                return super().run(lease, plan)

        assert found(lambda: world.spine.gate.use(wish("one"), Drops())) is not None
        assert audit(world) is None


class TestApproval:
    @pytest.fixture
    def asking(self, world):
        needs = (
            '@id("two-eyes") @reason("r") @approval("privacy-officer") permit (principal, '
            'action == Action::"query", resource == Dataset::"bills");'
        )
        world.service.apply_policy(default_policies() + needs)
        return world

    def waiting(self, world):
        with world.read() as reader:
            return [a for a in reader.find(Approval) if a.state == "pending"]

    def test_is_asked_for_by_the_second_and_bound_to_both(self, asking):
        assert found(lambda: ask(asking, "one")) == "approval.pending"
        (waiting,) = self.waiting(asking)
        asking.spine.approvals.decide(OLGA, waiting.id, is_granted=True)
        # Another question of both is not what was granted.
        assert found(lambda: ask(asking, "two", LEFT)) == "approval.pending"
        asking.service.declare("bills", Asked(max_rows=3))
        assert found(lambda: ask(asking, "three")) == "approval.pending"
        waiting = max(self.waiting(asking), key=lambda each: each.entry)
        asking.spine.approvals.decide(OLGA, waiting.id, is_granted=True)
        assert found(lambda: ask(asking, "four")) is None
        assert audit(asking) is None

    def test_is_given_by_nobody_who_may_not_decide_on_the_second(self, asking):
        assert found(lambda: ask(asking, "one")) == "approval.pending"
        (waiting,) = self.waiting(asking)
        shut = (
            '@id("shut") @reason("r") forbid (principal, action == Action::"approval.decide",'
            ' resource == Dataset::"bills");'
        )
        text = asking.service.policy()["text"]
        asking.service.apply_policy(text + shut)
        decide = lambda: asking.spine.approvals.decide(OLGA, waiting.id, is_granted=True)  # noqa: E731
        assert found(decide) == "policy.forbidden"


def test_the_person_is_told_of_the_use_where_the_own_rows_were_used(world):
    ask(world, "one")
    told = {ref: world.service.show_subject(ref)["uses"] for ref in ("ann", "cem", "dan")}
    assert told["ann"][0]["others"] == ["bills"]
    # Cem's visits were read; dan has bills alone, of which no row was.
    assert (len(told["cem"]), told["dan"]) == (1, [])


def test_whoever_may_not_see_the_second_does_not_see_the_use(world):
    """The journal and the report leave the whole use out: by its name alone it would tell of the second."""
    ask(world, "one")
    world.service.add_principal("otto", ["auditor"])
    shut = (
        '@id("shut") @reason("r") forbid (principal in Role::"auditor",'
        ' action in [Action::"report.show", Action::"journal.head"],'
        ' resource == Dataset::"bills");'
    )
    otto = Service(world.spine, Actor("owner", "otto"))
    assert "use.intend" in {each["action"] for each in otto.entries(100)}
    assert [use["others"] for use in otto.report("r")["uses"]] == [["bills"]]
    world.service.apply_policy(default_policies() + shut)
    shown = otto.entries(100)
    assert not {"use.intend", "use.done"} & {each["action"] for each in shown}
    assert otto.report("r")["uses"] == []


def test_rows_of_both_are_gathered_for_each_person(world):
    """A sub-query with one row for each person stands over the join."""
    inner = (
        "SELECT v.person AS who, COUNT(*) AS n FROM visits v JOIN bills b ON v.person = b.person"
        " GROUP BY v.person"
    )
    before = spent(world)
    rows, _ = ask(world, "one", f"SELECT COUNT(*) FROM ({inner}) AS t WHERE n >= 2")
    assert rows == 2
    assert spent(world)["bills", CARE] == before.get(("bills", CARE), 0) + PRICE
    assert found(lambda: ask(world, "two", f"SELECT COUNT(*) FROM ({inner}) AS t", others=())) is not None
    assert audit(world) is None


def test_what_either_comes_from_is_charged_once(world):
    arrival = world._arrival("notes", {901: "ann", 902: "bob"}, {CARE: Basis.CONTRACT}, ())
    world.spine.intake.take(replace(arrival, derived_from=("visits",)), OWNER)
    world.service.declare("notes", Asked(max_rows=4, keys={"ward": ["A", "B"]}))
    world.service.allocate("notes", CARE, 2 * PRICE)
    sql = "SELECT b.ward, COUNT(*) FROM bills b JOIN notes n USING (person) GROUP BY b.ward"
    request = replace(wish("one", sql, others=("notes",)), dataset="bills")
    before = spent(world)
    world.spine.gate.use(request, Exact())
    after = spent(world)
    grown = {where[0]: after[where] - before.get(where, 0) for where in after}
    assert {name: by for name, by in grown.items() if by} == dict.fromkeys(
        ("bills", "notes", "visits", "*"), PRICE
    )
    # Where it is joined with what it comes from, that is charged as the one it is joined with.
    ask(world, "two", BOTH.replace("bills", "notes"), others=("notes",))
    assert spent(world)["visits", CARE] == after["visits", CARE] + PRICE
    assert audit(world) is None
