"""The vault: a random number and key for each person, and what names the person sealed under it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from hedgerow.kernel.envelope import derive, keyed_index, new_key, open_sealed, seal, seal_many
from hedgerow.model.canonical import canonical, timestamp
from hedgerow.model.keys import Binding
from hedgerow.model.ports import Clock, Reader, Transaction
from hedgerow.model.records import SealedField, Subject
from hedgerow.spine.journal import About
from hedgerow.spine.keyring import Keyring, subject_key

_FORMAT = 1
_NUMBER_BITS = 62


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
        self._clock = clock

    def __repr__(self) -> str:
        """Name the tenant only."""
        return f"Vault({self._tenant})"

    def lookup(self, ref: str) -> bytes:
        """Compute the keyed index of a source id (32 bytes).

        Raises:
            CallerError: When the source id is empty or overlong.
        """
        return keyed_index(self._index_key, ref)

    def mark(self, content_hash: str) -> str:
        """Name a source by a keyed hash, in 64 hexadecimal digits; a plain one could be guessed."""
        return keyed_index(derive(self._index_key, "source"), content_hash).hex()

    def _field_binding(self, number: int, dataset: str, name: str) -> Binding:
        return Binding(self._tenant, "field", number, canonical([dataset, name]).decode(), _FORMAT)

    def held_epochs(self, reader: Reader) -> list[str]:
        """Name the epochs whose keys are held: a person's key may have been wrapped under any of them."""
        return self._keyring.held(reader)

    def find(self, reader: Reader, ref: str) -> Person | None:
        """Open a person by source id, or none when unknown or erased."""
        found = reader.find(Subject, lookup=self.lookup(ref))
        return self.open(found[0]) if found else None

    def open(self, subject: Subject) -> Person:
        """Unwrap a person's key."""
        key = self._backend.unwrap(subject.wrapped, subject_key(self._tenant, subject.number))
        return Person(subject.number, subject.lookup, key)

    def open_many(self, subjects: Sequence[Subject]) -> list[Person]:
        """Unwrap many people's keys, in order."""
        bindings = [subject_key(self._tenant, subject.number) for subject in subjects]
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
        now = timestamp(self._clock.now())
        people = [Person(secrets.randbits(_NUMBER_BITS), lookup, new_key()) for lookup in lookups]
        bindings = [subject_key(self._tenant, person.number) for person in people]
        wrapped = self._backend.wrap_many([person.key for person in people], bindings)
        subjects = [Subject(p.number, p.lookup, w, now) for p, w in zip(people, wrapped, strict=True)]
        return subjects, people

    def admit(self, tx: Transaction, subjects: Sequence[Subject]) -> None:
        """Add new people, their keys wrapped under the epoch that is current in this transaction."""
        tx.add(self._keyring.current(tx, subjects))

    def seal_field(self, person: Person, dataset: str, name: str, values: Sequence[str]) -> SealedField:
        """Seal the distinct values of one field of one person."""
        plaintext = canonical(list(values))
        sealed = seal(person.key, plaintext, self._field_binding(person.number, dataset, name))
        return SealedField(person.number, dataset, name, sealed)

    def seal_fields(
        self, dataset: str, name: str, held: Sequence[tuple[Person, Sequence[str]]]
    ) -> list[SealedField]:
        """Seal one field of many people, each under the person's own key."""
        which = self._field_binding(0, dataset, name).name
        sealed = seal_many(
            [person.key for person, _ in held],
            [canonical(list(values)) for _, values in held],
            [Binding(self._tenant, "field", person.number, which, _FORMAT) for person, _ in held],
        )
        return [SealedField(p.number, dataset, name, blob) for (p, _), blob in zip(held, sealed, strict=True)]

    def open_field(self, person: Person, record: SealedField) -> list[str]:
        """Open one field of one person."""
        binding = self._field_binding(record.number, record.dataset, record.name)
        return cast("list[str]", json.loads(open_sealed(person.key, record.sealed, binding)))

    def fields(
        self, reader: Reader, person: Person, dataset: str, names: frozenset[str]
    ) -> Mapping[str, list[str]]:
        """Open the named fields of one person in one data set."""
        records = reader.find(SealedField, number=person.number, dataset=dataset)
        return {r.name: self.open_field(person, r) for r in records if r.name in names}

    def replace_field(
        self, tx: Transaction, person: Person, record: SealedField, more: Sequence[str]
    ) -> None:
        """Add further distinct values to a field that exists."""
        values = self.open_field(person, record)
        merged = values + [value for value in more if value not in values]
        tx.put(self.seal_field(person, record.dataset, record.name, merged))
