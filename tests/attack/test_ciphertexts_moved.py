"""Proves that what is sealed or wrapped opens in its own place only, whatever kind of record it lies in.

Each sealed field of each kind of record is moved, beside the program, to every other place it could lie
in: another row, so another person, column, data set or entry; another field of the record; a workspace of
another tenant under the very same master key; and, where a version is part of the place, another version.
The use that opens it must end in an integrity error without a value, and leave the records as they were.
A new kind with a sealed field fails here until it has a case.
"""

from __future__ import annotations

import itertools
import typing
from dataclasses import fields, replace

import numpy as np
import pytest
from tests.attack.rolling import HEADER, founded, tokenised
from tests.simulator.adapters import SetClock, copied_shelf, copied_store
from tests.simulator.asking import OWNER
from tests.simulator.model import CARE
from tests.simulator.recording import SQL, Counts, Rows

from hedgerow.adapters.engines import DuckEngine
from hedgerow.adapters.keys.memory import MemoryKeys
from hedgerow.adapters.store.memory import key_of
from hedgerow.app.service import Service
from hedgerow.app.wiring import wire
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import ALL_RECORDS, Bucket, Subject, VaultToken
from hedgerow.model.remembered import Remembered, ToRemember
from hedgerow.model.uses import UseRequest
from hedgerow.model.words import Basis
from hedgerow.spine.quarantine import Broken

# Bytes that are no ciphertext: keyed hashes, and what is signed or hashed itself.
IN_PLAIN = {
    ("subjects", "lookup"),
    ("tombstones", "lookup"),
    ("forgotten", "lookup"),
    ("journal", "body"),
    ("journal_head", "frontier"),
    ("blind_terms", "term"),
    ("seen_logs", "root"),
    ("public_tables", "body"),
}
PEOPLE = ("ann", "bob", "cem", "dan")
RUNS = ("arrivals", "others")
LEFT = ("left", "left-again")


def sealed_fields():
    """Every field of every kind of record that holds bytes and is not known to be in plain."""
    for kind in ALL_RECORDS:
        hints = typing.get_type_hints(kind)
        for each in fields(kind):
            kinds = (hints[each.name], *typing.get_args(hints[each.name]))
            if bytes in kinds and (kind.TABLE, each.name) not in IN_PLAIN:
                yield kind, each.name


def household(tenant, keys):
    world = founded(tenant, keys)
    world.collect("visits", PEOPLE, with_consent=True)
    world.collect("bills", PEOPLE[:3])
    for place in range(2):
        arrival = world._arrival("visits", {90 + place: "ann"}, {CARE: Basis.CONTRACT}, ())
        rows = tuple(Broken(9, "too many cells", b"eve,%d" % line) for line in range(2))
        nobody = {"table": arrival.table.slice(0, 0), "lines": arrival.lines[:0]}
        world.spine.intake.take(replace(arrival, header=HEADER, broken=rows, **nobody), OWNER)
    for request in ("first", "second"):
        ask(world.service, request)
    for request in LEFT:
        tokenised(world.spine, "visits", request)
    for ref in PEOPLE:
        for _ in range(2):
            world.service.show_subject(ref)
    every_opening(world.service)
    for name in ("once", "twice"):
        remember(world.service, name)
    return world


def remember(service, name):
    """Remember who was in which class of a release that left."""
    with service.spine.store.read() as reader:
        people = np.array(sorted(each.number for each in reader.find(Subject)), dtype=np.int64)
    rows = Remembered(("tag",), (), 2, 2, (len(people),), people, people * 0, {"tag": people % 7})
    wish = UseRequest(OWNER, CARE, "visits", {"release": f"R-{name}"}, name)
    service.spine.gate.use(wish, Remembering(rows))


class Remembering(Rows):
    """A release of which is remembered what the test says."""

    def __init__(self, rows):
        super().__init__(Silent())
        self.rows = rows

    def run(self, lease, plan):
        remembered = ToRemember(self.rows, lease.earlier().stamp)
        return replace(super().run(lease, plan), remembered=remembered, kept=False)


