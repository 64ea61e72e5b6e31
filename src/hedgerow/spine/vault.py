"""The vault: a random number and key for each person, and what names the person sealed under it."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import TypeAlias, cast

from hedgerow.kernel.envelope import (
    KeyedIndex,
    derive,
    draw,
    keyed_index,
    open_many,
    open_sealed,
    seal,
    seal_many,
)
from hedgerow.model.canonical import canonical, canonical_texts, timestamp
from hedgerow.model.errors import Fault
from hedgerow.model.keys import KEY_BYTES, Binding, PersonBinder, PersonBindings, Scope, encode_fields
from hedgerow.model.ports import Clock, Join, Reader, Transaction
from hedgerow.model.records import Dataset, Member, SealedField, Subject
from hedgerow.spine.forgotten import remember_revived
from hedgerow.spine.journal import About
from hedgerow.spine.keyring import Keyring, subject_binder, subject_key, subject_keys

_FORMAT = 1
_QUOTES = 2  # of one text
_DECODER = json.JSONDecoder()
# A number has 62 bits; those drawn together share the high ones (docs/adr/0013).
_SHARED_BITS, _OWN_BITS = 22, 40
_WITH_FIELD = Join(
    Subject, "lookup", ("number", "wrapped"), SealedField, "number", ("dataset", "name"), ("sealed",)
)
_MANY_WITH_FIELD = Join(
    Subject,
    "lookup",
    ("lookup", "number", "wrapped"),
    SealedField,
    "number",
    ("dataset", "name"),
    ("sealed",),
)
_WITH_FIELDS = Join(
    Subject, "number", ("number", "wrapped"), SealedField, "number", ("dataset",), ("name", "sealed")
)
FieldRow: TypeAlias = tuple[int, str, str, bytes]
"""Person's number, data set, field and sealed value: a ``SealedField`` as its fields in order."""
_FieldRow: TypeAlias = tuple[int, bytes, bytes | None]
_ManyRow: TypeAlias = tuple[bytes, int, bytes, bytes | None]
_FieldsRow: TypeAlias = tuple[int, bytes, str, bytes | None]


@dataclass(frozen=True, slots=True)
class Person:
    """An open subject: number, lookup and the person's key."""

    number: int
    lookup: bytes = field(repr=False)
    key: bytes = field(repr=False)

    @property
    def about(self) -> About:
        """The person as the journal needs it."""
        return About(self.number, self.key)


@dataclass(frozen=True, slots=True)
class Newcomers:
    """People about to be added, as columns of one length: what ``Subject`` and ``Person`` hold."""

    numbers: Sequence[int]
    lookups: Sequence[bytes] = field(repr=False)
    keys: Sequence[bytes] = field(repr=False)
    wrapped: Sequence[bytes] = field(repr=False)
    created: str

    def subjects(self) -> list[Subject]:
        """Make the records to add."""
        return [
            Subject(*row, self.created) for row in zip(self.numbers, self.lookups, self.wrapped, strict=True)
        ]

    def people(self) -> list[Person]:
        """Make the open people, in the order given."""
        return [Person(*row) for row in zip(self.numbers, self.lookups, self.keys, strict=True)]


