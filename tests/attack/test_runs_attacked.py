"""Runs that go on over time: nobody gets a second answer, an older state, or a row counted twice.

A run was paid for once. What would cost more is tried here: a state put back beside the program, a
record that was changed, two steps at a time, a step cut off, a repeated request, people who were erased
and come back, back, rows that are written again, bounds that were declared anew, a restore. The
mechanisms draw no noise here, so that a total is what was counted.
"""

from __future__ import annotations

import json
from copy import copy, deepcopy
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.attack.rolling import founded
from tests.simulator.adapters import copied_shelf, copied_store
from tests.simulator.asking import OWNER
from tests.simulator.model import CARE, RESEARCH
from tests.simulator.world import World

from hedgerow.adapters.engines import buckets
from hedgerow.app.declaring import Asked
from hedgerow.kernel.noise import running as tree
from hedgerow.kernel.noise import sparse
from hedgerow.model.errors import HedgerowError, Refused
from hedgerow.model.records import Bucket, Charge, Forgotten, JournalEntry, Purpose, Run, Tombstone
from hedgerow.spine import lease as leases
from hedgerow.spine.gate import Gate
from hedgerow.spine.runs import Runs
from hedgerow.techniques.dp_query.counting import AdvanceRunning

COUNT = {"of": "COUNT(*)", "steps": 16, "epsilon": "0.25"}
WATCH = {"of": "COUNT(*)", "above": "3", "positives": 2, "epsilon": "0.25"}
ALL, NONE = "SELECT COUNT(*) FROM visits", "SELECT COUNT(*) FROM visits WHERE tag < 0"


@pytest.fixture(autouse=True)
def _noiseless(monkeypatch):
    monkeypatch.setattr(tree, "add_laplace", lambda values, *_: list(values))
    monkeypatch.setattr(sparse, "add_laplace", lambda values, *_: list(values))


def furnished():
    made = founded()
    made.sources = 100
    made.collect("visits", ["ann", "ann", "bob", "cem"], with_consent=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "add_laplace", lambda values, *_: list(values))
        patch.setattr(sparse, "add_laplace", lambda values, *_: list(values))
        made.service.open_run("running", "arrivals", "visits", COUNT, purpose=CARE)
        made.service.open_run("watch", "crowded", "visits", WATCH, purpose=CARE)
    return made


@pytest.fixture(scope="module")
def lived():
    return furnished()


@pytest.fixture
def world(lived):
    """Give the workspace as it was built, with a clock of its own; the master keys are those of all."""
    made = copy(lived)
    made.inner_store, made.inner_shelf = copied_store(lived.inner_store), copied_shelf(lived.inner_shelf)
    made.clock, made.model = deepcopy(lived.clock), deepcopy(lived.model)
    made.restart()
    return made


def advance(world, request=None, name="arrivals"):
    told = world.service.step_run("running", name, {}, request)
    return int(told["total"])


def ask(world, sql=ALL, request=None):
    return world.service.step_run("watch", "crowded", {"sql": sql}, request)["above"]


def held(world, kind, **equals):
    with world.read() as reader:
        return reader.find(kind, **equals)


def run(world, name="arrivals"):
    return held(world, Run, name=name)[0]


def put(world, *records):
    with world.inner_store.write() as tx:
        for record in records:
            tx.put(record)


def code(act, *args):
    try:
        act(*args)
    except HedgerowError as error:
        return error.code
    return None


