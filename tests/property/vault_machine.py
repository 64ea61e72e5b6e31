"""The machine that interleaves all that touches what is kept of people, and cuts it off anywhere."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.property.vault_base import FIRST
from tests.property.vault_world import VaultWorld

REFS = st.sampled_from([*FIRST, "P-dee"])
GROUPS = st.lists(REFS, min_size=1, max_size=2, unique=True)
CRASHES = st.none() | st.none() | st.tuples(st.integers(0, 14), st.booleans())
WHICH = st.sampled_from(["newest", None, 0, "newest", -1])
GIVEN = st.sampled_from([("newest", "newest"), ("newest", None), (0, "newest"), ("newest", 0), (0, None)])

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


class VaultMachine(RuleBasedStateMachine):
    """Every act that touches what is kept of people, in any order, each cut off anywhere."""

    world = None

    @initialize()
    def start(self):
        self.world = VaultWorld()

    @rule(refs=GROUPS, consent=st.booleans(), crash=CRASHES)
    def collect(self, refs, consent, crash):
        self.world.collect(refs, with_consent=consent, crash=crash)

    @rule(ref=REFS, crash=CRASHES)
    def erase(self, ref, crash):
        self.world.erase(ref, crash)

    @rule(ends=st.booleans(), crash=CRASHES)
    def change_keys(self, ends, crash):
        (self.world.end_epoch if ends else self.world.rotate)(crash)

    @rule(rotates=st.booleans(), crash=CRASHES)
    def index(self, rotates, crash):
        self.world.index(rotates=rotates, crash=crash)

    @rule(ref=REFS)
    def look(self, ref):
        self.world.look(ref)

    @rule(crash=CRASHES)
    def spend(self, crash):
        self.world.spend(crash)

    @rule(crash=CRASHES)
    def backup(self, crash):
        self.world.backup(crash)

    @rule(ref=REFS)
    def backup_and_erase(self, ref):
        self.world.backup()
        self.world.erase(ref)

    @rule(place=st.integers(0, 3), lists=WHICH, heads=WHICH, goes_on=st.booleans(), crash=CRASHES)
    def restore(self, place, lists, heads, goes_on, crash):
        self.world.restore(place, lists, heads, goes_on=goes_on, crash=crash)

    @rule(ref=REFS, spends=st.booleans(), given=GIVEN, goes_on=st.booleans())
    def lose_all_and_restore(self, ref, spends, given, goes_on):
        self.world.backup()
        self.world.check()
        self.world.erase(ref)
        if spends:
            self.world.spend()
        self.world.check()
        self.world.restore(-1, *given, goes_on=goes_on)

    @rule(ref=REFS, crash=CRASHES)
    def make_final(self, ref, crash):
        self.world.backup()
        self.world.erase(ref)
        self.world.end_epoch(crash)

    @invariant()
    def holds(self):
        if self.world is not None:
            self.world.check()

    def teardown(self):
        if self.world is None:
            return
        try:
            self.world.check(is_thorough=True)
        finally:
            self.world.close()