class Vault:
    """Holds direct identifiers, each sealed under its person's key.

    Guarantee: a sealed value opens only with its person's key and only for its tenant, person,
    data set and field; without the person's wrapped key it opens with nothing that is held.

    Args:
        keyring: Wraps each person's key; its tenant is bound into everything sealed.
        index_key: Key of the lookup by source id (32 bytes).
        clock: The time.
    """

    def __init__(self, keyring: Keyring, index_key: bytes, clock: Clock) -> None:
        self._keyring = keyring
        self._backend = keyring.backend
        self._tenant = keyring.tenant
        self._index_key = index_key
        self._index = KeyedIndex(index_key)
        self._mark_key = derive(index_key, "token-mark")
        self._clock = clock
        self._key_binder = subject_binder(keyring.tenant)

    def __repr__(self) -> str:
        """Name the tenant only."""
        return f"Vault({self._tenant})"

    @property
    def tenant(self) -> str:
        """The organisation whose people these are."""
        return self._tenant

    def token_secret(self, scope: Scope) -> bytes:
        """Give the workspace's secret for tokens of values in one scope (32 bytes)."""
        return derive(derive(self._index_key, "tokens"), "scope", scope.as_bytes())

    def token_mark(self, release: str, column: str, token: str) -> str:
        """Name a drawn token by a keyed hash, in 64 hexadecimal digits: a short token could be tried out."""
        return hmac.digest(self._mark_key, encode_fields(release, column, token), "sha256").hex()

    def lookup(self, ref: str) -> bytes:
        """Compute the keyed index of a source id (32 bytes).

        Raises:
            CallerError: When the source id is empty or overlong.
        """
        return self._index.of(ref)

    def mark(self, content_hash: str) -> str:
        """Name a source by a keyed hash, in 64 hexadecimal digits; a plain one could be guessed."""
        return keyed_index(derive(self._index_key, "source"), content_hash).hex()

    def _field_binding(self, number: int, dataset: str, name: str) -> Binding:
        return Binding(self._tenant, "field", number, _field_name(dataset, name), _FORMAT)

    def _field_bindings(self, numbers: Sequence[int], dataset: str, name: str) -> PersonBindings:
        return PersonBindings(self._tenant, "field", numbers, _field_name(dataset, name), _FORMAT)

    def held_epochs(self, reader: Reader) -> list[str]:
        """Name the epochs whose keys are held: a person's key may have been wrapped under any of them."""
        return self._keyring.held(reader)

    def find(self, reader: Reader, ref: str) -> Person | None:
        """Open a person by source id, or none when unknown or erased.

        Raises:
            Fault: ``records.differ`` when the person found goes by other source ids: the keyed index is
                bound to no key, so that two people's may have been swapped.
        """
        found = reader.find(Subject, lookup=self.lookup(ref))
        if not found:
            return None
        person = self.open(found[0])
        own = self.source_ids(reader, person)
        if own and person.lookup not in map(self.lookup, own):
            raise Fault("records.differ", kind="source ids")
        return person

    def source_ids(self, reader: Reader, person: Person) -> list[str]:
        """Open the source ids of a person in every data set; none where all were dropped."""
        found: list[str] = []
        for member in reader.find(Member, number=person.number):
            record = reader.get(Dataset, member.dataset)
            column = record.subject_column if record is not None else ""
            sealed = reader.get(SealedField, person.number, member.dataset, column)
            found += self.open_field(person, sealed) if sealed is not None else []
        return found

    def open(self, subject: Subject) -> Person:
        """Unwrap a person's key."""
        key = self._backend.unwrap(subject.wrapped, subject_key(self._tenant, subject.number))
        return Person(subject.number, subject.lookup, key)

    def open_many(self, subjects: Sequence[Subject]) -> list[Person]:
        """Unwrap many people's keys, in order."""
        bindings = subject_keys(self._tenant, [subject.number for subject in subjects])
        keys = self._backend.unwrap_many([subject.wrapped for subject in subjects], bindings)
        return [Person(s.number, s.lookup, key) for s, key in zip(subjects, keys, strict=True)]

    def known(self, reader: Reader, lookups: Sequence[bytes]) -> dict[bytes, Subject]:
        """Look many people up at once."""
        return {s.lookup: s for s in reader.find_any(Subject, "lookup", lookups)}

    def enrol(self, lookups: Iterable[bytes]) -> tuple[list[Subject], list[Person]]:
        """Make new people: random numbers, fresh keys, wrapped.

        Args:
            lookups: Keyed indexes of people who are not known.

        Returns:
            The records to add and the open people, in the order given.
        """
        new = self.newcomers(lookups)
        return new.subjects(), new.people()

    def newcomers(self, lookups: Iterable[bytes]) -> Newcomers:
        """Make new people as ``enrol`` does, as columns."""
        asked = list(lookups)
        numbers, keys = draw_numbers(len(asked)), draw(KEY_BYTES, len(asked))
        wrapped = self._backend.wrap_many(keys, subject_keys(self._tenant, numbers))
        return Newcomers(numbers, asked, keys, wrapped, timestamp(self._clock.now()))

    def admit(self, tx: Transaction, new: Newcomers | Sequence[Subject]) -> None:
        """Add new people, their keys wrapped under the epoch that is current in this transaction."""
        if isinstance(new, Newcomers):
            if self._keyring.are_current(tx, new.wrapped):
                rows = zip(new.numbers, new.lookups, new.wrapped, repeat(new.created))
                tx.add_rows(Subject, sorted(rows, key=itemgetter(0)))
                return
            new = new.subjects()
        tx.add(sorted(self._keyring.current(tx, new), key=attrgetter("number")))

    def revive(self, tx: Transaction, lookup: bytes) -> None:
        """Take away the tombstone of somebody who is collected again; the list of erasures keeps it."""
        remember_revived(tx, lookup)

    def seal_rows(
        self,
        dataset: str,
        name: str,
        numbers: Sequence[int],
        keys: Sequence[bytes],
        values: Sequence[Sequence[str]],
    ) -> list[FieldRow]:
        """Seal one field of many people, given as columns, into the fields of ``SealedField`` in order."""
        bindings = self._field_bindings(numbers, dataset, name)
        sealed = seal_many(keys, [canonical_texts(each) for each in values], bindings)
        return list(zip(numbers, repeat(dataset), repeat(name), sealed))

    def add_fields(self, tx: Transaction, rows: Iterable[FieldRow]) -> None:
        """Add sealed fields that are new, in the order they lie in."""
        tx.add_rows(SealedField, sorted(rows, key=itemgetter(0, 1, 2)))

    def open_field(self, person: Person, record: SealedField) -> list[str]:
        """Open one field of one person."""
        binding = self._field_binding(record.number, record.dataset, record.name)
        return _texts(open_sealed(person.key, record.sealed, binding))

    def fields(
        self, reader: Reader, number: int, dataset: str, names: frozenset[str]
    ) -> Mapping[str, list[str]]:
        """Open the named fields of one person in one data set, in one question; none of who is unknown."""
        rows = cast("list[_FieldsRow]", reader.joined(_WITH_FIELDS, (number,), (dataset,)))
        held = {name: sealed for _, _, name, sealed in rows if sealed is not None and name in names}
        if not held:
            return {}
        key = self._backend.unwrap(rows[0][1], self._key_binder.of(number))
        return {
            name: _texts(open_sealed(key, sealed, _binder(self._tenant, dataset, name).of(number)))
            for name, sealed in sorted(held.items())
        }

    def read(self, reader: Reader, ref: str, dataset: str, name: str) -> list[str] | None:
        """Open one field of one person by source id: none when unknown or erased, empty without the field."""
        found = reader.joined(_WITH_FIELD, (self._index.of(ref),), (dataset, name))
        if not found:
            return None
        number, wrapped, sealed = cast("_FieldRow", found[0])
        key = self._backend.unwrap(wrapped, self._key_binder.of(number))
        if sealed is None:
            return []
        return _texts(open_sealed(key, sealed, _binder(self._tenant, dataset, name).of(number)))

    def read_many(
        self, reader: Reader, refs: Sequence[str], dataset: str, name: str
    ) -> list[list[str] | None]:
        """Open one field of many people by source id, in order; as ``read``, in one question."""
        lookups = list(map(self._index.of, refs))
        found = cast("list[_ManyRow]", reader.joined(_MANY_WITH_FIELD, lookups, (dataset, name)))
        if not found:
            return [None] * len(lookups)
        known, numbers, wrapped, sealed = zip(*found, strict=True)
        keys = self._backend.unwrap_many(wrapped, subject_keys(self._tenant, numbers))
        if None in sealed:
            values = self._opened(dataset, name, numbers, keys, sealed)
        else:
            bindings = self._field_bindings(numbers, dataset, name)
            values = list(map(_texts, open_many(keys, cast("Sequence[bytes]", sealed), bindings)))
        return list(map(dict(zip(known, values, strict=True)).get, lookups))

    def _opened(
        self,
        dataset: str,
        name: str,
        numbers: Sequence[int],
        keys: Sequence[bytes],
        sealed: Sequence[bytes | None],
    ) -> list[list[str]]:
        """Open a field that some of these people lack."""
        bound = _binder(self._tenant, dataset, name)
        return [
            [] if blob is None else _texts(open_sealed(key, blob, bound.of(number)))
            for number, key, blob in zip(numbers, keys, sealed, strict=True)
        ]

    def extend_fields(self, tx: Transaction, keys: Mapping[int, bytes], arriving: Sequence[FieldRow]) -> None:
        """Add further distinct values to fields of people who are known, and fields they lack, together.

        Args:
            tx: The transaction.
            keys: The key of each of these people, by number.
            arriving: Their fields with the values that arrive; one row for each person and field.
        """
        rows = tx.rows_any(SealedField, ("number", "dataset", "name", "sealed"), "number", list(keys))
        held = {row[:3]: row[3] for row in cast("list[FieldRow]", rows)}
        self.add_fields(tx, [row for row in arriving if row[:3] not in held])
        there = [row for row in arriving if row[:3] in held]
        texts = zip(
            self.open_rows(keys, [(*row[:3], held[row[:3]]) for row in there]),
            self.open_rows(keys, there),
            strict=True,
        )
        for row, (before, come) in zip(there, texts, strict=True):
            more = [value for value in come if value not in before]
            if more:
                person, dataset, name = row[:3]
                binding = self._field_binding(person, dataset, name)
                sealed = seal(keys[person], canonical([*before, *more]), binding)
                tx.put(SealedField(person, dataset, name, sealed))

    def open_rows(self, keys: Mapping[int, bytes], rows: Sequence[FieldRow]) -> list[list[str]]:
        """Open fields of people whose keys are open, in order.

        Args:
            keys: The key of each person, by number.
            rows: The fields.
        """
        return [
            _texts(open_sealed(keys[number], sealed, _binder(self._tenant, dataset, name).of(number)))
            for number, dataset, name, sealed in rows
        ]