class TestPaidOnce:
    def test_the_whole_cost_is_charged_at_opening_before_any_row_is_read(self, world, monkeypatch):
        def no_row(*_):
            raise AssertionError

        with monkeypatch.context() as patch:
            patch.setattr(leases.OpenLease, "aggregate", no_row)
            world.service.open_run("running", "second", "visits", COUNT, purpose=CARE)
        [charge] = [each for each in held(world, Charge) if each.entry == run(world, "second").opened]
        assert charge.event == "pure 1/4"
        before = len(held(world, Charge))
        assert [advance(world, name="second"), ask(world), ask(world, NONE)] == [4, True, False]
        world.service.show_run("running", "second")
        world.service.close_run("running", "second")
        assert len(held(world, Charge)) == before
        assert code(world.service.verify) is None

    def test_a_step_that_no_opening_paid_for_is_found_by_the_audit(self, world, monkeypatch):
        monkeypatch.setattr("hedgerow.techniques.dp_query.counting.CountPlan.cost", None)
        world.service.open_run("running", "free", "visits", COUNT, purpose=CARE)
        assert code(world.service.verify) == "records.rule-broken"

    def test_the_same_request_gives_the_same_answer_and_takes_no_other_step(self, world):
        first = advance(world, "s-1")
        world.collect("visits", ["dan"], with_consent=True)
        assert advance(world, "s-1") == first
        assert (run(world).step, advance(world)) == (1, first + 1)

    def test_it_says_yes_so_many_times_and_no_more(self, world):
        assert [ask(world), ask(world, NONE), ask(world, request="last")] == [True, False, True]
        assert run(world, "crowded").closed
        assert code(ask, world) == code(ask, world, NONE) == "run.over"
        assert ask(world, request="last") is True
        told = world.service.show_run("watch", "crowded")["told"]
        assert [each["above"] for each in told] == [True, False, True]

    def test_without_a_budget_nothing_is_opened(self, world):
        wish = {**COUNT, "epsilon": "50"}
        assert code(lambda: world.service.open_run("running", "dear", "visits", wish, purpose=CARE)) == (
            "budget.exhausted"
        )
        assert code(world.service.show_run, "running", "dear") == "run.unknown"

    def test_a_period_pays_for_what_was_opened_in_it(self, world):
        world.service.allocate("visits", CARE, Fraction(3, 10), period="month")
        world.clock.advance(days=40)
        world.service.open_run("running", "second", "visits", COUNT, purpose=CARE)
        more = {**WATCH, "epsilon": "0.1"}
        assert code(lambda: world.service.open_run("watch", "third", "visits", more, purpose=CARE)) == (
            "budget.period-exhausted"
        )
        assert advance(world, name="second") == 4
        world.clock.advance(days=40)
        assert advance(world, name="second") == 4
        world.service.open_run("watch", "third", "visits", more, purpose=CARE)
        assert code(world.service.verify) is None

    def test_a_name_opens_once(self, world):
        open_again = lambda: world.service.open_run("running", "arrivals", "visits", COUNT, purpose=CARE)  # noqa: E731
        before = len(held(world, Charge))
        assert code(open_again) == "run.exists"
        assert len(held(world, Charge)) == before


