"""Blind indexes: finding people by a value that is not stored, built and rotated beside other work."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hedgerow.kernel.blindindex import Form, form_named, is_too_narrow, new_form, term_key, terms
from hedgerow.kernel.envelope import new_key
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import CallerError, Fault, HedgerowError, Refused
from hedgerow.model.ports import Clock, Reader, Store, Transaction
from hedgerow.model.records import (
    BlindIndex,
    BlindTerm,
    Dataset,
    Member,
    SealedField,
    Subject,
    WrappedSecret,
)
from hedgerow.model.uses import Actor, ColumnView, Json
from hedgerow.model.words import ColumnRole
from hedgerow.spine.catalog import Catalog
from hedgerow.spine.journal import Journal
from hedgerow.spine.keyring import Keyring, secret_key
from hedgerow.spine.vault import Vault

BUILDING, CURRENT, RETIRED = "building", "current", "retired"
BATCH_PEOPLE = 5_000
_PREFIX = "blind-index/"
_ID_BITS = 62
# What discovery calls a column of each kind, besides names that say nothing of it.
_CATEGORIES = {
    "email": {"email"},
    "phone": {"phone"},
    "national-id": {"national-id", "passport", "health-id", "driving-licence"},
}
_SAY_NOTHING = {"", "text", "reference", "person-id", "number", "category", "empty", "username", "membership"}
Progress = Callable[[int, int], None]
Held = Mapping[str, Mapping[int, Sequence[str]]]
Pairs = list[tuple[bytes, int]]
Told = Mapping[tuple[str, str, int], str]


@dataclass(slots=True)
class Learned:
    """What a source tells of people, by column, and the terms of it under the indexes there were.

    Args:
        held: For each vault column each person's values.
        pairs: For each index its terms and whose they are.
    """

    held: dict[str, Mapping[int, Sequence[str]]] = field(repr=False, default_factory=dict)
    pairs: dict[int, Pairs] = field(repr=False, default_factory=dict)


class Indexes:
    """Makes, rotates and drops blind indexes, and keeps them true as people come.

    Guarantee: an index that is ``current`` holds a term for each value of each person of the column that
    reads as its kind, and no other; each version has a secret of its own, which goes with it. A
    building that was cut off anywhere goes on where it was.

    Args:
        store: The records.
        keyring: Wraps the secret of each version.
        vault: Opens the fields of people.
        catalog: Knows the columns.
        journal: Keeps what was done; no value and no count is in it.
        clock: The time.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        vault: Vault,
        catalog: Catalog,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._vault = vault
        self._catalog = catalog
        self._journal = journal
        self._clock = clock

    @property
    def tenant(self) -> str:
        """The organisation whose people these are."""
        return self._keyring.tenant

    def current(self, reader: Reader, dataset: str, column: str) -> BlindIndex:
        """Read the version that searches use.

        Raises:
            CallerError: ``index.none``, or ``index.building`` while the first version is not whole.
        """
        versions = reader.find(BlindIndex, dataset=dataset, column=column)
        for index in versions:
            if index.state == CURRENT:
                return index
        is_building = any(index.state == BUILDING for index in versions)
        if is_building:
            raise CallerError("index.building", dataset=dataset, column=column)
        raise self._none(reader, dataset, column)

    def listed(self, reader: Reader, dataset: str) -> list[dict[str, Json]]:
        """List the columns of a data set that people are found by, once each.

        Returns:
            ``column``, ``kind`` and ``state``: ``current``, or ``building`` while no version is whole.
        """
        # What is being built stands behind the version that searches use meanwhile.
        found = {
            index.column: index
            for state in (BUILDING, CURRENT)
            for index in reader.find(BlindIndex, dataset=dataset)
            if index.state == state
        }
        return [
            {"column": column, "kind": form_named(index.normaliser).kind, "state": index.state}
            for column, index in sorted(found.items())
        ]

    def _none(self, reader: Reader, dataset: str, column: str) -> CallerError:
        """Say that there is no index, and what would make one, if anything."""
        view = self._catalog.require_dataset(reader, dataset).column(column)
        if view is None:
            return CallerError("column.unknown", column=column, dataset=dataset)
        kinds = [kind for kind in _CATEGORIES if _objection(view, kind) is None]
        made = f"hedgerow dataset index {shlex.quote(dataset)} --column {shlex.quote(column)} --kind"
        way = "Search by another column: values of this one are none to index."
        if kinds:
            way = f"Make one with `{made} {kinds[0] if len(kinds) == 1 else 'KIND'}`."
        if len(kinds) > 1:
            way = f"{way[:-1]}, KIND being one of {', '.join(kinds)}."
        return CallerError("index.none", dataset=dataset, column=column, way=way)

    def find(self, reader: Reader, index: BlindIndex, value: str) -> list[int]:
        """Find who holds a value, without opening anything.

        Returns:
            Internal numbers, in order.

        Raises:
            CallerError: ``index.value`` when it does not read as the index's kind.
        """
        (normal,) = form_named(index.normaliser).normalise([value])
        if normal is None:
            raise CallerError("index.value", kind=form_named(index.normaliser).kind)
        (term,) = terms(self._key(reader, index), [normal])
        return [found.number for found in reader.find(BlindTerm, index_id=index.id, term=term)]

    def make(self, dataset: str, column: str, form: Form, actor: Actor, progress: Progress) -> BlindIndex:
        """Make an index, or go on with one of the same form that was cut off.

        Args:
            dataset: The data set.
            column: A direct identifier in its vault.
            form: How its values are brought into one form.
            actor: Who asked.
            progress: Told how many people were looked at, and of how many.

        Returns:
            The version that is current now.

        Raises:
            CallerError: ``index.exists``, or for an unknown data set or column.
            Refused: ``index.not-identifier``, ``index.sensitive``, ``index.other-kind``, ``index.unread`` or
                ``index.low-entropy``; nothing is kept then.
        """
        with self._store.write() as tx:
            self._check_column(tx, dataset, column, form.kind)
            newest = tx.newest(BlindIndex, dataset=dataset, column=column)
            goes_on = newest is not None and newest.state == BUILDING and newest.normaliser == form.name
            if newest is not None and not goes_on:
                raise CallerError("index.exists", dataset=dataset, column=column)
            begun = newest or self._begin(tx, dataset, column, form, 1, actor)
        return self._build(begun, actor, progress)

    def rotate(self, dataset: str, column: str, actor: Actor, progress: Progress) -> BlindIndex:
        """Build a new version under a new secret beside the old one, then take the old one away.

        Goes on with a version whose building was cut off. Where the column has become too narrow for an
        index, it goes altogether.

        Raises:
            CallerError: ``index.none``.
            Refused: ``index.low-entropy`` or ``index.unread``; there is no index then.
        """
        with self._store.write() as tx:
            self._catalog.require_dataset(tx, dataset)
            newest = tx.newest(BlindIndex, dataset=dataset, column=column)
            if newest is None:
                raise self._none(tx, dataset, column)
            form = form_named(newest.normaliser)
            newer = new_form(
                form.kind, *(("", form.detail) if form.kind == "national-id" else (form.detail,))
            )
            is_begun = newest.state == BUILDING
            begun = newest if is_begun else self._begin(tx, dataset, column, newer, newest.version + 1, actor)
        return self._build(begun, actor, progress)

    def drop(self, dataset: str, column: str, actor: Actor) -> int:
        """Take every version of an index away.

        Returns:
            The journal entry.

        Raises:
            CallerError: ``index.none``.
        """
        with self._store.write() as tx:
            if not _forget(tx, tx.find(BlindIndex, dataset=dataset, column=column)):
                raise self._none(tx, dataset, column)
            entry = self._journal.append(
                tx, "dataset.index.drop", actor, {"dataset": dataset, "column": column}
            )
        self._store.scrub()
        return entry

    def overtaken(self, told: Told, erasures: Iterable[Mapping[str, Json]]) -> list[tuple[str, str]]:
        """List the indexes whose secret was there when somebody in their data set was erased.

        Args:
            told: When each was made, as the verified journal has it.
            erasures: The bodies of the certificates.

        Returns:
            Data set and column of each.
        """
        when: dict[str, str] = {}
        for body in erasures:
            for name in _names(body.get("datasets")):
                when[name] = max(when.get(name, ""), str(body["erased"]))
        found = {
            (dataset, column): None
            for (dataset, column, _), made in told.items()
            if made <= when.get(dataset, "")
        }
        return list(found)

    def learn(self, dataset: str, held: Held) -> Learned:
        """Work out the terms of what a source tells of people, before it is stored.

        Args:
            dataset: Where to.
            held: For each vault column each person's values.
        """
        learned = Learned(dict(held))
        with self._store.read() as reader:
            for index in _active(reader, dataset):
                if index.column in held:
                    learned.pairs[index.id] = self._pairs(reader, index, held[index.column])[0]
        return learned

    def keep(self, tx: Transaction, dataset: str, learned: Learned, fresh: Iterable[int]) -> None:
        """Store the terms of what was learned, in the transaction that stores the people.

        Args:
            tx: The transaction.
            dataset: Where to.
            learned: What ``learn`` gave; of an index made since, the terms are worked out here.
            fresh: Numbers of people nobody knew before.
        """
        new = frozenset(fresh)
        for index in _active(tx, dataset):
            if index.column not in learned.held:
                continue
            pairs = learned.pairs.get(index.id)
            if pairs is None:
                pairs, _ = self._pairs(tx, index, learned.held[index.column])
            if index.state == BUILDING:
                # Whom the building has not come to yet, it will find with these values.
                pairs = [pair for pair in pairs if pair[1] <= index.reached]
            known = {number for _, number in pairs} - new
            there = {(t.term, t.number) for t in _terms_of(tx, index, sorted(known))}
            tx.add(BlindTerm(index.id, *pair) for pair in pairs if pair not in there)

    def _check_column(self, reader: Reader, dataset: str, column: str, kind: str) -> None:
        view = self._catalog.require_dataset(reader, dataset).column(column)
        if view is None:
            raise CallerError("column.unknown", column=column, dataset=dataset)
        if objection := _objection(view, kind):
            raise Refused(objection, dataset=dataset, column=column, category=view.category, kind=kind)

    def _begin(
        self, tx: Transaction, dataset: str, column: str, form: Form, version: int, actor: Actor
    ) -> BlindIndex:
        now = timestamp(self._clock.now())
        index = BlindIndex(dataset, column, version, secrets.randbits(_ID_BITS), form.name, BUILDING, now)
        name = _secret_name(index)
        wrapped = self._keyring.backend.wrap(new_key(), secret_key(self._keyring.tenant, name))
        tx.add(self._keyring.current(tx, [WrappedSecret(name, wrapped)]))
        tx.add([index])
        # Each person's field is opened from here on, by whoever is named here.
        self._journal.append(tx, "dataset.index", actor, _facts(index))
        return index

    def _build(self, begun: BlindIndex, actor: Actor, progress: Progress) -> BlindIndex:
        while (index := self._step(begun, actor, progress)).state == BUILDING:
            pass
        self._clear(begun.dataset)
        return index

    def _step(self, begun: BlindIndex, actor: Actor, progress: Progress) -> BlindIndex:
        """Look at the next people, a transaction for each batch, so that others work in between."""
        with self._store.write() as tx:
            index = tx.get(BlindIndex, begun.dataset, begun.column, begun.version)
            if index is None or index.id != begun.id:
                raise Fault("table.changed")
            if index.state != BUILDING:
                return index
            page = tx.page(Member, (index.dataset, index.reached), BATCH_PEOPLE)
            numbers = [member.number for member in page if member.dataset == index.dataset]
            is_whole, is_first = not numbers, index.reached < 0
            if numbers:
                index = self._advance(tx, index, numbers)
            objection = self._judged(tx, index) if is_whole or is_first else None
            if objection is not None:
                self._abandon(tx, index, objection, actor)
            elif is_whole:
                index = self._switch(tx, index, actor)
            record = tx.get(Dataset, index.dataset)
        if objection is not None:
            self._store.scrub()
            raise objection
        total = record.people_count if record is not None else 0
        progress(min(index.held + index.unread, total), total)
        return index

    def _advance(self, tx: Transaction, index: BlindIndex, numbers: list[int]) -> BlindIndex:
        """Open the field of some people and store the terms of its values."""
        fields = {
            record.number: record
            for record in tx.find_any(SealedField, "number", numbers)
            if record.dataset == index.dataset and record.name == index.column
        }
        people = self._vault.open_many(tx.find_any(Subject, "number", list(fields)))
        held = {person.number: self._vault.open_field(person, fields[person.number]) for person in people}
        pairs, unread = self._pairs(tx, index, held)
        # In order of the terms, so that the store writes each page once.
        tx.add(BlindTerm(index.id, *pair) for pair in sorted(pairs))
        moved = replace(
            index, reached=numbers[-1], held=index.held + len(pairs), unread=index.unread + unread
        )
        tx.put(moved)
        return moved

    def _judged(self, reader: Reader, index: BlindIndex) -> HedgerowError | None:
        names = {"dataset": index.dataset, "column": index.column}
        if index.unread > index.held:
            return Refused("index.unread", kind=form_named(index.normaliser).kind, **names)
        held = reader.values(BlindTerm, "term", index_id=index.id)
        return Refused("index.low-entropy", **names) if is_too_narrow(map(_as_bytes, held)) else None

    def _abandon(self, tx: Transaction, index: BlindIndex, why: HedgerowError, actor: Actor) -> None:
        _forget(tx, tx.find(BlindIndex, dataset=index.dataset, column=index.column))
        self._journal.append(tx, "dataset.index.refuse", actor, {**_facts(index), "reasons": [why.code]})

    def _switch(self, tx: Transaction, index: BlindIndex, actor: Actor) -> BlindIndex:
        """Let searches use the new version; the secret of the old one goes in the same transaction."""
        for old in tx.find(BlindIndex, dataset=index.dataset, column=index.column, state=CURRENT):
            tx.remove(WrappedSecret, name=_secret_name(old))
            tx.put(replace(old, state=RETIRED))
        whole = replace(index, state=CURRENT)
        tx.put(whole)
        self._journal.append(tx, "dataset.index.built", actor, _facts(whole))
        return whole

    def _clear(self, dataset: str) -> None:
        """Take away the terms of versions that were replaced; without their secret they match nothing."""
        with self._store.write() as tx:
            _forget(tx, tx.find(BlindIndex, dataset=dataset, state=RETIRED))
        self._store.scrub()

    def _key(self, reader: Reader, index: BlindIndex) -> bytes:
        name, tenant = _secret_name(index), self._keyring.tenant
        found = reader.get(WrappedSecret, name)
        if found is None:
            raise Fault("store.unreadable")
        secret = self._keyring.backend.unwrap(found.wrapped, secret_key(tenant, name))
        return term_key(secret, tenant, index.dataset, index.column, index.normaliser, index.version)

    def _pairs(
        self, reader: Reader, index: BlindIndex, held: Mapping[int, Sequence[str]]
    ) -> tuple[Pairs, int]:
        """Give the distinct terms of people's values, and how many values have none."""
        owners = [number for number, values in held.items() for _ in values]
        normal = form_named(index.normaliser).normalise(v for values in held.values() for v in values)
        read = [(number, value) for number, value in zip(owners, normal, strict=True) if value is not None]
        made = terms(self._key(reader, index), [value for _, value in read])
        pairs = {(term, number): None for term, (number, _) in zip(made, read, strict=True)}
        return list(pairs), len(owners) - len(read)


