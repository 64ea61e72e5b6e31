"""The production spine on stand-in adapters, every act paired with what the model says it must do."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pyarrow as pa
from tests.simulator.adapters import (
    START,
    Crash,
    FailingShelf,
    FailingStore,
    FailPoints,
    SetClock,
    copied_shelf,
    copied_store,
)
from tests.simulator.approving import Approving
from tests.simulator.asking import CRASHED, OWNER, Asking
from tests.simulator.model import (
    ALL,
    CARE,
    OWN_LIMIT,
    POPULATION_LIMIT,
    RESEARCH,
    UNTIL,
    Model,
    demand,
)
from tests.simulator.recording import COLUMNS, WARDS

from hedgerow.adapters.engines import DuckEngine
from hedgerow.adapters.files import MemoryShelf
from hedgerow.adapters.keys.memory import MemoryKeys
from hedgerow.adapters.store.memory import MemoryStore
from hedgerow.app.builtin import default_policies
from hedgerow.app.service import Service
from hedgerow.app.wiring import wire
from hedgerow.app.workspace import populate
from hedgerow.kernel.merkle import compare_head, head_from_json, head_to_json
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.plans import ColumnDeclaration, DatasetDeclaration
from hedgerow.model.records import Bucket, ConsentEvent, Dataset, Tombstone
from hedgerow.model.words import Basis
from hedgerow.spine.intake import Arrival, ConsentLine

BASES = {RESEARCH: Basis.CONSENT, CARE: Basis.CONTRACT}
FORBID = (
    '@id("closed") @reason("closed")'
    ' forbid (principal, action in [Action::"query", Action::"release"], resource);'
)
NONE = Fraction(0)
DECLARED = DatasetDeclaration(max_rows=4, columns=(ColumnDeclaration("ward", keys=WARDS),))


@lru_cache(maxsize=1)
def _fresh():
    """Make one empty workspace with its purposes; every run starts on a copy."""
    store, keys, clock = MemoryStore(), MemoryKeys(), SetClock()
    populate(store, keys, clock, tenant="w-simulated")
    shelf = MemoryShelf()
    service = Service(wire(store, keys, DuckEngine(shelf), shelf, clock), OWNER)
    for purpose, until in UNTIL.items():
        service.add_purpose(purpose, "to simulate", "owner", until)
    service.allocate(None, None, POPULATION_LIMIT)
    return store, keys


class World(Approving, Asking):
    """A workspace, its model, and what was seen on the way."""

    def __init__(self):
        base, self.keys = _fresh()
        self.clock = SetClock(START)
        self.points = FailPoints()
        self.inner_store, self.inner_shelf = copied_store(base), MemoryShelf()
        self.model = Model(limits={(ALL, ALL): POPULATION_LIMIT})
        self.tag = 0
        self.current = None  # the use that may open data now
        self.has_run = False
        self.seen = None
        self.meanwhile = None
        self.noted = None
        self.person_keys = {}  # every key a person ever had
        self.heads, self.lost_heads = None, []
        self.snapshot = None
        self.policies = default_policies()
        self.restart()

    def restart(self):
        """Start the program anew over what is on the disk."""
        self.points.disarm()
        self.store = FailingStore(self.inner_store, self.points)
        shelf = FailingShelf(self.inner_shelf, self.points, self.on_open)
        self.spine = wire(self.store, self.keys, DuckEngine(shelf, threads=1), shelf, self.clock)
        self.service = Service(self.spine, OWNER)
        self.spine.tables.sweep(self.store)
        self.service.expire()
        left = self.inner_shelf.names() - self.manifest()
        demand(not left, "c: erased", "a start left files that no manifest names")

    def attempt(self, act, crash=None):
        """Do an act, cut off after some steps when a crash is given as (steps, whether it is a kill)."""
        self.clock.advance(seconds=1)
        if crash is not None:
            self.points.arm(crash[0], kill=crash[1])
        try:
            return act()
        except Crash:
            self.restart()
            return CRASHED
        except Fault as fault:
            # Some acts hear the journal first, before any invariant is looked at.
            demand(not fault.code.startswith("journal."), "e: journal", fault.code)
            raise
        finally:
            self.points.disarm()

    def expect(self, code, invariant, act, crash=None):
        """Demand the error the model foresees, and no other."""
        try:
            outcome = self.attempt(act, crash)
        except HedgerowError as error:
            self.raise_noted()
            demand(error.code == code, invariant, f"{error.code} instead of {code}")
            return error
        self.raise_noted()
        demand(outcome is CRASHED or code is None, invariant, f"nothing instead of {code}")
        return outcome

    def read(self):
        return self.inner_store.read()

    # What goes in

    def collect(self, dataset, refs, crash=None, *, with_consent=False):
        model, is_new = self.model, dataset not in self.model.rows
        tags = {self.tag + i: ref for i, ref in enumerate(refs)}
        self.tag += len(refs)
        self.clock.advance(seconds=1)
        consents = tuple(self._line(ref) for ref in refs) if with_consent else ()
        # Only a consent to a purpose that this very collection serves brings an erased person back.
        serves = with_consent and self.clock.now().date() <= UNTIL[RESEARCH]
        again = {RESEARCH: Basis.CONSENT} if serves else {}
        more = {CARE: Basis.CONTRACT, **again}
        arrival = self._arrival(dataset, tags, BASES if is_new else more, consents)
        before = model.versions.get(dataset, 0)
        if is_new and self.clock.now().date() > UNTIL[RESEARCH]:
            # A data set that is new, or new again, is collected for no purpose that is over.
            self.expect("purpose.ended", "g: purpose", lambda: self.spine.intake.take(arrival, OWNER))
            return
        outcome = self.attempt(lambda: self.spine.intake.take(arrival, OWNER), crash)
        with self.read() as reader:
            found = reader.get(Dataset, dataset)
        version = found.version if found else 0
        if outcome is CRASHED:
            demand(version in (before, before + 1), "f: lost", "an intake was taken in part")
            if version == before:
                return
        demand(version == before + 1, "f: lost", "an intake was not taken")
        model.versions[dataset] = version
        if serves:
            model.erased -= set(refs)
        rows = model.rows.setdefault(dataset, {})
        rows |= {tag: ref for tag, ref in tags.items() if ref not in model.erased}
        model.names |= {ref: name_of(ref) for ref in refs}
        for line in consents if serves else [c for c in consents if c.ref not in model.erased]:
            model.choose(line.ref, line.purpose, line.time, granted=True)
        if is_new:
            for purpose in (RESEARCH, CARE):
                self.allocate(dataset, purpose, OWN_LIMIT)
        self._remember_keys()

    def _line(self, ref):
        return ConsentLine(ref, RESEARCH, True, timestamp(self.clock.now()), "v1", "form")

    def _arrival(self, dataset, tags, bases, consents):
        refs = list(tags.values())
        table = pa.table(
            {
                "id": pa.array(refs, pa.string()),
                "name": pa.array([name_of(ref) for ref in refs], pa.string()),
                "tag": pa.array(list(tags), pa.int64()),
                "ward": pa.array([WARDS[tag % 2] for tag in tags], pa.string()),
            }
        )
        content = hashlib.sha256(repr((dataset, tags)).encode()).hexdigest()
        lines = np.arange(len(refs)) + 2
        declares = DECLARED if bases is BASES else None
        return Arrival(
            dataset, "id", COLUMNS, table, lines, (), "{}", content, bases, consents, declares=declares
        )

    def _remember_keys(self):
        with self.read() as reader:
            for ref in self.model.names:
                person = self.spine.vault.find(reader, ref)
                if person is not None:
                    self.person_keys.setdefault(ref, set()).add(person.key)

    def choose(self, ref, *, granted, late, crash=None):
        model = self.model
        self.clock.advance(seconds=1)
        time = timestamp(self.clock.now()) if not late else timestamp(START)
        code = self._person_code(ref)
        if granted and self.clock.now().date() > UNTIL[RESEARCH]:
            code = "purpose.ended"
        outcome = self.expect(
            code, "c: erased",
            lambda: self.service.choose(
                ref, RESEARCH, granted=granted, notice="v1", channel="form", time=time
            ), crash,
        )  # fmt: skip
        if code is None and (outcome is not CRASHED or self._has_choice(ref, time, granted)):
            model.choose(ref, RESEARCH, time, granted=granted)

    def _has_choice(self, ref, time, granted):
        with self.read() as reader:
            number = self.spine.vault.find(reader, ref).number
            return any(
                e.time == time and e.granted == granted for e in reader.find(ConsentEvent, number=number)
            )

    def _person_code(self, ref):
        if ref in self.model.erased:
            return "subject.erased"
        return None if ref in self.model.names else "subject.unknown"

    # What a person asks

    def look(self, ref):
        """Show, export and read one person."""
        code = self._person_code(ref)
        self.expect(code, "c: erased", lambda: self.service.show_subject(ref))
        exported = self.expect(code, "c: erased", lambda: self.service.export_subject(ref))
        if code is None:
            self._check_export(ref, exported["values"])
        for dataset in self.model.versions:
            wanted = code
            if self.clock.now().date() > UNTIL[RESEARCH]:
                wanted = "purpose.ended"
            elif code is None and dataset not in self.model.rows:
                wanted = "dataset.dropped"
            elif code is None and not self._may_read(ref, dataset):
                wanted = "basis.withdrawn"
            self.expect(
                wanted, "a: basis" if code is None else "c: erased",
                lambda: self.service.read_subject(ref, ["tag"], purpose=RESEARCH, dataset=dataset),  # noqa: B023
            )  # fmt: skip

    def _may_read(self, ref, dataset):
        return ref in self.model.members(dataset) and self.model.has_basis(ref, RESEARCH)

    def _check_export(self, ref, values):
        own = {d: sorted(t for t, r in rows.items() if r == ref) for d, rows in self.model.rows.items()}
        told = {d: sorted(row["tag"] for row in held["rows"]) for d, held in values.items()}
        demand(
            told == {d: tags for d, tags in own.items() if tags}, "f: lost", "an export is not what is held"
        )

    def erase(self, ref, crash=None):
        code = self._person_code(ref)
        outcome = self.expect(code, "c: erased", lambda: self.service.erase_subject(ref), crash)
        if code is not None:
            return
        with self.read() as reader:
            is_gone = reader.get(Tombstone, self.spine.vault.lookup(ref)) is not None
        demand(is_gone or outcome is CRASHED, "c: erased", "an erasure left no tombstone")
        if is_gone:
            self.model.forget(ref)

    def drop(self, dataset, crash=None):
        """Drop a data set; its version tells whether one that was cut off took effect."""
        code = None if dataset in self.model.rows else "dataset.dropped"
        outcome = self.expect(code, "g: dropped", lambda: self.service.drop(dataset), crash)
        if code is not None:
            return
        with self.read() as reader:
            is_gone = bool(reader.get(Dataset, dataset).dropped)
        demand(is_gone or outcome is CRASHED, "g: dropped", "a data set that was dropped is there")
        if is_gone:
            self.model.drop(dataset)

    # What governs

    def forbid(self, *, forbidden, crash=None):
        text = self.policies + (FORBID if forbidden else "")
        with self.read() as reader:
            before = self.spine.policies.newest(reader).version
        self.attempt(lambda: self.service.apply_policy(text), crash)
        with self.read() as reader:
            self.model.policy = self.spine.policies.newest(reader).version
        if self.model.policy > before:
            self.model.is_forbidden = forbidden

    def allocate(self, dataset, purpose, epsilon, delta=NONE):
        if self.clock.now().date() > UNTIL[purpose]:
            return
        code = None if dataset in self.model.rows else "dataset.dropped"
        self.expect(code, "g: dropped", lambda: self.service.allocate(dataset, purpose, epsilon, delta))
        if code is None:
            self.model.deltas[dataset, purpose] = delta
            self.model.limits[dataset, purpose] = epsilon

    # What leaves the house, and what comes back from a backup

    def save_head(self):
        with self.read() as reader:
            note = self.spine.journal.head(reader).checkpoint
        saved = head_to_json(note, self.spine.attestor.verifier, timestamp(self.clock.now()))
        self.heads = head_from_json(saved)

    def take_snapshot(self):
        self.snapshot = (copied_store(self.inner_store), copied_shelf(self.inner_shelf), self.model.copy())

    def restore(self):
        """Put an older copy back, as somebody would who wants the budget or the person back."""
        self.save_head()
        self.inner_store, self.inner_shelf = copied_store(self.snapshot[0]), copied_shelf(self.snapshot[1])
        self.model = self.snapshot[2].copy()
        with self.read() as reader:
            size = self.spine.journal.head(reader).size
        if self.heads.checkpoint.size > size:
            self.lost_heads.append(self.heads)
        self.heads = None
        self.restart()

    def compared(self, head, hashes):
        return compare_head(head, self.spine.attestor.origin, hashes, self.spine.attestor.verifier)

    def manifest(self):
        with self.read() as reader:
            return {bucket.file for bucket in reader.find(Bucket)}


def name_of(ref):
    return f"Name of {ref}"
