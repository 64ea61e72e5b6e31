"""What must hold after every step, asked of the records themselves."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from fractions import Fraction

from tests.simulator.model import RESEARCH, demand
from tests.simulator.world import name_of

from hedgerow.adapters.engines.buckets import open_bucket
from hedgerow.kernel.merkle import leaf_hashes
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import (
    Account,
    Bucket,
    Charge,
    Collected,
    Commitment,
    ConsentEvent,
    ConsentState,
    Dataset,
    DatasetColumn,
    DatasetPurpose,
    Declaration,
    FormerMember,
    JournalEntry,
    Member,
    QuarantineBatch,
    Request,
    SealedField,
    Subject,
    Tombstone,
)
from hedgerow.spine.audit import check_records
from hedgerow.spine.entries import parse_entry
from hedgerow.spine.ledger import read_event, read_told

PERSONAL = (Member, FormerMember, SealedField, ConsentEvent, ConsentState, Commitment)
OF_A_DATASET = (
    Bucket, Collected, DatasetColumn, DatasetPurpose, Declaration, Member, QuarantineBatch, SealedField,
)  # fmt: skip
PROBE = ("count", "visits", RESEARCH, Fraction(1, 4))


def check(world):
    """Ask for all of them."""
    with world.read() as reader:
        _people(world, reader)
        _rows(world, reader)
        _budget(world, reader)
        _answers(world, reader)
        _consents(world, reader)
        _dropped(world, reader)
        _journal(world, reader)
        _approved(world, reader)
    _decision(world)


def _people(world, reader):
    """The people, c: nothing of an erased person is left that any remaining key opens."""
    model, vault = world.model, world.spine.vault
    subjects = {s.number: vault.open(s) for s in reader.find(Subject)}
    for kind in PERSONAL:
        strangers = set(reader.values(kind, "number")) - set(subjects)
        demand(not strangers, "c: erased", f"{kind.__name__} holds somebody without a key")
    live = {ref for rows in model.rows.values() for ref in rows.values()}
    held = {vault.lookup(ref) for ref in live}
    known = {person.lookup for person in subjects.values()}
    demand(held <= known, "f: lost", "a person's key is gone")
    stay = {vault.lookup(ref) for ref in set(model.names) - model.erased}
    demand(stay <= known, "f: lost", "a person went with a data set")
    erased = {vault.lookup(ref) for ref in model.erased}
    demand(not erased & known, "c: erased", "an erased person still has a key")
    stones = set(reader.values(Tombstone, "lookup"))
    demand(stones == erased, "c: erased", "the tombstones are not those of the erased")
    keys = {person.key for person in subjects.values()}
    for ref in model.erased:
        demand(
            not world.person_keys[ref] & keys, "c: erased", "an erased person's pseudonyms can be computed"
        )
    names = {(f.dataset, value) for f in reader.find(SealedField) if f.name == "name"
             for value in vault.open_field(subjects[f.number], f)}  # fmt: skip
    wanted = {(d, name_of(ref)) for d, rows in model.rows.items() for ref in rows.values()}
    demand(names <= wanted, "c: erased", "a sealed field of an erased person opens")
    demand(names == wanted, "f: lost", "a sealed field is gone")


def _rows(world, reader):
    """The files, c and f: the files hold the rows of the living, all of them and nobody else's."""
    names, manifest = world.inner_shelf.names(), world.manifest()
    demand(manifest <= names, "f: lost", "a file that the manifest names is gone")
    _strays(world, reader, names - manifest)
    for dataset, rows in world.model.rows.items():
        files = world.spine.tables.files(reader, dataset)
        tags = set()
        for file in files:
            bucket = open_bucket(file, world.inner_shelf)
            tags |= set(bucket.read([bucket.physical("tag")]).column(0).to_pylist())
        demand(tags <= set(rows), "c: erased", "a file holds an erased person's rows")
        demand(tags == set(rows), "f: lost", "a file lacks rows")
        demand(len(set(reader.values(Member, "number", dataset=dataset))) == len(set(rows.values())),
               "f: lost", "the members are not those who have rows")  # fmt: skip


def _strays(world, reader, names):
    """Files that a running use still read stay until the next start, but no key that is held opens one."""
    held = [file for dataset in world.model.rows for file in world.spine.tables.files(reader, dataset)]
    for name in names:
        for file in held:
            with contextlib.suppress(HedgerowError):
                open_bucket(replace(file, name=name), world.inner_shelf)
                demand(False, "c: erased", "a file that was replaced opens with a key that is held")


def _budget(world, reader):
    """The budget, b: what was spent is what was admitted, no more and no less."""
    accounts = {(a.dataset, a.purpose): a for a in reader.find(Account)}
    spent = {where: a.epsilon for where, a in accounts.items() if a.epsilon != "0"}
    wanted = {where: str(epsilon) for where, epsilon in world.model.spent.items()}
    demand(spent == wanted, "b: budget", "the accounts are not the sum of what was admitted")
    demand(dict(world.spine.ledger.recount(reader)) == accounts, "b: budget", "the charges do not add up")


