"""The machine that interleaves every act with every other and with crashes."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.simulator.invariants import check
from tests.simulator.model import CARE, RESEARCH
from tests.simulator.world import UNTIL, World

REFS = st.sampled_from(["ann", "bob", "cem", "dee"])
GROUPS = st.lists(REFS, min_size=1, max_size=3, unique=True)
DATASETS = st.sampled_from(["visits", "bills"])
PURPOSES = st.sampled_from([RESEARCH, RESEARCH, CARE])
EPSILONS = st.sampled_from([Fraction(1, 4), Fraction(1, 2), Fraction(1)])
IDS = st.sampled_from([f"id-{n}" for n in range(6)])
CRASHES = st.none() | st.none() | st.tuples(st.integers(0, 9), st.booleans())
MEANWHILE = st.none() | st.tuples(st.sampled_from(["erase", "withdraw", "again"]), REFS)

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
        self.world.collect("visits", ["ann", "bob", "cem"])
        for ref in ("ann", "bob"):
            self.world.choose(ref, granted=True, late=False)

    @rule(dataset=DATASETS, refs=GROUPS, crash=CRASHES, consent=st.booleans())
    def collect(self, dataset, refs, crash, consent):
        over = self.world.clock.now().date() > UNTIL[RESEARCH]
        if dataset in self.world.model.rows or not over:
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
        if asked[1] in self.world.model.rows:
            self.world.use(asked, key, crash, None if crash else meanwhile)

    @rule(key=IDS, crash=CRASHES)
    def repeat(self, key, crash):
        known = self.world.model.answers.get(key)
        if known is not None:
            self.world.use(known.asked, key, crash)

    @rule(ref=REFS, crash=CRASHES)
    def erase(self, ref, crash):
        self.world.erase(ref, crash)

    @rule(ref=REFS)
    def look(self, ref):
        self.world.look(ref)

    @rule(forbidden=st.booleans(), crash=CRASHES)
    def change_policy(self, forbidden, crash):
        self.world.forbid(forbidden=forbidden, crash=crash)

    @rule(purpose=PURPOSES, epsilon=st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(4)]))
    def allocate(self, purpose, epsilon):
        self.world.allocate("visits", purpose, epsilon)

    @rule(days=st.sampled_from([0, 0, 1, 4]))
    def wait(self, days):
        self.world.clock.advance(days=days, hours=1)

    @rule()
    def snapshot(self):
        self.world.take_snapshot()

    @precondition(lambda self: self.world.snapshot is not None)
    @rule()
    def restore(self):
        self.world.restore()

    @rule()
    def restart(self):
        self.world.restart()

    @invariant()
    def holds(self):
        check(self.world)