def every_memory(service):
    with service.spine.store.read() as reader:
        service.spine.memory.earlier(reader, "visits")


def ask(service, request_id):
    wish = UseRequest(
        OWNER,
        CARE,
        "visits",
        {"sql": SQL.format(dataset="visits"), "epsilon": "0.01"},
        request_id,
        fresh=True,
    )
    return service.spine.gate.use(wish, Counts(Silent()))


class Silent:
    def on_run(self):
        """Nobody listens."""

    def on_counted(self, exact):
        """Nobody listens."""

    def on_seen(self, tags):
        """Nobody listens."""


def everybody(act):
    return lambda service: [act(service, ref) for ref in PEOPLE]


def open_batches(service):
    with service.spine.store.read() as reader:
        for batch in service.spine.quarantine.batches(reader):
            service.spine.quarantine.rows(reader, batch)


def every_token(service):
    with service.spine.store.read() as reader:
        for release in (f"R-{name}" for name in LEFT):
            marks = reader.values(VaultToken, "mark", release=release)
            service.spine.revealing.drawn.meanings(reader, release, marks)


def every_table(service):
    for dataset in ("visits", "bills"):
        wish = UseRequest(
            OWNER,
            CARE,
            dataset,
            {"sql": SQL.format(dataset=dataset), "epsilon": "0.01"},
            f"all-{dataset}",
            fresh=True,
        )
        service.spine.gate.use(wish, Counts(Silent()))


def every_opening(service):
    made = {"of": "COUNT(*)", "steps": 4, "epsilon": "0.01"}
    for name in RUNS:
        service.open_run("running", name, "visits", made, purpose=CARE, request_id=f"opening {name}")


def every_answer(service):
    every_opening(service)
    for name in ("first", "second"):
        ask(service, name)
    for name in LEFT:
        tokenised(service.spine, "visits", name)


def every_run(service):
    for name in RUNS:
        service.show_run("running", name)


# What a person does that opens each; the workspace itself opens with its secrets.
USES = {
    ("secrets", "wrapped"): lambda _: None,
    ("buckets", "wrapped"): every_table,
    ("subjects", "wrapped"): everybody(lambda service, ref: service.export_subject(ref)),
    ("sealed_fields", "sealed"): everybody(lambda service, ref: service.export_subject(ref)),
    ("vault_tokens", "sealed"): every_token,
    ("commitments", "sealed"): everybody(lambda service, ref: service.show_subject(ref)),
    ("requests", "wrapped"): every_answer,
    ("requests", "sealed"): every_answer,
    ("runs", "wrapped"): every_run,
    ("runs", "sealed"): every_run,
    ("released_people", "sealed"): every_memory,
    ("quarantine_batches", "wrapped"): open_batches,
    ("quarantined_rows", "sealed"): open_batches,
}
CASES = list(sealed_fields())


@pytest.fixture(scope="module")
def houses():
    keys = MemoryKeys()
    return household("w-ours", keys), household("w-theirs", keys)


def opened(world, store, shelf=None):
    shelf = shelf or world.inner_shelf
    spine = wire(store, world.keys, DuckEngine(shelf, threads=1), shelf, SetClock(world.clock.now()))
    return Service(spine, OWNER)


def moves(kind, name, ours, theirs):
    """Every place a ciphertext could be moved to: what is told of the move, and the records changed by it."""
    rows = [row for row in ours.values() if getattr(row, name) is not None]
    for one, other in itertools.permutations(rows, 2):
        yield "another row", replace(one, **{name: getattr(other, name)})
    for row, foreign in itertools.product(rows, theirs.values()):
        if getattr(foreign, name) is not None:
            yield "another tenant", replace(row, **{name: getattr(foreign, name)})
    for other_kind, field in CASES:
        if other_kind is kind and field != name:
            for row in rows:
                yield "another field", replace(row, **{name: getattr(row, field)})