class TestAnOlderState:
    @pytest.fixture
    def older(self, world):
        kept = run(world), run(world, "crowded")
        advance(world)
        ask(world)
        return kept

    def acts(self, world):
        return (
            code(advance, world),
            code(ask, world),
            code(world.service.show_run, "running", "arrivals"),
            code(world.service.close_run, "watch", "crowded"),
            code(world.service.verify),
        )

    def test_is_refused_by_every_use_and_by_the_audit(self, world, older):
        put(world, *older)
        assert self.acts(world) == (*("run.rolled-back",) * 4, "records.differ")

    def test_also_where_it_names_the_newest_entry(self, world, older):
        put(world, *(replace(each, entry=run(world, each.name).entry) for each in older))
        assert self.acts(world) == (*("run.rolled-back",) * 4, "records.differ")

    def test_also_where_only_the_sealed_part_is_older(self, world, older):
        put(world, *(replace(run(world, e.name), sealed=e.sealed, wrapped=e.wrapped) for e in older))
        assert self.acts(world) == (*("run.rolled-back",) * 4, "records.differ")

    def test_would_be_stepped_again_without_the_journal(self, world, older, monkeypatch):
        """The attack is real: with the check left out the old state gives another answer."""
        monkeypatch.setattr(Runs, "_prove", lambda *_: False)
        put(world, *older)
        assert (advance(world), run(world).step) == (4, 1)

    @pytest.mark.parametrize(
        "change",
        [{"through": 0}, {"step": 0}, {"closed": ""}, {"declaration": 7}, {"until": "2099-01-01"},
         {"opened": 10**6}, {"purpose": RESEARCH}, {"opened_by": "ana"}],
        ids=str,
    )  # fmt: skip
    def test_a_field_that_was_changed_is_noticed(self, world, change):
        world.service.close_run("watch", "crowded")
        advance(world)
        for name in ("arrivals", "crowded"):
            record = run(world, name)
            if any(getattr(record, key) != value for key, value in change.items()):
                put(world, replace(record, **change))
                kind = record.kind
                assert code(world.service.show_run, kind, name) in ("run.rolled-back", "run.unknown")
        assert code(world.service.verify) == "records.differ"

    def test_a_body_that_was_changed_is_noticed(self, world):
        record = run(world, "crowded")
        body = json.dumps({**json.loads(record.body), "sensitivity": 1000})
        put(world, replace(record, body=body))
        assert code(ask, world) == "run.rolled-back"


