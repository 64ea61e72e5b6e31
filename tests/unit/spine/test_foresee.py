"""Proves that what is foreseen of an intake is what the intake then does, whatever was held before."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.simulator.model import CARE, RESEARCH
from tests.simulator.world import BASES, OWNER, World

from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import Subject
from hedgerow.spine.foresee import People
from hedgerow.spine.intake import ConsentLine

REFS = ("ann", "bob", "cat", "dan", "eve")
TIMES = ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z")
refs = st.lists(st.sampled_from(REFS), min_size=1, max_size=8)
lines = st.lists(
    st.builds(
        ConsentLine,
        ref=st.sampled_from((*REFS, " ann", "zoe")),
        purpose=st.sampled_from((RESEARCH, CARE)),
        granted=st.booleans(),
        time=st.sampled_from((*TIMES, "2099-01-01T00:00:00.000Z")),
        notice=st.just("v1"),
        channel=st.just("form"),
    ),
    max_size=6,
)


def said(ref, time, *, yes):
    return ConsentLine(ref, RESEARCH, yes, time, "v1", "form")


def arrival_of(world, names, consents, *, dataset="visits"):
    tags = {world.tag + n: ref for n, ref in enumerate(names)}
    world.tag += len(names)
    return world._arrival(dataset, tags, BASES, tuple(consents))


def covered_after(world, arrival):
    """Count the people and rows of an arrival that a use for research would see."""
    spine = world.spine
    with world.read() as reader:
        record = spine.catalog.require_dataset(reader, arrival.dataset)
        numbers = set(
            spine.consents.covered(
                reader, arrival.dataset, record.version, RESEARCH, BASES[RESEARCH]
            ).tolist()
        )
        lookups = {s.lookup for s in reader.find(Subject) if s.number in numbers}
    named = [spine.vault.lookup(ref) for ref in arrival.table.column("id").to_pylist()]
    return len(set(named) & lookups), sum(lookup in lookups for lookup in named)


@settings(max_examples=50, deadline=None)
@given(before=refs, chosen=lines, gone=st.sets(st.sampled_from(REFS)), names=refs, consents=lines)
@example(
    before=["bob"], chosen=[], gone=set(), names=["ann"],
    consents=[said("ann", TIMES[1], yes=False), said("ann", TIMES[0], yes=True)],
)  # fmt: skip
@example(
    before=["ann", "bob"], chosen=[], gone={"ann"}, names=["ann", "ann", "bob"],
    consents=[said("ann", "2099-01-01T00:00:00.000Z", yes=True)],
)  # fmt: skip
@example(
    before=["ann"], chosen=[said("ann", TIMES[2], yes=True)], gone=set(), names=["ann"],
    consents=[said("ann", TIMES[0], yes=False)],
)  # fmt: skip
def test_what_is_foreseen_happens(before, chosen, gone, names, consents):
    world = World()
    world.spine.intake.take(arrival_of(world, before, chosen), OWNER)
    for ref in gone & set(before):
        world.service.erase_subject(ref)
    arrival = arrival_of(world, names, consents)
    told = world.spine.intake.foresee(arrival, counts=True)
    taken = world.spine.intake.take(arrival, OWNER)
    assert told.exists
    assert (told.rows, told.people) == (taken.rows, taken.people)
    assert (told.held.new, told.held.erased_rows) == (taken.new_people, len(taken.left_out))
    assert told.held.rows == len(before) - sum(ref in gone for ref in before)
    assert told.held.present == len((set(names) & set(before)) - gone)
    by_purpose = {c.purpose: c for c in told.coverage}
    assert (by_purpose[RESEARCH].people, by_purpose[RESEARCH].rows) == covered_after(world, arrival)
    assert (by_purpose[CARE].people, by_purpose[CARE].rows) == (taken.people, taken.rows)
    assert sum(told.choices.values()) == len(consents)
    assert told.choices_of_others == sum(c.ref.strip() not in names for c in consents)


def test_without_counts_only_the_source_speaks():
    world = World()
    consents = [ConsentLine("ann", RESEARCH, True, TIMES[0], "", "")]
    world.spine.intake.take(arrival_of(world, ["ann", "bob"], consents), OWNER)
    arrival = arrival_of(world, ["ann", "cat"], [])
    told = world.spine.intake.foresee(arrival, counts=False)
    stranger = world.spine.intake.foresee(arrival_of(world, ["dan", "eve"], []), counts=False)
    assert told == stranger
    assert told.held is None
    assert told.coverage[0].people == 0
    assert world.spine.intake.foresee(arrival, counts=True).coverage[0].people == 1


@pytest.mark.parametrize("few", [True, False])
def test_one_pass_and_single_questions_find_the_same_people(monkeypatch, few):
    world = World()
    world.spine.intake.take(arrival_of(world, REFS, []), OWNER)
    monkeypatch.setattr("hedgerow.spine.intake._QUESTION_COSTS", 0 if few else 20)
    held = world.spine.intake.foresee(arrival_of(world, ["bob", "zoe"], []), counts=True).held
    assert (held.present, held.new) == (1, 1)


def test_foreseeing_meets_what_taking_would_meet():
    world = World()
    arrival = arrival_of(world, ["ann"], [])
    world.spine.intake.take(arrival, OWNER)
    assert world.spine.intake.foresee(arrival, counts=False).taken_before
    fewer = replace(arrival, columns=arrival.columns[:-1])
    unnamed = replace(arrival, bases={RESEARCH: BASES[RESEARCH]}, again=True)
    overlong = arrival_of(world, ["ann"], [ConsentLine("x" * 2000, RESEARCH, True, TIMES[0], "", "")])
    for wrong in (fewer, unnamed, overlong):
        codes = []
        for act in (lambda w=wrong: world.spine.intake.foresee(w, counts=False),
                    lambda w=wrong: world.spine.intake.take(w, OWNER)):  # fmt: skip
            with pytest.raises(HedgerowError) as caught:
                act()
            codes.append(caught.value.code)
        assert codes[0] == codes[1]


@pytest.mark.parametrize(
    ("column", "rows"),
    [
        (["b", "a", "b"], {"b": 2, "a": 1}),
        (["a", " a", "a "], {"a": 3}),
        (["e\u0301", "\u00e9"], {"\u00e9": 2}),
        (["a b", "a\x1f"], {"a b": 1, "a": 1}),
        ([7, 8, 7], {"7": 2, "8": 1}),
        ([], {}),
    ],
)
def test_people_are_counted_by_the_id_that_is_indexed(column, rows):
    kind = pa.int64() if column[:1] == [7] else pa.string()
    found = People.of(pa.chunked_array([pa.array(column, kind)]))
    assert {ref: int(found.rows[place]) for ref, place in found.places.items()} == rows