def _journal(world, reader):
    """The journal, e: it verifies, it begins with every head that left, and each charge and use is in it."""
    try:
        world.spine.journal.verify(reader)
    except HedgerowError as error:
        demand(False, "e: journal", error.code)
    hashes = leaf_hashes(world.spine.journal.bodies(reader))
    if world.heads is not None:
        demand(world.compared(world.heads, hashes).is_sound, "f: lost", "an acknowledged entry is gone")
    for head in world.lost_heads:
        demand(not world.compared(head, hashes).is_sound, "e: journal", "a restored copy was not noticed")
    try:
        check_records(reader, world.spine.ledger, world.spine.attestor)
    except HedgerowError as error:
        kept = error.code in ("ledger.differs", "ledger.not-journaled")
        demand(False, "b: budget" if kept else "e: journal", error.code)
    entries = {e.index: parse_entry(e.body) for e in reader.find(JournalEntry)}
    for charge in reader.find(Charge):
        entry = entries.get(charge.entry, {"action": None})
        demand(entry["action"] == "use.intend", "e: journal", "a charge has no entry")
        ((kind, value),) = entry["facts"]["cost"].items()
        same = read_event(charge.event) == read_event(f"{kind} {value}")
        demand(same, "e: journal", "a charge differs from its entry")
    for request in reader.find(Request):
        action = entries.get(request.entry, {"action": None})["action"]
        demand(action in ("use.intend", "use.done"), "e: journal", "a use has no entry")
    erasures = sum(entry["action"] == "subject.erase" for entry in entries.values())
    demand(erasures >= len(world.model.erased), "e: journal", "an erasure has no entry")
    world.save_head()


def _approved(world, reader):
    """The approved, h: each use that needs approval has a grant by somebody else, and none has it twice."""
    granted, used = {}, set()
    for entry in (parse_entry(e.body) for e in reader.find(JournalEntry)):
        facts, name = entry["facts"], entry["facts"].get("approval")
        if entry["action"] == "approval.grant":
            granted[name] = entry["actor"]["as"]
        if entry["action"] == "use.intend" and entry["actor"]["as"] == "ana":
            demand(name in granted, "h: approved", "a use went without a grant")
            demand(granted[name] not in ("ana", "owner"), "h: approved", "somebody granted their own use")
            demand(name not in used, "h: approved", "a grant was used twice")
            asked = world.model.awaited[name].key[:2]
            cost = read_told(facts["cost"]).epsilon
            demand((facts["dataset"], cost) == asked, "h: approved", "a grant was used for something else")
            used.add(name)


def _answers(world, reader):
    """The answers, d: every id answers as it did, and stored answers hold nobody who was erased."""
    for request_id, answer in world.model.answers.items():
        record = reader.get(Request, request_id)
        demand(record is not None, "d: one release", "an id was forgotten")
        if answer.state != "done":
            demand(record.sealed is None, "c: erased", "a withdrawn answer is still stored")
            continue
        demand(record.state == "done", "f: lost", "an acknowledged answer is gone")
        stored = world.stored(record).payload
        demand(stored == answer.payload, "d: one release", "a stored answer changed")


def _consents(world, reader):
    """The consents, f: the latest choice is in force, nothing acknowledged is gone."""
    numbers = {ref: world.spine.vault.find(reader, ref) for ref in world.model.names}
    for (ref, purpose), made in world.model.choices.items():
        state = reader.get(ConsentState, purpose, numbers[ref].number)
        demand(state is not None and state.granted == max(made)[2], "a: basis", "another choice is in force")
        events = [e for e in reader.find(ConsentEvent, number=numbers[ref].number) if e.purpose == purpose]
        demand(len(events) == len(made), "f: lost", "a choice is gone")


def _dropped(world, reader):
    """The dropped, g: nothing of them is held, and their versions never go back."""
    live = set(world.model.rows)
    for kind in OF_A_DATASET:
        left = set(reader.values(kind, "dataset")) - live
        demand(not left, "g: dropped", f"{kind.__name__} is left of a data set that was dropped")
    versions = {d.name: d.version for d in reader.find(Dataset)}
    demand(versions == world.model.versions, "g: dropped", "the version of a data set is another")


def _decision(world):
    """The very next decision rests on what is in force now."""
    request, technique = world.request(PROBE, "probe")
    decision = world.spine.gate.explain(request, technique)
    code = world.model.refusal(PROBE, world.clock.now().date())
    told = None if decision.allowed else decision.error[0]
    demand(told == code, "decision", f"explained {told} instead of {code}")
    with world.read() as reader:
        now = {
            "policy": world.spine.policies.newest(reader).version,
            "consent": world.spine.consents.version(reader),
            "dataset": world.model.versions["visits"],
        }
    told = {name: decision.versions.get(name, now["dataset"]) for name in now}
    demand(told == now, "decision", "a decision rests on old versions")
