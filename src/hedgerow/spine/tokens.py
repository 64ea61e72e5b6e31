"""What tokens are made of: secrets of a person and of the workspace, each for one scope alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hedgerow.kernel.envelope import derive
from hedgerow.model.engine import PeopleFilter
from hedgerow.model.errors import Fault
from hedgerow.model.keys import Scope
from hedgerow.model.ports import Reader, Store
from hedgerow.model.records import Subject
from hedgerow.spine.vault import Person, Vault

_LABEL = "tokens"
NOBODY = -1


def scopes_of(
    tenant: str, purpose: str, dataset: str, named: Sequence[tuple[str, str]]
) -> Mapping[str, Scope]:
    """Bind what a plan calls its scopes to whose, why and of what they are.

    Args:
        tenant: The organisation.
        purpose: Why.
        dataset: The data set.
        named: Pairs of name and what it is for, as ``("release", "R-1")``.

    Guarantee: two releases to nobody in particular have no scope in common; nor have two purposes, two
        data sets or two recipients.
    """
    return {name: Scope(tenant, purpose, dataset, f"{name} {what}") for name, what in named}


def person_secret(person: Person, scope: bytes) -> bytes:
    """Give a person's own secret in a scope (32 bytes).

    Args:
        person: The person.
        scope: The scope, as bytes.

    Guarantee: it is made of the person's key and of nothing that the person is known by, so that it cannot
        be had again once that key is destroyed.
    """
    return derive(person.key, _LABEL, scope)


def shown_secret(person: Person, tenant: str) -> bytes:
    """Give a person's own secret for the invented name by which the person is shown (32 bytes)."""
    return derive(person.key, "shown name", tenant)


class TokenRoom:
    """Gives a technique the secrets of covered people, in granted scopes.

    Args:
        store: The records.
        vault: Opens people.
        scopes: Scope by its name.
        people: The only people there are.
    """

    def __init__(self, store: Store, vault: Vault, scopes: Mapping[str, Scope], people: PeopleFilter) -> None:
        self._store = store
        self._vault = vault
        self._scopes = scopes
        self._people = frozenset(people)
        self._opened: dict[int, Person] = {}

    def __repr__(self) -> str:
        """Name the scopes' names only."""
        return f"TokenRoom({', '.join(self._scopes)})"

    def people(self, refs: Sequence[str]) -> Sequence[int]:
        """Find people by source id, once each: the number of who is covered, -1 of everybody else."""
        lookups = {ref: self._vault.lookup(ref) for ref in dict.fromkeys(refs)}
        with self._store.read() as reader:
            known = self._vault.known(reader, list(lookups.values()))
        number_of = {
            lookup: subject.number if subject.number in self._people else NOBODY
            for lookup, subject in known.items()
        }
        return [number_of.get(lookups[ref], NOBODY) for ref in refs]

    def of_people(self, numbers: Sequence[int], scope: str) -> Sequence[bytes]:
        """Give each person's own secret in a scope.

        Raises:
            Fault: ``lease.misused`` for a scope or a person not granted, ``table.changed`` where one of them
                was erased meanwhile.
        """
        named = self._scope(scope).as_bytes()
        wanted = dict.fromkeys(numbers)
        if not wanted.keys() <= self._people:
            raise Fault("lease.misused")
        with self._store.read() as reader:
            self._open(reader, [number for number in wanted if number not in self._opened])
        secrets = {number: person_secret(self._opened[number], named) for number in wanted}
        return [secrets[number] for number in numbers]

    def of_values(self, scope: str) -> bytes:
        """Give the workspace's secret in a scope."""
        return self._vault.token_secret(self._scope(scope))

    def _open(self, reader: Reader, numbers: list[int]) -> None:
        found = self._vault.open_many(reader.find_any(Subject, "number", numbers))
        self._opened |= {person.number: person for person in found}
        if len(found) != len(numbers):
            raise Fault("table.changed")

    def _scope(self, name: str) -> Scope:
        if name not in self._scopes:
            raise Fault("lease.misused")
        return self._scopes[name]
