"""Whose a token of a release is: told with four eyes, for a purpose and a reason, and journaled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from hedgerow.kernel.envelope import pseudonym
from hedgerow.kernel.tokens.reversible import bound_to, opened_by
from hedgerow.model.canonical import digest
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.keys import Scope
from hedgerow.model.ports import Reader, Store
from hedgerow.model.records import DatasetPurpose, Released, Subject
from hedgerow.model.tokens import DETERMINISTIC, INNER_SCOPE, RECIPIENT, RELEASE, scope_to
from hedgerow.model.uses import Actor, Json
from hedgerow.model.words import Basis
from hedgerow.spine.approvals import Approvals, Asked
from hedgerow.spine.catalog import Catalog
from hedgerow.spine.consent import Consents
from hedgerow.spine.drawn import DrawnTokens
from hedgerow.spine.gate import Gate
from hedgerow.spine.journal import Journal
from hedgerow.spine.permission import Context
from hedgerow.spine.tokens import person_secret, scopes_of
from hedgerow.spine.vault import Person, Vault

ACTION, OPENED, ENDED = "token.reveal", "token.open", "token.reveal"
TECHNIQUE = "tokens"
MOST_TOKENS, MOST_REASON = 20, 200
INNER = Scope(*INNER_SCOPE)
_NAMED, _SEALED, _DRAWN = "pseudonym", "reversible", "random"
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Told:
    """What a token was told to be.

    Args:
        token: The token.
        column: Its column; empty where nothing was found.
        people: The source ids of its person, or of each who has its value; none where nothing was found.
        value: The value it stands for; none where it stands for the person.
    """

    token: str = field(repr=False)
    column: str = ""
    people: tuple[tuple[str, ...], ...] = field(repr=False, default=())
    value: str | None = field(repr=False, default=None)


@dataclass(slots=True)
class _Found:
    """What was found of one token."""

    column: str
    people: list[Person] = field(default_factory=list, repr=False)
    value: str | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a release whose tokens can be told."""

    name: str
    kind: str
    scope: Scope
    prefix: str
    of: str


