"""Proves that a dropped data set is gone from every use, and that nothing spent on it comes back."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from tests.simulator.model import CARE, RESEARCH, Violation
from tests.simulator.world import OWNER, World

from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.records import (
    Account,
    Bucket,
    Collected,
    ConsentEvent,
    Dataset,
    DatasetColumn,
    DatasetPurpose,
    Declaration,
    Forgotten,
    FormerMember,
    JournalEntry,
    Member,
    QuarantineBatch,
    QuarantinedRow,
    Released,
    Request,
    SealedField,
    Subject,
)
from hedgerow.model.words import Basis
from hedgerow.spine.audit import check_records
from hedgerow.spine.dropping import Dropping
from hedgerow.spine.forgotten import DIFFERS
from hedgerow.spine.quarantine import Broken

GONE = (Bucket, Member, SealedField, Collected, DatasetColumn, DatasetPurpose, Declaration, QuarantineBatch)
COUNT = ("count", "visits", RESEARCH, Fraction(1, 4))
ROWS = ("rows", "visits", CARE, None)


@pytest.fixture
def world():
    made = World()
    made.collect("visits", ["ann", "bob", "cem"])
    made.collect("bills", ["bob"])
    made.choose("ann", granted=True, late=False)
    return made


def _code(act, kind=Refused):
    with pytest.raises(kind) as caught:
        act()
    return caught.value.code


def _version(world, dataset="visits"):
    with world.read() as reader:
        return reader.get(Dataset, dataset).version


def _set_aside(world):
    with world.inner_store.write() as tx:
        world.spine.quarantine.put(
            tx, "visits", json.dumps({"columns": [["id", "text"]]}), "id", [Broken(2, "bad", b"ann")]
        )


def _facts(world, action):
    with world.read() as reader:
        bodies = [json.loads(entry.body) for entry in reader.find(JournalEntry)]
    return [body["facts"] for body in bodies if body["action"] == action]


class TestPlan:
    def test_it_counts_what_goes_and_names_what_stays(self, world):
        _set_aside(world)
        world.use(COUNT, "asked")
        world.use(ROWS, "released")
        plan = world.service.plan_drop("visits")
        assert (plan["rows"], plan["people"], plan["people_only_here"]) == (3, 3, 2)
        assert (plan["quarantined_rows"], plan["releases"]) == (1, ["R-released"])
        assert (plan["results_withdrawn"], plan["answers_kept"]) == (1, 1)
        assert any("budget" in text for text in plan["stays"])
        assert _version(world) == 1

    def test_who_may_not_see_counts_is_shown_none(self, world):
        world.service.add_principal("adam", ["administrator"])
        adam = type(world.service)(world.spine, type(OWNER)("owner", "adam"))
        plan = adam.plan_drop("visits")
        assert {plan[name] for name in ("version", "rows", "people", "people_only_here")} == {None}
        assert (plan["quarantined_rows"], plan["releases"]) == (0, None)
        assert adam.drop("visits")["rows"] is None

    @pytest.mark.parametrize("role", ["analyst", "privacy-officer", "auditor", "service"])
    def test_other_roles_may_not(self, world, role):
        world.service.add_principal("eve", [role])
        eve = type(world.service)(world.spine, type(OWNER)("owner", "eve"))
        assert _code(lambda: eve.plan_drop("visits")) == "policy.not-permitted"
        assert _code(lambda: eve.drop("visits")) == "policy.not-permitted"
        assert _facts(world, "act.refuse")[-1]["action"] == "dataset.drop"
        assert _version(world) == 1

    def test_one_that_never_was_cannot_be_dropped(self, world):
        assert _code(lambda: world.service.drop("nothing"), CallerError) == "dataset.unknown"


class TestDrop:
    def test_nothing_of_it_is_left_but_its_name_and_version(self, world):
        _set_aside(world)
        world.service.drop("visits")
        with world.read() as reader:
            for kind in GONE:
                assert "visits" not in reader.values(kind, "dataset"), kind
            assert not reader.count(QuarantinedRow)
            record = reader.get(Dataset, "visits")
            manifest = set(reader.values(Bucket, "file"))
        assert (record.version, record.row_count, record.people_count, record.subject_column) == (2, 0, 0, "")
        assert record.dropped
        assert world.inner_shelf.names() == manifest

    def test_the_journal_has_it_without_counting_people(self, world):
        world.use(ROWS, "released")
        world.service.drop("visits")
        (facts,) = _facts(world, "dataset.drop")
        assert facts == {
            "dataset": "visits", "version": 2, "releases": ["R-released"], "results_withdrawn": 1,
            "answers_kept": 0, "dropped": facts["dropped"], "until": "2029-02-28",
        }  # fmt: skip

    def test_every_use_says_that_it_was_dropped(self, world):
        world.use(COUNT, "asked")
        world.service.drop("visits")
        request, technique = world.request(COUNT, "fresh")
        assert _code(lambda: world.spine.gate.use(request, technique)) == "dataset.dropped"
        again, _ = world.request(COUNT, "asked")
        assert _code(lambda: world.spine.gate.use(again, technique)) == "dataset.dropped"
        for act in (
            lambda: world.service.dataset("visits"),
            lambda: world.service.drop("visits"),
            lambda: world.service.allocate("visits", RESEARCH, Fraction(9)),
            lambda: world.service.read_subject("ann", ["tag"], purpose=CARE, dataset="visits"),
        ):
            assert _code(act) == "dataset.dropped"

    def test_who_may_not_use_it_does_not_learn_that_it_was(self, world):
        world.service.drop("visits")
        world.service.add_principal("eve", ["auditor"])
        request, technique = world.request(COUNT, "fresh")
        eve = type(request)(type(OWNER)("owner", "eve"), RESEARCH, "visits", request.parameters, "fresh")
        assert _code(lambda: world.spine.gate.use(eve, technique)) == "policy.not-permitted"

    def test_lists_and_reports_leave_it_out(self, world):
        world.service.drop("visits")
        assert [d["name"] for d in world.service.datasets()] == ["bills"]
        report = world.service.report("t")
        assert [held["dataset"] for held in report["held"]] == ["bills"]
        assert world.service.verify()["verified"]

    def test_stored_rows_are_withdrawn_and_private_answers_stay(self, world):
        world.use(COUNT, "asked")
        world.use(ROWS, "released")
        world.service.drop("visits")
        with world.read() as reader:
            states = {r.id: (r.state, r.sealed is None) for r in reader.find(Request)}
            assert [r.id for r in reader.find(Released)] == ["R-released"]
        assert states == {"asked": ("done", False), "released": ("withdrawn", True)}

    @pytest.mark.parametrize("asked", [COUNT, ROWS], ids=["private", "rows"])
    def test_a_use_under_way_gives_nothing_and_stays_spent(self, world, asked):
        request, technique = world.request(asked, "now")
        world.on_run = lambda: world.spine.dropping.drop("visits", OWNER)
        assert _code(lambda: world.spine.gate.use(request, technique)) == "request.withdrawn"
        with world.read() as reader:
            assert reader.get(Request, "now").state == "withdrawn"
            spent = {(a.dataset, a.purpose): a.epsilon for a in reader.find(Account) if a.epsilon != "0"}
        assert spent == ({("visits", RESEARCH): "1/4", ("*", "*"): "1/4"} if asked is COUNT else {})

    def test_a_collection_under_way_stops(self, world):
        arrival = world._arrival("visits", {900: "dee"}, {CARE: Basis.CONTRACT}, ())
        steps = []

        def progress(step):
            if step == "committing":
                steps.append(world.spine.dropping.drop("visits", OWNER))

        with pytest.raises(Fault) as caught:
            world.spine.intake.take(arrival, OWNER, progress)
        assert (caught.value.code, len(steps)) == ("table.changed", 1)


class TestCollectedAgain:
    def test_the_version_goes_on_and_other_columns_and_bases_may_come(self, world):
        world.service.drop("visits")
        arrival = world._arrival("visits", {900: "dee"}, {RESEARCH: Basis.CONTRACT}, ())
        columns = arrival.columns[:3]
        taken = world.spine.intake.take(replace(arrival, columns=columns), OWNER)
        assert (taken.version, taken.rows, taken.new_people) == (3, 1, 1)
        shown = world.service.dataset("visits")
        assert shown["bases"] == {RESEARCH: "contract"}
        assert [column["name"] for column in shown["columns"]] == ["id", "name", "tag"]
        assert world.service.verify()["verified"]

    def test_the_same_source_can_be_taken_again(self, world):
        arrival = world._arrival("visits", {900: "ann"}, {RESEARCH: Basis.CONSENT, CARE: Basis.CONTRACT}, ())
        world.spine.intake.take(arrival, OWNER)
        assert _code(lambda: world.spine.intake.take(arrival, OWNER), CallerError) == "collect.taken-before"
        world.service.drop("visits")
        assert world.spine.intake.take(arrival, OWNER).rows == 1

    def test_what_was_spent_stays_spent(self, world):
        world.use(COUNT, "asked")
        world.service.drop("visits")
        before = world.service.budgets("visits")
        assert {b["purpose"]: b["spent"] for b in before}[RESEARCH] == "0.25"
        world.model.drop("visits")
        world.collect("visits", ["ann"])
        assert world.service.budgets("visits") == before

    def test_old_lists_of_people_do_not_answer(self, world):
        world.use(COUNT, "asked")
        world.service.drop("visits")
        world.model.drop("visits")
        world.collect("visits", ["bob"])
        world.use(COUNT, "fresh")

    def test_if_the_version_went_back_they_would(self, world, monkeypatch):
        emptied = Dropping._emptied
        monkeypatch.setattr(Dropping, "_emptied", lambda *given: replace(emptied(*given), version=0))
        world.use(ROWS, "released")
        world.service.drop("visits")
        world.model.drop("visits")
        world.model.versions["visits"] = 0
        world.collect("visits", ["dee"])
        with pytest.raises(Violation) as caught:
            world.use(ROWS, "fresh")
        assert caught.value.invariant == "a: basis"


class TestPeople:
    def test_they_stay_and_see_the_uses_and_the_release(self, world):
        world.use(COUNT, "asked")
        world.use(ROWS, "released")
        before = world.service.show_subject("ann")
        assert [use["technique"] for use in before["uses"]] == ["dp_query", "rows-out"]
        world.service.drop("visits")
        shown = world.service.show_subject("ann")
        assert (shown["held"], shown["uses"], shown["releases"]) == ([], before["uses"], ["R-released"])
        assert shown["choices"] == before["choices"]
        assert world.service.export_subject("ann")["values"] == {}

    def test_uses_of_the_new_data_set_are_only_those_of_its_people(self, world):
        world.service.drop("visits")
        world.model.drop("visits")
        world.collect("visits", ["dee"])
        world.use(ROWS, "released")
        assert world.service.show_subject("ann")["uses"] == []
        assert world.service.show_subject("dee")["releases"] == ["R-released"]

    def test_erasing_removes_them_and_names_the_release(self, world):
        world.use(ROWS, "released")
        world.service.drop("visits")
        body = world.service.erase_subject("ann")["body"]
        assert body["datasets"] == []
        assert body["releases_that_may_hold_the_person"] == ["R-released"]
        with world.read() as reader:
            numbers = set(reader.values(Subject, "number"))
            for kind in (FormerMember, ConsentEvent):
                assert set(reader.values(kind, "number")) <= numbers
        assert world.service.verify()["verified"]


class TestBudgetShown:
    def test_a_release_that_failed_is_named_as_one_that_never_left(self, world):
        world.use(ROWS, "released")
        world.use(ROWS, "failed", meanwhile=("fail", "x"))
        shown = {b["purpose"]: b for b in world.service.budgets("visits")}[CARE]
        assert (shown["apart_from"], shown["opened_only"]) == (["R-released"], ["R-failed"])


class TestAudit:
    @pytest.mark.parametrize(
        "tamper",
        [
            lambda tx, _: tx.remove(Dataset, name="visits"),
            lambda tx, record: tx.put(replace(record, dropped="")),
            lambda tx, record: tx.put(replace(record, version=1)),
        ],
        ids=["removed", "revived", "version reset"],
    )
    def test_a_data_set_changed_beside_the_journal_is_found(self, world, tamper):
        world.service.drop("visits")
        world.service.erase_subject("bob")
        with world.inner_store.write() as tx:
            check_records(tx, world.spine.ledger)
            tamper(tx, tx.get(Dataset, "visits"))
        with world.read() as reader, pytest.raises(Fault) as caught:
            check_records(reader, world.spine.ledger, world.spine.attestor)
        assert (caught.value.code, caught.value.details["kind"]) == ("records.differ", "data sets")

    def test_one_dropped_beside_the_journal_is_found(self, world):
        with world.inner_store.write() as tx:
            world.spine.dropping._remove(tx, "visits")
        with world.read() as reader, pytest.raises(Fault) as caught:
            check_records(reader, world.spine.ledger, world.spine.attestor)
        assert caught.value.code == "records.differ"


class TestWhatARestoreRepeats:
    def dropped(self):
        world = World()
        world.collect("visits", ["ann", "bob"])
        world.drop("visits")
        return world

    def test_it_is_forgotten_when_its_time_is_over_and_the_journal_tells(self):
        world = self.dropped()
        world.clock.advance(days=3 * 366)
        with world.store.write() as tx:
            assert world.spine.backups.expire(tx, OWNER) == 1
        with world.read() as reader:
            assert json.loads(world.spine.backups.erasures(reader))["erased"] == []
            check_records(reader, world.spine.ledger, world.spine.attestor)

    def test_a_date_changed_beside_the_program_ends_nothing(self):
        world = self.dropped()
        with world.store.write() as tx:
            (line,) = tx.find(Forgotten)
            tx.put(replace(line, until="2020-01-01"))
        with world.store.write() as tx:
            assert world.spine.backups.expire(tx, OWNER) == 0
            assert tx.count(Forgotten) == 1
        with world.read() as reader:
            for act in (lambda: world.spine.backups.erasures(reader),
                        lambda: check_records(reader, world.spine.ledger)):  # fmt: skip
                with pytest.raises(Fault) as caught:
                    act()
                assert caught.value.details["kind"] == DIFFERS
