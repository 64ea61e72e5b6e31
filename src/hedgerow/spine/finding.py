"""Finding a person by a value of theirs, and the name by which the finder may go on."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hedgerow.kernel.blindindex import form_named
from hedgerow.kernel.envelope import open_sealed, seal
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import CallerError, Fault, HedgerowError, Refused
from hedgerow.model.keys import Binding
from hedgerow.model.ports import Clock, Reader, Store, Transaction
from hedgerow.model.records import BlindIndex, SealedField, Search, Subject
from hedgerow.model.uses import Actor, Json
from hedgerow.spine.audit_uses import FIND, MOST_FAILED, MOST_SEARCHES
from hedgerow.spine.catalog import RIGHTS_PURPOSE, Catalog
from hedgerow.spine.gate import Gate
from hedgerow.spine.indexes import Indexes
from hedgerow.spine.journal import Journal
from hedgerow.spine.permission import Context
from hedgerow.spine.vault import Person, Vault

ACTION, MOST_FOUND = FIND, 20
HANDLE_PREFIX = "found-"
_HANDLE_LIFETIME = timedelta(hours=24)
_WINDOW = timedelta(days=1)
_BODY = struct.Struct(">qq")


@dataclass(frozen=True, slots=True)
class Found:
    """Who holds a value.

    Args:
        handles: A name for each person, for the finder alone.
        until: When these names end, RFC 3339.
        entry: The journal entry.
    """

    handles: tuple[str, ...]
    until: str
    entry: int


class Finding:
    """Searches by a blind index, for the rights of the person.

    Guarantee: a search is permitted by policy, journaled with the number of hits and no value, and counted:
    at most 20 a day find nobody and 200 in all; whoever is named holds the value, as the person's own field
    says, which alone is opened for it; no internal number or source id leaves.

    Args:
        store: The records.
        gate: Admits the act.
        catalog: Knows the data sets.
        indexes: Knows who holds which term.
        vault: Opens people.
        journal: Keeps each search.
        clock: The time.
        handle_key: Seals the names of who was found, 32 bytes.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        catalog: Catalog,
        indexes: Indexes,
        vault: Vault,
        journal: Journal,
        clock: Clock,
        handle_key: bytes,
    ) -> None:
        self._store = store
        self._gate = gate
        self._catalog = catalog
        self._indexes = indexes
        self._vault = vault
        self._journal = journal
        self._clock = clock
        self._handle_key = handle_key

    def search(self, dataset: str, column: str, value: str, actor: Actor) -> Found:
        """Find the people who hold a value.

        Args:
            dataset: Where.
            column: A column with an index.
            value: As the person wrote it.
            actor: Who searches.

        Returns:
            A name for each, by which the searcher may show, export or erase the person.

        Raises:
            Refused: When no policy permits it, after too many searches, or ``search.shared``.
            CallerError: ``index.none``, ``index.building``, ``index.value``, or for an unknown data set.
            Fault: ``records.differ`` when a term leads to somebody who does not hold the value.
        """
        context: Context = {"purpose": RIGHTS_PURPOSE, "columns": frozenset({column})}
        self._gate.require(actor, ACTION, dataset, context)
        with self._store.write() as tx:
            outcome = self._too_many(tx, actor) or self._looked_up(tx, dataset, column, value, actor)
        if isinstance(outcome, HedgerowError):
            self._gate.refuse(actor, ACTION, outcome, dataset, RIGHTS_PURPOSE)
        return outcome

    def _looked_up(
        self, tx: Transaction, dataset: str, column: str, value: str, actor: Actor
    ) -> Found | HedgerowError:
        """Search, journal and count, in one transaction."""
        self._catalog.require_dataset(tx, dataset)
        index = self._indexes.current(tx, dataset, column)
        numbers = self._indexes.find(tx, index, value)
        people = self._vault.open_many(tx.find_any(Subject, "number", numbers[:MOST_FOUND]))
        if not all(self._holds(tx, index, person, value) for person in people):
            raise Fault("records.differ", kind="index terms")
        facts: dict[str, Json] = {
            "dataset": dataset,
            "column": column,
            "version": index.version,
            "purpose": RIGHTS_PURPOSE,
            "hits": len(numbers),
        }
        entry = self._journal.append(tx, ACTION, actor, facts, [person.about for person in people])
        self._count(tx, actor, entry, is_hit=bool(numbers))
        return self._named(people, actor, entry) if len(numbers) <= MOST_FOUND else Refused("search.shared")

    def _holds(self, reader: Reader, index: BlindIndex, person: Person, value: str) -> bool:
        """Tell whether a person's own field has the value that a term leads from; terms can be moved."""
        sealed = reader.get(SealedField, person.number, index.dataset, index.column)
        held = self._vault.open_field(person, sealed) if sealed is not None else []
        (asked, *normal) = form_named(index.normaliser).normalise([value, *held])
        return asked is not None and asked in normal

    def source_id(self, reader: Reader, ref: str, actor: Actor) -> str:
        """Turn the name of a person who was found into the source id; any other reference stays.

        Args:
            reader: A view.
            ref: A source id, or what a search gave this actor.
            actor: Who names the person.

        Raises:
            CallerError: ``search.handle-over``, or ``subject.unknown`` when every data set of the person was
                dropped.
            Refused: ``subject.erased`` when the person was erased since.
        """
        number = self._opened(ref, actor)
        if number is None:
            return ref
        subject = reader.get(Subject, number)
        if subject is None:
            raise Refused("subject.erased", told="", certificate="ID")
        person = self._vault.open(subject)
        for value in self._vault.source_ids(reader, person):
            if self._vault.lookup(value) == person.lookup:
                return value
        raise CallerError("subject.unknown")

    def _too_many(self, reader: Reader, actor: Actor) -> HedgerowError | None:
        since = timestamp(self._clock.now() - _WINDOW)
        recent = [s for s in reader.find(Search, principal=actor.acting_as) if s.time >= since]
        if sum(not search.is_hit for search in recent) < MOST_FAILED and len(recent) < MOST_SEARCHES:
            return None
        name = actor.acting_as
        return Refused("search.too-many", principal=name, failed=MOST_FAILED, all=MOST_SEARCHES)

    def _count(self, tx: Transaction, actor: Actor, entry: int, *, is_hit: bool) -> None:
        since = timestamp(self._clock.now() - _WINDOW)
        for search in tx.find(Search, principal=actor.acting_as):
            if search.time < since:
                tx.remove(Search, principal=search.principal, entry=search.entry)
        tx.add([Search(actor.acting_as, entry, timestamp(self._clock.now()), is_hit)])

    def _named(self, people: Sequence[Person], actor: Actor, entry: int) -> Found:
        until = self._clock.now() + _HANDLE_LIFETIME
        ends = int(until.timestamp())
        sealed = [
            seal(self._handle_key, _BODY.pack(person.number, ends), self._binding(actor)) for person in people
        ]
        names = [HANDLE_PREFIX + base64.b32encode(each).decode().rstrip("=").lower() for each in sealed]
        return Found(tuple(names), timestamp(datetime.fromtimestamp(ends, UTC)), entry)

    def _opened(self, ref: str, actor: Actor) -> int | None:
        """Open a name; none for whatever was not made here, for this actor: it may be a source id."""
        if not ref.startswith(HANDLE_PREFIX):
            return None
        body = ref.removeprefix(HANDLE_PREFIX).strip().upper()
        try:
            sealed = base64.b32decode(body + "=" * (-len(body) % 8))
            number, ends = _BODY.unpack(open_sealed(self._handle_key, sealed, self._binding(actor)))
        except (ValueError, Fault):
            return None
        if self._clock.now().timestamp() > ends:
            raise CallerError("search.handle-over")
        return int(number)

    def _binding(self, actor: Actor) -> Binding:
        return Binding(self._indexes.tenant, "found-handle", actor.acting_as, "", 1)