class Revealing:
    """Tells whose a token is.

    Guarantee: nothing is opened before somebody else, a privacy officer, granted exactly this: these tokens
        of this release, for this purpose and reason; the grant is used up and the opening journaled first.
        Only people are named whom the release's data set holds now with a basis for the purpose. Of anybody
        else, of who was erased, and of what never was a token the answer is the same.

    Args:
        store: The records.
        gate: Admits the act.
        catalog: Knows purposes and data sets.
        consents: Knows who is covered.
        vault: Opens people.
        approvals: Keeps who granted what.
        journal: Keeps each opening.
        drawn: Knows what drawn tokens stand for.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        catalog: Catalog,
        consents: Consents,
        vault: Vault,
        approvals: Approvals,
        journal: Journal,
        drawn: DrawnTokens,
    ) -> None:
        self.drawn = drawn
        self._store = store
        self._gate = gate
        self._catalog = catalog
        self._consents = consents
        self._vault = vault
        self._approvals = approvals
        self._journal = journal

    def reveal(
        self, release: str, tokens: Sequence[str], purpose: str, reason: str, actor: Actor
    ) -> tuple[list[Told], int]:
        """Tell whose tokens of a release are.

        Args:
            release: Its id.
            tokens: At most 20 tokens.
            purpose: Why; a purpose that the data set serves.
            reason: Why these, at most 200 printable characters; whoever approves reads it.
            actor: Who asks.

        Returns:
            What each token is, in the order given, and the journal entry.

        Raises:
            Refused: By policy, ``basis.missing``, or ``approval.*`` until somebody else granted it.
            CallerError: ``released.unknown``, ``reveal.*``.
        """
        self._gate.require(actor, ACTION)
        _check(tokens, reason)
        with self._store.read() as reader:
            record, basis = self._release(reader, release, purpose, actor)
        context: Context = {"purpose": purpose, "technique": TECHNIQUE}
        self._gate.require(actor, ACTION, record.dataset, context)
        asked = self._asked(record, tokens, purpose, reason, actor)
        with self._store.write() as tx:
            granted, opened = self._approvals.needed(tx, asked), -1
            if not isinstance(granted, Refused):
                told = {**self._facts(record, purpose, reason, tokens), "approval": granted.id}
                opened = self._journal.append(tx, OPENED, actor, told)
        if isinstance(granted, Refused):
            raise granted
        with self._store.read() as reader:
            found = self._found(reader, record, tokens, purpose, basis)
        return self._ended(record, tokens, found, opened, actor)

    def _release(self, reader: Reader, release: str, purpose: str, actor: Actor) -> tuple[Released, Basis]:
        record = reader.get(Released, release)
        if record is None or not self._gate.permits(actor, ACTION, record.dataset):
            raise CallerError("released.unknown", release=release)
        if record.technique != TECHNIQUE:
            raise CallerError("reveal.no-tokens", release=release)
        self._catalog.require_purpose(reader, purpose)
        held = reader.get(DatasetPurpose, record.dataset, purpose)
        if held is None:
            raise Refused("basis.missing", dataset=record.dataset, purpose=purpose)
        self._catalog.require_dataset(reader, record.dataset)
        return record, Basis(held.basis)

    def _asked(
        self, record: Released, tokens: Sequence[str], purpose: str, reason: str, actor: Actor
    ) -> Asked:
        marks = sorted(self._vault.mark(token) for token in tokens)
        bound: dict[str, Json] = {"release": record.id, "tokens": cast("Json", marks), "reason": reason}
        summary: dict[str, Json] = {
            "release": record.id,
            "tokens": len(marks),
            "recipient": _recipient(record),
        }
        words: dict[str, Json] = {"reason": reason}
        return Asked(ACTION, actor, bound, summary, words, dataset=record.dataset, purpose=purpose)

    def _facts(self, record: Released, purpose: str, reason: str, tokens: Sequence[str]) -> dict[str, Json]:
        return {
            "release": record.id,
            "dataset": record.dataset,
            "purpose": purpose,
            # Keyed: a plain hash of a short reason could be guessed.
            "reason": self._vault.mark(digest([record.id, reason])),
            "tokens": len(tokens),
        }

    def _found(
        self, reader: Reader, record: Released, wanted: Sequence[str], purpose: str, basis: Basis
    ) -> dict[str, _Found]:
        """Find the people of tokens, among those the data set holds with a basis for the purpose."""
        columns = _columns(record, self._vault.tenant)
        version = self._catalog.require_dataset(reader, record.dataset).version
        people = self._consents.covered(reader, record.dataset, version, purpose, basis).tolist()
        found = self._drawn_for(reader, record, wanted, columns, frozenset(people))
        own = [column for column in columns if column.kind != _DRAWN]
        for start in range(0, len(people) if own else 0, _AT_ONCE):
            held = reader.find_any(Subject, "number", people[start : start + _AT_ONCE])
            for person in self._vault.open_many(held):
                for column in own:
                    found |= _of_person(person, column, wanted)
        return found

    def _drawn_for(
        self,
        reader: Reader,
        record: Released,
        wanted: Sequence[str],
        columns: Sequence[_Column],
        covered: frozenset[int],
    ) -> dict[str, _Found]:
        """Look tokens up in the map of what was drawn, of covered people alone."""
        marks = {
            self._vault.token_mark(record.id, column.name, token): token
            for column in columns
            for token in wanted
            if column.kind == _DRAWN
        }
        found: dict[str, _Found] = {}
        for mark, meanings in self.drawn.meanings(reader, record.id, list(marks)).items():
            here = [each for each in meanings if each.number in covered]
            subjects = reader.find_any(Subject, "number", [each.number for each in here])
            if subjects:
                value = here[0].value or None
                found[marks[mark]] = _Found(here[0].column, self._vault.open_many(subjects), value)
        return found

    def _ended(
        self,
        record: Released,
        tokens: Sequence[str],
        found: Mapping[str, _Found],
        opened: int,
        actor: Actor,
    ) -> tuple[list[Told], int]:
        """Journal whom it named, each under the person's own key, before the answer leaves."""
        with self._store.write() as tx:
            for each in found.values():
                # Whoever was erased meanwhile is not named any more.
                each.people = [person for person in each.people if tx.get(Subject, person.number)]
            told = [self._told(tx, token, found.get(token)) for token in tokens]
            people = {person.number: person for each in found.values() for person in each.people}
            facts: dict[str, Json] = {"opened": opened, "release": record.id, "dataset": record.dataset,
                                      "tokens": len(tokens)}  # fmt: skip
            entry = self._journal.append(tx, ENDED, actor, facts, [each.about for each in people.values()])
        return told, entry

    def _told(self, reader: Reader, token: str, found: _Found | None) -> Told:
        if found is None or not found.people:
            return Told(token)
        return Told(
            token, found.column, tuple(self._refs(reader, each) for each in found.people), found.value
        )

    def _refs(self, reader: Reader, person: Person) -> tuple[str, ...]:
        held = self._vault.source_ids(reader, person)
        return tuple(dict.fromkeys(ref for ref in held if self._vault.lookup(ref) == person.lookup))


def _of_person(person: Person, column: _Column, wanted: Sequence[str]) -> dict[str, _Found]:
    """Find which of some tokens are a person's, in a column."""
    secret = person_secret(person, column.scope.as_bytes())
    if column.kind == _NAMED:
        token = column.prefix + pseudonym(secret, INNER)
        return {token: _Found(column.name, [person])} if token in wanted else {}
    opened = opened_by(secret, bound_to(INNER, column.of), wanted)
    return {token: _Found(column.name, [person], value) for token, value in opened.items()}


def _check(tokens: Sequence[str], reason: str) -> None:
    if not 0 < len(set(tokens)) == len(tokens) <= MOST_TOKENS:
        raise CallerError("reveal.tokens", most=MOST_TOKENS)
    if not reason.strip() or len(reason) > MOST_REASON or not reason.isprintable():
        raise CallerError("reveal.reason", most=MOST_REASON)


def _summary(record: Released) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", json.loads(record.summary))


def _recipient(record: Released) -> str | None:
    return cast("str | None", _summary(record)["recipient"])


def _columns(record: Released, tenant: str) -> list[_Column]:
    """List the columns of a release whose tokens lead to a person by the person's own key."""
    to = scope_to(_recipient(record) or "", is_of_file=_summary(record)["file"] is not None)
    named = [(RELEASE, record.id), (RECIPIENT, to)]
    scopes = scopes_of(tenant, record.purpose, record.dataset, named)
    told = cast("Sequence[Mapping[str, str]]", _summary(record)["columns"])
    return [
        _Column(
            each["column"],
            each["kind"],
            scopes[RECIPIENT if each["policy"] == DETERMINISTIC else RELEASE],
            each.get("prefix", ""),
            each.get("of") or each["from"],
        )
        for each in told
        if each["kind"] in (_NAMED, _SEALED, _DRAWN)
    ]