class TestTwoAnswers:
    def test_of_two_steps_at_a_time_one_gives_nothing(self, world, monkeypatch):
        plain, nested = AdvanceRunning.run, []

        def meanwhile(self, lease, plan):
            release = plain(self, lease, plan)
            if not nested:
                nested.append(None)
                nested[0] = advance(world)
            return release

        monkeypatch.setattr(AdvanceRunning, "run", meanwhile)
        assert code(advance, world, "late") == "run.moved"
        assert (nested, run(world).step) == ([4], 1)
        assert code(advance, world, "late") == "request.spent"
        assert code(world.service.verify) is None

    def test_a_step_that_was_cut_off_told_nothing_and_is_taken_again(self, world, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(Gate, "_close", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                advance(world, "cut")
        world.restart()
        assert run(world).step == 0
        assert code(advance, world, "cut") == "request.spent"
        assert (advance(world), run(world).step) == (4, 1)
        assert code(world.service.verify) is None


class TestRowsCountOnce:
    def test_rows_that_are_written_again_are_not_counted_again(self, world):
        assert advance(world) == 4
        world.erase("bob")
        assert [each.arrived for each in held(world, Bucket, dataset="visits")] == [1]
        world.collect("visits", ["dan"], with_consent=True)
        assert [advance(world), advance(world)] == [5, 5]

    def test_would_be_without_what_the_manifest_keeps(self, world, monkeypatch):
        advance(world)
        plain = buckets.replace
        monkeypatch.setattr(buckets, "replace", lambda file, **new: plain(file, **new, arrived=0))
        world.erase("bob")
        assert advance(world) == 4 + 3

    def test_who_was_erased_and_comes_back_is_not_counted_again(self, world):
        assert advance(world) == 4
        world.erase("ann")
        world.collect("visits", ["ann", "ann", "ann", "dan"], with_consent=True)
        assert advance(world) == 5
        # Also with rows that arrive later still, and not in a run that was opened after the return.
        world.collect("visits", ["ann"])
        assert advance(world) == 5
        world.service.open_run("running", "later", "visits", COUNT, purpose=CARE)
        assert advance(world, name="later") == 2 + 1 + 4

    def test_would_be_without_the_list_of_erasures(self, world, monkeypatch):
        monkeypatch.setattr(leases, "_without", lambda people, _: people)
        advance(world)
        world.erase("ann")
        world.collect("visits", ["ann", "ann", "ann", "dan"], with_consent=True)
        assert advance(world) == 4 + 4

    def test_nor_by_whoever_takes_a_line_off_that_list_or_moves_a_file(self, world):
        advance(world)
        world.erase("ann")
        world.collect("visits", ["ann", "ann"], with_consent=True)
        [line] = [each for each in held(world, Forgotten) if each.lookup]
        with world.inner_store.write() as tx:
            tx.remove(Forgotten, entry=line.entry)
        assert code(advance, world) == "records.differ"
        put(world, line)
        first = held(world, Bucket, dataset="visits")[0]
        put(world, replace(first, arrived=99))
        assert code(advance, world) == "table.not-as-told"

    def test_a_withdrawal_is_heeded_at_each_step_and_nothing_comes_off(self, world):
        made = {**COUNT, "epsilon": "0.1"}
        world.service.open_run("running", "asked", "visits", made, purpose=RESEARCH)
        world.choose("bob", granted=False, late=False)
        assert advance(world, name="asked") == 3
        world.choose("bob", granted=True, late=False)
        world.choose("cem", granted=False, late=False)
        assert advance(world, name="asked") == 3


class TestItEnds:
    def test_bounds_declared_anew_end_it_and_it_can_still_be_shown(self, world):
        advance(world)
        world.service.declare("visits", Asked(max_rows=9, bounds={}, keys={}))
        assert code(advance, world) == code(ask, world) == "run.bounds-changed"
        assert len(world.service.show_run("running", "arrivals")["told"]) == 1

    def test_a_dropped_data_set_takes_it_along_and_it_does_not_come_back(self, world):
        advance(world)
        older = run(world)
        world.drop("visits")
        assert held(world, Run) == []
        assert code(advance, world) == "run.unknown"
        world.collect("visits", ["ann"], with_consent=True)
        put(world, older)
        assert code(advance, world) == "run.rolled-back"

    def test_a_restore_ends_it(self, world):
        advance(world)
        with world.store.write() as tx:
            world.spine.journal.append(tx, "space.restored", OWNER, {"spending": "known"})
        assert code(advance, world) == code(ask, world) == "run.restored"

    def test_it_ends_before_erasures_are_forgotten(self, world):
        record = run(world)
        world.clock.advance(days=1)
        world.erase("bob")
        assert record.until <= min(each.until for each in held(world, Tombstone))
        put(world, replace(held(world, Purpose, name=CARE)[0], until="2099-01-01"))
        world.clock.advance(days=3 * 365)
        assert code(ask, world) == "run.over"

    def test_new_master_keys_carry_it_on(self):
        world = furnished()
        advance(world)
        sealed = run(world).sealed
        world.service.change_epoch(is_ending=True)
        assert run(world).sealed == sealed
        world.collect("visits", ["dan"], with_consent=True)
        assert (advance(world), ask(world)) == (5, True)
        assert code(world.service.verify) is None

    def test_whoever_may_not_query_takes_no_step(self, world):
        world.service.add_principal("otto", ["auditor"])
        mine, world.service.actor = world.service.actor, replace(OWNER, acting_as="otto")
        denied = (code(advance, world), code(ask, world), code(advance, world, None, "no-such-run"))
        assert denied == ("policy.not-permitted",) * 3
        world.service.actor = mine
        assert run(world).step == 0


class TestSecrets:
    def test_nothing_of_the_state_stands_in_the_journal_or_a_record(self, world, monkeypatch):
        mark = 987_654_321_000
        monkeypatch.setattr(tree, "add_laplace", lambda values, *_: [each + mark for each in values])
        monkeypatch.setattr(sparse, "add_laplace", lambda values, *_: [each + mark for each in values])
        world.service.open_run("running", "marked", "visits", COUNT, purpose=CARE)
        world.service.open_run("watch", "marked-too", "visits", WATCH, purpose=CARE)
        told = b"".join(each.body for each in held(world, JournalEntry))
        assert b"9876543210" not in told
        assert all(b"9876543210" not in each.sealed for each in held(world, Run))
        assert "9876543210" not in repr(held(world, Run))

    def test_the_state_is_destroyed_once_the_run_is_over(self, world):
        secret = lambda name: world.spine.runs._opened(run(world, name)).secret  # noqa: E731
        assert secret("arrivals")
        world.service.close_run("running", "arrivals")
        assert [ask(world), ask(world)] == [True, True]
        assert (secret("arrivals"), secret("crowded")) == ("", "")

    def test_the_length_of_the_state_does_not_tell_the_answer(self, world):
        lengths = set()
        for sql in (ALL, NONE):
            ask(world, sql)
            lengths.add(len(run(world, "crowded").sealed))
        assert len(lengths) == 1


PEOPLE = ("ann", "bob")
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("collect"), st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=6)),
        st.tuples(st.sampled_from(["erase", "withdraw", "grant"]), st.sampled_from(PEOPLE)),
        st.tuples(st.just("advance"), st.none()),
    ),
    min_size=3,
    max_size=12,
)