def forget_indexes(tx: Transaction, dataset: str) -> None:
    """Take every index of a data set away, with its secret."""
    _forget(tx, tx.find(BlindIndex, dataset=dataset))


def index_caveat(reader: Reader, told: Told, erased: Mapping[str, Json]) -> list[str]:
    """Say of an erasure which indexes still have the key of its time; nothing where none has.

    Args:
        reader: A view.
        told: When each index was made, as the verified journal has it; a record may say otherwise.
        erased: The body of the erasure's certificate.
    """
    here = set(_names(erased.get("datasets")))
    kept = {
        f"{column} of {dataset}"
        for (dataset, column, _), made in told.items()
        if dataset in here and made <= str(erased["erased"])
    } | {
        f"{index.column} of {index.dataset}"
        for index in reader.find(BlindIndex)
        if index.dataset in here and index.created <= str(erased["erased"])
    }
    return [
        f"copies of search terms made before the erasure, until the index of {name} is rotated"
        for name in sorted(kept)
    ]


def _active(reader: Reader, dataset: str) -> Iterator[BlindIndex]:
    return (index for index in reader.find(BlindIndex, dataset=dataset) if index.state != RETIRED)


def _terms_of(reader: Reader, index: BlindIndex, numbers: Sequence[int]) -> list[BlindTerm]:
    found = reader.find_any(BlindTerm, "number", numbers) if numbers else []
    return [term for term in found if term.index_id == index.id]


def _forget(tx: Transaction, found: Sequence[BlindIndex]) -> int:
    for index in found:
        tx.remove(BlindTerm, index_id=index.id)
        tx.remove(WrappedSecret, name=_secret_name(index))
        tx.remove(BlindIndex, dataset=index.dataset, column=index.column, version=index.version)
    return len(found)


def _secret_name(index: BlindIndex) -> str:
    return f"{_PREFIX}{index.id}"


def _facts(index: BlindIndex) -> dict[str, Json]:
    return {
        "dataset": index.dataset,
        "column": index.column,
        "version": index.version,
        "normaliser": index.normaliser,
    }


def _objection(view: ColumnView, kind: str) -> str | None:
    if view.role == ColumnRole.SENSITIVE:
        return "index.sensitive"
    if not view.in_vault:
        return "index.not-identifier"
    return None if view.category in _CATEGORIES[kind] | _SAY_NOTHING else "index.other-kind"


def _names(value: Json) -> list[str]:
    return [str(name) for name in value] if isinstance(value, (list, tuple)) else []


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
