"""Proves consent: the latest choice by its own time is in force, in whatever order choices are recorded."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.adapters.store.memory import MemoryStore
from hedgerow.model.records import ConsentEvent, ConsentState, Dataset, DatasetPurpose, Member, Released
from hedgerow.model.words import Basis
from hedgerow.spine.consent import Choice, Consents
from hedgerow.spine.erasure import was_covered

QUICK = settings(max_examples=50, deadline=None)
PEOPLE, PURPOSES, DATASETS = range(1, 6), ("research", "care"), ("visits", "bills")
CHOICES = st.builds(
    Choice,
    st.sampled_from(PEOPLE),
    st.sampled_from(PURPOSES),
    st.booleans(),
    st.integers(0, 6).map(lambda day: f"2026-03-0{day + 1}T00:00:00.000Z"),
    st.sampled_from(["v1", "v2"]),
    st.just("form"),
)
BATCHES = st.lists(st.lists(CHOICES, max_size=6), max_size=8)
MEMBERS = st.sets(st.tuples(st.sampled_from(DATASETS), st.sampled_from(PEOPLE)))


class Stopped:
    def now(self):
        return datetime(2026, 4, 1, tzinfo=UTC)


def _record(store, consents, batch):
    with store.write() as tx:
        return len(consents.record(tx, batch, "officer"))


class Naive:
    """The same in one list: the latest choice counts; of two of one moment the refusal."""

    def __init__(self):
        self.made = []

    def record(self, batch):
        new = []
        for choice in sorted(batch, key=lambda c: (c.time, not c.granted)):
            if choice not in self.made and choice not in new:
                new.append(choice)
        self.made += new
        return len(new)

    def granted(self, number, purpose):
        own = [
            (c.time, not c.granted, i, c.granted)
            for i, c in enumerate(self.made)
            if (c.number, c.purpose) == (number, purpose)
        ]
        return max(own)[3] if own else None


@given(BATCHES)
@QUICK
def test_the_state_is_the_latest_choice_by_time_of_the_choice(batches):
    store, consents, naive = MemoryStore(), Consents(), Naive()
    for batch in batches:
        assert _record(store, consents, batch) == naive.record(batch)
        with store.read() as reader:
            assert consents.version(reader) == len(naive.made)
            states = {(s.number, s.purpose): s.granted for s in reader.find(ConsentState)}
            events = reader.find(ConsentEvent)
        assert states == {
            (n, p): naive.granted(n, p) for n in PEOPLE for p in PURPOSES if naive.granted(n, p) is not None
        }
        assert [e.version for e in events] == list(range(1, len(naive.made) + 1))


@given(
    st.lists(CHOICES, min_size=2, max_size=8, unique_by=lambda c: (c.number, c.purpose, c.time)), st.randoms()
)
@QUICK
def test_the_order_of_recording_does_not_matter(choices, shuffle):
    def states(ordered):
        store, consents = MemoryStore(), Consents()
        for choice in ordered:
            _record(store, consents, [choice])
        with store.read() as reader:
            return {(s.number, s.purpose): s.granted for s in reader.find(ConsentState)}

    mixed = list(choices)
    shuffle.shuffle(mixed)
    assert states(mixed) == states(choices)


@given(CHOICES, CHOICES)
@QUICK
def test_an_older_choice_told_late_never_undoes_a_newer_one(newer, older):
    newer = Choice(1, "research", newer.granted, "2026-03-20T00:00:00.000Z", "v2", "form")
    older = Choice(1, "research", older.granted, "2026-03-10T00:00:00.000Z", "v1", "form")
    store, consents = MemoryStore(), Consents()
    _record(store, consents, [newer])
    _record(store, consents, [older])
    with store.read() as reader:
        assert reader.get(ConsentState, "research", 1).granted is newer.granted
        assert reader.count(ConsentEvent) == 2


@given(BATCHES, MEMBERS, st.sampled_from(list(Basis)))
@QUICK
def test_who_is_covered_equals_the_naive_answer_after_every_change(batches, members, basis):
    store, consents, naive = MemoryStore(), Consents(), Naive()
    version = 1
    _settle(store, members, version)
    for batch in batches:
        _record(store, consents, batch)
        naive.record(batch)
        if members and len(batch) % 2:
            version += 1
            members = members - {min(members)}
            _settle(store, members, version)
        for dataset in DATASETS:
            for purpose in PURPOSES:
                with store.read() as reader:
                    # Twice: the second answer may come from the cache.
                    told = [consents.covered(reader, dataset, version, purpose, basis) for _ in range(2)]
                    alone = [n for n in PEOPLE if consents.covers(reader, dataset, n, purpose, basis)]
                wanted = sorted(
                    n for d, n in members
                    if d == dataset and (basis is not Basis.CONSENT or naive.granted(n, purpose))
                )  # fmt: skip
                assert [each.tolist() for each in told] == [wanted, wanted]
                assert alone == wanted
                assert told[0].dtype == np.int64
                assert not told[0].flags.writeable


def _settle(store, members, version):
    with store.write() as tx:
        tx.remove(Member)
        tx.add(Member(d, n, 1) for d, n in members)
        for dataset in DATASETS:
            tx.put(Dataset(dataset, version, "id", "t"))


def _released(purpose, version):
    return Released("R", "visits", 1, version, purpose, "t", "owner", "t", "{}", 0)


def test_on_another_basis_than_consent_every_member_was_covered():
    store = MemoryStore()
    with store.write() as tx:
        tx.put(DatasetPurpose("visits", "care", "contract", "t"))
        assert was_covered(tx, 1, _released("care", 0))
        assert not was_covered(tx, 1, _released("research", 0))


@given(st.lists(CHOICES, max_size=10))
@QUICK
def test_who_was_covered_at_a_version_is_who_was_then(choices):
    store, consents = MemoryStore(), Consents()
    naive = Naive()
    history = []
    for choice in choices:
        _record(store, consents, [choice])
        naive.record([choice])
        history.append({(n, p): naive.granted(n, p) for n in PEOPLE for p in PURPOSES})
    with store.write() as tx:
        tx.add(DatasetPurpose("visits", purpose, "consent", "t") for purpose in PURPOSES)
    with store.read() as reader:
        versions = {}
        for state in history:
            versions.setdefault(len(versions) + 1, state)
        last = consents.version(reader)
        for (number, purpose), granted in (history[-1] if history else {}).items():
            assert was_covered(reader, number, _released(purpose, last)) is bool(granted)