def counted(acts, left_out):
    """Live through acts, those of one person left out; give the exact number of each step."""
    world = World()
    world.collect("visits", ["cem"], with_consent=True)
    world.service.open_run("running", "r", "visits", COUNT, purpose=RESEARCH)
    numbers, before = [], 0
    for act, who in [*acts, ("advance", None)]:
        refs = [who] if isinstance(who, str) else [ref for ref in who or () if ref != left_out]
        if act == "advance":
            total = advance(world, name="r")
            numbers.append(total - before)
            before = total
        elif left_out not in refs and refs:
            here = refs[0] in world.model.names and refs[0] not in world.model.erased
            if act == "collect":
                world.collect("visits", refs, with_consent=True)
            elif here and act == "erase":
                world.erase(refs[0])
            elif here:
                world.choose(refs[0], granted=act == "grant", late=False)
    return numbers


@given(acts=ACTS)
@settings(max_examples=12, deadline=None)
def test_one_person_moves_all_steps_together_by_at_most_the_rows_that_count(acts):
    """Whatever is collected, erased, collected again, withdrawn and granted between the steps."""
    with_ann, without = (counted(acts, left_out) for left_out in ("", "ann"))
    assert sum(abs(a - b) for a, b in zip(with_ann, without, strict=True)) <= 4


HARD = [
    ("collect", ["ann"] * 6), ("advance", None), ("erase", "ann"), ("collect", ["ann"] * 6),
    ("advance", None), ("collect", ["ann", "bob"]), ("erase", "bob"),
]  # fmt: skip


def test_a_history_that_would_pass_the_bound_stays_within_it(monkeypatch):
    with_ann, without = (counted(HARD, left_out) for left_out in ("", "ann"))
    assert sum(abs(a - b) for a, b in zip(with_ann, without, strict=True)) == 4
    monkeypatch.setattr(leases, "_without", lambda people, _: people)
    broken = counted(HARD, "")
    assert sum(abs(a - b) for a, b in zip(broken, without, strict=True)) > 4


def test_refusals_before_any_row_is_read(world):
    wishes = {
        "run.not-single": ("SELECT AVG(tag) FROM visits", "SELECT ward, COUNT(*) FROM visits GROUP BY ward",
                           "SELECT COUNT(*), COUNT(tag) FROM visits", "SELECT COUNT(*) FROM visits LIMIT 1"),
        "dp.undeclared": ("SELECT SUM(tag) FROM visits",),
    }  # fmt: skip
    failures = lambda: len([e for e in held(world, JournalEntry) if b'"use.intend"' in e.body])  # noqa: E731
    before = failures()
    for wanted, asked in wishes.items():
        for sql in asked:
            found = code(ask, world, sql)
            assert found == wanted or (wanted == "run.not-single" and found == "dp.undeclared"), (sql, found)
    for of in ("COUNT(DISTINCT person)", "COUNT(*) FROM visits --", "MAX(tag)"):
        with pytest.raises(Refused):
            world.service.open_run("running", "x", "visits", {**COUNT, "of": of}, purpose=CARE)
    assert failures() == before