def test_every_sealed_field_has_a_case():
    assert {(kind.TABLE, name) for kind, name in CASES} == set(USES)


@pytest.mark.parametrize(("kind", "name"), CASES, ids=lambda each: getattr(each, "TABLE", each))
def test_what_was_moved_does_not_open(houses, kind, name):
    ours, theirs = houses
    tables = ours.inner_store._tables
    use, tried = USES[kind.TABLE, name], set()
    use(opened(ours, copied_store(ours.inner_store)))
    foreign = theirs.inner_store._tables[kind.TABLE]
    for way, moved in moves(kind, name, tables[kind.TABLE], foreign):
        if (way, place := tried_place(way, moved)) in tried:
            continue
        tried.add((way, place))
        changed = {**tables, kind.TABLE: {**tables[kind.TABLE], key_of(moved): moved}}
        store = copied_store(ours.inner_store)
        store._tables = changed
        with pytest.raises(HedgerowError) as caught:
            use(opened(ours, store))
        assert (caught.value.row.exit, caught.value.details.keys() & {"value", "ref"}) == (6, set()), way
        known = {"envelope.unreadable", "quarantine.altered", "records.differ", "run.rolled-back"}
        if caught.value.code not in known:
            # Where no wrapped key belongs, a ciphertext reads as one of a key that nobody has.
            wanted = "keys.epoch-unknown" if way == "another field" else "integrity.bucket-altered"
            assert caught.value.code == wanted
        # A use that was refused leaves its own traces, and nothing else differs.
        for other, _ in CASES:
            assert changed[other.TABLE].items() <= store._tables[other.TABLE].items()
    assert {way for way, _ in tried} >= {"another row", "another tenant"}


def tried_place(way, moved):
    """One move of each way into each place is enough."""
    return way, key_of(moved) if way != "another tenant" else None


def test_table_files_moved_under_each_other_s_names_do_not_open(houses):
    ours, _ = houses
    with ours.read() as reader:
        buckets = reader.find(Bucket)
    assert len({bucket.dataset for bucket in buckets}) == 2
    for one, other in itertools.permutations(buckets, 2):
        shelf = copied_shelf(ours.inner_shelf)
        shelf._files = {**shelf._files, one.file: shelf._files[other.file]}
        with pytest.raises(HedgerowError) as caught:
            every_table(opened(ours, copied_store(ours.inner_store), shelf))
        assert (caught.value.row.exit, caught.value.code.split(".")[0]) == (6, "integrity")


def test_a_table_file_under_another_version_does_not_open(houses):
    ours, _ = houses
    tables = ours.inner_store._tables
    for bucket in tables["buckets"].values():
        moved = replace(bucket, written_version=bucket.written_version + 1)
        store = copied_store(ours.inner_store)
        store._tables = {**tables, "buckets": {**tables["buckets"], key_of(bucket): moved}}
        with pytest.raises(HedgerowError) as caught:
            every_table(opened(ours, store))
        assert (caught.value.row.exit, caught.value.code.split(".")[0]) == (6, "integrity")


def test_two_people_whose_source_ids_were_swapped_are_not_taken_for_each_other():
    """The keyed index is bound to no key; what the person's own record says is."""
    world = household("w-swapped", None)
    with world.inner_store.write() as tx:
        ann, bob = (tx.find(Subject, lookup=world.spine.vault.lookup(ref))[0] for ref in ("ann", "bob"))
        tx.put(replace(ann, lookup=bob.lookup))
        tx.put(replace(bob, lookup=ann.lookup))
    for act in (world.service.show_subject, world.service.erase_subject):
        for ref in ("ann", "bob"):
            with pytest.raises(HedgerowError) as caught:
                act(ref)
            assert caught.value.code == "records.differ"
    assert world.service.show_subject("cem")
