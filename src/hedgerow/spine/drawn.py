"""The map of drawn tokens: which value each stands for, sealed under the key of the person of its row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hedgerow.kernel.envelope import open_sealed, seal
from hedgerow.model.canonical import canonical
from hedgerow.model.errors import Fault
from hedgerow.model.keys import Binding
from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import Subject, VaultToken
from hedgerow.model.uses import DrawnToken, Json
from hedgerow.spine.attest import Attestor
from hedgerow.spine.audit_holdings import token_sum
from hedgerow.spine.vault import Person, Vault

_FORMAT = 1
_AT_ONCE = 10_000
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a drawn token stands for.

    Args:
        column: The column of the release.
        number: The person.
        value: The value; empty where it stands for the person alone.
    """

    column: str
    number: int = field(repr=False)
    value: str = field(repr=False)


class DrawnTokens:
    """Keeps what drawn tokens stand for.

    Guarantee: a record opens with its person's key alone, and only as what the token of this release was
        drawn for; with the key destroyed nobody opens it, and the token itself tells nothing.

    Args:
        vault: Opens people.
        attestor: Binds what was kept, for the journal.
    """

    def __init__(self, vault: Vault, attestor: Attestor) -> None:
        self._vault = vault
        self._attestor = attestor

    def keep(
        self, tx: Transaction, dataset: str, release: str, drawn: Sequence[DrawnToken]
    ) -> dict[str, Json]:
        """Seal and keep the map of a release.

        Args:
            tx: The transaction that closes the use.
            dataset: Its data set.
            release: Its id.
            drawn: The map.

        Returns:
            What the journal is told.

        Raises:
            Fault: ``table.changed`` where one of the people was erased meanwhile.
        """
        people = self._people(tx, sorted({each.number for each in drawn}))
        rows = sorted((release, mark, number, dataset, sealed) for mark, number, sealed in
                      (self._row(release, each, people[each.number]) for each in drawn))  # fmt: skip
        tx.add_rows(VaultToken, rows)
        return {"drawn": token_sum(self._attestor, rows)}

    def meanings(self, reader: Reader, release: str, marks: Sequence[str]) -> dict[str, list[Meaning]]:
        """Open what tokens stand for, by their marks; nothing of who was erased."""
        found = [each for each in reader.find_any(VaultToken, "mark", marks) if each.release == release]
        people = self._people(reader, sorted({each.number for each in found}))
        told: dict[str, list[Meaning]] = {}
        for each in found:
            body = open_sealed(
                people[each.number].key, each.sealed, self._binding(each.release, each.mark, each.number)
            )
            column, value = json.loads(body)
            told.setdefault(each.mark, []).append(Meaning(column, each.number, value))
        return told

    def _row(self, release: str, drawn: DrawnToken, person: Person) -> tuple[str, int, bytes]:
        mark = self._vault.token_mark(release, drawn.column, drawn.token)
        # Filled up with blanks, which are read over: the size of a record tells no value.
        body = canonical([drawn.column, drawn.value])
        body = body.ljust(-(-len(body) // _BLOCK) * _BLOCK)
        return mark, drawn.number, seal(person.key, body, self._binding(release, mark, drawn.number))

    def _binding(self, release: str, mark: str, number: int) -> Binding:
        return Binding(self._vault.tenant, "vault-token", number, f"{release} {mark}", _FORMAT)

    def _people(self, reader: Reader, numbers: Sequence[int]) -> dict[int, Person]:
        found: dict[int, Person] = {}
        for start in range(0, len(numbers), _AT_ONCE):
            held = reader.find_any(Subject, "number", numbers[start : start + _AT_ONCE])
            found |= {person.number: person for person in self._vault.open_many(held)}
        if len(found) != len(numbers):
            raise Fault("table.changed")
        return found


def undrawn(reader: Reader, attestor: Attestor, **equals: object) -> Mapping[str, Json]:
    """Tell the journal which records of the map go; nothing where there are none.

    Args:
        reader: A view, before they go.
        attestor: Binds what goes.
        equals: Whose or of which data set they are.
    """
    gone: Iterable[VaultToken] = reader.find(VaultToken, **equals)
    rows = [(each.release, each.mark, each.number, each.dataset, each.sealed) for each in gone]
    return {"undrawn": token_sum(attestor, rows)} if rows else {}