@lru_cache(maxsize=1024)
def _field_name(dataset: str, name: str) -> str:
    return canonical([dataset, name]).decode()


@lru_cache(maxsize=1024)
def _binder(tenant: str, dataset: str, name: str) -> PersonBinder:
    return PersonBinder(tenant, "field", _field_name(dataset, name), _FORMAT)


def _texts(plaintext: bytes) -> list[str]:
    # One text without anything escaped, as nearly all are.
    if plaintext.count(b'"') == _QUOTES and b"\\" not in plaintext and plaintext[:2] == b'["':
        if plaintext[-2:] != b'"]':
            raise Fault("envelope.unreadable")
        return [plaintext[2:-2].decode()]
    text = plaintext.decode()
    texts, end = _DECODER.raw_decode(text)
    if end != len(text):
        raise Fault("envelope.unreadable")
    return cast("list[str]", texts)


def draw_numbers(many: int) -> list[int]:
    """Draw internal numbers for people who are enrolled together.

    Args:
        many: How many.

    Returns:
        Distinct numbers from 0 to 2**62 - 1, in no order. Each alone is uniform; all share their high bits.
    """
    high, low = secrets.randbits(_SHARED_BITS) << _OWN_BITS, (1 << _OWN_BITS) - 1
    drawn: dict[int, None] = {}
    while lacking := many - len(drawn):
        drawn |= dict.fromkeys(
            [high | n & low for n in struct.unpack(f"{lacking}Q", os.urandom(8 * lacking))]
        )
    return list(drawn)
