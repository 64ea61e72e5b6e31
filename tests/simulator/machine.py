"""The machine that interleaves every act with every other and with crashes."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.simulator.invariants import check
from tests.simulator.model import CARE, RESEARCH
from tests.simulator.world import World

REFS = st.sampled_from(["ann", "bob", "cem", "dee"])
GROUPS = st.lists(REFS, min_size=1, max_size=3, unique=True)
DATASETS = st.sampled_from(["visits", "bills"])
PURPOSES = st.sampled_from([RESEARCH, RESEARCH, CARE])
EPSILONS = st.sampled_from([Fraction(1, 4), Fraction(1, 2), Fraction(1)])
# A fresh id, or one of those asked before.
IDS = st.none() | st.integers(0, 5)
CRASHES = st.none() | st.none() | st.tuples(st.integers(0, 9), st.booleans())
MEANWHILE = st.none() | st.tuples(st.sampled_from(["erase", "withdraw", "again", "fail", "drop"]), REFS)

SETTINGS = settings(
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    verbosity=Verbosity.quiet,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Simulation(RuleBasedStateMachine):
    """Every act a workspace knows, in any order, each cut off anywhere."""

    @initialize()
    def start(self):
        self.world = World()
        self.world.let_approve()
        self.fresh = 0
        self.world.collect("visits", ["ann", "bob", "cem"])
        self.world.collect("bills", ["bob", "cem"])
        for ref in ("ann", "bob"):
            self.world.choose(ref, granted=True, late=False)

    @rule(dataset=DATASETS, refs=GROUPS, crash=CRASHES, consent=st.booleans())
    def collect(self, dataset, refs, crash, consent):
        self.world.collect(dataset, refs, crash, with_consent=consent)

    @rule(ref=REFS, granted=st.booleans(), late=st.sampled_from([False, False, True]), crash=CRASHES)
    def choose(self, ref, granted, late, crash):
        self.world.choose(ref, granted=granted, late=late, crash=crash)

    @rule(dataset=DATASETS, purpose=PURPOSES, epsilon=EPSILONS, key=IDS, crash=CRASHES, meanwhile=MEANWHILE)
    def query(self, dataset, purpose, epsilon, key, crash, meanwhile):
        self._use(("count", dataset, purpose, epsilon), key, crash, meanwhile)

    @rule(dataset=DATASETS, purpose=PURPOSES, key=IDS, crash=CRASHES, meanwhile=MEANWHILE)
    def release(self, dataset, purpose, key, crash, meanwhile):
        self._use(("rows", dataset, purpose, None), key, crash, meanwhile)

    def _use(self, asked, key, crash, meanwhile):
        known = list(self.world.model.answers)
        self.fresh += 1
        request_id = known[key % len(known)] if known and key is not None else f"id-{self.fresh}"
        self.world.use(asked, request_id, crash, None if crash else meanwhile)

    @rule(key=st.integers(0, 5), crash=CRASHES)
    def repeat(self, key, crash):
        known = list(self.world.model.answers)
        if known:
            request_id = known[key % len(known)]
            self.world.use(self.world.model.answers[request_id].asked, request_id, crash)

    @rule(
        dataset=st.sampled_from(["visits", "visits", "visits", "bills"]),
        epsilon=st.sampled_from([Fraction(1, 8), Fraction(1, 8), Fraction(1, 8), Fraction(1, 4)]),
        crash=CRASHES,
        decided=st.sampled_from([None, ("petra", True), ("petra", True), ("petra", False), ("ana", True)]),
        between=st.sampled_from(["nothing", "nothing", "wait", "erase"]),
    )
    def ask(self, dataset, epsilon, crash, decided, between):
        for is_again in (False, True) if decided is not None else (False,):
            if is_again:
                self.world.decide(0, decided[0], granted=decided[1])
                self.world.clock.advance(days=8 if between == "wait" else 0)
                if between == "erase":
                    self.world.erase("cem")
            self.fresh += 1
            self.world.ask(dataset, epsilon, f"ana-{self.fresh}", crash)

    @rule(
        place=st.sampled_from([0, 0, 0, 1, 2]),
        who=st.sampled_from(["petra", "petra", "petra", "ana", "owner"]),
        granted=st.sampled_from([True, True, False]),
        crash=CRASHES,
    )
    def decide(self, place, who, granted, crash):
        self.world.decide(place, who, granted=granted, crash=crash)

    @rule(ref=REFS, crash=CRASHES)
    def erase(self, ref, crash):
        self.world.erase(ref, crash)

    @rule(dataset=DATASETS, crash=CRASHES)
    def drop(self, dataset, crash):
        self.world.drop(dataset, crash)

    @rule(ref=REFS)
    def look(self, ref):
        self.world.look(ref)

    @rule(forbidden=st.sampled_from([False, False, True]), crash=CRASHES)
    def change_policy(self, forbidden, crash):
        if forbidden or self.world.model.is_forbidden:
            self.world.forbid(forbidden=forbidden, crash=crash)

    @rule(
        purpose=PURPOSES,
        epsilon=st.sampled_from([Fraction(1, 2), Fraction(4)]),
        delta=st.sampled_from([Fraction(0), Fraction(0), Fraction(1, 100)]),
        days=st.sampled_from([0, 0, 0, 0, 3, 30]),
    )
    def allocate_and_wait(self, purpose, epsilon, delta, days):
        self.world.allocate("visits", purpose, epsilon, delta)
        self.world.clock.advance(days=days, hours=1)

    @rule(what=st.sampled_from(["snapshot", "restore", "restart"]))
    def back_up(self, what):
        if what == "snapshot":
            self.world.take_snapshot()
        elif what == "restart":
            self.world.restart()
        elif self.world.snapshot is not None:
            self.world.restore()

    @invariant()
    def holds(self):
        check(self.world)


RULES = (
    "collect", "choose", "query", "release", "repeat", "ask", "decide", "erase", "drop", "look",
    "change_policy", "allocate_and_wait", "back_up",
)  # fmt: skip


def narrowed(rules):
    """Make the same machine with some of its acts only."""
    return type("Narrowed", (Simulation,), {name: None for name in RULES if name not in rules})
