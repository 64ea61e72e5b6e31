"""Proves over any order of acts that a search finds exactly those who hold a value, there and nowhere else.

The model knows who was told to hold what; the acts are collecting, appending, erasing, indexing, rotating,
dropping an index and a data set, and being killed on the way.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.simulator.adapters import Crash
from tests.simulator.people import MAIL, People

from hedgerow.kernel.blindindex import new_form
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import BlindTerm
from hedgerow.spine import finding

REFS = st.sampled_from([f"p{n}" for n in range(6)])
VALUES = ("a@x.org", "A@X.org ", "b.c@x.org", "bc@x.org", "none", "d+1@x.org", "D+1@x.org")
SETS = st.sampled_from(["club", "town"])
COLUMNS = st.sampled_from([MAIL, "other"])
CUTS = st.one_of(st.none(), st.integers(0, 20))


class Indexed(RuleBasedStateMachine):
    @initialize()
    def start(self):
        self.people = People()
        self.held = {}  # data set -> person -> values
        self.erased = set()
        self.indexed = set()
        self.limits = finding.MOST_FAILED, finding.MOST_SEARCHES
        finding.MOST_FAILED = finding.MOST_SEARCHES = 10**6

    def teardown(self):
        finding.MOST_FAILED, finding.MOST_SEARCHES = self.limits

    def attempt(self, act, cut=None):
        self.people.clock.advance(seconds=1)
        if cut is not None:
            self.people.points.arm(cut, kill=True)
        try:
            act()
        except Crash:
            self.people.restart()
            return self.attempt(act)
        except HedgerowError as error:
            return error.code
        finally:
            self.people.points.disarm()
        return None

    @rule(dataset=SETS, rows=st.lists(st.tuples(REFS, st.sampled_from(VALUES)), min_size=1, max_size=5))
    def collect(self, dataset, rows):
        self.people.collect(dataset, rows)
        told = self.held.setdefault(dataset, {})
        for ref, value in rows:
            if ref not in self.erased:
                told.setdefault(ref, set()).add(value)

    @rule(ref=REFS)
    def erase(self, ref):
        if any(ref in told for told in self.held.values()):
            assert self.attempt(lambda: self.people.service.erase_subject(ref)) is None
            self.erased.add(ref)
            for told in self.held.values():
                told.pop(ref, None)

    @rule(dataset=SETS, column=COLUMNS, cut=CUTS)
    def index(self, dataset, column, cut):
        if dataset in self.held and (dataset, column) not in self.indexed:
            self.settle(
                dataset, column, cut, lambda: self.people.service.make_index(dataset, column, "email")
            )

    @rule(dataset=SETS, column=COLUMNS, cut=CUTS)
    def rotate(self, dataset, column, cut):
        if (dataset, column) in self.indexed:
            self.settle(dataset, column, cut, lambda: self.people.service.rotate_index(dataset, column))

    def settle(self, dataset, column, cut, act):
        code = self.attempt(act, cut)
        is_whole = code is None or code == "index.exists"  # it was whole when it was cut off
        (self.indexed.add if is_whole else self.indexed.discard)((dataset, column))
        assert is_whole or code == "index.unread"

    @rule(dataset=SETS, column=COLUMNS)
    def unindex(self, dataset, column):
        if (dataset, column) in self.indexed:
            self.people.service.drop_index(dataset, column)
            self.indexed.discard((dataset, column))

    @rule(dataset=SETS)
    def drop(self, dataset):
        if dataset in self.held:
            self.people.service.drop(dataset)
            del self.held[dataset]
            self.indexed -= {(dataset, MAIL), (dataset, "other")}

    @rule()
    def end_epoch(self):
        self.attempt(lambda: self.people.service.change_epoch(is_ending=True))
        self.indexed = {
            (d, c) for d, c in self.indexed if any(i["column"] == c for i in self.people.service.indexes(d))
        }

    @invariant()
    def a_search_finds_exactly_those_who_hold_it(self):
        form = new_form("email")
        for dataset, column in self.indexed:
            normal = {v: form.normalise([v])[0] for v in VALUES}
            for value in ("a@x.org", "bc@x.org", "d+1@x.org", "z@x.org"):
                told = self.held[dataset].items()
                wanted = {ref for ref, values in told if value in {normal[v] for v in values}}
                assert self.people.find(dataset, value, column) == wanted

    @invariant()
    def no_term_stands_in_two_indexes_or_in_none(self):
        records = self.people.held(BlindTerm)
        assert len({t.term for t in records}) == len({(t.term, t.index_id) for t in records})
        if not self.indexed:
            assert not records or any(i for d in self.held for i in self.people.service.indexes(d))


def test_a_search_finds_exactly_those_who_hold_a_value():
    run_state_machine_as_test(
        Indexed, settings=settings(max_examples=25, stateful_step_count=14, deadline=None)
    )


def test_equal_values_of_two_tenants_have_unrelated_terms():
    found = []
    for tenant in ("w-one", "w-two"):
        people = People(tenant)
        people.collect("club", [("p1", "a@x.org")])
        people.service.make_index("club", MAIL, "email")
        people.service.make_index("club", "other", "email")
        found += [{term for term, _ in people.terms(column)} for column in (MAIL, "other")]
    assert len(set.union(*found)) == 4
