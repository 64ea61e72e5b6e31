"""The model of one workspace in plain Python, and what must hold between it and the records."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from hedgerow.adapters.engines.buckets import open_bucket
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import (
    BlindTerm,
    Commitment,
    ConsentEvent,
    ConsentState,
    FormerMember,
    Member,
    SealedField,
    Subject,
    Tombstone,
)

PERSONAL = (BlindTerm, SealedField, Member, FormerMember, ConsentEvent, ConsentState, Commitment)


class Violation(AssertionError):
    """A promise was broken; its name says which."""

    def __init__(self, promise, detail):
        super().__init__(f"{promise}: {detail}")
        self.promise = promise


def demand(holds, promise, detail):
    if not holds:
        raise Violation(promise, detail)


@dataclass
class Model:
    """What the workspace of today must hold."""

    rows: dict = field(default_factory=dict)  # tag -> ref
    values: dict = field(default_factory=dict)  # ref -> value in the vault, of the living
    erased: set = field(default_factory=set)
    events: dict = field(default_factory=dict)  # ref -> when it was erased last
    spent: Fraction = Fraction(0)
    is_unknown: bool = False
    backups: set = field(default_factory=set)  # those that were begun in this line

    def forget(self, ref, moment):
        self.rows = {tag: held for tag, held in self.rows.items() if held != ref}
        self.values.pop(ref, None)
        self.erased.add(ref)
        self.events[ref] = moment


@dataclass
class Kept:
    """A backup, a list of erasures or a head, with what was true when it was made."""

    moment: int
    model: Model
    content: bytes = b""
    keys: str = "there"  # of a backup: "there", "gone", or "unsure" while an end of epochs is cut off


def check_people(spine, reader, model):
    """Everybody in the model reads back exactly; of nobody else is anything there."""
    people = {spine.vault.open(subject).number: subject for subject in reader.find(Subject)}
    wanted = {spine.vault.lookup(ref): ref for ref in model.values}
    refs = {number: wanted.get(subject.lookup) for number, subject in people.items()}
    demand(None not in refs.values(), "erased", "somebody has a key who must have none")
    demand(set(refs.values()) == set(model.values), "reads back", "a person's key is gone")
    for kind in PERSONAL:
        demand(
            set(reader.values(kind, "number")) <= set(people), "erased", f"{kind.__name__} without a person"
        )
    stones = set(reader.values(Tombstone, "lookup"))
    demand(
        stones == {spine.vault.lookup(ref) for ref in model.erased},
        "erased",
        "not the tombstones of the erased",
    )
    held = {}
    for record in reader.find(SealedField):
        person = spine.vault.open(people[record.number])
        held[refs[record.number], record.name] = set(spine.vault.open_field(person, record))
    told = {(ref, "email"): {value} for ref, value in model.values.items()}
    told |= {(ref, "id"): {ref} for ref in model.values}
    demand(held == told, "reads back", "the vault holds other values")


def check_rows(spine, reader, model, directory):
    tags, names = set(), set()
    for file in spine.tables.files(reader, "visits"):
        bucket = open_bucket(file, spine.tables._shelf)
        tags |= set(bucket.read([bucket.physical("tag")]).column(0).to_pylist())
        names.add(file.name)
    demand(tags <= set(model.rows), "erased", "a table file holds an erased person's rows")
    demand(tags == set(model.rows), "reads back", "a table file lacks rows")
    demand(len(reader.find(Member, dataset="visits")) == len(model.values), "reads back", "other members")
    left = {path.name for path in (directory / "tables").iterdir() if not path.name.startswith(".")}
    demand(left == names, "remnants", "table files are left or missing")


def check_index(spine, reader, model):
    try:
        index = spine.indexes.current(reader, "visits", "email")
    except HedgerowError:
        demand(not reader.count(BlindTerm), "index", "terms without an index")
        return
    numbers = {s.lookup: s.number for s in reader.find(Subject)}
    for ref, value in model.values.items():
        found = spine.indexes.find(reader, index, value.upper())
        demand(found == [numbers[spine.vault.lookup(ref)]], "index", "a search finds other people")
    many = reader.count(BlindTerm, index_id=index.id)
    demand(many == len(model.values), "index", "the index holds other people")
